#include "cli/model/capture/pool_events.hpp"

namespace strata::cli::capture {
namespace {

enum row_kind : std::uint8_t { row_allocate, row_deallocate };

}  // namespace

void pool_row::put(byte_writer& to, const row& one, const row& before) {
  to.byte(one.makes() ? row_allocate : row_deallocate);
  to.number(one.thread);
  to.number(one.time_ms - before.time_ms);
  to.difference(static_cast<std::int64_t>(one.block - before.block));
  if (one.makes()) {
    to.number(one.size);
    to.number(one.node);
  }
}

void pool_row::get(byte_reader& from, row& last) {
  const bool makes = from.byte() == row_allocate;
  last.kind = makes ? wire::entry_kind::allocate : wire::entry_kind::deallocate;
  last.thread = static_cast<std::uint32_t>(from.number());
  last.time_ms += from.number();
  last.block += static_cast<std::uint64_t>(from.difference());
  last.size = makes ? from.number() : 0;
  last.node = makes ? static_cast<std::uint32_t>(from.number()) : 0;
}

}  // namespace strata::cli::capture
