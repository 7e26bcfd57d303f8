// What the counted operations work on.
#pragma once

#include <strata/gc.hpp>

namespace gc_cases {

namespace gc = strata::gc;

struct node {
  gc::ref<node> left, right;
  gc::ref<gc::value> any;
};
struct words {
  std::uint64_t a, b, c, d;
};
struct variables {
  gc::mutator& self;
  gc::local<node>* left;
  gc::local<node>* right;
  gc::local<node>* made;
  gc::local<words>* four;
  gc::local<gc::array<gc::ref<node>>>* row;
};

}  // namespace gc_cases

#define STRATA_CASE extern "C" __attribute__((noinline, used, visibility("default"))) void

STRATA_CASE case_nothing(gc_cases::variables&);
STRATA_CASE case_make_32_bytes(gc_cases::variables&);
STRATA_CASE case_make_pair(gc_cases::variables&);
STRATA_CASE case_make_array_of_8(gc_cases::variables&);
STRATA_CASE case_store(gc_cases::variables&);
STRATA_CASE case_store_null(gc_cases::variables&);
STRATA_CASE case_store_value(gc_cases::variables&);
STRATA_CASE case_bare_store(gc_cases::variables&);
STRATA_CASE case_load(gc_cases::variables&);
STRATA_CASE case_local(gc_cases::variables&);
STRATA_CASE case_safepoint(gc_cases::variables&);
