// Intern tables (include/strata/gc/intern.hpp): 64 shards by the hash's first bits, each with two
// probe_tables.
//
//   shard | young: what was added since the last collection, or is young still   lock_ for additions
//         | old: the rest                                                        changes in collections only
//
//   look-up     old, then young, without a lock
//   addition    the shard's lock; young again, since another thread may have added it; then there
//   collection  the dead go; what isn't young any more moves from young to old; of old, a full one looks
//               at every entry, a young one at none
//
// Look-ups need no lock, as nothing they look at is freed or changed under them but at a collection, and
// they contain no safepoint. A look-up while marking is under way makes its find known to the marker.
#include "strata/gc/intern.hpp"

#include <cstring>
#include <memory>
#include <mutex>
#include <new>

#include "gc/core.hpp"
#include "gc/probe_table.hpp"
#include "os/process.hpp"

namespace strata::gc {

class detail::intern_core final : public weak_table {
 public:
  explicit intern_core(core& of) : core_(of) { core_.weaks().add(*this); }
  ~intern_core() { core_.weaks().remove(*this); }

  void* find(const intern_query& query) const {
    std::uint64_t hash = base::mixed(query.hash);
    const shard& in = shard_of(hash);
    auto matches = [&](const void* object) { return query.matches(query, object); };
    if (void* found = in.old.find(hash, matches)) return found;
    return in.young.find(hash, matches);
  }
  void* add(const intern_query& query, void* object) {
    std::uint64_t hash = base::mixed(query.hash);
    shard& in = shard_of(hash);
    std::lock_guard guard{in.lock};
    auto matches = [&](const void* other) { return query.matches(query, other); };
    // A collection may have come in between: old, too.
    if (void* found = in.old.find(hash, matches)) return found;
    if (void* found = in.young.find(hash, matches)) return found;
    if (!in.young.add(hash, object)) throw std::bad_alloc();
    return object;
  }

  void finish(const survivors& of, collected what) override {
    for (shard& each : shards_) {
      each.young.give_back_retired();
      each.old.give_back_retired();
      if (what == collected::all_objects)
        each.old.sweep([&](void*& object) { return of.keep(object); });
      settle_young(each, of);
      each.old.tidy(slots_per_collection);
    }
  }

  intern_statistics statistics() {
    intern_statistics sum;
    for (shard& each : shards_) {
      std::lock_guard guard{each.lock};
      for (const probe_table* table : {&each.young, &each.old}) {
        sum.entries += table->live();
        sum.slots += table->slots();
        sum.held_bytes += table->held_bytes();
        sum.longest_probe = base::larger(sum.longest_probe, table->longest_probe());
      }
    }
    return sum;
  }

 private:
  static constexpr unsigned shard_bits = 6;
  static constexpr std::size_t slots_per_collection = 4096;

  struct alignas(2 * base::cache_line_bytes) shard {
    std::mutex lock;  // guards additions to young
    probe_table young;
    probe_table old;
  };

  [[nodiscard]] shard& shard_of(std::uint64_t hash) { return shards_[hash >> (64 - shard_bits)]; }
  [[nodiscard]] const shard& shard_of(std::uint64_t hash) const {
    return shards_[hash >> (64 - shard_bits)];
  }
  static void settle_young(shard& in, const survivors& of) {
    in.young.take_all([&](std::uint64_t hash, void* object) {
      if (!of.keep(object)) return;
      probe_table& to = of.is_young(object) ? in.young : in.old;
      STRATA_CHECK(to.add(hash, object));
    });
  }

  core& core_;
  shard shards_[std::size_t{1} << shard_bits];
};

std::uint64_t hash_of(std::string_view bytes) noexcept {
  static const std::uint64_t seed = os::random_word();
  std::uint64_t hash = seed ^ bytes.size();
  const char* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 8; left -= 8, at += 8) {
    std::uint64_t word;
    std::memcpy(&word, at, 8);
    hash = base::mixed(hash ^ word);
  }
  std::uint64_t last = 0;
  if (left != 0) std::memcpy(&last, at, left);
  return base::mixed(hash ^ last);
}

detail::intern_core* detail::make_intern_core(core& of) { return new intern_core(of); }
void detail::destroy_intern_core(intern_core* table) { delete table; }
void* detail::intern_find(intern_core& table, mutator& self, const intern_query& query) {
  return strengthened(self, table.find(query));
}
void* detail::intern_add(intern_core& table, mutator& self, const intern_query& query,
                         void* object) {
  return strengthened(self, table.add(query, object));
}
intern_statistics detail::intern_statistics_of(intern_core& table) { return table.statistics(); }

}  // namespace strata::gc
