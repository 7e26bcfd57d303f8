#include "alloc/thread_cache.hpp"

#include <cstring>
#include <new>
#include <utility>

#include "alloc/bin.hpp"
#include "alloc/block_state.hpp"
#include "alloc/canary.hpp"
#include "alloc/clock.hpp"
#include "alloc/guard.hpp"
#include "alloc/live.hpp"
#include "alloc/paranoid.hpp"
#include "base/check.hpp"
#include "ground/metadata.hpp"
#include "ground/options.hpp"
#include "os/memory.hpp"
#include "os/process.hpp"

namespace strata::alloc {

constinit magazine parked = {};

namespace {

template <std::size_t... Number>
constexpr thread_state parked_state(std::index_sequence<Number...>) {
  return {{((void)Number, parked.words)...}, 0, phase_new, false, nullptr};
}

// What the first visit to the bin asks for. Few of long blocks: each bears a stamp in a page that the
// program may never touch.
constexpr std::uint16_t first_wanted(std::size_t number) {
  return ground::is_medium(number) ? 2 : 4;
}
// By how much each visit asks for more than the one before. Doubling would bring up to as much again as
// a thread needs. In fours: of tiny blocks that many fill cache lines without a rest.
constexpr std::uint16_t more_wanted(std::size_t number) {
  return ground::is_medium(number) ? 1 : 4;
}
constexpr std::uint32_t most_empties = 512;
// Blocks that an unopened class gives back one by one.
constexpr std::uint8_t most_strays = 4;

}  // namespace

thread_local constinit thread_state this_thread =
    parked_state(std::make_index_sequence<ground::mark_count>{});

void counters::add(const counters& other) {
  for (std::size_t i = 0; i < kind_count; ++i) {
    allocations[i] += other.allocations[i];
    frees[i] += other.frees[i];
    requested[i] += other.requested[i];
  }
  for (std::size_t i = 0; i < histogram_size; ++i) histogram[i] += other.histogram[i];
  large_allocated_bytes += other.large_allocated_bytes;
  large_freed_bytes += other.large_freed_bytes;
}

// ---- One cache

thread_cache* thread_cache::current() {
  if (STRATA_LIKELY(this_thread.cache != nullptr)) return this_thread.cache;
  return thread_registry::enter();
}

void thread_cache::start(bool fast) {
  heads_ = fast ? this_thread.heads : own_heads_;
  for (std::size_t number = 0; number < ground::mark_count; ++number)
    own_heads_[number] = this_thread.heads[number] = parked.words;
  for (std::size_t number = 1; number < ground::number_count; ++number) {
    wanted_[number] = first_wanted(number);
    strays_[number] = 0;
  }
}

bool thread_cache::is_unopened(std::size_t number) const { return heads_[number] == parked.words; }

STRATA_UNJUDGED std::size_t thread_cache::filled(std::size_t number) {
  if (is_unopened(number)) return 0;
  std::uintptr_t* head = heads_[number];
  std::uintptr_t* end = end_of(number);
  if (head == end) return 0;
  // Blocks lie without a gap: where the last word holds one, all do.
  if (*const_cast<volatile std::uintptr_t*>(end - 1) != 0) {
    return static_cast<std::size_t>(end - head);
  }
  std::size_t count = 0;
  // Through volatile: the page may be lifted meanwhile.
  while (head + count < end && *const_cast<volatile std::uintptr_t*>(head + count) != 0) {
    ++count;
  }
  return count;
}

// After a lift: finds out whether the owner took the block that was at the head. The first empty
// word at or above the head is where that block was, unless the owner went past it.
void thread_cache::settle(std::size_t number) {
  doubt& open = doubtful_[number];
  if (STRATA_LIKELY(open.held == 0)) return;
  std::uintptr_t held = open.held;
  bool still_ours = heads_[number] + filled(number) == open.at;
  open = {};
  if (still_ours) bin_of(number).flush(&held, 1);
}

void* thread_cache::allocate(std::size_t number) {
  std::uintptr_t* head = heads_[number];
  std::uintptr_t taken = *head;
  if (taken == 0) {
    gate_.enter();
    settle(number);
    if (*heads_[number] == 0) refill(number);
    head = heads_[number];
    taken = *head;
    gate_.leave();
    if (taken == 0) return nullptr;
  }
  heads_[number] = head + 1;
  return base::pointer_to(taken);
}

void thread_cache::refill(std::size_t number) {
  batch* full = stashes_[number].take(number);
  if (full == nullptr) full = depot_of(number).take(this);
  if (full == nullptr) return visit_bin(number);
  std::uintptr_t* head = end_of(number) - full->count;
  full->copy_to(head);
  heads_[number] = head;
  keep_empty(full);
}

// Brings a batch, and further ones for the stash. A thread that comes again brings twice as much.
void thread_cache::visit_bin(std::size_t number) {
  std::size_t each = batch_of(number);
  std::size_t most = each * batches_a_visit(number);
  std::size_t wanted = base::smaller(wanted_[number], most);
  if (wanted < most) wanted_[number] = static_cast<std::uint16_t>(wanted + more_wanted(number));
  std::uintptr_t first[most_batch];
  block_row rows[most_visit] = {{first, base::smaller(wanted, each)}};
  batch* batches[most_visit] = {};
  std::size_t count = 1;
  for (std::size_t asked = rows[0].count; asked < wanted; asked += rows[count++].count) {
    batches[count] = take_empty();
    if (batches[count] == nullptr) break;
    rows[count] = {batches[count]->blocks, base::smaller(wanted - asked, each)};
  }
  bin_of(number).refill(rows, count);
  if (paranoid::on()) paranoid::shuffle(rows, count);
  // The last first, so that the stash gives them back in the order of their addresses.
  while (--count > 0) {
    batches[count]->count = static_cast<std::uint32_t>(rows[count].count);
    if (rows[count].count == 0)
      keep_empty(batches[count]);
    else
      stashes_[number].push(batches[count]);
  }
  // The block to be handed out first stands at the head: the lowest address.
  std::uintptr_t* head = end_of(number) - rows[0].count;
  for (std::size_t i = 0; i < rows[0].count; ++i) head[i] = first[i];
  heads_[number] = head;
}

void thread_cache::stash_or_flush(std::size_t number, const std::uintptr_t* blocks,
                                  std::size_t count) {
  batch* one = take_empty();
  if (one == nullptr) return bin_of(number).flush(blocks, count);
  one->fill(blocks, count);
  stashes_[number].push(one);
}

void thread_cache::put_or_flush(std::size_t number, const std::uintptr_t* blocks,
                                std::size_t count) {
  batch* one = take_empty();
  if (one == nullptr) return bin_of(number).flush(blocks, count);
  one->fill(blocks, count);
  depot_of(number).put(one);
}

// Cut off anywhere, these two lose a batch and nothing else.
batch* thread_cache::take_empty() {
  batch* one = empties_;
  if (one == nullptr) return take_empty_batch();
  empties_ = one->under.load(std::memory_order_relaxed);
  --empty_count_;
  return one;
}
void thread_cache::keep_empty(batch* empty) {
  if (empty_count_ >= most_empties) return give_empty_batch(empty);
  empty->under.store(empties_, std::memory_order_relaxed);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  empties_ = empty;
  ++empty_count_;
}

void thread_cache::deallocate(void* block, std::size_t number) {
  if (is_unopened(number)) {
    if (strays_[number] < most_strays) {
      ++strays_[number];
      std::uintptr_t stray = base::address_of(block);
      return bin_of(number).flush(&stray, 1);
    }
    heads_[number] = end_of(number);
  } else if (base::is_aligned(base::address_of(heads_[number]), magazine_bytes)) {
    gate_.enter();
    settle(number);
    flush(number, base::larger(1, filled(number) / 2), level::own);
    gate_.leave();
  }
  std::uintptr_t* head = heads_[number];
  head[-1] = base::address_of(block);
  heads_[number] = head - 1;
}

// Blocks that are in no magazine any more: to the stash, where that is wanted and has room, to the
// depot, or to the bin.
void thread_cache::hand_on(std::size_t number, std::uintptr_t* blocks, std::size_t count,
                           level to) {
  if (to == level::own) {
    if (stashes_[number].has_room(number)) return stash_or_flush(number, blocks, count);
    stashes_[number].note_refused();
  }
  if (depot_of(number).has_room())
    put_or_flush(number, blocks, count);
  else
    return_to_bin(number, blocks, count);
}

void thread_cache::empty_stash(std::size_t number, std::size_t batches) {
  for (; batches > 0; --batches) {
    batch* one = stashes_[number].remove();
    if (one == nullptr) return;
    bin_of(number).flush(one->blocks, one->count);
    keep_empty(one);
  }
}

// Moves up to `count` blocks from the head to the next level.
void thread_cache::flush(std::size_t number, std::size_t count, level to) {
  while (count > 0) {
    std::size_t here = base::smaller(base::smaller(count, batch_of(number)), filled(number));
    std::uintptr_t* head = heads_[number];
    if (here == 0) {
      // A lift has emptied the magazine from the head on.
      heads_[number] = end_of(number);
      return;
    }
    // What leaves the magazine is out of its reach before it gets into anybody else's.
    heads_[number] = head + here;
    std::atomic_signal_fence(std::memory_order_seq_cst);
    hand_on(number, head, here, to);
    count -= here;
  }
}

// Nobody has room for the blocks: they go to the bin, and so many batches of the stash with them that it
// has room for the next ones.
void thread_cache::return_to_bin(std::size_t number, std::uintptr_t* blocks, std::size_t count) {
  depot_of(number).note_refused(this);
  block_row rows[most_visit] = {{blocks, count}};
  batch* batches[most_visit] = {};
  std::size_t row_count = 1;
  for (; row_count < batches_a_visit(number); ++row_count) {
    batch* more = stashes_[number].remove();
    if (more == nullptr) break;
    batches[row_count] = more;
    rows[row_count] = {more->blocks, more->count};
  }
  bin_of(number).flush(rows, row_count);
  while (--row_count > 0) keep_empty(batches[row_count]);
}

void thread_cache::trim() {
  larges.release_all();
  gate_.enter();
  for (std::size_t number = 1; number < ground::number_count; ++number) {
    settle(number);
    std::size_t half = (filled(number) + 1) / 2;
    if (half != 0) flush(number, half, level::shared);
    if (half == 0 && wanted_[number] > first_wanted(number)) wanted_[number] /= 2;
    empty_stash(number, stashes_[number].trim());
  }
  gate_.leave();
}

void thread_cache::give_all(std::size_t number) {
  settle(number);
  std::size_t count = filled(number);
  std::uintptr_t blocks[magazine_words];
  for (std::size_t i = 0; i < count; ++i) blocks[i] = heads_[number][i];
  heads_[number] = end_of(number);
  if (count != 0) bin_of(number).flush(blocks, count);
  empty_stash(number, SIZE_MAX);
}

void thread_cache::hand_in() {
  larges.release_all();
  gate_.enter();
  for (std::size_t number = 1; number < ground::number_count; ++number) {
    settle(number);
    empty_stash(number, SIZE_MAX);
    if (std::size_t count = filled(number)) flush(number, count, level::shared);
  }
  gate_.leave();
}

namespace {

void check_blocks(const std::uintptr_t* blocks, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    auto* from = static_cast<span*>(ground::run_of(base::pointer_to(blocks[i])));
    check_untouched(blocks[i], *from);
  }
}

}  // namespace

void thread_cache::check_canaries() {
  gate_.enter();
  for (std::size_t number = 1; number < ground::number_count; ++number) {
    check_blocks(heads_[number], filled(number));
    stashes_[number].each([](const batch& one) { check_blocks(one.blocks, one.count); });
  }
  gate_.leave();
}

void thread_cache::drain() {
  larges.release_all();
  gate_.enter();
  for (std::size_t number = 1; number < ground::number_count; ++number) give_all(number);
  gate_.leave();
}

// While the page moves, the owner may be anywhere in its fast path. A head that stood still, with
// nothing pushed since, is the head that the lifted page had.
STRATA_UNJUDGED void thread_cache::lift(magazine* scratch) {
  larges.release_all();
  if (!gate_.enter_to_lift()) return;
  std::uintptr_t* before[ground::number_count];
  for (std::size_t number = 1; number < ground::number_count; ++number) {
    before[number] = *const_cast<std::uintptr_t* volatile*>(&heads_[number]);
  }
  if (os::lift_pages(magazines_, scratch, magazines_bytes())) {
    for (std::size_t number = 1; number < ground::number_count; ++number) {
      std::uintptr_t* now = *const_cast<std::uintptr_t* volatile*>(&heads_[number]);
      bool still = now == before[number] && *const_cast<volatile std::uintptr_t*>(now) == 0;
      if (still)
        loot_of_sleeper(scratch[number], now, number);
      else
        loot_of_runner(scratch[number], now, number);
    }
  }
  for (std::size_t number = 1; number < ground::number_count; ++number)
    empty_stash(number, SIZE_MAX);
  gate_.leave();
}

STRATA_UNJUDGED void thread_cache::loot_of_sleeper(const magazine& lifted_one, std::uintptr_t* head,
                                                   std::size_t number) {
  auto first = static_cast<std::size_t>(head - magazines_[number].words);
  if (first >= magazine_capacity(number) || lifted_one.words[first] == 0) return;
  doubtful_[number] = {lifted_one.words[first], head};
  give_from(lifted_one, first + 1, number);
}

// The owner runs. It has pushed without a gap from where its head was at the lift, but for the one
// operation that the lift may have cut in two; so the first empty word at or above its head is at
// most one word from there, and what lies two words above belongs to nobody.
STRATA_UNJUDGED void thread_cache::loot_of_runner(const magazine& lifted_one, std::uintptr_t* head,
                                                  std::size_t number) {
  while (head < end_of(number) && *const_cast<volatile std::uintptr_t*>(head) != 0) ++head;
  give_from(lifted_one, static_cast<std::size_t>(head - magazines_[number].words) + 2, number);
}

void thread_cache::give_from(const magazine& lifted_one, std::size_t first, std::size_t number) {
  std::size_t end = first;
  while (end < magazine_capacity(number) && lifted_one.words[end] != 0) ++end;
  if (end > first) bin_of(number).flush(&lifted_one.words[first], end - first);
}

void thread_cache::wake() {
  gate_.enter();
  for (std::size_t number = 1; number < ground::number_count; ++number) settle(number);
  lifted.store(false, std::memory_order_relaxed);
  gate_.leave();
}

std::size_t thread_cache::cached(std::size_t number) {
  std::size_t stashed = 0;
  stashes_[number].each([&stashed](const batch& one) { stashed += one.count; });
  return filled(number) + stashed + (doubtful_[number].held != 0 ? 1 : 0);
}

std::size_t thread_cache::magazines_bytes() {
  return base::align_up(ground::number_count * magazine_bytes, os::page_bytes());
}

// ---- All caches

namespace {

constexpr std::size_t most_spares = 16;

constinit sync::mutex registry_lock(sync::rank::registry);
constinit counters departed_counts = {};
constinit magazine* scratch = nullptr;
constinit std::size_t spare_count = 0;

struct registry_lists {
  base::list<thread_cache> active;
  base::list<thread_cache> spares;
};
alignas(registry_lists) constinit std::byte lists_memory[sizeof(registry_lists)] = {};

registry_lists& lists() {
  static constinit registry_lists* made = nullptr;
  if (made == nullptr) made = new (lists_memory) registry_lists;
  return *made;
}

// The cache object stands behind its magazines, and its counters behind that, in one mapping.
std::size_t mapping_bytes() {
  return thread_cache::magazines_bytes() +
         base::align_up(sizeof(thread_cache) + sizeof(counters), os::page_bytes());
}

}  // namespace

sync::mutex& thread_registry::lock() { return registry_lock; }
base::list<thread_cache>& thread_registry::active() { return lists().active; }
base::list<thread_cache>& thread_registry::spares() { return lists().spares; }
const counters& thread_registry::departed() { return departed_counts; }

void thread_registry::forget_counts() {
  departed_counts = {};
  each([](thread_cache& one) {
    if (one.counted_) *one.counters_ = {};
  });
}

std::size_t thread_registry::size() {
  std::size_t count = 0;
  each([&count](thread_cache&) { ++count; });
  return count;
}

thread_cache* thread_registry::take_spare() {
  sync::locked section(registry_lock);
  thread_cache* spare = spares().front();
  if (spare == nullptr) return nullptr;
  base::list<thread_cache>::remove(spare);
  --spare_count;
  return spare;
}

thread_cache* thread_registry::make() {
  void* mapping = os::map(mapping_bytes(), os::page_bytes());
  if (mapping == nullptr) return nullptr;
  ground::metadata::count_mapped(mapping_bytes());
  void* place = static_cast<char*>(mapping) + thread_cache::magazines_bytes();
  auto* made = new (place) thread_cache;
  made->magazines_ = static_cast<magazine*>(mapping);
  made->counters_ = reinterpret_cast<counters*>(made + 1);
  return made;
}

thread_cache* thread_registry::enter() {
  if (this_thread.phase == phase_exited) return nullptr;
  thread_cache* cache = take_spare();
  if (cache == nullptr) cache = make();
  if (cache == nullptr) return nullptr;
  cache->counted_ = ground::option().count;
  bool contiguous = ground::kind() == ground::ground_kind::contiguous;
  cache->start(contiguous && !cache->counted_ && !paranoid::on() && !guard::all());
  cache->last_trim_ms = cache->last_tick_ms = os::coarse_ms();
  cache->last_active_ms.store(cache->last_tick_ms, std::memory_order_relaxed);
  // Bound before it is listed: signals that were held back come at the end of the section.
  this_thread.cache = cache;
  this_thread.phase = phase_running;
  {
    sync::locked section(registry_lock);
    active().push_back(cache);
  }
  thread_started();
  return cache;
}

// Under the lock: what it counted stays, as the departed's.
void thread_registry::unlist(thread_cache* old) {
  base::list<thread_cache>::remove(old);
  if (!old->counted_) return;
  live::settle(*old->counters_);
  departed_counts.add(*old->counters_);
  *old->counters_ = {};
}

// The caller has drained it and holds no lock; nobody else can reach it any more.
void thread_registry::retire(thread_cache* old) {
  {
    sync::locked section(registry_lock);
    if (spare_count < most_spares) {
      spares().push_front(old);
      ++spare_count;
      return;
    }
  }
  if (os::release(old->magazines_, mapping_bytes()))
    ground::metadata::count_unmapped(mapping_bytes());
}

void thread_registry::leave() {
  thread_cache* cache = this_thread.cache;
  if (cache == nullptr) return;
  {
    sync::locked section(registry_lock);
    unlist(cache);
  }
  cache->hand_in();
  for (std::uintptr_t*& head : this_thread.heads) head = parked.words;
  this_thread.cache = nullptr;
  this_thread.phase = phase_exited;
  retire(cache);
}

void thread_registry::lift_idle(std::uint64_t before_ms) {
  sync::locked section(registry_lock);
  if (scratch == nullptr) {
    scratch = static_cast<magazine*>(os::reserve(thread_cache::magazines_bytes(), os::page_bytes(),
                                                 os::reserved_as::inaccessible));
    if (scratch == nullptr) return;
  }
  for (thread_cache* one = active().front(); one != nullptr; one = active().after(one)) {
    if (one == this_thread.cache || one->lifted.load(std::memory_order_relaxed)) continue;
    if (one->last_active_ms.load(std::memory_order_relaxed) > before_ms) continue;
    one->lift(scratch);
    one->lifted.store(true, std::memory_order_relaxed);
  }
}

void thread_registry::adopt_in_child() {
  registry_lock.reset();
  thread_cache* next = nullptr;
  for (thread_cache* one = active().front(); one != nullptr; one = next) {
    next = active().after(one);
    if (one == this_thread.cache) continue;
    unlist(one);
    one->larges.release_all();
    for (std::size_t number = 1; number < ground::number_count; ++number) one->give_all(number);
    one->gate_.leave();
    retire(one);
  }
}

}  // namespace strata::alloc
