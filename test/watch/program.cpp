// Makes resources of each sort, and ends as it is told:
//
//   program return   main returns
//   program exit     exit() while all are there
//   program quick    _exit()
//   program fork     a child, in which there is one more
//   program module FILE    opens it, calls work() there, and closes it
#include <dlfcn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <strata/account.hpp>
#include <strata/bump.hpp>
#include <strata/compose.hpp>
#include <strata/object_pool.hpp>
#include <strata/tlsf.hpp>
#include <strata/watch.hpp>

namespace {

struct order {
  char text[200];
};

struct of_the_process {
  strata::synchronized<strata::tlsf> memory;
  strata::watched<strata::synchronized<strata::tlsf>> shown{memory, "of the process"};
} common;

void serve_requests() {
  for (int i = 0; i < 100; ++i) {
    strata::bump arena;
    strata::watched shown{arena, "request"};
    for (int j = 0; j < 10; ++j) {
      if (arena.try_allocate(100, 4) == nullptr) std::abort();
    }
  }
}

void work_in_module(const char* path) {
  void* module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (module == nullptr) std::abort();
  int (*work)() = nullptr;
  void* found = dlsym(module, "work");
  std::memcpy(&work, &found, sizeof work);
  if (work() != 0 || dlclose(module) != 0) std::abort();
}

}  // namespace

int main(int count, char** words) {
  const char* end = count > 1 ? words[1] : "return";
  serve_requests();
  strata::object_pool<order> orders;
  strata::watched shown{orders, "orders"};
  strata::account budget("budget", {.hard_limit_bytes = 1000});
  strata::watched charged{budget};
  auto one = orders.get();
  auto other = orders.get();
  void* block = common.memory.try_allocate(3000, 8);
  bool fits = budget.charge(600);
  if (block == nullptr || !fits) return 1;
  if (std::strcmp(end, "exit") == 0) std::exit(0);
  if (std::strcmp(end, "quick") == 0) {
    strata::each_watched([](const strata::watched_figures&) {});
    _exit(0);
  }
  if (std::strcmp(end, "module") == 0) work_in_module(words[2]);
  if (std::strcmp(end, "fork") == 0) {
    pid_t child = fork();
    if (child == 0) {
      strata::bump own;
      strata::watched here{own, "of the child"};
      bool has_some = own.try_allocate(70, 8) != nullptr;
      here.publish();
      std::exit(has_some ? 0 : 1);
    }
    int status = 1;
    if (waitpid(child, &status, 0) != child || status != 0) return 1;
  }
  budget.relieve(600);
  common.memory.deallocate(block, 3000, 8);
  return 0;
}
