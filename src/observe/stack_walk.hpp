// Whole stacks, again and again: what a recorder needs. As unwind.hpp, but what has been found out about an
// address is kept.
//
//   rules      a table shared by all threads, without locks: an entry is the packed rules and, exclusive-or
//              them, the address. Two stores that mix make an entry of no address.
//   readable   the pages of the thread's stack that are known to be; it begins anew when the thread is
//              on another stack
//
// A frame in the short form costs a look into the table and two loads. Code that is unloaded leaves its
// rules behind; what is loaded in its place may then have a wrong caller, but nothing faults.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "os/registers.hpp"

namespace strata::observe {

class stack_walker {
 public:
  // What a thread keeps from walk to walk.
  struct known_stack {
    std::uintptr_t from = 0;
    std::uintptr_t to = 0;
  };

  // False: no memory for the table.
  bool set_up();

  // The return addresses of the caller's stack, the innermost first, without those of this library.
  // Returns how many. The last is 0 where there are more.
  std::size_t walk(known_stack& known, std::uintptr_t* calls, std::size_t most);

 private:
  struct kept {
    std::atomic<std::uint64_t> check;
    std::atomic<std::uint64_t> packed;
  };
  static constexpr std::size_t entries = std::size_t{1} << 15;

  struct place;
  std::uint64_t rules_at(std::uintptr_t pc);
  bool go_on(place& at, known_stack& known);

  kept* table_ = nullptr;
  std::uintptr_t own_start_ = 0;
  std::uintptr_t own_bytes_ = 0;
};

}  // namespace strata::observe
