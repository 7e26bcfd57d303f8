// Memory of the model's own, straight from the kernel: the allocator under test must not hold the
// truth that it is judged by.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>

namespace model {

// Zeroed, reserved lazily, never given back. T must be usable when all its bytes are zero.
template <typename T>
T* map_array(size_t count) {
  void* pages = mmap(nullptr, count * sizeof(T), PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (pages == MAP_FAILED) {
    std::perror("model: mmap of the model's own memory");
    std::_Exit(2);
  }
  return static_cast<T*>(pages);
}

}  // namespace model
