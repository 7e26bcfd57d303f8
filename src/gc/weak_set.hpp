// What a collection finds that does not keep alive, and cleaners.
//
//   found                     weak objects and ephemerons that a tracing has reached; looked at when it is over:
//                             of_young by young collections, of_old by markings, which may be under way meanwhile;
//                             and ephemerons that wait for their keys (waiting_keys.hpp)
//   remembered_               those of them that are old and refer to young objects: for the next young
//                             collection, which does not come past them
//   young_, old_              cleaners that wait, by where their objects are
//   due_                      cleaners whose objects have died
//   settling_                 how far settle() has come with of_old and old_, while a marking runs
//   slots_                    words beside the heap that refer to young objects: roots of young collections
//   tables_                   weak_table.hpp
//
// A tracer that has reached all that is strongly reachable calls finish(space), where
//   space.keep(void*& object)   false when it is dead; otherwise updates the reference if it has moved: once,
//                               as a space that tells new places before it moves takes them for old ones
//   space.trace(void*& object)  reaches it, and all that it reaches
//   space.is_young(object)      after the collection
//
// A marking beside the program ends otherwise: its pause only settles what lives (settle_lives). References to the
// dead are cleared afterwards (clear_some), while the program runs; whoever reads one meanwhile asks whether it leads
// to what has died, as detail::revived does. Memory of the dead comes back when all are cleared.
//
//   settle ... settle_lives | clear_some ... | found.clear       |: the world is stopped
//
// Tracers tell found.reached of each object that they reach, by the address that references to it have before it
// moves.
#pragma once

#include <algorithm>
#include <cstddef>
#include <mutex>
#include <utility>

#include "gc/object_inl.hpp"
#include "gc/row.hpp"
#include "gc/waiting_keys.hpp"
#include "gc/weak_table.hpp"
#include "strata/gc/weak.hpp"

namespace strata::gc {

struct found {
  row<void*> weaks;
  row<void*> ephemerons;
  waiting_keys waiting;  // of ephemerons that have been looked at and taken off the row

  bool open(std::size_t most_objects) {
    return weaks.open(most_objects) && ephemerons.open(most_objects) && waiting.open(most_objects);
  }
  void clear() {
    weaks.clear();
    ephemerons.clear();
    waiting.clear();
  }
  // The tracer has come to this object.
  void discover(void* object, shape kind) {
    if (kind == shape::weak) weaks.push(object);
    if (kind == shape::ephemeron) ephemerons.push(object);
  }
  // The tracer has reached, for the first time, what it finds at this address.
  STRATA_INLINE void reached(const void* object) {
    if (STRATA_UNLIKELY(!waiting.empty())) waiting.wake(object);
  }
};

class weak_set {
 public:
  bool open(std::size_t most_objects) {
    return of_young.open(most_objects) && of_old.open(most_objects) &&
           remembered_.open(most_objects) && young_.open(most_objects) && old_.open(most_objects) &&
           due_.open(most_objects) && slots_.open(most_objects);
  }

  found of_young;
  found of_old;

  void add(void* object, cleaner then) {
    std::lock_guard guard{lock_};
    young_.push({object, then});
  }
  // The slot's object keeps it up to date, or its owner does, by a weak_table.
  void add_slot(void** slot) {
    std::lock_guard guard{lock_};
    slots_.push(slot);
  }
  row<void**>& slots() { return slots_; }
  void add(weak_table& table) {
    std::lock_guard guard{lock_};
    tables_.push_back(&table);
  }
  void remove(weak_table& table) {
    std::lock_guard guard{lock_};
    base::list<weak_table>::remove(&table);
  }
  // Runs those that are due; returns how many.
  std::size_t run_due() {
    std::size_t count = 0;
    for (entry next; take_due(next); ++count) next.then.run(next.then.context);
    return count;
  }

  // A marking of the old space begins.
  void begin_marking() {
    of_old.clear();
    settling_ = {};
  }
  // When the marker has nothing to do: looks at so many of what it has found, and of cleaners, and takes away
  // what needs no look any more in the pause at its end, since it refers to old objects that are marked. What
  // an ephemeron's value leads to is for the marker. True when all have been looked at. Takes what it has looked
  // at off `left`.
  template <class Marker>
  bool settle(Marker& marker, std::size_t& left);
  // How often an ephemeron has been looked at, since the start.
  [[nodiscard]] std::uint64_t ephemeron_looks() const { return ephemeron_looks_; }

  // Before a young collection: old ones that matter to it.
  void discover_remembered() {
    for (void* object : remembered_) of_young.discover(object, type_of_object(object)->kind);
    remembered_.clear();
  }

  // Traces all that the values of ephemerons keep alive: for tracers that tell references' new addresses only
  // once they have reached everything. They call finish afterwards, as others do.
  template <class Space>
  void settle_ephemerons(Space& space, found& in) {
    finish_ephemerons(space, in);
  }

  // The marker has nothing left, the world is stopped, and nothing moves: what lives is known from now on. What is
  // young is cleared here, since it may move, and tables are told.
  template <class Space>
  void settle_lives(Space& space);
  // Afterwards: clears so many of the others. True when none refers to what is dead any more.
  template <class Marker>
  bool clear_some(const Marker& marker, std::size_t most);

  enum class cleaners { of_young_objects, of_all_objects };
  // What was found stays in `in`, without ephemerons whose keys have died.
  template <class Space>
  void finish(Space& space, found& in, cleaners which) {
    finish_ephemerons(space, in);
    for (std::size_t at = 0; at < in.weaks.size(); ++at) {
      fetch_ahead(in.weaks, at, 1);
      void* object = in.weaks[at];
      void*& referent = static_cast<void**>(object)[0];
      if (referent != nullptr && !space.keep(referent)) referent = nullptr;
      remember(space, object, referent, nullptr);
    }
    // Threads that don't stop may run cleaners meanwhile.
    std::lock_guard guard{lock_};
    // In this order: a reference that has been updated must not come to the space again.
    if (which == cleaners::of_all_objects) {
      finish_cleaners(space, old_, std::exchange(settling_.cleaners, 0));
      finish_remembered(space);
    }
    finish_cleaners(space, young_, 0);
    finish_slots(space);
    finish_tables(space, which == cleaners::of_all_objects ? collected::all_objects
                                                           : collected::young_objects);
  }

 private:
  struct entry {
    void* object = nullptr;
    cleaner then;
  };

  bool take_due(entry& into) {
    std::lock_guard guard{lock_};
    if (due_.empty()) return false;
    into = due_.pop();
    return true;
  }

  template <class Space>
  void remember(Space& space, void* object, void* first, void* second) {
    if (!space.is_young(object) && ((first != nullptr && space.is_young(first)) ||
                                    (second != nullptr && space.is_young(second))))
      remembered_.push(object);
  }

  template <class Space>
  void finish_tables(Space& space, collected what) {
    survivors alive{space};
    for (weak_table* at = tables_.front(); at != nullptr; at = tables_.after(at))
      at->finish(alive, what);
  }

  // A marking, and young collections meanwhile, come past the same objects.
  template <class Space>
  void finish_remembered(Space& space) {
    std::size_t kept = 0;
    for (void* object : remembered_) {
      if (space.keep(object)) remembered_[kept++] = object;
    }
    remembered_.shorten(kept);
    std::sort(remembered_.begin(), remembered_.end());
    void** end = std::unique(remembered_.begin(), remembered_.end());
    remembered_.shorten(static_cast<std::size_t>(end - remembered_.begin()));
  }

  template <class Space>
  void finish_ephemerons(Space& space, found& in) {
    row<void*>& all = in.ephemerons;
    std::size_t living = trace_values(space, in);
    in.waiting.take_all([&](void** words) { all.push(words); });
    for (std::size_t at = living; at < all.size(); ++at) {
      auto* words = static_cast<void**>(all[at]);
      words[0] = words[1] = nullptr;
    }
    all.shorten(living);
  }
  // Those whose keys live come first in their row; returns how many. Keys of the others have died, also of those
  // that wait then. Most keys live before any value is traced, or have died: a look at all, and another if it has led
  // anywhere, the other way round, as chains are found from either end.
  template <class Space>
  std::size_t trace_values(Space& space, found& in) {
    row<void*>& all = in.ephemerons;
    std::size_t living = 0;
    bool leads_on = trace_living(space, all, living) && trace_living_backwards(space, all, living);
    // Also where nothing in the row leads on: what waits since settle() has looked at it may be woken by then.
    if (leads_on || in.waiting.has_woken()) trace_woken(space, in, living);
    return living;
  }
  // Those left in the row wait until a value leads to their keys. One that is woken is looked at before the next of
  // the row, so that a chain is followed as soon as it is known, and the table stays small.
  //   all = | living | places of those that wait | to be looked at |
  //                                              ^ at
  template <class Space>
  void trace_woken(Space& space, found& in, std::size_t& living) {
    row<void*>& all = in.ephemerons;
    for (std::size_t at = living;;) {
      void** words = in.waiting.take_woken();
      if (words == nullptr) {
        if (at == all.size()) break;
        words = static_cast<void**>(all[at++]);
      }
      if (!trace_value(space, words)) {
        in.waiting.add(words);
        continue;
      }
      if (living == at) {
        all.push(words);
        std::swap(all[at++], all[all.size() - 1]);
      }
      all[living++] = words;
    }
    all.shorten(living);
  }
  // True when there were any.
  template <class Space>
  bool trace_living(Space& space, row<void*>& all, std::size_t& living) {
    std::size_t before = living;
    for (std::size_t at = living; at < all.size(); ++at) {
      fetch_ahead(all, at, 2);
      if (trace_value(space, static_cast<void**>(all[at]))) std::swap(all[living++], all[at]);
    }
    return living != before;
  }
  // Those that are found meanwhile are not looked at. True when there are such, or were any.
  template <class Space>
  bool trace_living_backwards(Space& space, row<void*>& all, std::size_t& living) {
    std::size_t end = all.size();
    std::size_t first = end;  // of those that live
    for (std::size_t at = end; at-- > living;) {
      if (trace_value(space, static_cast<void**>(all[at]))) std::swap(all[--first], all[at]);
    }
    bool leads_on = first != end || all.size() != end;
    for (; first < end; ++first) std::swap(all[living++], all[first]);
    return leads_on;
  }
  // False when its key does not live.
  template <class Space>
  bool trace_value(Space& space, void** words) {
    ++ephemeron_looks_;
    if (words[0] == nullptr || !space.keep(words[0])) return false;
    void* value = words[1];
    if (value != nullptr) space.trace(value);  // may find further ephemerons, and wake some
    words[1] = value;
    remember(space, words, words[0], words[1]);
    return true;
  }
  // The weak objects that a loop comes to soon, and the headers of what their first words refer to.
  static void fetch_ahead(row<void*>& all, std::size_t at, std::size_t words) {
    constexpr std::size_t near = 8;
    constexpr std::size_t far = 16;
    if (at + far >= all.size()) return;
    __builtin_prefetch(all[at + far]);
    // As a number, since a word may be null.
    for (std::size_t word = 0; word < words; ++word) {
      std::uintptr_t object = base::address_of(static_cast<void**>(all[at + near])[word]);
      __builtin_prefetch(base::pointer_to(object - header::bytes));
    }
  }

  template <class Space>
  void finish_cleaners(Space& space, row<entry>& of, std::size_t from) {
    std::size_t count = of.size();
    std::size_t kept = from;
    for (std::size_t at = from; at < count; ++at) {
      entry each = of[at];
      if (!space.keep(each.object)) {
        due_.push(each);
      } else if (&of == &young_ && !space.is_young(each.object)) {
        old_.push(each);
      } else {
        of[kept++] = each;
      }
    }
    of.shorten(kept);
  }

  template <class Space>
  void finish_slots(Space& space) {
    std::size_t kept = 0;
    for (void** slot : slots_) {
      if (*slot != nullptr && space.is_young(*slot)) slots_[kept++] = slot;
    }
    slots_.shorten(kept);
  }

  struct settling {
    // Those before refer to what is young, or to nothing: for the pause; after it, their keys live.
    std::size_t ephemerons = 0;
    std::size_t weaks = 0;
    std::size_t cleaners = 0;   // those before are settled,
    std::size_t looked_at = 0;  // and those before have been looked at
  };

  static void drop(row<void*>& from, std::size_t at) {
    from[at] = from[from.size() - 1];
    from.shorten(from.size() - 1);
  }
  // release: who reads the value first never finds one without its key.
  static void clear_ephemeron(void** words) {
    std::atomic_ref<void*>(words[0]).store(nullptr, std::memory_order_relaxed);
    std::atomic_ref<void*>(words[1]).store(nullptr, std::memory_order_release);
  }
  // relaxed: who reads it meanwhile learns that the referent has died, or finds nothing.
  template <class Marker>
  static void clear_weak(const Marker& marker, void** words) {
    std::atomic_ref<void*> referent(words[0]);
    void* to = referent.load(std::memory_order_relaxed);
    if (to != nullptr && marker.is_old(to) && !marker.is_marked(to))
      referent.store(nullptr, std::memory_order_relaxed);
  }

  // False when none is left to be looked at.
  template <class Marker>
  bool settle_ephemeron(Marker& marker);

  settling settling_;
  std::uint64_t ephemeron_looks_ = 0;
  row<void*> remembered_;
  std::mutex lock_;  // young_, due_, slots_ and tables_, while mutators run
  row<entry> young_;
  row<entry> old_;
  row<entry> due_;
  row<void**> slots_;
  base::list<weak_table> tables_;
};

template <class Marker>
bool weak_set::settle_ephemeron(Marker& marker) {
  row<void*>& all = of_old.ephemerons;
  void** words = of_old.waiting.take_woken();
  if (words == nullptr) {
    if (settling_.ephemerons == all.size()) return false;
    words = static_cast<void**>(all[settling_.ephemerons]);
    drop(all, settling_.ephemerons);
  }
  ++ephemeron_looks_;
  if (words[0] == nullptr) {
    clear_ephemeron(words);
  } else if (!marker.is_old(words[0]) || (words[1] != nullptr && !marker.is_old(words[1]))) {
    all.push(words);
    std::swap(all[settling_.ephemerons++], all[all.size() - 1]);
  } else if (!marker.is_marked(words[0])) {
    of_old.waiting.add(words);
  } else if (words[1] != nullptr && !marker.is_marked(words[1])) {
    marker.push(words[1]);
  }
  return true;
}

template <class Marker>
bool weak_set::settle(Marker& marker, std::size_t& left) {
  for (; left > 0; --left) {
    if (settle_ephemeron(marker)) continue;
    // A value may lead to another's key.
    if (!marker.done()) return false;
    if (settling_.weaks < of_old.weaks.size()) {
      auto* words = static_cast<void**>(of_old.weaks[settling_.weaks]);
      void* referent = std::atomic_ref<void*>(words[0]).load(std::memory_order_relaxed);
      if (referent == nullptr || marker.has_marked(referent))
        drop(of_old.weaks, settling_.weaks);
      else
        ++settling_.weaks;
    } else if (settling_.looked_at < old_.size()) {
      entry& next = old_[settling_.looked_at++];
      if (marker.has_marked(next.object)) std::swap(next, old_[settling_.cleaners++]);
    } else {
      return true;
    }
  }
  return false;
}

template <class Space>
void weak_set::settle_lives(Space& space) {
  settling_.ephemerons = trace_values(space, of_old);
  for (void* object : of_young.weaks) {
    void*& referent = static_cast<void**>(object)[0];
    if (space.is_young(object) && referent != nullptr && !space.keep(referent)) referent = nullptr;
  }
  for (void* object : of_young.ephemerons) {
    auto* words = static_cast<void**>(object);
    if (space.is_young(object) && words[0] != nullptr && !space.keep(words[0]))
      words[0] = words[1] = nullptr;
  }
  // Threads that don't stop may run cleaners meanwhile.
  std::lock_guard guard{lock_};
  finish_remembered(space);
  finish_tables(space, collected::all_objects);
}

// Young ones have been cleared, and may be elsewhere by now.
template <class Marker>
bool weak_set::clear_some(const Marker& marker, std::size_t most) {
  for (; most > 0; --most) {
    if (!of_old.weaks.empty()) {
      auto* words = static_cast<void**>(of_old.weaks.pop());
      if (marker.is_old(words)) clear_weak(marker, words);
    } else if (of_old.ephemerons.size() > settling_.ephemerons) {
      void** words = static_cast<void**>(of_old.ephemerons.pop());
      if (marker.is_old(words)) clear_ephemeron(words);
    } else if (void** words = of_old.waiting.take_left()) {
      if (marker.is_old(words)) clear_ephemeron(words);
    } else if (settling_.cleaners < old_.size()) {
      entry next = old_[settling_.cleaners];
      if (marker.is_marked(next.object)) {
        ++settling_.cleaners;
        continue;
      }
      old_[settling_.cleaners] = old_[old_.size() - 1];
      old_.shorten(old_.size() - 1);
      std::lock_guard guard{lock_};
      due_.push(next);
    } else {
      return true;
    }
  }
  return false;
}

}  // namespace strata::gc
