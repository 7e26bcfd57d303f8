#include "conservative/marker.hpp"

#include <gtest/gtest.h>

#include "conservative/heap_rig.hpp"

namespace strata::conservative {
namespace {

void** words_of(void* object) { return static_cast<void**>(object); }

// Each level leaves 127 candidates behind: far more than the stack has room for.
TEST(ConservativeMarker, FindsAllAlsoWhereItsStackIsTooSmall) {
  constexpr std::size_t levels = 1000;
  constexpr std::size_t fan = marker::most_object_words;
  heap_rig rig{10000, 1000};
  std::vector<void*> all;
  void* next = nullptr;
  for (std::size_t level = 0; level < levels; ++level) {
    void* object = rig.make(fan * word_bytes);
    ASSERT_NE(object, nullptr);
    for (std::size_t at = 0; at + 1 < fan; ++at) {
      all.push_back(rig.make(16));
      words_of(object)[at] = all.back();
      all.push_back(rig.make(16));
      words_of(words_of(object)[at])[1] = all.back();
    }
    words_of(object)[fan - 1] = next;
    all.push_back(object);
    next = object;
  }
  rig.roots().push_back(next);
  rig.collect();
  for (void* each : all) ASSERT_TRUE(rig.is_there(each));
  rig.roots().clear();
  rig.collect();
  EXPECT_EQ(rig.heap().blocks().used(), 0U);
}

TEST(ConservativeMarker, DescriptionsSayWhereReferencesAre) {
  heap_rig rig{1000};
  std::uintptr_t some = 1U << 1 | 1U << 3;
  std::vector<std::uintptr_t> many(3);
  many[1] = 1U << 6;   // word 70
  many[2] = 1U << 12;  // word 140
  description in_place = make_description(&some, 5);
  description in_table = make_description(many.data(), 150);
  EXPECT_EQ(make_description(many.data(), 60), 0U);
  auto make = [&](std::size_t bytes, description as) {
    void* object = rig.make(bytes + typed_extra_bytes, kinds::typed);
    describe(object, rig.heap().find(base::address_of(object)).bytes, as);
    rig.roots().push_back(object);
    return words_of(object);
  };
  void** first = make(5 * word_bytes, in_place);
  void** second = make(150 * word_bytes, in_table);
  std::vector<void*> referred;
  auto refer = [&](void** object, std::size_t word) {
    referred.push_back(rig.make(100));
    object[word] = referred.back();
  };
  for (std::size_t word : {0U, 1U, 2U, 3U, 4U}) refer(first, word);
  for (std::size_t word : {0U, 69U, 70U, 71U, 140U, 141U}) refer(second, word);
  rig.collect();
  std::vector<bool> there;
  for (void* each : referred) there.push_back(rig.is_there(each));
  EXPECT_EQ(there, (std::vector<bool>{false, true, false, true, false, false, false, true, false,
                                      true, false}));
}

TEST(ConservativeMarker, ArraysHaveADescribedElementManyTimes) {
  heap_rig rig{1000};
  std::uintptr_t second = 1U << 1;
  description as = make_description(&second, 3);
  constexpr std::size_t count = 700;
  constexpr std::size_t element_words = 3;
  std::size_t bytes = count * element_words * word_bytes + typed_array_extra_bytes;
  void* array = rig.make(bytes, kinds::typed_array);
  describe_array(array, rig.heap().find(base::address_of(array)).bytes, element_words * word_bytes,
                 as);
  rig.roots().push_back(array);
  std::vector<void*> referred;
  for (std::size_t word = 0; word < count * element_words; ++word) {
    referred.push_back(rig.make(20));
    words_of(array)[word] = referred.back();
  }
  rig.collect();
  for (std::size_t word = 0; word < referred.size(); ++word)
    ASSERT_EQ(rig.is_there(referred[word]), word % element_words == 1);
}

void* mark_second_word(std::uintptr_t* object, void* token, void*, std::uintptr_t given) {
  EXPECT_EQ(given, 77U);
  static_cast<marker*>(token)->push(object[1]);
  return token;
}

TEST(ConservativeMarker, CallsProceduresAndAsksTablesOfTypes) {
  heap_rig rig{1000};
  kind_table& table = rig.heap().kinds();
  table.procedures[9] = mark_second_word;
  description by_procedure =
      (std::uintptr_t{77} << procedure_bits | 9) << tag::shift | tag::procedure;
  unsigned first = table.count++;
  table.at[first] = {.word = by_procedure, .clears = true};
  // | - | description |: where the object's first word points to, 8 bytes on
  unsigned second = table.count++;
  table.at[second] = {.word = static_cast<description>(-24) | tag::in_place, .clears = true};
  static std::uintptr_t type[2] = {0, by_procedure};
  std::vector<void*> referred;
  for (unsigned kind : {first, second}) {
    void** object = words_of(rig.make(48, kind));
    rig.roots().push_back(object);
    for (std::size_t word = 1; word < 3; ++word) {
      referred.push_back(rig.make(32));
      object[word] = referred.back();
    }
    if (kind == second) object[0] = type;
  }
  // One whose type is not known yet has no references.
  rig.roots().push_back(rig.make(48, second));
  rig.collect();
  for (std::size_t at = 0; at < referred.size(); ++at)
    EXPECT_EQ(rig.is_there(referred[at]), at % 2 == 0);
}

TEST(ConservativeMarker, FarAddressesDoNotCountWhereTheObjectSaysSo) {
  heap_rig rig{1000};
  auto* far = static_cast<char*>(rig.heap().take_large(kinds::normal, 100000, use::large_near));
  auto* near = static_cast<char*>(rig.heap().take_large(kinds::normal, 100000, use::large_near));
  rig.roots() = {far + 5000, near + 200};
  rig.collect();
  EXPECT_FALSE(rig.is_there(far));
  EXPECT_TRUE(rig.is_there(near));
}

}  // namespace
}  // namespace strata::conservative
