// So many blocks, of so many bytes together. Not whole where they are estimates.
#pragma once

namespace strata::cli::capture {

struct amount {
  double blocks = 0;
  double bytes = 0;

  amount& operator+=(const amount& other) {
    blocks += other.blocks;
    bytes += other.bytes;
    return *this;
  }
  amount& operator-=(const amount& other) {
    blocks -= other.blocks;
    bytes -= other.bytes;
    return *this;
  }
};

}  // namespace strata::cli::capture
