// Mark-sweep over lines, and Immix (Blackburn and McKinley, 2008), which is the same with opportunistic
// evacuation: where holes have become many, a collection empties the blocks with the fewest live lines
// into free ones while it marks, as far as there is room.
//
//   before   | A . . b | c . . . | D E . F |        letters: live lines; dots: holes
//   after    | A . . b | . free. | D E c F |
//
// Objects in a condemned block stay where they are when they are pinned or when room runs out: the
// block is then an ordinary one again, with holes. Where that makes too little room, all slide together. Mark-sweep,
// which moves nothing, then gives new objects what is free between others, to the word.
#include "gc/core.hpp"
#include "gc/old_space.hpp"
#include "gc/plans/plan.hpp"

namespace strata::gc {
namespace {

class immix final : public plan_base {
 public:
  immix(core& of, evacuation when)
      : core_(of),
        objects_(of, when, base::divide_up(of.options().max_bytes, detail::block_bytes)) {}

  bool open() override { return objects_.open(0); }
  bump_range refill(record& of, std::size_t bytes) override {
    return objects_.refill(of.cursor, bytes);
  }
  std::byte* take_large(std::size_t bytes) override { return objects_.take_large(bytes); }

  collection collect(collection) override {
    auto each_root = [this](auto visit) { core_.each_root(visit); };
    if (trying == effort::usual)
      objects_.full(each_root);
    else if (objects_.may_move())
      objects_.compact(each_root, each_root);
    else
      objects_.find_gaps(each_root);
    live_bytes = objects_.live_bytes();
    moved_bytes = objects_.moved_bytes();
    return collection::full;
  }

 private:
  core& core_;
  old_space objects_;
};

}  // namespace

std::unique_ptr<plan_base> make_immix(core& of, evacuation when) {
  return std::make_unique<immix>(of, when);
}

}  // namespace strata::gc
