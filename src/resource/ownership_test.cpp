#include <strata/ownership.hpp>

#include <memory>
#include <string>
#include <typeinfo>
#include <unordered_set>

#include <strata/bump.hpp>

#include "resource/ownership_model.hpp"
#include "resource/ownership_subjects.hpp"
#include "resource/resource_test.hpp"

namespace strata {

// The same question is answered in ownership_debug_test.cpp: other names there.
const char* name_of_rc_in_debug_mode();

namespace {

using namespace subjects;

static_assert(!ownership_debug);

// ---- What compiles

static_assert(std::is_convertible_v<rc<both>, rc<front>>);
static_assert(!std::is_convertible_v<rc<both>, rc<rear>>, "elsewhere than at the start");
static_assert(std::is_convertible_v<rc<both>, rc_alias<rear>>);
static_assert(std::is_convertible_v<weak_rc<both>, weak_rc<front>>);
static_assert(!std::is_convertible_v<weak_rc<both>, weak_rc<rear>>);
static_assert(std::is_convertible_v<rc<longer>, rc<plain>>, "no virtual destructor, same address");
static_assert(!std::is_convertible_v<rc<with_table>, rc<plain>>, "behind the table of functions");
static_assert(!std::is_convertible_v<rc<by_virtue>, rc<front>>, "a virtual base");
static_assert(std::is_convertible_v<rc<by_virtue>, rc_alias<front>>);
static_assert(std::is_convertible_v<rc<int>, rc<const int>>);
static_assert(!std::is_convertible_v<rc<const int>, rc<int>>);
static_assert(!std::is_convertible_v<rc<front>, rc<both>>);
static_assert(!std::is_convertible_v<rc<int>, arc<int>>);
static_assert(!std::is_convertible_v<rc<both[]>, rc<front[]>>);

static_assert(std::is_convertible_v<box<both>, box<rear>>);
static_assert(!std::is_convertible_v<box<longer>, box<plain>>, "no virtual destructor");
static_assert(!std::is_convertible_v<box<both, pmr_memory>, box<rear, pmr_memory>>);
static_assert(std::is_convertible_v<box<both, pmr_memory>, box<rear, sized_memory<pmr_memory>>>);
static_assert(!std::is_copy_constructible_v<box<int>>);
static_assert(std::is_nothrow_move_constructible_v<rc<int>> &&
              std::is_nothrow_move_constructible_v<box<int>>);

// ---- rc and arc alike

template <class Counting>
struct Counted : testing::Test {
  template <class T>
  using owner = counted_ptr<T, Counting>;
  template <class T, class... Arguments>
  static owner<T> make(Arguments&&... arguments) {
    return make_counted<T, Counting>(heap_memory(), std::forward<Arguments>(arguments)...);
  }
  int lives_ = 0;
};
using countings = testing::Types<local_counting, atomic_counting>;
TYPED_TEST_SUITE(Counted, countings);

TYPED_TEST(Counted, AgreesWithTheModel) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    test_upstream upstream;
    ownership_model<TypeParam>(seed, &upstream).run(1500);
  }
}

TYPED_TEST(Counted, TheMemoryStaysForTheLastWeakPointer) {
  test_upstream upstream;
  counted_weak<counted_life, TypeParam> weak;
  counted_weak<counted_life, TypeParam> other;
  {
    auto one = make_counted<counted_life, TypeParam>(memory_of(&upstream), this->lives_);
    weak = one;
    other = weak;
    EXPECT_EQ(one.weak_count(), 2u);
    EXPECT_EQ(weak.upgrade(), one);
  }
  EXPECT_EQ(this->lives_, 0);
  EXPECT_TRUE(weak.expired());
  EXPECT_EQ(weak.upgrade(), nullptr);
  EXPECT_EQ(upstream.live_blocks(), 1u);
  weak.reset();
  EXPECT_EQ(upstream.live_blocks(), 1u);
  other.reset();
  EXPECT_EQ(upstream.live_blocks(), 0u);
}

TYPED_TEST(Counted, LivesInAnyMemoryWithTheSizesDocumented) {
  test_upstream upstream;
  auto pointer = make_counted<int, TypeParam>(memory_of(&upstream), 5);
  struct alignas(64) wide {
    char byte = 7;
  };
  auto aligned = make_counted<wide, TypeParam>(memory_of(&upstream));
  EXPECT_EQ(detail::address_of(aligned.get()) % 64, 0u);
  auto array = make_counted<int[], TypeParam>(memory_of(&upstream), 3);
  EXPECT_EQ(upstream.sizes(), (std::vector<std::size_t>{24 + 4, 128, 32 + 12}));
  bump memory(&upstream);
  auto in_bump = make_counted<std::string, TypeParam>(memory_of(memory), 100u, 'x');
  EXPECT_TRUE(memory.owns(in_bump.get()));
  stateless none;
  auto in_none = make_counted<int, TypeParam>(memory_of(none), 1);
  EXPECT_EQ(stateless::live, 1u);
  in_none.reset();
  EXPECT_EQ(stateless::live, 0u);
}

TYPED_TEST(Counted, HoldsArraysWithTheirLength) {
  auto many = this->template make<counted_life[]>(20u, this->lives_, 3);
  EXPECT_EQ(many.size(), 20u);
  EXPECT_EQ(this->lives_, 20);
  auto same = many;
  same[19].value = 4;
  int sum = 0;
  for (const counted_life& each : many) sum += each.value;
  EXPECT_EQ(sum, 61);
  many.reset();
  EXPECT_EQ(many.size(), 0u);
  EXPECT_EQ(many.begin(), many.end());
  EXPECT_EQ(this->lives_, 20);
  same.reset();
  EXPECT_EQ(this->lives_, 0);
  EXPECT_EQ(this->template make<int[]>(0u).size(), 0u);
  EXPECT_THROW((void)this->template make<int[]>(SIZE_MAX / 4), std::bad_array_new_length);
}

TYPED_TEST(Counted, WhatAConstructorThrowsLeavesNothing) {
  test_upstream upstream;
  struct thrower {
    explicit thrower(int& left) : alive(&left) {
      if (left == 5) throw 7;
      ++left;
    }
    ~thrower() { --*alive; }
    int* alive;
  };
  int made = 5;
  EXPECT_THROW((void)(make_counted<thrower, TypeParam>(memory_of(&upstream), made)), int);
  made = 0;
  EXPECT_THROW((void)(make_counted<thrower[], TypeParam>(memory_of(&upstream), 10, made)), int);
  EXPECT_EQ(made, 0) << "those before it were destroyed";
  EXPECT_EQ(upstream.live_blocks(), 0u);
  EXPECT_THROW((void)make_box_on<thrower[]>(&upstream, 10, made), int);
  EXPECT_EQ(made, 0);
}

TYPED_TEST(Counted, ExhaustionIsBadAlloc) {
  test_upstream upstream;
  upstream.left = 1;
  auto one = make_counted<std::string, TypeParam>(memory_of(&upstream), "text");
  EXPECT_THROW((void)(make_counted<int, TypeParam>(memory_of(&upstream))), std::bad_alloc);
  auto other = one;
  EXPECT_THROW((void)other.make_mut(), std::bad_alloc);
  EXPECT_EQ(other, one) << "nothing changed";
  bump memory(&upstream);
  EXPECT_THROW((void)(make_counted<int, TypeParam>(memory_of(memory))), std::bad_alloc);
  EXPECT_THROW((void)make_box_on<int>(memory), std::bad_alloc);
}

TYPED_TEST(Counted, ABaseAtTheStartIsTheSamePointer) {
  auto whole = this->template make<both>();
  typename TestFixture::template owner<front> base = whole;
  EXPECT_EQ(base->in_front, 1);
  EXPECT_EQ(base, whole);
  EXPECT_EQ(whole.strong_count(), 2u);
  whole.reset();
  auto down = static_pointer_cast<both>(base);
  EXPECT_EQ(down->own, 3);
  EXPECT_EQ(dynamic_pointer_cast<both>(base), down);
  EXPECT_EQ(dynamic_pointer_cast<square>(base), nullptr);
  // No virtual destructor is needed: leaks of the text would be seen.
  typename TestFixture::template owner<plain> simple = this->template make<longer>();
  EXPECT_EQ(simple->first, 1);
  EXPECT_EQ(static_pointer_cast<longer>(std::move(simple))->text.size(), 53u);
  typename TestFixture::template owner<const plain> fixed = this->template make<plain>();
  const_pointer_cast<plain>(fixed)->first = 9;
  EXPECT_EQ(fixed->first, 9);
}

TYPED_TEST(Counted, ABaseElsewhereIsAnAlias) {
  auto whole = this->template make<both>();
  counted_alias<rear, TypeParam> base = whole;
  EXPECT_EQ(base->in_rear, 2);
  EXPECT_EQ(whole.strong_count(), 2u);
  auto side = dynamic_alias_cast<rear>(counted_ptr<front, TypeParam>(whole));
  EXPECT_EQ(side.get(), base.get());
  EXPECT_FALSE(dynamic_alias_cast<shape>(counted_ptr<front, TypeParam>(whole)));
  counted_alias<front, TypeParam> through = this->template make<by_virtue>();
  EXPECT_EQ(through->in_front, 1);
  // From a base, a class that has its own elsewhere is not to be had as one pointer.
  EXPECT_EQ(dynamic_pointer_cast<rear>(counted_ptr<front, TypeParam>(whole)), nullptr);
}

TYPED_TEST(Counted, AnAliasKeepsTheWholeAlive) {
  counted_alias<int, TypeParam> value;
  {
    auto one = this->template make<counted_life>(this->lives_, 8);
    value = alias(one, &one->value);
  }
  EXPECT_EQ(this->lives_, 1);
  EXPECT_EQ(*value, 8);
  EXPECT_EQ(value.strong_count(), 1u);
  static const int elsewhere = 6;
  auto other = value.with(&elsewhere);
  EXPECT_EQ(*other, 6);
  EXPECT_EQ(value.strong_count(), 2u);
  value = {};
  EXPECT_EQ(this->lives_, 1);
  other = {};
  EXPECT_EQ(this->lives_, 0);
}

TYPED_TEST(Counted, GetMutWantsToBeAlone) {
  auto one = this->template make<int>(1);
  ASSERT_NE(one.get_mut(), nullptr);
  auto weak = one.downgrade();
  EXPECT_EQ(one.get_mut(), nullptr) << "it could be upgraded";
  weak.reset();
  EXPECT_NE(one.get_mut(), nullptr);
  auto other = one;
  EXPECT_EQ(one.get_mut(), nullptr);
  EXPECT_EQ((counted_ptr<int, TypeParam>().get_mut()), nullptr);
}

TYPED_TEST(Counted, MakeMutCopiesWhatIsShared) {
  test_upstream upstream;
  auto one = make_counted<counted_life, TypeParam>(memory_of(&upstream), this->lives_, 1);
  counted_life* at = one.get();
  one.make_mut().value = 2;
  EXPECT_EQ(one.get(), at) << "alone: in place";
  auto other = one;
  other.make_mut().value = 3;
  EXPECT_EQ(one->value, 2);
  EXPECT_EQ(other->value, 3);
  EXPECT_EQ(this->lives_, 2);
  EXPECT_EQ(upstream.live_blocks(), 2u) << "the copy is in the same memory";
  auto weak = one.downgrade();
  one.make_mut().value = 4;
  EXPECT_EQ(weak.upgrade(), nullptr) << "moved away from it";
  EXPECT_EQ(one->value, 4);
  EXPECT_EQ(this->lives_, 2);
}

TYPED_TEST(Counted, TryUnwrapGivesTheObjectToItsLastOwner) {
  auto one = this->template make<counted_life>(this->lives_, 5);
  auto weak = one.downgrade();
  auto other = one;
  EXPECT_FALSE(one.try_unwrap().has_value());
  EXPECT_NE(one, nullptr);
  other.reset();
  std::optional<counted_life> value = one.try_unwrap();
  ASSERT_TRUE(value.has_value());
  EXPECT_EQ(value->value, 5);
  EXPECT_EQ(one, nullptr);
  EXPECT_EQ(weak.upgrade(), nullptr);
  EXPECT_EQ(this->lives_, 1);
}

TYPED_TEST(Counted, LeakIsForEver) {
  test_upstream upstream;
  auto one = make_counted<counted_life, TypeParam>(memory_of(&upstream), this->lives_, 5);
  auto other = one;
  counted_life& for_ever = std::move(one).leak();
  other.reset();
  EXPECT_EQ(this->lives_, 1);
  EXPECT_EQ(for_ever.value, 5);
  detail::drop_strong<TypeParam>(&for_ever);  // not for long in a test
}

TYPED_TEST(Counted, NullIsHarmlessWhereItIsNotUsed) {
  counted_ptr<int, TypeParam> none;
  auto copy = none;
  auto moved = std::move(copy);
  counted_weak<int, TypeParam> weak = none;
  EXPECT_EQ(weak.upgrade(), nullptr);
  EXPECT_EQ(none.strong_count() + none.weak_count() + weak.strong_count(), 0u);
  EXPECT_EQ(none, moved);
  auto& same = none;
  none = same;
  counted_alias<int, TypeParam> nothing;
  EXPECT_FALSE(nothing);
  EXPECT_EQ(dynamic_pointer_cast<both>(counted_ptr<front, TypeParam>(nullptr)), nullptr);
}

TYPED_TEST(Counted, StandsInSets) {
  std::unordered_set<counted_ptr<int, TypeParam>> set;
  auto one = this->template make<int>(1);
  set.insert(one);
  EXPECT_TRUE(set.contains(one));
  EXPECT_FALSE(set.contains(this->template make<int>(1)));
}

template <class Counting>
struct introspective : front, counted_from_this<introspective<Counting>, Counting> {
  counted_ptr<introspective, Counting> self() { return this->from_this(); }
};

TYPED_TEST(Counted, FromThisIsOneMoreOwner) {
  using object = introspective<TypeParam>;
  auto one = this->template make<object>();
  auto same = one->self();
  EXPECT_EQ(same, one);
  EXPECT_EQ(one.strong_count(), 2u);
  EXPECT_EQ(one->weak_from_this().upgrade(), one);
  object on_stack;
  EXPECT_THROW((void)on_stack.self(), std::bad_weak_ptr);
  object copy = *one;
  EXPECT_THROW((void)copy.self(), std::bad_weak_ptr) << "a copy has other owners";
  (void)same.make_mut();
  EXPECT_NE(same, one);
  EXPECT_EQ(same->self(), same);
}

template <class Counting>
struct parting : counted_from_this<parting<Counting>, Counting> {
  explicit parting(int& into) : thrown(&into) { note(); }
  ~parting() { note(); }
  void note() {
    try {
      (void)this->from_this();
    } catch (const std::bad_weak_ptr&) {
      ++*thrown;
    }
  }
  int* thrown;
};

TYPED_TEST(Counted, FromThisHasNothingToGiveAtBirthAndDeath) {
  int thrown = 0;
  (void)this->template make<parting<TypeParam>>(thrown);
  EXPECT_EQ(thrown, 2);
}

// Objects that own the next one and are destroyed in turn; one whose destructor moves its own owner.
TYPED_TEST(Counted, ChainsAndParentsWithWeakPointersGoInOnePiece) {
  struct node {
    explicit node(int& in) : life(in) {}
    counted_life life;
    std::vector<counted_ptr<node, TypeParam>> children;
    counted_weak<node, TypeParam> parent;
  };
  auto root = this->template make<node>(this->lives_);
  for (int i = 0; i < 10; ++i) {
    auto child = this->template make<node>(this->lives_);
    child->parent = root;
    root->children.push_back(child);
  }
  EXPECT_EQ(this->lives_, 11);
  auto kept = root->children[3];
  root.reset();
  EXPECT_EQ(this->lives_, 1);
  EXPECT_EQ(kept->parent.upgrade(), nullptr);
}

TYPED_TEST(Counted, BorrowedIsAPointer) {
  auto one = this->template make<both>();
  borrowed<both> lent = one.borrow();
  EXPECT_EQ(lent->own, 3);
  static_assert(sizeof lent == sizeof(void*));
}

// ---- Wrong use

template <class Counting>
using CountedDeathTest = Counted<Counting>;
TYPED_TEST_SUITE(CountedDeathTest, countings);

// As after all but the last of its owners were forgotten.
template <class Counting>
void set_counts(void* object, std::uint32_t strong, std::uint32_t weak) {
  auto* counts = &detail::header_of<Counting>(object)->counts;
  ::new (counts) typename Counting::pair(strong, weak);
}

TYPED_TEST(CountedDeathTest, TooManyOwnersStop) {
  auto one = this->template make<int>(1);
  auto weak = one.downgrade();
  for (bool in_thread : {false, true}) {
    if (in_thread != std::is_same_v<TypeParam, atomic_counting>) continue;
    std::uint32_t most = in_thread ? INT32_MAX : UINT32_MAX;
    set_counts<TypeParam>(one.get(), most, 2);
    EXPECT_DEATH((void)counted_ptr(one), "strata: ownership: too many owners: address 0x");
    EXPECT_DEATH((void)weak.upgrade(), "strata: ownership: too many owners");
    set_counts<TypeParam>(one.get(), 1, in_thread ? most + 1 : most);
    EXPECT_DEATH((void)one.downgrade(), "strata: ownership: too many owners");
  }
  set_counts<TypeParam>(one.get(), 1, 2);
}

TYPED_TEST(CountedDeathTest, APartIsNotCopiedOutOfTheWhole) {
  counted_ptr<plain, TypeParam> base = this->template make<longer>();
  auto other = base;
  EXPECT_DEATH((void)other.make_mut(), "object used as a whole by a pointer to a part of it");
  other.reset();
  EXPECT_DEATH((void)base.try_unwrap(), "a part of it: address 0x[0-9a-f]*, type .*plain");
}

TYPED_TEST(CountedDeathTest, AnAbstractClassIsAskedWhenItIsCast) {
  counted_ptr<flat, TypeParam> abstract = this->template make<square>();
  counted_ptr<rear, TypeParam> at_start = abstract;
  EXPECT_EQ(at_start->in_rear, 2);
  EXPECT_DEATH((void)(counted_ptr<shape, TypeParam>(abstract)), "a pointer to a part of it");
  counted_alias<shape, TypeParam> elsewhere = abstract;
  EXPECT_EQ(elsewhere->area(), 4);
}

// A function that takes an rc has another name in the other mode, and the linker finds none.
TEST(Ownership, ModesDoNotLink) {
  EXPECT_STRNE(typeid(rc<int>).name(), name_of_rc_in_debug_mode());
}

}  // namespace
}  // namespace strata
