#include "alloc/span.hpp"

#include <new>

#include "alloc/bin.hpp"
#include "alloc/paranoid.hpp"
#include "ground/metadata.hpp"

namespace strata::alloc {
namespace {

// Short spans run empty soon: one block that stays, in the program or in a cache, pins its span. But
// a span is not so short that the bin is visited for a new one all the time.
constexpr std::size_t wanted_blocks = 32;
constexpr std::size_t least_blocks = 8;
constexpr std::size_t shortest_bytes = 8 * base::KiB;
constexpr std::size_t longest_bytes = 32 * base::KiB;

constexpr std::size_t span_bytes(std::size_t block) {
  std::size_t bytes =
      base::larger(shortest_bytes, base::smaller(longest_bytes, block * wanted_blocks));
  return base::larger(bytes, block * least_blocks);
}

constexpr bool tails_are_short() {
  for (std::size_t number = 1; number < ground::class_count; ++number) {
    std::size_t block = ground::class_bytes(number);
    std::size_t bytes = base::align_up(span_bytes(block), shortest_bytes);
    if ((bytes % block) * 8 > bytes) return false;
  }
  return true;
}
static_assert(tails_are_short(), "a span wastes at most an eighth at its end");

std::size_t pages_for(std::size_t block) {
  return base::align_up(span_bytes(block), ground::page_bytes()) >> ground::page_shift();
}

canary::kind canaries_of(const bin& home, bool zeroed) {
  if (!home.has_stamps() || ground::is_plain(home.number())) return canary::kind::none;
  bool untouched = zeroed && ground::is_medium(home.number());
  return untouched ? canary::kind::zero : canary::kind::secret;
}

std::size_t descriptor_bytes(std::size_t capacity) {
  return sizeof(span) + base::bit_row::words_for(capacity) * sizeof(std::uint64_t);
}

}  // namespace

std::size_t span::usable_bytes() const {
  return block_bytes - (canaries != canary::kind::none ? canary::bytes : 0);
}

span* make_span(bin* home, ground::size_class number) {
  std::size_t block = ground::class_bytes(number);
  std::size_t pages = pages_for(block);
  std::size_t capacity = (pages << ground::page_shift()) / block;
  void* descriptor = ground::metadata::allocate(descriptor_bytes(capacity));
  if (descriptor == nullptr) return nullptr;
  ground::pages_taken memory = ground::page_heap::take(pages);
  if (memory.start == 0) {
    ground::metadata::free(descriptor, descriptor_bytes(capacity));
    return nullptr;
  }
  // Free blocks are to read as zero.
  if (paranoid::on() && !memory.zeroed) {
    paranoid::wipe(base::pointer_to(memory.start), pages << ground::page_shift());
  }
  auto* made = new (descriptor) span;
  made->start = memory.start;
  made->pages = static_cast<std::uint32_t>(pages);
  made->kind = ground::run_kind::span;
  made->home = home;
  made->block_bytes = static_cast<std::uint32_t>(block);
  made->number = number;
  made->inverse = ((std::uint64_t{1} << 40) + block - 1) / block;
  made->capacity = made->free_count = static_cast<std::uint16_t>(capacity);
  made->free_bits().set_range(0, capacity);
  made->canaries = canaries_of(*home, memory.zeroed);
  ground::set_run(made->start, pages, made);
  return made;
}

void destroy_span(span* old) {
  ground::clear_run(old->start, old->pages, old->block_bytes);
  ground::page_heap::give(old->start, old->pages);
  ground::metadata::free(old, descriptor_bytes(old->capacity));
}

}  // namespace strata::alloc
