// Locks: the list's, under which nothing is called. A resource that is asked is pinned meanwhile: the end
// of its registration waits for that.
#include <strata/watch.hpp>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <mutex>
#include <thread>

#include <strata/detail/word_lock.hpp>

#include "base/text.hpp"

#pragma GCC visibility push(default)
extern "C" {
// Weak: there may be no libstrata. NOLINTBEGIN(readability-redundant-declaration)
__attribute__((weak)) void strata_watch_show(const strata_watch_table* table);
__attribute__((weak)) void strata_watch_hide(const strata_watch_table* table);
// NOLINTEND(readability-redundant-declaration)
extern strata_watch_table strata_watch_root;
constinit strata_watch_table strata_watch_root = {
    STRATA_WATCH_VERSION, sizeof(strata_watch_row), 0, 0, {}};
}
#pragma GCC visibility pop

namespace strata::detail {
namespace {

// Readers take no lock. relaxed: each word is a figure of its own.
template <class Word>
void set(Word& word, std::type_identity_t<Word> value) {
  std::atomic_ref<Word>(word).store(value, std::memory_order_relaxed);
}

// What one adds to a row's sum, instead of what it added before.
void change(std::uint64_t& sum, std::uint64_t before, std::uint64_t now) {
  bool none = now == STRATA_WATCH_NONE;
  set(sum, none ? STRATA_WATCH_NONE : sum - before + now);
}

void take_out(std::uint64_t& sum, std::uint64_t last) {
  if (last != STRATA_WATCH_NONE) set(sum, sum - last);
}

void copy_name(char (&to)[STRATA_WATCH_NAME], std::string_view name) {
  std::size_t bytes = std::min(name.size(), sizeof to - 1);
  std::memcpy(to, name.data(), bytes);
  to[bytes] = '\0';
}

// Without our namespace, which all have.
void copy_kind(char (&to)[STRATA_WATCH_NAME], std::string_view kind) {
  constexpr std::string_view ours = "strata::";
  std::size_t at = 0;
  while (!kind.empty() && at < sizeof to - 1) {
    if (kind.starts_with(ours)) {
      kind.remove_prefix(ours.size());
      continue;
    }
    to[at++] = kind.front();
    kind.remove_prefix(1);
  }
  to[at] = '\0';
}

}  // namespace

struct watch_list {
  static inline constinit fork_safe_global<word_lock> lock;  // guards what follows, and the table
  static inline constinit watch_node* oldest = nullptr;
  static inline constinit watch_node* youngest = nullptr;
  static inline constinit std::uint64_t last_number = 0;
  static inline constinit std::atomic<bool> shown{false};

  static strata_watch_row* row_of(const watched_figures& figures) {
    strata_watch_table& table = strata_watch_root;
    for (std::uint32_t i = 0; i < table.count; ++i) {
      strata_watch_row& each = table.rows[i];
      if (std::strcmp(each.name, figures.name) == 0 && std::strcmp(each.kind, figures.kind) == 0)
        return &each;
    }
    if (table.count == STRATA_WATCH_ROWS) {
      set(table.unlisted, table.unlisted + 1);
      return nullptr;
    }
    strata_watch_row& made = table.rows[table.count];
    std::memcpy(made.name, figures.name, sizeof made.name);
    std::memcpy(made.kind, figures.kind, sizeof made.kind);
    // release: whoever sees the count sees the names.
    std::atomic_ref(table.count).store(table.count + 1, std::memory_order_release);
    return &made;
  }

  static void enter(watch_node& one) {
    std::lock_guard inside(lock);
    one.number_ = ++last_number;
    one.older_ = std::exchange(youngest, &one);
    (one.older_ != nullptr ? one.older_->younger_ : oldest) = &one;
    one.row_ = row_of(one.figures_);
    if (one.row_ == nullptr) return;
    strata_watch_row& row = *one.row_;
    // What the last one left behind.
    if (row.instances == 0) set(row.live_bytes, 0), set(row.live_blocks, 0), set(row.held_bytes, 0);
    set(row.instances, row.instances + 1);
    set(row.made, row.made + 1);
  }

  static void leave(watch_node& one) {
    std::unique_lock inside(lock);
    while (one.pins_ != 0) {
      inside.unlock();
      std::this_thread::yield();
      inside.lock();
    }
    if (one.number_ == 0) return;  // a fork has taken it out
    one.number_ = 0;
    (one.older_ != nullptr ? one.older_->younger_ : oldest) = one.younger_;
    (one.younger_ != nullptr ? one.younger_->older_ : youngest) = one.older_;
    if (one.row_ == nullptr) return;
    strata_watch_row& row = *one.row_;
    set(row.instances, row.instances - 1);
    if (row.instances == 0) return;
    take_out(row.live_bytes, one.figures_.live_bytes);
    take_out(row.live_blocks, one.figures_.live_blocks);
    take_out(row.held_bytes, one.figures_.held_bytes);
  }

  // The first one behind the number, pinned; null: there is none.
  static watch_node* pin_next(std::uint64_t& number) {
    std::lock_guard inside(lock);
    watch_node* one = oldest;
    while (one != nullptr && one->number_ <= number) one = one->younger_;
    if (one == nullptr) return nullptr;
    number = one->number_;
    ++one->pins_;
    return one;
  }
  static void unpin(watch_node& one, watched_figures& found) {
    std::lock_guard inside(lock);
    found = one.figures_;
    --one.pins_;
  }

  static void forget_pins(watch_node& one) { one.pins_ = 0; }

  static bool next(std::uint64_t& number, watched_figures& found) {
    watch_node* one = pin_next(number);
    if (one == nullptr) return false;
    if (one->from_any_thread_) one->publish();
    unpin(*one, found);
    return true;
  }
};

bool next_watched(std::uint64_t& number, watched_figures& found) noexcept {
  return watch_list::next(number, found);
}

constinit const fork_ways watch_node::at_fork = {
    nullptr, nullptr,
    [](void* self) noexcept { watch_list::forget_pins(*static_cast<watch_node*>(self)); },
    [](void* self) noexcept { watch_list::leave(*static_cast<watch_node*>(self)); }};

watch_node::watch_node(void* resource, read_figures read, bool from_any_thread,
                       std::string_view name, std::string_view kind) noexcept
    : resource_(resource), from_any_thread_(from_any_thread), read_(read), seat_(at_fork, this) {
  figures_.resource = resource;
  figures_.instances = figures_.made = 1;
  copy_name(figures_.name, name);
  copy_kind(figures_.kind, kind);
  watch_list::lock.enter();
  bool shown = watch_list::shown.exchange(true, std::memory_order_relaxed);
  if (!shown && strata_watch_show != nullptr) strata_watch_show(&strata_watch_root);
  watch_list::enter(*this);
  publish();
}

watch_node::~watch_node() {
  publish();
  watch_list::leave(*this);
}

void watch_node::publish() noexcept {
  resource_statistics now = read_(resource_);
  std::lock_guard inside(watch_list::lock);
  enter_figures(now);
}

void watch_node::enter_figures(const resource_statistics& now) noexcept {
  static_assert(resource_statistics::not_counted == STRATA_WATCH_NONE);
  watched_figures before = figures_;
  figures_.live_bytes = now.used_bytes;
  figures_.live_blocks = now.live_blocks;
  figures_.held_bytes = now.held_bytes;
  figures_.peak_live_bytes =
      std::max({before.peak_live_bytes, now.peak_used_bytes, now.used_bytes});
  if (row_ == nullptr || number_ == 0) return;
  change(row_->live_bytes, before.live_bytes, figures_.live_bytes);
  change(row_->live_blocks, before.live_blocks, figures_.live_blocks);
  change(row_->held_bytes, before.held_bytes, figures_.held_bytes);
  if (figures_.peak_live_bytes > row_->peak_live_bytes)
    set(row_->peak_live_bytes, figures_.peak_live_bytes);
}

namespace {

void ask_all() {
  each_watched([](const watched_figures& /*each*/) {});
}

// The end of the process, or of a module with this library in it. Made early, so that it comes after what
// the program made. libstrata may have ended before; then it writes its statistics once more.
struct at_end {
  at_end() = default;
  at_end(const at_end&) = delete;
  at_end& operator=(const at_end&) = delete;
  ~at_end() {
    ask_all();
    if (strata_watch_hide != nullptr) strata_watch_hide(&strata_watch_root);
  }
};
__attribute__((init_priority(200))) at_end end_of_process;

}  // namespace
}  // namespace strata::detail

extern "C" __attribute__((visibility("default"))) std::size_t strata_watch_json(
    char* buffer, std::size_t capacity) {
  strata::detail::ask_all();
  strata::base::text text(buffer, capacity);
  const strata_watch_table& table = strata_watch_root;
  // acquire: pairs with row_of's release.
  std::uint32_t count = __atomic_load_n(&table.count, __ATOMIC_ACQUIRE);
  text << "{\"resources\":[";
  for (std::uint32_t i = 0; i < count; ++i) {
    const strata_watch_row& row = table.rows[i];
    (text << (i == 0 ? "\n" : ",\n") << "{\"name\":\"").json(row.name) << "\",\"kind\":\"";
    text.json(row.kind) << "\"";
    auto put = [&](const char* key, const std::uint64_t& word) {
      std::uint64_t value = __atomic_load_n(&word, __ATOMIC_RELAXED);
      text << ",\"" << key << "\":";
      if (value == STRATA_WATCH_NONE)
        text << "null";
      else
        text << value;
    };
    put("instances", row.instances);
    put("made", row.made);
    put("live_bytes", row.live_bytes);
    put("live_blocks", row.live_blocks);
    put("held_bytes", row.held_bytes);
    put("peak_live_bytes", row.peak_live_bytes);
    text << "}";
  }
  text << "\n]}\n";
  return text.length();
}
