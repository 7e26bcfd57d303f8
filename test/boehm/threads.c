// Threads that come and go, block, fork and collect, while each checks that what it can reach is whole.
//
//   threads [SECONDS]
//
// Each thread has lists and trees whose only references lie on its stack, in its thread-local variables or in a value
// of pthread_setspecific; what is lost is overwritten by what others allocate.
#define GC_THREADS
#define _GNU_SOURCE
#include <errno.h>
#include <gc/gc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { workers = 6 };

struct node {
  struct node *left, *right;
  uintptr_t check;  // from both addresses and the seed
  uintptr_t seed;
  unsigned char rest[];
};

static __thread struct node* in_thread;
static pthread_key_t key;
static volatile int ending;
static volatile int failed;

static uint32_t next(uint32_t* state) { return *state = *state * 1664525 + 1013904223; }

static uintptr_t check_of(const struct node* of) {
  return ((uintptr_t)of->left * 31 + (uintptr_t)of->right) * 31 + of->seed;
}
static struct node* make(struct node* left, struct node* right, uint32_t* state) {
  size_t rest = next(state) >> 16 & (next(state) % 64 == 0 ? 0x3fff : 0x7f);
  struct node* made = GC_MALLOC(sizeof *made + rest);
  if (made == NULL) abort();
  for (size_t at = 0; at < rest; ++at)
    if (made->rest[at] != 0) failed = 1;
  memset(made->rest, 0x5a, rest);
  made->left = left;
  made->right = right;
  made->seed = next(state);
  made->check = check_of(made);
  return made;
}
static struct node* tree(int depth, uint32_t* state) {
  if (depth == 0) return make(NULL, NULL, state);
  struct node* left = tree(depth - 1, state);
  return make(left, tree(depth - 1, state), state);
}
static long verify(const struct node* of) {
  if (of == NULL) return 0;
  if (of->check != check_of(of)) {
    failed = 1;
    return 0;
  }
  return 1 + verify(of->left) + verify(of->right);
}

static void* collect_now(void* data) { return GC_gcollect(), data; }
static void* wait_a_little(void* data) {
  struct timespec time = {0, 2000000};
  nanosleep(&time, NULL);
  return data;
}
static void* wait_and_allocate(void* data) {
  wait_a_little(NULL);
  return GC_call_with_gc_active(collect_now, data);
}
static void* one_tree(void* data) {
  uint32_t state = (uint32_t)(uintptr_t)data;
  return tree(8, &state);
}
static void* without_the_header(void* data) {
  // A thread that nobody has told of: it is known by its first allocation.
  struct node* made = one_tree(data);
  if (verify(made) != 511) failed = 1;
  return NULL;
}

// The sanctioned use of what pthread_create is without <gc/gc.h>.
#undef pthread_create
#undef pthread_join

static void step(uint32_t* state) {
  struct node* local = tree(6, state);
  switch (next(state) >> 20 & 15) {
    case 0:
      in_thread = tree(5, state);
      break;
    case 1:
      pthread_setspecific(key, tree(5, state));
      break;
    case 2: {
      pthread_t other;
      void* result = NULL;
      if (GC_pthread_create(&other, NULL, one_tree, (void*)(uintptr_t)next(state)) != 0) break;
      GC_pthread_join(other, &result);
      if (verify(result) != 511) failed = 1;
      break;
    }
    case 3: {
      pthread_t other;
      if (pthread_create(&other, NULL, without_the_header, (void*)(uintptr_t)next(state)) == 0)
        pthread_join(other, NULL);
      break;
    }
    case 4:
      GC_do_blocking(wait_a_little, NULL);
      break;
    case 5:
      GC_do_blocking(wait_and_allocate, NULL);
      break;
    case 6:
      if (next(state) >> 28 == 0) GC_gcollect();
      break;
    case 7:
      if (next(state) >> 28 == 0) {
        pid_t child = fork();
        if (child == 0) {
          struct node* made = tree(10, state);
          GC_gcollect();
          _exit(verify(made) == 2047 && verify(local) == 127 && verify(in_thread) >= 0 && !failed
                    ? 0
                    : 1);
        }
        int status = 0;
        while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
        if (status != 0) failed = 1;
      }
      break;
    case 8: {
      char* text = GC_MALLOC_ATOMIC(100000);
      memset(text, 0x77, 100000);
      GC_FREE(text);
      break;
    }
    default:
      break;
  }
  if (verify(local) != 127) failed = 1;
  verify(in_thread);
  verify(pthread_getspecific(key));
}
static void* work(void* data) {
  uint32_t state = (uint32_t)(uintptr_t)data;
  while (!ending && !failed) step(&state);
  return NULL;
}

int main(int argc, char** argv) {
  GC_INIT();
  GC_allow_register_threads();
  pthread_key_create(&key, NULL);
  pthread_t all[workers];
  for (uintptr_t i = 0; i < workers; ++i)
    if (GC_pthread_create(&all[i], NULL, work, (void*)(i + 1)) != 0) return 2;
  uint32_t state = 99;
  time_t end = time(NULL) + (argc > 1 ? atoi(argv[1]) : 3);
  while (time(NULL) < end && !failed) step(&state);
  ending = 1;
  for (int i = 0; i < workers; ++i) GC_pthread_join(all[i], NULL);
  printf("%s\n", failed ? "something is lost" : "all is whole");
  return failed;
}
