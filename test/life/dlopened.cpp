// A program that keeps libc's malloc and opens libstrata.so beside it: dlopened LIBRARY
#include <dlfcn.h>
#include <pthread.h>

#include <cstdint>

#include "check.h"

namespace {

void* (*library_malloc)(size_t);
void* (*library_realloc)(void*, size_t);
void (*library_free)(void*);

template <typename Function>
void look_up(void* library, const char* name, Function& found) {
  found = reinterpret_cast<Function>(dlsym(library, name));
  CHECK(found != nullptr);
}

// Both allocators at work, each with blocks of its own.
void* use_both(void* argument) {
  const size_t seed = reinterpret_cast<size_t>(argument);
  for (size_t round = 0; round < 2000; ++round) {
    const size_t size = (round * 61 + seed) % 5000 + 1;
    unsigned char* block = static_cast<unsigned char*>(library_malloc(size));
    CHECK(block != nullptr);
    memset(block, static_cast<int>(round % 251), size);
    size_t* ordinary = make_filled(size);
    block = static_cast<unsigned char*>(library_realloc(block, size * 3));
    for (size_t i = 0; i < size; ++i) {
      CHECK(block[i] == round % 251);
    }
    library_free(block);
    free_filled(ordinary);
  }
  return library_malloc(100);
}

void use_both_in_threads() {
  constexpr size_t count = 16;
  pthread_t threads[count];
  for (size_t i = 0; i < count; ++i) {
    CHECK(pthread_create(&threads[i], nullptr, use_both, reinterpret_cast<void*>(i)) == 0);
  }
  for (pthread_t thread : threads) {
    void* block = nullptr;
    CHECK(pthread_join(thread, &block) == 0);
    library_free(block);
  }
}

// The threads were there before the library and outlive its closing.
void* wait_and_end(void* lock) {
  library_free(library_malloc(1000));
  pthread_mutex_lock(static_cast<pthread_mutex_t*>(lock));
  pthread_mutex_unlock(static_cast<pthread_mutex_t*>(lock));
  return nullptr;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    fputs("usage: dlopened LIBRARY\n", stderr);
    return 2;
  }
  pthread_mutex_t closing = PTHREAD_MUTEX_INITIALIZER;
  for (int round = 0; round < 20; ++round) {
    void* library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
      dprintf(2, "%s\n", dlerror());
      return 1;
    }
    look_up(library, "strata_malloc", library_malloc);
    look_up(library, "strata_realloc", library_realloc);
    look_up(library, "strata_free", library_free);
    CHECK(reinterpret_cast<void*>(malloc) != dlsym(library, "malloc"));
    use_both_in_threads();
    pthread_t outliving;
    pthread_mutex_lock(&closing);
    CHECK(pthread_create(&outliving, nullptr, wait_and_end, &closing) == 0);
    sched_yield();
    CHECK(dlclose(library) == 0);
    pthread_mutex_unlock(&closing);
    CHECK(pthread_join(outliving, nullptr) == 0);
    exercise(static_cast<size_t>(round));
  }
  return 0;
}
