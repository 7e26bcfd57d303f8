#include "cli/model/advice/treatment.hpp"

#include <algorithm>
#include <utility>

namespace strata::cli::advice {

using capture::event;
using capture::live_block;
using replay::action;
using replay::operation;
using replay::route;
using wire::entry_kind;

namespace {

// What the treatments share: the site, and a translator for the events that are left.
class site_treatment : public replay::event_translator {
 public:
  site_treatment(std::uint32_t site, const std::vector<std::uint32_t>& of_node)
      : site_(site), of_node_(of_node) {}
  std::uint64_t unknown_frees() const override { return plain_.unknown_frees(); }

 protected:
  bool is_of_site(const event& one) const {
    return one.makes() && one.node < of_node_.size() && of_node_[one.node] == site_;
  }
  void pass_on(const event& one, std::vector<operation>& into) { plain_.add(one, into); }

 private:
  std::uint32_t site_;
  const std::vector<std::uint32_t>& of_node_;
  replay::translator plain_;
};

// Holds an allocation of the site back until its thread does what tells whether it is left.
class holding_treatment : public site_treatment {
 public:
  using site_treatment::site_treatment;

  void finish(std::vector<operation>& into) override {
    for (const event& one : held_) release(one, into);
    held_.clear();
  }

 protected:
  // It is left.
  virtual void release(const event& one, std::vector<operation>& into) { pass_on(one, into); }
  void hold(const event& one) { held_.push_back(one); }
  // Takes the one of the thread, or that of the block.
  std::optional<event> take_of_thread(std::uint32_t thread) {
    return take([&](const event& one) { return one.thread == thread; });
  }
  std::optional<event> take_block(std::uint64_t block) {
    return take([&](const event& one) { return one.block == block; });
  }

 private:
  template <typename Fits>
  std::optional<event> take(Fits fits) {
    const auto found = std::find_if(held_.begin(), held_.end(), fits);
    if (found == held_.end()) return std::nullopt;
    const event made = *found;
    held_.erase(found);
    return made;
  }

  std::vector<event> held_;  // one for each thread at most
};

class on_stack final : public holding_treatment {
 public:
  using holding_treatment::holding_treatment;

  void add(const event& one, std::vector<operation>& into) override {
    if (one.makes()) {
      if (const auto before = take_of_thread(one.thread)) release(*before, into);
      if (one.kind == entry_kind::allocate && is_of_site(one)) return hold(one);
    } else if (const auto made = take_block(one.block)) {
      if (one.kind == entry_kind::deallocate && made->thread == one.thread) return;
      release(*made, into);
    }
    pass_on(one, into);
  }
};

// A block that was made longer keeps the name that it had first.
class reserved final : public holding_treatment {
 public:
  using holding_treatment::holding_treatment;

  void add(const event& one, std::vector<operation>& into) override {
    const std::optional<event> made = take_of_thread(one.thread);
    if (made && one.kind == entry_kind::deallocate && is_shorter(one.block, *made)) {
      return grow(one.block, *made);
    }
    if (made) release(*made, into);
    // Another thread's: it must be there before it goes.
    if (!one.makes()) {
      if (const auto others = take_block(one.block)) release(*others, into);
    }
    switch (one.kind) {
      case entry_kind::allocate:
        if (!is_of_site(one)) return keep(one, into);
        note_newest(one.block);
        return hold(one);
      case entry_kind::resize_out:
        if (live_block was; blocks_.remove(one.block, was)) resizing_[one.thread] = was;
        break;  // passed on when its end tells that it is left
      case entry_kind::resize_in:
        return end_resize(one, into);
      case entry_kind::resize_back:
        if (const auto was = take_resizing(one.thread)) blocks_.insert(*was);
        break;
      case entry_kind::deallocate:
        go(one, into);
        break;
      case entry_kind::nothing:
        break;
    }
  }

 protected:
  void release(const event& one, std::vector<operation>& into) override { keep(one, into); }

 private:
  // The size of a block, and in place of its time the name that it has in what is left.
  void keep(const event& one, std::vector<operation>& into) {
    blocks_.insert({one.block, one.size, is_of_site(one) ? 1U : 0U, one.thread, next_});
    event kept = one;
    kept.block = next_++;
    pass_on(kept, into);
  }
  void go(const event& one, std::vector<operation>& into) {
    live_block was;
    if (blocks_.remove(one.block, was)) pass_on(freed(was.time_ms, one.thread), into);
  }
  bool is_shorter(std::uint64_t block, const event& than) const {
    const live_block* was = blocks_.find(block);
    return was != nullptr && was->node == 1 && was->size < than.size && block == before_;
  }
  void note_newest(std::uint64_t block) { before_ = std::exchange(newest_, block); }
  void grow(std::uint64_t block, const event& to) {
    live_block was;
    blocks_.remove(block, was);
    blocks_.insert({to.block, to.size, 1, to.thread, was.time_ms});
  }
  void end_resize(const event& one, std::vector<operation>& into) {
    const auto was = take_resizing(one.thread);
    if (is_of_site(one)) note_newest(one.block);
    if (!was) return keep(one, into);
    if (!is_of_site(one) || one.size <= was->size) {
      pass_on({entry_kind::resize_out, one.thread, 0, was->time_ms, 0, one.time_ms}, into);
      event kept = one;
      kept.block = was->time_ms;
      pass_on(kept, into);
    }
    blocks_.insert({one.block, one.size, is_of_site(one) ? 1U : 0U, one.thread, was->time_ms});
  }
  std::optional<live_block> take_resizing(std::uint32_t thread) {
    const auto found = resizing_.find(thread);
    if (found == resizing_.end()) return std::nullopt;
    const live_block was = found->second;
    resizing_.erase(found);
    return was;
  }
  static event freed(std::uint64_t block, std::uint32_t thread) {
    return {entry_kind::deallocate, thread, 0, block, 0, 0};
  }

  capture::live_blocks blocks_;                             // node: 1 where it is the site's
  std::unordered_map<std::uint32_t, live_block> resizing_;  // by thread
  std::uint64_t next_ = 1;
  // Blocks that the site allocated last.
  std::uint64_t newest_ = 0;
  std::uint64_t before_ = 0;
};

class routed final : public site_treatment {
 public:
  routed(route to, std::uint32_t site, const std::vector<std::uint32_t>& of_node)
      : site_treatment(site, of_node), to_(to) {}

  void add(const event& one, std::vector<operation>& into) override {
    const std::size_t from = into.size();
    pass_on(one, into);
    for (std::size_t i = from; i < into.size(); ++i) {
      operation& made = into[i];
      if (made.slot >= routes_.size()) routes_.resize(made.slot + std::size_t{1}, route::heap);
      if (made.what == action::allocate) routes_[made.slot] = is_of_site(one) ? to_ : route::heap;
      made.to = routes_[made.slot];
    }
  }

 private:
  route to_;
  std::vector<route> routes_;  // by slot
};

// A block that is not so many units, to the byte, stays as it is.
class smaller final : public replay::event_translator {
 public:
  explicit smaller(const std::vector<smaller_unit>& of_node) : of_node_(of_node) {}

  void add(const event& one, std::vector<operation>& into) override {
    event made = one;
    if (one.makes() && one.node < of_node_.size()) {
      const smaller_unit& unit = of_node_[one.node];
      if (unit.bytes > 0 && one.size % unit.bytes == 0)
        made.size = one.size / unit.bytes * unit.better_bytes;
    }
    plain_.add(made, into);
  }
  std::uint64_t unknown_frees() const override { return plain_.unknown_frees(); }

 private:
  const std::vector<smaller_unit>& of_node_;
  replay::translator plain_;
};

}  // namespace

std::unique_ptr<replay::event_translator> made_smaller(const std::vector<smaller_unit>& of_node) {
  return std::make_unique<smaller>(of_node);
}

std::unique_ptr<replay::event_translator> treated(treatment how, std::uint32_t site,
                                                  const std::vector<std::uint32_t>& of_node) {
  switch (how) {
    case treatment::on_stack:
      return std::make_unique<on_stack>(site, of_node);
    case treatment::reserved:
      return std::make_unique<reserved>(site, of_node);
    case treatment::in_arena:
      return std::make_unique<routed>(route::arena, site, of_node);
    case treatment::in_pool:
      return std::make_unique<routed>(route::pool, site, of_node);
  }
  return nullptr;
}

}  // namespace strata::cli::advice
