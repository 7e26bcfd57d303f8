// Where a container's memory comes from, in three ways, so that the same work can be done in each and
// its results compared.
//
//   from_heap           std::allocator: what the others have to agree with
//   through_pmr         std::pmr::polymorphic_allocator over a std::pmr::memory_resource
//   directly            strata::allocator, over any_resource
//
// A family has allocator<T>, and get<T>() for one.
#pragma once

#include <functional>
#include <memory>
#include <memory_resource>
#include <string>
#include <string_view>

#include <strata/resource.hpp>

namespace strata {

struct from_heap {
  template <class T>
  using allocator = std::allocator<T>;
  template <class T>
  [[nodiscard]] allocator<T> get() const {
    return {};
  }
};

struct through_pmr {
  template <class T>
  using allocator = std::pmr::polymorphic_allocator<T>;
  template <class T>
  [[nodiscard]] allocator<T> get() const {
    return allocator<T>(from);
  }
  std::pmr::memory_resource* from;
};

// A resource of any type behind virtual calls, so that a container over it is made once and not thirty
// times: what the types themselves are like, conformance_test.cpp asks of each.
class any_resource {
 public:
  template <resource Resource>
  explicit any_resource(Resource& one) : held_(std::make_unique<model<Resource>>(one)) {}

  void* try_allocate(std::size_t bytes, std::size_t alignment) noexcept {
    return held_->try_allocate(bytes, alignment);
  }
  void deallocate(void* block, std::size_t bytes, std::size_t alignment) noexcept {
    held_->deallocate(block, bytes, alignment);
  }
  [[nodiscard]] resource_statistics statistics() const { return held_->statistics(); }
  void verify() const { held_->verify(); }
  void each_region(const std::function<void(const region&)>& visit) const {
    held_->each_region(visit);
  }

 private:
  struct concept_of {
    virtual ~concept_of() = default;
    virtual void* try_allocate(std::size_t bytes, std::size_t alignment) noexcept = 0;
    virtual void deallocate(void* block, std::size_t bytes, std::size_t alignment) noexcept = 0;
    [[nodiscard]] virtual resource_statistics statistics() const = 0;
    virtual void verify() const = 0;
    virtual void each_region(const std::function<void(const region&)>& visit) const = 0;
  };
  template <resource Resource>
  struct model final : concept_of {
    explicit model(Resource& given) : one(&given) {}
    void* try_allocate(std::size_t bytes, std::size_t alignment) noexcept override {
      return one->try_allocate(bytes, alignment);
    }
    void deallocate(void* block, std::size_t bytes, std::size_t alignment) noexcept override {
      one->deallocate(block, bytes, alignment);
    }
    [[nodiscard]] resource_statistics statistics() const override { return one->statistics(); }
    void verify() const override { one->verify(); }
    void each_region(const std::function<void(const region&)>& visit) const override {
      one->each_region(visit);
    }
    Resource* one;
  };
  std::unique_ptr<concept_of> held_;
};

struct directly {
  template <class T>
  using allocator = strata::allocator<T, any_resource>;
  template <class T>
  [[nodiscard]] allocator<T> get() const {
    return allocator<T>(*from);
  }
  any_resource* from;
};

template <class Family>
using text_of =
    std::basic_string<char, std::char_traits<char>, typename Family::template allocator<char>>;

// Text of the family, of any length from none to beyond what a string holds in place.
template <class Family>
text_of<Family> numbered_text(const Family& family, unsigned number) {
  text_of<Family> made(number % 70, 'a', family.template get<char>());
  for (char& each : made) each = static_cast<char>('a' + number++ % 26);
  return made;
}

}  // namespace strata
