// Events as the file has them. Most is not written but expected: whoever writes and whoever reads go through the
// events alike, and what has happened so far (event_history) tells both what is likely to come.
//
//   a block comes   nothing tells which: it is the next of its thread
//   its node        that which followed the thread's last node when it was seen last; otherwise the node
//   its size        the last that the node had; otherwise the size
//   a block goes    its age: how many its thread has made since, itself included. Where that is many, how far
//                   it is from the last such block, since what is old often goes in the order in which it came
//
// Programs do the same again with other addresses, but with the same ages.
#pragma once

#include <cstdint>
#include <vector>

#include "cli/model/capture/bytes.hpp"
#include "wire/area.hpp"

namespace strata::cli::capture {

struct event {
  wire::entry_kind kind = wire::entry_kind::allocate;
  std::uint32_t thread = 0;
  std::uint32_t node = 0;  // of allocations, as their size
  std::uint64_t block =
      0;  // its name, which no other block of the recording has; 0: nobody saw it come
  std::uint64_t size = 0;
  std::uint64_t time_ms = 0;
  std::uint64_t address =
      0;  // of allocations, where the recording tells it (addresses.hpp); otherwise 0

  bool makes() const {
    return kind == wire::entry_kind::allocate || kind == wire::entry_kind::resize_in;
  }
  bool ends() const {
    return kind == wire::entry_kind::deallocate || kind == wire::entry_kind::resize_out;
  }
};

class event_history {
 public:
  // A block's name is its thread and the how-manieth of this thread it is.
  static std::uint32_t maker_of(std::uint64_t block) {
    return static_cast<std::uint32_t>(block >> index_bits);
  }

  // To be called before a thread, or a node, is named in any other way.
  void meet_thread(std::uint32_t thread);
  void meet_nodes(std::size_t count);
  bool knows_thread(std::uint32_t thread) const { return thread < threads_.size(); }
  bool knows_node(std::uint32_t node) const { return node < nodes_.size(); }

  // The name of the block that the thread makes now.
  std::uint64_t next_block(std::uint32_t thread) { return name(thread, ++threads_[thread].made); }
  // The block that the thread gave to realloc last.
  std::uint64_t& resized(std::uint32_t thread) { return threads_[thread].resized; }

  // What is written of a block that goes now, and back; 0 for none.
  std::uint64_t code_of(std::uint64_t block);
  std::uint64_t block_of(std::uint32_t maker, std::uint64_t code);

  std::uint32_t expected_node(std::uint32_t thread) const {
    return nodes_[threads_[thread].last_node].follower;
  }
  std::uint64_t expected_size(std::uint32_t node) const { return nodes_[node].last_size; }
  void note(std::uint32_t thread, std::uint32_t node, std::uint64_t size);

 private:
  static constexpr unsigned index_bits = 40;
  static constexpr std::uint64_t old_age = 32;  // from here on not the age is written

  struct thread_past {
    std::uint64_t made = 0;
    std::uint64_t resized = 0;
    std::uint64_t last_old = 0;  // index of the last old block that went
    std::uint32_t last_node = 0;
  };
  struct node_past {
    std::uint64_t last_size = 0;
    std::uint32_t follower = 0;
  };

  static std::uint64_t name(std::uint32_t thread, std::uint64_t index) {
    return std::uint64_t{thread} << index_bits | index;
  }

  std::vector<thread_past> threads_;
  std::vector<node_past> nodes_;
};

// Events in columns:
//   what        kind | 8 when the thread changes, and its number | 16 when time does, and by how much
//               | 32 when the block is another thread's, and its number
//               | 64 when the size is as expected | 128 when the node is
//   block       of those that go; 0: nobody saw it come
//   size, node  of allocations, where they are not as expected
class event_columns {
 public:
  // history: with the event's own block, when it makes one.
  void add(const event& one, event_history& history);
  bool empty() const { return count_ == 0; }
  std::size_t size() const { return what_.size() + blocks_.size() + sizes_.size() + nodes_.size(); }
  // Writes them, and begins anew.
  void put(byte_writer& to);

 private:
  byte_writer what_;
  byte_writer blocks_;
  byte_writer sizes_;
  byte_writer nodes_;
  std::uint64_t count_ = 0;
  event last_;
};

class event_reader {
 public:
  // history: one for all blocks of a file. It has to know the threads and nodes that the file has told so far.
  event_reader(byte_reader& from, event_history& history);
  // The next; false at the end, or where something is wrong: good() tells.
  bool next(event& into);
  bool good() const;

 private:
  bool read_what(std::uint8_t what);
  bool read_made(std::uint8_t what);
  bool read_ended(std::uint8_t what);

  event_history& history_;
  byte_reader what_;
  byte_reader blocks_;
  byte_reader sizes_;
  byte_reader nodes_;
  std::uint64_t left_ = 0;
  bool good_ = true;
  event last_;
};

}  // namespace strata::cli::capture
