// The command's side of the area that it shares with the processes it records (wire/area.hpp).
#pragma once

#include <string>

#include "cli/model/file.hpp"
#include "wire/area.hpp"

namespace strata::cli::capture {

class shared_area {
 public:
  // sample_bytes: mean distance of samples; 0: everything. error() says why it could not be made.
  explicit shared_area(std::uint64_t sample_bytes);
  shared_area(const shared_area&) = delete;
  shared_area& operator=(const shared_area&) = delete;
  ~shared_area();

  const std::string& error() const { return error_; }
  // What processes open: lives as long as this.
  std::string path() const;
  wire::area& operator*() const { return *area_; }
  wire::area* operator->() const { return area_; }

 private:
  descriptor file_;
  wire::area* area_ = nullptr;
  std::string error_;
};

}  // namespace strata::cli::capture
