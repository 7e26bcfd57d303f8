#include "cli/model/layout/named_records.hpp"

#include <algorithm>
#include <array>
#include <cctype>

namespace strata::cli::layout {
namespace {

bool is_word(char one) { return std::isalnum(static_cast<unsigned char>(one)) != 0 || one == '_'; }
bool is_digit(char one) { return std::isdigit(static_cast<unsigned char>(one)) != 0; }

template <std::size_t Count>
bool is_one_of(std::string_view word, const std::array<std::string_view, Count>& words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}
bool says_nothing(std::string_view word) {
  // "namespace": of "(anonymous namespace)".
  static constexpr std::array<std::string_view, 7> words = {
      "const", "volatile", "namespace", "struct", "class", "union", "enum"};
  return is_one_of(word, words);
}
bool is_of_integer(std::string_view word) {
  static constexpr std::array<std::string_view, 6> words = {"unsigned", "signed", "long",
                                                            "short",    "int",    "char"};
  return is_one_of(word, words);
}

// long unsigned int, unsigned long
std::string common_integer(std::vector<std::string_view> words) {
  if (words.size() > 1) std::erase(words, "int");
  std::sort(words.begin(), words.end());
  std::string made;
  for (const std::string_view word : words) made += word;
  return made;
}

}  // namespace

std::string common_name(std::string_view name) {
  std::string made;
  std::vector<std::string_view> integer;
  const auto end_integer = [&] {
    if (!integer.empty()) made += common_integer(std::move(integer));
    integer.clear();
  };
  for (std::size_t at = 0; at < name.size();) {
    std::size_t end = at + 1;
    if (is_word(name[at])) {
      while (end < name.size() && is_word(name[end])) ++end;
    }
    std::string_view word = name.substr(at, end - at);
    at = end;
    if (word == " " || says_nothing(word)) continue;
    if (is_of_integer(word)) {
      integer.push_back(word);
      continue;
    }
    end_integer();
    if (is_digit(word.front())) word = word.substr(0, word.find_first_of("uUlL"));
    made += word;
  }
  end_integer();
  static constexpr std::string_view enumerator = "__gnu_cxx::_S_atomic";
  for (std::size_t at = 0; (at = made.find(enumerator, at)) != std::string::npos;)
    made.replace(at, enumerator.size(), "(__gnu_cxx::_Lock_policy)2");
  return made;
}

named_records::named_records(const catalogue& all) : all_(all) {
  for (std::size_t i = 0; i < all.records.size(); ++i) {
    const record& one = all.records[i];
    if (!one.name.empty() && !one.is_variant) known_.emplace(common_name(one.name), i);
  }
}

std::size_t named_records::find(std::string_view name) const {
  const auto [from, to] = known_.equal_range(common_name(name));
  const bool is_only = from != to && std::next(from) == to;
  return is_only ? from->second : no_record;
}

std::size_t named_records::find_in_scopes(std::string_view name) const {
  const std::string wanted = common_name(name);
  std::size_t found = no_record;
  for (const auto& [known, index] : known_) {
    const bool is_named =
        known == wanted || (known.ends_with(wanted) && known.size() > wanted.size() + 2 &&
                            known.compare(known.size() - wanted.size() - 2, 2, "::") == 0);
    if (!is_named) continue;
    if (found != no_record) return no_record;
    found = index;
  }
  return found;
}

}  // namespace strata::cli::layout
