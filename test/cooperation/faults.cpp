// Faults that a tool finds, one in each function: a tool's report names the kind and the function.
//
//     faults         one after the other, as Memcheck, which goes on after each, wants them
//     faults NAME    this one
#include <malloc.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#define FAULT extern "C" __attribute__((noinline)) void

namespace {

char* volatile escaped;
volatile char sink;

char* block_of(std::size_t bytes) { return escaped = static_cast<char*>(std::malloc(bytes)); }

struct node {
  node* next;
  char more[40];
};

}  // namespace

FAULT write_past_the_end() {
  char* block = block_of(10);
  block[10] = 1;
  std::free(block);
}

FAULT write_before_the_start() {
  char* block = block_of(10);
  block[-1] = 1;
  std::free(block);
}

FAULT read_after_free() {
  char* block = block_of(100);
  block[50] = 1;
  std::free(block);
  sink = block[50];
}

FAULT write_after_free_of_large() {
  char* block = block_of(1000000);
  std::free(block);
  block[500000] = 1;
}

FAULT read_unset() {
  char* block = block_of(10);
  if (block[5] == 'x') std::puts("by chance");
  std::free(block);
}

FAULT read_unset_after_growth() {
  char* block = static_cast<char*>(std::realloc(std::calloc(1, 10), 100));
  if (block[50] == 'x') std::puts("by chance");
  std::free(block);
}

FAULT free_twice() {
  char* block = block_of(10);
  std::free(block);
  std::free(block);
}

FAULT free_inside() {
  char* block = block_of(40);
  std::free(block + 16);
  std::free(block);
}

FAULT free_of_a_local() {
  char local[64];
  escaped = local;
  std::free(escaped);
}

FAULT free_of_new() {
  int* volatile block = new int(1);
  std::free(block);
}

FAULT delete_of_an_array() {
  int* volatile block = new int[10];
  delete block;
}

FAULT write_past_an_aligned_block() {
  char* block = static_cast<char*>(std::aligned_alloc(64, 128));
  block[128] = 1;
  std::free(block);
}

FAULT write_past_a_grown_array() {
  char* block = static_cast<char*>(reallocarray(block_of(8), 5, 6));
  block[30] = 1;
  std::free(block);
}

FAULT leak() {
  auto* first = static_cast<node*>(std::malloc(sizeof(node)));
  first->next = static_cast<node*>(std::malloc(sizeof(node)));
  first->next->next = nullptr;
}

namespace {

const struct {
  const char* name;
  void (*run)();
} faults[] = {
    {"write_past_the_end", write_past_the_end},
    {"write_before_the_start", write_before_the_start},
    {"read_after_free", read_after_free},
    {"write_after_free_of_large", write_after_free_of_large},
    {"read_unset", read_unset},
    {"read_unset_after_growth", read_unset_after_growth},
    {"free_twice", free_twice},
    {"free_inside", free_inside},
    {"free_of_a_local", free_of_a_local},
    {"free_of_new", free_of_new},
    {"delete_of_an_array", delete_of_an_array},
    {"write_past_an_aligned_block", write_past_an_aligned_block},
    {"write_past_a_grown_array", write_past_a_grown_array},
    {"leak", leak},
};

// So that no address of a block is left on the stack or in a register.
__attribute__((noinline)) void forget() {
  volatile char used[4096];
  for (volatile char& byte : used) byte = 0;
  escaped = nullptr;
}

}  // namespace

int main(int count, char** values) {
  for (const auto& fault : faults) {
    if (count > 1 && std::strcmp(values[1], fault.name) != 0) continue;
    fault.run();
    forget();
  }
  std::puts("end");
}
