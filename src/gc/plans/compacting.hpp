// What plans share that compact (Jones and others, 'The garbage collection handbook', chapter 3): mark, find a
// new place for each object, tell references, move. They need no room for copies, so that objects may take
// all that the heap may hold.
//
//   1  mark      from the roots; ephemerons until nothing changes. What lives is in `extents`
//   2  place     each object's new place is known afterwards, and the collector can tell it from the old
//   3  tell      roots, weak references, tables, large objects
//   4  move      and tell the references in what has moved
//   5  reclaim
//
// How places are found and kept, and whether 3 and 4 are one pass, is the way's own business:
//   way.begin()              before 1
//   way.note(object, word)   in 1: an object that is not large, and its header's word
//   way.place()              2
//   way.new_address(object)  from then on, until 4 has moved it: of one that lives; a large one has its old
//   way.move()               4, for all that is not large
//   way.reclaim(then)        5
#pragma once

#include "gc/core.hpp"
#include "gc/extents.hpp"
#include "gc/fetch_queue.hpp"
#include "gc/large_space.hpp"
#include "gc/object_inl.hpp"
#include "gc/plans/plan.hpp"
#include "gc/slide.hpp"

namespace strata::gc {

template <class Way>
class compacting : public plan_base {
 public:
  explicit compacting(core& of)
      : core_(of),
        blocks_(of.blocks()),
        live_(blocks_),
        slide_(blocks_, live_, use::objects),
        large_(blocks_),
        most_blocks_(base::divide_up(of.options().max_bytes, detail::block_bytes)) {}

  bool open() override { return large_.open(0) && live_.open() && slide_.open(); }

  bump_range refill(record&, std::size_t bytes) override {
    std::lock_guard guard{core_.lock()};
    if (bytes < medium_bytes) {
      if (bump_range hole = slide_.take_hole(bytes); hole.cursor != nullptr) return hole;
    }
    std::size_t block = take_block(use::objects);
    if (block == blocks::none) return slide_.take_hole(bytes);
    return {blocks_.address_of(block), blocks_.address_of(block) + detail::block_bytes};
  }

  std::byte* take_large(std::size_t bytes) override {
    return large_.take_zeroed(bytes, core_.lock(),
                              [this](std::size_t wanted) { return has_room(wanted); });
  }

  collection collect(collection) override {
    mark();
    core_.each_pinned([this](void* object) {
      if (!is_large(object)) way().keep(object);
    });
    way().place();
    placed_ = true;
    tell();
    way().move();
    reclaim();
    placed_ = false;
    return collection::full;
  }

  // For weak_set: references are told once places are known.
  bool keep(void*& object) const {
    if (is_large(object)) return header::mark(object) == core_.epoch();
    if (!live_.has(object)) return false;
    if (placed_) object = way().new_address(object);
    return true;
  }
  void trace(void*& object) {
    if (placed_) return tell(&object);
    reach(object);
    mark_all();
  }
  static bool is_young(void*) { return false; }

 protected:
  // Heap locked; `none` where the limit forbids it.
  std::size_t take_block(use as) { return has_room(1) ? blocks_.take(1, as) : blocks::none; }
  [[nodiscard]] bool is_large(const void* object) const {
    return blocks_.use_at(object) == use::large;
  }
  // The reference's object has moved, perhaps, or will.
  STRATA_INLINE void tell(void** field) {
    void* object = *field;
    if (is_reference(object)) *field = way().new_address(object);
  }
  STRATA_INLINE void tell_fields_of(void* object, type& of) {
    each_field(object, of, [this](void** field) { tell(field); });
  }

  core& core_;
  blocks& blocks_;
  extents live_;
  slide slide_;
  large_space large_;

 private:
  Way& way() { return static_cast<Way&>(*this); }
  [[nodiscard]] const Way& way() const { return static_cast<const Way&>(*this); }

  [[nodiscard]] bool has_room(std::size_t wanted) const {
    return blocks_.used() + wanted <= most_blocks_;
  }

  // ---- Marking

  void mark() {
    core_.next_epoch();
    core_.weaks().of_old.clear();
    live_bytes = 0;
    live_.clear();
    slide_.begin();
    way().begin();
    core_.each_root([this](void** root) { reach(*root); });
    mark_all();
    core_.weaks().settle_ephemerons(*this, core_.weaks().of_old);
  }
  void mark_all() {
    work_stack& stack = core_.stack();
    fetch_queue queue;
    while (!stack.empty() || !queue.empty()) {
      void* object = queue.turn(stack.empty() ? nullptr : stack.pop());
      if (object != nullptr) scan(object);
    }
  }
  STRATA_INLINE void reach(void* object) {
    if (!is_reference(object)) return;
    if (is_large(object)) {
      if (header::mark(object) == core_.epoch()) return;
      header::set_mark(object, core_.epoch());
    } else {
      if (live_.has(object)) return;
      live_.add_first(live_.first_word(object));
    }
    core_.stack().push(object);
  }
  void scan(void* object) {
    std::uint64_t word = header::load(object);
    type& of = *header::type_in(object, word);
    if (!is_large(object)) {
      std::size_t bytes = object_bytes(object, of);
      live_.add_last(live_.first_word(object) + bytes / detail::word_bytes - 1);
      live_bytes += bytes;
      way().note(object, word);
    }
    core_.weaks().of_old.reached(object);
    core_.weaks().of_old.discover(object, of.kind);
    each_edge(object, of, [this](void** field) { reach(*field); });
  }

  // ---- References, and the end

  // Loaders' mirrors are told by the metaspace, which is one of the tables.
  void tell() {
    core_.each_root([this](void** root) { tell(root); });
    core_.weaks().finish(*this, core_.weaks().of_old, weak_set::cleaners::of_all_objects);
    blocks_.each_used([this](std::size_t block, use as) {
      if (as != use::large) return;
      void* object = blocks_.address_of(block) + header::bytes;
      if (header::mark(object) == core_.epoch()) tell_fields_of(object, *type_of_object(object));
    });
  }
  void reclaim() {
    auto then =
        core_.options().stress.protect_moved ? blocks::after::inaccessible : blocks::after::usable;
    way().reclaim(then);
    live_bytes += large_.sweep(core_.epoch());
  }

  std::size_t most_blocks_;
  bool placed_ = false;
};

}  // namespace strata::gc
