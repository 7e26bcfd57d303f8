// The memory that `strata advise --try` shares with the processes in which it tries an advice. The command
// makes it as a memfd; each process maps it by the path in STRATA_ROUTES, as wire/area.hpp has it.
//
//   | header | modules | calls | chains | links | figures of process 0 | of process 1 | ...
//
// call       a return address that means the same in each run: a module, by its build-id, and the offset in
//            its file
// chain      calls, the innermost first: an allocation whose stack begins with one is of the site, and goes to
//            the place. Chains with the same innermost call stand together
//
//   calls[c]   first_chain, chain_count     chains[n]   first_link, link_count     links[l]   c
//
// The command writes all but the figures before it starts a process, and reads those when it has ended.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace strata::wire {

inline constexpr std::uint64_t routes_magic = 0x316574756f727473;  // "stroute1"
inline constexpr const char* routes_variable = "STRATA_ROUTES";

inline constexpr std::size_t most_routed_modules = 64;
inline constexpr std::size_t most_routed_calls = 8192;
inline constexpr std::size_t most_routed_chains = 4096;
inline constexpr std::size_t most_routed_links = 32768;
inline constexpr std::size_t most_chain_links = 32;
inline constexpr std::size_t most_routed_processes = 64;
inline constexpr std::size_t most_build_id_bytes = 32;
inline constexpr std::size_t most_routed_moments = 512;

// Where blocks of the site go.
enum class route_place : std::uint32_t {
  heap,    // where all others go: the site is found, and nothing else is different
  stack,   // a buffer of the thread, to which a block that is freed first is given back
  arena,   // blocks one behind the other, all given back when none is left
  pool,    // cells of their size
  reserve  // cells of reserve_bytes, in which blocks grow
};

// What a process does besides.
enum class route_watch : std::uint32_t {
  nothing,  // it is to be timed
  counts,   // it counts operations and takes the peak
  trims     // and gives back what it can at each moment of the curve
};

struct routed_module {
  std::uint32_t id_bytes;
  std::uint8_t id[most_build_id_bytes];
};
struct routed_call {
  std::uint64_t offset;  // of the return address, in the file
  std::uint32_t module;
  std::uint32_t first_chain;  // of those that begin with it
  std::uint32_t chain_count;
  std::uint32_t unused;
};
struct routed_chain {
  std::uint32_t first_link;
  std::uint32_t link_count;
};

struct routed_moment {
  std::atomic<std::uint64_t> operation;  // after so many
  std::atomic<std::uint64_t> bytes;      // taken from the system
};

// All but pid are counted only where a process is not timed.
struct routed_process {
  std::atomic<std::uint32_t> pid;  // 0: nobody's
  std::atomic<std::uint32_t> moments;
  std::atomic<std::uint64_t> operations;  // allocations, frees and resizes by the program
  // Of these, the ones that are not there any more where the advice is taken.
  std::atomic<std::uint64_t> spared;
  std::atomic<std::uint64_t> blocks;      // of the site
  std::atomic<std::uint64_t> resets;      // of arenas
  std::atomic<std::uint64_t> peak_bytes;  // taken from the system, by heap and place together
  routed_moment curve[most_routed_moments];
};

struct routes {
  std::uint64_t magic;
  route_place place;
  route_watch watch;
  std::uint64_t reserve_bytes;
  std::uint64_t moment_step;  // of the curve, in operations
  std::uint32_t call_count;
  std::uint32_t longest_chain;  // in links
  routed_module modules[most_routed_modules];
  routed_call calls[most_routed_calls];
  routed_chain chains[most_routed_chains];
  std::uint32_t links[most_routed_links];
  routed_process processes[most_routed_processes];
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

}  // namespace strata::wire
