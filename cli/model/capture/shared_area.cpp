#include "cli/model/capture/shared_area.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace strata::cli::capture {

shared_area::shared_area(std::uint64_t sample_bytes)
    : file_(memfd_create("strata-record", MFD_CLOEXEC)) {
  constexpr auto bytes = static_cast<off_t>(wire::area_bytes);
  void* mapped = MAP_FAILED;
  if (file_ && ftruncate(file_.get(), bytes) == 0) {
    mapped = mmap(nullptr, wire::area_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file_.get(), 0);
  }
  if (mapped == MAP_FAILED) {
    error_ = std::string("cannot make shared memory: ") + std::strerror(errno);
    return;
  }
  area_ = static_cast<wire::area*>(mapped);  // zeros are a state of all that is in it
  area_->sample_bytes = sample_bytes;
  area_->reader = static_cast<std::uint32_t>(getpid());
  area_->magic = wire::area_magic;
}

shared_area::~shared_area() {
  if (area_ == nullptr) return;
  area_->closed.store(1, std::memory_order_relaxed);
  munmap(area_, wire::area_bytes);
}

std::string shared_area::path() const {
  return "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(file_.get());
}

}  // namespace strata::cli::capture
