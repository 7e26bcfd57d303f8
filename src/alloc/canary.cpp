#include "alloc/canary.hpp"

#include "alloc/paranoid.hpp"
#include "os/process.hpp"

namespace strata::alloc::canary {

constinit setting chosen = {false, 0};

void set_up() {
  // Canaries stand at multiples of 8, so that the lowest bit of each is the secret's.
  chosen = {!paranoid::on(), os::random_word() | 1};
}

}  // namespace strata::alloc::canary
