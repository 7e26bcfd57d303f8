#include "cli/model/capture/symbols.hpp"

#include <cxxabi.h>
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwelf.h>
#include <elfutils/libdwfl.h>
#include <fcntl.h>
#include <gelf.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>

#include "cli/model/capture/function_index.hpp"
#include "cli/model/capture/symbol_index.hpp"
#include "cli/model/file.hpp"

namespace strata::cli::capture {
namespace {

constexpr Dwfl_Callbacks callbacks = {.find_elf = dwfl_build_id_find_elf,
                                      .find_debuginfo = dwfl_standard_find_debuginfo,
                                      .section_address = dwfl_offline_section_address,
                                      .debuginfo_path = nullptr};

constexpr std::uint64_t most_inlined = 256;  // into one another

std::string demangled(const char* name) {
  if (name == nullptr) return {};
  if (std::strncmp(name, "_Z", 2) != 0) return name;
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> made(
      abi::__cxa_demangle(name, nullptr, nullptr, &status), std::free);
  if (status != 0) return name;
  const std::string text = made.get();
  return text.substr(0, text.find(" [clone "));
}

const char* linkage_name(Dwarf_Die* die) {
  for (unsigned attribute : {DW_AT_linkage_name, DW_AT_MIPS_linkage_name}) {
    Dwarf_Attribute found;
    if (dwarf_attr_integrate(die, attribute, &found) != nullptr) return dwarf_formstring(&found);
  }
  return nullptr;
}

bool has_namespaces(Dwarf_Die* unit) {
  switch (dwarf_srclang(unit)) {
    case DW_LANG_C:
    case DW_LANG_C89:
    case DW_LANG_C99:
    case DW_LANG_C11:
      return false;
    default:
      return true;
  }
}

// The name with the namespaces and classes that it is declared in. To find these goes through the unit.
std::string scoped_name(const Dwarf_Die& of) {
  Dwarf_Die declared = of;
  Dwarf_Attribute found;
  Dwarf_Die next;
  for (int left = 8; left > 0; --left) {  // a damaged file may go in circles
    if (dwarf_attr(&declared, DW_AT_abstract_origin, &found) == nullptr &&
        dwarf_attr(&declared, DW_AT_specification, &found) == nullptr) {
      break;
    }
    if (dwarf_formref_die(&found, &next) == nullptr) break;
    declared = next;
  }
  const char* own = dwarf_diename(&declared);
  if (own == nullptr) return {};
  std::string name = own;
  Dwarf_Die unit;
  if (dwarf_diecu(&declared, &unit, nullptr, nullptr) != nullptr && !has_namespaces(&unit)) {
    return name;
  }
  Dwarf_Die* scopes = nullptr;
  const int count = dwarf_getscopes_die(&declared, &scopes);
  const std::unique_ptr<Dwarf_Die, void (*)(void*)> owner(count > 0 ? scopes : nullptr, std::free);
  for (int i = 1; i < count; ++i) {
    const int tag = dwarf_tag(scopes + i);
    const bool is_class =
        tag == DW_TAG_class_type || tag == DW_TAG_structure_type || tag == DW_TAG_union_type;
    if (!is_class && tag != DW_TAG_namespace) continue;
    const char* outer = dwarf_diename(scopes + i);
    name.insert(0, std::string(outer != nullptr ? outer : "(anonymous namespace)") + "::");
  }
  return name;
}

// in_table: as the symbol table has it, or null. Functions of one file alone have only there a name with its
// namespaces.
std::string function_name(Dwarf_Die* die, const char* in_table) {
  if (const char* linkage = linkage_name(die)) return demangled(linkage);
  const bool is_cpp = in_table != nullptr && std::strncmp(in_table, "_Z", 2) == 0;
  return is_cpp ? demangled(in_table) : scoped_name(*die);
}

// Where an inlined function is called: as a line of the function that it is in.
void note_call(Dwarf_Die* unit, Dwarf_Die* inlined, symbol& into) {
  Dwarf_Attribute found;
  Dwarf_Word value = 0;
  Dwarf_Files* files = nullptr;
  std::size_t count = 0;
  if (dwarf_attr(inlined, DW_AT_call_file, &found) != nullptr &&
      dwarf_formudata(&found, &value) == 0 && dwarf_getsrcfiles(unit, &files, &count) == 0) {
    const char* name = value < count ? dwarf_filesrc(files, value, nullptr, nullptr) : nullptr;
    if (name != nullptr) into.file = name;
  }
  if (dwarf_attr(inlined, DW_AT_call_line, &found) != nullptr &&
      dwarf_formudata(&found, &value) == 0) {
    into.line = static_cast<std::uint32_t>(value);
  }
}

// What a recording names may be anything here, even a pipe that nobody writes to.
bool is_file(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::is_regular_file(path, ignored);
}

std::string digits(const void* bytes, std::size_t count) {
  std::string made;
  for (std::size_t i = 0; i < count; ++i) {
    const auto one = static_cast<const unsigned char*>(bytes)[i];
    made += "0123456789abcdef"[one >> 4];
    made += "0123456789abcdef"[one & 15];
  }
  return made;
}

}  // namespace

struct symbolizer::opened {
  Dwfl* session = nullptr;
  Dwfl_Module* file = nullptr;
  GElf_Addr bias = 0;
  std::vector<GElf_Phdr> segments;
  symbol_index names;
  // By where they begin in the debug information.
  std::map<const void*, function_index> units;
  std::map<std::pair<const void*, const char*>, std::string> function_names;

  opened() = default;
  opened(const opened&) = delete;
  opened& operator=(const opened&) = delete;
  ~opened() {
    if (session != nullptr) dwfl_end(session);
  }
  void open(const std::string& path);
  std::optional<Dwarf_Addr> address_of(std::uint64_t offset) const;
  symbols find(Dwarf_Addr address);

 private:
  struct unit_range {
    Dwarf_Addr start = 0;
    Dwarf_Addr end = 0;
    Dwarf_Die unit{};
    Dwarf_Addr bias = 0;
  };
  void find_inlined(Dwarf_Die* unit, Dwarf_Addr in_unit, const char* in_table, symbols& into);
  const std::string& name_of(Dwarf_Die* function, const char* in_table);
  const function_index& functions_of(Dwarf_Die* unit);
  Dwarf_Die* unit_at(Dwarf_Addr address, Dwarf_Addr& unit_bias);
  void read_units();

  std::vector<unit_range> units_;  // by start; read when the file's own table lacks an address
  bool has_read_units_ = false;
};

void symbolizer::opened::open(const std::string& path) {
  session = dwfl_begin(&callbacks);
  if (session == nullptr) return;
  Dwfl_Module* made = dwfl_report_offline(session, path.c_str(), path.c_str(), -1);
  dwfl_report_end(session, nullptr, nullptr);
  Elf* elf = made == nullptr ? nullptr : dwfl_module_getelf(made, &bias);
  std::size_t count = 0;
  if (elf == nullptr || elf_getphdrnum(elf, &count) != 0) return;
  for (std::size_t i = 0; i < count; ++i) {
    GElf_Phdr segment;
    if (gelf_getphdr(elf, static_cast<int>(i), &segment) != nullptr && segment.p_type == PT_LOAD) {
      segments.push_back(segment);
    }
  }
  file = made;
  names = symbol_index(made);
}

std::optional<Dwarf_Addr> symbolizer::opened::address_of(std::uint64_t offset) const {
  for (const GElf_Phdr& one : segments) {
    if (offset >= one.p_offset && offset - one.p_offset < one.p_filesz) {
      return one.p_vaddr + (offset - one.p_offset) + bias;
    }
  }
  return std::nullopt;
}

// The compilation unit of an address. GCC writes a table of them (.debug_aranges); clang doesn't, and leaves
// it to the units themselves.
Dwarf_Die* symbolizer::opened::unit_at(Dwarf_Addr address, Dwarf_Addr& unit_bias) {
  if (Dwarf_Die* unit = dwfl_module_addrdie(file, address, &unit_bias)) return unit;
  if (!has_read_units_) read_units();
  auto after =
      std::upper_bound(units_.begin(), units_.end(), address,
                       [](Dwarf_Addr at, const unit_range& one) { return at < one.start; });
  if (after == units_.begin() || address >= (--after)->end) return nullptr;
  unit_bias = after->bias;
  return &after->unit;
}

void symbolizer::opened::read_units() {
  has_read_units_ = true;
  Dwarf_Addr unit_bias = 0;
  for (Dwarf_Die* unit = nullptr; (unit = dwfl_module_nextcu(file, unit, &unit_bias)) != nullptr;) {
    Dwarf_Addr base = 0;
    Dwarf_Addr start = 0;
    Dwarf_Addr end = 0;
    for (std::ptrdiff_t at = 0; (at = dwarf_ranges(unit, at, &base, &start, &end)) > 0;)
      units_.push_back({start + unit_bias, end + unit_bias, *unit, unit_bias});
  }
  std::sort(units_.begin(), units_.end(),
            [](const unit_range& a, const unit_range& b) { return a.start < b.start; });
}

symbols symbolizer::opened::find(Dwarf_Addr address) {
  symbols found(1);
  const char* in_table = names.name_at(address);
  found[0].function = demangled(in_table);
  Dwarf_Addr unit_bias = 0;
  if (Dwarf_Die* unit = unit_at(address, unit_bias)) {
    if (Dwarf_Line* line = dwarf_getsrc_die(unit, address - unit_bias)) {
      int number = 0;
      const char* name = dwarf_linesrc(line, nullptr, nullptr);
      if (name != nullptr && dwarf_lineno(line, &number) == 0) {
        found[0].file = name;
        found[0].line = static_cast<std::uint32_t>(number);
      }
    }
    find_inlined(unit, address - unit_bias, in_table, found);
  }
  if (found.size() == 1 && found[0].function.empty() && found[0].file.empty()) found.clear();
  return found;
}

void symbolizer::opened::find_inlined(Dwarf_Die* unit, Dwarf_Addr in_unit, const char* in_table,
                                      symbols& into) {
  std::vector<Dwarf_Die> found = functions_of(unit).at(in_unit);
  for (std::size_t left = found.size(); left > 0; --left) {
    const bool is_whole = left == 1;
    const std::string& name = name_of(&found[left - 1], is_whole ? in_table : nullptr);
    if (!name.empty()) into.back().function = name;
    if (is_whole) break;
    into.emplace_back();
    note_call(unit, &found[left - 1], into.back());
  }
}

const std::string& symbolizer::opened::name_of(Dwarf_Die* function, const char* in_table) {
  const auto [at, is_new] = function_names.try_emplace({function->addr, in_table});
  if (is_new) at->second = function_name(function, in_table);
  return at->second;
}

const function_index& symbolizer::opened::functions_of(Dwarf_Die* unit) {
  const auto known = units.find(unit->addr);
  return known != units.end() ? known->second : units.try_emplace(unit->addr, unit).first->second;
}

symbolizer::symbolizer() = default;
symbolizer::~symbolizer() = default;

symbolizer::opened& symbolizer::open(const module& in) {
  auto& kept = files_[{in.path, in.build_id}];
  if (kept == nullptr) {
    kept = std::make_unique<opened>();
    if (in.path.starts_with("/") && is_file(in.path) && build_id_of(in.path) == in.build_id) {
      kept->open(in.path);
    }
  }
  return *kept;
}

symbols symbolizer::look_up(const module& in, std::uint64_t offset) {
  opened& from = open(in);
  if (from.file == nullptr) return {};
  const auto address = from.address_of(offset);
  return address ? from.find(*address) : symbols();
}

std::string build_id_of(const std::string& path) {
  if (!is_file(path)) return {};
  elf_version(EV_CURRENT);
  const descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return {};
  Elf* elf = elf_begin(file.get(), ELF_C_READ_MMAP, nullptr);
  const void* bytes = nullptr;
  const ssize_t count = elf == nullptr ? 0 : dwelf_elf_gnu_build_id(elf, &bytes);
  std::string made = count > 0 ? digits(bytes, static_cast<std::size_t>(count)) : std::string();
  elf_end(elf);
  return made;
}

void put_symbols(byte_writer& to, const module& of, std::size_t index, const symbol_table& all) {
  byte_writer places;
  byte_writer names;
  std::map<std::string, std::uint64_t> known;
  std::uint64_t count = 0;
  const auto number_of = [&](const std::string& name) {
    const auto [at, is_new] = known.try_emplace(name, known.size());
    if (is_new) names.text(name);
    return at->second;
  };
  for (auto at = all.lower_bound({index, 0}); at != all.end() && at->first.module == index; ++at) {
    ++count;
    places.number(at->first.offset);
    places.number(at->second.size());
    for (const symbol& one : at->second) {
      places.number(number_of(one.function));
      places.number(number_of(one.file));
      places.number(one.line);
    }
  }
  to.text(of.path);
  to.text(of.build_id);
  to.number(known.size());
  to.text(names.bytes());
  to.number(count);
  to.text(places.bytes());
}

void get_symbols(byte_reader& from, module_table& modules, symbol_table& into) {
  const std::string path(from.text());
  const std::string build_id(from.text());
  const std::size_t index = modules.index_of(path, build_id);
  std::vector<std::string> names;
  std::uint64_t count = from.number();
  byte_reader texts(from.text());
  for (; count > 0 && texts.good() && !texts.done(); --count) names.emplace_back(texts.text());
  const auto name = [&](std::uint64_t number) {
    return number < names.size() ? names[number] : std::string();
  };
  count = from.number();
  byte_reader places(from.text());
  for (; count > 0 && places.good() && !places.done(); --count) {
    symbols& found = into[{index, places.number()}];
    found.clear();
    std::uint64_t left = std::min(places.number(), most_inlined);
    for (; left > 0 && places.good(); --left) {
      symbol one;
      one.function = name(places.number());
      one.file = name(places.number());
      one.line = static_cast<std::uint32_t>(places.number());
      found.push_back(std::move(one));
    }
  }
}

}  // namespace strata::cli::capture
