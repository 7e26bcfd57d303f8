// How values look: write and display.
#pragma once

#include <string>

#include "machine.hpp"

namespace scheme {

// is_written: strings and characters as the reader wants them. Allocates nothing in the heap.
std::string printed(machine& m, value v, bool is_written);

}  // namespace scheme
