// What all of Strata's memory resources have in common.
//
// A resource is a class with these members, none of them virtual:
//
//   try_allocate(bytes, alignment)       a block, or null when there is no memory; never throws
//   deallocate(block, bytes, alignment)  takes it back; what the block was allocated with
//   statistics()                         figures
//   verify()                             stops the process when its own tables disagree
//   each_region(visit)                   what lies where: for maps of it
//
// and, for those whose blocks may be passed to anybody,
//
//   owns(address)                        whether the address lies in memory of this resource
//
// Around that, for any of them:
//
//   as_pmr<Resource>        it, as a std::pmr::memory_resource: for std::pmr containers
//   pmr_ref<Resource>       the same for a resource that lives elsewhere
//   allocator<T, Resource>  an allocator for containers that are to call it directly
//   make, destroy           one object
//
// Unless a class says otherwise: it may be used by one thread at a time, can neither be copied nor moved,
// takes memory from an upstream std::pmr::memory_resource, by default the process's default resource,
// and gives all of it back in its destructor. bytes may be 0: a block of its own all the same. alignment
// is a power of two. Misuse that is noticed stops the process with one line on stderr.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <memory_resource>
#include <new>
#include <utility>

#include <strata/detail/support.hpp>

namespace strata {

// Figures of a resource. O(1) to read.
struct resource_statistics {
  static constexpr std::size_t not_counted = std::numeric_limits<std::size_t>::max();

  std::size_t held_bytes = 0;       // taken from upstream, or given as a buffer
  std::size_t used_bytes = 0;       // of these, in live blocks, with what rounding adds to each
  std::size_t peak_used_bytes = 0;  // the most that used_bytes ever was
  std::size_t live_blocks = not_counted;
};

enum class region_kind : std::uint8_t {
  live,      // blocks in the program's hands
  free,      // ready to be handed out
  overhead,  // the resource's own: headers, tables, gaps for alignment
};
struct region {
  const void* start;
  std::size_t bytes;
  region_kind kind;
};

template <class Candidate>
concept resource = requires(Candidate& one, const Candidate& same, void* block, std::size_t bytes) {
  { one.try_allocate(bytes, bytes) }
  noexcept->std::same_as<void*>;
  { one.deallocate(block, bytes, bytes) }
  noexcept;
  { same.statistics() } -> std::same_as<resource_statistics>;
  {same.verify()};
  {same.each_region([](const region&) {})};
};

// One that lives elsewhere and outlives this, as a std::pmr::memory_resource. Equal to itself only.
// Allocation throws std::bad_alloc where the resource has no memory.
template <resource Resource>
class pmr_ref : public std::pmr::memory_resource {
 public:
  explicit pmr_ref(Resource& one) noexcept : one_(&one) {}
  [[nodiscard]] Resource& get() const noexcept { return *one_; }

 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    void* block = one_->try_allocate(bytes, alignment);
    if (block == nullptr) throw std::bad_alloc();
    return block;
  }
  void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override {
    one_->deallocate(block, bytes, alignment);
  }
  [[nodiscard]] bool do_is_equal(const memory_resource& other) const noexcept override {
    auto* same = dynamic_cast<const pmr_ref*>(&other);
    return same != nullptr && same->one_ == one_;
  }

  Resource* one_;
};

// A resource and its std::pmr::memory_resource in one.
//
//   strata::as_pmr<strata::bump> memory;
//   std::pmr::vector<int> numbers(&memory);
//   memory->reset();
template <resource Resource>
class as_pmr final : private detail::member<Resource>, public pmr_ref<Resource> {
 public:
  template <class... Arguments>
  requires std::constructible_from<Resource, Arguments...>
  explicit as_pmr(Arguments&&... arguments)
      : detail::member<Resource>(std::forward<Arguments>(arguments)...),
        pmr_ref<Resource>(this->value) {}
  as_pmr(const as_pmr&) = delete;
  as_pmr& operator=(const as_pmr&) = delete;

  Resource* operator->() noexcept { return &this->value; }
  Resource& operator*() noexcept { return this->value; }
};

// An allocator for containers that calls the resource without virtual functions. Two are equal where
// their resources are the same one. It stays with its container: assignment and swap don't pass it on.
template <class T, resource Resource>
class allocator {
 public:
  using value_type = T;

  // NOLINTNEXTLINE(google-explicit-constructor): as std::pmr::polymorphic_allocator
  allocator(Resource& from) noexcept : from_(&from) {}
  template <class U>
  // NOLINTNEXTLINE(google-explicit-constructor): containers rebind
  allocator(const allocator<U, Resource>& other) noexcept : from_(&other.from()) {}

  [[nodiscard]] T* allocate(std::size_t count) {
    if (count > std::numeric_limits<std::size_t>::max() / sizeof(T)) {
      throw std::bad_array_new_length();
    }
    void* block = from_->try_allocate(count * sizeof(T), alignof(T));
    if (block == nullptr) throw std::bad_alloc();
    return static_cast<T*>(block);
  }
  void deallocate(T* block, std::size_t count) noexcept {
    from_->deallocate(block, count * sizeof(T), alignof(T));
  }
  [[nodiscard]] Resource& from() const noexcept { return *from_; }

  template <class U>
  friend bool operator==(const allocator& one, const allocator<U, Resource>& other) noexcept {
    return &one.from() == &other.from();
  }

 private:
  Resource* from_;
};

// An object of its own in memory of the resource. Throws std::bad_alloc, and what the constructor
// throws, in which case the memory goes back.
template <class T, resource Resource, class... Arguments>
T* make(Resource& from, Arguments&&... arguments) {
  void* block = from.try_allocate(sizeof(T), alignof(T));
  if (block == nullptr) throw std::bad_alloc();
  detail::undo back([&] { from.deallocate(block, sizeof(T), alignof(T)); });
  T* made = ::new (block) T(std::forward<Arguments>(arguments)...);
  back.forget();
  return made;
}
// Ends the object's life and gives its memory back. Null is ignored.
template <class T, resource Resource>
void destroy(Resource& from, T* object) noexcept {
  if (object == nullptr) return;
  std::destroy_at(object);
  from.deallocate(object, sizeof(T), alignof(T));
}

}  // namespace strata
