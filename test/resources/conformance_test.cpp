// strata::allocator and the pmr views meet the standard's requirements, for every resource: what can
// be said of types at compile time, what can't over each resource.
#include "conformance.hpp"

#include <array>
#include <map>
#include <memory>
#include <memory_resource>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include "subjects.hpp"

namespace strata {
namespace {

// ---- The checker itself: it accepts std's and refuses what lacks one thing

static_assert(conforming_allocator<std::allocator<int>, int>);
static_assert(conforming_allocator<std::pmr::polymorphic_allocator<int>, int>);

template <class T>
struct without_rebinding {
  using value_type = T;
  T* allocate(std::size_t count);
  void deallocate(T* block, std::size_t count);
  bool operator==(const without_rebinding&) const noexcept = default;
};
static_assert(copies_and_compares<without_rebinding<int>> &&
              allocates<without_rebinding<int>, int> && !rebinds<without_rebinding<int>, int>);

template <class T>
struct with_explicit_rebinding : without_rebinding<T> {
  with_explicit_rebinding() = default;
  template <class U>
  explicit with_explicit_rebinding(const with_explicit_rebinding<U>&) noexcept;
  template <class U>
  bool operator==(const with_explicit_rebinding<U>&) const noexcept;
};
static_assert(!rebinds<with_explicit_rebinding<int>, int>);

struct that_throws_when_copied : std::allocator<int> {
  that_throws_when_copied(const that_throws_when_copied&) noexcept(false);
};
static_assert(!copies_and_compares<that_throws_when_copied>);

struct without_comparison {
  using value_type = int;
};
static_assert(has_its_types<without_comparison, int> && !copies_and_compares<without_comparison> &&
              !allocates<without_comparison, int>);
static_assert(!has_its_types<std::allocator<int>, long>);

struct equal_with_state : without_rebinding<int> {
  using is_always_equal = std::true_type;
  int state;
};
static_assert(!has_traits_that_fit<equal_with_state>);

// ---- Every resource

class incomplete;

template <class Memory>
using text_in = std::basic_string<char, std::char_traits<char>, allocator<char, Memory>>;

template <class Memory, class T>
constexpr bool allocator_conforms() {
  using tried = allocator<T, Memory>;
  static_assert(has_its_types<tried, T>);
  static_assert(copies_and_compares<tried>);
  static_assert(rebinds<tried, T>);
  static_assert(allocates<tried, T>);
  static_assert(has_traits_that_fit<tried>);
  static_assert(conforming_allocator<tried, T>);
  // An allocator can be named, and made, while its type is incomplete: [allocator.requirements.completeness].
  static_assert(sizeof(allocator<incomplete, Memory>) == sizeof(void*));
  static_assert(std::convertible_to<Memory&, allocator<incomplete, Memory>>);
  // It stays with its container.
  static_assert(!std::allocator_traits<tried>::propagate_on_container_copy_assignment::value &&
                !std::allocator_traits<tried>::propagate_on_container_move_assignment::value &&
                !std::allocator_traits<tried>::propagate_on_container_swap::value &&
                !std::allocator_traits<tried>::is_always_equal::value);
  // What takes an allocator takes it, also when it is for another type.
  using text = text_in<Memory>;
  static_assert(std::uses_allocator_v<text, tried> &&
                std::uses_allocator_v<std::vector<T, tried>, allocator<std::byte, Memory>>);
  static_assert(!std::uses_allocator_v<std::vector<T>, tried>);
  return true;
}

template <class Memory>
constexpr bool resource_conforms() {
  static_assert(resource<Memory>);
  static_assert(std::derived_from<as_pmr<Memory>, std::pmr::memory_resource> &&
                std::derived_from<pmr_ref<Memory>, std::pmr::memory_resource>);
  static_assert(std::convertible_to<as_pmr<Memory>*, std::pmr::memory_resource*> &&
                std::convertible_to<pmr_ref<Memory>*, std::pmr::memory_resource*>);
  static_assert(!std::is_abstract_v<as_pmr<Memory>> && !std::is_abstract_v<pmr_ref<Memory>>);
  static_assert(std::has_virtual_destructor_v<pmr_ref<Memory>>);
  static_assert(!std::is_copy_constructible_v<Memory> && !std::is_move_constructible_v<Memory> &&
                !std::is_copy_constructible_v<as_pmr<Memory>>);
  return allocator_conforms<Memory, char>() &&
         allocator_conforms<Memory, std::pair<int, void*>>() &&
         allocator_conforms<Memory, far_aligned>();
}

template <class>
constexpr bool all_conform = false;
template <class... Subjects>
constexpr bool all_conform<testing::Types<Subjects...>> =
    (resource_conforms<typename Subjects::type>() && ...);
static_assert(all_conform<all_subjects>);
// Those that serve no container still are resources.
static_assert(resource_conforms<slab>() && resource_conforms<stack_pool>());

// ---- What runs

template <class Subject>
class Conformance : public WithSubject<Subject> {};
TYPED_TEST_SUITE(Conformance, all_subjects, subject_names);

TYPED_TEST(Conformance, EqualAllocatorsFreeEachOthersMemory) {
  using memory_type = typename TestFixture::resource_type;
  allocator<int, memory_type> numbers(this->memory());
  allocator<char, memory_type> bytes(numbers);
  allocator<int, memory_type> back(bytes);
  EXPECT_TRUE(numbers == back && numbers == bytes && !(numbers != bytes));
  int* block = numbers.allocate(100);
  std::uninitialized_fill_n(block, 100, 7);
  auto moved = std::move(numbers);
  EXPECT_TRUE(moved == back) << "a move leaves the value as it was";
  EXPECT_TRUE(numbers == back);  // NOLINT(bugprone-use-after-move): that is the requirement
  EXPECT_EQ(block[99], 7);
  back.deallocate(block, 100);
  TypeParam other;
  EXPECT_TRUE(back != (allocator<char, memory_type>(other.memory)));
  auto chosen = std::allocator_traits<decltype(back)>::select_on_container_copy_construction(back);
  EXPECT_TRUE(chosen == back);
}

TYPED_TEST(Conformance, MemoryIsAlignedAndApart) {
  typename TestFixture::template allocator_of<far_aligned> lines(this->memory());
  typename TestFixture::template allocator_of<unsigned char> bytes(this->memory());
  struct pair {
    far_aligned* lines;
    unsigned char* bytes;
    std::size_t count;
  };
  std::vector<pair> blocks;
  for (std::size_t count = 1; count <= 40; ++count) {
    blocks.push_back({lines.allocate(count), bytes.allocate(count), count});
    EXPECT_EQ(detail::address_of(blocks.back().lines) % alignof(far_aligned), 0u);
    std::memset(blocks.back().lines, static_cast<int>(count), count * sizeof(far_aligned));
    std::memset(blocks.back().bytes, static_cast<int>(count), count);
  }
  for (auto [line, byte, count] : blocks) {
    for (std::size_t i = 0; i < count; ++i) {
      ASSERT_EQ(line[i].bytes[0], static_cast<char>(count));
      ASSERT_EQ(line[i].bytes[63], static_cast<char>(count));
      ASSERT_EQ(byte[i], count);
    }
    lines.deallocate(line, count);
    bytes.deallocate(byte, count);
  }
}

TYPED_TEST(Conformance, WhatCannotBeIsRefused) {
  typename TestFixture::template allocator_of<far_aligned> lines(this->memory());
  const volatile std::size_t most = SIZE_MAX;  // compilers warn of sizes that they know
  EXPECT_THROW(static_cast<void>(lines.allocate(most)), std::bad_array_new_length);
  EXPECT_THROW(static_cast<void>(lines.allocate(most / 64)), std::bad_alloc);
  EXPECT_THROW(static_cast<void>(lines.allocate(most / 128)), std::bad_alloc);
  pmr_ref view(this->memory());
  EXPECT_THROW(static_cast<void>(view.allocate(most - 200, 8)), std::bad_alloc);
  EXPECT_THROW(static_cast<void>(view.allocate(most, 1)), std::bad_alloc);
}

TYPED_TEST(Conformance, AViewIsAMemoryResource) {
  using memory_type = typename TestFixture::resource_type;
  pmr_ref view(this->memory());
  pmr_ref same(this->memory());
  TypeParam other;
  pmr_ref<memory_type> different(other.memory);
  std::pmr::memory_resource& base = view;
  EXPECT_TRUE(base == base && base == same && same == base);
  EXPECT_TRUE(base != different && base != *std::pmr::new_delete_resource());
  for (std::size_t alignment = 1; alignment <= 256; alignment *= 2) {
    void* block = base.allocate(alignment + 3, alignment);
    EXPECT_EQ(detail::address_of(block) % alignment, 0u);
    std::memset(block, 1, alignment + 3);
    same.deallocate(block, alignment + 3, alignment);
  }
}

TYPED_TEST(Conformance, ConstructsWithItself) {
  using memory_type = typename TestFixture::resource_type;
  using text = text_in<memory_type>;
  allocator<std::byte, memory_type> bytes(this->memory());
  auto made = std::make_obj_using_allocator<text>(bytes, 100u, 'x');
  EXPECT_EQ(&made.get_allocator().from(), &this->memory());
  auto both = std::make_obj_using_allocator<std::pair<text, int>>(bytes, "left", 5);
  EXPECT_EQ(&both.first.get_allocator().from(), &this->memory());
  std::shared_ptr<text> shared =
      std::allocate_shared<text>(bytes, 50u, 'y', allocator<char, memory_type>(bytes));
  EXPECT_EQ(std::string_view(*shared), std::string(50, 'y'));
  using owner_map = std::map<int, std::unique_ptr<int>, std::less<>,
                             allocator<std::pair<const int, std::unique_ptr<int>>, memory_type>>;
  owner_map owners(bytes);
  owners.emplace(1, std::make_unique<int>(2));
  EXPECT_EQ(*owners[1], 2);
}

}  // namespace
}  // namespace strata
