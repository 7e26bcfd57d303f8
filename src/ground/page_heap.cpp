#include "ground/page_heap.hpp"

#include <atomic>

#include "base/check.hpp"
#include "ground/account.hpp"
#include "ground/chunk.hpp"
#include "ground/options.hpp"
#include "os/memory.hpp"
#include "os/process.hpp"
#include "sync/mutex.hpp"

namespace strata::ground {

namespace {

using dirty_list = base::list<chunk, dirty_tag>;
using longest_list = base::list<chunk, by_longest_tag>;

constinit sync::mutex lock(sync::rank::pages);
constinit std::atomic<std::size_t> retained_pages{0};
constinit std::atomic<std::size_t> used_pages_total{0};

// Lists hold pointers to themselves: built at first use.
struct directory {
  longest_list by_longest[most_chunk_pages + 1];
  dirty_list dirty;
  std::uint64_t occupied[(most_chunk_pages + 64) / 64 + 1] = {};  // by_longest[i] is not empty
};
alignas(directory) constinit std::byte directory_memory[sizeof(directory)] = {};
constinit directory* lists = nullptr;
constinit std::size_t holders = 0;  // who wants every region to stay

std::size_t chunk_pages() { return chunk_bytes >> page_shift(); }
base::bit_row occupied() { return base::bit_row(lists->occupied); }
std::uintptr_t page_address(const chunk* in, std::size_t page) {
  return in->start + (page << page_shift());
}
chunk* chunk_of(region* in, std::uintptr_t address) {
  return &in->chunks[(address - in->start) / chunk_bytes];
}
std::size_t chunk_number(const chunk* one) {
  return static_cast<std::size_t>(one - one->in->chunks);
}

// ---- The lists

void unlist(chunk* one) {
  longest_list::remove(one);
  if (lists->by_longest[one->longest].empty()) occupied().clear(one->longest);
}

void enlist(chunk* one) {
  lists->by_longest[one->longest].push_front(one);
  occupied().set(one->longest);
}

// Calls action(first page, count) for each row of unused pages.
template <typename Action>
void each_free_row(chunk* one, Action action) {
  std::size_t size = chunk_pages();
  for (std::size_t from = one->used().find(false, 0, size); from < size;) {
    std::size_t end = one->used().find(true, from, size);
    action(from, end - from);
    from = one->used().find(false, end, size);
  }
}

std::size_t longest_free(chunk* one) {
  std::size_t longest = 0;
  each_free_row(
      one, [&longest](std::size_t, std::size_t count) { longest = base::larger(longest, count); });
  return longest;
}

// After `used` has changed.
void update(chunk* one) {
  unlist(one);
  one->longest = static_cast<std::uint16_t>(longest_free(one));
  enlist(one);
  if (one->in->free_chunks == nullptr) return;
  base::bit_row free_row(one->in->free_chunks);
  if (one->used_pages == 0)
    free_row.set(chunk_number(one));
  else
    free_row.clear(chunk_number(one));
}

void update_dirty_list(chunk* one) {
  auto* node = static_cast<base::list_node<dirty_tag>*>(one);
  bool listed = node->linked();
  if (one->dirty_pages == 0 && listed) node->unlink();
  if (one->dirty_pages > 0 && !listed) lists->dirty.push_back(one);
}

// ---- Pages of one chunk

// Marks free pages as used. Returns whether all of them were clean.
bool take_in(chunk* one, std::size_t first, std::size_t count) {
  if (one->huge && count < chunk_pages()) {
    one->huge = false;
    os::never_huge(base::pointer_to(one->start), chunk_bytes);
  }
  std::size_t dirty = one->dirty().count_range(first, count);
  one->used().set_range(first, count);
  one->used_pages = static_cast<std::uint16_t>(one->used_pages + count);
  if (dirty != 0) {
    one->dirty().clear_range(first, count);
    one->dirty_pages = static_cast<std::uint16_t>(one->dirty_pages - dirty);
    retained_pages.fetch_sub(dirty, std::memory_order_relaxed);
    update_dirty_list(one);
  }
  update(one);
  return dirty == 0;
}

void give_in(chunk* one, std::size_t first, std::size_t count, std::uint64_t now_ms) {
  STRATA_CHECK(one->used().count_range(first, count) == count);
  one->used().clear_range(first, count);
  one->used_pages = static_cast<std::uint16_t>(one->used_pages - count);
  if (one->dirty_pages == 0) one->dirty_since_ms = now_ms;
  one->last_freed_ms = now_ms;
  one->dirty().set_range(first, count);
  one->dirty_pages = static_cast<std::uint16_t>(one->dirty_pages + count);
  retained_pages.fetch_add(count, std::memory_order_relaxed);
  update_dirty_list(one);
  update(one);
}

// ---- Runs within a chunk

// Where a run might go, and how many of its pages would be dirty: those need no page fault.
struct place {
  chunk* in = nullptr;
  std::size_t first = 0;
  std::size_t dirty = 0;
};

// Of the rows of the chunk that fit, the one with the most dirty pages; the lowest of equals.
place best_row(chunk* one, std::size_t count, std::size_t alignment) {
  place best;
  each_free_row(one, [&](std::size_t from, std::size_t free) {
    std::size_t first = base::align_up(from, alignment);
    if (first + count > from + free) return;
    std::size_t dirty = one->dirty_pages == 0 ? 0 : one->dirty().count_range(first, count);
    if (best.in == nullptr || dirty > best.dirty) best = {one, first, dirty};
  });
  return best;
}

bool is_better(const place& one, const place& than) {
  if (one.in == nullptr || than.in == nullptr) return than.in == nullptr;
  if (one.dirty != than.dirty) return one.dirty > than.dirty;
  return one.in->used_pages > than.in->used_pages;
}

constexpr int most_candidates = 8;

// The best of the first few chunks that can take the run, tightest first.
place find_place(std::size_t count, std::size_t alignment) {
  place best;
  int looked_at = 0;
  std::size_t end = chunk_pages() + 1;
  for (std::size_t longest = occupied().find(true, count, end); longest < end;
       longest = occupied().find(true, longest + 1, end)) {
    longest_list& list = lists->by_longest[longest];
    for (chunk* one = list.front(); one != nullptr && looked_at < most_candidates;
         one = list.after(one), ++looked_at) {
      place here = best_row(one, count, alignment);
      if (is_better(here, best)) best = here;
    }
    bool content = best.dirty == count || retained_pages.load(std::memory_order_relaxed) == 0;
    if (best.in != nullptr && (content || looked_at == most_candidates)) break;
    if (best.in == nullptr) looked_at = 0;
  }
  return best;
}

bool grow_heap(std::size_t chunks) {
  stretch added = grow(chunks);
  if (added.in == nullptr) return false;
  // From the top down, so that the lowest chunk stands first in its list.
  for (std::size_t number = added.first_chunk + added.count; number-- > added.first_chunk;) {
    auto* one = new (&added.in->chunks[number]) chunk;
    one->in = added.in;
    one->start = added.in->start + number * chunk_bytes;
    one->longest = static_cast<std::uint16_t>(chunk_pages());
    enlist(one);
    update(one);
  }
  return true;
}

constexpr std::size_t retained_floor_bytes = 16 * base::MiB;

pages_taken take_from_chunk(std::size_t count, std::size_t alignment) {
  place found = find_place(count, alignment);
  if (found.in == nullptr && grow_heap(1)) found = find_place(count, alignment);
  if (found.in == nullptr) return {};
  bool zeroed = take_in(found.in, found.first, count);
  return {page_address(found.in, found.first), zeroed};
}

// ---- Runs over several chunks: whole free chunks side by side, the last perhaps in part

// The first of `chunks` free chunks side by side, or null. What is free at the end of the heap
// counts, so that growing by the whole always suffices.
chunk* find_free_chunks(region* in, std::size_t chunks) {
  base::bit_row free_row(in->free_chunks);
  std::size_t size = in->bytes.load(std::memory_order_relaxed) / chunk_bytes;
  for (std::size_t from = free_row.find(true, 0, size); from < size;) {
    std::size_t end = free_row.find(false, from, size);
    if (end - from >= chunks) return &in->chunks[from];
    from = free_row.find(true, end, size);
  }
  return nullptr;
}

constexpr std::size_t huge_from_bytes = 32 * base::MiB;

// The chunks are about to be taken as a whole: asks for huge pages for those that hold no memory yet.
void ask_for_huge_pages(chunk* first, std::size_t chunks) {
  if (option().huge_pages == huge_never || page_heap::used_bytes() < huge_from_bytes) return;
  for (chunk *from = first, *end = first + chunks; from != end;) {
    chunk* to = from;
    for (; to != end && !to->huge && to->dirty_pages == 0; ++to) to->huge = true;
    auto count = static_cast<std::size_t>(to - from);
    if (count != 0) os::prefer_huge(base::pointer_to(from->start), count * chunk_bytes);
    from = to == end ? to : to + 1;
  }
}

pages_taken take_chunks(std::size_t count) {
  std::size_t chunks = base::divide_up(count, chunk_pages());
  region* in = contiguous_region();
  if (in == nullptr) return {};
  chunk* first = find_free_chunks(in, chunks);
  if (first == nullptr && grow_heap(chunks)) first = find_free_chunks(in, chunks);
  if (first == nullptr) return {};
  ask_for_huge_pages(first, count / chunk_pages());
  bool zeroed = true;
  std::size_t left = count;
  for (chunk* one = first; left > 0; ++one) {
    std::size_t here = base::smaller(left, chunk_pages());
    zeroed &= take_in(one, 0, here);
    left -= here;
  }
  return {first->start, zeroed};
}

// Calls action(chunk, first page, count) for each chunk that the pages touch.
template <typename Action>
void each_part(std::uintptr_t start, std::size_t count, Action action) {
  region* in = region_of(start);
  STRATA_CHECK(in != nullptr);
  chunk* one = chunk_of(in, start);
  std::size_t first = (start - one->start) >> page_shift();
  while (count > 0) {
    std::size_t here = base::smaller(count, chunk_pages() - first);
    action(one, first, here);
    count -= here;
    first = 0;
    ++one;
  }
}

// ---- Giving back

// Gives back every dirty page of the chunk, and what the address map holds of its free pages;
// returns the pages.
std::size_t purge_chunk(chunk* one) {
  std::size_t purged = 0;
  one->dirty().each_run(chunk_pages(), [&](std::size_t from, std::size_t count) {
    std::size_t bytes = count << page_shift();
    if (!os::purge(base::pointer_to(page_address(one, from)), bytes)) return;
    one->dirty().clear_range(from, count);
    purged += count;
    account::note_returned(bytes);
  });
  one->dirty_pages = static_cast<std::uint16_t>(one->dirty_pages - purged);
  retained_pages.fetch_sub(purged, std::memory_order_relaxed);
  update_dirty_list(one);
  each_free_row(one, [one](std::size_t from, std::size_t count) {
    purge_marks(page_address(one, from), count << page_shift());
  });
  return purged;
}

constexpr std::uint64_t longest_delay_ms = std::uint64_t{1} << 50;

// A chunk is due when nothing was freed in it for the delay, or when it has been dirty for long.
bool is_due(const chunk* one, std::uint64_t now_ms, std::uint64_t delay_ms) {
  return now_ms >= one->last_freed_ms + delay_ms || now_ms >= one->dirty_since_ms + 4 * delay_ms;
}

// The heap has taken `clean` pages that held no memory, although others hold some in vain: their
// rows were too short. Those go back first, oldest first, so that memory grows by what is used and
// not by what is torn up.
void make_up_for(std::size_t clean) {
  std::size_t allowed = base::larger(retained_floor_bytes, page_heap::used_bytes() / 2);
  std::size_t purged = 0;
  while (purged < 2 * clean && page_heap::retained_bytes() > allowed) {
    chunk* oldest = lists->dirty.front();
    std::size_t here = oldest == nullptr ? 0 : purge_chunk(oldest);
    if (here == 0) return;
    purged += here;
  }
}

bool release_if_unused(region* one) {
  std::size_t chunks = one->bytes.load(std::memory_order_relaxed) / chunk_bytes;
  for (std::size_t number = 0; number < chunks; ++number) {
    if (one->chunks[number].used_pages != 0) return false;
  }
  for (std::size_t number = 0; number < chunks; ++number) {
    chunk* unused = &one->chunks[number];
    retained_pages.fetch_sub(unused->dirty_pages, std::memory_order_relaxed);
    account::note_returned(std::size_t{unused->dirty_pages} << page_shift());
    unlist(unused);
    static_cast<base::list_node<dirty_tag>*>(unused)->unlink();
  }
  shrink(one);
  return true;
}

}  // namespace

namespace page_heap {

std::size_t largest_run_bytes() {
  return kind() == ground_kind::contiguous ? 32 * base::MiB : chunk_bytes / 2;
}

pages_taken take(std::size_t count, std::size_t alignment) {
  std::size_t bytes = count << page_shift();
  if (!account::charge(bytes)) return {};
  sync::locked section(lock);
  if (lists == nullptr) lists = new (directory_memory) directory;
  std::size_t retained_before = retained_pages.load(std::memory_order_relaxed);
  pages_taken taken =
      count <= chunk_pages() ? take_from_chunk(count, alignment) : take_chunks(count);
  if (taken.start == 0) {
    account::refund(bytes);
    return {};
  }
  used_pages_total.fetch_add(count, std::memory_order_relaxed);
  std::size_t reused = retained_before - retained_pages.load(std::memory_order_relaxed);
  if (reused < count) make_up_for(count - reused);
  return taken;
}

void give(std::uintptr_t start, std::size_t count) {
  account::refund(count << page_shift());
  std::uint64_t now_ms = os::coarse_ms();
  sync::locked section(lock);
  used_pages_total.fetch_sub(count, std::memory_order_relaxed);
  each_part(start, count, [now_ms](chunk* one, std::size_t first, std::size_t here) {
    give_in(one, first, here, now_ms);
  });
}

bool extend(std::uintptr_t start, std::size_t count, std::size_t more) {
  std::size_t bytes = more << page_shift();
  std::uintptr_t end = start + (count << page_shift());
  if (!account::charge(bytes)) return false;
  sync::locked section(lock);
  region* in = region_of(start);
  bool free = end + bytes <= in->start + in->bytes.load(std::memory_order_relaxed);
  if (free) {
    each_part(end, more, [&free](chunk* one, std::size_t first, std::size_t here) {
      free &= one->used().count_range(first, here) == 0;
    });
  }
  if (!free) {
    account::refund(bytes);
    return false;
  }
  each_part(end, more,
            [](chunk* one, std::size_t first, std::size_t here) { take_in(one, first, here); });
  used_pages_total.fetch_add(more, std::memory_order_relaxed);
  return true;
}

std::size_t purge(std::uint64_t now_ms, std::uint64_t delay_ms, std::size_t keep_bytes,
                  std::uint64_t budget_ns) {
  delay_ms = base::smaller(delay_ms, longest_delay_ms);
  std::uint64_t started_ns = os::monotonic_ns();
  std::size_t purged = 0;
  for (bool more = true; more;) {
    // One chunk a section, so that others get their turn.
    sync::locked section(lock);
    if (lists == nullptr || retained_bytes() <= keep_bytes) break;
    chunk* due = nullptr;
    for (chunk* one = lists->dirty.front(); one != nullptr; one = lists->dirty.after(one)) {
      if (is_due(one, now_ms, delay_ms)) {
        due = one;
        break;
      }
    }
    if (due == nullptr) break;
    std::size_t pages = purge_chunk(due);
    purged += pages << page_shift();
    // Refused (locked pages, say): its turn comes again, and the others' first.
    if (pages == 0) due->last_freed_ms = due->dirty_since_ms = os::coarse_ms() + 1000;
    more = os::monotonic_ns() - started_ns < budget_ns;
  }
  return purged;
}

region_hold::region_hold() {
  sync::locked section(lock);
  ++holders;
}
region_hold::~region_hold() {
  sync::locked section(lock);
  --holders;
}

bool release_unused_regions() {
  if (kind() != ground_kind::sparse) return false;
  bool released = false;
  sync::locked section(lock);
  if (lists == nullptr || holders != 0) return false;
  std::uintptr_t next = 0;
  while (region* one = next_region(next)) {
    next = one->start + sparse_region_bytes;
    released |= release_if_unused(one);
  }
  return released;
}

std::size_t retained_bytes() {
  return retained_pages.load(std::memory_order_relaxed) << page_shift();
}
std::size_t used_bytes() {
  return used_pages_total.load(std::memory_order_relaxed) << page_shift();
}

void verify() {
  sync::locked section(lock);
  if (lists == nullptr) return;
  std::size_t retained = 0;
  for (std::size_t longest = 0; longest <= chunk_pages(); ++longest) {
    longest_list& list = lists->by_longest[longest];
    STRATA_CHECK(list.empty() != occupied().test(longest));
    for (chunk* one = list.front(); one != nullptr; one = list.after(one)) {
      STRATA_CHECK(one->longest == longest && longest_free(one) == longest);
      STRATA_CHECK(one->used().count_range(0, chunk_pages()) == one->used_pages);
      STRATA_CHECK(one->dirty().count_range(0, chunk_pages()) == one->dirty_pages);
      for (std::size_t word = 0; word < chunk_words; ++word) {
        STRATA_CHECK((one->used_words[word] & one->dirty_words[word]) == 0);
      }
      bool listed = static_cast<base::list_node<dirty_tag>*>(one)->linked();
      STRATA_CHECK(listed == (one->dirty_pages > 0));
      retained += one->dirty_pages;
    }
  }
  STRATA_CHECK(retained == retained_pages.load());
}

void lock_for_fork() { lock.lock(); }
void unlock_after_fork() { lock.unlock(); }
void reset_in_child() { lock.reset(); }

}  // namespace page_heap

}  // namespace strata::ground
