// A walk over all that is alive, from outside: for reports. It changes nothing in the heap and trusts no
// mark of a collector. The world is stopped.
//
//   root, or field of an object --> first time seen? --> its bit is set, and it waits to be looked at
//
//   bits    one for each word of the heap, on pages that are only there where objects are
//
// An ephemeron's value is alive when its key is: ephemerons that were met wait until all else is seen, and
// are asked again as long as that finds anything.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>

#include "base/bits.hpp"
#include "gc/core.hpp"
#include "gc/object_inl.hpp"
#include "gc/row.hpp"
#include "os/memory.hpp"
#include "strata/gc/view.hpp"

namespace strata::gc {

// While it lives nobody runs but the caller: self, or a thread without a mutator.
class still_world {
 public:
  still_world(core& of, record* self) : world_(of.world()), self_(self) {
    core::check_may_collect(self);
    while (!world_.stop(self)) continue;
  }
  still_world(const still_world&) = delete;
  still_world& operator=(const still_world&) = delete;
  ~still_world() { world_.restart(self_); }

 private:
  world& world_;
  record* self_;
};

// A set of objects.
class object_bits {
 public:
  explicit object_bits(const blocks& of)
      : blocks_(of),
        bytes_(base::align_up(of.count() * detail::block_bytes / 64, os::page_bytes())),
        words_(os::map(bytes_, os::page_bytes())),
        bits_(static_cast<std::uint64_t*>(words_)) {
    if (words_ == nullptr) throw std::bad_alloc();
  }
  object_bits(const object_bits&) = delete;
  object_bits& operator=(const object_bits&) = delete;
  ~object_bits() { os::release(words_, bytes_); }

  [[nodiscard]] bool has(const void* object) const { return bits_.test(word_of(object)); }
  // False when it was there.
  bool add(const void* object) {
    std::size_t word = word_of(object);
    if (bits_.test(word)) return false;
    bits_.set(word);
    return true;
  }

 private:
  [[nodiscard]] std::size_t word_of(const void* object) const {
    return (base::address_of(object) - blocks_.base()) / detail::word_bytes;
  }

  const blocks& blocks_;
  std::size_t bytes_;
  void* words_;
  base::bit_row bits_;
};

// visit(void* object, const root_place&) for each root that is not null, but for the slot `own`.
struct root_place {
  root_kind kind;
  std::size_t mutator;
  std::size_t slot;
  const char* name;
};
template <class Visit>
void each_root_place(core& of, const detail::slot* own, Visit visit) {
  std::size_t mutator = 0;
  of.world().each([&](record& each) {
    for (detail::slot* at = each.stack; at < each.state->top; ++at) {
      void* object = detail::pointer_to(*at & ~detail::pinned_slot);
      if (is_immediate(*at) || object == nullptr || at == own) continue;
      root_kind kind = (*at & detail::pinned_slot) != 0 ? root_kind::pinned : root_kind::local;
      visit(object, root_place{kind, mutator, static_cast<std::size_t>(at - each.stack), ""});
    }
    each_frame_slot(*each.state, [&](void** slot, strata_gc_frame& frame) {
      if (!is_reference(*slot) || static_cast<void*>(slot) == own) return;
      const char* name = frame.map->name != nullptr ? frame.map->name : "";
      auto number = static_cast<std::size_t>(slot - words_of(frame));
      visit(*slot, root_place{root_kind::frame, mutator, number, name});
    });
    ++mutator;
  });
  std::size_t number = 0;
  of.each_global([&](detail::global_node& each) {
    for (void** root = each.first; root < each.end; ++root)
      if (is_reference(*root)) visit(*root, root_place{root_kind::global, 0, number, ""});
    ++number;
  });
}

// visit(void** field) for each reference that does not keep alive by itself.
template <class Visit>
void each_weak_field(void* object, const type& of, Visit visit) {
  std::size_t count = of.kind == shape::weak ? 1 : of.kind == shape::ephemeron ? 2 : 0;
  for (std::size_t at = 0; at < count; ++at) visit(static_cast<void**>(object) + at);
}

// The ephemerons that a walk has met, until their keys are seen.
class waiting_ephemerons {
 public:
  explicit waiting_ephemerons(std::size_t most) {
    if (!all_.open(most)) throw std::bad_alloc();
  }
  // note: what the walk wants to know again when it comes to the value.
  void add(void* ephemeron, std::size_t note = 0) {
    all_.push({static_cast<void**>(ephemeron), note});
  }
  // visit(void** field, note) for the value of each whose key is seen by now. True when there was one.
  template <class Visit>
  bool settle(const object_bits& seen, Visit visit) {
    std::size_t kept = 0;
    std::size_t count = all_.size();
    for (std::size_t at = 0; at < count; ++at) {
      entry each = all_[at];
      if (each.words[0] != nullptr && seen.has(each.words[0]))
        visit(each.words + 1, each.note);
      else
        all_[kept++] = each;
    }
    all_.shorten(kept);
    return kept < count;
  }

 private:
  struct entry {
    void** words;
    std::size_t note;
  };
  row<entry> all_;
};

// An object has a header and one word at least.
inline std::size_t most_objects(const blocks& of) {
  return of.count() * detail::block_bytes / (header::bytes + detail::word_bytes);
}

// All that is alive, each object once.
class walk {
 public:
  explicit walk(core& of) : core_(of), seen_(of.blocks()), ephemerons_(most_objects(of.blocks())) {
    if (!waiting_.open(most_objects(of.blocks()))) throw std::bad_alloc();
  }

  // look(void* object, type&)
  template <class Look>
  void run(Look look) {
    each_root_place(core_, nullptr, [this](void* object, const root_place&) { reach(object); });
    do {
      while (!waiting_.empty()) {
        void* object = waiting_.pop();
        type& of = *type_of_object(object);
        if (of.kind == shape::ephemeron) ephemerons_.add(object);
        look(object, of);
        each_edge(object, of, [this](void** field) { reach(*field); });
      }
    } while (ephemerons_.settle(seen_, [this](void** field, std::size_t) { reach(*field); }));
  }

 private:
  void reach(void* object) {
    if (is_reference(object) && seen_.add(object)) waiting_.push(object);
  }

  core& core_;
  object_bits seen_;
  row<void*> waiting_;
  waiting_ephemerons ephemerons_;
};

}  // namespace strata::gc
