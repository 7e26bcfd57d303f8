#include "cli/model/capture/pool_events.hpp"

namespace strata::cli::capture {
namespace {

enum row_kind : std::uint8_t { row_allocate, row_deallocate };

}  // namespace

void pool_rows::add(const event& one) {
  rows_.byte(one.makes() ? row_allocate : row_deallocate);
  rows_.number(one.thread);
  rows_.number(one.time_ms - last_.time_ms);
  rows_.difference(static_cast<std::int64_t>(one.block - last_.block));
  if (one.makes()) {
    rows_.number(one.size);
    rows_.number(one.node);
  }
  last_ = one;
}

void pool_rows::put(byte_writer& to) {
  to.append(rows_);
  rows_.clear();
  last_ = {};
}

bool pool_reader::next(event& into) {
  if (from_.done()) return false;
  const bool makes = from_.byte() == row_allocate;
  last_.kind = makes ? wire::entry_kind::allocate : wire::entry_kind::deallocate;
  last_.thread = static_cast<std::uint32_t>(from_.number());
  last_.time_ms += from_.number();
  last_.block += static_cast<std::uint64_t>(from_.difference());
  last_.size = makes ? from_.number() : 0;
  last_.node = makes ? static_cast<std::uint32_t>(from_.number()) : 0;
  into = last_;
  return from_.good();
}

}  // namespace strata::cli::capture
