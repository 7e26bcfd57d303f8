#include "cli/model/replay/translator.hpp"

namespace strata::cli::replay {

using wire::entry_kind;

void translator::add(const capture::event& one, std::vector<operation>& into) {
  resizing before;
  const bool was_resizing = take_resizing(one.thread, before);
  const bool is_its_end = one.kind == entry_kind::resize_in ||
                          (one.kind == entry_kind::resize_back && one.block == before.block);
  if (was_resizing && !is_its_end) add_free(before.slot, into);  // its end was not seen
  capture::live_block block;
  switch (one.kind) {
    case entry_kind::allocate:
      add_made(one, free_slot(), action::allocate, into);
      break;
    case entry_kind::resize_in:
      if (was_resizing)
        add_made(one, before.slot, action::resize, into);
      else
        add_made(one, free_slot(), action::allocate, into);
      break;
    case entry_kind::deallocate:
    case entry_kind::resize_out:
      if (!slots_.remove(one.block, block)) {
        ++unknown_frees_;
      } else if (one.kind == entry_kind::deallocate) {
        add_free(block.node, into);
      } else {
        resizing_[one.thread] = {one.block, block.node};
      }
      break;
    case entry_kind::resize_back:
      if (was_resizing && is_its_end) slots_.insert({one.block, 0, before.slot, one.thread, 0});
      break;
    case entry_kind::nothing:
      break;
  }
}

void translator::add_free(std::uint32_t slot, std::vector<operation>& into) {
  into.emplace_back(action::free, slot, 0);
  free_slots_.push_back(slot);
}

void translator::add_made(const capture::event& one, std::uint32_t slot, action what,
                          std::vector<operation>& into) {
  slots_.insert({one.block, one.size, slot, one.thread, one.time_ms});
  into.emplace_back(what, slot, one.size);
}

bool translator::take_resizing(std::uint32_t thread, resizing& into) {
  if (resizing_.empty()) return false;
  const auto found = resizing_.find(thread);
  if (found == resizing_.end()) return false;
  into = found->second;
  resizing_.erase(found);
  return true;
}

std::uint32_t translator::free_slot() {
  if (free_slots_.empty()) return slots_used_++;
  const std::uint32_t slot = free_slots_.back();
  free_slots_.pop_back();
  return slot;
}

}  // namespace strata::cli::replay
