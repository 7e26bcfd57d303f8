// bitmap, in a buffer and over upstream, with blocks of any length.
#include <strata/bitmap.hpp>

#include "fuzz.hpp"

using namespace strata;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::input from(data, size);
  fuzz::record choices = from.next();
  fuzz::upstream memory;
  bitmap_options chosen{.block_bytes = std::size_t{1} << choices.flavour() % 12,
                        .first_region_bytes = std::size_t{256} << choices.which % 8,
                        .most_region_bytes = std::size_t{256} << (choices.which >> 4U)};
  if (choices.operation() % 2 == 1) {
    std::vector<std::byte> buffer(choices.amount);
    bitmap one(std::span<std::byte>(buffer), chosen);
    fuzz::run(from, memory, one, {.may_refuse = true});
  } else {
    bitmap one(&memory, chosen);
    fuzz::run(from, memory, one);
  }
  return 0;
}
