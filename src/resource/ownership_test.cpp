#include <strata/ownership.hpp>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <typeinfo>
#include <unordered_set>

#include <strata/bump.hpp>

#include "resource/ownership_model.hpp"
#include "resource/resource_test.hpp"

namespace strata {

// The same question is answered in ownership_debug_test.cpp: other names there.
const char* name_of_rc_in_debug_mode();

namespace {

static_assert(!ownership_debug);

struct counted_life {
  explicit counted_life(int& in, int with = 0) : lives(&in), value(with) { ++in; }
  counted_life(const counted_life& other) : lives(other.lives), value(other.value) { ++*lives; }
  counted_life(counted_life&& other) noexcept : lives(other.lives), value(other.value) {
    ++*lives;
    other.value = -1;
  }
  counted_life& operator=(const counted_life&) = delete;
  ~counted_life() { --*lives; }
  int* lives;
  int value;
};

struct front {
  virtual ~front() = default;
  int in_front = 1;
};
struct rear {
  virtual ~rear() = default;
  int in_rear = 2;
};
struct both : front, rear {
  int own = 3;
};
struct plain {
  int first = 1;
};
struct longer : plain {
  std::string text = "a string that is too long for the string's own buffer";
};
struct with_table : plain {
  virtual ~with_table() = default;
};
struct by_virtue : virtual front {};
struct shape {
  virtual ~shape() = default;
  virtual int area() = 0;
};
struct flat : rear, shape {};  // abstract: its shape is not at its start
struct square final : flat {
  int area() override { return 4; }
};

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

// ---- Box

// Without state, and so in one pointer.
struct stateless {
  static inline std::size_t live = 0;
  void* try_allocate(std::size_t bytes, std::size_t alignment) noexcept {
    ++live;
    return heap_memory::allocate(bytes, alignment);
  }
  void deallocate(void* block, std::size_t bytes, std::size_t alignment) noexcept {
    --live;
    heap_memory::deallocate(block, bytes, alignment);
  }
  [[nodiscard]] resource_statistics statistics() const { return {}; }
  void verify() const {}
  template <class Visit>
  void each_region(Visit) const {}
};
static_assert(resource<stateless>);
static_assert(sizeof(box<int, resource_memory<stateless>>) == sizeof(void*));

TEST(Box, AgreesWithTheModel) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) run_box_model(seed, 1000);
}

TEST(Box, MovesAndIsKnownToBeMovedFrom) {
  int lives = 0;
  auto one = make_box<counted_life>(lives, 7);
  box<counted_life> other = std::move(one);
  EXPECT_EQ(one, nullptr);  // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(other->value, 7);
  one = std::move(other);
  EXPECT_EQ(one->value, 7);
  EXPECT_EQ(lives, 1);
  one.reset();
  EXPECT_EQ(lives, 0);
}

TEST(Box, LivesInAnyMemory) {
  test_upstream upstream;
  bump memory(&upstream);
  int lives = 0;
  {
    auto in_pmr = make_box_on<counted_life>(&upstream, lives, 1);
    auto in_bump = make_box_on<counted_life>(memory, lives, 2);
    stateless none;
    auto in_none = make_box_on<counted_life>(none, lives, 3);
    EXPECT_TRUE(memory.owns(in_bump.get()));
    EXPECT_EQ(upstream.live_blocks(), 2u);
    EXPECT_EQ(stateless::live, 1u);
    auto moved = std::move(in_pmr);
    moved = make_box_on<counted_life>(&upstream, lives, 4);
    EXPECT_EQ(lives, 3);
  }
  EXPECT_EQ(lives, 0);
  EXPECT_EQ(stateless::live, 0u);
  memory.release();
}

TEST(Box, OfABaseGivesBackTheWhole) {
  test_upstream upstream;
  box<rear> on_heap = make_box<both>();
  EXPECT_EQ(on_heap->in_rear, 2);
  box<rear, sized_memory<pmr_memory>> in_memory = make_box_on<both>(&upstream);
  EXPECT_EQ(in_memory->in_rear, 2);
  in_memory = make_box_on<both>(&upstream);  // the upstream checks sizes and addresses
  EXPECT_EQ(upstream.live_blocks(), 1u);
}

TEST(Box, HoldsArrays) {
  test_upstream upstream;
  int lives = 0;
  auto many = make_box_on<counted_life[]>(&upstream, 10, lives, 5);
  EXPECT_EQ(many.size(), 10u);
  EXPECT_EQ(lives, 10);
  int sum = 0;
  for (const counted_life& each : many) sum += each.value;
  EXPECT_EQ(sum, 50);
  many = nullptr;
  EXPECT_EQ(lives, 0);
  auto zeros = make_box<int[]>(100);
  EXPECT_EQ(zeros[99], 0);
  EXPECT_EQ(make_box<int[]>(0).size(), 0u);
  std::size_t length = zeros.size();
  zeros = box<int[]>::from_raw(std::move(zeros).into_raw(), length);
  EXPECT_EQ(zeros.size(), 100u);
  EXPECT_THROW((void)make_box<int[]>(SIZE_MAX / 2), std::bad_array_new_length);
}

TEST(Box, EndsByADeleterToo) {
  static int ended = 0;
  auto deleter = [](int*) noexcept { ++ended; };
  int on_stack = 5;
  {
    auto one = box<int, decltype(deleter)>::from_raw(&on_stack);
    static_assert(sizeof one == sizeof(void*));
    EXPECT_EQ(*one, 5);
  }
  EXPECT_EQ(ended, 1);
}

TEST(Box, LetsGoOnlyWhenTold) {
  int lives = 0;
  int* number = make_box<int>(4).into_raw();
  EXPECT_EQ(*box<int>::from_raw(number), 4);
  counted_life& for_ever = make_box<counted_life>(lives).leak();
  EXPECT_EQ(lives, 1);
  delete &for_ever;
}

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

// ---- Intrusive

template <class Base>
struct carried : Base {
  explicit carried(int& in) : life(in) {}
  virtual ~carried() = default;
  counted_life life;
};

TEST(Intrusive, CountsInTheObjectAndFreesAtOnce) {
  int lives = 0;
  auto one = make_intrusive<carried<intrusive_count>>(lives);
  intrusive_rc<carried<intrusive_count>> from_pointer(one.get());
  EXPECT_EQ(one.strong_count(), 2u);
  EXPECT_EQ(one, from_pointer);
  auto moved = std::move(from_pointer);
  auto* raw = std::move(moved).into_raw();
  EXPECT_EQ(one.strong_count(), 2u);
  moved = intrusive_rc<carried<intrusive_count>>::from_raw(raw);
  one.reset();
  EXPECT_EQ(lives, 1);
  moved = nullptr;
  EXPECT_EQ(lives, 0);
}

TEST(Intrusive, ADerivedObjectIsSharedAsItsBase) {
  struct more : carried<intrusive_count> {
    using carried::carried;
    std::string text = "a string that is too long for the string's own buffer";
  };
  int lives = 0;
  intrusive_rc<carried<intrusive_count>> base = make_intrusive<more>(lives);
  intrusive_rc<const carried<intrusive_count>> fixed = base;
  EXPECT_EQ(fixed.strong_count(), 2u);
  base.reset();
  fixed.reset();
  EXPECT_EQ(lives, 0);
}

TEST(Intrusive, AgreesWithTheModel) {
  using object = carried<intrusive_atomic_count>;
  int lives = 0;
  std::mt19937 random(3);
  std::vector<intrusive_rc<object>> owners;
  for (int turn = 0; turn < 5000; ++turn) {
    if (owners.empty() || random() % 4 == 0) {
      owners.push_back(make_intrusive<object>(lives));
    } else {
      auto which = owners.begin() + static_cast<std::ptrdiff_t>(random() % owners.size());
      if (random() % 2 == 0)
        owners.push_back(intrusive_rc<object>(which->get()));
      else
        owners.erase(which);
    }
    if (turn % 64 != 0) continue;
    std::map<object*, std::uint32_t> count;
    for (const auto& each : owners) ++count[each.get()];
    ASSERT_EQ(count.size(), static_cast<std::size_t>(lives));
    for (const auto& each : owners) ASSERT_EQ(each.strong_count(), count[each.get()]);
  }
  owners.clear();
  EXPECT_EQ(lives, 0);
}

// ---- Threads

constexpr int threads = 4;
template <class Work>
void in_threads(Work work) {
  std::vector<std::thread> running;
  for (int i = 0; i < threads; ++i) running.emplace_back(work, i);
  for (std::thread& each : running) each.join();
}

TEST(ArcThreads, TheLastDropSeesWhatAllDid) {
  struct tally {
    explicit tally(int& in) : result(&in) {}
    tally(const tally&) = delete;
    tally& operator=(const tally&) = delete;
    ~tally() {
      for (int each : slots) *result += each;  // plain reads: races are seen
    }
    int slots[threads] = {};
    int* result;
  };
  for (int round = 0; round < 300; ++round) {
    int result = 0;
    std::vector<arc<tally>> owners(threads, make_arc<tally>(result));
    in_threads([&](int i) {
      arc<tally> own = std::move(owners[static_cast<std::size_t>(i)]);
      arc<tally> copy = own;
      own->slots[i] = 1;
      own.reset();
      copy.reset();
    });
    ASSERT_EQ(result, threads);
  }
}

TEST(ArcThreads, UpgradeRacesWithTheLastDrop) {
  for (int round = 0; round < 300; ++round) {
    std::atomic<int> lives = 0;
    struct life {
      explicit life(std::atomic<int>& in) : count(&in) { ++in; }
      life(const life&) = delete;
      life& operator=(const life&) = delete;
      ~life() {
        value = 0;
        --*count;
      }
      std::atomic<int>* count;
      int value = 77;
    };
    std::vector<arc<life>> owners(2, make_arc<life>(lives));
    std::vector<weak_arc<life>> weaks(threads, owners[0].downgrade());
    std::atomic<bool> wrong = false;
    in_threads([&](int i) {
      auto which = static_cast<std::size_t>(i);
      if (which < 2) owners[which].reset();
      for (int turn = 0; turn < 20; ++turn) {
        if (arc<life> got = weaks[which].upgrade(); got != nullptr && got->value != 77) {
          wrong = true;
        }
      }
      weaks[which].reset();
    });
    ASSERT_FALSE(wrong);
    ASSERT_EQ(lives, 0);
  }
}

TEST(ArcThreads, OneUnwrapsAndGetMutWaitsForTheOthers) {
  for (int round = 0; round < 300; ++round) {
    std::vector<arc<int>> owners(threads, make_arc<int>(0));
    std::atomic<int> unwrapped = 0;
    in_threads([&](int i) {
      arc<int>& own = owners[static_cast<std::size_t>(i)];
      if (int* alone = own.get_mut(); alone != nullptr) *alone = i;  // plain: a race would be seen
      if (own.try_unwrap().has_value())
        ++unwrapped;
      else
        own.reset();
    });
    ASSERT_LE(unwrapped, 1);
  }
}

TEST(ArcThreads, RandomProgramsCountRight) {
  struct life {
    explicit life(std::atomic<int>& in) : count(&in) { ++in; }
    life(const life& other) : count(other.count) { ++*count; }
    life& operator=(const life&) = delete;
    ~life() { --*count; }
    std::atomic<int>* count;
  };
  std::atomic<int> lives = 0;
  std::vector<arc<life>> shared;
  for (int i = 0; i < 8; ++i) shared.push_back(make_arc<life>(lives));
  in_threads([&](int i) {
    std::mt19937 random(static_cast<unsigned>(i));
    std::vector<arc<life>> own(shared);
    std::vector<weak_arc<life>> weak;
    for (int turn = 0; turn < 3000; ++turn) {
      arc<life>& one = own[random() % own.size()];
      switch (random() % 6) {
        case 0:
          own.push_back(one);
          break;
        case 1:
          weak.push_back(one);
          break;
        case 2:
          if (own.size() > 1) own.pop_back();
          break;
        case 3:
          if (!weak.empty()) own.push_back(weak.back().upgrade());
          if (own.back() == nullptr) own.pop_back();
          break;
        case 4:
          if (!weak.empty()) weak.pop_back();
          break;
        default:
          if (turn % 8 == 0) (void)one.make_mut();
      }
      if (own.empty()) own.push_back(make_arc<life>(lives));
    }
  });
  for (const arc<life>& each : shared) EXPECT_EQ(each.strong_count(), 1u);
  EXPECT_EQ(lives, 8);
  shared.clear();
  EXPECT_EQ(lives, 0);
}

TEST(ArcThreads, IntrusiveCountsAreSafeToo) {
  struct life : intrusive_atomic_count {
    explicit life(std::atomic<int>& in) : count(&in) { ++in; }
    ~life() { --*count; }
    std::atomic<int>* count;
  };
  std::atomic<int> lives = 0;
  for (int round = 0; round < 200; ++round) {
    std::vector<intrusive_rc<life>> owners(threads, make_intrusive<life>(lives));
    in_threads([&](int i) {
      auto own = std::move(owners[static_cast<std::size_t>(i)]);
      for (int turn = 0; turn < 20; ++turn) auto copy = own;
    });
    ASSERT_EQ(lives, 0);
  }
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

TEST(IntrusiveDeathTest, TooManyOwnersStop) {
  local_counting::single local(UINT32_MAX);
  EXPECT_DEATH(local.add(), "strata: ownership: too many owners");
  atomic_counting::single atomic(INT32_MAX);
  EXPECT_DEATH(atomic.add(), "strata: ownership: too many owners");
}

// A function that takes an rc has another name in the other mode, and the linker finds none.
TEST(Ownership, ModesDoNotLink) {
  EXPECT_STRNE(typeid(rc<int>).name(), name_of_rc_in_debug_mode());
}

}  // namespace
}  // namespace strata
