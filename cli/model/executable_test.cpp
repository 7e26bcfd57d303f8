#include "cli/model/executable.hpp"

#include <elf.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

#include "cli/model/file.hpp"

namespace strata::cli {
namespace {

// A directory with files made for one test.
class ExecutableTest : public testing::Test {
 protected:
  std::string make(const std::string& name, const std::string& content, mode_t mode = 0755) {
    const std::string path = directory_.path() + "/" + name;
    const descriptor file(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700));
    EXPECT_TRUE(write_all(file.get(), content));
    EXPECT_EQ(fchmod(file.get(), mode), 0);
    return path;
  }
  std::string reason(const std::string& path) {
    const auto refused = why_not_preloadable(path);
    return refused ? refused->reason : "";
  }
  std::string directory() const { return directory_.path(); }

 private:
  temporary_directory directory_;
};

struct elf_image {
  Elf64_Ehdr header{};
  Elf64_Phdr segment{};
  char interpreter[32] = "/lib64/ld-linux-test.so.2";

  std::string bytes() const { return {reinterpret_cast<const char*>(this), sizeof *this}; }
};

elf_image dynamic_program() {
  // The header of this very program is right for this machine.
  elf_image image;
  const descriptor self(open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(pread(self.get(), &image.header, sizeof image.header, 0),
            static_cast<ssize_t>(sizeof image.header));
  image.header.e_phoff = offsetof(elf_image, segment);
  image.header.e_phnum = 1;
  image.segment.p_type = PT_INTERP;
  image.segment.p_offset = offsetof(elf_image, interpreter);
  image.segment.p_filesz = std::strlen(image.interpreter) + 1;
  return image;
}

TEST_F(ExecutableTest, AcceptsADynamicProgram) {
  EXPECT_EQ(reason(make("dynamic", dynamic_program().bytes())), "");
}

TEST_F(ExecutableTest, RefusesAStaticProgram) {
  elf_image image = dynamic_program();
  image.segment.p_type = PT_LOAD;
  image.header.e_type = ET_EXEC;
  EXPECT_NE(reason(make("static", image.bytes())).find("statically linked"), std::string::npos);
  image.header.e_type = ET_DYN;
  EXPECT_NE(reason(make("static-pie", image.bytes())).find("statically linked"), std::string::npos);
  EXPECT_EQ(reason(make("ld-linux-test.so.2", image.bytes())), "");  // the loader itself
}

TEST_F(ExecutableTest, RefusesOtherMachinesAndClasses) {
  elf_image image = dynamic_program();
  image.header.e_machine = EM_RISCV;
  EXPECT_NE(reason(make("riscv", image.bytes())).find("64-bit riscv"), std::string::npos);
  image.header.e_machine = EM_386;
  image.header.e_ident[EI_CLASS] = ELFCLASS32;
  EXPECT_NE(reason(make("x86", image.bytes())).find("32-bit x86"), std::string::npos);
}

TEST_F(ExecutableTest, RefusesAnotherLibc) {
  elf_image image = dynamic_program();
  std::strcpy(image.interpreter, "/lib/ld-musl-test.so.1");
  EXPECT_NE(reason(make("musl", image.bytes())).find("musl"), std::string::npos);
}

TEST_F(ExecutableTest, RefusesDamagedFiles) {
  const std::string whole = dynamic_program().bytes();
  for (std::size_t size : {std::size_t{8}, sizeof(Elf64_Ehdr) - 1, sizeof(Elf64_Ehdr) + 4}) {
    EXPECT_NE(reason(make("cut", whole.substr(0, size))).find("damaged"), std::string::npos)
        << size;
  }
  elf_image image = dynamic_program();
  image.segment.p_filesz = 1 << 30;
  EXPECT_NE(reason(make("huge", image.bytes())).find("damaged"), std::string::npos);
}

TEST_F(ExecutableTest, RefusesWhatIsNoProgram) {
  EXPECT_NE(reason(make("text", "hello\n")).find("neither"), std::string::npos);
  EXPECT_NE(reason(make("empty", "")).find("neither"), std::string::npos);
}

TEST_F(ExecutableTest, JudgesAScriptByItsInterpreter) {
  elf_image image = dynamic_program();
  const std::string good = make("good", image.bytes());
  image.segment.p_type = PT_LOAD;
  const std::string bad = make("bad", image.bytes());
  EXPECT_EQ(reason(make("script", "#!" + good + " -x\n")), "");
  EXPECT_NE(reason(make("script", "#! " + bad + "\n")).find("statically linked"),
            std::string::npos);
  EXPECT_NE(reason(make("script", "#!/nonexistent\n")).find("/nonexistent: not found"),
            std::string::npos);
  EXPECT_NE(reason(make("script", "#!\n")).find("names no interpreter"), std::string::npos);
  EXPECT_NE(reason(make("loop", "#!" + directory() + "/loop\n")).find("too many"),
            std::string::npos);
}

TEST_F(ExecutableTest, FindsProgramsAlongThePath) {
  const std::string program = make("program", "x");
  make("plain", "x", 0644);
  const std::string path = "/nonexistent:" + directory();
  EXPECT_EQ(std::get<std::string>(find_program("program", path)), program);
  EXPECT_EQ(std::get<std::string>(find_program(program, "")), program);
  EXPECT_EQ(std::get<refusal>(find_program("plain", path)).status, 126);
  EXPECT_EQ(std::get<refusal>(find_program("none", path)).status, 127);
  EXPECT_EQ(std::get<refusal>(find_program("", path)).status, 127);
  EXPECT_EQ(std::get<refusal>(find_program(directory(), path)).status, 126);
  EXPECT_EQ(std::get<refusal>(find_program(program + "/below", path)).status, 127);
}

// A program with one symbol.
std::string program_with_symbol(const char* name, unsigned char binding, Elf64_Half section) {
  struct {
    elf_image start = dynamic_program();
    Elf64_Shdr sections[3] = {};
    Elf64_Sym symbols[2] = {};
    char names[32] = {};
  } image;
  image.start.header.e_shoff = offsetof(decltype(image), sections);
  image.start.header.e_shnum = 3;
  image.sections[1].sh_type = SHT_DYNSYM;
  image.sections[1].sh_link = 2;
  image.sections[1].sh_offset = offsetof(decltype(image), symbols);
  image.sections[1].sh_size = sizeof image.symbols;
  image.sections[2].sh_offset = offsetof(decltype(image), names);
  image.sections[2].sh_size = sizeof image.names;
  image.symbols[1].st_name = 1;
  image.symbols[1].st_info = static_cast<unsigned char>(ELF64_ST_INFO(binding, STT_FUNC));
  image.symbols[1].st_shndx = section;
  std::strcpy(image.names + 1, name);
  return {reinterpret_cast<const char*>(&image), sizeof image};
}

TEST_F(ExecutableTest, KnowsSanitizersByTheirRuntimes) {
  const auto found = [&](const char* name, unsigned char binding, Elf64_Half section) {
    return sanitizer_in(make("program", program_with_symbol(name, binding, section)));
  };
  EXPECT_EQ(found("__asan_init", STB_GLOBAL, SHN_UNDEF), "AddressSanitizer");
  EXPECT_EQ(found("__tsan_init", STB_WEAK, 1), "ThreadSanitizer");
  EXPECT_EQ(found("__asan_init", STB_WEAK, SHN_UNDEF), "");
  EXPECT_EQ(found("__ubsan_handle_add", STB_GLOBAL, SHN_UNDEF), "");
  make("program", program_with_symbol("__msan_init", STB_GLOBAL, 1));
  EXPECT_EQ(sanitizer_in(make("script", "#!" + directory() + "/program\n")), "MemorySanitizer");
  EXPECT_EQ(sanitizer_in(make("text", "no program")), "");
  EXPECT_EQ(sanitizer_in(directory() + "/none"), "");
}

TEST(ScriptInterpreter, IsTheFirstWordBehindTheMark) {
  EXPECT_EQ(script_interpreter("#!/bin/sh\n"), "/bin/sh");
  EXPECT_EQ(script_interpreter("#! \t/usr/bin/env python3\nmore"), "/usr/bin/env");
  EXPECT_EQ(script_interpreter("#!/bin/sh"), "/bin/sh");
  EXPECT_EQ(script_interpreter("#!   \n/bin/sh"), "");
  EXPECT_EQ(script_interpreter("/bin/sh\n"), "");
}

}  // namespace
}  // namespace strata::cli
