// Allocation, and questions about objects.
#include <cerrno>
#include <cstring>

#include "boehm/world.hpp"

using namespace strata;
using boehm::the_world;
namespace kinds = conservative::kinds;

namespace {

conservative::heap::object object_at(const void* address) {
  boehm::open_world();
  return the_world.heap.find(base::address_of(address));
}

void* allocate_uncollectable(std::size_t bytes, unsigned kind) {
  void* object = boehm::allocate(bytes, kind);
  if (object == nullptr) return nullptr;
  boehm::locked section;
  GC_non_gc_bytes += the_world.heap.find(base::address_of(object)).bytes;
  return object;
}

bool is_known(int kind) {
  return kind >= 0 && static_cast<unsigned>(kind) < the_world.heap.kinds().count;
}

void* allocate_kind(std::size_t bytes, int kind) {
  boehm::open_world();
  return is_known(kind) ? boehm::allocate(bytes, static_cast<unsigned>(kind)) : nullptr;
}

// The copy has the same kind. Null leaves the old one as it was.
void* move(const conservative::heap::object& old, std::size_t bytes) {
  void* moved = old.kind == kinds::uncollectable || old.kind == kinds::atomic_uncollectable
                    ? allocate_uncollectable(bytes, old.kind)
                    : boehm::allocate(bytes, old.kind);
  if (moved == nullptr) return nullptr;
  std::memcpy(moved, old.base, base::smaller(bytes, old.bytes));
  GC_free(old.base);
  return moved;
}

}  // namespace

STRATA_GC void* GC_malloc(std::size_t bytes) { return boehm::allocate(bytes, kinds::normal); }
STRATA_GC void* GC_malloc_atomic(std::size_t bytes) {
  return boehm::allocate(bytes, kinds::atomic);
}
STRATA_GC void* GC_malloc_uncollectable(std::size_t bytes) {
  return allocate_uncollectable(bytes, kinds::uncollectable);
}
STRATA_GC void* GC_malloc_atomic_uncollectable(std::size_t bytes) {
  return allocate_uncollectable(bytes, kinds::atomic_uncollectable);
}
STRATA_GC void* GC_malloc_stubborn(std::size_t bytes) { return GC_malloc(bytes); }
STRATA_GC void* GC_malloc_ignore_off_page(std::size_t bytes) {
  return boehm::allocate_large(bytes, kinds::normal, boehm::references::first_page);
}
STRATA_GC void* GC_malloc_atomic_ignore_off_page(std::size_t bytes) {
  return boehm::allocate_large(bytes, kinds::atomic, boehm::references::first_page);
}
STRATA_GC void* GC_malloc_kind(std::size_t bytes, int kind) { return allocate_kind(bytes, kind); }
STRATA_GC void* GC_malloc_kind_global(std::size_t bytes, int kind) {
  return allocate_kind(bytes, kind);
}
STRATA_GC void* GC_generic_malloc(std::size_t bytes, int kind) {
  return allocate_kind(bytes, kind);
}
STRATA_GC void* GC_generic_or_special_malloc(std::size_t bytes, int kind) {
  if (kind == kinds::uncollectable || kind == kinds::atomic_uncollectable)
    return allocate_uncollectable(bytes, static_cast<unsigned>(kind));
  return allocate_kind(bytes, kind);
}
STRATA_GC void* GC_generic_malloc_uncollectable(std::size_t bytes, int kind) {
  return allocate_uncollectable(
      bytes, kind == kinds::atomic ? kinds::atomic_uncollectable : kinds::uncollectable);
}
STRATA_GC void* GC_generic_malloc_ignore_off_page(std::size_t bytes, int kind) {
  boehm::open_world();
  if (!is_known(kind)) return nullptr;
  return boehm::allocate_large(bytes, static_cast<unsigned>(kind), boehm::references::first_page);
}

// So many bytes, and not one more for addresses behind them.
STRATA_GC void GC_generic_malloc_many(std::size_t bytes, int kind, void** result) {
  boehm::open_world();
  *result = nullptr;
  if (!is_known(kind)) return;
  if (bytes <= conservative::most_small_bytes) {
    boehm::locked section;
    *result = the_world.heap.take_many(static_cast<unsigned>(kind), conservative::class_for(bytes));
    if (*result != nullptr) return;
  }
  // This collects, or grows the heap.
  void* object = boehm::allocate(bytes <= boehm::extra_bytes() ? 0 : bytes - boehm::extra_bytes(),
                                 static_cast<unsigned>(kind));
  if (object != nullptr) *static_cast<void**>(object) = nullptr;
  *result = object;
}
STRATA_GC void* GC_malloc_many(std::size_t bytes) {
  void* first = nullptr;
  GC_generic_malloc_many(bytes + boehm::extra_bytes(), kinds::normal, &first);
  return first;
}

STRATA_GC char* GC_strdup(const char* text) {
  return text == nullptr ? nullptr : GC_strndup(text, std::strlen(text));
}
STRATA_GC char* GC_strndup(const char* text, std::size_t most) {
  std::size_t length = strnlen(text, most);
  auto* copy = static_cast<char*>(GC_malloc_atomic(length + 1));
  if (copy == nullptr) {
    errno = ENOMEM;
    return nullptr;
  }
  std::memcpy(copy, text, length);
  copy[length] = '\0';
  return copy;
}
STRATA_GC wchar_t* GC_wcsdup(const wchar_t* text) {
  std::size_t length = 0;
  while (text[length] != L'\0') ++length;
  std::size_t bytes = (length + 1) * sizeof(wchar_t);
  auto* copy = static_cast<wchar_t*>(GC_malloc_atomic(bytes));
  if (copy == nullptr) {
    errno = ENOMEM;
    return nullptr;
  }
  std::memcpy(copy, text, bytes);
  return copy;
}

// Slots of 2^n bytes lie at multiples of that, large objects at blocks. Beyond that it is an address within an object.
STRATA_GC void* GC_memalign(std::size_t alignment, std::size_t bytes) {
  if (!base::is_power_of_two(alignment)) return nullptr;
  if (alignment <= conservative::granule_bytes) return GC_malloc(bytes);
  std::size_t extra = boehm::extra_bytes();
  if (alignment <= conservative::block_bytes) {
    std::size_t slot_bytes = base::larger(alignment, bytes + extra);
    if (slot_bytes <= conservative::most_small_bytes && slot_bytes > bytes)
      return GC_malloc(std::bit_ceil(slot_bytes) - extra);
    return boehm::allocate_large(base::larger(bytes, conservative::most_small_bytes + 1),
                                 kinds::normal, boehm::references::anywhere);
  }
  std::size_t wanted = bytes + alignment;
  auto* object = wanted < bytes ? nullptr : static_cast<char*>(GC_malloc(wanted));
  if (object == nullptr) return nullptr;
  std::uintptr_t start = base::address_of(object);
  std::size_t before = base::align_up(start, alignment) - start;
  boehm::locked section;
  the_world.heap.allow_displacement(before);
  return object + before;
}
STRATA_GC int GC_posix_memalign(void** result, std::size_t alignment, std::size_t bytes) {
  if (!base::is_power_of_two(alignment) || alignment < sizeof(void*)) return EINVAL;
  void* object = GC_memalign(alignment, bytes);
  if (object == nullptr) return ENOMEM;
  *result = object;
  return 0;
}

STRATA_GC void* GC_realloc(void* object, std::size_t bytes) {
  if (object == nullptr) return GC_malloc(bytes);
  if (bytes == 0) {
    GC_free(object);
    return nullptr;
  }
  conservative::heap::object old = object_at(object);
  if (old.base == nullptr) return nullptr;
  std::size_t has = old.bytes - boehm::extra_bytes();
  if (bytes > has || bytes < old.bytes / 2) {
    void* moved = move(old, bytes);
    if (moved != nullptr || bytes > has) return moved;
  }
  if (the_world.heap.kinds().at[old.kind].clears)
    std::memset(old.base + bytes, 0, old.bytes - bytes);
  return object;
}

STRATA_GC void GC_free(void* object) {
  if (object == nullptr) return;
  boehm::open_world();
  boehm::locked section;
  conservative::heap::object old = the_world.heap.find(base::address_of(object));
  if (old.base != object) return;
  if (!the_world.heap.kinds().at[old.kind].collectable)
    GC_non_gc_bytes -= base::smaller(GC_non_gc_bytes, old.bytes);
  the_world.heap.release(old);
}

STRATA_GC void* GC_base(void* address) { return object_at(address).base; }
STRATA_GC int GC_is_heap_ptr(const void* address) {
  auto& blocks = the_world.heap.blocks();
  std::uintptr_t at = base::address_of(address);
  return blocks.has(at) && blocks.info(blocks.index_of(at)).as != conservative::use::free;
}
STRATA_GC std::size_t GC_size(const void* object) { return object_at(object).bytes; }
STRATA_GC int GC_get_kind_and_size(const void* object, std::size_t* bytes) {
  conservative::heap::object found = object_at(object);
  if (bytes != nullptr) *bytes = found.bytes;
  return static_cast<int>(found.kind);
}

STRATA_GC void GC_register_displacement(std::size_t bytes) {
  boehm::open_world();
  boehm::locked section;
  the_world.heap.allow_displacement(bytes);
}
STRATA_GC void GC_set_all_interior_pointers(int to) {
  GC_all_interior_pointers = to != 0;
  if (!the_world.is_open) return;
  boehm::locked section;
  the_world.heap.all_interior = to != 0;
}
STRATA_GC int GC_get_all_interior_pointers() { return GC_all_interior_pointers; }
