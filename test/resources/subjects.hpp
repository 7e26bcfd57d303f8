// The resources under test: each in a struct that makes it, and what must hold when its users are
// done.
//
//   struct { test_upstream upstream; Resource memory; }
//            ^ fails the test if a chunk is not given back, or with a wrong size
//
// all_subjects serve any size: the tests of all users are typed by them. A slab serves one size: it
// is among them as a part, and alone where the users are nodes.
#pragma once

#include <strata/account.hpp>
#include <strata/bitmap.hpp>
#include <strata/buddy.hpp>
#include <strata/buffer_arena.hpp>
#include <strata/buffer_pool.hpp>
#include <strata/bump.hpp>
#include <strata/compose.hpp>
#include <strata/diagnose.hpp>
#include <strata/direct_buffer.hpp>
#include <strata/frame_pool.hpp>
#include <strata/free_list.hpp>
#include <strata/pools.hpp>
#include <strata/slab.hpp>
#include <strata/stack_pool.hpp>
#include <strata/test_resource.hpp>
#include <strata/thread_front.hpp>
#include <strata/tlsf.hpp>

#include <cxxabi.h>
#include <cctype>
#include <cstdlib>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <typeinfo>
#include <utility>

#include "resource/resource_test.hpp"

namespace strata {

constexpr std::size_t subject_bytes = std::size_t{4} << 20;  // more than any user takes

template <resource Resource>
struct over_upstream {
  using type = Resource;
  test_upstream upstream;
  Resource memory{&upstream};
};
template <resource Resource>
struct in_a_buffer {
  using type = Resource;
  std::unique_ptr<std::byte[]> buffer = std::make_unique<std::byte[]>(subject_bytes);
  Resource memory{std::span<std::byte>(buffer.get(), subject_bytes)};
};

struct of_fixed_length {
  using type = buddy;
  test_upstream upstream;
  buddy memory{subject_bytes, &upstream};
};
struct with_a_limit {
  using type = limited<pools>;
  test_upstream upstream;
  limited<pools> memory{subject_bytes, &upstream};
};
struct slab_with_a_heap {
  using type = segregator<64, slab, upstream_ref>;
  test_upstream upstream;
  type memory{std::piecewise_construct, std::forward_as_tuple(64, 64, &upstream),
              std::forward_as_tuple(&upstream)};
};
struct slab_that_falls_back {
  using type = fallback<slab, upstream_ref>;
  test_upstream upstream;
  type memory{std::piecewise_construct, std::forward_as_tuple(48, 16, &upstream),
              std::forward_as_tuple(&upstream)};
};
struct elsewhere {
  using type = by_reference<tlsf>;
  test_upstream upstream;
  tlsf there{&upstream};
  type memory{there};
};
struct that_may_fail {
  using type = failing<best_fit>;
  test_upstream upstream;
  type memory{failing_options{}, &upstream};
};
struct on_an_account {
  using type = accounted<tlsf>;
  test_upstream upstream;
  account charged{"users"};
  type memory{charged, &upstream};
};
struct of_buffers {
  using type = buffer_pool;
  test_upstream upstream;
  type memory{{.total_bytes = subject_bytes, .poolable_bytes = 256, .alignment = 256}, &upstream};
};
struct of_pages {
  using type = direct_budget;
  test_upstream upstream;
  type memory{std::size_t{1} << 30, {}, &upstream};
};
struct of_stacks {
  using type = frame_pool;
  stack_pool stacks{{.stack_bytes = std::size_t{512} << 10}};
  type memory{stacks};
};
using all_at_once = over_upstream<synchronized<thread_front<fenced<tracked<pools>>>>>;

using all_subjects = testing::Types<
    over_upstream<bump>, over_upstream<first_fit>, over_upstream<next_fit>, over_upstream<best_fit>,
    over_upstream<segregated_fit>, in_a_buffer<segregated_fit>, over_upstream<tlsf>,
    in_a_buffer<tlsf>, over_upstream<bitmap>, in_a_buffer<bitmap>, of_fixed_length,
    slab_with_a_heap, slab_that_falls_back, over_upstream<pools>, over_upstream<synchronized_pools>,
    over_upstream<buffer_arena>, of_buffers, of_pages, of_stacks, over_upstream<test_resource>,
    over_upstream<upstream_ref>, elsewhere, over_upstream<thread_front<tlsf>>,
    over_upstream<synchronized<bitmap>>, with_a_limit, over_upstream<fenced<tlsf>>,
    over_upstream<tracked<segregated_fit>>, that_may_fail, on_an_account, all_at_once>;

// What a test's name says behind its number: fenced_tlsf.
struct subject_names {
  template <class Subject>
  static std::string GetName(int number) {
    int status = 0;
    char* readable =
        abi::__cxa_demangle(typeid(typename Subject::type).name(), nullptr, nullptr, &status);
    std::string kept = std::to_string(number) + "_";
    for (std::string_view left = readable; !left.empty(); left.remove_prefix(1)) {
      if (left.starts_with("strata::")) left.remove_prefix(8);
      if (left[0] == '<' || left[0] == ',') kept += '_';
      if (std::isalnum(static_cast<unsigned char>(left[0])) != 0 || left[0] == '_') kept += left[0];
    }
    std::free(readable);
    return kept;
  }
};

// A test with one of them, empty at the end.
template <class Subject>
class WithSubject : public testing::Test {
 protected:
  using resource_type = typename Subject::type;
  template <class T>
  using allocator_of = allocator<T, resource_type>;

  [[nodiscard]] resource_type& memory() { return subject_.memory; }

  void TearDown() override { expect_empty(subject_.memory); }
  static void expect_empty(resource_type& one) {
    drain(one);
    one.verify();
    resource_statistics now = one.statistics();
    EXPECT_LE(now.used_bytes, now.peak_used_bytes);
    if (now.live_blocks != resource_statistics::not_counted) {
      EXPECT_EQ(now.live_blocks, 0u);
      EXPECT_EQ(now.used_bytes, 0u);
    }
    if constexpr (detail::has_map<resource_type>) expect_regions_add_up(one);
  }

 private:
  // What threads cache counts as used in the part: with what the part adds to each block.
  static void drain(auto& one) {
    if constexpr (requires { one.drain(); })
      one.drain();
    else if constexpr (requires { one.with([](auto& /*part*/) {}); })
      one.with([](auto& part) { drain(part); });
  }

  Subject subject_;
};

}  // namespace strata
