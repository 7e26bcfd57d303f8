#include "cli/model/capture/range_events.hpp"

namespace strata::cli::capture {
namespace {

constexpr unsigned kind_bits = 2;
constexpr auto first_kind = static_cast<std::uint32_t>(wire::range_kind::map);

}  // namespace

void range_rows::add(const range_event& one) {
  rows_.number(std::uint64_t{one.about} << kind_bits |
               (static_cast<std::uint32_t>(one.kind) - first_kind));
  rows_.number(one.thread);
  rows_.number(one.time_ms - last_.time_ms);
  rows_.difference(static_cast<std::int64_t>(one.start - last_.start));
  if (one.kind != wire::range_kind::unmap_back) rows_.number(one.bytes);
  if (one.kind == wire::range_kind::map) rows_.number(one.node);
  last_ = one;
}

void range_rows::put(byte_writer& to) {
  to.append(rows_);
  rows_.clear();
  last_ = {};
}

bool range_reader::next(range_event& into) {
  if (from_.done()) return false;
  const std::uint64_t what = from_.number();
  last_.kind = static_cast<wire::range_kind>(first_kind + (what & ((1U << kind_bits) - 1)));
  last_.about = static_cast<std::uint16_t>(what >> kind_bits);
  last_.thread = static_cast<std::uint32_t>(from_.number());
  last_.time_ms += from_.number();
  last_.start += static_cast<std::uint64_t>(from_.difference());
  const bool has_bytes = last_.kind != wire::range_kind::unmap_back;
  last_.bytes = has_bytes ? from_.number() : 0;
  last_.node = last_.kind == wire::range_kind::map ? static_cast<std::uint32_t>(from_.number()) : 0;
  into = last_;
  return from_.good();
}

}  // namespace strata::cli::capture
