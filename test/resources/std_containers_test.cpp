// std's containers over each resource: the same work with std::allocator, through std::pmr and with
// strata::allocator comes to the same.
#include <deque>
#include <forward_list>
#include <functional>
#include <list>
#include <map>
#include <random>
#include <scoped_allocator>
#include <set>
#include <sstream>
#include <unordered_map>
#include <vector>

#include "families.hpp"
#include "subjects.hpp"

namespace strata {
namespace {

constexpr unsigned turns = 300;

template <class Family>
using text_pair = typename Family::template allocator<std::pair<const unsigned, text_of<Family>>>;

// What the containers hold in the end, in an order that doesn't depend on where.
void tell(std::ostringstream& into, const auto& values) {
  into << values.size() << ':';
  for (const auto& each : values) into << each << ' ';
}
void tell_pairs(std::ostringstream& into, const auto& values) {
  into << values.size() << ':';
  for (const auto& [key, value] : values) into << key << '=' << value << ' ';
}

template <class Family>
void work_on_sequences(const Family& family, std::ostringstream& into) {
  std::vector<unsigned, typename Family::template allocator<unsigned>> numbers(
      family.template get<unsigned>());
  std::deque<text_of<Family>, typename Family::template allocator<text_of<Family>>> line(
      family.template get<text_of<Family>>());
  for (unsigned i = 0; i < turns; ++i) {
    numbers.insert(numbers.begin() + static_cast<std::ptrdiff_t>(numbers.size() / 2),
                   i * 7919 % 1000);
    line.push_back(numbered_text(family, i));
    line.push_front(numbered_text(family, i + 35));
    if (i % 3 == 0) line.pop_back();
  }
  numbers.erase(numbers.begin() + 10, numbers.begin() + 50);
  numbers.shrink_to_fit();
  auto copied = numbers;
  auto moved = std::move(line);
  moved.erase(moved.begin() + 7);
  moved.resize(turns, numbered_text(family, 44));
  tell(into, copied);
  tell(into, moved);
  text_of<Family> all(family.template get<char>());
  for (const auto& each : moved) all += each;
  all.replace(10, 100, "shorter");
  into << all;
}

template <class Family>
void work_on_lists(const Family& family, std::ostringstream& into) {
  using list = std::list<unsigned, typename Family::template allocator<unsigned>>;
  list one(family.template get<unsigned>());
  list other(family.template get<unsigned>());
  for (unsigned i = 0; i < turns; ++i) (i % 2 == 0 ? one : other).push_front(i * 7919 % 1000);
  one.sort();
  other.sort();
  one.merge(other);
  other.splice(other.begin(), one, std::next(one.begin(), 20), std::next(one.begin(), 60));
  one.remove_if([](unsigned each) { return each % 5 == 0; });
  one.swap(other);
  tell(into, one);
  tell(into, other);
  std::forward_list<unsigned, typename Family::template allocator<unsigned>> simple(
      other.begin(), other.end(), family.template get<unsigned>());
  simple.reverse();
  for (unsigned each : simple) into << each << ' ';
}

template <class Family>
void work_on_maps(const Family& family, std::ostringstream& into) {
  using text = text_of<Family>;
  std::map<unsigned, text, std::less<>, text_pair<Family>> sorted(
      family.template get<std::pair<const unsigned, text>>());
  std::unordered_map<unsigned, text, std::hash<unsigned>, std::equal_to<>, text_pair<Family>>
      hashed(family.template get<std::pair<const unsigned, text>>());
  std::multiset<text, std::less<>, typename Family::template allocator<text>> texts(
      family.template get<text>());
  for (unsigned i = 0; i < turns; ++i) {
    sorted.insert_or_assign(i * 7919 % 200, numbered_text(family, i));
    hashed.emplace(i * 7907 % 500, numbered_text(family, i));
    texts.insert(numbered_text(family, i % 90));
  }
  for (unsigned i = 0; i < 200; i += 2) {
    hashed.erase(i);
    auto node = sorted.extract(i);
    node.key() += 1000;
    sorted.insert(std::move(node));
  }
  hashed.rehash(2000);
  auto copied = sorted;
  sorted.clear();
  tell_pairs(into, copied);
  tell(into, texts);
  for (unsigned i = 0; i < 500; ++i) {
    if (auto found = hashed.find(i); found != hashed.end()) into << i << '=' << found->second;
  }
}

template <class Family>
std::string work(const Family& family) {
  std::ostringstream done;
  work_on_sequences(family, done);
  work_on_lists(family, done);
  work_on_maps(family, done);
  return done.str();
}

template <class Subject>
class StdContainers : public WithSubject<Subject> {};
TYPED_TEST_SUITE(StdContainers, all_subjects, subject_names);

TYPED_TEST(StdContainers, ThroughPmrAgreeWithTheHeap) {
  pmr_ref view(this->memory());
  EXPECT_EQ(work(through_pmr{&view}), work(from_heap()));
}

TYPED_TEST(StdContainers, DirectlyAgreeWithTheHeap) {
  any_resource any(this->memory());
  EXPECT_EQ(work(directly{&any}), work(from_heap()));
  EXPECT_GT(this->memory().statistics().peak_used_bytes, 10'000u);
}

// std::pmr hands its resource on to what it holds; strata::allocator does so in a
// scoped_allocator_adaptor. Nothing comes from anywhere else: the default resource has nothing.
TYPED_TEST(StdContainers, HandTheResourceOn) {
  using direct_text = std::basic_string<char, std::char_traits<char>,
                                        typename TestFixture::template allocator_of<char>>;
  using scoped =
      std::scoped_allocator_adaptor<typename TestFixture::template allocator_of<direct_text>>;
  pmr_ref view(this->memory());
  std::pmr::memory_resource* before =
      std::pmr::set_default_resource(std::pmr::null_memory_resource());
  {
    std::pmr::map<int, std::pmr::vector<std::pmr::string>> nested(&view);
    std::vector<direct_text, scoped> texts{scoped(this->memory())};
    for (int i = 0; i < 50; ++i) {
      nested[i % 7].emplace_back("a text that is too long for the string's own buffer");
      texts.emplace_back("another text that is too long for the string's own buffer");
    }
    EXPECT_EQ(nested[3].back().get_allocator().resource(), &view);
    EXPECT_EQ(&texts.back().get_allocator().from(), &this->memory());
    EXPECT_EQ(nested[3].size(), 7u);
    EXPECT_EQ(texts.size(), 50u);
  }
  std::pmr::set_default_resource(before);
}

// Between two resources values are moved one by one, and each container stays where it is.
TYPED_TEST(StdContainers, StayWithTheirResource) {
  TypeParam other;
  {
    using direct = typename TestFixture::template allocator_of<int>;
    std::vector<int, direct> here(100, 7, direct(this->memory()));
    std::vector<int, direct> there(5, 1, direct(other.memory));
    const int* place = here.data();
    std::vector<int, direct> moved = std::move(here);
    EXPECT_EQ(moved.data(), place) << "a new one takes the memory over";
    there = std::move(moved);
    EXPECT_EQ(&there.get_allocator().from(), &other.memory);
    EXPECT_NE(there.data(), place);
    EXPECT_EQ(there, (std::vector<int, direct>(100, 7, direct(this->memory()))));
    std::vector<int, direct> copied(there, direct(this->memory()));
    EXPECT_EQ(&copied.get_allocator().from(), &this->memory());
    EXPECT_EQ(copied, there);
    pmr_ref view(this->memory());
    pmr_ref other_view(other.memory);
    std::pmr::list<std::pmr::string> one({"a", std::pmr::string(100, 'b')}, &view);
    std::pmr::list<std::pmr::string> two(std::move(one), &other_view);
    EXPECT_EQ(two.back().get_allocator().resource(), &other_view);
    EXPECT_EQ(std::string_view(two.back()), std::string(100, 'b'));
  }
  TestFixture::expect_empty(other.memory);
}

// ---- Nodes alone

struct slab_alone {
  using type = slab;
  test_upstream upstream;
  slab memory{128, 16, &upstream};
};
template <class Subject>
class StdNodes : public WithSubject<Subject> {};
using slabs = testing::Types<slab_alone>;
TYPED_TEST_SUITE(StdNodes, slabs, subject_names);

template <class Family>
std::string work_on_nodes(const Family& family) {
  std::ostringstream done;
  work_on_lists(family, done);
  std::set<unsigned, std::less<>, typename Family::template allocator<unsigned>> numbers(
      family.template get<unsigned>());
  for (unsigned i = 0; i < turns; ++i) numbers.insert(i * i % 997);
  tell(done, numbers);
  return done.str();
}

TYPED_TEST(StdNodes, AgreeWithTheHeap) {
  pmr_ref view(this->memory());
  EXPECT_EQ(work_on_nodes(through_pmr{&view}), work_on_nodes(from_heap()));
  any_resource any(this->memory());
  EXPECT_EQ(work_on_nodes(directly{&any}), work_on_nodes(from_heap()));
  // What is longer than a block is refused, as the standard has it.
  std::pmr::vector<std::array<char, 129>> numbers(&view);
  EXPECT_THROW(numbers.emplace_back(), std::bad_alloc);
}

}  // namespace
}  // namespace strata
