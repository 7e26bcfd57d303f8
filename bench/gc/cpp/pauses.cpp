// How long Strata's heap stands still, by its size: what preset::latency promises.
//
//   pauses LIMIT_MIB [SECONDS]
//
// What lives is half of the limit, in objects that die old, in no order: half of the bytes in values of up to 512
// bytes, a quarter in values of up to 24 KiB, and a quarter in large ones of 64 to 256 KiB. Each has an entry, which
// refers to another at random; one in sixteen has a weak reference, too. An operation replaces one and looks at
// eight others, for SECONDS (default 10) after all are there; what came before is not told.
//
//   table --> | piece | piece | ...      of 1,024 entries each
//               '--> entry --> value
//                      | '--> another entry, which nothing else may lead to any more
//                      '--> weak reference to a third
//
// Prints a line for each kind of pause, in microseconds: young, those that begin a marking, that settle what lives
// where much is to be cleared, and that end it, full ones; and one for operations, which are pauses, too, to whoever waits for them.
#include <sys/resource.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <strata/gc.hpp>

#include "bench.hpp"

namespace {

namespace gc = strata::gc;
using bytes = gc::array<char>;

struct entry {
  gc::ref<bytes> value;
  gc::ref<entry> other;
  gc::ref<gc::weak<entry>> aside;
};
using piece = gc::array<gc::ref<entry>>;

enum kind : std::uint8_t { young, begins, settles, ends, full };
constexpr std::array<const char*, 5> names = {"young", "marking begins", "what lives",
                                              "marking ends", "full"};

struct listener final : gc::listener {
  void collection_ends(const gc::collection_end& what) noexcept override {
    kind of = what.kind == gc::collection::full        ? full
              : what.step == gc::marking_step::begins  ? begins
              : what.step == gc::marking_step::settles ? settles
              : what.step == gc::marking_step::ends    ? ends
                                                       : young;
    pauses[of].add(static_cast<std::int64_t>(what.pause_ns));
  }
  std::array<bench::histogram, 5> pauses;
};

// Of so many values 512 are small on average, 12 medium, 1 large.
std::size_t draw_length(bench::draw& random) {
  std::size_t which = random.below(620);
  if (which == 0) return (64 << 10) + random.below(192 << 10);
  if (which <= 12) return 512 + random.below(24 << 10);
  return 32 + random.below(480);
}

class cache {
 public:
  cache(gc::mutator& self, std::size_t live_bytes)
      : count_(live_bytes / mean_bytes), table_{self, nullptr} {
    table_ = self.make<gc::array<gc::ref<piece>>>(count_ / piece_entries + 1);
    for (std::size_t at = 0; at < table_->size(); ++at)
      (*table_)[at] = self.make<piece>(piece_entries);
    for (std::size_t at = 0; at < count_; ++at) replace(self, at);
  }
  // Replaces one, and looks at some others, as a cache does.
  std::size_t operate(gc::mutator& self) {
    replace(self, random_.below(count_));
    std::size_t found = 0;
    for (unsigned look = 0; look < looks; ++look)
      found += slot(random_.below(count_))->value->size();
    return found;
  }

 private:
  static constexpr std::size_t piece_entries = 1024;
  // Values, entries, their share of tables and weak references, and of replaced entries that others lead to.
  static constexpr std::size_t mean_bytes = 1200;
  static constexpr unsigned looks = 8;

  gc::ref<entry>& slot(std::size_t at) {
    return (*(*table_)[at / piece_entries])[at % piece_entries];
  }
  void replace(gc::mutator& self, std::size_t at) {
    gc::local<bytes> value = self.make<bytes>(draw_length(random_));
    gc::local<entry> made = self.make<entry>();
    made->value = value;
    gc::local<entry> near{self, slot(random_.below(count_)).get()};
    if (near) {
      near->other = nullptr;
      made->other = near;
      if (random_.below(16) == 0) {
        gc::local<gc::weak<entry>> aside = self.make<gc::weak<entry>>(near);
        made->aside = aside;
      }
    }
    slot(at) = made;
  }

  std::size_t count_;
  gc::global<gc::array<gc::ref<piece>>> table_;
  bench::draw random_{4711};
};

void print(const char* name, const bench::histogram& of) {
  auto us = [](std::uint64_t ns) { return static_cast<double>(ns) / 1e3; };
  std::printf("%-16s %9llu  p50 %8.1f  p99 %8.1f  max %9.1f\n", name,
              static_cast<unsigned long long>(of.count()), us(of.quantile_ns(0.5)),
              us(of.quantile_ns(0.99)), us(of.quantile_ns(1)));
}

void measure(std::size_t limit_bytes, std::int64_t seconds) {
  listener heard;
  gc::heap_options options = gc::options_for(gc::preset::latency, limit_bytes);
  options.listener = &heard;
  gc::heap heap{options};
  gc::mutator self{heap};
  cache all{self, limit_bytes / 2};
  heard.pauses = {};
  bench::histogram operations;
  std::size_t found = 0;
  std::int64_t until_ns = bench::now_ns() + seconds * 1'000'000'000;
  bench::stopwatch watch(operations);
  for (std::size_t done = 0; done % 1024 != 0 || bench::now_ns() < until_ns; ++done) {
    found += all.operate(self);
    watch.lap();
  }
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  std::printf("limit %zu MiB, live %llu MiB, peak %ld MiB; us\n", limit_bytes >> 20,
              static_cast<unsigned long long>(heap.statistics().live_bytes >> 20),
              used.ru_maxrss >> 10);
  for (std::size_t of = 0; of < names.size(); ++of) print(names[of], heard.pauses[of]);
  print("operations", operations);
  std::printf("found %zu bytes\n", found);
}

}  // namespace

int main(int argc, char** argv) {
  std::size_t limit_mib = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 0;
  std::int64_t seconds = argc > 2 ? std::strtoll(argv[2], nullptr, 10) : 10;
  if (argc > 3 || limit_mib == 0 || seconds <= 0) {
    std::fprintf(stderr, "usage: pauses LIMIT_MIB [SECONDS]\n");
    return 2;
  }
  try {
    measure(limit_mib << 20, seconds);
  } catch (const gc::out_of_memory&) {
    bench::out_of_memory();
  }
}
