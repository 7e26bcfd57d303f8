// What Strata knows of the address space that it serves: read out of the process's memory, from
// outside, while it runs on, or out of a core dump.
//
// Nothing is asked of the process. Where the tables are, the symbols of the library tell, and how their
// structures are laid out, its debug information (layout/reader.hpp): so any version of the library
// can be read that has both. See src/ground/address_map.hpp for the tables.
//
//   region   | chunk 2 MiB | chunk | ...            one on contiguous ground, many on sparse
//   chunk    used and dirty bits, one a page
//   page     free (clean or dirty), or part of a run: a span of small blocks, or one large block
//
// The process changes its tables while they are read. What makes no sense is skipped: figures may be off
// by what was in flight.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/model/map/mapping.hpp"
#include "cli/model/map/memory.hpp"

namespace strata::cli::map {

enum class page_state : std::uint8_t { clean, dirty, span, large };
inline constexpr std::size_t page_state_count = 4;
const char* name_of(page_state state);

struct heap_region {
  std::uint64_t start;
  std::vector<page_state> pages;
};

// Addresses that Strata uses for one purpose.
struct area {
  std::string label;  // "block map"
  std::uint64_t start;
  std::uint64_t end;
};

struct class_use {
  std::uint64_t block_bytes;
  std::uint64_t spans;
  std::uint64_t blocks;       // places in these spans
  std::uint64_t free_blocks;  // free in their spans; the others are live or cached
};

struct allocator_view {
  std::string library;  // the file that Strata is in
  std::string problem;  // why nothing more is known; empty: all of the following is
  bool is_sparse = false;
  std::uint64_t page_bytes = 0;
  std::vector<area> areas;  // by address; the heap's regions are among them
  std::vector<heap_region> regions;
  std::vector<class_use> classes;   // by block size
  std::uint64_t large_runs = 0;     // large blocks that are runs of pages
  std::uint64_t mapped_blocks = 0;  // and those that have mappings of their own
  std::uint64_t mapped_bytes = 0;
  std::array<std::uint64_t, page_state_count> state_bytes{};
  bool is_residence_known = false;
  std::array<std::uint64_t, page_state_count> resident_bytes{};
};

// Nothing: the process does not run under Strata. root: where the process's files are, as seen from here
// ("/proc/PID/root"; empty: as it names them).
std::optional<allocator_view> read_allocator(const address_space& space, const memory& from,
                                             const std::string& root);

// Counts which pages of the heap are resident; false: that cannot be known.
bool count_resident(const memory& from, allocator_view& view);

// Marks in the address space what is Strata's. Mappings that are so in part are cut in pieces.
void join(const allocator_view& view, const memory& from, address_space& space);

}  // namespace strata::cli::map
