// A right program with threads, which takes blocks by every name and frees them by every other. A tool
// has nothing to say of it.
#include <pthread.h>
#include <strata/strata.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

extern "C" void free_sized(void* block, size_t size) __attribute__((weak));

namespace {

void must(bool right) {
  if (!right) std::abort();
}

void free_in_turn(void* block, std::size_t turn) {
  if (turn % 2 == 0)
    std::free(block);
  else
    strata_free(block);
}

void exchange_blocks() {
  void* blocks[64];
  must(strata_malloc_batch(48, 64, blocks) == 64);
  for (std::size_t i = 0; i < 64; ++i) {
    std::memset(blocks[i], 1, 48);
    if (i < 48) free_in_turn(blocks[i], i);
  }
  strata_free_batch(blocks + 48, 16);
  void* one = std::malloc(100);
  one = strata_realloc(one, 5000);
  must(one != nullptr && strata_usable_size(one) >= 5000);
  strata_free(one);
  one = std::realloc(strata_calloc(10, 10), 20);
  must(static_cast<char*>(one)[19] == 0);
  std::free(one);
  one = strata_aligned_alloc(4096, 10);
  must(reinterpret_cast<std::uintptr_t>(one) % 4096 == 0);
  std::free(one);
  strata_sized_block sized = strata_malloc_sized(1000);
  must(sized.size >= 1000);
  std::memset(sized.block, 1, sized.size);
  std::free(sized.block);
  if (free_sized != nullptr) free_sized(std::malloc(100), 100);
  one = std::malloc(100);
  must(strata_move(nullptr) == nullptr);
  if (strata_should_move(one) == 1) {
    if (void* moved = strata_move(one)) one = moved;
  }
  strata_free_uncached(one);
  std::free(strata_malloc_uncached(100));
}

// A heap whose blocks are freed alone now and then, and their addresses used again by others.
void use_heap() {
  strata_heap* heap = strata_heap_create();
  void* others[200];
  for (std::size_t i = 0; i < 200; ++i) {
    std::size_t size = i * 37 % 500;
    void* block = i % 3 == 0 ? strata_heap_calloc(heap, 1, size) : strata_heap_malloc(heap, size);
    must(block != nullptr);
    std::memset(block, 2, size);
    if (i % 5 == 0) block = strata_heap_realloc(heap, block, size + 100);
    if (i % 2 == 0) free_in_turn(block, i / 2);
    others[i] = std::malloc(size);
  }
  strata_heap_destroy(heap);
  for (void* other : others) std::free(other);
}

void* work(void*) {
  for (int round = 0; round < 5; ++round) {
    exchange_blocks();
    use_heap();
    delete[] new char[100];
  }
  return nullptr;
}

}  // namespace

int main() {
  pthread_t threads[3];
  for (pthread_t& one : threads) must(pthread_create(&one, nullptr, work, nullptr) == 0);
  work(nullptr);
  for (pthread_t one : threads) pthread_join(one, nullptr);
  std::puts("end");
}
