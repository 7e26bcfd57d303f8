// The memory that recorded processes share with the command that records them. The command makes it as a
// memfd; each process maps it by the path in STRATA_RECORD, /proc/PID/fd/N of the command, so that no
// descriptor is inherited and none can be closed.
//
//   | header | process slots | ring states | stack nodes | ring 0 | ring 1 | ...
//
// ring          one thread writes, the command reads. Slot i of a ring takes the entries i, i + slots ...
//               An entry is there when its stamp is its index + 1; the index is reserved before it is
//               filled, so that a signal handler that records in between gets the next one. The thread waits
//               while the ring is full: nothing is lost.
// waiting       whoever begins to wait for the command sends it SIGURG, which cuts its sleep short
//
//      read                     head          head += 1 reserves, by the thread alone
//      v                        v
//   | . | stamped | stamped | reserved | . |  read moves on past stamped entries, by the command alone
//
// stack node    a call, seen from the outermost: (node of the caller's call, return address). Its number is
//               its place in a table with open addressing (observe/stack_nodes.hpp); an empty slot is taken
//               by one exchange of its address. Nodes are never removed.
// pool name     of a program's own pools, in a table like that of nodes, and never removed either
// sequence      one counter orders the entries of all threads: it is taken after a block came to be and
//               before it goes, so that of one address they are in the order of its lives.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/bits.hpp"

namespace strata::wire {

inline constexpr std::uint64_t area_magic = 0x3461657261727473;  // "strarea4"
inline constexpr const char* area_variable = "STRATA_RECORD";

inline constexpr std::size_t most_processes = 256;
inline constexpr std::size_t most_rings = 512;
inline constexpr std::size_t ring_entries = 16384;
inline constexpr std::size_t most_nodes = std::size_t{1} << 20;
inline constexpr std::size_t most_depth = 256;
inline constexpr std::uint64_t cut_mark =
    1;  // the address of a node that stands for calls that were too many

// The address of a node that stands for a first-class heap: what has it as its stack is a block of that heap, and
// its caller's calls are those that allocated it. The lower bits are the node of the calls that made the heap.
inline constexpr std::uint64_t heap_mark = std::uint64_t{1} << 63;
inline bool is_heap_mark(std::uint64_t address) { return (address & heap_mark) != 0; }
inline std::uint32_t maker_of_heap(std::uint64_t address) {
  return static_cast<std::uint32_t>(address);
}

// Likewise one that stands for a pool of the program's own. The lower bits are the number of the pool's name: its
// place in the table of names + 1; 0 is all names that the table had no room for.
inline constexpr std::uint64_t pool_mark = std::uint64_t{1} << 62;
inline bool is_pool_mark(std::uint64_t address) { return address >> 62 == 1; }
inline std::uint32_t name_of_pool(std::uint64_t address) {
  return static_cast<std::uint32_t>(address);
}
// Of no call.
inline bool is_mark(std::uint64_t address) {
  return is_heap_mark(address) || is_pool_mark(address);
}

inline constexpr std::size_t most_pool_names = 1024;
inline constexpr std::size_t pool_name_bytes = 60;

enum class entry_kind : std::uint32_t {
  allocate,
  deallocate,
  resize_out,  // a block is given to realloc: as deallocate ...
  resize_in,   // ... and what came of it: as allocate
  resize_back,  // realloc had no memory: the block of the last resize_out of the thread is still there
  nothing,  // the thread was taken out of writing it; the sequence is lost, too, when it is none
};
inline constexpr std::uint32_t entry_kinds = 5;  // but for nothing

// Of ranges of addresses that the program maps, in entries like the others.
enum class range_kind : std::uint32_t {
  map = 8,
  unmap,      // also of what is moved away, in front of the map of where it is then
  unmap_back  // the system has refused it: what the last unmap of the thread took is still there
};
inline bool is_of_range(std::uint32_t kind) {
  return kind >= static_cast<std::uint32_t>(range_kind::map) &&
         kind <= static_cast<std::uint32_t>(range_kind::unmap_back);
}
// What is mapped, of map.
enum range_about : std::uint16_t {
  range_of_file = 1,
  range_shared = 2,
  range_inaccessible = 4,  // when it was mapped
  range_of_break = 8,      // of the program's break
  range_moved = 16,        // what the thread's last unmap took, or some of it, and is what that was
};

// Of blocks of a program's own pools, in entries like the others.
enum class pool_kind : std::uint32_t {
  allocate = 16,
  deallocate,
  empty  // all that is live in the pool goes; of no block
};
inline constexpr std::uint32_t first_pool_kind = static_cast<std::uint32_t>(pool_kind::allocate);
inline bool is_of_pool(std::uint32_t kind) {
  return kind >= first_pool_kind && kind <= static_cast<std::uint32_t>(pool_kind::empty);
}

inline constexpr std::uint64_t no_sequence = ~std::uint64_t{0};

struct entry {
  std::atomic<std::uint32_t> stamp;  // release: what follows is written
  std::uint32_t kind;
  std::uint64_t sequence;
  std::uint64_t address;
  std::uint32_t node;
  std::uint32_t size_low;
  std::uint16_t size_high;  // sizes have 48 bits
  std::uint16_t about;      // of ranges; of pools, which pool: the bits from the 33rd on
  std::uint32_t pool_low;   // and those below. Pools have 48 bits
};
static_assert(sizeof(entry) == 40);

enum slot_state : std::uint32_t { slot_free, slot_used, slot_ending };

// A thread's question to the command: what is lost? It waits for the answer.
enum question_state : std::uint32_t {
  question_none,
  question_begun,
  question_asked,
  question_answered
};

// A call on a stack, and where its return address stands there.
struct stack_place {
  std::uint64_t call;
  std::uint64_t place;
};
inline constexpr std::size_t ending_calls = 16;

struct process_slot {
  std::atomic<std::uint32_t> state;
  std::uint32_t pid;
  std::uint32_t number;  // never used twice in a recording; from 1
  std::uint32_t parent;  // the number of the process that it was forked from, or 0
  // The command has looked at the process since it attached, or since it began to end.
  std::atomic<std::uint32_t> seen;
  std::atomic<std::uint32_t> question;
  std::uint32_t thread;       // that ends the process, or asks
  std::uint32_t calls;        // of the thread that ends it, the innermost first
  std::uint64_t forked_at;    // what came before this sequence was before the fork
  std::uint64_t asked_from;   // the stack of the thread that asks is its own from here on
  std::uint64_t lost_blocks;  // the answer
  std::uint64_t unused;
  stack_place stack[ending_calls];
};
static_assert(sizeof(process_slot) % base::cache_line_bytes == 0);

struct ring_state {
  std::atomic<std::uint32_t> state;
  std::uint32_t process;  // its number
  std::uint32_t pid;
  std::uint32_t thread;
  std::uint64_t unused[6];
  alignas(base::cache_line_bytes) std::atomic<std::uint64_t> head;
  alignas(base::cache_line_bytes) std::atomic<std::uint64_t> read;
};

// Node 0 is the stack that is not known; the outermost calls have it as their caller.
struct stack_node {
  std::atomic<std::uint64_t> address;  // 0: nobody's
  std::atomic<std::uint32_t> caller;   // + 1; 0: just being written
  std::uint32_t in_file;               // the command's own: its number in the file, 0: none yet
};

enum name_state : std::uint32_t { name_free, name_begun, name_there };

struct pool_name {
  std::atomic<std::uint32_t> state;
  char text[pool_name_bytes];  // with zeros to its end, at least one
};

struct area {
  std::uint64_t magic;
  std::uint64_t sample_bytes;         // mean distance of samples; 0: everything is recorded
  std::uint32_t reader;               // process id of the command
  std::uint32_t finds_leaks;          // it looks at each process when that ends, or asks
  std::atomic<std::uint32_t> closed;  // nothing is to be recorded any more
  std::atomic<std::uint32_t> last_process;
  std::atomic<std::uint32_t> rings_used;  // none from here on was ever used
  // What could not be recorded.
  std::atomic<std::uint64_t> lost_stacks;   // the table of nodes was full
  std::atomic<std::uint64_t> lost_threads;  // no ring was free
  std::atomic<std::uint64_t> lost_samples;  // the table of sampled blocks was full
  alignas(base::cache_line_bytes) std::atomic<std::uint64_t> sequence;
  alignas(base::cache_line_bytes) process_slot processes[most_processes];
  ring_state rings[most_rings];
  alignas(base::KiB *
          4) stack_node nodes[most_nodes];  // so that pages of the table are pages of memory
  pool_name pool_names[most_pool_names];
  entry entries[most_rings][ring_entries];
};
inline constexpr std::size_t area_bytes = sizeof(area);
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

inline std::uint64_t size_of(const entry& one) {
  return std::uint64_t{one.size_high} << 32 | one.size_low;
}
inline std::uint64_t pool_of(const entry& one) {
  return std::uint64_t{one.about} << 32 | one.pool_low;
}

}  // namespace strata::wire
