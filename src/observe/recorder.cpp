#include "observe/recorder.hpp"

#include "base/bits.hpp"
#include "observe/pool_names.hpp"
#include "observe/stack_nodes.hpp"
#include "observe/stack_walk.hpp"
#include "os/memory.hpp"
#include "os/process.hpp"
#include "sync/mutex.hpp"
#include "wire/area.hpp"

namespace strata::observe {

thread_local constinit thread_countdown this_countdown = {0};
constinit std::atomic<std::uint8_t> noted_in[kib_count] = {};

namespace {

constexpr std::int64_t for_ever = INT64_MAX / 2;
constexpr unsigned set_bits = 15;
constexpr std::size_t set_count = std::size_t{1} << set_bits;
constexpr std::size_t set_blocks = 8;

enum class phase : std::uint32_t { before, attaching, recording, over };

constinit std::atomic<phase> now{phase::before};
constinit wire::area* shared = nullptr;
constinit wire::process_slot* slot = nullptr;
constinit const char* area_path = nullptr;
constinit stack_walker walker;
using sampled_set = std::atomic<std::uintptr_t>[set_blocks];
constinit sampled_set* sampled = nullptr;

// What the thread found at its last walk: calls that are still there have the same nodes.
struct last_stack {
  stack_walker::trace calls;
  std::uint32_t nodes[stack_walker::most_calls];
  std::uintptr_t found_calls[stack_walker::most_calls];  // for the next walk
  std::uintptr_t found_places[stack_walker::most_calls];
};

// An entry that is being written, by the function with this frame. A handler that interrupts it writes from
// frames below. One whose frame is not above that of the next writer was left, by a jump out of a handler.
struct open_entry {
  std::uintptr_t frame;
  std::uint64_t index;
  bool waits;  // the entry still has what the command has not read
};
constexpr std::size_t most_open = 4;
static_assert(stack_walker::most_calls == wire::most_depth);
constexpr std::uint64_t no_index = ~std::uint64_t{0};

struct thread_state {
  std::size_t ring;  // + 1; 0: none yet
  stack_walker::known_stack stack;
  last_stack* last;
  std::uint64_t random;
  std::uintptr_t walking;  // the frame that has `last` in hand; 0: none
  std::size_t open_count;
  open_entry open[most_open];
  bool exiting;  // what comes now comes after the thread's last destructor, or nearly
};
constinit thread_local thread_state own __attribute__((tls_model("initial-exec"))) = {};

void stop() {
  now.store(phase::over, std::memory_order_relaxed);
  for (auto& count : noted_in) count.store(0, std::memory_order_relaxed);
}

// ---- Attaching

void note_variable(const char* entry) {
  const char* name = wire::area_variable;
  while (*name != '\0' && *entry == *name) ++entry, ++name;
  if (*name == '\0' && *entry == '=') area_path = entry + 1;
}

bool take_slot(std::uint32_t parent) {
  for (auto& one : shared->processes) {
    std::uint32_t expected = wire::slot_free;
    if (one.state.load(std::memory_order_relaxed) != expected) continue;
    // The rest is written before the command looks: it waits for the number.
    if (!one.state.compare_exchange_strong(expected, wire::slot_ending + 1)) continue;
    one.pid = static_cast<std::uint32_t>(os::process_id());
    one.number = shared->last_process.fetch_add(1, std::memory_order_relaxed) + 1;
    one.parent = parent;
    one.seen.store(0, std::memory_order_relaxed);
    one.question.store(wire::question_none, std::memory_order_relaxed);
    one.forked_at = shared->sequence.load(std::memory_order_relaxed);
    one.state.store(wire::slot_used, std::memory_order_release);
    slot = &one;
    return true;
  }
  return false;
}

// Whether there is somebody to wait for. turns: of waiting for 100 us, so far.
bool command_is_there(std::uint32_t turns) {
  if (shared->closed.load(std::memory_order_relaxed) != 0) return false;
  return turns % 128 != 127 || os::process_runs(static_cast<std::int32_t>(shared->reader));
}

void nudge_command() { os::nudge(static_cast<std::int32_t>(shared->reader)); }

// The command looks at the process; not to wait for it for ever, unless its look is what this is all about.
void wait_until_seen() {
  constexpr std::uint32_t usual = 1000;
  const std::uint32_t most = shared->finds_leaks != 0 ? UINT32_MAX : usual;
  nudge_command();
  for (std::uint32_t turns = 0; turns < most && command_is_there(turns); ++turns) {
    if (slot->seen.load(std::memory_order_acquire) != 0) return;
    os::sleep_us(100);
  }
}

bool attach() {
  os::each_environment(note_variable);
  if (area_path == nullptr || os::runs_with_borrowed_rights()) return false;
  void* mapped = os::map_existing_file(area_path, wire::area_bytes);
  if (mapped == nullptr) return false;
  shared = static_cast<wire::area*>(mapped);
  os::leave_out_of_core_dumps(mapped, wire::area_bytes);
  if (shared->magic != wire::area_magic || !walker.set_up(&noted_in) || !take_slot(0)) return false;
  std::size_t bytes = base::align_up(set_count * sizeof(sampled_set), os::page_bytes());
  sampled = static_cast<sampled_set*>(os::map(bytes, os::page_bytes()));
  if (sampled == nullptr) return false;
  if (shared->sample_bytes == 0) {
    for (auto& count : noted_in) count.store(1, std::memory_order_relaxed);
  }
  wait_until_seen();
  return true;
}

// Attaches when nobody has yet. False: nothing is recorded, by this thread or at all.
bool is_recording() {
  phase seen = now.load(std::memory_order_acquire);
  if (STRATA_LIKELY(seen == phase::recording)) return true;
  if (seen == phase::before) {
    sync::signal_shield shield;  // a handler that jumps out of here would leave it half done
    if (!now.compare_exchange_strong(seen, phase::attaching)) return false;
    bool attached = attach();
    now.store(attached ? phase::recording : phase::over, std::memory_order_release);
    return attached;
  }
  if (seen == phase::over) this_countdown.bytes = for_ever;
  return false;
}

// ---- Rings

bool take_ring() {
  sync::signal_shield shield;
  for (std::size_t i = 0; i < wire::most_rings; ++i) {
    wire::ring_state& one = shared->rings[i];
    std::uint32_t expected = wire::slot_free;
    if (one.state.load(std::memory_order_relaxed) != expected) continue;
    if (!one.state.compare_exchange_strong(expected, wire::slot_ending + 1)) continue;
    one.pid = slot->pid;
    one.process = slot->number;
    one.thread = static_cast<std::uint32_t>(os::thread_id());
    one.state.store(wire::slot_used, std::memory_order_release);
    auto used = static_cast<std::uint32_t>(i + 1);
    std::uint32_t before = shared->rings_used.load(std::memory_order_relaxed);
    while (before < used && !shared->rings_used.compare_exchange_weak(before, used)) continue;
    own.ring = i + 1;
    return true;
  }
  shared->lost_threads.fetch_add(1, std::memory_order_relaxed);
  this_countdown.bytes = for_ever;
  return false;
}

void leave_ring() {
  // release: the command sees the last entries before it gives the ring to another.
  shared->rings[own.ring - 1].state.store(wire::slot_ending, std::memory_order_release);
  own.ring = 0;
}

// False: the command is gone.
bool wait_for_room(const wire::ring_state& ring, std::uint64_t index) {
  // acquire: the command has read what is overwritten next.
  for (std::uint32_t turns = 0;
       index - ring.read.load(std::memory_order_acquire) >= wire::ring_entries; ++turns) {
    if (turns == 0) nudge_command();
    if (!command_is_there(turns)) return false;
    os::sleep_us(100);
  }
  return true;
}

std::size_t last_stack_bytes() { return base::align_up(sizeof(last_stack), os::page_bytes()); }

// Entries that were left half written are given to the command as nothing. The first goes first: the command
// waits for it.
void close_abandoned(wire::ring_state& ring, std::uintptr_t frame) {
  std::size_t kept = own.open_count;
  while (kept > 0 && own.open[kept - 1].frame <= frame) --kept;
  for (std::size_t i = kept; i < own.open_count; ++i) {
    std::uint64_t index = own.open[i].index;
    if (index == no_index || !wait_for_room(ring, index)) continue;
    wire::entry& left = shared->entries[own.ring - 1][index % wire::ring_entries];
    if (left.stamp.load(std::memory_order_relaxed) == static_cast<std::uint32_t>(index + 1))
      continue;
    if (own.open[i].waits) left.sequence = wire::no_sequence;
    left.kind = static_cast<std::uint32_t>(wire::entry_kind::nothing);
    left.stamp.store(static_cast<std::uint32_t>(index + 1), std::memory_order_release);
  }
  own.open_count = kept;
}

// Reserves an entry, and waits until it is free. False: the command is gone.
bool open_next(wire::ring_state& ring, std::uintptr_t frame, std::uint64_t& index) {
  std::size_t depth = own.open_count;
  bool tracked = depth < most_open;
  if (tracked) {
    own.open[depth] = {frame, no_index, true};
    std::atomic_signal_fence(std::memory_order_seq_cst);
    own.open_count = depth + 1;
    std::atomic_signal_fence(std::memory_order_seq_cst);
  }
  // One instruction, so that a handler gets another index. relaxed: the stamp publishes.
  index = ring.head.fetch_add(1, std::memory_order_relaxed);
  if (tracked) own.open[depth].index = index;
  if (!wait_for_room(ring, index)) return false;
  shared->entries[own.ring - 1][index % wire::ring_entries].sequence = wire::no_sequence;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  if (tracked) own.open[depth].waits = false;
  return true;
}

STRATA_NOINLINE void push(std::uint32_t kind, std::uintptr_t address, std::size_t size,
                          std::uint32_t node, std::uint16_t about, std::uint32_t pool_low) {
  if (own.ring == 0 && !take_ring()) return;
  if (STRATA_UNLIKELY(shared->closed.load(std::memory_order_relaxed) != 0)) return stop();
  wire::ring_state& ring = shared->rings[own.ring - 1];
  std::uintptr_t frame = base::address_of(__builtin_frame_address(0));
  close_abandoned(ring, frame);
  std::size_t depth = own.open_count;
  std::uint64_t index = 0;
  if (!open_next(ring, frame, index)) return stop();
  wire::entry& to = shared->entries[own.ring - 1][index % wire::ring_entries];
  to.kind = kind;
  to.address = address;
  to.node = node;
  to.size_low = static_cast<std::uint32_t>(size);
  to.size_high = static_cast<std::uint16_t>(size >> 32);
  to.about = about;
  to.pool_low = pool_low;
  to.sequence = shared->sequence.fetch_add(1, std::memory_order_relaxed);
  to.stamp.store(static_cast<std::uint32_t>(index + 1), std::memory_order_release);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  own.open_count = depth;
  if (STRATA_UNLIKELY(own.exiting)) leave_ring();
}

void push(wire::entry_kind kind, void* block, std::size_t size, std::uint32_t node) {
  push(static_cast<std::uint32_t>(kind), base::address_of(block), size, node, 0, 0);
}
void push(wire::range_kind kind, std::uintptr_t start, std::size_t bytes, std::uint32_t node,
          std::uint16_t about) {
  push(static_cast<std::uint32_t>(kind), start, bytes, node, about, 0);
}
void push(wire::pool_kind kind, const void* pool, const void* block, std::size_t bytes,
          std::uint32_t node) {
  const std::uintptr_t which = base::address_of(pool);
  push(static_cast<std::uint32_t>(kind), base::address_of(block), bytes, node,
       static_cast<std::uint16_t>(which >> 32), static_cast<std::uint32_t>(which));
}

// ---- Stacks

// 0: the table is full.
// address: of the call; 0 for calls that were too many.
std::uint32_t node_of(std::uint32_t caller, std::uintptr_t address) {
  const std::uint32_t number =
      number_of_node(shared->nodes, caller, address == 0 ? wire::cut_mark : address);
  if (number == 0) shared->lost_stacks.fetch_add(1, std::memory_order_relaxed);
  return number;
}

// kept: of the calls of the last walk, those that are still there.
std::uint32_t node_of_found(last_stack& last, std::size_t kept, const stack_walker::found& found) {
  std::size_t at = kept;
  std::uint32_t node = at == 0 ? 0 : last.nodes[at - 1];
  last.calls.depth = at;
  for (std::size_t left = found.depth; left > 0; --left, ++at) {
    node = node_of(node, found.calls[left - 1]);
    if (node == 0) return 0;
    last.calls.calls[at] = found.calls[left - 1];
    last.calls.places[at] = found.places[left - 1];
    last.nodes[at] = node;
    last.calls.depth = at + 1;
  }
  return node;
}

std::uint32_t node_of_stack(last_stack& last, const os::calling_frame* from) {
  stack_walker::found found{last.found_calls, last.found_places, stack_walker::most_calls};
  std::size_t kept = walker.walk(own.stack, &last.calls, found, from);
  if (kept + found.depth > stack_walker::most_calls) {
    kept = walker.walk(own.stack, nullptr, found, from);
  }
  return node_of_found(last, kept, found);
}

// A handler has interrupted a walk: another, of which nothing is kept. Its stack may be a small one.
STRATA_NOINLINE std::uint32_t node_in_handler() {
  constexpr std::size_t most = 64;
  std::uintptr_t calls[most];
  std::uintptr_t places[most];
  stack_walker::found found{calls, places, most};
  walker.walk(own.stack, nullptr, found);
  std::uint32_t node = 0;
  for (std::size_t left = found.depth; left > 0; --left) {
    node = node_of(node, calls[left - 1]);
    if (node == 0) break;
  }
  return node;
}

STRATA_NOINLINE std::uint32_t own_node(const os::calling_frame* from) {
  if (own.last == nullptr) {
    own.last = static_cast<last_stack*>(os::map(last_stack_bytes(), os::page_bytes()));
    if (own.last == nullptr) return 0;
  }
  std::uintptr_t frame = base::address_of(__builtin_frame_address(0));
  if (own.walking > frame) return node_in_handler();
  if (own.walking != 0) own.last->calls.depth = 0;  // it was left, half changed
  own.walking = frame;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  std::uint32_t node = node_of_stack(*own.last, from);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  // A handler on a higher stack has taken this one for one that was left.
  if (own.walking != frame) own.last->calls.depth = 0;
  own.walking = 0;
  return node;
}

// ---- Samples

// -log2 of a number in (0, 1] that value / 2^32 is, in 1 / 2^26; by the fraction's square again and again.
std::uint64_t minus_log2(std::uint32_t value) {
  constexpr unsigned fraction_bits = 26;
  std::uint64_t mantissa = value | std::uint64_t{1};
  unsigned exponent = 63 - static_cast<unsigned>(__builtin_clzll(mantissa));
  std::uint64_t scaled = mantissa << (31 - exponent);  // [1, 2) in 1 / 2^31
  std::uint64_t fraction = 0;
  for (unsigned bit = 0; bit < fraction_bits; ++bit) {
    scaled = scaled * scaled >> 31;
    fraction <<= 1;
    if (scaled >> 32 != 0) {
      scaled >>= 1;
      fraction |= 1;
    }
  }
  return (std::uint64_t{32 - exponent} << fraction_bits) - fraction;
}

std::int64_t next_distance() {
  if (own.random == 0) own.random = os::random_word() | 1;
  own.random = own.random * 6364136223846793005 + 1442695040888963407;
  // mean * -ln(u), as -log2(u) * ln 2.
  __extension__ using wide = unsigned __int128;
  constexpr wide ln2 = 2977044471;  // of 2^32
  wide logarithm = minus_log2(static_cast<std::uint32_t>(own.random >> 32));
  return static_cast<std::int64_t>(logarithm * ln2 * shared->sample_bytes >> (32 + 26));
}

// Blocks of one region are in sets of one page of the table, so that as much of it is touched as the heap is large; or,
// when their set is full, in one anywhere.
struct sets_of {
  std::size_t near;
  std::size_t far;

  explicit sets_of(const void* block) {
    constexpr unsigned region_bits = 22;
    constexpr unsigned page_bits = 6;
    const std::uintptr_t address = base::address_of(block);
    const std::uint64_t hash = address * 0x9e3779b97f4a7c15;  // spreads neighbours of any size
    far = hash >> (64 - set_bits);
    const std::size_t page = base::mixed(address >> region_bits) % (set_count >> page_bits);
    near = page << page_bits | far % (1U << page_bits);
  }
};

// A count that would overflow stays as it is from then on.
void count_noted(void* block, int change) {
  std::atomic<std::uint8_t>& count = noted_near(block);
  std::uint8_t before = count.load(std::memory_order_relaxed);
  while (before != UINT8_MAX &&
         !count.compare_exchange_weak(before, static_cast<std::uint8_t>(before + change),
                                      std::memory_order_relaxed)) {
  }
}

bool put_into(sampled_set& set, void* block) {
  for (auto& place : set) {
    std::uintptr_t expected = 0;
    // relaxed: only who has the block looks for it.
    if (place.load(std::memory_order_relaxed) == 0 &&
        place.compare_exchange_strong(expected, base::address_of(block),
                                      std::memory_order_relaxed)) {
      return true;
    }
  }
  return false;
}

bool keep_sampled(void* block) {
  const sets_of sets(block);
  if (put_into(sampled[sets.near], block) || put_into(sampled[sets.far], block)) {
    count_noted(block, 1);
    return true;
  }
  shared->lost_samples.fetch_add(1, std::memory_order_relaxed);
  return false;
}

bool take_from(sampled_set& set, void* block) {
  for (auto& place : set) {
    if (place.load(std::memory_order_relaxed) != base::address_of(block)) continue;
    place.store(0, std::memory_order_relaxed);
    return true;
  }
  return false;
}

bool forget_sampled(void* block) {
  const sets_of sets(block);
  if (!take_from(sampled[sets.near], block) && !take_from(sampled[sets.far], block)) return false;
  count_noted(block, -1);
  return true;
}

bool records_all() { return shared->sample_bytes == 0; }

// The stack as it is now, for a block of a heap.
std::uint32_t node_for(const os::calling_frame* from, std::uint32_t heap) {
  const std::uint32_t node = own_node(from);
  return heap == 0 ? node : node_of(node, wire::heap_mark | heap);
}

void note_new(wire::entry_kind kind, void* block, std::size_t size, const os::calling_frame* from,
              std::uint32_t heap) {
  if (!is_recording()) return;
  if (records_all()) {
    this_countdown.bytes = 0;
    if (block != nullptr) push(kind, block, size, node_for(from, heap));
    return;
  }
  bool is_first = own.random == 0;  // its countdown began nowhere
  this_countdown.bytes = next_distance();
  if (is_first) this_countdown.bytes -= static_cast<std::int64_t>(size | 1);
  if (is_first && this_countdown.bytes >= 0) return;
  if (is_first) this_countdown.bytes = next_distance();
  if (block != nullptr && keep_sampled(block)) push(kind, block, size, node_for(from, heap));
}

// ---- Looking for leaks

// How the thread came to end the process.
void note_ending() {
  std::uintptr_t calls[wire::ending_calls];
  std::uintptr_t places[wire::ending_calls];
  stack_walker::found found{calls, places, wire::ending_calls};
  walker.walk(own.stack, nullptr, found);
  for (std::size_t i = 0; i < found.depth; ++i) slot->stack[i] = {calls[i], places[i]};
  slot->calls = static_cast<std::uint32_t>(found.depth);
  slot->thread = static_cast<std::uint32_t>(os::thread_id());
}

// One thread asks at a time. False: the command is gone.
bool take_question() {
  for (std::uint32_t turns = 0; command_is_there(turns); ++turns) {
    std::uint32_t expected = wire::question_none;
    // acquire: the one before has read its answer.
    if (slot->question.compare_exchange_strong(expected, wire::question_begun)) return true;
    os::sleep_us(100);
  }
  return false;
}

// Whether the block's going is to be told.
bool is_to_go(void* block) {
  if (now.load(std::memory_order_acquire) != phase::recording || block == nullptr) return false;
  return records_all() || forget_sampled(block);
}

}  // namespace

STRATA_NOINLINE void note_made(void* block, std::size_t size, const os::calling_frame& from,
                               std::uint32_t heap) {
  note_new(wire::entry_kind::allocate, block, size, &from, heap);
}

STRATA_NOINLINE std::uint32_t note_heap_made() { return is_recording() ? own_node(nullptr) : 0; }

STRATA_NOINLINE void note_gone(void* block) {
  if (is_to_go(block)) push(wire::entry_kind::deallocate, block, 0, 0);
}

STRATA_NOINLINE resizing note_resizing(void* block, bool is_due) {
  bool noted = is_noted(block) && is_to_go(block);
  if (noted) push(wire::entry_kind::resize_out, block, 0, 0);
  return {noted, is_due};
}

STRATA_NOINLINE void note_resized(resizing before, void* old_block, void* block, std::size_t size,
                                  std::uint32_t heap) {
  if (block == nullptr && before.noted && (records_all() || keep_sampled(old_block))) {
    push(wire::entry_kind::resize_back, old_block, 0, 0);
  }
  if (!before.is_due) return;
  note_new(before.noted ? wire::entry_kind::resize_in : wire::entry_kind::allocate, block, size,
           nullptr, heap);
}

STRATA_NOINLINE void note_mapped(std::uintptr_t start, std::size_t bytes, std::uint16_t about,
                                 const os::calling_frame& from) {
  if (is_recording()) push(wire::range_kind::map, start, bytes, own_node(&from), about);
}

void note_unmapping(std::uintptr_t start, std::size_t bytes) {
  if (is_recording()) push(wire::range_kind::unmap, start, bytes, 0, 0);
}

void note_unmap_refused() {
  if (is_recording()) push(wire::range_kind::unmap_back, 0, 0, 0, 0);
}

STRATA_NOINLINE void note_pool_allocated(const void* pool, const char* name, const void* block,
                                         std::size_t bytes, const os::calling_frame& from) {
  if (!is_recording()) return;
  const std::uint32_t calls = own_node(&from);
  const std::uint32_t node =
      node_of(calls, wire::pool_mark | number_of_name(shared->pool_names, cut_name(name)));
  push(wire::pool_kind::allocate, pool, block, bytes, node);
}

void note_pool_freed(const void* pool, const void* block) {
  if (is_recording()) push(wire::pool_kind::deallocate, pool, block, 0, 0);
}

void note_pool_emptied(const void* pool) {
  if (is_recording()) push(wire::pool_kind::empty, pool, nullptr, 0, 0);
}

void thread_exits() {
  if (own.last != nullptr) {
    os::release(own.last, last_stack_bytes());
    own.last = nullptr;
  }
  own.exiting = true;
  if (own.ring != 0) leave_ring();
}

void forked_in_child() {
  if (now.load(std::memory_order_relaxed) != phase::recording) return;
  own.ring = 0;
  own.random = 0;
  own.walking = 0;
  own.open_count = 0;
  if (!take_slot(slot->number)) return stop();
  wait_until_seen();
}

void process_ends() {
  if (now.load(std::memory_order_acquire) != phase::recording) return;
  if (slot->pid != static_cast<std::uint32_t>(os::process_id())) return;
  if (slot->state.load(std::memory_order_relaxed) != wire::slot_used) return;
  note_ending();
  slot->seen.store(0, std::memory_order_relaxed);
  slot->state.store(wire::slot_ending, std::memory_order_release);
  wait_until_seen();
}

std::int64_t lost_blocks(std::uintptr_t stack) {
  if (!is_recording() || shared->finds_leaks == 0 || !take_question()) return -1;
  slot->thread = static_cast<std::uint32_t>(os::thread_id());
  slot->asked_from = stack;
  slot->question.store(wire::question_asked, std::memory_order_release);
  for (std::uint32_t turns = 0; command_is_there(turns); ++turns) {
    // acquire: the answer is there.
    if (slot->question.load(std::memory_order_acquire) == wire::question_answered) {
      auto blocks = static_cast<std::int64_t>(slot->lost_blocks);
      slot->question.store(wire::question_none, std::memory_order_release);
      return blocks;
    }
    os::sleep_us(100);
  }
  return -1;
}

}  // namespace strata::observe
