#include "cli/model/map/structures.hpp"

#include <algorithm>
#include <cstring>

namespace strata::cli::map {
namespace {

constexpr std::uint64_t most_bytes = std::uint64_t{1} << 30;  // more is read of nothing at once

std::uint64_t little_endian(const char* from, std::uint64_t bytes) {
  std::uint64_t value = 0;
  std::memcpy(&value, from, std::min<std::uint64_t>(bytes, sizeof value));
  return value;
}

}  // namespace

structure::structure(const layout::catalogue& all, const std::string& name) : name_(name) {
  for (std::size_t i = 0; i < all.records.size(); ++i) {
    if (all.records[i].name != name) continue;
    bytes_ = all.records[i].size_bytes;
    add(all, i, 0);
    return;
  }
  throw unknown_structure("its debug information has no " + name);
}

void structure::add(const layout::catalogue& all, std::size_t index, std::uint64_t offset) {
  for (const layout::field& one : all.records[index].fields) {
    const std::uint64_t here = offset + one.offset_bits / layout::byte_bits;
    if (one.kind == layout::field_kind::base) {
      if (one.nested != layout::no_record) add(all, one.nested, here);
    } else if (std::none_of(places_.begin(), places_.end(),
                            [&](const place& known) { return known.name == one.name; })) {
      places_.push_back({one.name, here, one.size_bits / layout::byte_bits});
    }
  }
}

const structure::place& structure::place_of(const std::string& field) const {
  const auto found = std::find_if(places_.begin(), places_.end(),
                                  [&](const place& one) { return one.name == field; });
  if (found == places_.end()) throw unknown_structure(name_ + " has no " + field + " there");
  return *found;
}

std::uint64_t structure::offset(const std::string& field) const { return place_of(field).offset; }

std::uint64_t structure::value(const std::vector<char>& object, const std::string& field) const {
  const place& where = place_of(field);
  if (where.offset + where.bytes > object.size()) {
    throw unknown_structure(name_ + " is larger than what was read of it");
  }
  return little_endian(object.data() + where.offset, where.bytes);
}

std::uint64_t loaded_library::address(const std::string& symbol) const {
  const auto found = info_.symbol(symbol);
  if (!found) throw unknown_structure("it has no symbol " + symbol);
  return *found + bias_;
}

std::vector<char> loaded_library::bytes(std::uint64_t address, std::uint64_t count) const {
  if (count > most_bytes) throw unknown_structure("its tables make no sense");
  std::vector<char> made(count);
  if (count > 0 && !from_.read(address, made.data(), count)) {
    throw unknown_structure("its tables cannot be read");
  }
  return made;
}

std::vector<std::uint64_t> loaded_library::words(std::uint64_t address, std::uint64_t count) const {
  const std::vector<char> raw = bytes(address, count * sizeof(std::uint64_t));
  std::vector<std::uint64_t> made(count);
  std::memcpy(made.data(), raw.data(), raw.size());
  return made;
}

std::uint64_t loaded_library::value(const std::string& symbol, std::uint64_t size) const {
  return little_endian(bytes(address(symbol), size).data(), size);
}

}  // namespace strata::cli::map
