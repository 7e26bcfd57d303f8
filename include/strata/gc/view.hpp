// A heap seen from outside: its figures, what is in it, and why. docs/gc/view.md shows each.
//
//   describe(heap, sink)        figures and pauses                             text, JSON
//   summarize(heap)             objects and bytes of each type that are alive  rows
//   dump_graph(heap, sink)      every object, reference and root               JSON, a line each
//   why_alive(object)           the shortest way from a root                   steps, text
//
// All but describe stop the heap's threads while they look. A thread with a mutator on the heap gives that
// instead of the heap. They trace from the roots as a collection does, and collect nothing: what no root
// reaches is not seen. What they need lies outside of the heap: a bit for each of its words, and 8 bytes (16
// in why_alive) for each object that waits to be looked at.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <strata/gc/config.hpp>
#include <strata/gc/heap.hpp>
#include <strata/gc/mutator.hpp>
#include <strata/gc/sink.hpp>

namespace strata::gc {

// docs/gc/statistics.md explains each figure.
STRATA_GC_API void describe(const heap& of, sink to, format as = format::text);

struct type_summary {
  std::string name;
  std::size_t objects = 0;
  std::size_t bytes = 0;  // headers among them
};
// Those with most bytes first.
STRATA_GC_API std::vector<type_summary> summarize(heap& of);
STRATA_GC_API std::vector<type_summary> summarize(mutator& self);
STRATA_GC_API void write_summary(const std::vector<type_summary>& rows, sink to,
                                 format as = format::text);

// Lines of JSON, as docs/gc/view.md describes.
STRATA_GC_API void dump_graph(heap& of, sink to);
STRATA_GC_API void dump_graph(mutator& self, sink to);

enum class root_kind : std::uint8_t {
  local,   // of a mutator
  pinned,  // the same, and it must not move
  frame,   // a slot in a frame of compiled code: gc.h
  global,
};

struct root {
  root_kind kind = root_kind::local;
  std::size_t mutator = 0;  // 0 for the one that is attached longest; of none: for a global
  std::size_t slot = 0;  // from the bottom of its stack, from 0; of a frame, from the frame's start
  std::string name;      // of a frame, if its map has one
};

struct retention_step {
  std::string type;
  std::size_t bytes = 0;       // of the object, with its header
  std::uintptr_t address = 0;  // at that moment
  // The field of the step before that refers here: "left", "[17]", "inside.next", or "+24" where names are
  // not known; "(loader)" from an object to its type's loader. Empty in the first.
  std::string field;
  std::size_t offset = 0;  // of that field in its object
};

struct retention {
  // Empty when nothing keeps the object alive; otherwise the last is the object.
  std::vector<retention_step> path;
  root from;

  [[nodiscard]] bool is_alive() const { return !path.empty(); }
  [[nodiscard]] STRATA_GC_API std::string text() const;
};

namespace detail {
// own: a slot that does not count.
STRATA_GC_API retention why_alive(mutator& self, const slot* own);
}  // namespace detail

// Besides by this local.
template <class T>
retention why_alive(const local<T>& object) {
  return detail::why_alive(object.self(), object.place());
}
// By whatever it is that still is.
template <class T>
retention why_alive(unrooted<T>&& object) {
  local<T> own{std::move(object)};
  return why_alive(own);
}

}  // namespace strata::gc
