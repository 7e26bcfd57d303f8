// Where resources stop the process.
#include <strata/detail/support.hpp>

#include "base/text.hpp"
#include "os/process.hpp"

namespace strata::detail {
namespace {

const char* text_of(misuse kind) {
  switch (kind) {
    case misuse::double_free:
      return "double free";
    case misuse::foreign_free:
      return "invalid free: not a block of this resource";
    case misuse::interior_free:
      return "invalid free: inside a block, not its start";
    case misuse::wrong_size:
      return "free with a size or alignment that the block does not have";
    case misuse::overflow:
      return "write past the end of a block";
    case misuse::underflow:
      return "write before the start of a block";
    case misuse::corrupt:
      return "corrupted metadata";
    case misuse::still_in_use:
      return "destroyed while blocks are live";
    case misuse::precondition:
      return "call that is not allowed";
  }
  return "misuse";
}

}  // namespace

void stop(misuse kind, const char* resource, const void* address, std::size_t bytes) {
  char buffer[256];
  base::text message(buffer, sizeof buffer);
  message << "strata: " << resource << ": " << text_of(kind) << ": address ";
  message.hex(address_of(address));
  if (bytes != 0) message << ", block of " << std::uint64_t{bytes} << " bytes";
  message << ", process " << os::process_id() << "\n";
  os::write_error(message.data(), message.stored());
  os::abort_process();
}

}  // namespace strata::detail
