// What happens when an object is not reachable any more: links to it disappear, its finalizer is due.
//
//   marking is done
//     1  short links to what is not marked become zero
//     2  what finalizable objects refer to is marked, as their order says, but not they themselves
//     3  finalizable objects that are not marked are due; they are marked, and stay for this
//     4  links in dead objects are forgotten, long links to dead ones become zero
//
// Order (Hayes, Finalization in the Collector Interface, 1992; Boehm, Destructors, Finalizers and Synchronization, 2003):
// by 2, an object that another finalizable one refers to waits for that one, and those in a cycle wait for ever.
// All is guarded by the heap's lock.
#pragma once

#include <cstddef>
#include <cstdint>

#include "conservative/address_table.hpp"
#include "conservative/marker.hpp"

namespace strata::conservative {

using finalizer_function = void (*)(void* object, void* data);

enum class order : std::uint8_t {
  before_what_it_refers_to,
  ignoring_itself,  // the same, but for references to itself
  none,             // what it refers to does not wait
  unreachable,      // the first, and not while another that is due can reach it
};

struct finalizer {
  std::uintptr_t key = 0;  // the object
  finalizer_function call = nullptr;
  void* data = nullptr;
  order by = order::before_what_it_refers_to;
};

enum class linked : std::uint8_t { added, again, moved, not_found, no_memory };

class links {
 public:
  linked add(void** link, const void* object);
  bool remove(void** link);
  linked move(void** from, void** to);
  [[nodiscard]] std::size_t size() const { return table_.size(); }
  [[nodiscard]] bool is_full_and_large() const { return table_.is_full_and_large(); }
  bool grow_unless_sparse() { return table_.grow_unless_sparse(); }

  void clear_dead(heap& of);
  void forget_dead(heap& of);

 private:
  struct entry {
    std::uintptr_t key = 0;  // the link
    std::uintptr_t object = 0;
  };
  address_table<entry> table_;
};

// References from outside that are strong or weak as the program says when it is asked, before each collection.
enum class toggled : int { dropped, strong, weak };  // the numbers that programs return
using toggle_function = toggled (*)(void* object);

class finalization {
 public:
  links short_links;
  links long_links;
  // Also what is reachable from objects without order is kept until their finalizers have run.
  bool keeps_reachable = false;

  // Sets, replaces, or with a null `call` removes. False when there is no memory. before: what was there.
  bool set(const finalizer& to, finalizer& before);
  [[nodiscard]] bool is_due() const { return due_.size() != 0; }
  [[nodiscard]] std::size_t size() const { return table_.size(); }
  [[nodiscard]] bool is_full_and_large() const { return table_.is_full_and_large(); }
  bool grow_unless_sparse() { return table_.grow_unless_sparse(); }
  [[nodiscard]] std::size_t due() const { return due_.size(); }
  // One that is due, which it then is no more.
  bool take_due(finalizer& into);
  // All objects are due.
  void make_all_due();

  bool toggle(void* object, toggled as);

  // ---- A collection
  // Before marking: what references that are toggled are now.
  void ask(toggle_function say);
  // Finalizers' data, and objects that are due.
  void add_roots(marker& to);
  // told(object) for each that becomes due.
  void run(heap& of, marker& with, void (*told)(void* object));
  // Of objects that wait for each other for ever, as the last run found them.
  [[nodiscard]] std::size_t cycles() const { return cycles_; }

 private:
  static bool is_dead(heap& of, std::uintptr_t object);
  static void mark_contents(heap& of, marker& with, const finalizer& what, order by);
  void hold_back_reachable(heap& of);

  struct reference {
    std::uintptr_t key = 0;  // the object
    toggled as = toggled::weak;
  };

  address_table<reference> references_;
  address_table<finalizer> table_;
  address_table<finalizer> due_;
  std::size_t cycles_ = 0;
};

}  // namespace strata::conservative
