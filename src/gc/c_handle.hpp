// What the C interface's files share: what stands behind its names, and how errors are told.
#pragma once

#include <cerrno>
#include <new>
#include <string>
#include <vector>

#include "strata/gc.h"
#include "strata/gc.hpp"

// The heap and the listener that hands its events on.
struct strata_gc_heap final : strata::gc::listener {
  strata_gc_heap(strata::gc::heap_options options, const strata_gc_listener& told)
      : to_(told), own(with_listener(options)) {}

  void collection_begins(const strata::gc::collection_begin& what) noexcept override;
  void collection_ends(const strata::gc::collection_end& what) noexcept override;
  void heap_grows(const strata::gc::heap_growth& what) noexcept override;
  void memory_is_short(const strata::gc::heap_shortage& what) noexcept override;
  void memory_is_exhausted(std::size_t wanted_bytes) noexcept override;

 private:
  strata::gc::heap_options with_listener(strata::gc::heap_options options) {
    options.listener = this;
    return options;
  }
  strata_gc_listener to_;

 public:
  strata::gc::heap own;
};

// Compiled code finds a mutator's state at offsets from its address: it comes first.
struct strata_gc_mutator {
  explicit strata_gc_mutator(strata_gc_heap& of) : own(of.own) {}
  strata::gc::mutator own;
};

// Headers hold the address of `own`, which comes first, and so is the address of the whole.
struct strata_gc_type {
  strata::gc::type own;
  std::string name;
  std::vector<std::uint32_t> offsets;
  std::vector<std::string> field_names;
};

struct strata_gc_global {
  explicit strata_gc_global(strata_gc_heap& of) : own(of.own.core()) {}
  strata::gc::detail::global_node own;
};

namespace strata::gc {

// What `act` returns; `failed` and errno when it throws.
template <class Result, class Act>
Result told_by_errno(Result failed, Act act) noexcept {
  try {
    return act();
  } catch (const stack_overflow&) {
    errno = EOVERFLOW;
  } catch (const std::bad_alloc&) {
    errno = ENOMEM;
  }
  return failed;
}

}  // namespace strata::gc
