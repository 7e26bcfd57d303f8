// Where blocks lie, in recordings that were asked for it: a block of the file of its own, in front of the events
// of which it tells. Readers that know nothing of it pass over it.
//
//   addresses | events | addresses | events | ...
//
// It has a number for each event that makes a block, in their order: how far the block is from where its
// thread's last block of that size was. Blocks of a size come from one place and one after the other, or are
// those that went last; so most numbers are small, and all are made again when a program does the same again.
//
// The last blocks are in a table of fixed size. What shares a place there costs some bytes, and is right.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/model/capture/bytes.hpp"
#include "cli/model/capture/events.hpp"

namespace strata::cli::capture {

class address_history {
 public:
  // The last block like this one was here; 0: there was none.
  std::uint64_t& last_like(const event& one);

 private:
  static constexpr unsigned place_bits = 14;
  std::vector<std::uint64_t> last_;
};

class address_column {
 public:
  // one: makes a block.
  void add(const event& one);
  bool empty() const { return steps_.size() == 0; }
  std::size_t size() const { return steps_.size(); }
  // Writes them, and begins anew.
  void put(byte_writer& to);

 private:
  address_history history_;
  byte_writer steps_;
};

class address_reader {
 public:
  // What the next events have.
  void take(byte_reader& from);
  // Gives the event its address, if it makes a block and there is one.
  void place(event& one);
  // The events are through. False: there were not as many addresses as blocks.
  bool ends();

 private:
  address_history history_;
  std::string content_;
  byte_reader steps_;
  bool has_some_ = false;
};

}  // namespace strata::cli::capture
