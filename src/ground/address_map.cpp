#include "ground/address_map.hpp"

#include <atomic>
#include <cstring>
#include <iterator>

#include "base/check.hpp"
#include "base/text.hpp"
#include "ground/chunk.hpp"
#include "ground/metadata.hpp"
#include "ground/options.hpp"
#include "ground/page_heap.hpp"
#include "os/memory.hpp"
#include "os/process.hpp"
#include "os/watcher.hpp"

namespace strata::ground {
namespace {

constinit mark no_mark = mark_none;  // what the empty flat maps point to
constinit start_word no_start = 0;
constinit ground_kind chosen = ground_kind::none;
constinit unsigned shift = 13;

// ---- Contiguous ground

constinit region whole;
constinit std::size_t whole_reserved = 0;  // bytes of address space of the heap

constexpr std::size_t growth_bytes = 32 * base::MiB;

std::size_t reservation_bytes() {
  std::size_t wanted = std::bit_ceil(os::physical_bytes()) * 8;
  return base::smaller(base::larger(wanted, 64 * base::GiB), 16 * base::TiB);
}

std::size_t table_bytes(std::size_t bytes) { return base::align_up(bytes, os::page_bytes()); }

// The heap's tables are one reservation: pages, then chunks, then the row of free chunks.
struct table_sizes {
  explicit table_sizes(std::size_t heap_bytes)
      : pages(table_bytes((heap_bytes >> shift) * sizeof(page_entry))),
        chunks(table_bytes(heap_bytes / chunk_bytes * sizeof(chunk))),
        free_chunks(table_bytes((heap_bytes / chunk_bytes / 64 + 1) * sizeof(std::uint64_t))) {}

  [[nodiscard]] std::size_t all() const { return pages + chunks + free_chunks; }

  std::size_t pages;
  std::size_t chunks;
  std::size_t free_chunks;
};

// Makes entries [from, to) of a reserved table usable.
template <typename T>
bool commit_table(T* table, std::size_t from, std::size_t to) {
  std::uintptr_t first = base::align_down(base::address_of(table + from), os::page_bytes());
  std::uintptr_t end = base::align_up(base::address_of(table + to), os::page_bytes());
  return os::commit(base::pointer_to(first), end - first);
}

bool reserve_heap(std::size_t bytes) {
  table_sizes sizes(bytes);
  void* heap = os::reserve(bytes, chunk_bytes, os::reserved_as::inaccessible);
  if (heap == nullptr) return false;
  auto* tables =
      static_cast<char*>(os::reserve(sizes.all(), os::page_bytes(), os::reserved_as::inaccessible));
  if (tables == nullptr) {
    os::release(heap, bytes);
    return false;
  }
  whole.start = base::address_of(heap);
  whole.pages = reinterpret_cast<page_entry*>(tables);
  whole.chunks = reinterpret_cast<chunk*>(tables + sizes.pages);
  whole.free_chunks = reinterpret_cast<std::uint64_t*>(tables + sizes.pages + sizes.chunks);
  whole_reserved = bytes;
  // A huge page would hold memory for 2 MiB where a program uses a few pages.
  os::never_huge(heap, bytes);
  // gdb would write out what is inaccessible, too.
  os::leave_out_of_core_dumps(heap, bytes);
  return true;
}

void release_heap() {
  os::release(base::pointer_to(whole.start), whole_reserved);
  os::release(whole.pages, table_sizes(whole_reserved).all());
  whole_reserved = 0;
}

// Block map and start map are one reservation. Where no address of ours can lie it has no entries.
bool reserve_flat_maps() {
  std::size_t bottom = os::lowest_address;
  std::size_t mapped = (std::size_t{1} << os::address_bits()) - bottom;
  std::size_t marks = mapped / granule_bytes;
  std::size_t bytes = marks + mapped / start_bytes * sizeof(start_word);
  auto* maps = static_cast<char*>(os::reserve(bytes, os::page_bytes(), os::reserved_as::readable));
  if (maps == nullptr) return false;
  os::never_huge(maps, bytes);
  os::leave_out_of_core_dumps(maps, bytes);
  flat.marks = reinterpret_cast<mark*>(maps) - bottom / granule_bytes;
  flat.starts = reinterpret_cast<start_word*>(maps + marks) - bottom / start_bytes;
  return true;
}

bool set_up_contiguous() {
  std::size_t bytes = reservation_bytes();
  while (bytes >= base::GiB && !reserve_heap(bytes)) bytes /= 4;
  if (bytes < base::GiB) return false;
  if (!reserve_flat_maps()) {
    release_heap();
    return false;
  }
  whole.marks = flat.marks + whole.start / granule_bytes;
  whole.starts = flat.starts + whole.start / start_bytes;
  chosen = ground_kind::contiguous;
  flat.limit = (std::size_t{1} << os::address_bits()) / granule_bytes - 1;
  return true;
}

bool commit_whole(std::size_t bytes) {
  std::size_t from = whole.bytes.load(std::memory_order_relaxed);
  std::size_t to = from + bytes;
  os::take_into_core_dumps(base::pointer_to(whole.start + from), bytes);
  return os::commit(base::pointer_to(whole.start + from), bytes) &&
         commit_table(whole.marks, from / granule_bytes, to / granule_bytes) &&
         commit_table(whole.starts, from / start_bytes, to / start_bytes) &&
         commit_table(whole.pages, from >> shift, to >> shift) &&
         commit_table(whole.chunks, from / chunk_bytes, to / chunk_bytes) &&
         commit_table(whole.free_chunks, from / chunk_bytes / 64, to / chunk_bytes / 64 + 1);
}

stretch grow_contiguous(std::size_t chunks) {
  std::size_t needed = chunks * chunk_bytes;
  std::size_t bytes = base::align_up(needed, growth_bytes);
  if (bytes > whole_reserved - whole.bytes) bytes = needed;
  if (bytes > whole_reserved - whole.bytes) return {};
  if (!commit_whole(bytes)) {
    if (bytes == needed || !commit_whole(needed)) return {};
    bytes = needed;
  }
  stretch added{&whole, whole.bytes / chunk_bytes, bytes / chunk_bytes};
  whole.bytes += bytes;
  return added;
}

// ---- Sparse ground

constexpr unsigned region_shift = base::log2_of(sparse_region_bytes);
constexpr unsigned leaf_bits = 13;
constexpr unsigned root_bits = 48 - region_shift - leaf_bits;

struct leaf {
  std::atomic<region*> regions[std::size_t{1} << leaf_bits];
};
constinit std::atomic<leaf*> root[std::size_t{1} << root_bits] = {};

struct slot {
  std::size_t root_index;
  std::size_t leaf_index;
};
slot slot_of(std::uintptr_t address) {
  std::uintptr_t number = address >> region_shift;
  return {number >> leaf_bits, number & ((std::size_t{1} << leaf_bits) - 1)};
}

region* sparse_region_of(std::uintptr_t address) {
  slot at = slot_of(address);
  if (at.root_index >= std::size(root)) return nullptr;
  // acquire, twice: pairs with enter_region's release, so that a region is seen whole.
  leaf* found = root[at.root_index].load(std::memory_order_acquire);
  return found == nullptr ? nullptr : found->regions[at.leaf_index].load(std::memory_order_acquire);
}

bool enter_region(region* added) {
  slot at = slot_of(added->start);
  leaf* below = root[at.root_index].load(std::memory_order_relaxed);
  if (below == nullptr) {
    below = metadata::make<leaf>();
    if (below == nullptr) return false;
    root[at.root_index].store(below, std::memory_order_release);
  }
  below->regions[at.leaf_index].store(added, std::memory_order_release);
  return true;
}

// A region's tables are one mapping: marks, starts, pages, chunks.
constexpr std::size_t marks_bytes = sparse_region_bytes / granule_bytes;
constexpr std::size_t starts_bytes = sparse_region_bytes / start_bytes * sizeof(start_word);
std::size_t pages_bytes() { return (sparse_region_bytes >> shift) * sizeof(page_entry); }
std::size_t tables_bytes() {
  return marks_bytes + starts_bytes + pages_bytes() +
         sparse_region_bytes / chunk_bytes * sizeof(chunk);
}

bool make_tables(region* added) {
  auto* tables = static_cast<char*>(metadata::allocate(tables_bytes()));
  if (tables == nullptr) return false;
  added->marks = reinterpret_cast<mark*>(tables);
  tables += marks_bytes;
  added->starts = reinterpret_cast<start_word*>(tables);
  tables += starts_bytes;
  added->pages = reinterpret_cast<page_entry*>(tables);
  tables += pages_bytes();
  added->chunks = reinterpret_cast<chunk*>(tables);
  return true;
}

// Undoes what make_region has done so far.
void drop_region(region* unused) {
  if (unused->start != 0) os::release(base::pointer_to(unused->start), sparse_region_bytes);
  if (unused->marks != nullptr) metadata::free(unused->marks, tables_bytes());
  metadata::destroy(unused);
}

region* make_region() {
  auto* added = metadata::make<region>();
  if (added == nullptr) return nullptr;
  if (make_tables(added)) {
    added->start = base::address_of(os::map(sparse_region_bytes, sparse_region_bytes));
  }
  if (added->start != 0 && enter_region(added)) {
    added->bytes = sparse_region_bytes;
    return added;
  }
  drop_region(added);
  return nullptr;
}

stretch grow_sparse(std::size_t chunks) {
  if (chunks * chunk_bytes > sparse_region_bytes) return {};
  region* added = make_region();
  if (added == nullptr) return {};
  return {added, 0, sparse_region_bytes / chunk_bytes};
}

// Most tools that watch memory keep account of each page of a reservation.
bool wants_contiguous() {
  if (option().ground != ground_auto) return option().ground == ground_contiguous;
  return os::who_watches() == os::watcher::none;
}

const char* why_sparse() {
  return option().ground == ground_sparse ? "asked for" : "a tool watches memory";
}

void say_which(const char* why) {
  if (!option().verbose) return;
  char buffer[160];
  base::text line(buffer, sizeof buffer);
  line << "strata: " << (chosen == ground_kind::contiguous ? "contiguous" : "sparse") << " ground ("
       << why << "), pages of " << std::uint64_t{page_bytes()} << " bytes\n";
  os::write_error(line.data(), line.stored());
}

}  // namespace

constinit flat_map flat = {&no_mark, &no_start, 0};

std::size_t page_bytes() { return std::size_t{1} << shift; }
unsigned page_shift() { return shift; }
ground_kind kind() { return chosen; }

bool set_up() {
  if (chosen != ground_kind::none) return true;
  os::set_page_bytes(option().page_bytes);
  shift = base::log2_of(base::larger(least_page_bytes, os::page_bytes()));
  bool wanted = wants_contiguous();
  if (wanted && set_up_contiguous()) {
    say_which("one reservation");
    return true;
  }
  chosen = ground_kind::sparse;
  say_which(wanted ? "the reservation was refused" : why_sparse());
  return true;
}

stretch grow(std::size_t chunks) {
  return chosen == ground_kind::contiguous ? grow_contiguous(chunks) : grow_sparse(chunks);
}

void shrink(region* unused) {
  slot at = slot_of(unused->start);
  root[at.root_index]
      .load(std::memory_order_relaxed)
      ->regions[at.leaf_index]
      .store(nullptr, std::memory_order_release);
  drop_region(unused);
}

region* contiguous_region() { return chosen == ground_kind::contiguous ? &whole : nullptr; }

region* region_of(std::uintptr_t address) {
  if (chosen != ground_kind::contiguous) return sparse_region_of(address);
  // relaxed: an address of ours was handed out after the heap had grown over it.
  return address - whole.start < whole.bytes.load(std::memory_order_relaxed) ? &whole : nullptr;
}

region* next_region(std::uintptr_t address) {
  if (chosen == ground_kind::contiguous) return address <= whole.start ? &whole : nullptr;
  for (slot at = slot_of(base::align_up(address, sparse_region_bytes));
       at.root_index < std::size(root); at = {at.root_index + 1, 0}) {
    leaf* below = root[at.root_index].load(std::memory_order_acquire);
    if (below == nullptr) continue;
    for (std::size_t i = at.leaf_index; i < std::size(below->regions); ++i) {
      if (region* found = below->regions[i].load(std::memory_order_acquire)) return found;
    }
  }
  return nullptr;
}

// ---- Runs

namespace {

run* run_in(page_entry entry) { return entry % 2 != 0 ? nullptr : base::pointer_to<run>(entry); }

page_entry note_of(std::size_t page, std::size_t block_bytes) {
  return block_bytes / granule_bytes << 32 | page << 1 | 1;
}

// Calls write(entry, pages from the start) for each entry that a run has. The inside of a run longer
// than a chunk is entered once a chunk.
template <typename Write>
void each_entry(std::uintptr_t start, std::size_t pages, Write write) {
  region* in = region_of(start);
  std::size_t first = (start - in->start) >> shift;
  std::size_t end = first + pages;
  std::size_t a_chunk = chunk_bytes >> shift;
  if (pages <= a_chunk) {
    for (std::size_t page = first; page < end; ++page) write(in->pages[page], page - first);
    return;
  }
  write(in->pages[first], 0);
  write(in->pages[end - 1], pages - 1);
  for (std::size_t page = base::align_up(first, a_chunk); page < end; page += a_chunk) {
    write(in->pages[page], page - first);
  }
}

}  // namespace

run* run_of(const void* address) {
  std::uintptr_t at = base::address_of(address);
  region* in = region_of(at);
  if (in == nullptr) return nullptr;
  std::size_t page = (at - in->start) >> shift;
  run* owner = run_in(in->pages[page]);
  if (owner == nullptr) owner = run_in(in->pages[base::align_down(page, chunk_bytes >> shift)]);
  return owner != nullptr && at - owner->start < owner->bytes() ? owner : nullptr;
}

void set_run(std::uintptr_t start, std::size_t pages, run* owner) {
  each_entry(start, pages,
             [owner](page_entry& slot, std::size_t) { slot = base::address_of(owner); });
}

void clear_run(std::uintptr_t start, std::size_t pages, std::size_t block_bytes) {
  each_entry(start, pages, [block_bytes](page_entry& slot, std::size_t page) {
    slot = note_of(page, block_bytes);
  });
}

former_run former_run_of(const void* address) {
  std::uintptr_t at = base::address_of(address);
  region* in = region_of(at);
  if (in == nullptr) return {};
  std::size_t page = (at - in->start) >> shift;
  page_entry note = in->pages[page];
  if (note % 2 == 0) return {};
  std::size_t from_start = static_cast<std::uint32_t>(note) >> 1;
  return {in->start + ((page - from_start) << shift), (note >> 32) * granule_bytes};
}

// ---- Marks

mark mark_of(const void* address) {
  std::uintptr_t at = base::address_of(address);
  if (!base::is_aligned(at, granule_bytes)) return mark_none;
  region* in = region_of(at);
  if (in == nullptr) return mark_none;
  std::uintptr_t offset = at - in->start;
  mark small = in->marks[offset / granule_bytes];
  return small != mark_none ? small : mark_in(in->starts[offset / start_bytes], at);
}

void set_mark_sparse(const void* block, std::size_t number, mark as) {
  std::uintptr_t at = base::address_of(block);
  region* in = region_of(at);
  std::uintptr_t offset = at - in->start;
  if (is_medium(number))
    in->starts[offset / start_bytes] = as == mark_none ? start_word{0} : start_word_of(at, as);
  else
    in->marks[offset / granule_bytes] = as;
}

void clear_marks(std::uintptr_t start, std::size_t bytes, std::size_t number) {
  region* in = region_of(start);
  std::uintptr_t offset = start - in->start;
  if (is_medium(number))
    std::memset(in->starts + offset / start_bytes, 0, bytes / start_bytes * sizeof(start_word));
  else
    std::memset(in->marks + offset / granule_bytes, mark_none, bytes / granule_bytes);
}

namespace {

template <typename T>
void purge_table(T* from, T* to) {
  std::uintptr_t first = base::align_up(base::address_of(from), os::page_bytes());
  std::uintptr_t end = base::align_down(base::address_of(to), os::page_bytes());
  if (first < end) os::purge(base::pointer_to(first), end - first);
}

}  // namespace

void purge_marks(std::uintptr_t start, std::size_t bytes) {
  region* in = region_of(start);
  std::uintptr_t from = start - in->start;
  std::uintptr_t to = from + bytes;
  purge_table(in->marks + from / granule_bytes, in->marks + to / granule_bytes);
  purge_table(in->starts + from / start_bytes, in->starts + to / start_bytes);
}

}  // namespace strata::ground
