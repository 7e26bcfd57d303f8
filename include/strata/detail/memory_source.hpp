// Where owners (box, rc, arc) get memory from and give it back to.
//
//   heap_memory         operator new and delete; takes no room in the owner
//   pmr_memory          a std::pmr::memory_resource; a pointer
//   resource_memory<R>  a Strata resource, called without virtual functions; a pointer, or nothing
//                       where R has no state
//
// allocate never returns null: it throws std::bad_alloc.
#pragma once

#include <concepts>
#include <cstddef>
#include <memory_resource>
#include <new>
#include <type_traits>

#include <strata/resource.hpp>

namespace strata {

template <class Candidate>
concept memory_source = std::is_trivially_copyable_v<Candidate> &&
    requires(const Candidate& one, void* block, std::size_t bytes) {
  { one.allocate(bytes, bytes) } -> std::same_as<void*>;
  { one.deallocate(block, bytes, bytes) }
  noexcept;
};

struct heap_memory {
  static void* allocate(std::size_t bytes, std::size_t alignment) {
    if (alignment <= __STDCPP_DEFAULT_NEW_ALIGNMENT__) return ::operator new(bytes);
    return ::operator new (bytes, std::align_val_t{alignment});
  }
  static void deallocate(void* block, std::size_t bytes, std::size_t alignment) noexcept {
#if defined(__cpp_sized_deallocation)
    if (alignment <= __STDCPP_DEFAULT_NEW_ALIGNMENT__)
      ::operator delete(block, bytes);
    else
      ::operator delete (block, bytes, std::align_val_t{alignment});
#else  // clang wants to be asked: -fsized-deallocation
    (void)bytes;
    if (alignment <= __STDCPP_DEFAULT_NEW_ALIGNMENT__)
      ::operator delete(block);
    else
      ::operator delete (block, std::align_val_t{alignment});
#endif
  }
};

struct pmr_memory {
  std::pmr::memory_resource* from;
  [[nodiscard]] void* allocate(std::size_t bytes, std::size_t alignment) const {
    return from->allocate(bytes, alignment);
  }
  void deallocate(void* block, std::size_t bytes, std::size_t alignment) const noexcept {
    from->deallocate(block, bytes, alignment);
  }
};

template <resource Resource>
struct resource_memory {
  Resource* from;
  [[nodiscard]] void* allocate(std::size_t bytes, std::size_t alignment) const {
    void* block = from->try_allocate(bytes, alignment);
    if (block == nullptr) throw std::bad_alloc();
    return block;
  }
  void deallocate(void* block, std::size_t bytes, std::size_t alignment) const noexcept {
    from->deallocate(block, bytes, alignment);
  }
};
// All objects of a class without members are alike.
template <resource Resource>
requires std::is_empty_v<Resource>
struct resource_memory<Resource> {
  [[nodiscard]] static void* allocate(std::size_t bytes, std::size_t alignment) {
    void* block = Resource().try_allocate(bytes, alignment);
    if (block == nullptr) throw std::bad_alloc();
    return block;
  }
  static void deallocate(void* block, std::size_t bytes, std::size_t alignment) noexcept {
    Resource().deallocate(block, bytes, alignment);
  }
};

static_assert(memory_source<heap_memory> && std::is_empty_v<heap_memory>);
static_assert(memory_source<pmr_memory> && sizeof(pmr_memory) == sizeof(void*));

inline pmr_memory memory_of(std::pmr::memory_resource* from) noexcept { return {from}; }
template <resource Resource>
resource_memory<Resource> memory_of(Resource& from) noexcept {
  if constexpr (std::is_empty_v<Resource>)
    return {};
  else
    return {&from};
}

}  // namespace strata
