// Expat, the XML parser, over each resource. Its three functions get no pointer of the user's: they
// find the resource by their type and the thread.
#include <expat.h>

#include <string>

#include "c_heap.hpp"
#include "subjects.hpp"

namespace strata {
namespace {

template <resource Resource>
struct expat_memory {
  static inline thread_local Resource* now = nullptr;
  static constexpr XML_Memory_Handling_Suite suite = {
      [](std::size_t bytes) { return c_heap(*now).malloc(bytes); },
      [](void* block, std::size_t bytes) { return c_heap(*now).realloc(block, bytes); },
      [](void* block) { c_heap(*now).free(block); }};
};

std::string document(int people) {
  std::string made = R"(<?xml version="1.0"?><!DOCTYPE all [<!ENTITY who "an &#65;ntity">]><all>)";
  for (int i = 0; i < people; ++i) {
    made += "<person number=\"" + std::to_string(i) + "\" " +
            std::string(static_cast<std::size_t>(i) % 90 + 1, 'n') + "='&who;'>";
    made += std::string(static_cast<std::size_t>(i) % 50, 't') + "<![CDATA[<&>]]></person>";
  }
  return made + "</all>";
}

struct outcome {
  XML_Error error = XML_ERROR_NO_MEMORY;
  std::string events;
};

// Feeds the document in pieces and writes down what the parser sees.
outcome parse(XML_Parser parser, const std::string& text) {
  outcome seen;
  if (parser == nullptr) return seen;
  XML_SetUserData(parser, &seen.events);
  XML_SetElementHandler(
      parser,
      [](void* user, const char* name, const char** attributes) {
        auto& into = *static_cast<std::string*>(user);
        into += name;
        for (; *attributes != nullptr; ++attributes) into.append(" ").append(*attributes);
        into += '{';
      },
      [](void* user, const char*) { *static_cast<std::string*>(user) += '}'; });
  XML_SetCharacterDataHandler(parser, [](void* user, const char* start, int length) {
    static_cast<std::string*>(user)->append(start, static_cast<std::size_t>(length));
  });
  constexpr std::size_t piece = 97;
  seen.error = XML_ERROR_NONE;
  for (std::size_t at = 0; at < text.size(); at += piece) {
    std::size_t bytes = std::min(piece, text.size() - at);
    int last = at + bytes == text.size() ? 1 : 0;
    if (XML_Parse(parser, text.data() + at, static_cast<int>(bytes), last) != XML_STATUS_OK) {
      seen.error = XML_GetErrorCode(parser);
      break;
    }
  }
  XML_ParserFree(parser);
  return seen;
}

template <class Subject>
class Expat : public WithSubject<Subject> {};
TYPED_TEST_SUITE(Expat, all_subjects, subject_names);

TYPED_TEST(Expat, ADocumentAgreesWithTheHeap) {
  using memory = expat_memory<typename TestFixture::resource_type>;
  memory::now = &this->memory();
  for (const std::string& text : {document(300), std::string("<a><b></a>")}) {
    outcome here = parse(XML_ParserCreate_MM(nullptr, &memory::suite, nullptr), text);
    outcome there = parse(XML_ParserCreate(nullptr), text);
    EXPECT_EQ(here.error, there.error);
    EXPECT_EQ(here.events, there.events);
  }
  EXPECT_GT(this->memory().statistics().peak_used_bytes, 5'000u);
}

// Each of its allocations fails once: the error is the right one, and nothing is left behind.
TEST(ExpatOutOfMemory, EveryAllocationMayFail) {
  test_resource memory;
  using handlers = expat_memory<test_resource>;
  handlers::now = &memory;
  std::string text = document(20);
  std::uint64_t failures = 0;
  exception_loop_result result = exception_loop(memory, [&] {
    outcome seen = parse(XML_ParserCreate_MM(nullptr, &handlers::suite, nullptr), text);
    EXPECT_TRUE(seen.error == XML_ERROR_NONE || seen.error == XML_ERROR_NO_MEMORY) << seen.error;
    failures += seen.error == XML_ERROR_NO_MEMORY ? 1 : 0;
  });
  EXPECT_TRUE(result.passed());
  EXPECT_GT(failures, 10u);
}

}  // namespace
}  // namespace strata
