// Two-Finger compaction (Edwards, in Saunders, 1974) of objects up to 256 bytes, which lie in pages by size:
// the last of a size go to the first free slots of that size. It reads and moves little, and puts no two
// objects next to each other that belong together. What is larger slides, by bitmap and offsets.
//
//   <= 256 bytes    slot_space     moved by two fingers, before references are told
//   <= half a block slide          moved afterwards
//   larger          large_space    stays
//
// Mutators take slots by size, so that each allocation up to 256 bytes is a call.
#include <algorithm>

#include "gc/offset_table.hpp"
#include "gc/plans/compacting.hpp"
#include "gc/slot_space.hpp"

namespace strata::gc {
namespace {

class two_finger final : public compacting<two_finger> {
 public:
  explicit two_finger(core& of)
      : compacting(of), offsets_(blocks_, live_, slide_), slots_(blocks_, live_) {}

  bool open() override { return compacting::open() && offsets_.open() && slots_.open(); }
  [[nodiscard]] std::size_t most_slot_bytes() const override { return slot_space::most_bytes; }
  bump_range refill_slots(std::size_t bytes) override {
    std::lock_guard guard{core_.lock()};
    if (bump_range found = slots_.take(bytes); found.cursor != nullptr) return found;
    std::size_t block = take_block(use::slots);
    if (block == blocks::none) return {};
    slots_.add_block(block);
    return slots_.take(bytes);
  }

  static void begin() {}
  void note(void* object, std::uint64_t word) {
    if (!is_slot(object)) offsets_.note(object, word);
  }
  void keep(void* object) { is_slot(object) ? slots_.keep(object) : slide_.keep_chunk_of(object); }
  void place() {
    offsets_.place();
    moved_bytes += slots_.compact();
    // Those that were found have moved, perhaps.
    found& weaks = core_.weaks().of_old;
    for (row<void*>* each : {&weaks.weaks, &weaks.ephemerons}) {
      for (void*& object : *each)
        if (is_slot(object)) object = slots_.new_address(object);
    }
  }
  [[nodiscard]] STRATA_INLINE void* new_address(void* object) const {
    return is_slot(object) ? slots_.new_address(object) : offsets_.new_address(object);
  }
  void move() {
    slots_.settle();
    slots_.each([this](void* object) { tell_fields_of(object, *type_of_object(object)); });
    moved_bytes += offsets_.move([this](void* object, type& of) { tell_fields_of(object, of); });
  }
  void reclaim(blocks::after then) {
    slots_.reclaim(then);
    slide_.reclaim(then);
  }

 private:
  [[nodiscard]] bool is_slot(const void* object) const {
    return blocks_.use_at(object) == use::slots;
  }

  offset_table offsets_;
  slot_space slots_;
};

}  // namespace

std::unique_ptr<plan_base> make_two_finger(core& of) { return std::make_unique<two_finger>(of); }

}  // namespace strata::gc
