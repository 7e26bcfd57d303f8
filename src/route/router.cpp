#include "route/router.hpp"

#include "ground/account.hpp"
#include "os/memory.hpp"
#include "os/process.hpp"
#include "route/seat.hpp"
#include "sync/mutex.hpp"

namespace strata::route {

constinit std::atomic<phase> now{phase::before};

namespace {

using wire::route_place;

constinit wire::routes* shared = nullptr;
constinit const char* shared_path = nullptr;
// The block that the thread made last, if it is routed; kept where operations are counted.
constinit thread_local std::uintptr_t latest __attribute__((tls_model("initial-exec"))) = 0;

// ---- Attaching

void note_variable(const char* entry) {
  const char* name = wire::routes_variable;
  while (*name != '\0' && *entry == *name) ++entry, ++name;
  if (*name == '\0' && *entry == '=') shared_path = entry + 1;
}

void take_figures() {
  figures = nullptr;
  if (shared->watch == wire::route_watch::nothing) return;
  for (auto& one : shared->processes) {
    std::uint32_t expected = 0;
    auto own = static_cast<std::uint32_t>(os::process_id());
    if (!one.pid.compare_exchange_strong(expected, own)) continue;
    figures = &one;
    return;
  }
}

bool map_routes() {
  os::each_environment(note_variable);
  if (shared_path == nullptr || os::runs_with_borrowed_rights()) return false;
  shared = static_cast<wire::routes*>(os::map_existing_file(shared_path, sizeof(wire::routes)));
  if (shared == nullptr || shared->magic != wire::routes_magic) return false;
  os::leave_out_of_core_dumps(shared, sizeof(wire::routes));
  return region::set_up() && site::set_up(*shared);
}

// ---- A place for a block

// The thread's part of the place, while this lives.
class entered {
 public:
  explicit entered(seat* one) : one_(one == nullptr || one->is_entered ? nullptr : one) {
    if (one_ != nullptr) one_->is_entered = true;
    std::atomic_signal_fence(std::memory_order_seq_cst);
  }
  ~entered() {
    std::atomic_signal_fence(std::memory_order_seq_cst);
    if (one_ != nullptr) one_->is_entered = false;
  }
  entered(const entered&) = delete;
  entered& operator=(const entered&) = delete;

  explicit operator bool() const { return one_ != nullptr; }
  seat* operator->() const { return one_; }
  seat* get() const { return one_; }

 private:
  seat* one_;
};

std::size_t granules_of(std::size_t size) {
  return base::align_up(base::larger(size, 1), granule_bytes);
}

void* allocate_at(const entered& own, std::size_t size, std::size_t alignment) {
  const std::size_t bytes = granules_of(size);
  switch (shared->place) {
    case route_place::stack:
    case route_place::arena:
      return alignment <= os::page_bytes() ? own->line.allocate(bytes, alignment, own.get())
                                           : nullptr;
    case route_place::pool:
      return alignment <= granule_bytes ? own->pools.allocate(bytes, own.get()) : nullptr;
    case route_place::reserve: {
      const std::size_t room = granules_of(shared->reserve_bytes);
      if (alignment > granule_bytes || bytes > room) return nullptr;
      return own->pools.allocate_of_last(room, own.get());
    }
    case route_place::heap:
      break;
  }
  return nullptr;
}

void count_gone(std::uintptr_t at) {
  if (shared->place == route_place::arena) count_spared(1);
  if (shared->place == route_place::stack && at == latest) count_spared(2);
  if (at == latest) latest = 0;
}

void go_elsewhere(chunk& in, void* block) {
  std::uintptr_t at = base::address_of(block);
  auto live = static_cast<std::uint8_t>(block_state::live);
  // One of two that free it at once finds it gone.
  if (!region::state_at(at).compare_exchange_strong(
          live, static_cast<std::uint8_t>(block_state::gone), std::memory_order_relaxed))
    region::stop_for(block);
  if (in.cell_bytes == 0)
    in.owner->line.go_elsewhere();
  else
    in.owner->pools.go_elsewhere(in, at);
}

}  // namespace

STRATA_NOINLINE bool attach() {
  sync::signal_shield shield;  // a handler that jumps out of here would leave it half done
  phase seen = phase::before;
  if (!now.compare_exchange_strong(seen, phase::attaching)) return seen == phase::on;
  bool attached = map_routes();
  if (attached) take_figures();
  now.store(attached ? phase::on : phase::off, std::memory_order_release);
  return attached;
}

bool trims() { return shared->watch == wire::route_watch::trims; }
std::uint64_t moment_step() { return shared->moment_step; }
route_place place() { return shared->place; }

void* allocate(std::size_t size, std::size_t alignment) {
  if (figures != nullptr) figures->blocks.fetch_add(1, std::memory_order_relaxed);
  if (size > most_bytes || shared->place == route_place::heap) return nullptr;
  const entered own(own_seat());
  if (!own) return nullptr;
  void* block = allocate_at(own, size, alignment);
  if (STRATA_UNLIKELY(figures != nullptr)) latest = base::address_of(block);
  return block;
}

void deallocate(void* block) {
  if (STRATA_UNLIKELY(figures != nullptr)) count_gone(base::address_of(block));
  give_back(block);
}

void give_back(void* block) {
  chunk& in = region::chunk_of_block(block);
  std::uintptr_t at = base::address_of(block);
  const entered own(in.owner == known_seat() ? in.owner : nullptr);
  if (!own) return go_elsewhere(in, block);
  if (in.cell_bytes == 0)
    own->line.go(at);
  else
    own->pools.go(in, at);
}

std::size_t usable_size(void* block) {
  return region::size_of(region::chunk_of_block(block), base::address_of(block));
}

bool stays(void* block, std::size_t size) {
  std::size_t usable = usable_size(block);
  if (size > usable) return false;
  if (shared->place == route_place::reserve) {
    count_spared(1);
    return true;
  }
  return size >= usable / 2;
}

void check_size(void* block, std::size_t size, std::size_t alignment, told_size told) {
  std::size_t usable = usable_size(block);
  bool may_be_longer = told == told_size::perhaps_reallocated || alignment > granule_bytes ||
                       shared->place == route_place::reserve;
  bool is_right = may_be_longer ? size <= usable : granules_of(size) == usable;
  if (!is_right) fatal(misuse::wrong_size, block, usable);
}

void note_other_block() { latest = 0; }

void thread_exits() { leave_seat(); }

// Threads that the child does not have keep their seats: what they were about to do is half done.
void forked_in_child() {
  if (now.load(std::memory_order_relaxed) != phase::on) return;
  ground::account::charge(region::charged_bytes());
  take_figures();
}

}  // namespace strata::route
