// Where the live blocks of a process lay at a moment, for recordings that tell addresses. What is shown stays
// bounded: of very many blocks the largest are kept one by one, the others as sums by range of addresses.
//
//   blocks      largest first until most_map_blocks, then ordered by address
//   others      all blocks that are not among them: bytes and blocks of each range of range_bytes, a power of
//               two that grows until there are no more than most_map_ranges
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/model/capture/capture.hpp"

namespace strata::cli::capture {

inline constexpr std::size_t most_map_blocks = 100'000;
inline constexpr std::size_t most_map_ranges = 4'000;
inline constexpr std::uint64_t map_page_bytes = 4096;

struct placed_block {
  std::uint64_t block = 0;  // its name in the recording
  std::uint64_t address = 0;
  std::uint64_t size = 0;
  std::uint64_t time_ms = 0;  // when it came
  std::uint32_t node = 0;
};

struct address_range {
  std::uint64_t start = 0;
  std::uint64_t blocks = 0;
  std::uint64_t bytes = 0;  // of blocks that begin here
};

struct address_map {
  std::uint64_t time_ms = 0;
  // Of all blocks.
  std::uint64_t count = 0;
  std::uint64_t bytes = 0;
  std::uint64_t pages = 0;         // of 4 KiB, that they lie on
  std::uint64_t extent_bytes = 0;  // from the first to the end of the last

  std::vector<placed_block> blocks;
  std::uint64_t range_bytes = 0;  // 0: there are no others
  std::vector<address_range> others;
};

address_map map_of(std::vector<placed_block> live, std::uint64_t time_ms,
                   std::size_t most_blocks = most_map_blocks,
                   std::size_t most_ranges = most_map_ranges);

struct address_maps {
  std::optional<address_map> at_peak;  // unless the file has only sums of that time
  address_map at_end;                  // or where the events end
  std::optional<address_map> at_moment;
};

// Reads the file once more. moment_ms: its end is at_moment. Empty: done; otherwise what is wrong with it.
std::string read_addresses(const std::string& path, const capture& of,
                           const recorded_process& process, std::optional<std::uint64_t> moment_ms,
                           address_maps& into);

}  // namespace strata::cli::capture
