// A thread allocates and goes idle; another frees all that it allocated. Then the next thread.
//
// A pipeline whose stages take turns: what was freed has to be of use to threads other than the one
// that allocated it, although that one never calls the allocator again and does not end. An
// allocator that leaves such blocks with their owner until it comes back keeps the memory of every
// owner; live is never more than one owner's. Owners hold mixed sizes, from 16 bytes to 4 KiB.
#include "load.hpp"

namespace {

long owners = 24, blocks = 40000, rounds = 3;

struct block {
  char* memory;
  size_t size;
};

// Whose turn it is. The mutex guards all members. Owners wait at the end until all are done, so
// that none ends, and its memory is not handed back by its end, before the last has worked.
class stage {
 public:
  // Waits until this owner's turn; false when everything is over.
  bool wait_for_turn(long owner, long round) {
    std::unique_lock guard(mutex_);
    changed_.wait(guard, [&] { return over_ || turn_ == round * owners + owner; });
    return !over_;
  }

  void hand_over(std::vector<block> made) {
    const std::lock_guard guard(mutex_);
    made_ = std::move(made);
    ready_ = true;
    changed_.notify_all();
  }

  std::vector<block> receive() {
    std::unique_lock guard(mutex_);
    changed_.wait(guard, [this] { return ready_; });
    ready_ = false;
    return std::move(made_);
  }

  void next_turn() {
    const std::lock_guard guard(mutex_);
    over_ = ++turn_ == rounds * owners;
    changed_.notify_all();
  }

  void wait_for_the_end() {
    std::unique_lock guard(mutex_);
    changed_.wait(guard, [this] { return over_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  long turn_ = 0;
  bool ready_ = false, over_ = false;
  std::vector<block> made_;
};

std::vector<block> make_blocks(load::random& random, load::live_meter& live) {
  std::vector<block> made;
  made.reserve(static_cast<size_t>(blocks));
  size_t bytes = 0;
  for (long i = 0; i < blocks; ++i) {
    const size_t size = random.between(16, size_t{32} << random.below(8));
    made.push_back({load::allocate(size), size});
    load::touch(made.back().memory, size);
    bytes += size;
  }
  live.add(bytes);
  return made;
}

void own(stage& shared, long owner, load::live_meter& live) {
  load::random random(owner);
  for (long round = 0; round < rounds && shared.wait_for_turn(owner, round); ++round) {
    shared.hand_over(make_blocks(random, live));
  }
  shared.wait_for_the_end();
}

void free_all(stage& shared, load::live_meter& live) {
  for (long turn = 0; turn < rounds * owners; ++turn) {
    for (const block& one : shared.receive()) {
      std::free(one.memory);
      live.remove(one.size);
    }
    shared.next_turn();
  }
}

}  // namespace

int main(int argc, char** argv) {
  load::parse(argc, argv, {{"owners", &owners}, {"blocks", &blocks}, {"rounds", &rounds}});
  load::live_meter live;
  stage shared;
  load::run_threads(owners + 1, [&](long index) {
    if (index == owners) {
      free_all(shared, live);
    } else {
      own(shared, index, live);
    }
  });
  return 0;
}
