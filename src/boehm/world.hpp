// The one heap of a process that uses the interface of libgc, and who uses it.
//
//   GC_malloc      thread's cursor -> next hole of its block -> [lock: another block, or a collection]
//   GC_gcollect    snapshot of what is loaded -> lock -> stop -> mark -> restart -> finalize, sweep -> unlock
//
// The lock guards all of it but the cursors of threads. Threads wait for it while the world is stopped, and go on
// to allocate when all is swept: until then no cursor has anything.
#pragma once

#include <cstddef>
#include <cstdint>

#include "boehm/interface.hpp"
#include "boehm/roots.hpp"
#include "boehm/threads.hpp"
#include "conservative/finalization.hpp"
#include "conservative/heap.hpp"
#include "conservative/marker.hpp"
#include "sync/mutex.hpp"

namespace strata::boehm {

struct world {
  sync::mutex lock{sync::rank::heap};
  conservative::heap heap;
  conservative::marker marker{heap};
  conservative::finalization finalization;
  boehm::roots roots;
  boehm::threads threads;
  bool is_open = false;
  bool is_collecting = false;

  // Settings
  std::size_t most_bytes = 0;  // of the heap; 0: no limit
  std::size_t least_allocated_bytes = 1;
  bool collects_by_itself = true;
  GC_stop_func stop_function = nullptr;
  GC_warn_proc warn = nullptr;
  void (*on_start)() = nullptr;
  void (*on_event)(gc_event) = nullptr;
  void (*on_thread_event)(gc_event, void*) = nullptr;
  void (*on_due)(void* object) = nullptr;
  conservative::toggle_function toggle = nullptr;

  // Figures
  std::size_t root_bytes = 0;       // scanned by the last collection
  std::uint64_t collection_ns = 0;  // of all
  std::uint64_t recent_peak_blocks =
      0;  // the most that were in use, less by an eighth each collection
};
// It outlives all destructors: finalizers and other threads may still use it.
union lasting_world {
  world value;
  constexpr lasting_world() : value{} {}
  lasting_world(const lasting_world&) = delete;
  lasting_world& operator=(const lasting_world&) = delete;
  ~lasting_world() {}  // NOLINT(modernize-use-equals-default): it leaves the world alone
};
extern lasting_world storage_of_the_world;
inline constexpr world& the_world = storage_of_the_world.value;

// A section in which nobody else changes the world.
class locked {
 public:
  locked() { the_world.lock.lock(); }
  ~locked() { the_world.lock.unlock(); }
  locked(const locked&) = delete;
  locked& operator=(const locked&) = delete;
};

// Ready to allocate: also for who has not called GC_init.
void open_world();
// The calling thread's, which is known from then on. Null when there is no memory.
thread* known_self();
// What the heap has in its slots' ends for addresses behind objects.
inline std::size_t extra_bytes() { return GC_all_interior_pointers != 0 ? 1 : 0; }

// Collects, unless somebody else has since `seen` was read from GC_gc_no. stop: asked before; not 0
// gives it up. False when it was given up, or is not allowed.
enum class pages { as_usual, all_go };
inline constexpr GC_word whoever_has = ~GC_word{0};  // as `seen`: also then
bool collect(GC_word seen, GC_stop_func stop, pages then = pages::as_usual);
// Locked: enough was allocated since the last collection that another one pays.
bool should_collect();
// Locked: `least` bytes more, and as much more as is usual. False when there is a limit, or no memory.
bool expand(std::size_t least_bytes, std::size_t usual_bytes);
// Not locked: finalizers that are due run, or the program is told of them.
void finalize_or_tell();
void warn(const char* message, GC_word argument);

// Not locked. Null when there is no memory, and the program's GC_oom_fn has none either.
void* allocate(std::size_t bytes, unsigned kind);
enum class references { anywhere, first_page };
void* allocate_large(std::size_t bytes, unsigned kind, references which);

}  // namespace strata::boehm
