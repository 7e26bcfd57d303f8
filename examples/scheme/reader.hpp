// From text to forms.
#pragma once

#include "ports.hpp"

namespace scheme {

// The next form, or end_of_file. places: gets the line of each list.
value read(machine& m, const local<port>& from, const local<table>* places = nullptr);

}  // namespace scheme
