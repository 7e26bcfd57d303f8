// A plan is a heap's way to give memory to mutators and to get it back. It composes spaces; the core
// around it (core.hpp) knows threads, roots and errors, and no plan.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>

#include "gc/copy_space.hpp"
#include "gc/world.hpp"
#include "strata/gc/heap.hpp"
#include "strata/gc/listener.hpp"

namespace strata::gc {

namespace detail {
class core;
}
using detail::core;

class plan_base {
 public:
  virtual ~plan_base() = default;

  // False when the system refuses what the plan needs.
  virtual bool open() { return true; }
  // A range of at least `bytes` for a mutator's objects; empty when that would pass the heap's limit.
  virtual bump_range refill(record& of, std::size_t bytes) = 0;
  // Objects up to so many bytes, headers and all, come from slots of their size, which fit a whole number of
  // times into what refill_slots gives; it is empty when that would pass the limit.
  [[nodiscard]] virtual std::size_t most_slot_bytes() const { return 0; }
  virtual bump_range refill_slots(std::size_t) { return {}; }
  // Zeroed blocks for a large object, header and all; null when that would pass the limit.
  virtual std::byte* take_large(std::size_t bytes) = 0;
  // The world is stopped, and no mutator has a buffer. What it did, which may be more than was asked for.
  virtual collection collect(collection kind) = 0;
  // What to try first when there is no memory.
  virtual collection first_try() { return collection::full; }
  // And then. World running: may wait for what is under way.
  virtual collection next_try() { return collection::full; }
  // What is wrong with a field of a live object, as the plan sees it; null when nothing is.
  [[nodiscard]] virtual const char* complaint_about(void* object, void** field) const {
    static_cast<void>(object), static_cast<void>(field);
    return nullptr;
  }
  // What the live objects of the last full collection need, with the room for their copies.
  [[nodiscard]] virtual std::uint64_t needed_bytes() const { return live_bytes; }
  // Of the next collection.
  effort trying = effort::usual;
  // What collections have moved so far, of that out of the young generation, and what the last full one
  // has reached.
  std::uint64_t moved_bytes = 0;
  std::uint64_t promoted_bytes = 0;
  std::uint64_t live_bytes = 0;
  std::uint64_t concurrent_markings = 0;
  // Of the last collection.
  marking_step step = marking_step::none;
};

std::unique_ptr<plan_base> make_semispace(core& of);
enum class evacuation : std::uint8_t { never, when_fragmented };
std::unique_ptr<plan_base> make_immix(core& of, evacuation when);
std::unique_ptr<plan_base> make_lisp2(core& of);
std::unique_ptr<plan_base> make_compressor(core& of);
std::unique_ptr<plan_base> make_two_finger(core& of);
enum class marking : std::uint8_t { in_pauses, concurrent };
std::unique_ptr<plan_base> make_generational(core& of, marking how);

}  // namespace strata::gc
