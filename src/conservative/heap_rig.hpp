// For tests: a heap with one cursor a kind and size, and an array of roots.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <memory>
#include <vector>

#include "conservative/heap.hpp"
#include "conservative/marker.hpp"
#include "conservative/typed.hpp"

namespace strata::conservative {

class heap_rig {
 public:
  explicit heap_rig(std::size_t heap_blocks, std::size_t stack_entries = 1 << 20) {
    EXPECT_TRUE(heap_.open(std::size_t{1} << 30));
    EXPECT_TRUE(marker_.open(stack_entries));
    open_typed(heap_);
    heap_.blocks().resize(heap_blocks);
  }

  [[nodiscard]] conservative::heap& heap() { return heap_; }
  [[nodiscard]] conservative::marker& marker() { return marker_; }
  [[nodiscard]] std::vector<void*>& roots() { return roots_; }

  // Null when the heap is full.
  void* make(std::size_t bytes, unsigned kind = kinds::normal) {
    if (bytes > most_small_bytes) return heap_.take_large(kind, bytes, use::large);
    std::size_t size_class = class_for(bytes);
    if (kind >= own_kinds) return heap_.take_shared(kind, size_class);
    cursor& at = own_.at[kind][size_class];
    while (at.next == at.end)
      if (!heap_.next_hole(at, kind, size_class, own_.allocated_bytes) &&
          !heap_.next_block(at, kind, size_class))
        return nullptr;
    return at.take(classes[size_class].bytes);
  }
  void mark() {
    heap_.flush(own_);
    heap_.flush_shared();
    marker_.begin();
    marker_.scan_roots(roots_.data(), roots_.data() + roots_.size(), marker::interior::any);
    marker_.drain();
  }
  void collect() {
    mark();
    heap_.sweep();
    heap_.verify();
  }
  [[nodiscard]] bool is_there(const void* object) {
    return heap_.find(base::address_of(object)).base == object;
  }

 private:
  conservative::heap heap_;
  conservative::marker marker_{heap_};
  cursors own_;
  std::vector<void*> roots_;
};

}  // namespace strata::conservative
