// The files of other processes that the command reads, and its reports of what they say. The input
// writes numbers into their fields; a file may be cut, and be of another version.
#include <filesystem>
#include <fstream>
#include <string>

#include "cli/model/file.hpp"
#include "cli/model/stats_files.hpp"
#include "cli/report/run_report.hpp"
#include "fuzz.hpp"

using namespace strata;

namespace {

constexpr std::size_t words = sizeof(strata_stats) / sizeof(std::uint64_t);
static_assert(words * sizeof(std::uint64_t) == sizeof(strata_stats));

class folder {
 public:
  folder() { begin(); }
  ~folder() {
    for (int i = 0; i < files_; ++i) std::filesystem::remove(path_of(i));
  }
  [[nodiscard]] const std::string& path() const { return place().path(); }
  [[nodiscard]] int files() const { return files_; }

  void apply(const fuzz::record& now) {
    if (now.operation() == 15) {
      write(now.flavour() == 15 ? now.amount % sizeof now_ : sizeof now_);
      begin();
      return;
    }
    now_[now.amount % words] = value(now);
  }
  void write(std::size_t bytes) {
    if (files_ == 4) return;
    std::ofstream to(path_of(files_++), std::ios::binary);
    to.write(reinterpret_cast<const char*>(now_.data()), static_cast<std::streamsize>(bytes));
  }

 private:
  static const cli::temporary_directory& place() {
    static const cli::temporary_directory made;
    return made;
  }
  [[nodiscard]] static std::string path_of(int number) {
    return place().path() + "/" + std::to_string(number) + ".stats";
  }
  // As a process leaves it; what the input does not say is 0.
  void begin() {
    strata_stats fresh{};
    fresh.version = STRATA_STATS_VERSION;
    fresh.struct_bytes = sizeof fresh;
    fresh.class_count = STRATA_STATS_CLASSES;
    fresh.flags = STRATA_STATS_COUNTED;
    fresh.pid = files_ + 1;
    std::memcpy(now_.data(), &fresh, sizeof fresh);
  }
  static std::uint64_t value(const fuzz::record& now) {
    std::uint64_t low = now.which;
    if (now.flavour() < 8) return low << now.flavour() * 8;
    return now.flavour() < 12 ? ~low : low * 0x0101010101010101U;
  }

  std::array<std::uint64_t, words> now_{};
  int files_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::input from(data, size);
  fuzz::record choices = from.next();
  folder files;
  for (fuzz::record now; from.next(now);) files.apply(now);
  files.write(sizeof(strata_stats));

  cli::run_result result{.program = {"program"}, .pid = 1 + choices.which % 4};
  result.tree = cli::read_stats_files(files.path());
  auto read = static_cast<int>(result.tree.processes.size());
  fuzz::expect(read + result.tree.unreadable == files.files(), "a file was not met");
  cli::style look{.unicode = choices.flavour() % 2 == 1, .width = 20 + choices.amount % 200};
  fuzz::expect(!cli::run_text(result, look).empty(), "no report");
  fuzz::expect(cli::run_json(result).ends_with("}\n"), "no JSON");
  return 0;
}
