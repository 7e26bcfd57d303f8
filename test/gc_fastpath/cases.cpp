// What compilers make of the managed heap's inline paths: each function is one operation, counted by
// test/fastpath/measure with its call and return; `nothing` is these alone.
#include "cases.hpp"

using namespace gc_cases;  // NOLINT(google-build-using-namespace)

STRATA_CASE case_nothing(variables&) {}
STRATA_CASE case_make_32_bytes(variables& of) {
  *of.four =
      of.self.make<words>(std::uint64_t{1}, std::uint64_t{2}, std::uint64_t{3}, std::uint64_t{4});
}
STRATA_CASE case_make_pair(variables& of) { *of.made = of.self.make<node>(*of.left, *of.right); }
STRATA_CASE case_make_array_of_8(variables& of) {
  *of.row = of.self.make<gc::array<gc::ref<node>>>(8U);
}
STRATA_CASE case_store(variables& of) { (*of.left)->left = *of.right; }
STRATA_CASE case_store_null(variables& of) { (*of.left)->right = nullptr; }
STRATA_CASE case_store_value(variables& of) { (*of.left)->any = gc::value::immediate(5); }
STRATA_CASE case_bare_store(variables& of) {
  *reinterpret_cast<node* volatile*>(&(*of.left)->left) = of.right->get();
}
STRATA_CASE case_load(variables& of) { *of.made = (*of.left)->left; }
STRATA_CASE case_local(variables& of) { gc::local<node> copy{*of.left}; }
STRATA_CASE case_safepoint(variables& of) { of.self.safepoint(); }
