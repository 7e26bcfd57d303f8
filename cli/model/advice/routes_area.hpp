// The command's side of the memory that it shares with processes in which an advice is tried
// (wire/routes.hpp).
#pragma once

#include <string>

#include "cli/model/file.hpp"
#include "wire/routes.hpp"

namespace strata::cli::advice {

class routes_area {
 public:
  // A copy of these; without figures yet. error() says why it could not be made.
  explicit routes_area(const wire::routes& all);
  routes_area(const routes_area&) = delete;
  routes_area& operator=(const routes_area&) = delete;
  ~routes_area();

  const std::string& error() const { return error_; }
  // What processes open: lives as long as this.
  std::string path() const;
  const wire::routes* operator->() const { return area_; }

 private:
  descriptor file_;
  wire::routes* area_ = nullptr;
  std::string error_;
};

}  // namespace strata::cli::advice
