// RapidJSON's documents over each resource. Its allocators are asked for blocks and freed without a
// size, by a static function; one that needs no frees is allowed too, which is what a bump is for.
#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <string>

#include "c_heap.hpp"
#include "documents.hpp"
#include "families.hpp"
#include "subjects.hpp"

namespace strata {
namespace {

// Blocks go back one by one. Free() has only the block: its resource stands before it.
class json_allocator {
 public:
  static constexpr bool kNeedFree = true;

  json_allocator() = default;  // for documents that are given none: there are none here
  explicit json_allocator(any_resource& from) : from_(&from) {}
  void* Malloc(std::size_t bytes) {  // NOLINT(readability-identifier-naming): RapidJSON's names
    if (bytes == 0) return nullptr;
    void* whole = c_heap(*from_).malloc(bytes + lead);
    if (whole == nullptr) throw std::bad_alloc();
    ::new (whole) owner{from_};
    return static_cast<std::byte*>(whole) + lead;
  }
  // NOLINTNEXTLINE(readability-identifier-naming)
  void* Realloc(void* block, std::size_t old_bytes, std::size_t new_bytes) {
    void* moved = Malloc(new_bytes);
    if (block == nullptr) return moved;
    if (moved != nullptr) std::memcpy(moved, block, std::min(old_bytes, new_bytes));
    Free(block);
    return moved;
  }
  static void Free(void* block) {  // NOLINT(readability-identifier-naming)
    if (block == nullptr) return;
    std::byte* whole = static_cast<std::byte*>(block) - lead;
    c_heap(*std::launder(reinterpret_cast<owner*>(whole))->from).free(whole);
  }

 private:
  struct alignas(16) owner {
    any_resource* from;
  };
  static constexpr std::size_t lead = sizeof(owner);
  any_resource* from_ = nullptr;
};

// Nothing goes back before the bump does.
class json_arena {
 public:
  static constexpr bool kNeedFree = false;

  json_arena() = default;
  explicit json_arena(bump& from) : from_(&from) {}
  void* Malloc(std::size_t bytes) {  // NOLINT(readability-identifier-naming)
    return bytes == 0 ? nullptr : from_->try_allocate(bytes, 16);
  }
  // NOLINTNEXTLINE(readability-identifier-naming)
  void* Realloc(void* block, std::size_t old_bytes, std::size_t new_bytes) {
    if (block != nullptr && new_bytes != 0 && from_->resize(block, old_bytes, new_bytes)) {
      return block;
    }
    void* moved = Malloc(new_bytes);
    if (block != nullptr && moved != nullptr) {
      std::memcpy(moved, block, std::min(old_bytes, new_bytes));
    }
    return moved;
  }
  static void Free(void* /*block*/) {}  // NOLINT(readability-identifier-naming)

 private:
  bump* from_ = nullptr;
};

template <class Document>
std::string text_of(const Document& document) {
  rapidjson::StringBuffer made;
  rapidjson::Writer<rapidjson::StringBuffer> writer(made);
  EXPECT_TRUE(document.Accept(writer));
  return made.GetString();
}

// Parses, changes and copies.
template <class Document>
std::string work(Document& document, Document& other) {
  using value = typename Document::ValueType;
  auto& memory = document.GetAllocator();
  document.Parse(sample_json().c_str());
  EXPECT_FALSE(document.HasParseError());
  auto& people = document["people"];
  for (rapidjson::SizeType i = 0; i < 100; ++i) {
    std::string name = "a name that was not there before, of number " + std::to_string(i);
    people[i]["name"].SetString(name.c_str(), memory);
    people[i].AddMember(value(("key" + std::to_string(i)).c_str(), memory), value(i), memory);
    if (i % 3 == 0) people[i].RemoveMember("friends");
  }
  people.Erase(people.Begin() + 40, people.Begin() + 60);
  other.CopyFrom(document, other.GetAllocator());
  document["deep"].SetArray().PushBack(value(other["people"][5], memory), memory);
  return text_of(document) + text_of(other);
}

std::string work_on_the_heap() {
  rapidjson::Document document;
  rapidjson::Document other;
  return work(document, other);
}

template <class Subject>
class RapidJson : public WithSubject<Subject> {};
TYPED_TEST_SUITE(RapidJson, all_subjects, subject_names);

TYPED_TEST(RapidJson, ADocumentAgreesWithTheHeap) {
  using document = rapidjson::GenericDocument<rapidjson::UTF8<>, json_allocator, json_allocator>;
  any_resource any(this->memory());
  json_allocator values(any);
  json_allocator stack(any);
  {
    document one(&values, 1024, &stack);
    document other(&values, 1024, &stack);
    EXPECT_EQ(work(one, other), work_on_the_heap());
    EXPECT_GT(this->memory().statistics().used_bytes, 10'000u);
  }
}

TEST(RapidJsonArena, ABumpTakesItAllBackAtOnce) {
  test_upstream upstream;
  bump memory(&upstream);
  json_arena values(memory);
  using document = rapidjson::GenericDocument<rapidjson::UTF8<>, json_arena, json_arena>;
  std::string expected = work_on_the_heap();
  for (int turn = 0; turn < 3; ++turn) {
    {
      document one(&values, 1024, &values);
      document other(&values, 1024, &values);
      EXPECT_EQ(work(one, other), expected);
    }
    memory.verify();
    memory.reset();
    EXPECT_EQ(memory.statistics().used_bytes, 0u);
  }
}

}  // namespace
}  // namespace strata
