// Tables of the allocating and freeing functions; see ways.hpp.
#include "ways.hpp"

#include <malloc.h>
#include <strata/strata.h>

#include <cerrno>
#include <cstdlib>
#include <new>

#include "failure.hpp"

// C23; libc's headers may not have them yet.
extern "C" void free_sized(void* block, size_t size);
extern "C" void free_aligned_sized(void* block, size_t alignment, size_t size);

namespace model {
namespace {

constexpr size_t page = 4096;

enum class alignment_rule : unsigned char { natural, asked, paged };

struct maker {
  const char* name;
  void* (*make)(size_t size, size_t alignment);
  origin made_by = origin::plain;
  alignment_rule rule = alignment_rule::natural;
  bool zeroed = false;
};

size_t round_up(size_t size, size_t alignment) { return (size + alignment - 1) & ~(alignment - 1); }

// count × size == the asked size, in more than one shape.
size_t factor_of(size_t size) { return size % 7 == 0 && size != 0 ? 7 : 1; }

void* by_posix_memalign(size_t size, size_t alignment) {
  void* block = nullptr;
  const int error = posix_memalign(&block, alignment, size);
  return error == 0 ? block : nullptr;
}

// A sized block whose size is not the usable size counts as not allocated.
void* by_malloc_sized(size_t size, size_t) {
  const strata_sized_block sized = strata_malloc_sized(size);
  return sized.size == malloc_usable_size(sized.block) ? sized.block : nullptr;
}

void* by_pvalloc(size_t size, size_t) {
  void* block = pvalloc(size);
  return malloc_usable_size(block) >= round_up(size, page) ? block : nullptr;
}

constexpr maker makers[] = {
    {"malloc", [](size_t size, size_t) { return malloc(size); }},
    {"malloc", [](size_t size, size_t) { return malloc(size); }},
    {"malloc", [](size_t size, size_t) { return malloc(size); }},
    {"calloc", [](size_t size, size_t) { return calloc(size / factor_of(size), factor_of(size)); },
     origin::plain, alignment_rule::natural, true},
    {"realloc(null)", [](size_t size, size_t) { return realloc(nullptr, size); }},
    {"reallocarray(null)",
     [](size_t size, size_t) {
       return reallocarray(nullptr, factor_of(size), size / factor_of(size));
     }},
    {"posix_memalign", by_posix_memalign, origin::aligned_otherwise, alignment_rule::asked},
    {"aligned_alloc", [](size_t size, size_t alignment) { return aligned_alloc(alignment, size); },
     origin::aligned, alignment_rule::asked},
    {"memalign", [](size_t size, size_t alignment) { return memalign(alignment, size); },
     origin::aligned_otherwise, alignment_rule::asked},
    {"valloc", [](size_t size, size_t) { return valloc(size); }, origin::aligned_otherwise,
     alignment_rule::paged},
    {"pvalloc", by_pvalloc, origin::aligned_otherwise, alignment_rule::paged},
    {"new", [](size_t size, size_t) { return operator new(size); }, origin::single},
    {"new nothrow", [](size_t size, size_t) { return operator new(size, std::nothrow); },
     origin::single},
    {"new[]", [](size_t size, size_t) { return operator new[](size); }, origin::array},
    {"new[] nothrow", [](size_t size, size_t) { return operator new[](size, std::nothrow); },
     origin::array},
    {"new aligned",
     [](size_t size, size_t alignment) { return operator new (size, std::align_val_t{alignment}); },
     origin::single_aligned, alignment_rule::asked},
    {"new aligned nothrow",
     [](size_t size, size_t alignment) {
       return operator new (size, std::align_val_t{alignment}, std::nothrow);
     },
     origin::single_aligned, alignment_rule::asked},
    {"new[] aligned",
     [](size_t size, size_t alignment) {
       return operator new[](size, std::align_val_t{alignment});
     },
     origin::array_aligned, alignment_rule::asked},
    {"new[] aligned nothrow",
     [](size_t size, size_t alignment) {
       return operator new[](size, std::align_val_t{alignment}, std::nothrow);
     },
     origin::array_aligned, alignment_rule::asked},
    {"strata_malloc", [](size_t size, size_t) { return strata_malloc(size); }},
    {"strata_calloc",
     [](size_t size, size_t) { return strata_calloc(size / factor_of(size), factor_of(size)); },
     origin::plain, alignment_rule::natural, true},
    {"strata_realloc(null)", [](size_t size, size_t) { return strata_realloc(nullptr, size); }},
    {"strata_aligned_alloc",
     [](size_t size, size_t alignment) { return strata_aligned_alloc(alignment, size); },
     origin::aligned_otherwise, alignment_rule::asked},
    {"strata_malloc_sized", by_malloc_sized},
    {"strata_malloc_uncached", [](size_t size, size_t) { return strata_malloc_uncached(size); }},
};
constexpr size_t maker_count = sizeof(makers) / sizeof(makers[0]);

size_t random_alignment(random_source& random) {
  const unsigned shift_limit = random.one_in(500) ? 21 : random.one_in(10) ? 16 : 12;
  return size_t{1} << random.between(3, shift_limit);
}

size_t natural_alignment(size_t size) { return size >= 16 ? 16 : 8; }

void check_zeros(const block& made) {
  const size_t at = first_nonzero(made.address, made.asked);
  if (at != made.asked) {
    fail("a byte is not zero", made, at);
  }
}

void take_new_size(block& made, void* address, size_t size) {
  made.address = static_cast<unsigned char*>(address);
  made.asked = made.size = size;
  made.alignment = natural_alignment(size);
  check_new_block(made);
}

void end_aligned_new(const block& made, bool array, bool sized) {
  const std::align_val_t alignment{made.alignment};
  if (array) {
    sized ? operator delete[](made.address, made.asked, alignment) :
          operator delete[](made.address, alignment);
  } else {
    sized ? operator delete(made.address, made.asked, alignment) :
          operator delete(made.address, alignment);
  }
}

// By a function that accepts the blocks of every other one.
void end_by_any(size_t dice, void* address) {
  switch (dice) {
    case 0:
      return free(address);
    case 1:
      return strata_free(address);
    case 2:
      return operator delete(address);
    case 3:
      return strata_free_uncached(address);
    default:
      if (realloc(address, 0) != nullptr) {
        fail("realloc to nothing returned a block", block{});
      }
  }
}

// By the function that belongs to the one that made it.
void end_by_its_own(size_t dice, const block& made) {
  const bool sized = dice % 2 != 0;
  switch (made.made_by) {
    case origin::plain:
      return sized ? free_sized(made.address, made.asked) : free(made.address);
    case origin::aligned:
      return sized ? free_aligned_sized(made.address, made.alignment, made.asked)
                   : free(made.address);
    case origin::single:
      return sized ? operator delete(made.address, made.asked) :
                   operator delete(made.address, std::nothrow);
    case origin::array:
      return sized ? operator delete[](made.address, made.asked) : operator delete[](made.address);
    case origin::single_aligned:
      return end_aligned_new(made, false, sized);
    case origin::array_aligned:
      return end_aligned_new(made, true, sized);
    case origin::heap:
      return sized ? strata_free(made.address) : free(made.address);
    case origin::aligned_otherwise:
    case origin::none:
      return free(made.address);
  }
}

}  // namespace

void check_new_block(block& made) {
  if (made.address == nullptr) {
    fail("null, or less than it should be", made);
  }
  if (reinterpret_cast<uintptr_t>(made.address) % made.alignment != 0) {
    fail("the alignment is wrong", made);
  }
  made.claimed = malloc_usable_size(made.address);
  if (made.claimed < made.asked) {
    fail("the usable size is less than asked", made, made.claimed);
  }
}

block make_block(random_source& random, size_t size) {
  const maker& chosen = makers[random.below(maker_count)];
  const size_t asked_alignment = random_alignment(random);
  here.call = chosen.name;
  block made{};
  made.asked = made.size = size;
  made.made_by = chosen.made_by;
  made.alignment = chosen.rule == alignment_rule::natural ? natural_alignment(size)
                   : chosen.rule == alignment_rule::paged ? page
                                                          : asked_alignment;
  made.seed = random.next();
  made.address = static_cast<unsigned char*>(chosen.make(size, asked_alignment));
  check_new_block(made);
  if (chosen.zeroed) {
    check_zeros(made);
  }
  return made;
}

block make_heap_block(random_source& random, strata_heap* heap, size_t size) {
  block made{};
  made.asked = made.size = size;
  made.made_by = origin::heap;
  made.alignment = natural_alignment(size);
  made.seed = random.next();
  void* address = nullptr;
  const size_t dice = random.below(4);
  if (dice == 0) {
    here.call = "strata_heap_calloc";
    address = strata_heap_calloc(heap, size / factor_of(size), factor_of(size));
  } else if (dice == 1) {
    here.call = "strata_heap_aligned_alloc";
    made.alignment = random_alignment(random);
    address = strata_heap_aligned_alloc(heap, made.alignment, size);
  } else {
    here.call = "strata_heap_malloc";
    address = strata_heap_malloc(heap, size);
  }
  made.address = static_cast<unsigned char*>(address);
  check_new_block(made);
  if (dice == 0) {
    check_zeros(made);
  }
  return made;
}

void resize_block(random_source& random, block& made, size_t size) {
  void* address = nullptr;
  switch (random.below(3)) {
    case 0:
      here.call = "realloc";
      address = realloc(made.address, size);
      break;
    case 1:
      here.call = "reallocarray";
      address = reallocarray(made.address, factor_of(size), size / factor_of(size));
      break;
    default:
      here.call = "strata_realloc";
      address = strata_realloc(made.address, size);
  }
  made.made_by = origin::plain;
  take_new_size(made, address, size);
}

void resize_heap_block(strata_heap* heap, block& made, size_t size) {
  here.call = "strata_heap_realloc";
  take_new_size(made, strata_heap_realloc(heap, made.address, size), size);
}

void end_block(random_source& random, const block& made) {
  here.call = "free or delete";
  const size_t dice = random.below(16);
  if (dice < 5 && made.made_by != origin::heap) {
    end_by_any(dice, made.address);
  } else {
    end_by_its_own(dice, made);
  }
}

}  // namespace model
