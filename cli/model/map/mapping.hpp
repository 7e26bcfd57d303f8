// The mappings of an address space, as the kernel tells them (/proc/PID/smaps) and as a core dump does.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace strata::cli::map {

// What a mapping is there for.
enum class purpose {
  program,    // the executable's text and data
  library,    // those of other ELF files
  allocator,  // Strata's heap and tables
  heap,       // brk: libc's own heap
  stack,      // of the first thread and of those that could be told
  anonymous,  // memory from mmap that nobody has named
  shared,     // shared between processes: /dev/shm, memfd, System V
  file,       // other files
  kernel,     // [vdso] and the like
  reserved    // addresses without memory: guards, reservations
};
inline constexpr int purpose_count = static_cast<int>(purpose::reserved) + 1;
const char* name_of(purpose what);

// Physical memory of one mapping, or of several together.
struct usage {
  std::uint64_t resident_bytes = 0;
  std::uint64_t proportional_bytes = 0;  // each page divided by the processes that share it
  std::uint64_t dirty_bytes = 0;         // written since it was mapped; cannot simply be dropped
  std::uint64_t swapped_bytes = 0;
  std::uint64_t huge_bytes = 0;  // backed by huge pages
  std::uint64_t locked_bytes = 0;

  // change(figure, the other's figure) for each.
  template <typename Change>
  usage& combine(const usage& other, Change change) {
    for (auto figure : {&usage::resident_bytes, &usage::proportional_bytes, &usage::dirty_bytes,
                        &usage::swapped_bytes, &usage::huge_bytes, &usage::locked_bytes}) {
      change(this->*figure, other.*figure);
    }
    return *this;
  }
  usage& operator+=(const usage& other) {
    return combine(other, [](std::uint64_t& own, std::uint64_t more) { own += more; });
  }
};

struct mapping {
  std::uint64_t start = 0;
  std::uint64_t end = 0;
  std::string permissions;  // "rw-p"
  std::uint64_t offset = 0;
  std::string path;  // file, "[heap]", "[anon:name]"; empty: anonymous
  usage memory;
  purpose what = purpose::anonymous;
  std::string label;  // for people: "stack of thread 7 (worker)"; empty: the path says it

  std::uint64_t bytes() const { return end - start; }
  bool is_accessible() const { return permissions.find_first_of("rwx") != std::string::npos; }
  bool is_writable() const { return permissions.size() > 1 && permissions[1] == 'w'; }
  bool is_executable() const { return permissions.size() > 2 && permissions[2] == 'x'; }
  bool is_shared() const { return permissions.size() > 3 && permissions[3] == 's'; }
  bool holds(std::uint64_t address) const { return start <= address && address < end; }
};

// Of one process, by address.
struct address_space {
  std::string source;      // "process 4711", a file
  std::string program;     // path of the executable; empty: unknown
  bool has_usage = false;  // /proc/PID/maps and core dumps tell sizes alone
  std::vector<mapping> mappings;
};

// The mapping that holds the address; null: none.
const mapping* find(const address_space& in, std::uint64_t address);

// Reads the text of /proc/PID/smaps or maps. Empty: done; otherwise what is wrong, with its line.
std::string parse_mappings(const std::string& text, address_space& into);

// Tells what each mapping is there for, by path, permissions and neighbours. Stacks of threads and what
// is Strata's are told by others.
void classify(address_space& all);

}  // namespace strata::cli::map
