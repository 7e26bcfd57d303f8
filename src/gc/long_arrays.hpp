// Arrays of references that a tracer scans a piece at a time, whenever its stack is empty: of a table with a million
// entries a stack would hold a million.
//
//   array | scanned | piece | ........ |
//                   ^ from
#pragma once

#include <cstddef>

#include "gc/object_inl.hpp"
#include "gc/row.hpp"

namespace strata::gc {

class long_arrays {
 public:
  static constexpr std::size_t piece_length = 1024;

  bool open(std::size_t most) { return waiting_.open(most); }
  [[nodiscard]] bool empty() const { return waiting_.empty(); }

  // True when it is such an array, and waits from now on.
  bool put_off(void* object, const type& of) {
    if (of.kind != shape::ref_array || length_of(object) <= piece_length) return false;
    waiting_.push({object, 0});
    return true;
  }
  // visit(void** field) for each of a piece; false when nothing waits.
  template <class Visit>
  bool scan_piece(Visit&& visit) {
    if (waiting_.empty()) return false;
    entry next = waiting_.pop();
    std::size_t length = length_of(next.object);
    std::size_t end = base::smaller(next.from + piece_length, length);
    if (end < length) waiting_.push({next.object, end});
    auto** fields = static_cast<void**>(next.object) + 1;
    for (std::size_t at = next.from; at < end; ++at) visit(fields + at);
    return true;
  }

 private:
  struct entry {
    void* object;
    std::size_t from;
  };
  static std::size_t length_of(void* object) { return *static_cast<std::size_t*>(object); }

  row<entry> waiting_;
};

}  // namespace strata::gc
