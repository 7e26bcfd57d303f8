#include "os/frame_description.hpp"

#include <dlfcn.h>

#include "os/registers.hpp"

namespace strata::os {
namespace {

// An entry: its length, then so many bytes.
reader entry_at(const std::uint8_t* at) {
  reader head(at, at + 4);
  auto length = head.fixed<std::uint32_t>();
  return {at + 4, at + 4 + (length < 0xfffffff0 ? length : 0)};
}

// The CIE; *address_encoding: of the FDE's addresses.
bool read_common(const std::uint8_t* at, description& into, std::uint8_t* address_encoding) {
  reader cie = entry_at(at);
  if (cie.fixed<std::uint32_t>() != 0) return false;
  std::uint8_t version = cie.byte();
  const std::uint8_t* augmentation = cie.at();
  while (cie.byte() != 0) {
  }
  into.code_unit = cie.unsigned_leb();
  into.data_unit = cie.signed_leb();
  std::uint64_t returns_by = version == 1 ? cie.byte() : cie.unsigned_leb();
  if (!cie.good() || returns_by != return_register || *augmentation != 'z') return false;
  reader data = cie.part(cie.unsigned_leb());
  *address_encoding = enc_word;
  for (const std::uint8_t* letter = augmentation + 1; *letter != 0; ++letter) {
    if (*letter == 'R') *address_encoding = data.byte();
    if (*letter == 'L') data.byte();
    if (*letter == 'S') into.signal_frame = true;
    if (*letter == 'P') {
      std::uint8_t personality = data.byte();
      data.encoded(personality & 0x0f);
    }
  }
  into.common = cie;
  return cie.good() && data.good();
}

bool read_description(const std::uint8_t* at, description& into) {
  reader fde = entry_at(at);
  const std::uint8_t* here = fde.at();
  auto back = fde.fixed<std::uint32_t>();
  std::uint8_t as = enc_none;
  if (back == 0 || !read_common(here - back, into, &as)) return false;
  into.start = fde.encoded(as);
  into.bytes = fde.encoded(as & 0x0f);
  fde.skip(fde.unsigned_leb());
  into.own = fde;
  return fde.good();
}

// The sorted table of an object: pairs of a function's start and its FDE, relative to the table.
struct table_row {
  std::int32_t start;
  std::int32_t entry;
};

const std::uint8_t* find_entry(const std::uint8_t* table, std::uintptr_t pc) {
  constexpr std::size_t most_head = 4 + 2 * sizeof(std::uint64_t);
  reader head(table, table + most_head);
  bool known = head.byte() == 1;
  std::uint8_t frames_as = head.byte();
  std::uint8_t count_as = head.byte();
  if (!known || head.byte() != enc_table) return nullptr;
  head.encoded(frames_as);
  std::size_t count = head.encoded(count_as);
  if (!head.good() || count == 0) return nullptr;
  const auto* rows = reinterpret_cast<const table_row*>(head.at());
  auto wanted = static_cast<std::int64_t>(pc - base::address_of(table));
  if (wanted < rows[0].start) return nullptr;
  std::size_t low = 0;
  std::size_t high = count;
  while (high - low > 1) {
    std::size_t middle = low + (high - low) / 2;
    (rows[middle].start <= wanted ? low : high) = middle;
  }
  return table + rows[low].entry;
}

// In a static program libc calls malloc while it makes its table of objects, which is before any
// constructor.
constinit bool table_is_made = false;
__attribute__((constructor(101))) void note_table() { table_is_made = true; }

}  // namespace

bool describe(std::uintptr_t pc, description& into) {
  ::dl_find_object object;
  if (!find_object(pc, object) || object.dlfo_eh_frame == nullptr) return false;
  const std::uint8_t* entry = find_entry(static_cast<std::uint8_t*>(object.dlfo_eh_frame), pc);
  return entry != nullptr && read_description(entry, into) && pc - into.start < into.bytes;
}

bool find_object(std::uintptr_t address, ::dl_find_object& object) {
  return table_is_made && _dl_find_object(base::pointer_to(address), &object) == 0;
}

}  // namespace strata::os
