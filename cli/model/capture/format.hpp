// The file of a recording. It is only ever appended to, and is flushed after each block: what is there after
// the writer was killed can be read up to the last whole block.
//
//   file    | "STRATAC" 0 | version | block | block | ...
//   block   | length | sum | part of one zstd stream: | kind | what the kind has |
//
// Since all blocks are parts of one stream, each can refer to what stood in those before. version, length and
// sum have 32 bits, the lowest first; the sum is that of the unpacked part (checksum below). Everything in a
// block is written as bytes.hpp says. What is new in a version is a new kind of block, which older readers pass
// over, unless the version is raised.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cli/model/capture/bytes.hpp"

namespace strata::cli::capture {

inline constexpr std::string_view file_magic{"STRATAC\0", 8};
inline constexpr std::uint32_t file_version = 3;
inline constexpr std::size_t header_bytes = 12;
inline constexpr std::size_t most_block_bytes = std::size_t{64} << 20;

// FNV-1a of 64 bits, folded. (Fowler, Noll, Vo)
inline std::uint32_t checksum(std::string_view bytes) {
  std::uint64_t sum = 0xcbf29ce484222325;
  for (char one : bytes) sum = (sum ^ static_cast<unsigned char>(one)) * 0x100000001b3;
  return static_cast<std::uint32_t>(sum ^ sum >> 32);
}

enum class block_kind : std::uint8_t {
  session = 1,
  process = 2,  // a process began, or became another program
  mapping = 3,  // a file's code in the memory of a process
  thread = 4,
  nodes = 5,  // calls, before any event that names them
  events = 6,
  resident = 7,  // resident bytes of processes
  ended = 8,     // a process ended
  symbols = 9,
  totals = 11,     // what all events of a process amount to, also of those that are not in the file
  end = 10,        // the recording is complete
  addresses = 13,  // of what the events behind it make, in recordings that were asked for them
  ranges = 14,     // that were mapped and unmapped
  range_totals = 15,  // as totals, of ranges
  pool_names = 16,    // of a program's own pools, before any call that names them; numbered from 1
  pool_events = 17,   // what pools gave out and took back
  pool_totals = 18,   // as totals, of pools' blocks
};

struct session {
  std::uint64_t sample_bytes = 0;
  std::uint64_t started_unix_s = 0;
  std::vector<std::string> command;
};

struct process {
  std::uint32_t number = 0;
  std::uint32_t pid = 0;
  std::uint32_t parent = 0;  // forked from; 0: a new program
  std::uint64_t time_ms = 0;
  std::string executable;
  std::vector<std::string> command;
};

struct mapping {
  std::uint32_t process = 0;
  std::uint64_t start = 0;
  std::uint64_t bytes = 0;
  std::uint64_t offset = 0;
  std::string path;
  std::string build_id;  // as hexadecimal digits; empty: it has none

  std::uint64_t end() const { return start + bytes; }
};

struct thread {
  std::uint32_t number = 0;
  std::uint32_t process = 0;
  std::uint32_t id = 0;
};

// A call: what the call before it has as caller is a number given by the order of nodes, from 1.
struct node {
  std::uint32_t caller = 0;
  std::uint64_t address = 0;
};

struct resident {
  std::uint32_t process = 0;
  std::uint64_t time_ms = 0;
  std::uint64_t bytes = 0;
};

struct ended {
  std::uint32_t process = 0;
  std::uint64_t time_ms = 0;
  bool has_status = false;
  std::uint32_t wait_status = 0;
};

// What was not recorded.
struct losses {
  std::uint64_t time_ms = 0;  // the recording's length
  std::uint64_t stacks = 0;
  std::uint64_t threads = 0;
  std::uint64_t samples = 0;
  std::uint64_t events = 0;
};

// Each of the records above as the file has it.
template <typename Record>
void put(byte_writer& to, const Record& one);
template <typename Record>
Record get(byte_reader& from);

}  // namespace strata::cli::capture
