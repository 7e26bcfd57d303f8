#include "route/site.hpp"

#include <cstring>

#include "observe/stack_walk.hpp"
#include "os/code_place.hpp"

namespace strata::route::site {

constinit std::atomic<std::uint64_t> numbers[std::size_t{1} << entry_bits] = {};

namespace {

constinit const wire::routes* routes = nullptr;
constinit observe::stack_walker walker;
constinit thread_local observe::stack_walker::known_stack own_stack
    __attribute__((tls_model("initial-exec"))) = {};

// The module of the routes that is loaded there.
bool is_module(std::uintptr_t image, const wire::routed_module& one) {
  const os::build_id id = os::build_id_of(image);
  return id.count == one.id_bytes && std::memcmp(id.bytes, one.id, id.count) == 0;
}

call_number look_up(std::uintptr_t image, std::uint64_t offset) {
  for (std::uint32_t i = 0; i < routes->call_count; ++i) {
    const wire::routed_call& one = routes->calls[i];
    if (one.offset == offset && is_module(image, routes->modules[one.module]))
      return static_cast<call_number>(i + 1);
  }
  return 0;
}

// The shortest chain is the first, since chains are sorted.
bool is_alone(const wire::routed_call& call) {
  return call.chain_count != 0 && routes->chains[call.first_chain].link_count == 1;
}

struct stack {
  std::uintptr_t calls[wire::most_chain_links + 1];
  std::uintptr_t places[wire::most_chain_links + 1];
  std::size_t depth;
};

bool begins_with(const stack& one, const wire::routed_chain& chain) {
  if (one.depth < chain.link_count) return false;
  for (std::uint32_t i = 1; i < chain.link_count; ++i) {
    auto its = static_cast<std::uint32_t>(number_of(one.calls[i]) & ~alone);
    if (its != routes->links[chain.first_link + i] + 1) return false;
  }
  return true;
}

}  // namespace

bool set_up(const wire::routes& all) {
  routes = &all;
  return all.longest_chain <= 1 || walker.set_up(&numbers);
}

STRATA_NOINLINE call_number find_number(std::uintptr_t call) {
  os::code_place at;
  // One back, into the call.
  if (!os::find_code(call - 1, at)) return 0;
  call_number found = look_up(at.image, at.offset + 1);
  if (found != 0 && is_alone(routes->calls[found - 1])) found |= alone;
  numbers[call * 0x9e3779b97f4a7c15 >> (64 - entry_bits)].store(
      std::uint64_t{call} << number_bits | found, std::memory_order_relaxed);
  return found;
}

STRATA_NOINLINE bool is_on_a_chain(call_number innermost) {
  const wire::routed_call& call = routes->calls[innermost - 1];
  stack here;
  here.depth = 0;
  for (std::uint32_t i = 0; i < call.chain_count; ++i) {
    const wire::routed_chain& chain = routes->chains[call.first_chain + i];
    if (here.depth == 0) {
      observe::stack_walker::found found{here.calls, here.places, routes->longest_chain + 1};
      walker.walk(own_stack, nullptr, found);
      here.depth = found.depth;
    }
    if (begins_with(here, chain)) return true;
  }
  return false;
}

}  // namespace strata::route::site
