// What a managed heap throws. After either the heap is whole and the program may go on.
#pragma once

#include <exception>
#include <new>

namespace strata::gc {

// No room, after a last full collection.
class out_of_memory : public std::bad_alloc {
 public:
  [[nodiscard]] const char* what() const noexcept override {
    return "strata::gc: out of memory after a full collection";
  }
};

// More locals at once, or a deeper native stack, than the mutator has room for.
class stack_overflow : public std::exception {
 public:
  [[nodiscard]] const char* what() const noexcept override { return "strata::gc: stack overflow"; }
};

}  // namespace strata::gc
