// An array that grows, in memory straight from the system: a replay of malloc keeps its tables in it, so
// that the heap has nothing but the blocks that are replayed.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <new>
#include <type_traits>

namespace strata::cli::replay {

template <typename T>
class mapped_array {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  mapped_array() = default;
  mapped_array(const mapped_array&) = delete;
  mapped_array& operator=(const mapped_array&) = delete;
  ~mapped_array() {
    if (start_ != nullptr) munmap(start_, count_ * sizeof(T));
  }

  std::size_t size() const { return count_; }
  T& operator[](std::size_t at) { return start_[at]; }
  // Makes it longer than `at`; what is new is zero.
  void reach(std::size_t at) {
    if (at >= count_) [[unlikely]]
      grow(at);
  }

 private:
  void grow(std::size_t at) {
    std::size_t wanted = count_ == 0 ? std::size_t{4096} : count_;
    while (wanted <= at) wanted *= 2;
    void* made = start_ == nullptr
                     ? mmap(nullptr, wanted * sizeof(T), PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
                     : mremap(start_, count_ * sizeof(T), wanted * sizeof(T), MREMAP_MAYMOVE);
    if (made == MAP_FAILED) throw std::bad_alloc();
    start_ = static_cast<T*>(made);
    count_ = wanted;
  }

  T* start_ = nullptr;
  std::size_t count_ = 0;
};

}  // namespace strata::cli::replay
