// Semispace copying (Fenichel and Yochelson, 1969; Cheney, 1970), with blocks instead of halves: a
// collection copies all live objects out of the blocks that are in use, and these are free then.
//
//   before   | A d B | d d d | d C d |            d: dead
//   after    | free  | free  | free  | A B C |
//
// A block with a pinned object is not emptied: its live objects are marked where they are. Large objects
// are marked, too. What may be in use at once is half of the limit, so that there is room for the copies.
#include <cstring>

#include "gc/core.hpp"
#include "gc/large_space.hpp"
#include "gc/object_inl.hpp"
#include "gc/plans/plan.hpp"

namespace strata::gc {
namespace {

class semispace final : public plan_base {
 public:
  explicit semispace(core& of) : core_(of), blocks_(of.blocks()), large_(blocks_), to_(blocks_) {
    most_blocks_ = base::divide_up(of.options().max_bytes, detail::block_bytes);
  }

  bool open() override { return large_.open(0); }

  bump_range refill(record&, std::size_t) override {
    std::lock_guard guard{core_.lock()};
    if (!has_room(2)) return {};
    std::size_t block = blocks_.take(1, use::objects);
    if (block == blocks::none) return {};
    std::byte* start = blocks_.address_of(block);
    return {start, start + detail::block_bytes};
  }

  std::byte* take_large(std::size_t bytes) override {
    return large_.take_zeroed(bytes, core_.lock(),
                              [this](std::size_t wanted) { return has_room(wanted); });
  }

  collection collect(collection) override {
    core_.next_epoch();
    core_.weaks().of_old.clear();
    to_.begin();
    live_bytes = 0;
    condemn();
    core_.each_pinned([this](void* object) { pin(object); });
    core_.each_root([this](void** root) { visit(root); });
    trace();
    core_.weaks().finish(*this, core_.weaks().of_old, weak_set::cleaners::of_all_objects);
    reclaim();
    return collection::full;
  }

  [[nodiscard]] std::uint64_t needed_bytes() const override {
    return 2 * live_bytes - large_.used_blocks() * detail::block_bytes;
  }

  // For weak_set.
  bool keep(void*& object) const {
    use as = blocks_.use_at(object);
    if (as == use::objects) return true;
    std::uint64_t word = header::load(object);
    if (as == use::from) {
      if ((word & header::forwarded) == 0) return false;
      object = header::forwarding(word);
      return true;
    }
    return header::mark(object) == core_.epoch();
  }
  void trace(void*& object) {
    visit(&object);
    trace();
  }
  static bool is_young(void*) { return false; }

 private:
  // Whether the limit allows for so many blocks more, copies included.
  [[nodiscard]] bool has_room(std::size_t wanted) const {
    std::size_t copied = blocks_.used() - large_.used_blocks();
    return 2 * copied + large_.used_blocks() + wanted <= most_blocks_;
  }

  void condemn() {
    blocks_.each_used([this](std::size_t block, use as) {
      if (as == use::objects) blocks_.set_use(block, use::from);
    });
  }
  void pin(void* object) {
    if (blocks_.use_at(object) == use::from)
      blocks_.set_use(blocks_.index_of(object), use::from_pinned);
  }

  void trace() {
    work_stack& stack = core_.stack();
    while (!stack.empty()) {
      void* object = stack.pop();
      type& of = *type_of_object(object);
      core_.weaks().of_old.discover(object, of.kind);
      each_edge(object, of, [this](void** field) { visit(field); });
    }
  }

  void visit(void** field) {
    void* object = *field;
    if (!is_reference(object)) return;
    switch (blocks_.use_at(object)) {
      case use::from:
        *field = copy_of(object);
        return;
      case use::from_pinned:
      case use::large:
        if (header::mark(object) == core_.epoch()) return;
        header::set_mark(object, core_.epoch());
        core_.weaks().of_old.reached(object);
        core_.stack().push(object);
        return;
      default:  // a copy already
        return;
    }
  }

  void* copy_of(void* object) {
    std::uint64_t word = header::load(object);
    if ((word & header::forwarded) != 0) return header::forwarding(word);
    std::size_t bytes = object_bytes(object, *header::type_in(object, word));
    std::byte* to = to_.take(bytes + header::growth(word));
    std::memcpy(to, static_cast<std::byte*>(object) - header::bytes, bytes);
    void* copy = to + header::bytes;
    carry_hash(copy, object, word, bytes, blocks_);
    header::forward(object, copy);
    core_.weaks().of_old.reached(object);
    // Its mark, of a time when it was pinned, may come again.
    header::at(copy) = header::settled(header::at(copy), 0);
    bytes += header::growth(word);
    live_bytes += bytes;
    moved_bytes += bytes;
    core_.stack().push(copy);
    return copy;
  }

  void reclaim() {
    auto then =
        core_.options().stress.protect_moved ? blocks::after::inaccessible : blocks::after::usable;
    blocks_.each_used([&](std::size_t block, use as) {
      if (as == use::from) blocks_.give(block, 1, then);
      if (as == use::from_pinned) blocks_.set_use(block, use::objects);
    });
    live_bytes += large_.sweep(core_.epoch());
  }

  core& core_;
  blocks& blocks_;
  large_space large_;
  copy_space to_;
  std::size_t most_blocks_;
};

}  // namespace

std::unique_ptr<plan_base> make_semispace(core& of) { return std::make_unique<semispace>(of); }

}  // namespace strata::gc
