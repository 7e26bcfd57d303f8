// Marks what can be reached, as far as words tell: a word that is the address of an object, or, where such
// count, of a place in one, is a reference.
//
//   roots --> stack_ --> | . | . | ... | . | --> visited: its mark is set, its words go to the stack
//              fetch begins    `queue_length` turns later
//
//   stack_    addresses within the heap's blocks: candidates, of which nothing else is known
//   ranges_   what is left of long objects
//
// The fetch queue is Cher's, Hosking's and Vitek's (2004): marks and object are on their way from memory while
// others are visited. Nothing branches on whether a word of an object is a candidate.
//
// A stack that is full loses candidates. Then all marked objects are scanned again, until nothing is lost: each
// such pass marks more, or is the last.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "conservative/heap.hpp"
#include "conservative/work_stack.hpp"

namespace strata::conservative {

class marker {
 public:
  explicit constexpr marker(heap& of) : heap_(of) {}
  marker(const marker&) = delete;
  marker& operator=(const marker&) = delete;

  // False when the system refuses. most_entries: at least most_object_words.
  bool open(std::size_t most_entries);

  // Of a collection: no mark is set. Objects that nobody collects are roots.
  void begin();
  enum class interior { as_heap, any };
  // Words of [from, to), at multiples of their size, are roots.
  void scan_roots(const void* from, const void* to, interior which);
  void add_root(std::uintptr_t address, interior which);
  // All that follows from what was given.
  void drain();
  void end() { stack_.trim(); }

  // ---- For mark procedures
  void push(std::uintptr_t address) {
    if (heap_.blocks().has(address)) push_candidate(address);
  }
  void push_words(const std::uintptr_t* from, const std::uintptr_t* to);
  // Words outside of [but_from, but_to).
  void push_words(const std::uintptr_t* from, const std::uintptr_t* to, std::uintptr_t but_from,
                  std::uintptr_t but_to);

  void push_bitmap(const std::uintptr_t* object, description bits);
  [[nodiscard]] heap& of() { return heap_; }

  // ---- For finalization: what the object refers to, as if it was marked.
  void push_contents(const heap::object& what) { scan_described(what); }

  static constexpr std::size_t most_object_words = 128;  // at once

 private:
  static constexpr std::size_t queue_length = 32;

  struct range {
    const std::uintptr_t* from;
    const std::uintptr_t* to;
  };

  void push_candidate(std::uintptr_t address);
  void scan_words(const std::uintptr_t* from, const std::uintptr_t* to);
  void scan_long(const std::uintptr_t* from, const std::uintptr_t* to);
  void scan_described(const heap::object& what);
  std::uintptr_t turn(std::uintptr_t next);
  template <bool AllInterior>
  void visit(std::uintptr_t address);
  void visit_large(std::uintptr_t address);
  void scan_marked(const heap::object& what);
  template <bool AllInterior>
  void run();
  void scan_all_marked();

  heap& heap_;
  work_stack<std::uintptr_t> stack_;
  work_stack<range> ranges_;
  std::array<std::uintptr_t, queue_length> queue_{};
  std::size_t queue_at_ = 0;
  std::size_t waiting_ = 0;
  bool has_lost_ = false;
};

}  // namespace strata::conservative
