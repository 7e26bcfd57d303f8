#include "cli/model/advice/routes_area.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>

namespace strata::cli::advice {

routes_area::routes_area(const wire::routes& all)
    : file_(memfd_create("strata-routes", MFD_CLOEXEC)) {
  void* mapped = MAP_FAILED;
  if (file_ && ftruncate(file_.get(), sizeof all) == 0) {
    mapped = mmap(nullptr, sizeof all, PROT_READ | PROT_WRITE, MAP_SHARED, file_.get(), 0);
  }
  if (mapped == MAP_FAILED) {
    error_ = std::string("cannot make shared memory: ") + std::strerror(errno);
    return;
  }
  area_ = static_cast<wire::routes*>(mapped);  // zeros are a state of all that is in it
  std::memcpy(mapped, &all, offsetof(wire::routes, processes));
}

routes_area::~routes_area() {
  if (area_ != nullptr) munmap(area_, sizeof(wire::routes));
}

std::string routes_area::path() const {
  return "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(file_.get());
}

}  // namespace strata::cli::advice
