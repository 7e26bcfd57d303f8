// The one way to stop the process: its message on stderr, then abort, so that a core dump or a debugger
// shows the site. Nothing here allocates or locks.
#include <atomic>
#include <cstring>

#include "base/check.hpp"
#include "base/text.hpp"
#include "os/process.hpp"

namespace strata {
namespace {

const char* name_of(misuse kind) {
  switch (kind) {
    case misuse::double_free:
      return "double free";
    case misuse::invalid_free:
      return "invalid free: not a block of this heap";
    case misuse::interior_free:
      return "invalid free: inside a block, not its start";
    case misuse::misaligned_free:
      return "invalid free: misaligned address";
    case misuse::overflow:
      return "write past the end of a block";
    case misuse::write_after_free:
      return "write to freed memory";
    case misuse::underflow:
      return "write before the start of a block";
    case misuse::access_behind:
      return "access past the end of a block";
    case misuse::access_before:
      return "access before the start of a block";
    case misuse::access_after_free:
      return "use after free";
    case misuse::wrong_size:
      return "sized free with a size that the block does not have";
    case misuse::corrupt_metadata:
      return "corrupted metadata";
    case misuse::collected:
      return "a collection where none is allowed";
  }
  return "unknown misuse";
}

constinit std::atomic<bool> stopping{false};

[[noreturn]] void stop(const base::text& message, const char* details = "") {
  stopping.store(true, std::memory_order_relaxed);
  os::write_error(message.data(), message.stored());
  os::write_error(details, std::strlen(details));
  os::abort_process();
}

}  // namespace

bool is_stopping() { return stopping.load(std::memory_order_relaxed); }

void fatal(misuse kind, const void* address, std::size_t block_bytes, const char* details) {
  char buffer[256];
  base::text message(buffer, sizeof buffer);
  message << "strata: " << name_of(kind) << ": address ";
  message.hex(reinterpret_cast<std::uintptr_t>(address));
  if (block_bytes != 0) message << ", block of " << std::uint64_t{block_bytes} << " bytes";
  message << ", process " << os::process_id() << "\n";
  stop(message, details);
}

void fatal_check(const char* expression, const char* file, int line) {
  char buffer[512];
  base::text message(buffer, sizeof buffer);
  message << "strata: check failed: " << expression << " at " << file << ":"
          << static_cast<std::int32_t>(line) << "\n";
  stop(message);
}

}  // namespace strata
