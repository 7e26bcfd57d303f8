// The C interface's resources that are made of upstream or of a buffer.
#include <algorithm>

#include <strata/bitmap.hpp>
#include <strata/buddy.hpp>
#include <strata/bump.hpp>
#include <strata/free_list.hpp>
#include <strata/pools.hpp>
#include <strata/slab.hpp>
#include <strata/tlsf.hpp>

#include "resource/c_handle.hpp"

using namespace strata;          // NOLINT(google-build-using-namespace): all of it is C's face
using namespace strata::detail;  // NOLINT(google-build-using-namespace)

namespace {

// A resource in what its own object leaves of the buffer.
template <class Resource, class... Options>
strata_resource* make_in(void* buffer, std::size_t bytes, const Options&... options) noexcept {
  using handle = c_handle<Resource>;
  if (buffer == nullptr) return c_fail(EINVAL);
  void* start = buffer;
  if (std::align(alignof(handle), sizeof(handle), start, bytes) == nullptr) return c_fail(ENOMEM);
  std::span rest(static_cast<std::byte*>(start) + sizeof(handle), bytes - sizeof(handle));
  auto* made = ::new (start) handle(c_home::buffer, c_owner::known, rest, options...);
  if (made->statistics().held_bytes != 0) return made;
  made->~handle();
  return c_fail(ENOMEM);
}

// The resource behind the handle, which has to be of that kind.
template <class Resource>
Resource& as(const strata_resource* one, const char* name) {
  const auto* face = dynamic_cast<const c_face<Resource>*>(one);
  if (face == nullptr) stop(misuse::precondition, name, one);
  return face->get();
}

region_options regions_of(const strata_region_options& chosen) {
  region_options with;
  with.first_region_bytes = c_or(chosen.first_region_bytes, with.first_region_bytes);
  with.most_region_bytes = c_or(chosen.most_region_bytes, with.most_region_bytes);
  with.most_bytes = c_or(chosen.most_bytes, with.most_bytes);
  return with;
}

}  // namespace

// ---- Bump

namespace {

bump& as_bump(const strata_resource* one) { return as<bump>(one, "bump"); }

struct end_action {
  void (*action)(void*);
  void* object;
};

}  // namespace

strata_resource* strata_bump_create(strata_resource* upstream, const strata_bump_options* options) {
  const strata_bump_options& chosen = c_options(options);
  bump_options with;
  with.first_chunk_bytes = c_or(chosen.first_chunk_bytes, with.first_chunk_bytes);
  with.most_chunk_bytes = c_or(chosen.most_chunk_bytes, with.most_chunk_bytes);
  with.most_bytes = c_or(chosen.most_bytes, with.most_bytes);
  std::span first(static_cast<std::byte*>(chosen.first_buffer),
                  chosen.first_buffer != nullptr ? chosen.first_buffer_bytes : 0);
  return c_make<bump>(first, c_upstream(upstream), with);
}

strata_resource* strata_bump_create_in(void* buffer, size_t buffer_bytes) {
  return make_in<bump>(buffer, buffer_bytes, std::pmr::null_memory_resource());
}

strata_bump_mark strata_bump_get_mark(const strata_resource* bump) {
  static_assert(sizeof(strata_bump_mark) == sizeof(strata::bump::marker));
  return std::bit_cast<strata_bump_mark>(as_bump(bump).mark());
}

void strata_bump_rewind(strata_resource* bump, strata_bump_mark to) {
  as_bump(bump).rewind(std::bit_cast<strata::bump::marker>(to));
}

void strata_bump_reset(strata_resource* bump) { as_bump(bump).reset(); }

int strata_bump_at_end(strata_resource* bump, void* object, void (*action)(void* object)) {
  // In a record of its own: C's function may not be called as one that throws nothing.
  auto* end = c_guarded([&] { return as_bump(bump).make<end_action>(end_action{action, object}); });
  if (end == nullptr) return -1;
  auto run = [](void* record) noexcept {
    auto* one = static_cast<end_action*>(record);
    one->action(one->object);
  };
  bool remembered = c_guarded([&]() -> void* {
    as_bump(bump).at_end(end, run);
    return end;
  });
  return remembered ? 0 : -1;
}

void strata_bump_merge(strata_resource* into, strata_resource* other) {
  as_bump(into).merge(as_bump(other));
}

// ---- Free lists

namespace {

bool options_of(const strata_free_list_options& chosen, free_list_options& with) {
  bool valid = (chosen.coalescing == STRATA_COALESCE_AT_ONCE ||
                chosen.coalescing == STRATA_COALESCE_LATER) &&
               (chosen.order == STRATA_LIFO || chosen.order == STRATA_ORDER_OF_ADDRESS);
  with.when =
      chosen.coalescing == STRATA_COALESCE_LATER ? coalescing::deferred : coalescing::immediate;
  with.order = chosen.order == STRATA_ORDER_OF_ADDRESS ? list_order::address : list_order::lifo;
  with.regions = regions_of(chosen.regions);
  return valid;
}

// make(a null pointer to the resource's type), of the fit that was asked for.
template <class Make>
strata_resource* of_fit(int fit, Make make) {
  switch (fit) {
    case STRATA_FIRST_FIT:
      return make(static_cast<first_fit*>(nullptr));
    case STRATA_NEXT_FIT:
      return make(static_cast<next_fit*>(nullptr));
    case STRATA_BEST_FIT:
      return make(static_cast<best_fit*>(nullptr));
    case STRATA_SEGREGATED_FIT:
      return make(static_cast<segregated_fit*>(nullptr));
  }
  return c_fail(EINVAL);
}

}  // namespace

strata_resource* strata_free_list_create(int fit, strata_resource* upstream,
                                         const strata_free_list_options* options) {
  free_list_options with;
  if (!options_of(c_options(options), with)) return c_fail(EINVAL);
  return of_fit(
      fit, [&]<class Resource>(Resource*) { return c_make<Resource>(c_upstream(upstream), with); });
}

strata_resource* strata_free_list_create_in(int fit, void* buffer, size_t buffer_bytes,
                                            const strata_free_list_options* options) {
  free_list_options with;
  if (!options_of(c_options(options), with)) return c_fail(EINVAL);
  return of_fit(fit, [&]<class Resource>(Resource*) {
    return make_in<Resource>(buffer, buffer_bytes, with);
  });
}

strata_resource* strata_tlsf_create(strata_resource* upstream,
                                    const strata_region_options* options) {
  return c_make<tlsf>(c_upstream(upstream), regions_of(c_options(options)));
}

strata_resource* strata_tlsf_create_in(void* buffer, size_t buffer_bytes) {
  return make_in<tlsf>(buffer, buffer_bytes);
}

// ---- Bitmap and buddy

namespace {

bool options_of(const strata_bitmap_options& chosen, bitmap_options& with) {
  with.block_bytes = c_or(chosen.block_bytes, with.block_bytes);
  with.first_region_bytes = c_or(chosen.first_region_bytes, with.first_region_bytes);
  with.most_region_bytes = c_or(chosen.most_region_bytes, with.most_region_bytes);
  return std::has_single_bit(with.block_bytes) && with.block_bytes <= std::size_t{1} << 40;
}

bool options_of(const strata_buddy_options& chosen, buddy_options& with) {
  with.smallest_block_bytes = c_or(chosen.smallest_block_bytes, with.smallest_block_bytes);
  with.largest_block_bytes = c_or(chosen.largest_block_bytes, with.largest_block_bytes);
  return std::has_single_bit(with.smallest_block_bytes) &&
         std::has_single_bit(with.largest_block_bytes) &&
         with.smallest_block_bytes <= with.largest_block_bytes;
}

}  // namespace

strata_resource* strata_bitmap_create(strata_resource* upstream,
                                      const strata_bitmap_options* options) {
  bitmap_options with;
  if (!options_of(c_options(options), with)) return c_fail(EINVAL);
  return c_make<bitmap>(c_upstream(upstream), with);
}

strata_resource* strata_bitmap_create_in(void* buffer, size_t buffer_bytes,
                                         const strata_bitmap_options* options) {
  bitmap_options with;
  if (!options_of(c_options(options), with)) return c_fail(EINVAL);
  return make_in<bitmap>(buffer, buffer_bytes, with);
}

strata_resource* strata_buddy_create(size_t bytes, strata_resource* upstream,
                                     const strata_buddy_options* options) {
  buddy_options with;
  if (!options_of(c_options(options), with)) return c_fail(EINVAL);
  bool valid =
      std::has_single_bit(bytes) && bytes >= with.smallest_block_bytes && bytes <= SIZE_MAX / 4;
  if (!valid) return c_fail(EINVAL);
  strata_resource* made = c_make<buddy>(bytes, c_upstream(upstream), with);
  if (made == nullptr || made->statistics().held_bytes != 0) return made;
  strata_resource_destroy(made);
  return c_fail(ENOMEM);
}

strata_resource* strata_buddy_create_in(void* buffer, size_t buffer_bytes,
                                        const strata_buddy_options* options) {
  buddy_options with;
  if (!options_of(c_options(options), with)) return c_fail(EINVAL);
  return make_in<buddy>(buffer, buffer_bytes, with);
}

// ---- Slab and pools

strata_resource* strata_slab_create(size_t block_bytes, size_t alignment, strata_resource* upstream,
                                    const strata_slab_options* options) {
  constexpr std::size_t most_bytes = std::size_t{64} << 20;
  const strata_slab_options& chosen = c_options(options);
  alignment = c_alignment(alignment);
  slab_options with;
  with.chunk_bytes = chosen.chunk_bytes;
  with.first_chunk_bytes = c_or(chosen.first_chunk_bytes, with.first_chunk_bytes);
  with.spare_bytes = c_or_none(chosen.spare_bytes, with.spare_bytes);
  bool valid =
      std::has_single_bit(alignment) && alignment <= most_bytes && block_bytes <= most_bytes;
  if (valid && chosen.chunk_bytes != 0) {
    // A head, 64 bytes that upstream may need, and a block.
    std::size_t stride = align_up(std::max(block_bytes, sizeof(void*)), alignment);
    std::size_t least = align_up(64, alignment) + 64 + stride;
    valid = std::has_single_bit(chosen.chunk_bytes) && chosen.chunk_bytes <= UINT32_MAX &&
            chosen.chunk_bytes >= least;
  }
  if (!valid) return c_fail(EINVAL);
  return c_make<slab>(block_bytes, alignment, c_upstream(upstream), with);
}

namespace {

template <class Pools>
strata_resource* make_pools(strata_resource* upstream, const strata_pools_options& chosen) {
  pools_options with;
  std::size_t most_bytes = with.largest_pooled_bytes;
  with.largest_pooled_bytes = c_or(chosen.largest_pooled_bytes, with.largest_pooled_bytes);
  with.first_chunk_bytes = c_or(chosen.first_chunk_bytes, with.first_chunk_bytes);
  with.spare_bytes = c_or_none(chosen.spare_bytes, with.spare_bytes);
  if (with.largest_pooled_bytes > most_bytes) return c_fail(EINVAL);
  return c_make<Pools>(c_upstream(upstream), with);
}

}  // namespace

strata_resource* strata_pools_create(strata_resource* upstream,
                                     const strata_pools_options* options) {
  return make_pools<pools>(upstream, c_options(options));
}

strata_resource* strata_synchronized_pools_create(strata_resource* upstream,
                                                  const strata_pools_options* options) {
  return make_pools<synchronized_pools>(upstream, c_options(options));
}
