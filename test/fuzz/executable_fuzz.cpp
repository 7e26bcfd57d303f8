// What the command reads of a program's file before it starts it: ELF headers, the interpreter's line, the
// sanitizer's name.
#include <sys/mman.h>
#include <unistd.h>

#include <string>

#include "cli/model/executable.hpp"
#include "cli/model/file.hpp"
#include "fuzz.hpp"

using namespace strata;

namespace {

cli::descriptor file_of(const std::uint8_t* data, std::size_t size) {
  cli::descriptor file(memfd_create("program", MFD_CLOEXEC));
  fuzz::expect(static_cast<bool>(file), "no file in memory");
  std::string_view text(reinterpret_cast<const char*>(data), size);
  fuzz::expect(cli::write_all(file.get(), text), "a file in memory is not written");
  return file;
}

void read_file(const cli::descriptor& file) {
  cli::elf_facts facts = cli::read_elf(file.get());
  using fit = cli::elf_facts::fit;
  fuzz::expect(facts.interpreter.find('\0') == std::string::npos,
               "an interpreter with an end in it");
  fuzz::expect(facts.fits != fit::not_elf || facts.interpreter.empty(), "no ELF, and interpreted");
  fuzz::expect((facts.fits == fit::foreign) == !facts.built_for.empty(), "foreign to what?");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string bytes(reinterpret_cast<const char*>(data), size);
  std::string interpreter = cli::script_interpreter(bytes);
  fuzz::expect(interpreter.find_first_of(" \t\n") == std::string::npos, "more than one word");
  cli::descriptor file = file_of(data, size);
  read_file(file);
  // A script's interpreter is another file, which the input doesn't hold.
  if (interpreter.empty()) {
    cli::sanitizer_in("/proc/self/fd/" + std::to_string(file.get()));
  }
  return 0;
}
