// What is owned in tests: something whose lives are counted, and relatives of many kinds.
#pragma once

#include <cstddef>
#include <string>

#include <strata/ownership.hpp>

namespace strata::subjects {

struct counted_life {
  explicit counted_life(int& in, int with = 0) : lives(&in), value(with) { ++in; }
  counted_life(const counted_life& other) : lives(other.lives), value(other.value) { ++*lives; }
  counted_life(counted_life&& other) noexcept : lives(other.lives), value(other.value) {
    ++*lives;
    other.value = -1;
  }
  counted_life& operator=(const counted_life&) = delete;
  ~counted_life() { --*lives; }
  int* lives;
  int value;
};

struct front {
  virtual ~front() = default;
  int in_front = 1;
};
struct rear {
  virtual ~rear() = default;
  int in_rear = 2;
};
struct both : front, rear {
  int own = 3;
};
struct plain {
  int first = 1;
};
struct longer : plain {
  std::string text = "a string that is too long for the string's own buffer";
};
struct with_table : plain {
  virtual ~with_table() = default;
};
struct by_virtue : virtual front {};
struct shape {
  virtual ~shape() = default;
  virtual int area() = 0;
};
struct flat : rear, shape {};  // abstract: its shape is not at its start
struct square final : flat {
  int area() override { return 4; }
};

// A resource without state, so that an owner on it is one pointer.
struct stateless {
  static inline std::size_t live = 0;
  void* try_allocate(std::size_t bytes, std::size_t alignment) noexcept {
    ++live;
    return heap_memory::allocate(bytes, alignment);
  }
  void deallocate(void* block, std::size_t bytes, std::size_t alignment) noexcept {
    --live;
    heap_memory::deallocate(block, bytes, alignment);
  }
  [[nodiscard]] resource_statistics statistics() const { return {}; }
  void verify() const {}
  template <class Visit>
  void each_region(Visit) const {}
};

}  // namespace strata::subjects
