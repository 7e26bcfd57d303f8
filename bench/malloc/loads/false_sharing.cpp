// Do small blocks of different threads lie in one cache line?
//
// After cache-thrash and cache-scratch by Emery Berger, introduced with Hoard (ASPLOS 2000). Each
// thread allocates one small block, writes to it very often, frees it, and does so again. Where
// blocks of two threads share a line, the line travels between processors at every write: an
// allocator that hands out neighbours to different threads has caused active false sharing
// (cache-thrash, passive=0). With passive=1 (cache-scratch) the main thread first allocates
// one block for each thread, neighbours; a thread frees its own: an allocator that lets a thread
// use such memory again has caused passive false sharing.
#include "load.hpp"

namespace {

long threads = 2, iterations = 1000, writes = 100000, size_bytes = 8, passive = 0;

void write_often(char* memory) {
  volatile char* bytes = static_cast<volatile char*>(memory);
  for (long i = 0; i < writes; ++i) {
    for (long k = 0; k < size_bytes; ++k) bytes[k] = static_cast<char>(bytes[k] + k);
  }
}

void work(char* given) {
  std::free(given);
  for (long i = 0; i < iterations; ++i) {
    char* memory = load::allocate(static_cast<size_t>(size_bytes));
    write_often(memory);
    std::free(memory);
  }
}

}  // namespace

int main(int argc, char** argv) {
  load::parse(argc, argv,
              {{"threads", &threads},
               {"iterations", &iterations},
               {"writes", &writes},
               {"size", &size_bytes},
               {"passive", &passive, 0}});
  std::vector<char*> given(static_cast<size_t>(threads), nullptr);
  if (passive != 0) {
    for (char*& one : given) one = load::allocate(static_cast<size_t>(size_bytes));
  }
  load::run_threads(threads, [&given](long index) { work(given[static_cast<size_t>(index)]); });
  return 0;
}
