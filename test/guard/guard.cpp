// Does one thing that guarded blocks notice, or must not disturb: strata_guard KIND [SIZE [WHERE]]
//
// Misuse of a block of SIZE bytes, done by WHERE: main, thread or child. `run` sees to it that blocks
// are guarded, and knows how each kind is to end.
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <strata/strata.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

namespace {

constexpr std::size_t page = 4096;

std::size_t size = 64;

std::uintptr_t number(const void* address) { return reinterpret_cast<std::uintptr_t>(address); }

// ---- Blocks

// Another function than the one that misuses them, so that the stacks differ.
__attribute__((noinline)) char* make() { return static_cast<char*>(std::malloc(size)); }
__attribute__((noinline)) void drop(char* block) { std::free(block); }

// Guarded blocks are the ones whose usable size is the very size. Sizes here are not those of classes.
bool is_guarded(char* block) { return strata_usable_size(block) == size; }

// A guarded block whose end, or start, touches an inaccessible page.
char* make_at(bool end) {
  for (int turn = 0; turn < 1000; ++turn) {
    char* block = make();
    if ((number(block) + (end ? size : 0)) % page == 0) return block;
    drop(block);
  }
  std::abort();
}

// ---- Misuse

void overflow() { make_at(true)[size] = 1; }
void underflow() { make_at(false)[-1] = 1; }
void write_into_slack() {
  char* block = make();
  block[size] ^= 1;  // whatever the pattern is
  drop(block);
}
void read_after_free() {
  char* block = make();
  drop(block);
  volatile char seen = block[size / 2];
}
void write_after_free() {
  char* block = make();
  drop(block);
  block[size - 1] = 1;
}
void double_free() {
  char* block = make();
  drop(block);
  drop(block);
}
void interior_free() { drop(make() + 16); }
void bad_size() { operator delete(make(), size * 4); }
void resize_freed() {
  char* block = make();
  drop(block);
  block = static_cast<char*>(std::realloc(block, 2 * size));
}

// ---- Programs that use SIGSEGV

int null_read() {
  volatile int* volatile null = nullptr;
  return *null;
}

void say_mine(int) {
  constexpr char text[] = "mine\n";
  if (write(STDERR_FILENO, text, sizeof text - 1) > 0) _exit(7);
}

void own_handler() {
  drop(make());
  struct sigaction action = {}, before = {};
  action.sa_handler = say_mine;
  sigaction(SIGSEGV, &action, &before);
  if (before.sa_handler != SIG_DFL) std::abort();
  read_after_free();
}

void own_handler_first() {
  signal(SIGSEGV, say_mine);
  read_after_free();
}

sigjmp_buf landing;
void jump(int) { siglongjmp(landing, 1); }

void handler_that_jumps() {
  drop(make());
  signal(SIGSEGV, jump);
  for (volatile int turn = 0; turn < 1000; turn = turn + 1) {
    if (sigsetjmp(landing, 1) == 0) null_read();
    drop(make());
  }
}

void restored_handler() {
  drop(make());
  struct sigaction action = {}, before = {}, after = {};
  action.sa_handler = say_mine;
  sigaction(SIGSEGV, &action, &before);
  sigaction(SIGSEGV, &before, &after);
  if (after.sa_handler != say_mine) std::abort();
  null_read();
}

void null_dereference() {
  drop(make());
  null_read();
}
void sent_signal() {
  drop(make());
  kill(getpid(), SIGSEGV);
  pause();
}
void ignored_signal() {
  drop(make());
  signal(SIGSEGV, SIG_IGN);
  raise(SIGSEGV);
}

__attribute__((noinline)) int without_end(int depth) {
  volatile char room[1000];
  room[0] = static_cast<char>(depth);
  return without_end(depth + 1) + room[0];
}

void stack_overflow() {
  drop(make());
  without_end(0);
}

void give_alternative_stack() {
  static char room[64 * 1024];
  stack_t stack = {};
  stack.ss_sp = room;
  stack.ss_size = sizeof room;
  sigaltstack(&stack, nullptr);
}

void handled_stack_overflow() {
  drop(make());
  give_alternative_stack();
  struct sigaction action = {};
  action.sa_handler = say_mine;
  action.sa_flags = SA_ONSTACK;
  sigaction(SIGSEGV, &action, nullptr);
  without_end(0);
}

// The default action, and an alternative stack that a handler could run on.
void stack_overflow_beside_a_stack() {
  drop(make());
  give_alternative_stack();
  without_end(0);
}

// ---- How often

double seconds() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

// Prints how many of the blocks that a third of a second makes are guarded.
void sampled() {
  size = 100;
  int count = 0;
  for (double end = seconds() + 0.33; seconds() < end;) {
    for (int i = 0; i < 200; ++i) {
      char* block = make();
      count += is_guarded(block);
      drop(block);
    }
  }
  std::printf("%d\n", count);
}

// The same for blocks that stay.
void kept() {
  size = 100;
  int count = 0;
  for (double end = seconds() + 0.33; seconds() < end;) {
    for (int i = 0; i < 200; ++i) count += is_guarded(make());
  }
  std::printf("%d\n", count);
}

// Children of one parent do not guard the same blocks. Prints the places.
void prefork() {
  size = 100;
  for (int child = 0; child < 4; ++child) {
    if (fork() == 0) {
      int at = 0;
      for (double end = seconds() + 0.1; seconds() < end; ++at) {
        char* block = make();
        bool found = is_guarded(block);
        drop(block);
        if (found) break;
      }
      std::printf("%d\n", at);
      std::fflush(stdout);
      _exit(0);
    }
    wait(nullptr);
  }
}

// ---- Figures

int count_one(void*, std::size_t, void* total) {
  ++*static_cast<std::uint64_t*>(total);
  return 0;
}

void figures() {
  static strata_stats before, after;
  strata_stats_get(&before);
  char* blocks[100];
  for (char*& block : blocks) block = make();
  strata_stats_get(&after);
  if (after.live_blocks - before.live_blocks != 100) std::abort();
  if (after.allocations - before.allocations != 100) std::abort();
  if (after.live_blocks != after.allocations - after.frees) std::abort();
  std::uint64_t walked = 0;
  strata_walk(count_one, &walked);
  if (walked != after.live_blocks) std::abort();
  for (char* block : blocks) drop(block);
  strata_stats_get(&before);
  if (after.live_blocks - before.live_blocks != 100) std::abort();
}

// ---- Main

struct kind {
  const char* name;
  void (*run)();
};
constexpr kind kinds[] = {
    {"overflow", overflow},
    {"underflow", underflow},
    {"write_into_slack", write_into_slack},
    {"read_after_free", read_after_free},
    {"write_after_free", write_after_free},
    {"double_free", double_free},
    {"interior_free", interior_free},
    {"bad_size", bad_size},
    {"resize_freed", resize_freed},
    {"own_handler", own_handler},
    {"own_handler_first", own_handler_first},
    {"handler_that_jumps", handler_that_jumps},
    {"restored_handler", restored_handler},
    {"null_dereference", null_dereference},
    {"sent_signal", sent_signal},
    {"ignored_signal", ignored_signal},
    {"stack_overflow", stack_overflow},
    {"handled_stack_overflow", handled_stack_overflow},
    {"stack_overflow_beside_a_stack", stack_overflow_beside_a_stack},
    {"sampled", sampled},
    {"kept", kept},
    {"prefork", prefork},
    {"figures", figures},
};

void* in_thread(void* run) {
  reinterpret_cast<void (*)()>(run)();
  return nullptr;
}

void run_in(const char* where, void (*run)()) {
  if (std::strcmp(where, "thread") == 0) {
    pthread_t thread;
    pthread_create(&thread, nullptr, in_thread, reinterpret_cast<void*>(run));
    pthread_join(thread, nullptr);
  } else if (std::strcmp(where, "child") == 0) {
    drop(make());
    pid_t child = fork();
    if (child == 0) return run();
    int status = 0;
    waitpid(child, &status, 0);
    if (WIFSIGNALED(status)) kill(getpid(), WTERMSIG(status));
  } else {
    run();
  }
}

}  // namespace

int main(int count, char** values) {
  rlimit none = {};
  setrlimit(RLIMIT_CORE, &none);
  if (count > 2) size = static_cast<std::size_t>(std::atol(values[2]));
  for (const kind& one : kinds) {
    if (count < 2 || std::strcmp(one.name, values[1]) != 0) continue;
    run_in(count > 3 ? values[3] : "main", one.run);
    return 0;
  }
  std::fputs("usage: strata_guard KIND [SIZE [main|thread|child]]\n", stderr);
  return 2;
}
