// A fuzzer of the managed heap: threads run random programs, each beside a shadow of its graph, and take
// turns on a graph that they share. Prints a digest of each thread's graphs: the same for one seed on every
// plan, with either header and under any stress.
//
//   gc_fuzz --seed 1 --operations 1000000 --plan generational --threads 2 ...      --help: the others
//   gc_fuzz --plans         the names of all plans
//
// When something is wrong it prints what, the thread's last operations and the command that does it again,
// and ends with status 1.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <map>
#include <string>
#include <thread>

#include "base/text.hpp"
#include "gc/view/names.hpp"
#include "program.hpp"

namespace gc_fuzz {
namespace {

std::string command_line;
thread_local unsigned thread_number;

// A signal may have come at any place: nothing here allocates.
void print_recipe() {
  char room[4096];
  strata::base::text recipe(room, sizeof room);
  recipe << "gc_fuzz: thread " << std::uint64_t{thread_number} << ", operation "
         << last_operations.count << ", after";
  std::size_t kept = last_operations.names.size();
  for (std::uint64_t at = last_operations.count < kept ? 0 : last_operations.count - kept;
       at < last_operations.count; ++at)
    recipe << " " << last_operations.names[at % kept];
  recipe << "\nagain: " << command_line.c_str() << "\n";
  static_cast<void>(!write(STDERR_FILENO, recipe.data(), recipe.stored()));
}

// The heap stops the process by SIGABRT when it is broken; a stale pointer faults. Whatever the handler
// needs may be broken, too, but then nothing is lost.
void on_signal(int number) {
  std::signal(number, SIG_DFL);
  print_recipe();
  std::raise(number);
}

}  // namespace

void fail(const char* what) {
  std::fprintf(stderr, "gc_fuzz: %s\n", what);
  print_recipe();
  std::_Exit(1);
}

namespace {

// Of objects some 120 bytes long, and their copies. Tight: memory runs out now and then.
std::size_t room_for(const settings& chosen, bool is_tight) {
  std::size_t graphs = chosen.threads + 1;
  if (is_tight) return graphs * (std::size_t{512} << 10);
  return graphs * ((std::size_t{16} << 20) + std::size_t{chosen.most_objects} * 1024);
}

settings parse(int argc, char** argv) {
  settings chosen;
  gc::stress_options& stress = chosen.heap.stress;
  bool is_tight = false;
  bool eden_grows = false;
  std::map<std::string, gc::plan> plans;
  for (gc::plan each : gc::all_plans) plans[gc::name_of(each)] = each;

  CLI::App line{"Random programs on the managed heap, beside shadows of their graphs."};
  line.add_flag_callback(
      "--plans",
      [] {
        for (gc::plan each : gc::all_plans) std::puts(gc::name_of(each));
        std::exit(0);
      },
      "List all plans");
  line.add_option("--seed", chosen.seed);
  line.add_option("--operations", chosen.operations, "Of all threads");
  line.add_option("--threads", chosen.threads)->check(CLI::PositiveNumber);
  line.add_option("--plan", chosen.heap.plan)->transform(CLI::CheckedTransformer(plans));
  line.add_option("--workers", chosen.heap.workers, "Threads that work in a pause");
  line.add_flag("--handles", chosen.handles, "References lead to handles");
  line.add_option("--objects", chosen.most_objects, "Of each graph, dead ones included")
      ->check(CLI::Range(256U, 1U << 30));
  line.add_option("--check-every", chosen.check_every, "So many operations of a thread")
      ->check(CLI::PositiveNumber);
  line.add_flag("--tight", is_tight, "Memory runs out now and then");
  line.add_flag("--growing", eden_grows, "No wish for young_bytes");
  line.add_flag("--revive", chosen.revive, "Take up what weak references alone lead to");
  line.add_option("--collect-every", stress.collect_every);
  line.add_flag("--protect-moved", stress.protect_moved);
  line.add_flag("--mark-always", stress.mark_always);
  line.add_flag("--compact-always", stress.compact_always);
  line.add_flag("--share-always", stress.share_always);
  line.add_flag("--verify", stress.verify);
  line.add_flag("--check-maps", stress.check_maps);
  line.add_option("--delay-us", stress.delay_us);
  try {
    line.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::exit(line.exit(error) == 0 ? 0 : 2);
  }
  chosen.heap.direct_wait_ms = 0;
  chosen.heap.max_bytes = room_for(chosen, is_tight);
  if (!eden_grows) chosen.heap.young_bytes = std::size_t{chosen.threads} * (std::size_t{256} << 10);
  return chosen;
}

template <class A>
class run {
 public:
  explicit run(const settings& chosen) : how_(chosen), world_(chosen) {
    if (how_.threads > 1)
      shared_ = std::make_unique<shared>(world_, ~chosen.seed, nullptr, nullptr);
    for (unsigned each = 0; each < how_.threads; ++each)
      own_.push_back(std::make_unique<own>(world_, strata::base::mixed(chosen.seed) + each,
                                           shared_.get(), &turn_));
  }

  // The digest of all.
  std::uint64_t execute() {
    std::vector<std::thread> threads;
    std::uint64_t each_operations = how_.operations / how_.threads;
    for (unsigned each = 1; each < how_.threads; ++each)
      threads.emplace_back([this, each, each_operations] { work(each, each_operations); });
    work(0, each_operations);
    for (std::thread& each : threads) each.join();
    end();
    std::uint64_t digest = 0;
    for (auto& each : own_) digest = strata::base::mixed(digest ^ each->digest());
    return digest;
  }
  void print_figures(double seconds) const {
    gc::heap_statistics heap = world_.heap.statistics();
    auto count = [](std::uint64_t of) { return static_cast<unsigned long long>(of); };
    std::printf("operations %llu in %.2f s: %.2f million a second\n", count(how_.operations),
                seconds, static_cast<double>(how_.operations) / 1e6 / seconds);
    std::printf(
        "collections %llu young, %llu full, %llu beside; %llu MB allocated, %llu MB moved\n",
        count(heap.young_collections), count(heap.full_collections),
        count(heap.concurrent_markings), count(heap.allocated_bytes >> 20),
        count(heap.moved_bytes >> 20));
    std::uint64_t checks = 0;
    for (const auto& each : own_) checks += each->checks();
    std::printf("checks %llu; out of memory %llu\n", count(checks),
                count(world_.out_of_memory.load()));
  }

 private:
  using own = program<A, own_roots<typename A::entity>>;
  using shared = program<A, shared_roots<typename A::entity>>;

  void work(unsigned number, std::uint64_t operations) {
    thread_number = number;
    own& mine = *own_[number];
    std::uint64_t left = operations;
    while (left > 0) {
      gc::mutator self{world_.heap};
      mine.attach(self);
      do {
        mine.step();
        if (--left % how_.check_every == 0) mine.check();
      } while (left > 0 && !mine.wants_to_attach_again());
      if (left == 0) mine.drop_all();
      mine.detach();
    }
  }
  // Nothing is alive any more: all that dies with objects has to happen.
  void end() {
    if (shared_ != nullptr) {
      gc::mutator self{world_.heap};
      shared_->attach(self);
      shared_->check();
      shared_->drop_all();
    }
    for (int time = 0; time < 3; ++time) {
      world_.heap.collect();
      world_.heap.run_cleaners();
    }
    world_.heap.verify();
    for (auto& each : own_) each->check_end();
    if (shared_ != nullptr) shared_->check_end();
    expect(gc::metaspace_of(world_.heap).loaders == 0, "loaders that nothing leads to");
    expect(gc::direct_of(world_.heap).buffers == 0, "direct memory that nothing leads to");
    expect(world_.texts.statistics().entries == 0, "texts that nothing leads to");
    expect(world_.heap.statistics().live_bytes == 0, "objects that nothing leads to");
  }

  const settings& how_;
  world<A> world_;
  std::mutex turn_;
  std::unique_ptr<shared> shared_;
  std::vector<std::unique_ptr<own>> own_;
};

template <class A>
void execute(const settings& chosen) {
  auto started = std::chrono::steady_clock::now();
  run<A> all{chosen};
  std::uint64_t digest = all.execute();
  std::chrono::duration<double> took = std::chrono::steady_clock::now() - started;
  all.print_figures(took.count());
  std::printf("digest %016llx\n", static_cast<unsigned long long>(digest));
}

}  // namespace
}  // namespace gc_fuzz

int main(int argc, char** argv) {
  using namespace gc_fuzz;  // NOLINT(google-build-using-namespace)
  for (int at = 0; at < argc; ++at) command_line += std::string(at == 0 ? "" : " ") + argv[at];
  settings chosen = parse(argc, argv);
  for (int number : {SIGABRT, SIGSEGV, SIGBUS}) std::signal(number, &on_signal);
  chosen.handles ? execute<handle_access>(chosen) : execute<direct_access>(chosen);
}
