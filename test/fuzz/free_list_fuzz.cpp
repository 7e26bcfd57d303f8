// The four fits, coalescing at once and deferred, both orders of lists, in a buffer and over upstream.
#include <strata/free_list.hpp>

#include "fuzz.hpp"

using namespace strata;

namespace {

template <class List>
void expect_figures(const List& one) {
  free_figures now = one.free_space();
  fuzz::expect(now.largest_bytes <= now.free_bytes, "the longest is longer than all");
  fuzz::expect((now.free_blocks == 0) == (now.free_bytes == 0), "free blocks without bytes");
}

template <class List>
void run_on(fuzz::input& from, fuzz::upstream& memory, List& one, bool limited) {
  fuzz::run(from, memory, one, {.may_refuse = limited},
            [](fuzz::seat<List>& program, const fuzz::record& now) {
              if (now.operation() == 9) (*program).coalesce();
              if (now.operation() == 10) expect_figures(*program);
              if (now.operation() == 11 && now.flavour() == 0) {
                (*program).release();
                program.live().forget_from(0);
              }
            });
}

template <class List>
void run_fit(fuzz::input& from, const fuzz::record& choices) {
  free_list_options chosen;
  if ((choices.which & 1U) != 0) chosen.when = coalescing::deferred;
  if ((choices.which & 2U) != 0) chosen.order = list_order::address;
  chosen.regions.first_region_bytes = std::size_t{256} << choices.flavour() % 8;
  chosen.regions.most_region_bytes = std::size_t{256} << choices.flavour();
  fuzz::upstream memory;
  if ((choices.which & 4U) != 0) {
    std::vector<std::byte> buffer(choices.amount);
    List one(buffer, chosen);
    return run_on(from, memory, one, true);
  }
  bool limited = (choices.which & 8U) != 0;
  if (limited) chosen.regions.most_bytes = choices.amount;
  List one(&memory, chosen);
  run_on(from, memory, one, limited);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::input from(data, size);
  fuzz::record choices = from.next();
  switch (choices.operation() % 4) {
    case 0:
      run_fit<first_fit>(from, choices);
      break;
    case 1:
      run_fit<next_fit>(from, choices);
      break;
    case 2:
      run_fit<best_fit>(from, choices);
      break;
    default:
      run_fit<segregated_fit>(from, choices);
  }
  return 0;
}
