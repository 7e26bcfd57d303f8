// The C interface's upstreams, and what all resources can do.
#include <cstdlib>

#include <strata/resource.hpp>

#include "resource/c_handle.hpp"

using namespace strata;          // NOLINT(google-build-using-namespace): all of it is C's face
using namespace strata::detail;  // NOLINT(google-build-using-namespace)

// ---- Memory that is nobody's resource

namespace {

class malloc_memory final : public std::pmr::memory_resource {
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    void* block = nullptr;
    // Rounded up, what is near SIZE_MAX would be next to nothing.
    if (bytes <= PTRDIFF_MAX) {
      block = alignment <= alignof(std::max_align_t)
                  ? std::malloc(bytes)
                  : std::aligned_alloc(alignment, align_up(bytes, alignment));
    }
    if (block == nullptr) throw std::bad_alloc();
    return block;
  }
  void do_deallocate(void* block, std::size_t /*bytes*/, std::size_t /*alignment*/) override {
    std::free(block);
  }
  [[nodiscard]] bool do_is_equal(const memory_resource& other) const noexcept override {
    return this == &other;
  }
};

class custom_memory final : public std::pmr::memory_resource {
 public:
  explicit custom_memory(const strata_custom_functions& functions) noexcept : with_(functions) {}

 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    void* block = with_.allocate(bytes, alignment, with_.context);
    if (block == nullptr) throw std::bad_alloc();
    return block;
  }
  void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override {
    with_.deallocate(block, bytes, alignment, with_.context);
  }
  [[nodiscard]] bool do_is_equal(const memory_resource& other) const noexcept override {
    return this == &other;
  }

  strata_custom_functions with_;
};
// The memory before what counts it.
class custom : private member<custom_memory>, public upstream_ref {
 public:
  explicit custom(const strata_custom_functions& functions)
      : member<custom_memory>(functions), upstream_ref(&this->value) {}
};

}  // namespace

std::pmr::memory_resource* strata::detail::c_malloc() noexcept {
  // Never destroyed: others may outlive any order of ends.
  alignas(malloc_memory) static std::byte place[sizeof(malloc_memory)];
  static auto* one = ::new (place) malloc_memory;
  return one;
}

strata_resource* strata_malloc_create(void) { return c_make<upstream_ref>(c_malloc()); }

strata_resource* strata_custom_create(const strata_custom_functions* functions) {
  if (functions == nullptr || functions->allocate == nullptr || functions->deallocate == nullptr) {
    return c_fail(EINVAL);
  }
  return c_make<custom>(*functions);
}

// ---- What all can do

void* strata_resource_allocate(strata_resource* from, size_t bytes, size_t alignment) {
  alignment = c_alignment(alignment);
  if (!std::has_single_bit(alignment)) [[unlikely]]
    return c_fail(EINVAL);
  void* block = from->try_allocate(bytes, alignment);
  if (block == nullptr) [[unlikely]]
    return c_fail(ENOMEM);
  return block;
}

void strata_resource_deallocate(strata_resource* to, void* block, size_t bytes, size_t alignment) {
  if (block != nullptr) to->take_back(block, bytes, c_alignment(alignment));
}

int strata_resource_resize(strata_resource* of, void* block, size_t old_bytes, size_t new_bytes,
                           size_t alignment) {
  // As allocation does: nothing is shorter than a byte.
  old_bytes += old_bytes == 0 ? 1 : 0;
  new_bytes += new_bytes == 0 ? 1 : 0;
  return of->resize(block, old_bytes, new_bytes, c_alignment(alignment)) ? 1 : 0;
}

int strata_resource_owns(const strata_resource* one, const void* address) {
  if (!one->knows_owner()) return -1;
  return one->owns(address) ? 1 : 0;
}

strata_resource_figures strata_resource_statistics(const strata_resource* one) {
  resource_statistics now = one->statistics();
  static_assert(resource_statistics::not_counted == STRATA_NONE);
  return {now.held_bytes, now.used_bytes, now.peak_used_bytes, now.live_blocks};
}

void strata_resource_verify(const strata_resource* one) { one->verify(); }

int strata_resource_each_region(const strata_resource* one, strata_region_visitor visit,
                                void* context) {
  static_assert(static_cast<int>(region_kind::live) == STRATA_REGION_LIVE &&
                static_cast<int>(region_kind::free) == STRATA_REGION_FREE &&
                static_cast<int>(region_kind::overhead) == STRATA_REGION_OVERHEAD);
  int last = 0;
  one->each_region([&](const region& each) {
    if (last != 0) return;
    strata_region given{each.start, each.bytes, static_cast<int>(each.kind)};
    last = visit(&given, context);
  });
  return last;
}

namespace {
int done_or_unsupported(bool done) {
  if (done) return 0;
  errno = ENOTSUP;
  return -1;
}
}  // namespace

int strata_resource_release(strata_resource* one) { return done_or_unsupported(one->release()); }
int strata_resource_trim(strata_resource* one) { return done_or_unsupported(one->trim()); }

int strata_resource_free_space(const strata_resource* one, strata_free_space* out) {
  free_figures now;
  bool done = one->free_space(now);
  if (done) *out = {now.free_bytes, now.free_blocks, now.largest_bytes};
  return done_or_unsupported(done);
}

void strata_resource_destroy(strata_resource* one) {
  if (one == nullptr) return;
  if (one->home() == c_home::another) stop(misuse::precondition, "resource", one);
  if (one->home() == c_home::buffer) {
    one->~strata_resource();
  } else {
    delete one;
  }
}
