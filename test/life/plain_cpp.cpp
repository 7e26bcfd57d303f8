// An ordinary C++ program, linked with libstrata.so and statically with libstrata.a: containers,
// streams, exceptions, threads, over-aligned types.
#include <strata/strata.h>

#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "check.h"

namespace {

struct alignas(512) wide {
  char bytes[1000];
};

// Allocated before main and freed after it.
std::vector<std::string> global_texts(1000, std::string(50, 'g'));

void use_containers(size_t seed) {
  std::map<std::string, std::vector<size_t>> table;
  for (size_t i = 0; i < 2000; ++i) {
    table["key " + std::to_string((i * 7919 + seed) % 300)].push_back(i);
  }
  size_t total = 0;
  for (const auto& [key, numbers] : table) {
    CHECK(key.rfind("key ", 0) == 0);
    total += numbers.size();
  }
  CHECK(total == 2000);
}

void use_exceptions() {
  for (int i = 0; i < 1000; ++i) {
    try {
      throw std::runtime_error(std::string(100, 'e'));
    } catch (const std::exception& error) {
      CHECK(std::strlen(error.what()) == 100);
    }
  }
}

void use_threads() {
  std::vector<std::thread> threads;
  for (size_t i = 0; i < 8; ++i) {
    threads.emplace_back([i] {
      thread_local std::vector<std::string> kept(100, std::string(100, 't'));
      for (size_t round = 0; round < 20; ++round) {
        use_containers(i + round);
      }
      CHECK(kept.size() == 100);
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
}

}  // namespace

int main() {
  CHECK(strata_version() != nullptr);
  use_containers(0);
  use_exceptions();
  use_threads();
  auto one = std::make_unique<wide>();
  CHECK(reinterpret_cast<uintptr_t>(one.get()) % 512 == 0);
  std::ostringstream stream;
  for (int i = 0; i < 10000; ++i) {
    stream << i << ' ';
  }
  CHECK(stream.str().size() == 48890);
  CHECK(global_texts.back() == std::string(50, 'g'));
  return 0;
}
