// Gives a fuzzer the inputs that are kept: each file of the folders that are named, in order of name.
// For builds without libFuzzer. An input that finds something stops the process; its name is the last
// that was written.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" __attribute__((weak)) int LLVMFuzzerInitialize(int* argc, char*** argv);

namespace {

std::vector<std::filesystem::path> files_in(const char* folder) {
  std::vector<std::filesystem::path> found;
  for (const auto& each : std::filesystem::directory_iterator(folder)) found.push_back(each.path());
  std::sort(found.begin(), found.end());
  return found;
}

void replay(const std::filesystem::path& file) {
  std::ifstream from(file, std::ios::binary);
  std::string bytes(std::istreambuf_iterator<char>(from), {});
  std::printf("%s\n", file.c_str());
  std::fflush(stdout);
  // A copy of its own, so that a sanitizer sees reads past its end.
  std::vector<std::uint8_t> exact(bytes.begin(), bytes.end());
  LLVMFuzzerTestOneInput(exact.data(), exact.size());
}

}  // namespace

int main(int argc, char** argv) {
  if (LLVMFuzzerInitialize != nullptr) LLVMFuzzerInitialize(&argc, &argv);
  std::size_t inputs = 0;
  for (int i = 1; i < argc; ++i) {
    for (const auto& each : files_in(argv[i])) {
      replay(each);
      ++inputs;
    }
  }
  std::printf("%zu inputs\n", inputs);
  return inputs == 0 ? 1 : 0;  // a test without inputs would test nothing
}
