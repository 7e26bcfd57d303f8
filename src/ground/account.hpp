// The memory limit (STRATA_LIMIT), which runs and mappings are charged against, and the account of
// what went back to the system. All of it is atomic; none of it guards other memory.
#pragma once

#include <cstddef>

namespace strata::ground::account {

// Charges bytes against STRATA_LIMIT; false when they would pass it.
bool charge(std::size_t bytes);
void refund(std::size_t bytes);
std::size_t charged_bytes();
// In a forked child: what is really in use; other threads may have been in the middle of charging.
void reset_in_child(std::size_t bytes);

void note_returned(std::size_t bytes);
std::size_t returned_bytes();
std::size_t returns();

}  // namespace strata::ground::account
