// Loads that make allocators keep memory, each followed by idleness: how much stays resident?
//
//   patterns MODE [--scale F] [--idle SECONDS] [--full-idle] [--out FILE.csv]
//
//   idle_owner    a thread allocates, hands its blocks to one that only frees, and stops for good
//   one_to_many   one thread allocates, three others free
//   spike_pages   4 GB of blocks of 4 KiB to 1 MiB, freed but for a scattered tenth
//   spike_small   the same with 64 B to 64 KiB
//   drift         200 MB stay live while the sizes of the blocks grow from 256 B to 128 KiB
//   churn         blocks of 5 to 25 MB come and go
//   threads       10,000 threads that live shortly
//
// When the load is over, the program goes nearly idle: ten small allocations a second and nothing
// else, until resident memory has been at its goal for two seconds (not with --full-idle), or the
// idle time is over. Every 100 ms a line goes to the CSV: time_s, live, resident, phase; live is
// what blocks asked for and the program's own tables, in bytes. A summary line goes to stdout.
//
// The goal is 1.10 × live + 32 MiB, where live is taken as no less than the floor: the 4 KiB pages
// that hold at least one kept byte, which nothing can give back while the blocks stay in place.
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

constexpr size_t page = 4096;
constexpr size_t mib = size_t{1} << 20;

struct options {
  double scale = 1;
  double idle_seconds = 30;
  bool full_idle = false;
  const char* out = nullptr;
};
options chosen;

size_t scaled(double amount) {
  return std::max<size_t>(1, static_cast<size_t>(amount * chosen.scale));
}

[[noreturn]] void give_up(const char* what) {
  dprintf(2, "patterns: %s: %s\n", what, std::strerror(errno));
  std::_Exit(1);
}

double seconds() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

void sleep_for(double duration) {
  timespec time{static_cast<time_t>(duration), 0};
  time.tv_nsec = static_cast<long>((duration - static_cast<double>(time.tv_sec)) * 1e9);
  nanosleep(&time, nullptr);
}

class random_source {
 public:
  explicit random_source(uint64_t seed) : state_(seed * 2 + 1) {}
  // 0 <= x < 1
  double unit() {
    state_ = state_ * 6364136223846793005 + 1442695040888963407;
    return static_cast<double>(state_ >> 11) / 9007199254740992.0;
  }
  size_t below(size_t bound) { return static_cast<size_t>(unit() * static_cast<double>(bound)); }
  // Every doubling between first and last is as likely as every other.
  size_t spread(double first, double last) {
    return static_cast<size_t>(first * std::exp2(unit() * std::log2(last / first)));
  }

 private:
  uint64_t state_;
};

// ---- What the program holds, by its own count

std::atomic<size_t> live_bytes;
std::atomic<const char*> phase{"load"};
size_t floor_bytes;

struct block {
  char* address;
  size_t size;
};

// A table from the kernel, which counts as live.
block* make_table(size_t count) {
  void* table = mmap(nullptr, count * sizeof(block), PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (table == MAP_FAILED) {
    give_up("mmap");
  }
  live_bytes += count * sizeof(block);
  return static_cast<block*>(table);
}

// Every page of the block is touched.
block make_block(size_t size) {
  char* address = static_cast<char*>(std::malloc(size));
  if (address == nullptr) {
    give_up("malloc");
  }
  for (size_t at = 0; at < size; at += page) {
    address[at] = 1;
  }
  address[size - 1] = 1;
  live_bytes.fetch_add(size, std::memory_order_relaxed);
  return {address, size};
}

void free_block(block& ended) {
  std::free(ended.address);
  live_bytes.fetch_sub(ended.size, std::memory_order_relaxed);
  ended.address = nullptr;
}

// ---- The curve

size_t resident_bytes() {
  static const int file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  char text[128] = {};
  if (file < 0 || pread(file, text, sizeof text - 1, 0) <= 0) {
    give_up("/proc/self/statm");
  }
  char* rest = nullptr;
  std::strtoul(text, &rest, 10);
  return std::strtoul(rest, nullptr, 10) * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

std::atomic<bool> sampling{true};

// Allocates nothing: only the program's idle allocations drive the allocator's clock.
void* sample(void* start) {
  const int file = open(chosen.out, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0) {
    give_up(chosen.out);
  }
  dprintf(file, "time_s,live,resident,phase\n");
  while (sampling) {
    char line[128];
    const int length = std::snprintf(line, sizeof line, "%.2f,%zu,%zu,%s\n",
                                     seconds() - *static_cast<double*>(start), live_bytes.load(),
                                     resident_bytes(), phase.load());
    if (write(file, line, static_cast<size_t>(length)) != length) {
      give_up(chosen.out);
    }
    sleep_for(0.1);
  }
  close(file);
  return nullptr;
}

// ---- The loads

// A bounded queue between threads; a null block says that no more will come.
class queue {
 public:
  void put(block passed) {
    pthread_mutex_lock(&lock_);
    while (count_ == capacity) {
      pthread_cond_wait(&changed_, &lock_);
    }
    blocks_[(first_ + count_++) % capacity] = passed;
    pthread_cond_broadcast(&changed_);
    pthread_mutex_unlock(&lock_);
  }
  block take() {
    pthread_mutex_lock(&lock_);
    while (count_ == 0) {
      pthread_cond_wait(&changed_, &lock_);
    }
    const block taken = blocks_[first_];
    first_ = (first_ + 1) % capacity;
    --count_;
    pthread_cond_broadcast(&changed_);
    pthread_mutex_unlock(&lock_);
    return taken;
  }

 private:
  static constexpr size_t capacity = 4096;
  pthread_mutex_t lock_ = PTHREAD_MUTEX_INITIALIZER;
  pthread_cond_t changed_ = PTHREAD_COND_INITIALIZER;
  size_t first_ = 0;
  size_t count_ = 0;
  block blocks_[capacity];
};
queue passed_on;

pthread_t start_thread(void* (*body)(void*), void* argument = nullptr) {
  pthread_t thread;
  errno = pthread_create(&thread, nullptr, body, argument);
  if (errno != 0) {
    give_up("pthread_create");
  }
  return thread;
}

void* free_what_comes(void*) {
  for (block taken = passed_on.take(); taken.address != nullptr; taken = passed_on.take()) {
    free_block(taken);
  }
  return nullptr;
}

void* stop_for_good(void*) {
  for (;;) {
    pause();
  }
}

// Fills a table first, so that much is live at once, then hands all of it over.
void make_and_pass_on() {
  const size_t count = scaled(400000);
  block* table = make_table(count);
  random_source random(1);
  for (int round = 0; round < 3; ++round) {
    for (size_t i = 0; i < count; ++i) {
      table[i] = make_block(random.spread(16, 8192));
    }
    for (size_t i = 0; i < count; ++i) {
      passed_on.put(table[i]);
    }
  }
}

void* own_and_stop(void*) {
  make_and_pass_on();
  passed_on.put({});
  return stop_for_good(nullptr);
}

void idle_owner() {
  start_thread(own_and_stop);
  pthread_join(start_thread(free_what_comes), nullptr);
}

// The threads that free stay alive and idle, with whatever their caches hold.
void* free_and_stop(void* done) {
  free_what_comes(nullptr);
  ++*static_cast<std::atomic<int>*>(done);
  return stop_for_good(nullptr);
}

void one_to_many() {
  constexpr int freeing = 3;
  static std::atomic<int> done;
  for (int i = 0; i < freeing; ++i) {
    start_thread(free_and_stop, &done);
  }
  make_and_pass_on();
  for (int i = 0; i < freeing; ++i) {
    passed_on.put({});
  }
  while (done < freeing) {
    sleep_for(0.01);
  }
}

// Pages that hold a byte of a kept block, counted once each.
size_t pages_of(block* kept, size_t count) {
  std::sort(kept, kept + count, [](block a, block b) { return a.address < b.address; });
  size_t pages = 0;
  uintptr_t counted_to = 0;
  for (size_t i = 0; i < count; ++i) {
    const uintptr_t begin = reinterpret_cast<uintptr_t>(kept[i].address) / page;
    const uintptr_t end =
        (reinterpret_cast<uintptr_t>(kept[i].address) + kept[i].size - 1) / page + 1;
    pages += end - std::min(end, std::max(begin, counted_to));
    counted_to = std::max(counted_to, end);
  }
  return pages;
}

void spike(double first, double last) {
  const size_t wanted = scaled(4e9);
  const double mean = (last - first) / std::log(last / first);
  block* table = make_table(static_cast<size_t>(2 * static_cast<double>(wanted) / mean) + 1000);
  random_source random(2);
  size_t count = 0;
  for (size_t bytes = 0; bytes < wanted; bytes += table[count++].size) {
    table[count] = make_block(random.spread(first, last));
  }
  phase = "free";
  size_t kept = 0;
  for (size_t i = 0; i < count; ++i) {
    if (random.below(10) == 0) {
      table[kept++] = table[i];
    } else {
      free_block(table[i]);
    }
  }
  floor_bytes = pages_of(table, kept) * page;
}

void spike_pages() { spike(4096, 1 << 20); }
void spike_small() { spike(64, 65536); }

void drift() {
  const size_t wanted = scaled(200e6);
  constexpr double first = 256;
  block* table = make_table(wanted / 200);
  random_source random(3);
  size_t count = 0;
  for (; live_bytes < wanted; ++count) {
    table[count] = make_block(random.spread(first, 1.2 * first));
  }
  for (double size = first; size < 128 * 1024; size *= 1.2) {
    // One pass: random blocks of the old size give way to fewer of the new one.
    for (size_t replaced = 0; replaced < 3 * count; ++replaced) {
      const size_t victim = random.below(count);
      if (table[victim].size >= static_cast<size_t>(size)) {
        continue;
      }
      free_block(table[victim]);
      table[victim] = table[--count];
      while (live_bytes < wanted) {
        table[count++] = make_block(random.spread(size, 1.2 * size));
      }
    }
  }
  floor_bytes = pages_of(table, count) * page;
}

void churn() {
  constexpr size_t slots = 20;
  block held[slots] = {};
  random_source random(4);
  for (size_t i = 0; i < scaled(600) + 60; ++i) {
    block& slot = held[random.below(slots)];
    if (slot.address != nullptr) {
      free_block(slot);
    }
    slot = make_block(5000000 + random.below(20000000));
  }
  for (block& slot : held) {
    if (slot.address != nullptr) {
      free_block(slot);
    }
  }
}

void* live_shortly(void* argument) {
  random_source random(reinterpret_cast<size_t>(argument));
  block held[500];
  for (block& slot : held) {
    slot = make_block(random.spread(16, 4096));
  }
  for (block& slot : held) {
    free_block(slot);
  }
  return nullptr;
}

void threads() {
  constexpr size_t at_once = 16;
  pthread_t running[at_once];
  const size_t rounds = scaled(10000) / at_once + 1;
  for (size_t round = 0; round < rounds; ++round) {
    for (size_t i = 0; i < at_once; ++i) {
      running[i] = start_thread(live_shortly, reinterpret_cast<void*>(round * at_once + i));
    }
    for (pthread_t thread : running) {
      pthread_join(thread, nullptr);
    }
  }
}

// ---- Idleness and the goal

size_t goal_bytes() {
  const size_t held = std::max(live_bytes.load(), floor_bytes);
  return held + held / 10 + 32 * mib;
}

// Returns the seconds after which the goal was reached for good, or -1.
double idle() {
  phase = "idle";
  const double begin = seconds();
  double reached = -1;
  for (size_t turn = 0; seconds() - begin < chosen.idle_seconds; ++turn) {
    void* volatile small = std::malloc(64 + turn * 31 % 192);
    std::free(small);
    const double now = seconds() - begin;
    if (resident_bytes() > goal_bytes()) {
      reached = -1;
    } else if (reached < 0) {
      reached = now;
    } else if (now - reached > 2 && !chosen.full_idle) {
      break;
    }
    sleep_for(0.1);
  }
  return reached;
}

struct mode {
  const char* name;
  void (*run)();
};
constexpr mode modes[] = {
    {"idle_owner", idle_owner},
    {"one_to_many", one_to_many},
    {"spike_pages", spike_pages},
    {"spike_small", spike_small},
    {"drift", drift},
    {"churn", churn},
    {"threads", threads},
};

[[noreturn]] void usage() {
  std::fputs(
      "usage: patterns MODE [--scale F] [--idle SECONDS] [--full-idle] [--out FILE.csv]\n"
      "modes:",
      stderr);
  for (const mode& one : modes) {
    std::fprintf(stderr, " %s", one.name);
  }
  std::fputc('\n', stderr);
  std::exit(2);
}

double positive(const char* text) {
  char* end = nullptr;
  const double value = text != nullptr ? std::strtod(text, &end) : 0;
  if (text == nullptr || end == text || *end != '\0' || !(value > 0)) {
    usage();
  }
  return value;
}

void (*parse(int argc, char** argv))() {
  for (int i = 2; i < argc; ++i) {
    if (std::strcmp(argv[i], "--full-idle") == 0) {
      chosen.full_idle = true;
    } else if (std::strcmp(argv[i], "--scale") == 0) {
      chosen.scale = positive(argv[++i]);
    } else if (std::strcmp(argv[i], "--idle") == 0) {
      chosen.idle_seconds = positive(argv[++i]);
    } else if (std::strcmp(argv[i], "--out") == 0 && i + 1 < argc) {
      chosen.out = argv[++i];
    } else {
      usage();
    }
  }
  for (const mode& one : modes) {
    if (argc > 1 && std::strcmp(argv[1], one.name) == 0) {
      return one.run;
    }
  }
  usage();
}

}  // namespace

int main(int argc, char** argv) {
  void (*run)() = parse(argc, argv);
  double start = seconds();
  pthread_t sampler{};
  if (chosen.out != nullptr) {
    sampler = start_thread(sample, &start);
  }
  run();
  const size_t after_load = resident_bytes();
  const double reached = idle();
  const size_t resident = resident_bytes();
  sampling = false;
  if (chosen.out != nullptr) {
    pthread_join(sampler, nullptr);
  }
  std::printf("live %zu floor %zu after_load %zu resident %zu goal %zu reached_s %.1f\n",
              live_bytes.load(), floor_bytes, after_load, resident, goal_bytes(), reached);
  std::fflush(stdout);
  std::_Exit(0);
}
