// What the tests of the C interface share: a handle as the resource that the model wants, by C's functions
// alone, and the tests' upstream as a handle.
#pragma once

#include <cerrno>

#include <strata/resources.h>

#include "resource/resource_test.hpp"

namespace strata {

class in_c {
 public:
  explicit in_c(strata_resource* one) : one_(one) {}

  [[nodiscard]] void* try_allocate(std::size_t bytes, std::size_t alignment) noexcept {
    return strata_resource_allocate(one_, bytes, alignment);
  }
  void deallocate(void* block, std::size_t bytes, std::size_t alignment) noexcept {
    strata_resource_deallocate(one_, block, bytes, alignment);
  }
  [[nodiscard]] resource_statistics statistics() const noexcept {
    strata_resource_figures now = strata_resource_statistics(one_);
    return {now.held_bytes, now.used_bytes, now.peak_used_bytes, now.live_blocks};
  }
  void verify() const { strata_resource_verify(one_); }
  template <class Visit>
  void each_region(Visit visit) const {
    strata_resource_each_region(
        one_,
        [](const strata_region* each, void* state) {
          (*static_cast<Visit*>(state))(
              region{each->start, each->bytes, static_cast<region_kind>(each->kind)});
          return 0;
        },
        &visit);
  }

 private:
  strata_resource* one_;
};

// test_upstream behind functions of the program's own.
class c_upstream {
 public:
  c_upstream() {
    strata_custom_functions functions{
        [](std::size_t bytes, std::size_t alignment, void* self) -> void* {
          try {
            return static_cast<test_upstream*>(self)->allocate(bytes, alignment);
          } catch (...) {
            return nullptr;
          }
        },
        [](void* block, std::size_t bytes, std::size_t alignment, void* self) {
          static_cast<test_upstream*>(self)->deallocate(block, bytes, alignment);
        },
        &real_};
    handle_ = strata_custom_create(&functions);
  }
  c_upstream(const c_upstream&) = delete;
  c_upstream& operator=(const c_upstream&) = delete;
  ~c_upstream() { strata_resource_destroy(handle_); }

  // NOLINTNEXTLINE(google-explicit-constructor): stands for it
  operator strata_resource*() const { return handle_; }
  test_upstream* operator->() { return &real_; }

 private:
  test_upstream real_;
  strata_resource* handle_;
};

}  // namespace strata
