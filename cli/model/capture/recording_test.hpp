// Recordings for tests, from a list of events.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "cli/model/capture/addresses.hpp"
#include "cli/model/capture/events.hpp"
#include "cli/model/capture/file_writer.hpp"

namespace strata::cli::capture {

inline event made(std::uint64_t block, std::uint64_t size, std::uint32_t node = 1,
                  std::uint32_t thread = 1, std::uint64_t time_ms = 0) {
  return {wire::entry_kind::allocate, thread, node, block, size, time_ms};
}
inline event at(std::uint64_t address, event one) {
  one.address = address;
  return one;
}
inline event gone(std::uint64_t block, std::uint32_t thread = 1, std::uint64_t time_ms = 0) {
  return {wire::entry_kind::deallocate, thread, 0, block, 0, time_ms};
}
inline event resize_out(std::uint64_t block, std::uint32_t thread = 1) {
  return {wire::entry_kind::resize_out, thread, 0, block, 0, 0};
}
inline event resize_in(std::uint64_t block, std::uint64_t size, std::uint32_t node = 1,
                       std::uint32_t thread = 1) {
  return {wire::entry_kind::resize_in, thread, node, block, size, 0};
}
inline event resize_back(std::uint64_t block, std::uint32_t thread = 1) {
  return {wire::entry_kind::resize_back, thread, 0, block, 0, 0};
}

// With addresses when one of the events has one. Process 1 has the threads 1 and 2, process 2 the thread 3. Calls are numbered from 1 and have no callers.
inline void write_recording(const std::string& path, const std::vector<event>& events,
                            std::uint64_t sample_bytes = 0, std::uint32_t calls = 8) {
  file_writer to(path);
  session facts;
  facts.sample_bytes = sample_bytes;
  facts.command = {"test"};
  to.write(block_kind::session, facts);
  for (std::uint32_t number : {1U, 2U}) {
    process one;
    one.number = number;
    one.pid = 100 + number;
    one.command = {"test"};
    to.write(block_kind::process, one);
  }
  to.write(block_kind::thread, thread{1, 1, 101});
  to.write(block_kind::thread, thread{2, 1, 103});
  to.write(block_kind::thread, thread{3, 2, 102});
  byte_writer nodes;
  nodes.number(calls);
  for (std::uint32_t i = 0; i < calls; ++i) {
    nodes.number(0);
    nodes.difference(16);
  }
  to.write(block_kind::nodes, nodes);
  event_history history;
  history.meet_thread(3);
  history.meet_nodes(calls + 1);
  event_columns columns;
  address_column addresses;
  bool has_addresses = false;
  std::map<std::uint64_t, std::uint64_t> names;  // that the file has for the blocks
  for (event one : events) {
    if (one.makes())
      one.block = names[one.block] = history.next_block(one.thread);
    else if (const auto known = names.find(one.block); known != names.end())
      one.block = known->second;
    else
      one.block = 0;
    columns.add(one, history);
    if (one.makes()) addresses.add(one);
    has_addresses |= one.address != 0;
  }
  byte_writer packed;
  if (has_addresses) {
    addresses.put(packed);
    to.write(block_kind::addresses, packed);
    packed.clear();
  }
  columns.put(packed);
  to.write(block_kind::events, packed);
  to.write(block_kind::end, losses());
}

}  // namespace strata::cli::capture
