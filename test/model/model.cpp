// Random operations on the whole interface of the allocator, judged against a model.
//
//   model --operations N --threads T --seed S --max-size BYTES
//
// Every function of libc's malloc family, every operator new and delete and every strata_ function
// is called in random order with sizes from a mix that favours the edges. The model knows each live
// block (address, sizes, alignment, the seed of the pattern in it) and checks
//   - that no two live blocks overlap, by a claim on every 8 bytes of the address space,
//   - that each byte of a block is as the program left it, when it is freed or resized,
//   - alignment, usable size, the zeros of calloc, the prefix that realloc keeps.
// Threads pass blocks to each other and free them there; a thread lives for some thousand
// operations, then another one takes its seat (see seat.hpp). Exit 0 and a summary line; at the
// first difference a message and abort. One thread and one seed do the same again.
#include <pthread.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "seat.hpp"

namespace model {
namespace {

struct options {
  uint64_t operations = 2'000'000;
  size_t threads = 1;
  uint64_t seed = 1;
  size_t max_size = size_t{64} << 20;
};

// The threads that take a seat one after another. Each starts its successor as it leaves, so that
// the two overlap at thread exit; the last one reports.
struct shift {
  seat* taken;
  random_source lengths{0};
  pthread_mutex_t* lock;
  pthread_cond_t* ended;
  size_t* open_seats;
};

void start_thread(shift* next);

void* run_shift(void* argument) {
  shift* own = static_cast<shift*>(argument);
  const uint64_t length = own->lengths.one_in(8) ? 20 : own->lengths.between(2000, 40000);
  if (own->taken->work(length)) {
    start_thread(own);
    return nullptr;
  }
  own->taken->close();
  pthread_mutex_lock(own->lock);
  --*own->open_seats;
  pthread_cond_signal(own->ended);
  pthread_mutex_unlock(own->lock);
  return nullptr;
}

void start_thread(shift* next) {
  pthread_t thread;
  const int error = pthread_create(&thread, nullptr, run_shift, next);
  if (error != 0) {
    std::fprintf(stderr, "model: pthread_create: %s\n", std::strerror(error));
    std::_Exit(2);
  }
  pthread_detach(thread);
}

void run_seats(const options& chosen, seat* seats, claim_map* claims) {
  pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  pthread_cond_t ended = PTHREAD_COND_INITIALIZER;
  size_t open_seats = chosen.threads;
  shift* shifts = map_array<shift>(chosen.threads);
  for (size_t i = 0; i < chosen.threads; ++i) {
    seats[i].open(i, {chosen.seed, chosen.operations / chosen.threads, chosen.max_size}, claims,
                  seats, chosen.threads);
    shifts[i] = {&seats[i], random_source(~chosen.seed + i), &lock, &ended, &open_seats};
  }
  for (size_t i = 0; i < chosen.threads; ++i) {
    start_thread(&shifts[i]);
  }
  pthread_mutex_lock(&lock);
  while (open_seats > 0) {
    pthread_cond_wait(&ended, &lock);
  }
  pthread_mutex_unlock(&lock);
  for (size_t i = 0; i < chosen.threads; ++i) {
    seats[i].empty_inbox();
  }
}

// Prints the summary; false if the books do not balance.
bool report(const options& chosen, const seat* seats) {
  counts total{};
  for (size_t i = 0; i < chosen.threads; ++i) {
    const counts& one = seats[i].counted();
    total.made += one.made;
    total.resized += one.resized;
    total.ended += one.ended;
    total.passed += one.passed;
    total.heaps += one.heaps;
  }
  std::printf(
      "model: %llu operations on %zu seats, seed %llu: %llu blocks made, %llu resized, %llu passed "
      "to other threads, %llu heaps destroyed; no difference\n",
      static_cast<unsigned long long>(chosen.operations), chosen.threads,
      static_cast<unsigned long long>(chosen.seed),
      static_cast<unsigned long long>(total.made - total.resized),
      static_cast<unsigned long long>(total.resized), static_cast<unsigned long long>(total.passed),
      static_cast<unsigned long long>(total.heaps));
  return total.made == total.ended && total.made > 0;
}

[[noreturn]] void usage() {
  std::fputs("usage: model [--operations N] [--threads T] [--seed S] [--max-size BYTES]\n", stderr);
  std::exit(2);
}

uint64_t number(const char* text) {
  char* end = nullptr;
  errno = 0;
  const uint64_t value = std::strtoull(text, &end, 10);
  if (end == text || *end != '\0' || errno != 0) {
    usage();
  }
  return value;
}

options parse(int argc, char** argv) {
  options chosen;
  for (int i = 1; i < argc; i += 2) {
    if (i + 1 == argc) {
      usage();
    }
    const uint64_t value = number(argv[i + 1]);
    if (std::strcmp(argv[i], "--operations") == 0) {
      chosen.operations = value;
    } else if (std::strcmp(argv[i], "--threads") == 0 && value > 0 && value <= 1024) {
      chosen.threads = value;
    } else if (std::strcmp(argv[i], "--seed") == 0) {
      chosen.seed = value;
    } else if (std::strcmp(argv[i], "--max-size") == 0) {
      chosen.max_size = value;
    } else {
      usage();
    }
  }
  return chosen;
}

int run(int argc, char** argv) {
  const options chosen = parse(argc, argv);
  claim_map* claims = map_array<claim_map>(1);
  seat* seats = map_array<seat>(chosen.threads);
  *claims = claim_map();
  run_seats(chosen, seats, claims);
  if (!report(chosen, seats)) {
    std::fputs("model: blocks made and blocks ended differ\n", stderr);
    return 1;
  }
  return 0;
}

}  // namespace
}  // namespace model

int main(int argc, char** argv) { return model::run(argc, argv); }
