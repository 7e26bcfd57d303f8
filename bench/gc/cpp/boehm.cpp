// The Boehm-Demers-Weiser collector.
//
//   boehm WORKLOAD SIZE COUNT LIMIT_BYTES once|incremental
#include <cstdint>
#include <cstring>

#define GC_THREADS
#include <gc/gc.h>

#include "plain.hpp"
#include "workloads.hpp"

namespace {

constexpr const char* usage = "LIMIT_BYTES once|incremental";

// The collector calls this with its lock held.
bench::histogram pauses;
std::int64_t stopped_at_ns = 0;
bool measuring = false;
void note(GC_EventType event) {
  if (event == GC_EVENT_PRE_STOP_WORLD) stopped_at_ns = bench::now_ns();
  if (event == GC_EVENT_POST_START_WORLD && measuring) pauses.add(bench::now_ns() - stopped_at_ns);
}

// The key's address is hidden from the collector, which puts a zero in its place when the key has died.
template <class Key, class Value>
class hidden_pair {
 public:
  hidden_pair(plain::pointer<Key> key, plain::pointer<Value> value)
      : key_(GC_HIDE_POINTER(key.get())), value_(value) {
    if (GC_general_register_disappearing_link(reinterpret_cast<void**>(&key_), key.get()) ==
        GC_NO_MEMORY)
      bench::out_of_memory();
  }
  plain::pointer<Key> key(const plain::scope&) const {
    if (key_ == 0) return nullptr;
    return static_cast<Key*>(GC_REVEAL_POINTER(key_));
  }
  plain::pointer<Value> value(const plain::scope&) const { return value_; }

 private:
  GC_hidden_pointer key_;
  plain::pointer<Value> value_;
};

struct by_boehm {
  static constexpr bool by_hand = false;
  struct heap {
    void begin_measuring(const plain::scope&) { measuring = true; }
    void print_measured(const plain::scope&) { pauses.print("pause"); }
  };
  // The main thread is known from the beginning.
  class attachment {
   public:
    explicit attachment(heap&) {
      GC_stack_base base;
      ours_ = GC_get_stack_base(&base) == GC_SUCCESS && GC_register_my_thread(&base) == GC_SUCCESS;
    }
    attachment(const attachment&) = delete;
    attachment& operator=(const attachment&) = delete;
    ~attachment() {
      if (ours_) GC_unregister_my_thread();
    }

   private:
    bool ours_;
  };
  template <class Key, class Value>
  using pair = hidden_pair<Key, Value>;

  static void* allocate(std::size_t bytes, bool leaf) {
    return leaf ? GC_MALLOC_ATOMIC(bytes) : GC_MALLOC(bytes);
  }
  static void release(void*, std::size_t) {}
};

}  // namespace

int main(int argc, char** argv) {
  bench::arguments chosen = bench::parse(argc, argv, 2, usage);
  bool incremental = std::strcmp(chosen.rest[1], "incremental") == 0;
  if (!incremental && std::strcmp(chosen.rest[1], "once") != 0) bench::wrong_usage(usage);
  auto limit = static_cast<std::size_t>(std::strtoull(chosen.rest[0], nullptr, 10));
  // Its warnings would be taken for results.
  GC_set_warn_proc(GC_ignore_warn_proc);
  GC_INIT();
  GC_allow_register_threads();
  GC_set_max_heap_size(limit);
  // All of the heap from the beginning, as the others have it: otherwise it would collect earlier.
  std::size_t there = GC_get_heap_size();
  if (limit > there) GC_expand_hp(limit - there);
  GC_set_on_collection_event(note);
  if (incremental) GC_enable_incremental();
  by_boehm::heap heap;
  bench::run_named<plain::memory<by_boehm>>(heap, chosen, usage);
}
