// Checks a heap from its roots: each reference leads to the start of an object, in a block that is in use,
// with a header and a type that are whole. The world is stopped. Stops the process when it isn't so.
#pragma once

#include <cstddef>

#include "gc/core.hpp"

namespace strata::gc {

struct census {
  std::size_t objects = 0;
  std::size_t bytes = 0;
};

census verify_heap(core& of);

}  // namespace strata::gc
