// realloc of what is no block, deletes that tell a wrong size, questions about freed blocks.
#include <dlfcn.h>
#include <malloc.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <new>

#include "crowd.hpp"

namespace misuse {
namespace {

// ---- realloc

// Resizes the address, which is no block of the crowd any more or never was.
outcome resize(crowd& live, unsigned char* address, std::size_t freed, std::size_t bytes) {
  void* result = nullptr;
  commit(address, [&] { result = hide(realloc(hide(address), bytes)); });
  return aftermath({live, freed, bytes, {result, result != nullptr ? bytes : 0}});
}

outcome realloc_freed(std::size_t size) {
  crowd live(size, 16);
  unsigned char* block = live.forget(8);
  free(block);
  return resize(live, block, 2, 2 * size);
}

outcome realloc_interior(std::size_t size) {
  crowd live(size, 16);
  return resize(live, live[8] + std::min<std::size_t>(16, size / 4), 1, 2 * size);
}

outcome realloc_foreign(std::size_t size) {
  crowd live(size, 16);
  void* memory =
      mmap(nullptr, size + 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    abort();
  }
  return resize(live, static_cast<unsigned char*>(memory) + 4096, 1, 2 * size);
}

// ---- Deletes with a size

using sized_function = void (*)(void*, std::size_t);

outcome delete_as(sized_function remove, source from, std::size_t size, std::size_t told) {
  if (remove == nullptr) {
    return outcome::absent;
  }
  crowd live(size, 64, from);
  unsigned char* block = live.forget(32);
  commit(block, [&] { remove(hide(block), hide(told)); });
  return aftermath({live, 1, told});
}

// What to tell: less and more by a factor of four. No size class of anybody's is that wide, but for
// the smallest.
std::size_t smaller(std::size_t size) { return size / 4; }
std::size_t larger(std::size_t size) { return size * 4; }

void sized_delete(void* block, std::size_t told) { ::operator delete(block, told); }

outcome sized_delete_smaller(std::size_t size) {
  return delete_as(sized_delete, source::operator_new, size, smaller(size));
}

outcome sized_delete_larger(std::size_t size) {
  return delete_as(sized_delete, source::operator_new, size, larger(size));
}

// C23's, which few libraries have yet.
sized_function free_sized() {
  return reinterpret_cast<sized_function>(dlsym(RTLD_DEFAULT, "free_sized"));
}

outcome free_sized_smaller(std::size_t size) {
  return delete_as(free_sized(), source::malloc, size, smaller(size));
}

outcome free_sized_larger(std::size_t size) {
  return delete_as(free_sized(), source::malloc, size, larger(size));
}

// ---- No misuse, or hardly

outcome usable_size_freed(std::size_t size) {
  crowd live(size, 16);
  unsigned char* block = live.forget(8);
  free(block);
  std::size_t told = 0;
  commit(block, [&] { told = malloc_usable_size(hide(block)); });
  return worse(missed_if(told != 0), aftermath({live, 1}));
}

// Blocks full of other things than zeros are freed; calloc must not show it. aftermath calls it.
outcome calloc_dirty(std::size_t size) {
  crowd dirty(size);
  commit(dirty[0], [&] { dirty.release_all(); });
  return aftermath({dirty, dirty.count()});
}

constexpr kind kinds[] = {
    {"realloc_freed", group::call, true, realloc_freed},
    {"realloc_interior", group::call, true, realloc_interior},
    {"realloc_foreign", group::call, false, realloc_foreign},
    {"sized_delete_smaller", group::call, true, sized_delete_smaller},
    {"sized_delete_larger", group::call, true, sized_delete_larger},
    {"free_sized_smaller", group::call, false, free_sized_smaller},
    {"free_sized_larger", group::call, false, free_sized_larger},
    {"usable_size_freed", group::call, false, usable_size_freed},
    {"calloc_dirty", group::call, false, calloc_dirty},
};

}  // namespace

const std::span<const kind> bad_resizes = kinds;

}  // namespace misuse
