#include "entry/watch_tables.hpp"

#include <atomic>
#include <cstring>

#include "entry/process.hpp"
#include "os/process.hpp"
#include "sync/mutex.hpp"

namespace strata::entry {
namespace {

// Each copy of libstrata_resources has one: as a shared library, and within modules that link it statically.
constexpr std::size_t most_tables = 4;
constinit std::atomic<const strata_watch_table*> shown[most_tables] = {};
// What those that went had last.
constinit strata_watch_table kept[most_tables] = {};
// Held while a table is read, so that it is not unmapped meanwhile.
constinit std::atomic<bool> reading{false};

std::uint64_t word_of(const std::uint64_t& word) {
  return __atomic_load_n(&word, __ATOMIC_RELAXED);
}

void copy_row(strata_watch_row& to, const strata_watch_row& from) {
  std::memcpy(to.name, from.name, sizeof to.name);
  std::memcpy(to.kind, from.kind, sizeof to.kind);
  to.instances = word_of(from.instances);
  to.made = word_of(from.made);
  to.live_bytes = word_of(from.live_bytes);
  to.live_blocks = word_of(from.live_blocks);
  to.held_bytes = word_of(from.held_bytes);
  to.peak_live_bytes = word_of(from.peak_live_bytes);
}

void append(strata_watch_table& out, const strata_watch_table& from) {
  // acquire: pairs with the release of who added the last row.
  std::uint32_t count = __atomic_load_n(&from.count, __ATOMIC_ACQUIRE);
  out.unlisted += __atomic_load_n(&from.unlisted, __ATOMIC_RELAXED);
  for (std::uint32_t i = 0; i < count && i < STRATA_WATCH_ROWS; ++i) {
    if (out.count == STRATA_WATCH_ROWS) {
      ++out.unlisted;
    } else {
      copy_row(out.rows[out.count++], from.rows[i]);
    }
  }
}

void clear(strata_watch_table& table) {
  table.version = STRATA_WATCH_VERSION;
  table.row_bytes = sizeof(strata_watch_row);
  table.count = table.unlisted = 0;
}

}  // namespace

void take_resources(strata_watch_table& out) {
  clear(out);
  // Whoever is at it now is telling us of an end; there will be other times.
  if (reading.exchange(true, std::memory_order_acquire)) return;
  for (auto& each : shown) {
    const strata_watch_table* table = each.load(std::memory_order_acquire);
    if (table != nullptr) append(out, *table);
  }
  reading.store(false, std::memory_order_release);
}

void reset_resources_in_child() { reading.store(false, std::memory_order_relaxed); }

}  // namespace strata::entry

using namespace strata;

extern "C" __attribute__((visibility("default"))) void strata_watch_show(
    const strata_watch_table* table) {
  if (table->version != STRATA_WATCH_VERSION || table->row_bytes != sizeof(strata_watch_row))
    return;
  for (auto& each : entry::shown) {
    const strata_watch_table* expected = nullptr;
    // release: who finds it finds its rows.
    if (each.compare_exchange_strong(expected, table, std::memory_order_release)) return;
  }
}

extern "C" __attribute__((visibility("default"))) void strata_watch_hide(
    const strata_watch_table* table) {
  {
    sync::signal_shield shield;
    while (entry::reading.exchange(true, std::memory_order_acquire)) os::relax();
    for (std::size_t i = 0; i < entry::most_tables; ++i) {
      if (entry::shown[i].load(std::memory_order_relaxed) != table) continue;
      entry::clear(entry::kept[i]);
      entry::append(entry::kept[i], *table);
      entry::shown[i].store(&entry::kept[i], std::memory_order_release);
    }
    entry::reading.store(false, std::memory_order_release);
  }
  // Its last figures may come after ours: whose library ends first, the loader decides.
  entry::publish_resources_at_end();
}
