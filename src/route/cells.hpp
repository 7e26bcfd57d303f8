// Pools of one thread: for each class of sizes, chunks of cells that are as long.
//
//   open_[class] --> | cell | free | cell | ....... |  --> | ........ |      chunks that have room
//                             ^ free        top              all_ has the full ones, too
//
// A cell that another thread gives back waits in its chunk (sent_back) until this one has no room left.
// A chunk without any cell in use gives its pages back, unless it is the only open one of its class.
// For its thread alone, but for go_elsewhere().
#pragma once

#include "route/region.hpp"

namespace strata::route {

class cells {
 public:
  static constexpr std::size_t most_bytes = 4096;

  // A cell of so many bytes, which are whole granules. Null: there is no more room, or it is too long.
  void* allocate(std::size_t bytes, seat* owner);
  // A cell of the last class, which has whatever length: the same each time.
  void* allocate_of_last(std::size_t bytes, seat* owner) {
    return allocate_from(last_class, bytes, owner);
  }
  // The live cell at the address goes.
  void go(chunk& in, std::uintptr_t at);
  void go_elsewhere(chunk& in, std::uintptr_t at);

 private:
  static constexpr std::size_t last_class = most_bytes / granule_bytes + 1;
  static std::size_t class_of(std::size_t bytes) {
    return bytes <= most_bytes ? bytes / granule_bytes : last_class;
  }

  void* allocate_from(std::size_t number, std::size_t bytes, seat* owner);
  static void* take_cell(chunk& from);
  static bool take_in(chunk& of);  // what was sent back; false: nothing was
  bool find_room(std::size_t number, std::size_t bytes, seat* owner);
  void open(std::size_t number, chunk& one);
  void close(std::size_t number, chunk& one);

  chunk* open_[last_class + 1] = {};
  chunk* all_ = nullptr;
  chunk* empty_ = nullptr;
  std::atomic<std::uint64_t> sent_back_{0};  // since it was looked for last
};

}  // namespace strata::route
