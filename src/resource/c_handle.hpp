// What the C interface's files share: the handle of a resource, and how options and errors are told.
//
//   strata_resource              virtual operations; a std::pmr::memory_resource, so that a handle can be
//        ^                       upstream of any other; and, by its members, a strata::resource, so that
//        |                       it can be a composer's part: composer<by_reference<strata_resource>>
//   c_face<Resource>             does them by a resource that lives elsewhere: a pool's, an arena's
//        ^
//   c_handle<Resource>           and by one of its own
//
// A call in C is one virtual call; what comes behind it is compiled for the resource's own type.
#pragma once

#include <bit>
#include <cerrno>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <memory_resource>
#include <new>
#include <span>
#include <utility>

#include <strata/resources.h>
#include <strata/compose.hpp>
#include <strata/detail/block_tags.hpp>
#include <strata/detail/support.hpp>
#include <strata/resource.hpp>

namespace strata::detail {

// Where a handle's object lies, and so how it ends.
enum class c_home : std::uint8_t {
  heap,
  buffer,   // the caller's
  another,  // in a pool or an arena, with which it goes
};
enum class c_owner : std::uint8_t { known, unknown };

}  // namespace strata::detail

struct strata_resource : std::pmr::memory_resource {
  using visitor = void (*)(void* state, const strata::region& one);

  explicit strata_resource(strata::detail::c_home home) noexcept : home_(home) {}
  strata_resource(const strata_resource&) = delete;
  strata_resource& operator=(const strata_resource&) = delete;
  ~strata_resource() override = default;

  [[nodiscard]] virtual void* try_allocate(std::size_t bytes, std::size_t alignment) noexcept = 0;
  virtual void take_back(void* block, std::size_t bytes, std::size_t alignment) noexcept = 0;
  virtual bool resize(void* block, std::size_t old_bytes, std::size_t new_bytes,
                      std::size_t alignment) noexcept = 0;
  [[nodiscard]] virtual strata::resource_statistics statistics() const noexcept = 0;
  virtual void verify() const = 0;
  virtual void visit_regions(visitor visit, void* state) const = 0;
  [[nodiscard]] virtual bool knows_owner() const noexcept = 0;
  [[nodiscard]] virtual bool owns(const void* address) const noexcept = 0;
  // False: there is no such operation.
  virtual bool release() noexcept = 0;
  virtual bool trim() noexcept = 0;
  virtual bool free_space(strata::free_figures& out) const noexcept = 0;

  // Hides std::pmr's, which comes to the same.
  void deallocate(void* block, std::size_t bytes, std::size_t alignment) noexcept {
    take_back(block, bytes, alignment);
  }
  template <class Visit>
  void each_region(Visit visit) const {
    visit_regions(
        [](void* state, const strata::region& one) { (*static_cast<Visit*>(state))(one); }, &visit);
  }
  [[nodiscard]] strata::detail::c_home home() const noexcept { return home_; }

 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) final {
    void* block = try_allocate(bytes, alignment);
    if (block == nullptr) throw std::bad_alloc();
    return block;
  }
  void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) final {
    take_back(block, bytes, alignment);
  }
  [[nodiscard]] bool do_is_equal(const memory_resource& other) const noexcept final {
    return this == &other;
  }

  strata::detail::c_home home_;
};

namespace strata::detail {

template <class Resource>
class c_face : public strata_resource {
 public:
  explicit c_face(Resource& one, c_home home = c_home::another,
                  c_owner owner = c_owner::known) noexcept
      : strata_resource(home), one_(&one), owner_(owner) {}
  [[nodiscard]] Resource& get() const noexcept { return *one_; }

  [[nodiscard]] void* try_allocate(std::size_t bytes, std::size_t alignment) noexcept final {
    return one_->try_allocate(bytes, alignment);
  }
  void take_back(void* block, std::size_t bytes, std::size_t alignment) noexcept final {
    one_->deallocate(block, bytes, alignment);
  }
  bool resize([[maybe_unused]] void* block, [[maybe_unused]] std::size_t old_bytes,
              [[maybe_unused]] std::size_t new_bytes,
              [[maybe_unused]] std::size_t alignment) noexcept final {
    if constexpr (requires { one_->resize(block, old_bytes, new_bytes, alignment); })
      return one_->resize(block, old_bytes, new_bytes, alignment);
    else if constexpr (requires { one_->resize(block, old_bytes, new_bytes); })
      return one_->resize(block, old_bytes, new_bytes);
    else
      return false;
  }
  [[nodiscard]] resource_statistics statistics() const noexcept final {
    return std::as_const(*one_).statistics();
  }
  void verify() const final { std::as_const(*one_).verify(); }
  void visit_regions(visitor visit, void* state) const final {
    std::as_const(*one_).each_region([&](const region& one) { visit(state, one); });
  }
  [[nodiscard]] bool knows_owner() const noexcept final {
    return owning_resource<Resource> && owner_ == c_owner::known;
  }
  [[nodiscard]] bool owns([[maybe_unused]] const void* address) const noexcept final {
    if constexpr (owning_resource<Resource>)
      return std::as_const(*one_).owns(address);
    else
      return false;
  }
  bool release() noexcept final {
    if constexpr (requires { one_->release(); }) {
      one_->release();
      return true;
    }
    return false;
  }
  bool trim() noexcept final {
    constexpr bool trims = requires { one_->trim(); };
    constexpr bool coalesces = requires { one_->coalesce(); };
    constexpr bool drains = requires { one_->drain(); };
    if constexpr (trims)
      one_->trim();
    else if constexpr (coalesces)
      one_->coalesce();
    else if constexpr (drains)
      one_->drain();
    return trims || coalesces || drains;
  }
  bool free_space([[maybe_unused]] free_figures& out) const noexcept final {
    if constexpr (requires { out = one_->free_space(); }) {
      out = one_->free_space();
      return true;
    }
    return false;
  }

 private:
  Resource* one_;
  c_owner owner_;
};

template <class Resource>
class c_handle final : private member<Resource>, public c_face<Resource> {
 public:
  template <class... Arguments>
  explicit c_handle(c_home home, c_owner owner, Arguments&&... arguments)
      : member<Resource>(std::forward<Arguments>(arguments)...),
        c_face<Resource>(this->value, home, owner) {}
};

// ---- Errors

inline std::nullptr_t c_fail(int error) noexcept {
  errno = error;
  return nullptr;
}
// What make() returns; null and ENOMEM where it throws. Nothing but memory is lacking here: options have
// been looked at before.
template <class Make>
auto c_guarded(Make make) noexcept -> decltype(make()) {
  try {
    return make();
  } catch (...) {
    return c_fail(ENOMEM);
  }
}
template <class Resource, class... Arguments>
strata_resource* c_make(Arguments&&... arguments) {
  return c_guarded([&]() -> strata_resource* {
    return new c_handle<Resource>(c_home::heap, c_owner::known,
                                  std::forward<Arguments>(arguments)...);
  });
}

// ---- Options

// libc's malloc where there is no upstream.
std::pmr::memory_resource* c_malloc() noexcept;
inline std::pmr::memory_resource* c_upstream(strata_resource* upstream) noexcept {
  return upstream != nullptr ? upstream : c_malloc();
}

// What the caller chose; nothing at all: all defaults.
template <class Options>
const Options& c_options(const Options* chosen) noexcept {
  static constexpr Options defaults{};
  return chosen != nullptr ? *chosen : defaults;
}
// 0 is the default.
template <class Figure>
constexpr Figure c_or(Figure chosen, std::type_identity_t<Figure> otherwise) noexcept {
  return chosen != 0 ? chosen : otherwise;
}
// And STRATA_NONE is 0.
constexpr std::size_t c_or_none(std::size_t chosen, std::size_t otherwise) noexcept {
  return chosen == STRATA_NONE ? 0 : c_or(chosen, otherwise);
}
constexpr std::size_t c_alignment(std::size_t chosen) noexcept {
  return c_or(chosen, alignof(std::max_align_t));
}

}  // namespace strata::detail
