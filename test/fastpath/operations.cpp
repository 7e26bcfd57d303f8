// The operations whose instructions `measure` counts: each call of a function case_... is one
// operation of the allocator, in a thread whose caches are warm.
#include <cstdlib>
#include <new>

#define STRATA_CASE extern "C" __attribute__((noinline, used)) void

namespace {

constexpr int warm_up = 1000;
constexpr int repeats = 40;
constexpr int held_count = 16;

void* volatile kept = nullptr;

}  // namespace

STRATA_CASE case_malloc_64() { kept = malloc(64); }
STRATA_CASE case_free_64() { free(kept); }
STRATA_CASE case_malloc_1024() { kept = malloc(1024); }
STRATA_CASE case_free_1024() { free(kept); }
STRATA_CASE case_malloc_4096() { kept = malloc(4096); }
STRATA_CASE case_free_4096() { free(kept); }
STRATA_CASE case_calloc_64() { kept = calloc(1, 64); }
STRATA_CASE case_realloc_in_place() { kept = realloc(kept, 60); }
STRATA_CASE case_aligned_alloc_64() { kept = aligned_alloc(64, 64); }
STRATA_CASE case_new_64() { kept = ::operator new(64); }
STRATA_CASE case_delete_sized_64() { ::operator delete (kept, std::size_t{64}); }
STRATA_CASE case_delete_64() { ::operator delete(kept); }
STRATA_CASE case_free_null() { free(nullptr); }

int main() {
  // Some blocks more than one, so that magazines are neither empty nor full.
  for (int round = 0; round < warm_up; ++round) {
    void* held[held_count];
    for (void*& block : held) block = malloc(round % 2 == 0 ? 64 : 4096);
    for (void* block : held) free(block);
  }
  for (int round = 0; round < repeats; ++round) {
    case_malloc_64();
    case_free_64();
    case_malloc_1024();
    case_free_1024();
    case_malloc_4096();
    case_free_4096();
    case_calloc_64();
    case_realloc_in_place();
    case_free_64();
    case_aligned_alloc_64();
    case_free_64();
    case_new_64();
    case_delete_sized_64();
    case_new_64();
    case_delete_64();
    case_free_null();
  }
}
