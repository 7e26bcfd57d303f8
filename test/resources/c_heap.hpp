// malloc, realloc and free over a resource, for libraries in C: they free without a size.
//
//   | bytes, 8 | unused, 8 | the library's block ... |
//                          ^ aligned to 16
#pragma once

#include <cstddef>
#include <cstring>
#include <new>

#include <strata/resource.hpp>

namespace strata {

template <resource Resource>
class c_heap {
 public:
  explicit c_heap(Resource& from) : from_(&from) {}

  void* malloc(std::size_t bytes) {
    void* whole = bytes <= SIZE_MAX - lead ? from_->try_allocate(bytes + lead, lead) : nullptr;
    if (whole == nullptr) return nullptr;
    ::new (whole) std::size_t(bytes);
    return static_cast<std::byte*>(whole) + lead;
  }
  void free(void* block) {
    if (block == nullptr) return;
    std::byte* whole = static_cast<std::byte*>(block) - lead;
    from_->deallocate(whole, bytes_of(block) + lead, lead);
  }
  void* realloc(void* block, std::size_t bytes) {
    void* moved = malloc(bytes);
    if (block == nullptr || moved == nullptr) return moved;
    std::memcpy(moved, block, bytes < bytes_of(block) ? bytes : bytes_of(block));
    free(block);
    return moved;
  }

 private:
  static constexpr std::size_t lead = 16;
  static std::size_t bytes_of(void* block) {
    return *std::launder(reinterpret_cast<std::size_t*>(static_cast<std::byte*>(block) - lead));
  }
  Resource* from_;
};

}  // namespace strata
