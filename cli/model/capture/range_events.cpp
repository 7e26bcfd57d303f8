#include "cli/model/capture/range_events.hpp"

namespace strata::cli::capture {
namespace {

constexpr unsigned kind_bits = 2;
constexpr auto first_kind = static_cast<std::uint32_t>(wire::range_kind::map);

}  // namespace

void range_row::put(byte_writer& to, const row& one, const row& before) {
  to.number(std::uint64_t{one.about} << kind_bits |
            (static_cast<std::uint32_t>(one.kind) - first_kind));
  to.number(one.thread);
  to.number(one.time_ms - before.time_ms);
  to.difference(static_cast<std::int64_t>(one.start - before.start));
  if (one.kind != wire::range_kind::unmap_back) to.number(one.bytes);
  if (one.kind == wire::range_kind::map) to.number(one.node);
}

void range_row::get(byte_reader& from, row& last) {
  const std::uint64_t what = from.number();
  last.kind = static_cast<wire::range_kind>(first_kind + (what & ((1U << kind_bits) - 1)));
  last.about = static_cast<std::uint16_t>(what >> kind_bits);
  last.thread = static_cast<std::uint32_t>(from.number());
  last.time_ms += from.number();
  last.start += static_cast<std::uint64_t>(from.difference());
  const bool has_bytes = last.kind != wire::range_kind::unmap_back;
  last.bytes = has_bytes ? from.number() : 0;
  last.node = last.kind == wire::range_kind::map ? static_cast<std::uint32_t>(from.number()) : 0;
}

}  // namespace strata::cli::capture
