// tlsf, in a buffer and over upstream.
#include <strata/tlsf.hpp>

#include "fuzz.hpp"

using namespace strata;

namespace {

void run_on(fuzz::input& from, fuzz::upstream& memory, tlsf& one, bool limited) {
  fuzz::run(from, memory, one, {.may_refuse = limited},
            [](fuzz::seat<tlsf>& program, const fuzz::record& now) {
              if (now.operation() == 9) {
                free_figures found = (*program).free_space();
                fuzz::expect(found.largest_bytes <= found.free_bytes, "the longest is too long");
              } else if (now.operation() == 10 && now.flavour() == 0) {
                (*program).release();
                program.live().forget_from(0);
              }
            });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::input from(data, size);
  fuzz::record choices = from.next();
  fuzz::upstream memory;
  if ((choices.which & 1U) != 0) {
    std::vector<std::byte> buffer(choices.amount);
    tlsf one{std::span<std::byte>(buffer)};
    run_on(from, memory, one, true);
    return 0;
  }
  tlsf_options chosen{.first_region_bytes = std::size_t{256} << choices.flavour() % 8,
                      .most_region_bytes = std::size_t{256} << choices.flavour()};
  bool limited = (choices.which & 2U) != 0;
  if (limited) chosen.most_bytes = choices.amount;
  tlsf one(&memory, chosen);
  run_on(from, memory, one, limited);
  return 0;
}
