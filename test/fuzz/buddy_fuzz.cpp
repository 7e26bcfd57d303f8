// buddy, in a buffer of any length and in a power of two from upstream. What it has is one block again
// when all are freed.
#include <strata/buddy.hpp>

#include "fuzz.hpp"

using namespace strata;

namespace {

void run_on(fuzz::input& from, fuzz::upstream& memory, buddy& one) {
  std::size_t longest = one.longest_free_bytes();
  fuzz::run(from, memory, one, {.may_refuse = true},
            [](fuzz::seat<buddy>& program, const fuzz::record& now) {
              if (now.operation() < 12) return;
              // A request is refused exactly where no free block is long enough.
              std::size_t bytes = fuzz::size_from(now.amount) % (std::size_t{1} << 40U);
              std::size_t taken = (*program).block_bytes(bytes, 8);
              bool fits = taken != 0 && taken <= (*program).longest_free_bytes();
              fuzz::expect(program.allocate(now.which, bytes, 8) == fits,
                           "refused though it fits, or not though it doesn't");
            });
  fuzz::expect(one.longest_free_bytes() == longest, "blocks did not grow together again");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::input from(data, size);
  fuzz::record choices = from.next();
  fuzz::upstream memory;
  buddy_options chosen{.smallest_block_bytes = std::size_t{1} << choices.flavour() % 12};
  if (choices.which % 4 == 0) {
    chosen.largest_block_bytes = chosen.smallest_block_bytes << choices.which / 4 % 16;
  }
  if (choices.operation() % 2 == 1) {
    // At any place.
    std::vector<std::byte> buffer(choices.amount);
    std::size_t skipped = std::min<std::size_t>(choices.which, buffer.size());
    buddy one(std::span<std::byte>(buffer).subspan(skipped), chosen);
    run_on(from, memory, one);
  } else {
    if (choices.operation() == 2) memory.fail_later(choices.which % 3, 1);
    buddy one(chosen.smallest_block_bytes << choices.amount % 12, &memory, chosen);
    run_on(from, memory, one);
  }
  return 0;
}
