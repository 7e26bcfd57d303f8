// GCBench: John Ellis and Pete Kovac of Post Communications wrote it, Hans Boehm made it known as the
// benchmark of collectors. Many binary trees come and go, made from the top down (which stores into
// older nodes) and from the bottom up (which does not), while one tree and an array of doubles stay.
//
// Stresses: quick allocation of small objects that die young, beside a heap of old ones.
//
// SIZE: depth of the deepest tree. COUNT: threads, each with trees of its own on one heap.
#pragma once

#include <thread>
#include <vector>

#include "trees.hpp"

namespace bench {

template <class Memory>
struct gcbench_node {
  typename Memory::template ref<gcbench_node> left, right;
  int i = 0, j = 0;
};

template <class Memory>
class gcbench {
  using mutator = typename Memory::mutator;
  using node = gcbench_node<Memory>;
  using local = typename Memory::template local<node>;
  using arg = typename Memory::template arg<node>;
  using doubles = typename Memory::template array<double>;
  using tree = trees<Memory, node>;

 public:
  gcbench(typename Memory::heap& heap, mutator&, std::size_t size, std::size_t count)
      : heap_(heap), depth_(static_cast<int>(size)), threads_(count) {}

  std::uint64_t pass(mutator& self, histogram& operations) {
    if (threads_ == 1) return alone(self, operations);
    std::vector<std::uint64_t> sums(threads_);
    std::vector<histogram> each(threads_);
    {
      typename Memory::blocking waiting{self};
      std::vector<std::thread> running;
      for (std::size_t i = 0; i < threads_; ++i)
        running.emplace_back([&, i] {
          Memory::attached(heap_, [&](mutator& own) { sums[i] = alone(own, each[i]); });
        });
      for (std::thread& one : running) one.join();
    }
    checksum result;
    for (std::size_t i = 0; i < threads_; ++i) {
      result.add(static_cast<std::int64_t>(sums[i]));
      operations.add(each[i]);
    }
    return result.sum();
  }

  void drop(mutator&) {}

 private:
  static constexpr int least_depth = 4;
  static constexpr std::size_t array_length = 500'000;

  std::uint64_t alone(mutator& self, histogram& operations) {
    checksum result;
    {
      local stretch = tree::bottom_up(self, depth_ + 1, operations);
      result.add(tree::depth_of(stretch.get()));
      tree::drop(self, stretch.get());
    }
    local lasting = self.template make<node>();
    populate(self, depth_, lasting, operations);
    typename Memory::template local<doubles> array = self.template make<doubles>(array_length);
    for (std::size_t i = 0; i < array_length; ++i) (*array)[i] = 1.0 / static_cast<double>(i + 1);
    for (int depth = least_depth; depth <= depth_; depth += 2)
      construct(self, depth, result, operations);
    result.add(tree::count(lasting.get()));
    result.add(static_cast<std::int64_t>(1.0 / (*array)[1000] + 0.5));
    tree::drop(self, lasting.get());
    if constexpr (Memory::by_hand) self.release(array);
    return result.sum();
  }

  // Each depth makes as many nodes.
  void construct(mutator& self, int depth, checksum& result, histogram& operations) {
    std::int64_t wanted = 2 * nodes_of(depth_ + 1) / nodes_of(depth);
    make_many(self, depth, wanted, result, operations, [&](local& root, auto&... measured) {
      root = self.template make<node>();
      populate(self, depth, root, measured...);
    });
    make_many(self, depth, wanted, result, operations, [&](local& root, auto&... measured) {
      root = tree::bottom_up(self, depth, measured...);
    });
  }
  template <class Make>
  void make_many(mutator& self, int depth, std::int64_t wanted, checksum& result,
                 histogram& operations, Make make) {
    local root{self};
    auto finish = [&] {
      result.add(tree::depth_of(root.get()));
      tree::drop(self, root.get());
      root = nullptr;
    };
    for (std::int64_t at_once = trees_at_once(depth); wanted > 0; wanted -= at_once) {
      if (depth > operation_depth) {
        make(root, operations);
        finish();
        continue;
      }
      stopwatch watch(operations);
      for (std::int64_t i = std::min(at_once, wanted); i > 0; --i) {
        make(root);
        finish();
      }
      watch.lap();
    }
  }

  // Gives a node children, from the top down.
  static void populate(mutator& self, int depth, arg root) {
    if (depth <= 0) return;
    root->left = self.template make<node>();
    root->right = self.template make<node>();
    local left{self, root->left};
    populate(self, depth - 1, left);
    local right{self, root->right};
    populate(self, depth - 1, right);
  }
  static void populate(mutator& self, int depth, arg root, histogram& operations) {
    if (depth <= operation_depth) {
      stopwatch watch(operations);
      populate(self, depth, root);
      watch.lap();
      return;
    }
    root->left = self.template make<node>();
    root->right = self.template make<node>();
    local left{self, root->left};
    populate(self, depth - 1, left, operations);
    local right{self, root->right};
    populate(self, depth - 1, right, operations);
  }

  typename Memory::heap& heap_;
  int depth_;
  std::size_t threads_;
};

}  // namespace bench
