// The library's options, from text as the environment has it, and sizes as the command reads them. Each
// line is an entry.
#include <cstring>
#include <string>
#include <string_view>

#include "base/text.hpp"
#include "cli/model/size.hpp"
#include "fuzz.hpp"
#include "ground/options.hpp"

using namespace strata;

namespace {

bool same(const ground::options& one, const ground::options& other) {
  return std::memcmp(&one, &other, sizeof one) == 0;
}

void read_entry(const std::string& entry, ground::options& into) {
  ground::options before;
  std::memcpy(&before, &into, sizeof into);
  if (!ground::parse_option(entry.c_str(), into)) {
    fuzz::expect(same(before, into), "an entry that was refused changed something");
    return;
  }
  fuzz::expect(into.ground <= ground::ground_sparse && into.harden <= ground::harden_paranoid,
               "a choice that there isn't");
  fuzz::expect(entry.find('=') != std::string::npos, "an entry without a value was read");
}

// What the command reads as a size, the library reads as the same.
void read_size(const std::string& text, ground::options& into) {
  if (text.find('\0') != std::string::npos) return;
  std::optional<std::uint64_t> size = cli::parse_size(text);
  bool taken = ground::parse_option(("STRATA_LIMIT=" + text).c_str(), into);
  if (!size) return;
  fuzz::expect(taken && into.limit_bytes == *size, "two readings of a size");
  char digits[21];
  base::text again(digits, sizeof digits);
  again << *size;
  fuzz::expect(cli::parse_size(again.data()) == size, "a size written is another when read");
}

void write_json(const std::string& text) {
  char room[64];
  base::text into(room, sizeof room);
  into.json(text.c_str());
  fuzz::expect(std::strlen(room) == into.stored(), "text without an end");
  for (std::size_t i = 0; i < into.stored(); ++i) {
    fuzz::expect(static_cast<unsigned char>(room[i]) >= 0x20, "JSON with a control character");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view left(reinterpret_cast<const char*>(data), size);
  ground::options into;
  std::memset(static_cast<void*>(&into), 0, sizeof into);
  while (!left.empty()) {
    std::size_t end = std::min(left.find('\n'), left.size());
    std::string entry(left.substr(0, end));
    read_entry(entry, into);
    read_entry("STRATA_" + entry, into);
    read_size(entry, into);
    write_json(entry);
    // A path is kept as it is; the entry's text ends here.
    into.stats_directory = nullptr;
    left.remove_prefix(std::min(end + 1, left.size()));
  }
  return 0;
}
