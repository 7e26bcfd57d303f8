#include "cli/model/capture/addresses.hpp"

namespace strata::cli::capture {

std::uint64_t& address_history::last_like(const event& one) {
  if (last_.empty()) last_.resize(std::size_t{1} << place_bits);
  const std::uint64_t like = (one.size ^ std::uint64_t{one.thread} << 48) * 0x9e3779b97f4a7c15;
  return last_[like >> (64 - place_bits)];
}

void address_column::add(const event& one) {
  std::uint64_t& last = history_.last_like(one);
  steps_.difference(static_cast<std::int64_t>(one.address - last));
  last = one.address;
}

void address_column::put(byte_writer& to) {
  to.text(steps_.bytes());
  steps_.clear();
}

void address_reader::take(byte_reader& from) {
  content_ = from.text();
  steps_ = byte_reader(content_);
  has_some_ = true;
}

void address_reader::place(event& one) {
  if (!has_some_ || !one.makes()) return;
  std::uint64_t& last = history_.last_like(one);
  last += static_cast<std::uint64_t>(steps_.difference());
  one.address = last;
}

bool address_reader::ends() {
  const bool is_right = steps_.good() && steps_.done();
  has_some_ = false;
  steps_ = {};
  return is_right;
}

}  // namespace strata::cli::capture
