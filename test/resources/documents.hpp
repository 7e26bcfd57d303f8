// A JSON document for the tests of JSON libraries: nested, with short and long texts, escapes and
// numbers of each kind.
#pragma once

#include <string>

namespace strata {

inline std::string sample_json() {
  std::string made = R"({"version":3,"none":null,"yes":true,"escaped":"tab\t \"quoted\" \u00e9",)";
  made += R"("people":[)";
  for (int i = 0; i < 120; ++i) {
    if (i != 0) made += ',';
    made += R"({"id":)" + std::to_string(i) + R"(,"name":")" +
            std::string(static_cast<std::size_t>(i) % 60, static_cast<char>('a' + i % 26)) +
            R"(","ratio":)" + std::to_string(i / 8) + R"(.5,"owed":-)" + std::to_string(i + 1) +
            R"(,"friends":[)";
    for (int friend_of = 0; friend_of < i % 5; ++friend_of) {
      if (friend_of != 0) made += ',';
      made += std::to_string(i + friend_of);
    }
    made += "]}";
  }
  return made + R"(],"deep":[[[[[[[[{"end":[]}]]]]]]]]})";
}

}  // namespace strata
