// Small programs, one a name, that lose blocks, or keep them in all the ways there are. leaks_test.py knows what is
// lost in each, and compares with what LeakSanitizer says of the same program.
//
// Each function that makes a block has a frame of its own, and scrub() overwrites what it has left on the stack and
// in registers, so that no stale copy of a pointer keeps a block.
#include <malloc.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <vector>

#define APART __attribute__((noinline))

namespace {

APART void scrub() {
  volatile char stack[8192];
  for (volatile char& one : stack) one = 0;
#if defined(__x86_64__)
  __asm__ volatile(
      "xor %%ebx, %%ebx\n xor %%r12d, %%r12d\n xor %%r13d, %%r13d\n xor %%r14d, %%r14d\n"
      "xor %%r15d, %%r15d\n" ::
          : "rbx", "r12", "r13", "r14", "r15");
#endif
}

struct node {
  node* left;
  node* right;
  std::uint64_t value;
};
APART node* make_node(node* left = nullptr, node* right = nullptr) {
  auto* made = static_cast<node*>(malloc(sizeof(node)));
  *made = {left, right, 7};
  return made;
}

struct guarded {
  std::uint64_t value = 1;
  ~guarded() { value = 0; }
};

void* volatile global;
thread_local void* volatile local_to_thread;
std::atomic<bool> is_ready;

void wait_until_ready() {
  while (!is_ready) usleep(100);
}
pthread_t start(void* (*run)(void*)) {
  pthread_t made;
  if (pthread_create(&made, nullptr, run, nullptr) != 0) abort();
  return made;
}

// ---- Lost

APART void direct() { *static_cast<char*>(malloc(100)) = 1; }
APART void direct_many() {
  for (int i = 0; i < 10; ++i) *static_cast<char*>(malloc(64)) = 1;
}
APART void zeroed() { *static_cast<char*>(calloc(10, 30)) = 1; }
APART void copied() {
  if (strdup("a string of some length") == nullptr) abort();
}
APART void chain() { make_node(make_node(make_node())); }
APART void tree() {
  make_node(make_node(make_node(), make_node()), make_node(make_node(), make_node()));
}
APART void one_past() { global = static_cast<char*>(malloc(64)) + 64; }
APART void returned_frame() {
  void* volatile block = malloc(80);
  *static_cast<char*>(block) = 1;
}
APART void hidden() {
  global = reinterpret_cast<void*>(~reinterpret_cast<std::uintptr_t>(malloc(72)));
}
APART void unaligned() {
  static char words[24];
  void* block = malloc(56);
  memcpy(words + 3, &block, sizeof block);
}
APART void grown() {
  auto* text = static_cast<char*>(malloc(10));
  for (std::size_t size = 100; size <= 1000; size += 100) {
    text = static_cast<char*>(realloc(text, size));
  }
  *text = 1;
}
APART void aligned() { *static_cast<char*>(aligned_alloc(64, 640)) = 1; }
APART void array() { (new guarded[10])->value = 2; }
APART void large() { *static_cast<char*>(malloc(8 << 20)) = 1; }
APART void in_mapping() {
  void* mapped = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  *static_cast<void**>(mapped) = malloc(88);
}
APART void in_freed_block() {
  node* holder = make_node();
  holder->right = make_node();
  free(holder);
}
APART void circle() {
  node* first = make_node();
  first->left = make_node(first);
}
APART void held_circle() {
  node* first = make_node();
  first->left = make_node(first);
  make_node(first);
}
APART void two_holders() {
  node* shared = make_node();
  make_node(shared);
  make_node(shared);
}
APART void vector_of_blocks() {
  auto* all = new std::vector<int*>;
  all->reserve(3);
  for (int i = 0; i < 3; ++i) all->push_back(new int(i));
}
APART void long_string() { *new std::string(100, 'x') += 'y'; }
APART void map_of_strings() {
  auto* all = new std::map<int, std::string>;
  for (int i = 0; i < 3; ++i) (*all)[i] = std::string(50, 'z');
}
APART void* keep_in_thread(void*) {
  local_to_thread = malloc(40);
  return nullptr;
}
APART void thread_that_ended() { pthread_join(start(keep_in_thread), nullptr); }
APART void* keep_on_stack_and_end(void*) {
  void* volatile block = malloc(104);
  *static_cast<char*>(block) = 1;
  return nullptr;
}
APART void stack_that_ended() { pthread_join(start(keep_on_stack_and_end), nullptr); }
APART void suppressed_one() { make_node(make_node()); }
APART void suppressed() {
  suppressed_one();
  make_node();
}

// ---- Kept

APART void in_global() { global = malloc(100); }
APART void interior() { global = static_cast<char*>(malloc(100)) + 50; }
APART void in_chain() { global = make_node(make_node(make_node())); }
APART void interior_in_block() {
  global = make_node(reinterpret_cast<node*>(reinterpret_cast<char*>(make_node()) + 16));
}
APART void in_thread_variable() { local_to_thread = malloc(40); }
APART void grown_and_kept() {
  global = malloc(10);
  for (std::size_t size = 100; size <= 1000; size += 100) global = realloc(global, size);
}
APART void aligned_and_kept() {
  void* block = nullptr;
  if (posix_memalign(&block, 256, 300) == 0) global = block;
}
APART void array_and_kept() { global = new guarded[10]; }
APART void empty_array() {
  static std::size_t none = 0;
  global = new guarded[none];
}
APART void empty_block() { global = malloc(0); }
APART void large_that_keeps() {
  auto* block = static_cast<void**>(malloc(8 << 20));
  block[(4 << 20) / sizeof(void*)] = malloc(24);
  global = block;
}
APART void map_in_global() {
  static std::map<int, std::string>* all = new std::map<int, std::string>;
  for (int i = 0; i < 3; ++i) (*all)[i] = std::string(50, 'z');
}
APART void freed_at_exit() {
  global = malloc(60);
  atexit([] { free(global); });
}
APART void freed_by_static() { static std::unique_ptr<node> owner(new node); }
APART void in_thread_key() {
  pthread_key_t key;
  pthread_key_create(&key, nullptr);
  pthread_setspecific(key, malloc(70));
}
APART void* wait_for_ever(void*) {
  void* volatile block = malloc(96);
  *static_cast<char*>(block) = 1;
  is_ready = true;
  for (;;) pause();
}
APART void on_thread_stack() {
  start(wait_for_ever);
  wait_until_ready();
}
APART void* spin_for_ever(void*) {
  void* volatile block = malloc(48);
#if defined(__x86_64__)
  __asm__ volatile(
      "movq %[block], %%r12\n movq $0, %[block]\n xor %%eax, %%eax\n movb $1, %[ready]\n"
      "1: pause\n jmp 1b\n"
      : [block] "+m"(block), [ready] "+m"(is_ready)::"r12", "rax", "memory");
#endif
  is_ready = true;
  for (;;) *static_cast<volatile char*>(block) = 1;
}
APART void in_register() {
  start(spin_for_ever);
  wait_until_ready();
}
APART void on_stack_at_exit() {
  void* volatile block = malloc(52);
  *static_cast<char*>(block) = 1;
  exit(0);
}
APART void* exit_in_thread(void*) {
  void* volatile block = malloc(44);
  *static_cast<char*>(block) = 1;
  exit(0);
}
APART void exit_from_thread() {
  void* volatile block = malloc(36);
  *static_cast<char*>(block) = 1;
  pthread_join(start(exit_in_thread), nullptr);
}

struct program {
  const char* name;
  void (*run)();
};
#define PROGRAM(name) \
  { #name, name }
constexpr program programs[] = {PROGRAM(direct),
                                PROGRAM(direct_many),
                                PROGRAM(zeroed),
                                PROGRAM(copied),
                                PROGRAM(chain),
                                PROGRAM(tree),
                                PROGRAM(one_past),
                                PROGRAM(returned_frame),
                                PROGRAM(hidden),
                                PROGRAM(unaligned),
                                PROGRAM(grown),
                                PROGRAM(aligned),
                                PROGRAM(array),
                                PROGRAM(large),
                                PROGRAM(in_mapping),
                                PROGRAM(in_freed_block),
                                PROGRAM(circle),
                                PROGRAM(held_circle),
                                PROGRAM(two_holders),
                                PROGRAM(vector_of_blocks),
                                PROGRAM(long_string),
                                PROGRAM(map_of_strings),
                                PROGRAM(thread_that_ended),
                                PROGRAM(stack_that_ended),
                                PROGRAM(suppressed),
                                PROGRAM(in_global),
                                PROGRAM(interior),
                                PROGRAM(in_chain),
                                PROGRAM(interior_in_block),
                                PROGRAM(in_thread_variable),
                                PROGRAM(grown_and_kept),
                                PROGRAM(aligned_and_kept),
                                PROGRAM(array_and_kept),
                                PROGRAM(empty_array),
                                PROGRAM(empty_block),
                                PROGRAM(large_that_keeps),
                                PROGRAM(map_in_global),
                                PROGRAM(freed_at_exit),
                                PROGRAM(freed_by_static),
                                PROGRAM(in_thread_key),
                                PROGRAM(on_thread_stack),
                                PROGRAM(in_register),
                                PROGRAM(on_stack_at_exit),
                                PROGRAM(exit_from_thread)};

}  // namespace

int main(int count, char** values) {
  for (const program& one : programs) {
    if (count < 2) {
      puts(one.name);
    } else if (strcmp(one.name, values[1]) == 0) {
      one.run();
      scrub();
      return 0;
    }
  }
  return count < 2 ? 0 : 99;
}
