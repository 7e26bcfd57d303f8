// Where code came from: what stays the same of a return address when the program runs again, wherever it is
// loaded then. Nothing here allocates or locks.
#pragma once

#include <cstddef>
#include <cstdint>

namespace strata::os {

struct code_place {
  std::uintptr_t image = 0;  // where the file's own start lies; names it while it is loaded
  std::uint64_t offset = 0;  // in the file
};

// Of code that is loaded; false for any other address.
bool find_code(std::uintptr_t address, code_place& into);

struct build_id {
  const std::uint8_t* bytes = nullptr;
  std::size_t count = 0;  // 0: it has none
};
// image: as find_code tells it.
build_id build_id_of(std::uintptr_t image);

}  // namespace strata::os
