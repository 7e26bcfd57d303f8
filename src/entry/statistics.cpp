#include "entry/statistics.hpp"

#include <cstring>

#include "alloc/bin.hpp"
#include "alloc/depot.hpp"
#include "alloc/guard.hpp"
#include "alloc/heap.hpp"
#include "alloc/large.hpp"
#include "alloc/live.hpp"
#include "alloc/thread_cache.hpp"
#include "ground/account.hpp"
#include "ground/metadata.hpp"
#include "ground/options.hpp"
#include "ground/page_heap.hpp"
#include "os/memory.hpp"
#include "os/process.hpp"

namespace strata::entry {
namespace {

using alloc::bin_usage;
using alloc::counters;

void add_up_caches(strata_stats& out, counters& counts) {
  sync::locked section(alloc::thread_registry::lock());
  counts = alloc::thread_registry::departed();
  alloc::thread_registry::each_locked([&](alloc::thread_cache& cache) {
    ++out.threads;
    if (counters* own = cache.counts()) counts.add(*own);
    for (std::size_t number = 1; number < ground::number_count; ++number) {
      out.classes[ground::class_of_number(number)].cached_blocks += cache.cached(number);
    }
    out.cached_bytes += cache.larges.bytes();
  });
}

// Blocks with and without a canary together.
void fill_class(strata_class_stats& out, std::size_t number, const counters& counts) {
  std::size_t twin = ground::plain_twin_of(number);
  bin_usage bins = alloc::bin_of(number).usage();
  bin_usage plain = alloc::bin_of(twin).usage();
  bin_usage heaps = alloc::heaps_usage(number);
  out.size = ground::class_bytes(number);
  out.allocations = counts.allocations[number];
  out.frees = counts.frees[number];
  out.requested = counts.requested[number];
  out.cached_blocks += alloc::depot_of(number).held() + alloc::depot_of(twin).held();
  out.free_slots = bins.free_slots + plain.free_slots + heaps.free_slots;
  out.spans = bins.spans + plain.spans + heaps.spans;
  std::size_t taken = bins.blocks + plain.blocks + heaps.blocks - out.free_slots;
  // Figures of running threads change while they are read.
  out.live_blocks = taken > out.cached_blocks ? taken - out.cached_blocks : 0;
}

// A guarded block is one of the class that it would else have come from.
void add_guarded(strata_stats& out) {
  alloc::guard::block_info guarded;
  for (std::size_t slot = 0; alloc::guard::next_live(slot, guarded); ++slot) {
    ++out.classes[guarded.number].live_blocks;
  }
}

// What of `usable` bytes the program did not ask for, by the mean of all allocations alike.
std::uint64_t rounding_of(std::uint64_t usable, std::uint64_t allocated, std::uint64_t requested) {
  if (allocated == 0 || requested >= allocated) return 0;
  double share = static_cast<double>(allocated - requested) / static_cast<double>(allocated);
  return static_cast<std::uint64_t>(static_cast<double>(usable) * share);
}

void add_class(strata_stats& out, const strata_class_stats& one) {
  std::uint64_t usable = one.live_blocks * one.size;
  std::uint64_t rounding = rounding_of(usable, one.allocations * one.size, one.requested);
  out.allocations += one.allocations;
  out.frees += one.frees;
  out.live_blocks += one.live_blocks;
  out.live_bytes += usable - rounding;
  out.rounding_bytes += rounding;
  out.free_slot_bytes += one.free_slots * one.size;
  out.cached_bytes += one.cached_blocks * one.size;
}

void add_large(strata_stats& out, const counters& counts) {
  alloc::large_usage large = alloc::large_total();
  std::uint64_t rounding =
      rounding_of(large.bytes, counts.large_allocated_bytes, counts.requested[alloc::large_kind]);
  out.large_blocks = large.blocks;
  out.large_bytes = large.bytes;
  out.allocations += counts.allocations[alloc::large_kind];
  out.frees += counts.frees[alloc::large_kind];
  out.live_blocks += large.blocks;
  out.live_bytes += large.bytes - rounding;
  out.rounding_bytes += rounding;
}

std::uint64_t peak_of(const strata_stats& out, const counters& counts) {
  std::uint64_t allocated = counts.large_allocated_bytes;
  std::uint64_t requested = counts.requested[alloc::large_kind];
  for (std::size_t number = 1; number < ground::class_count; ++number) {
    allocated += out.classes[number].allocations * out.classes[number].size;
    requested += out.classes[number].requested;
  }
  std::uint64_t peak = alloc::live::peak_bytes();
  peak -= rounding_of(peak, allocated, requested);
  return peak > out.live_bytes ? peak : out.live_bytes;
}

}  // namespace

void take_statistics(strata_stats& out) {
  std::memset(&out, 0, sizeof out);
  out.version = STRATA_STATS_VERSION;
  out.struct_bytes = sizeof out;
  bool counted = ground::option().count;
  if (counted) out.flags |= STRATA_STATS_COUNTED;
  if (ground::kind() == ground::ground_kind::sparse) out.flags |= STRATA_STATS_SPARSE;
  out.class_count = ground::class_count;
  out.pid = os::process_id();
  out.parent_pid = os::parent_process_id();
  out.started_ns = alloc::live::started_ns();
  out.taken_ns = os::monotonic_ns();
  os::executable_path(out.program, sizeof out.program);

  counters counts;
  add_up_caches(out, counts);
  for (std::size_t number = 1; number < ground::class_count; ++number) {
    fill_class(out.classes[number], number, counts);
  }
  add_guarded(out);
  for (std::size_t number = 1; number < ground::class_count; ++number) {
    add_class(out, out.classes[number]);
  }
  add_large(out, counts);
  std::memcpy(out.histogram, counts.histogram, sizeof out.histogram);
  if (counted) out.peak_live_bytes = peak_of(out, counts);
  out.failures = alloc::live::failures();
  out.retained_bytes = ground::page_heap::retained_bytes();
  out.metadata_bytes = ground::metadata::mapped_bytes();
  out.returned_bytes = ground::account::returned_bytes();
  out.returns = ground::account::returns();
  out.resident_bytes = os::resident_bytes();
  out.peak_resident_bytes = base::larger(os::peak_resident_bytes(), out.resident_bytes);
  out.limit_bytes = ground::option().limit_bytes;
}

namespace {

struct figure {
  const char* name;
  std::uint64_t strata_stats::*value;
};
constexpr figure figures[] = {
    {"allocations", &strata_stats::allocations},
    {"frees", &strata_stats::frees},
    {"failures", &strata_stats::failures},
    {"live_blocks", &strata_stats::live_blocks},
    {"live_bytes", &strata_stats::live_bytes},
    {"peak_live_bytes", &strata_stats::peak_live_bytes},
    {"rounding_bytes", &strata_stats::rounding_bytes},
    {"free_slot_bytes", &strata_stats::free_slot_bytes},
    {"cached_bytes", &strata_stats::cached_bytes},
    {"retained_bytes", &strata_stats::retained_bytes},
    {"metadata_bytes", &strata_stats::metadata_bytes},
    {"large_blocks", &strata_stats::large_blocks},
    {"large_bytes", &strata_stats::large_bytes},
    {"returned_bytes", &strata_stats::returned_bytes},
    {"returns", &strata_stats::returns},
    {"resident_bytes", &strata_stats::resident_bytes},
    {"peak_resident_bytes", &strata_stats::peak_resident_bytes},
    {"limit_bytes", &strata_stats::limit_bytes},
    {"threads", &strata_stats::threads},
};

bool in_use(const strata_class_stats& one) { return one.allocations != 0 || one.spans != 0; }

void put_class_json(base::text& text, const strata_class_stats& one) {
  text << "{\"size\":" << one.size << ",\"allocations\":" << one.allocations
       << ",\"frees\":" << one.frees << ",\"requested\":" << one.requested
       << ",\"live_blocks\":" << one.live_blocks << ",\"cached_blocks\":" << one.cached_blocks
       << ",\"free_slots\":" << one.free_slots << ",\"spans\":" << one.spans << "}";
}

}  // namespace

void describe(base::text& text) {
  strata_stats stats;
  strata_stats_get(&stats);
  text << "strata " << strata_version() << ", process " << stats.pid << "\n";
  for (const figure& one : figures) text << "  " << one.name << " " << stats.*one.value << "\n";
}

void describe_as_json(base::text& text) {
  strata_stats stats;
  strata_stats_get(&stats);
  text << "{\"version\":" << std::uint64_t{stats.version} << ",\"pid\":" << stats.pid
       << ",\"parent_pid\":" << stats.parent_pid << ",\"program\":\"";
  text.json(stats.program) << "\",\"counted\":"
                           << ((stats.flags & STRATA_STATS_COUNTED) ? "true" : "false")
                           << ",\"sparse\":"
                           << ((stats.flags & STRATA_STATS_SPARSE) ? "true" : "false")
                           << ",\"started_ns\":" << stats.started_ns
                           << ",\"taken_ns\":" << stats.taken_ns;
  for (const figure& one : figures) text << ",\"" << one.name << "\":" << stats.*one.value;
  text << ",\"histogram\":[";
  for (std::size_t i = 0; i < STRATA_STATS_HISTOGRAM; ++i) {
    text << (i == 0 ? "" : ",") << stats.histogram[i];
  }
  text << "],\"classes\":[";
  bool first = true;
  for (std::size_t i = 1; i < stats.class_count; ++i) {
    if (!in_use(stats.classes[i])) continue;
    text << (first ? "" : ",");
    put_class_json(text, stats.classes[i]);
    first = false;
  }
  text << "]}\n";
}

void describe_as_xml(base::text& text) {
  strata_stats stats;
  strata_stats_get(&stats);
  text << "<malloc version=\"1\">\n<heap nr=\"0\">\n<sizes>\n";
  for (std::size_t i = 1; i < stats.class_count; ++i) {
    const strata_class_stats& one = stats.classes[i];
    if (one.free_slots == 0) continue;
    text << "  <size from=\"" << stats.classes[i - 1].size + 1 << "\" to=\"" << one.size
         << "\" total=\"" << one.free_slots * one.size << "\" count=\"" << one.free_slots
         << "\"/>\n";
  }
  text << "</sizes>\n</heap>\n";
  for (const figure& one : figures) {
    text << "<total type=\"" << one.name << "\" value=\"" << stats.*one.value << "\"/>\n";
  }
  text << "</malloc>\n";
}

}  // namespace strata::entry
