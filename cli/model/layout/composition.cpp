#include "cli/model/layout/composition.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "cli/model/layout/order.hpp"

namespace strata::cli::layout {
namespace {

std::uint64_t rounded_up(std::uint64_t value, std::uint64_t to) {
  return (value + to - 1) / to * to;
}

// Its fields, one after the other in their order, with these sizes. Nothing where they do not lie so.
std::optional<std::uint64_t> size_in_order(const record& of,
                                           const std::vector<std::uint64_t>& sizes) {
  std::uint64_t was = 0;
  std::uint64_t is = 0;
  for (std::size_t i = 0; i < of.fields.size(); ++i) {
    const field& one = of.fields[i];
    if (one.is_empty && one.kind == field_kind::base) continue;
    if (one.is_bitfield || one.is_variant || one.kind == field_kind::virtual_base ||
        !one.is_size_known)
      return std::nullopt;
    was = rounded_up(was, one.alignment);
    if (was * byte_bits != one.offset_bits) return std::nullopt;
    was += one.size_bits / byte_bits;
    is = rounded_up(is, one.alignment) + sizes[i];
  }
  if (rounded_up(was, of.alignment) != of.size_bytes) return std::nullopt;
  return rounded_up(is, of.alignment);
}

}  // namespace

std::size_t composition::kept_in(const record& raw) const {
  static constexpr std::array<std::string_view, 2> kinds = {"__gnu_cxx::__aligned_membuf<",
                                                            "__gnu_cxx::__aligned_buffer<"};
  const std::string_view name = raw.name;
  for (const std::string_view kind : kinds) {
    if (!name.starts_with(kind) || !name.ends_with('>')) continue;
    const std::size_t kept = names_.find(name.substr(kind.size(), name.size() - kind.size() - 1));
    if (kept != no_record && all_.records[kept].size_bytes == raw.size_bytes) return kept;
  }
  return no_record;
}

std::map<std::size_t, std::uint64_t> composition::parts_of(std::size_t whole) const {
  std::map<std::size_t, std::uint64_t> made;
  add_parts(whole, 1, 0, made);
  return made;
}

void composition::add_parts(std::size_t whole, std::uint64_t count, int depth,
                            std::map<std::size_t, std::uint64_t>& into) const {
  into[whole] += count;
  const record& of = all_.records[whole];
  if (of.is_union() || depth == deepest) return;
  if (const std::size_t kept = kept_in(of); kept != no_record)
    return add_parts(kept, count, depth + 1, into);
  for (const field& one : of.fields) {
    if (one.nested == no_record || one.is_empty || one.is_variant) continue;
    add_parts(one.nested, count * one.count, depth + 1, into);
  }
}

std::uint64_t composition::size_with(std::size_t whole, std::size_t better, int depth) const {
  const record& of = all_.records[whole];
  if (whole == better) {
    const auto order = order_of(of);
    return order ? order->size_bytes : of.size_bytes;
  }
  if (of.is_union() || of.is_packed || depth == deepest) return of.size_bytes;
  if (const std::size_t kept = kept_in(of); kept != no_record)
    return rounded_up(size_with(kept, better, depth + 1), of.alignment);
  std::vector<std::uint64_t> sizes;
  for (const field& one : of.fields) {
    std::uint64_t bytes = one.size_bits / byte_bits;
    if (one.nested != no_record && !one.is_empty) {
      const std::uint64_t is = size_with(one.nested, better, depth + 1);
      if (is < all_.records[one.nested].size_bytes) bytes = is * one.count;
    }
    sizes.push_back(bytes);
  }
  return std::min(size_in_order(of, sizes).value_or(of.size_bytes), of.size_bytes);
}

}  // namespace strata::cli::layout
