// The page of `strata report --html` and `strata serve`: the file that is built of web/, with the recording put
// into it. What a large recording says is packed: the page unpacks it.
#include "cli/model/gzip.hpp"
#include "cli/report/capture_report.hpp"

namespace strata::cli {
namespace {

// As it stands in web/index.html.
constexpr std::string_view opening = R"(<script type="application/json" id="report">)";
constexpr std::string_view packed_opening =
    R"(<script type="application/json" id="report" data-encoding="gzip-base64">)";

constexpr std::size_t most_plain_bytes = std::size_t{256} << 10;

// Nothing in it can end the element, or begin a comment.
std::string in_script(const std::string& json) {
  std::string made;
  made.reserve(json.size() + json.size() / 16);
  for (char one : json) {
    if (one == '<') {
      made += "\\u003c";
    } else {
      made += one;
    }
  }
  return made;
}

std::string base64(const std::string& bytes) {
  constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string made;
  made.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    std::uint32_t group = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      group = group << 8 | (at + i < bytes.size() ? static_cast<unsigned char>(bytes[at + i]) : 0U);
    }
    for (std::size_t i = 0; i < 4; ++i) {
      made += at + i <= bytes.size() ? digits[group >> (18 - 6 * i) & 63] : '=';
    }
  }
  return made;
}

}  // namespace

std::optional<std::string> page_with(const json_value& document, std::string_view page) {
  const std::size_t start = page.find(opening);
  if (start == std::string_view::npos) return std::nullopt;
  const std::string json = document.dump(-1, ' ', false, json_value::error_handler_t::replace);
  std::string made(page.substr(0, start));
  if (json.size() <= most_plain_bytes) {
    made += std::string(opening) + in_script(json);
  } else {
    made += std::string(packed_opening) + base64(gzipped(json));
  }
  made += page.substr(start + opening.size());
  return made;
}

std::optional<std::string> capture_page(const capture_result& result, std::string_view page) {
  return page_with(capture_document(result, call_form::numbered), page);
}

}  // namespace strata::cli
