// Makes operations of the events of one process.
//
// A realloc is two events, with others of other threads between them: the block has lost its name then,
// but is live until the second comes.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "cli/model/capture/heap.hpp"
#include "cli/model/replay/operation.hpp"

namespace strata::cli::replay {

class event_translator {
 public:
  event_translator() = default;
  event_translator(const event_translator&) = delete;
  event_translator& operator=(const event_translator&) = delete;
  virtual ~event_translator() = default;

  // Appends the operations that the event amounts to.
  virtual void add(const capture::event& one, std::vector<operation>& into) = 0;
  // There are no more events.
  virtual void finish(std::vector<operation>& /*into*/) {}
  // Frees of blocks that were never seen allocated; there is no operation for them.
  virtual std::uint64_t unknown_frees() const = 0;
};

// What was recorded, as it was.
class translator final : public event_translator {
 public:
  void add(const capture::event& one, std::vector<operation>& into) override;
  std::uint64_t unknown_frees() const override { return unknown_frees_; }

 private:
  struct resizing {
    std::uint64_t block = 0;
    std::uint32_t slot = 0;
  };

  void add_free(std::uint32_t slot, std::vector<operation>& into);
  void add_made(const capture::event& one, std::uint32_t slot, action what,
                std::vector<operation>& into);
  bool take_resizing(std::uint32_t thread, resizing& into);
  std::uint32_t free_slot();

  capture::live_blocks slots_;  // the node of a block is its slot
  std::vector<std::uint32_t> free_slots_;
  std::uint32_t slots_used_ = 0;
  std::unordered_map<std::uint32_t, resizing> resizing_;  // by thread
  std::uint64_t unknown_frees_ = 0;
};

}  // namespace strata::cli::replay
