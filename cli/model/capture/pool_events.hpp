// Blocks of a program's own pools, as the file has them: blocks of their own, in which each event is a row. Every
// block of a pool has a number that no other of its process has; what goes at once when a pool is emptied is a row each.
//
//   what | thread | time since the row before | number less that of the row before | bytes | node
//
// what is the kind; bytes and node are of allocations only. The number is 0 of a block that nobody saw come.
#pragma once

#include <cstdint>
#include <unordered_map>

#include "cli/model/capture/event_rows.hpp"
#include "cli/model/capture/events.hpp"

namespace strata::cli::capture {

struct pool_row {
  using row = event;  // an allocation or a deallocation
  static void put(byte_writer& to, const row& one, const row& before);
  static void get(byte_reader& from, row& last);
};
using pool_rows = event_rows<pool_row>;
using pool_reader = event_row_reader<pool_row>;

// The blocks that are live in the pools of a process, while it is recorded: an event there names a pool and an
// address, or all that is in the pool.
class pooled_blocks {
 public:
  // Calls write(event) for what an event of the area comes to: one, several or none. what: thread, node, size, time.
  template <typename Write>
  void take(wire::pool_kind kind, std::uint64_t pool, std::uint64_t address, event what,
            Write write) {
    switch (kind) {
      case wire::pool_kind::allocate:
        if (const std::uint64_t late = remove(pool, address)) write(ended(what, late));
        what.kind = wire::entry_kind::allocate;
        what.block = ++made_;
        live_[pool].emplace(address, what.block);
        write(what);
        break;
      case wire::pool_kind::deallocate:
        write(ended(what, remove(pool, address)));
        break;
      case wire::pool_kind::empty:
        if (const auto found = live_.find(pool); found != live_.end()) {
          for (const auto& [at, number] : found->second) write(ended(what, number));
          live_.erase(found);
        }
        break;
    }
  }

 private:
  // The number of the block, which is no longer live; 0: there was none.
  std::uint64_t remove(std::uint64_t pool, std::uint64_t address) {
    const auto blocks = live_.find(pool);
    if (blocks == live_.end()) return 0;
    const auto found = blocks->second.find(address);
    if (found == blocks->second.end()) return 0;
    const std::uint64_t number = found->second;
    blocks->second.erase(found);
    if (blocks->second.empty()) live_.erase(blocks);
    return number;
  }
  static event ended(const event& what, std::uint64_t number) {
    return {.kind = wire::entry_kind::deallocate,
            .thread = what.thread,
            .block = number,
            .time_ms = what.time_ms};
  }

  // Numbers by address, by pool; no pool without blocks.
  std::unordered_map<std::uint64_t, std::unordered_map<std::uint64_t, std::uint64_t>> live_;
  std::uint64_t made_ = 0;
};

}  // namespace strata::cli::capture
