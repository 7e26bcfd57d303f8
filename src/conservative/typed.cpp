#include "conservative/typed.hpp"

#include "conservative/marker.hpp"

namespace strata::conservative {
namespace {

constexpr std::size_t most_bits_in_place = 62;
constexpr unsigned long_bitmap_procedure = 1;
constexpr unsigned array_procedure = 2;
constexpr unsigned first_free_procedure = 8;  // those before are known to programs by number

// | words of the next bitmap: count, bits ... | count, bits ... |, on pages that stay
constexpr std::size_t most_row_words = std::size_t{1} << 20;
std::uintptr_t* rows = nullptr;
std::size_t row_words = 0;

constexpr description call_of(unsigned procedure, std::uintptr_t given) {
  return (given << procedure_bits | procedure) << tag::shift | tag::procedure;
}

void* mark_long_bitmap(std::uintptr_t* object, void* token, void*, std::uintptr_t row) {
  const std::uintptr_t* bits = rows + row;
  std::size_t count = *bits++;
  for (std::size_t at = 0; at < count; ++at)
    if ((bits[at / 64] >> (at % 64) & 1) != 0) static_cast<marker*>(token)->push(object[at]);
  return token;
}

void mark_element(std::uintptr_t* element, marker& with, description as) {
  switch (as & tag::mask) {
    case tag::length:
      with.push_words(element, element + as / word_bytes);
      break;
    case tag::bitmap:
      with.push_bitmap(element, as);
      break;
    default:
      mark_long_bitmap(element, &with, nullptr, as >> (tag::shift + procedure_bits));
  }
}

void* mark_array(std::uintptr_t* object, void* token, void*, std::uintptr_t) {
  auto& with = *static_cast<marker*>(token);
  std::size_t words = with.of().find(base::address_of(object)).bytes / word_bytes;
  description element = object[words - 1];
  std::size_t element_words = object[words - 2] / word_bytes;
  if (element == 0 || element_words == 0) return token;
  for (std::size_t at = 0; at + element_words <= words - 2; at += element_words)
    mark_element(object + at, with, element);
  return token;
}

}  // namespace

void open_typed(heap& of) {
  of.kinds().procedures[long_bitmap_procedure] = mark_long_bitmap;
  of.kinds().procedures[array_procedure] = mark_array;
  of.kinds().procedure_count = first_free_procedure;
  of.kinds().at[kinds::typed_array] = {.word = call_of(array_procedure, 0), .clears = true};
}

description make_description(const std::uintptr_t* bits, std::size_t count) {
  auto is_set = [bits](std::size_t at) { return (bits[at / 64] >> (at % 64) & 1) != 0; };
  while (count > 0 && !is_set(count - 1)) --count;
  if (count == 0) return 0;
  if (count <= most_bits_in_place) {
    description made = tag::bitmap;
    for (std::size_t at = 0; at < count; ++at)
      if (is_set(at)) made |= description{1} << (63 - at);
    return made;
  }
  std::size_t words = base::divide_up(count, 64);
  if (rows == nullptr)
    rows = static_cast<std::uintptr_t*>(os::map(most_row_words * word_bytes, os::page_bytes()));
  if (rows == nullptr || row_words + 1 + words > most_row_words) return count * word_bytes;
  std::size_t row = row_words;
  rows[row_words++] = count;
  for (std::size_t at = 0; at < words; ++at) rows[row_words++] = bits[at];
  return call_of(long_bitmap_procedure, row);
}

void describe(void* object, std::size_t slot_bytes, description as) {
  static_cast<std::uintptr_t*>(object)[slot_bytes / word_bytes - 1] = as;
}

void describe_array(void* object, std::size_t slot_bytes, std::size_t element_bytes,
                    description element) {
  auto* words = static_cast<std::uintptr_t*>(object);
  words[slot_bytes / word_bytes - 2] = element_bytes;
  words[slot_bytes / word_bytes - 1] = element;
}

}  // namespace strata::conservative
