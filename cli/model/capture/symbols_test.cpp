// The indexes against libdw's own look-up, on the code of this program.
#include "cli/model/capture/symbols.hpp"

#include <dwarf.h>
#include <elfutils/libdwfl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "cli/model/capture/function_index.hpp"
#include "cli/model/capture/symbol_finder.hpp"
#include "cli/model/capture/symbol_index.hpp"
#include "cli/model/file.hpp"

namespace strata::cli::capture {
namespace {

constexpr Dwfl_Callbacks callbacks = {.find_elf = dwfl_build_id_find_elf,
                                      .find_debuginfo = dwfl_standard_find_debuginfo,
                                      .section_address = dwfl_offline_section_address,
                                      .debuginfo_path = nullptr};

constexpr const char* own_path = "/proc/self/exe";

class SymbolIndex : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_NE(session_, nullptr);
    file_ = dwfl_report_offline(session_.get(), "own", own_path, -1);
    dwfl_report_end(session_.get(), nullptr, nullptr);
    ASSERT_NE(file_, nullptr);
  }

  // First, middle and last byte of each so manieth function.
  std::vector<GElf_Addr> places(int step) const {
    std::vector<GElf_Addr> found;
    const int count = dwfl_module_getsymtab(file_);
    for (int i = 0; i < count; i += step) {
      GElf_Sym one;
      GElf_Addr start = 0;
      dwfl_module_getsym_info(file_, i, &one, &start, nullptr, nullptr, nullptr);
      if (GELF_ST_TYPE(one.st_info) != STT_FUNC || one.st_size == 0) continue;
      for (const GElf_Addr at : {start, start + one.st_size / 2, start + one.st_size - 1}) {
        found.push_back(at);
      }
    }
    return found;
  }

  // Where the symbol begins that libdw finds.
  GElf_Addr start_of(GElf_Addr address) const {
    GElf_Sym one;
    GElf_Off offset = 0;
    dwfl_module_addrinfo(file_, address, &offset, &one, nullptr, nullptr, nullptr);
    return address - offset;
  }

  std::unique_ptr<Dwfl, void (*)(Dwfl*)> session_{dwfl_begin(&callbacks), dwfl_end};
  Dwfl_Module* file_ = nullptr;
};

TEST_F(SymbolIndex, FindsWhatTheLibraryFinds) {
  const symbol_index index(file_);
  const std::vector<GElf_Addr> all = places(97);
  ASSERT_GT(all.size(), 100u);
  for (const GElf_Addr at : all) {
    const char* found = index.name_at(at);
    const char* expected = dwfl_module_addrname(file_, at);
    ASSERT_NE(found, nullptr) << std::hex << at;
    // Several symbols may begin at one address, and either may prefer another of them.
    if (std::string(found) != expected) {
      EXPECT_STREQ(index.name_at(start_of(at)), found) << "not " << expected;
    }
  }
  EXPECT_EQ(index.name_at(0), nullptr);
  EXPECT_EQ(index.name_at(~std::uint64_t{0}), nullptr);
}

std::vector<Dwarf_Off> scopes_of(Dwarf_Die* unit, Dwarf_Addr address) {
  Dwarf_Die* scopes = nullptr;
  if (dwarf_getscopes(unit, address, &scopes) <= 0) return {};
  const std::unique_ptr<Dwarf_Die, void (*)(void*)> innermost(scopes, std::free);
  const int count = dwarf_getscopes_die(innermost.get(), &scopes);
  const std::unique_ptr<Dwarf_Die, void (*)(void*)> owner(count > 0 ? scopes : nullptr, std::free);
  std::vector<Dwarf_Off> found;
  for (int i = 0; i < count; ++i) {
    const int tag = dwarf_tag(scopes + i);
    if (tag != DW_TAG_inlined_subroutine && tag != DW_TAG_subprogram) continue;
    found.insert(found.begin(), dwarf_dieoffset(scopes + i));
    if (tag == DW_TAG_subprogram) break;
  }
  return found;
}

TEST_F(SymbolIndex, FindsFunctionsAndThoseInlined) {
  std::size_t with_debug_information = 0;
  for (const GElf_Addr at : places(997)) {
    Dwarf_Addr bias = 0;
    Dwarf_Die* unit = dwfl_module_addrdie(file_, at, &bias);
    if (unit == nullptr) continue;
    const std::vector<Dwarf_Off> expected = scopes_of(unit, at - bias);
    if (expected.empty()) continue;
    std::vector<Dwarf_Off> found;
    for (Dwarf_Die& one : function_index(unit).at(at - bias)) {
      found.push_back(dwarf_dieoffset(&one));
    }
    EXPECT_EQ(found, expected) << std::hex << at;
    ++with_debug_information;
  }
  if (with_debug_information == 0) GTEST_SKIP() << "built without debug information";
}

TEST(SymbolFinder, FindsWhatTheSymbolizerFinds) {
  const std::string path = std::filesystem::read_symlink(own_path);
  const module own{path, build_id_of(path)};
  symbolizer source;
  symbol_finder finder;
  std::size_t named = 0;
  symbol_table expected;
  for (std::uint64_t offset = 0x1000; offset < 0x400000; offset += 0x8765) {
    const code_place place{0, offset};
    finder.ask(place, own);
    finder.ask(place, own);
    expected[place] = source.look_up(own, offset);
    if (!expected[place].empty()) ++named;
  }
  const symbol_table found = finder.finish();
  ASSERT_EQ(found.size(), expected.size());
  EXPECT_GT(named, 10u);
  for (const auto& [place, names] : expected) {
    const symbols& others = found.at(place);
    ASSERT_EQ(others.size(), names.size());
    for (std::size_t i = 0; i < names.size(); ++i) {
      EXPECT_EQ(others[i].function, names[i].function);
      EXPECT_EQ(others[i].line, names[i].line);
    }
  }
}

// A recording may name them as code: nobody waits for what is written there.
TEST(Symbolizer, DoesNotReadPipes) {
  const temporary_directory folder;
  const std::string pipe = folder.path() + "/pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_EQ(build_id_of(pipe), "");
  EXPECT_TRUE(symbolizer().look_up({pipe, ""}, 0x1000).empty());
}

TEST(SymbolFinder, HasNothingWithoutQuestions) { EXPECT_TRUE(symbol_finder().finish().empty()); }

}  // namespace
}  // namespace strata::cli::capture
