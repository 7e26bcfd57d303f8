// pools and synchronized_pools.
#include <strata/pools.hpp>

#include "fuzz.hpp"

using namespace strata;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::input from(data, size);
  fuzz::record choices = from.next();
  fuzz::upstream memory;
  pools_options chosen{.largest_pooled_bytes = choices.amount % 4097U,
                       .first_chunk_bytes = std::size_t{64} << choices.flavour() % 8,
                       .spare_bytes = choices.flavour() >= 8 ? 0 : std::size_t{256} << 10U};
  if (choices.operation() % 4 == 3) {
    synchronized_pools one(&memory, chosen);
    fuzz::run(from, memory, one, {},
              [](fuzz::seat<synchronized_pools>& program, const fuzz::record& now) {
                if (now.operation() == 9) (*program).trim();
              });
  } else {
    pools one(&memory, chosen);
    fuzz::run(from, memory, one, {}, [](fuzz::seat<pools>& program, const fuzz::record& now) {
      if (now.operation() == 9) {
        (*program).trim();
      } else if (now.operation() == 10 && now.flavour() == 0) {
        (*program).release();
        program.live().forget_from(0);
      }
    });
  }
  return 0;
}
