// The heap walk: every live block of the process, chunk by chunk, then the mappings and the guarded blocks.
#include "alloc/allocate.hpp"
#include "alloc/block_state.hpp"
#include "alloc/canary.hpp"
#include "alloc/guard.hpp"
#include "alloc/large.hpp"
#include "alloc/span.hpp"
#include "ground/address_map.hpp"
#include "ground/chunk.hpp"
#include "ground/page_heap.hpp"

namespace strata::alloc {
namespace {

// Visits the large blocks that start in the chunk, by the page map.
int walk_runs(ground::region* in, std::size_t number, block_visitor visit, void* context) {
  std::size_t pages = ground::chunk_bytes >> ground::page_shift();
  for (std::size_t page = number * pages; page < (number + 1) * pages; ++page) {
    void* start = base::pointer_to(in->start + (page << ground::page_shift()));
    ground::run* owner = ground::run_of(start);
    if (owner == nullptr || owner->kind != ground::run_kind::block) continue;
    if (owner->start != base::address_of(start)) continue;
    auto* block = static_cast<large*>(owner);
    if (block->waits.load(std::memory_order_relaxed)) continue;
    int answer = visit(start, block->usable(), context);
    if (answer != 0) return answer;
  }
  return 0;
}

// Of a block of a first-class heap. 0 when its span has gone meanwhile.
std::size_t bytes_by_span(const void* block) {
  ground::run* owner = ground::run_of(block);
  if (owner == nullptr || owner->kind != ground::run_kind::span) return 0;
  return static_cast<span*>(owner)->block_bytes;
}

int visit_marked(void* block, ground::mark mark, block_visitor visit, void* context) {
  if (mark == ground::mark_none) return 0;
  bool may_be_cached = mark < ground::mark_heap;
  if (may_be_cached && is_stamped(block)) return 0;
  std::size_t size = may_be_cached ? canary::usable_bytes(mark) : bytes_by_span(block);
  return size == 0 ? 0 : visit(block, size, context);
}

// Visits the small and medium blocks of the chunk, by their marks. Each is read once: other threads
// free meanwhile.
int walk_marks(ground::region* in, std::size_t number, block_visitor visit, void* context) {
  std::uintptr_t first = in->start + number * ground::chunk_bytes;
  const volatile ground::mark* marks =
      in->marks + number * ground::chunk_bytes / ground::granule_bytes;
  for (std::size_t i = 0; i < ground::chunk_bytes / ground::granule_bytes; ++i) {
    void* block = base::pointer_to(first + i * ground::granule_bytes);
    if (int answer = visit_marked(block, marks[i], visit, context)) return answer;
  }
  const volatile ground::start_word* starts =
      in->starts + number * ground::chunk_bytes / ground::start_bytes;
  for (std::size_t i = 0; i < ground::chunk_bytes / ground::start_bytes; ++i) {
    ground::start_word word = starts[i];
    std::uintptr_t at = first + i * ground::start_bytes + ground::offset_in(word);
    auto mark = static_cast<ground::mark>(word);
    if (int answer = visit_marked(base::pointer_to(at), mark, visit, context)) return answer;
  }
  return 0;
}

}  // namespace

int walk(block_visitor visit, void* context) {
  start();
  ground::page_heap::region_hold hold;
  std::uintptr_t at = 0;
  std::size_t chunks = 0;
  while (ground::region* in = ground::next_region(at)) {
    chunks = in->bytes.load(std::memory_order_relaxed) / ground::chunk_bytes;
    for (std::size_t number = 0; number < chunks; ++number) {
      if (in->chunks[number].used_pages == 0) continue;
      int answer = walk_marks(in, number, visit, context);
      if (answer == 0) answer = walk_runs(in, number, visit, context);
      if (answer != 0) return answer;
    }
    at = in->start + base::larger(chunks * ground::chunk_bytes, 1);
  }
  std::uintptr_t mapping = 0;
  std::size_t bytes = 0;
  while (next_mapping(mapping, &mapping, &bytes)) {
    int answer = visit(base::pointer_to(mapping), bytes, context);
    if (answer != 0) return answer;
  }
  guard::block_info guarded;
  for (std::size_t slot = 0; guard::next_live(slot, guarded); ++slot) {
    int answer = visit(guarded.start, guarded.size, context);
    if (answer != 0) return answer;
  }
  return 0;
}

}  // namespace strata::alloc
