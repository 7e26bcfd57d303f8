#include "cli/model/layout/choice.hpp"

#include <array>

namespace strata::cli::layout {
namespace {

bool is_in_some_scope(std::string_view full, std::string_view name) {
  return full.size() > name.size() + 2 && full.ends_with(name) &&
         full.substr(full.size() - name.size() - 2, 2) == "::";
}

// The name in front of the arguments of the outermost template.
std::string_view template_of(std::string_view full) {
  if (!full.ends_with('>')) return full;
  std::size_t depth = 0;
  for (std::size_t i = full.size(); i-- > 0;) {
    if (full[i] == '>') ++depth;
    if (full[i] == '<' && --depth == 0) return full.substr(0, i);
  }
  return full;
}

template <typename Is>
std::vector<std::size_t> records_where(const catalogue& all, Is is) {
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < all.records.size(); ++i) {
    if (is(all.records[i])) found.push_back(i);
  }
  return found;
}

}  // namespace

pattern::~pattern() {
  if (is_set_) regfree(&compiled_);
}

std::string pattern::set(const std::string& text) {
  const int error = regcomp(&compiled_, text.c_str(), REG_EXTENDED | REG_NOSUB);
  is_set_ = error == 0;
  if (is_set_) return {};
  std::array<char, 128> reason{};
  regerror(error, &compiled_, reason.data(), reason.size());
  return reason.data();
}

bool pattern::matches(const std::string& text) const {
  return !is_set_ || regexec(&compiled_, text.c_str(), 0, nullptr, 0) == 0;
}

std::vector<std::size_t> records_named(const catalogue& all, std::string_view name) {
  auto found = records_where(all, [&](const record& one) { return one.name == name; });
  if (!found.empty() || name.empty()) return found;
  found = records_where(all, [&](const record& one) { return is_in_some_scope(one.name, name); });
  if (!found.empty()) return found;
  return records_where(all, [&](const record& one) {
    const std::string_view plain = template_of(one.name);
    return plain.size() < one.name.size() && (plain == name || is_in_some_scope(plain, name));
  });
}

std::vector<std::size_t> records_matching(const catalogue& all, const pattern& name,
                                          const pattern& file) {
  return records_where(all, [&](const record& one) {
    return !one.name.empty() && !one.is_variant && name.matches(one.name) && file.matches(one.file);
  });
}

}  // namespace strata::cli::layout
