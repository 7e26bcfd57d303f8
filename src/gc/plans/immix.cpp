// Mark-sweep over lines, and Immix (Blackburn and McKinley, 2008), which is the same with opportunistic
// evacuation: where holes have become many, a collection empties the blocks with the fewest live lines
// into free ones while it marks, as far as there is room.
//
//   before   | A . . b | c . . . | D E . F |        letters: live lines; dots: holes
//   after    | A . . b | . free. | D E c F |
//
// Objects in a condemned block stay where they are when they are pinned or when room runs out: the
// block is then an ordinary one again, with holes.
#include <cstring>

#include "gc/core.hpp"
#include "gc/large_space.hpp"
#include "gc/line_space.hpp"
#include "gc/marker.hpp"
#include "gc/object_inl.hpp"
#include "gc/plans/plan.hpp"

namespace strata::gc {
namespace {

class immix final : public plan_base {
 public:
  immix(core& of, evacuation when)
      : core_(of),
        blocks_(of.blocks()),
        large_(blocks_),
        lines_(blocks_),
        marker_(lines_, of.weaks()),
        when_(when) {
    most_blocks_ = base::divide_up(of.options().max_bytes, detail::block_bytes);
  }

  bool open() override {
    return lines_.open(0) && marker_.open(core_.options().max_bytes / 4 + base::MiB);
  }

  bump_range refill(record& of, std::size_t bytes) override {
    bump_range hole = lines_.next_hole(of.cursor, bytes);
    if (hole.cursor != nullptr) return hole;
    std::lock_guard guard{core_.lock()};
    if (bytes < medium_bytes) {
      while (lines_.recycle(of.cursor)) {
        hole = lines_.next_hole(of.cursor, bytes);
        if (hole.cursor != nullptr) return hole;
      }
    }
    if (!make_room(1)) return {};
    std::size_t block = lines_.take();
    if (block == blocks::none) return {};
    std::byte* start = blocks_.address_of(block);
    return {start, start + detail::block_bytes};
  }

  std::byte* take_large(std::size_t bytes) override {
    std::byte* at = nullptr;
    {
      std::lock_guard guard{core_.lock()};
      if (make_room(large_space::blocks_for(bytes))) at = large_.take(bytes);
    }
    if (at != nullptr) std::memset(at, 0, bytes);
    return at;
  }

  collection collect(collection) override {
    core_.next_epoch();
    core_.weaks().of_old.clear();
    lines_.begin(core_.epoch());
    marker_.begin(core_.epoch(), blocks_.base());
    condemn();
    if (moving_)
      trace_moving();
    else
      trace_in_place();
    core_.weaks().finish(*this, core_.weaks().of_old, weak_set::cleaners::of_all_objects);
    reclaim();
    return collection::full;
  }

  // For weak_set.
  bool keep(void*& object) const {
    std::uint64_t word = header::load(object);
    if ((word & header::forwarded) != 0) {
      object = header::forwarding(word);
      return true;
    }
    return header::mark(object) == core_.epoch();
  }
  void trace(void*& object) {
    if (moving_) {
      visit(&object);
      drain();
    } else {
      marker_.push(object);
      marker_.run(~std::size_t{0});
    }
  }
  static bool is_young(void*) { return false; }

 private:
  // Whether the limit allows for so many blocks more; sweeps for them.
  bool make_room(std::size_t wanted) {
    while (blocks_.used() + wanted > most_blocks_) {
      if (!lines_.sweep_for_block()) return false;
    }
    return true;
  }

  void condemn() {
    moving_ = false;
    to_ = {};
    if (when_ == evacuation::never) return;
    std::size_t spare = most_blocks_ > blocks_.used() ? most_blocks_ - blocks_.used() : 0;
    moving_ = lines_.condemn(spare) > 0;
    core_.each_pinned([this](void* object) {
      if (blocks_.use_at(object) == use::lines_from)
        blocks_.set_use(blocks_.index_of(object), use::lines);
    });
  }

  void trace_in_place() {
    core_.each_root([this](void** root) { marker_.push(*root); });
    marker_.run(~std::size_t{0});
  }

  void trace_moving() {
    core_.each_root([this](void** root) { visit(root); });
    drain();
  }
  void drain() {
    work_stack& stack = core_.stack();
    while (!stack.empty()) {
      void* object = stack.pop();
      type& of = *type_of_object(object);
      core_.weaks().of_old.discover(object, of.kind);
      each_field(object, of, [this](void** field) { visit(field); });
    }
  }
  void visit(void** field) {
    void* object = *field;
    if (!is_reference(object)) return;
    std::uint64_t word = header::load(object);
    if ((word & header::forwarded) != 0) {
      *field = header::forwarding(word);
      return;
    }
    if (header::mark(object) == core_.epoch()) return;
    std::size_t bytes = object_bytes(object, *header::type_in(object, word));
    if (blocks_.use_at(object) == use::lines_from) {
      if (void* copy = copy_of(object, bytes)) {
        header::forward(object, copy);
        *field = object = copy;
      }
    }
    moved_live_bytes_ += bytes;
    marker_.blacken(object, bytes);
    core_.stack().push(object);
  }
  // Null when there is no room.
  void* copy_of(void* object, std::size_t bytes) {
    std::byte* to = to_.take(bytes);
    if (to == nullptr) {
      if (blocks_.used() >= most_blocks_) return nullptr;
      std::size_t block = lines_.take();
      if (block == blocks::none) return nullptr;
      to_ = {blocks_.address_of(block), blocks_.address_of(block) + detail::block_bytes};
      to = to_.take(bytes);
    }
    std::memcpy(to, static_cast<std::byte*>(object) - header::bytes, bytes);
    moved_bytes += bytes;
    return to + header::bytes;
  }

  void reclaim() {
    lines_.absolve();
    lines_.end();
    live_bytes = marker_.live_bytes() + moved_live_bytes_;
    moved_live_bytes_ = 0;
    large_.sweep(core_.epoch());
    marker_.trim();
  }

  core& core_;
  blocks& blocks_;
  large_space large_;
  line_space lines_;
  marker marker_;
  evacuation when_;
  std::size_t most_blocks_;
  bool moving_ = false;
  bump_range to_;
  std::uint64_t moved_live_bytes_ = 0;
};

}  // namespace

std::unique_ptr<plan_base> make_immix(core& of, evacuation when) {
  return std::make_unique<immix>(of, when);
}

}  // namespace strata::gc
