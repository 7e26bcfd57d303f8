#include "cli/model/map/allocator.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>
#include <utility>

#include "cli/model/file.hpp"
#include "cli/model/layout/reader.hpp"
#include "cli/model/map/structures.hpp"

namespace strata::cli::map {
namespace {

// Of src/ground; a chunk that is elsewhere than these say is noticed.
constexpr std::uint64_t chunk_bytes = 2 << 20;
constexpr std::uint64_t granule_bytes = 16;
constexpr std::uint64_t start_bytes = 1024;
constexpr std::uint64_t start_word_bytes = 2;
constexpr std::uint64_t metadata_mapping_bytes = 256 << 10;
enum ground_kind : std::uint64_t { none, contiguous, sparse };
enum run_kind : std::uint64_t { span_run, block_run };

const std::string chosen_symbol = "_ZN6strata6ground12_GLOBAL__N_16chosenE";

struct run_facts {
  std::uint64_t start;
  std::uint64_t pages;
  page_state state;
};

class reader {
 public:
  reader(const loaded_library& library, const address_space& space, allocator_view& into)
      : library_(library), space_(space), into_(into) {}

  void read() {
    const std::uint64_t kind = library_.value(chosen_symbol, 1);
    if (kind == none) throw unknown_structure("nothing was allocated yet");
    into_.is_sparse = kind == sparse;
    page_shift_ = library_.value("_ZN6strata6ground12_GLOBAL__N_15shiftE", 4);
    if (page_shift_ < 12 || page_shift_ > 21) throw unknown_structure("its tables make no sense");
    into_.page_bytes = std::uint64_t{1} << page_shift_;
    for (const std::vector<char>& one : kind == sparse ? sparse_regions() : contiguous_region()) {
      add_region(one);
    }
    add_mappings();
    add_metadata();
    for (auto& [size, use] : classes_) into_.classes.push_back(use);
    std::sort(into_.areas.begin(), into_.areas.end(),
              [](const area& a, const area& b) { return a.start < b.start; });
  }

 private:
  std::vector<std::vector<char>> contiguous_region();
  std::vector<std::vector<char>> sparse_regions();
  void add_region(const std::vector<char>& object);
  void add_chunk(std::uint64_t start, const std::vector<char>& chunk, std::uint64_t page_entries,
                 heap_region& to);
  const run_facts* run_at(std::uint64_t descriptor);
  void add_mappings();
  void add_metadata();
  void add_area(const char* label, std::uint64_t start, std::uint64_t end) {
    if (start < end) into_.areas.push_back({label, start, end});
  }

  const loaded_library& library_;
  const address_space& space_;
  allocator_view& into_;
  std::uint64_t page_shift_ = 0;
  structure region_ = library_.type("strata::ground::region");
  structure chunk_ = library_.type("strata::ground::chunk");
  structure span_ = library_.type("strata::alloc::span");
  structure large_ = library_.type("strata::alloc::large");
  std::unordered_map<std::uint64_t, run_facts> runs_;
  std::set<std::uint64_t> descriptors_;  // where Strata's own structures are
  std::map<std::uint64_t, class_use> classes_;
};

// ---- Regions and their tables -------------------------------------------------------------------

std::vector<std::vector<char>> reader::contiguous_region() {
  const auto whole =
      library_.bytes(library_.address("_ZN6strata6ground12_GLOBAL__N_15wholeE"), region_.bytes());
  const std::uint64_t reserved =
      library_.value("_ZN6strata6ground12_GLOBAL__N_114whole_reservedE", 8);
  const std::uint64_t start = region_.value(whole, "start");
  add_area("heap", start, start + reserved);
  add_area("page tables of the heap", region_.value(whole, "pages"),
           region_.value(whole, "free_chunks") + (reserved / chunk_bytes / 64 + 1) * 8);
  // Block map and start map: one after the other, for all addresses up to the limit.
  const structure flat = library_.type("strata::ground::flat_map");
  const auto maps = library_.bytes(library_.address("_ZN6strata6ground4flatE"), flat.bytes());
  const std::uint64_t end = (flat.value(maps, "limit") + 1) * granule_bytes;
  const std::uint64_t marks = flat.value(maps, "marks");
  const std::uint64_t starts = flat.value(maps, "starts");
  add_area("block map", marks, marks + end / granule_bytes);
  add_area("start map", starts, starts + end / start_bytes * start_word_bytes);
  return {whole};
}

std::vector<std::vector<char>> reader::sparse_regions() {
  constexpr std::uint64_t leaf_words = 1 << 13;
  constexpr std::uint64_t root_words = 1 << (48 - 22 - 13);
  std::vector<std::vector<char>> found;
  for (const std::uint64_t leaf :
       library_.words(library_.address("_ZN6strata6ground12_GLOBAL__N_14rootE"), root_words)) {
    if (leaf == 0) continue;
    descriptors_.insert(leaf);
    for (const std::uint64_t at : library_.words(leaf, leaf_words)) {
      if (at == 0) continue;
      descriptors_.insert(at);
      found.push_back(library_.bytes(at, region_.bytes()));
      const auto& one = found.back();
      const std::uint64_t start = region_.value(one, "start");
      const std::uint64_t bytes = region_.value(one, "bytes");
      add_area("heap", start, start + bytes);
      const std::uint64_t marks = region_.value(one, "marks");
      add_area("block map", marks, marks + bytes / granule_bytes);
    }
  }
  return found;
}

void reader::add_region(const std::vector<char>& object) {
  heap_region made{region_.value(object, "start"), {}};
  const std::uint64_t count = region_.value(object, "bytes") / chunk_bytes;
  const auto chunks = library_.bytes(region_.value(object, "chunks"), count * chunk_.bytes());
  const std::uint64_t pages_of_chunk = chunk_bytes >> page_shift_;
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto from = chunks.begin() + static_cast<std::ptrdiff_t>(i * chunk_.bytes());
    const std::vector<char> chunk(from, from + static_cast<std::ptrdiff_t>(chunk_.bytes()));
    const std::uint64_t start = made.start + i * chunk_bytes;
    const std::uint64_t told = chunk_.value(chunk, "start");
    if (told != start && told != 0) throw unknown_structure("its tables make no sense");
    add_chunk(start, chunk, region_.value(object, "pages") + i * pages_of_chunk * 8, made);
  }
  into_.regions.push_back(std::move(made));
}

void reader::add_chunk(std::uint64_t start, const std::vector<char>& chunk,
                       std::uint64_t page_entries, heap_region& to) {
  const std::uint64_t pages = chunk_bytes >> page_shift_;
  const auto bit = [&](const char* row, std::uint64_t page) {
    const auto byte = static_cast<unsigned char>(chunk[chunk_.offset(row) + page / 8]);
    return (byte >> (page % 8) & 1) != 0;
  };
  std::vector<std::uint64_t> entries;
  const run_facts* run = nullptr;
  for (std::uint64_t page = 0; page < pages; ++page) {
    page_state state = bit("dirty_words", page) ? page_state::dirty : page_state::clean;
    if (bit("used_words", page)) {
      if (entries.empty()) entries = library_.words(page_entries, pages);
      const std::uint64_t entry = entries[page];
      // Even: the run that starts or goes on here; of a long one not each page is entered.
      if (entry != 0 && entry % 2 == 0) run = run_at(entry);
      const std::uint64_t at = start + (page << page_shift_);
      const bool inside = run != nullptr && at - run->start < run->pages << page_shift_;
      state = inside ? run->state : page_state::large;
    }
    to.pages.push_back(state);
    into_.state_bytes[static_cast<std::size_t>(state)] += into_.page_bytes;
  }
}

// ---- Runs and large blocks ----------------------------------------------------------------------

const run_facts* reader::run_at(std::uint64_t descriptor) {
  if (const auto known = runs_.find(descriptor); known != runs_.end()) return &known->second;
  descriptors_.insert(descriptor);
  const auto object = library_.bytes(descriptor, span_.bytes());
  const bool is_span = span_.value(object, "kind") == span_run;
  const run_facts made{span_.value(object, "start"), span_.value(object, "pages"),
                       is_span ? page_state::span : page_state::large};
  if (is_span) {
    const std::uint64_t size = span_.value(object, "block_bytes");
    class_use& use = classes_[size];
    use.block_bytes = size;
    ++use.spans;
    use.blocks += span_.value(object, "capacity");
    use.free_blocks += span_.value(object, "free_count");
  } else {
    ++into_.large_runs;
  }
  return &runs_.emplace(descriptor, made).first->second;
}

// Large blocks with mappings of their own are in a tree.
void reader::add_mappings() {
  std::vector<std::uint64_t> open = {library_.value("_ZN6strata5alloc12_GLOBAL__N_18mappingsE", 8)};
  std::set<std::uint64_t> seen;
  while (!open.empty()) {
    const std::uint64_t at = open.back();
    open.pop_back();
    if (at == 0 || !seen.insert(at).second) continue;
    descriptors_.insert(at);
    const auto object = library_.bytes(at, large_.bytes());
    const std::uint64_t start = large_.value(object, "start");
    const std::uint64_t bytes = large_.value(object, "mapped");
    ++into_.mapped_blocks;
    into_.mapped_bytes += bytes;
    add_area("large block", start, start + bytes);
    open.push_back(large_.value(object, "left"));
    open.push_back(large_.value(object, "right"));
  }
}

// Descriptors are cut from mappings of 256 KiB, which the kernel may have joined with others.
void reader::add_metadata() {
  std::uint64_t known_end = 0;
  const std::uint64_t bump_end =
      library_.value("_ZN6strata6ground8metadata12_GLOBAL__N_18bump_endE", 8);
  if (bump_end >= metadata_mapping_bytes) descriptors_.insert(bump_end - metadata_mapping_bytes);
  for (const std::uint64_t at : descriptors_) {
    if (at < known_end) continue;
    const mapping* in = find(space_, at);
    if (in == nullptr || in->what != purpose::anonymous) continue;
    constexpr std::uint64_t whole_up_to = 16 * metadata_mapping_bytes;
    const std::uint64_t page = at / system_page_bytes() * system_page_bytes();
    const bool whole = in->bytes() <= whole_up_to;
    known_end = whole ? in->end : page + system_page_bytes();
    add_area("metadata", whole ? in->start : page, known_end);
  }
}

// ---- Which file is Strata in? -------------------------------------------------------------------

const mapping* first_of(const address_space& space, const std::string& path) {
  for (const mapping& one : space.mappings) {
    if (one.path == path && one.offset == 0) return &one;
  }
  return nullptr;
}

// libstrata.so where it is loaded, else the program, which may be linked with libstrata.a.
std::string strata_file(const address_space& space) {
  for (const mapping& one : space.mappings) {
    if (base_name(one.path).starts_with("libstrata.so")) return one.path;
  }
  return space.program;
}

}  // namespace

const char* name_of(page_state state) {
  static constexpr std::array names = {"clean", "dirty", "spans", "large"};
  return names[static_cast<std::size_t>(state)];
}

std::optional<allocator_view> read_allocator(const address_space& space, const memory& from,
                                             const std::string& root) {
  allocator_view view;
  view.library = strata_file(space);
  const mapping* first = first_of(space, view.library);
  const bool is_library = view.library != space.program;
  if (view.library.empty() || (first == nullptr && !is_library)) return std::nullopt;
  if (view.library.ends_with(" (deleted)")) {
    if (!is_library) return std::nullopt;
    view.problem = "the file has been replaced since it was loaded";
    return view;
  }
  const layout::debug_info info(root + view.library);
  if (!is_library && (!info.error().empty() || !info.symbol(chosen_symbol))) return std::nullopt;
  if (!info.error().empty() || first == nullptr) {
    view.problem =
        info.error().empty() ? "where it is loaded cannot be told" : "it " + info.error();
    return view;
  }
  try {
    const layout::catalogue types = layout::read_records(info);
    const loaded_library library(info, types, from, first->start - info.first_page());
    reader(library, space, view).read();
  } catch (const unknown_structure& problem) {
    allocator_view nothing;
    nothing.library = view.library;
    nothing.problem = problem.what();
    return nothing;
  }
  return view;
}

}  // namespace strata::cli::map
