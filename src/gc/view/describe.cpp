// The figures of a heap as text and as JSON.
#include "gc/core.hpp"
#include "gc/view/names.hpp"
#include "gc/view/writer.hpp"
#include "strata/gc/view.hpp"

namespace strata::gc {
namespace {

struct figure {
  const char* name;
  std::uint64_t value;
  const char* meaning;
};

struct figures {
  figure bytes[7];
  figure counts[2];
};

figures figures_of(const heap_options& options, const heap_statistics& now) {
  return {{{"max_bytes", options.max_bytes, "the limit"},
           {"held_bytes", now.held_bytes, "in blocks that hold objects"},
           {"committed_bytes", now.committed_bytes, "asked of the system, held or free"},
           {"live_bytes", now.live_bytes, "reached by the last full collection or marking"},
           {"allocated_bytes", now.allocated_bytes, "by the program since the start"},
           {"moved_bytes", now.moved_bytes, "by collections since the start"},
           {"promoted_bytes", now.promoted_bytes, "of these, out of the young generation"}},
          {{"young_collections", now.young_collections, "young"},
           {"full_collections", now.full_collections, "full"}}};
}

struct quantile {
  const char* name;
  double share;
};
constexpr quantile quantiles[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99_9", 0.999}};

// visit(from_ns, to_ns, count) for each bucket with something in it.
template <class Visit>
void each_filled(const pause_histogram& pauses, Visit visit) {
  for (std::size_t bucket = 0; bucket < pause_histogram::bucket_count; ++bucket) {
    std::uint64_t count = pauses.in_bucket(bucket);
    std::uint64_t from_ns = bucket == 0 ? 0 : pause_histogram::end_ns(bucket - 1) + 1;
    if (count != 0) visit(from_ns, pause_histogram::end_ns(bucket), count);
  }
}

void write_json(writer& out, const heap_options& options, const heap_statistics& now) {
  figures all = figures_of(options, now);
  out << "{\"version\": 1, \"plan\": ";
  out.quoted(name_of(options.plan));
  for (const figure& each : all.bytes) out << ", \"" << each.name << "\": " << each.value;
  for (const figure& each : all.counts) out << ", \"" << each.name << "\": " << each.value;
  const pause_histogram& pauses = now.pauses;
  out << ",\n \"pauses\": {\"count\": " << pauses.count();
  out << ", \"total_ns\": " << pauses.total_ns() << ", \"longest_ns\": " << pauses.longest_ns();
  for (const quantile& each : quantiles)
    out << ", \"" << each.name << "_ns\": " << pauses.quantile_ns(each.share);
  out << ", \"histogram\": [";
  const char* between = "";
  each_filled(pauses, [&](std::uint64_t from_ns, std::uint64_t to_ns, std::uint64_t count) {
    out << between << "{\"from_ns\": " << from_ns << ", \"to_ns\": " << to_ns
        << ", \"count\": " << count << "}";
    between = ", ";
  });
  out << "]}}\n";
}

void write_text(writer& out, const heap_options& options, const heap_statistics& now) {
  figures all = figures_of(options, now);
  out << "heap: " << name_of(options.plan) << "\n";
  for (const figure& each : all.bytes)
    out.print("  %-16s %-11s %s\n", each.name, human::bytes(each.value).text, each.meaning);
  out << "collections: " << now.young_collections << " young, " << now.full_collections
      << " full\n";
  const pause_histogram& pauses = now.pauses;
  out << "pauses: " << pauses.count() << "\n";
  if (pauses.count() == 0) return;
  out.print("  %-16s %s\n", "total", human::duration(pauses.total_ns()).text);
  for (const quantile& each : quantiles)
    out.print("  %-16s %s\n", each.name, human::duration(pauses.quantile_ns(each.share)).text);
  out.print("  %-16s %s\n", "longest", human::duration(pauses.longest_ns()).text);
  std::uint64_t most = 0;
  each_filled(pauses, [&](std::uint64_t, std::uint64_t, std::uint64_t count) {
    most = count > most ? count : most;
  });
  each_filled(pauses, [&](std::uint64_t from_ns, std::uint64_t to_ns, std::uint64_t count) {
    constexpr std::uint64_t columns = 40;
    auto length = static_cast<int>((count * columns + most - 1) / most);
    out.print("  %s to %s  %8llu %.*s\n", human::duration(from_ns).text,
              human::duration(to_ns).text, static_cast<unsigned long long>(count), length,
              "########################################");
  });
}

}  // namespace

void describe(const heap& of, sink to, format as) {
  heap_statistics now = of.statistics();
  const heap_options& options = of.core().options();
  writer out{to};
  if (as == format::json)
    write_json(out, options, now);
  else
    write_text(out, options, now);
  out.flush();
}

}  // namespace strata::gc
