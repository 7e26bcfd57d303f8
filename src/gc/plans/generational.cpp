// Two generations (Lieberman and Hewitt, 1983; Ungar, 1984): new objects are bumped into eden; a young
// collection copies those that live, most often few, among the survivors, and those that have survived
// before to the old space.
//
//   roots, logged fields --> | eden ... | survivors |  --age 0--> survivors
//                                                      --older--> old space (Immix)
//
//   young collection   pauses for what is alive of the young generation, and what was stored to old objects
//   full collection    a young one that promotes everything; then the old space is marked, in the same pause
//
// With concurrent marking, a collection's old part is done by a thread beside the program, from a snapshot
// that a young collection takes (Yuasa, 1990): all that was reachable then is marked; what is stored over
// before the marker comes by, the log has. What comes to the old space meanwhile is marked as it comes. When
// the thread has nothing left, the next young collection marks what the log still has. What lives is known then; what
// refers weakly to the dead is cleared by the thread, and the next young collection ends the marking. Should memory
// run out before, a full collection does the rest in its pause.
//
// As the old space fills, eden shrinks: all that is young may be promoted, and has room for that. Where a full
// collection leaves too little for an eden but in holes, it compacts the old space. Where that is too little, there
// is no eden, and mutators fill the old space's holes, as in Immix, until one leaves more. Nothing is young then,
// nothing is noted of stores, and each collection is a full one.
//
//   max_bytes   | blocks in use ... | 1/32: more while objects are moved, or tables for that | log, line marks | 1/32: rows, stacks |
//
// The remembered set is what the field-logging barrier notes (Blackburn and Hosking, 2002; LXR, 2022): each
// old field once for each collection. Where most young objects survive, ageing them only copies them twice:
// they are then promoted at once, until fewer do.
#include <algorithm>
#include <memory>

#include "gc/background.hpp"
#include "gc/core.hpp"
#include "gc/eden_size.hpp"
#include "gc/old_space.hpp"
#include "gc/parallel_young.hpp"
#include "gc/plans/plan.hpp"
#include "gc/young_space.hpp"
#include "os/process.hpp"

namespace strata::gc {
namespace {

class generational final : public plan_base {
 public:
  generational(core& of, marking how)
      : core_(of),
        how_(how),
        blocks_(of.blocks()),
        young_(blocks_),
        old_(of, evacuation::when_fragmented, most_blocks(of.options())),
        together_(of, young_, old_, in_place_),
        wished_eden_blocks_(wished_eden_blocks(of.options(), old_)),
        eden_(wished_eden_blocks_, most_eden_blocks(),
              how == marking::concurrent ? of.options().pause_goal_us : 0),
        survivor_blocks_(base::larger(1, eden_.most() / 2)),
        least_eden_blocks_(base::larger(1, wished_eden_blocks_ / 4)) {}

  bool open() override {
    // Eden, survivors of two collections, and blocks that pinned objects keep.
    young_.open(eden_.most() + 2 * survivor_blocks_ + 4 * wished_eden_blocks_);
    // A huge page may take 5 ms to find: too long for a pause.
    blocks_.keep_backed_below(most_backed_blocks(core_.options()),
                              how_ == marking::concurrent ? blocks::none : young_.count());
    if (!old_.open(young_.count()) || !in_place_.open(young_.count() * detail::block_bytes / 16) ||
        !unfinished_.open(blocks_.count() * detail::block_bytes / detail::word_bytes))
      return false;
    if (how_ == marking::concurrent)
      background_ = std::make_unique<background>(core_, old_, 2 * eden_.most());
    return true;
  }

  bump_range refill(record& by, std::size_t bytes) override {
    if (!has_eden_) return old_.refill(by.cursor, bytes);
    pace(1);
    std::lock_guard guard{core_.lock()};
    if (young_.used() >= kept_young_ + eden_.blocks()) return {};
    // A block, and one that it may be promoted into. A collection makes room, too, and sooner than much sweeping.
    if (!old_.make_room(2, is_collected() ? blocks::none : most_swept_for_eden)) return {};
    bump_range taken = young_.take();
    old_.keep_free(young_.used());
    return taken;
  }
  std::byte* take_large(std::size_t bytes) override {
    pace(large_space::blocks_for(bytes));
    return old_.take_large(bytes);
  }
  collection first_try() override { return is_tight_ ? collection::full : collection::young; }
  // A marking that is under way makes room, after some young collections, without a pause of its own.
  collection next_try() override {
    bool is_coming = background_ != nullptr && has_eden_ && background_->await_marking(1);
    return is_coming ? collection::young : collection::full;
  }

  collection collect(collection kind) override {
    if (background_ != nullptr) background_->enter();
    step = marking_step::none;
    if (!has_eden_) kind = collection::full;
    if (kind == collection::full)
      collect_full();
    else
      collect_young(takes_snapshot() ? promote::all : promote::by_age);
    if (background_ != nullptr) {
      if (has_eden_) advance();
      is_pacing_ = is_late();
      background_->leave();
    }
    moved_bytes = young_moved_ + old_.moved_bytes();
    live_bytes = old_.live_bytes();
    end_of_marks();
    return kind;
  }

  [[nodiscard]] const char* complaint_about(void* object, void** field) const override {
    bool is_forgotten =
        !young_.has(object) && young_.has(*field) && detail::must_log(field) &&
        std::find(unfinished_.begin(), unfinished_.end(), object) == unfinished_.end();
    return is_forgotten ? "an old field to a young object that no log knows" : nullptr;
  }

  // For weak_set, in a young collection.
  bool keep(void*& object) const {
    if (!young_.has(object) || blocks_.use_at(object) == use::objects) return true;
    std::uint64_t word = header::load(object);
    if (blocks_.use_at(object) == use::from_pinned) return header::mark(object) == in_place_mark;
    if ((word & header::forwarded) == 0) return false;
    object = header::forwarding(word);
    return true;
  }
  void trace(void*& object) {
    visit(&object);
    drain(never);
  }
  [[nodiscard]] bool is_young(void* object) const { return young_.has(object); }

 private:
  using stage = background::stage;
  // What it begins with, and does not exceed where the program has said so.
  static std::size_t wished_eden_blocks(const heap_options& options, const old_space& old) {
    std::size_t bytes = options.young_bytes != 0 ? options.young_bytes : usual_eden_bytes;
    std::size_t wanted = base::divide_up(bytes, detail::block_bytes);
    return base::larger(1, base::smaller(wanted, old.most_blocks() / 8));
  }
  [[nodiscard]] std::size_t most_eden_blocks() const {
    if (core_.options().young_bytes != 0 || how_ == marking::concurrent) return wished_eden_blocks_;
    std::size_t most = base::smaller(most_eden_bytes / detail::block_bytes, old_.most_blocks() / 4);
    return base::larger(wished_eden_blocks_, most);
  }
  // The limit is also for the log and the marks of blocks, and for what collections note in rows.
  static std::size_t most_backed_blocks(const heap_options& options) {
    constexpr std::size_t bytes_a_block =
        detail::block_bytes + detail::block_bytes / 64 + line_space::block_lines;
    std::size_t for_rows = options.max_bytes / 32;
    return base::larger(least_blocks, (options.max_bytes - for_rows) / bytes_a_block);
  }
  // And for what it has more while it moves objects.
  static std::size_t most_blocks(const heap_options& options) {
    std::size_t backed = most_backed_blocks(options);
    return backed - backed / 33 - 1;
  }
  enum class promote : std::uint8_t { by_age, all };
  // No marking of the old space uses it.
  static constexpr std::uint8_t in_place_mark = 255;

  void collect_full() {
    collect_young(promote::all);
    note_what_came();
    auto each_root = [this](auto visit) {
      each_root_of_old(visit);
      adopt_weaks(adopted::staying);
    };
    auto compact = [&] { old_.compact(each_root, [this](auto visit) { each_told(visit); }); };
    bool compacts = !old_.is_under_way() && (trying == effort::last_resort || expected_holes_ > 0);
    if (old_.is_under_way()) {
      if (old_.is_marking()) settle_lives();
      while (!old_.clear_some(~std::size_t{0})) continue;
      end_marking();
      old_.sweep_large();
    } else if (compacts)
      compact();
    else
      old_.full(each_root);
    // What is free may all be in holes, and will be so again.
    if (compacts) {
      expected_holes_ -= expected_holes_ > 0 ? 1 : 0;
    } else if (!has_room_for_eden() && would_have_room_for_eden()) {
      compact();
      expected_holes_ = most_expected_holes;
    }
    if (background_ != nullptr) background_->go_to(stage::idle);
    // Pinned objects are still young.
    set_eden(young_.used() != 0 || has_room_for_eden());
    is_tight_ = false;
  }
  // Eden shrinks as the old space fills, and each young collection of it costs no less for that: soon less than half of
  // it is worth a full one. Not before half of what the last has left free is used up: the rest may be in holes.
  bool is_tight() {
    if (how_ == marking::concurrent) return false;
    return old_.new_bytes() >= blocks_left() / 2 * detail::block_bytes &&
           !old_.make_room(eden_.blocks());
  }
  // By the last full collection.
  [[nodiscard]] std::size_t blocks_left() const {
    std::size_t live = base::divide_up(old_.live_bytes(), detail::block_bytes);
    return old_.most_blocks() - base::smaller(old_.most_blocks(), live);
  }
  // For the least eden, and for all of it to be promoted.
  [[nodiscard]] std::size_t least_room_blocks() const { return 2 * least_eden_blocks_; }
  bool has_room_for_eden() { return old_.make_room(least_room_blocks()); }
  [[nodiscard]] bool would_have_room_for_eden() const {
    std::size_t live_blocks = base::divide_up(old_.live_bytes(), detail::block_bytes);
    return live_blocks + young_.used() + least_room_blocks() < old_.most_blocks();
  }
  void set_eden(bool is_there) {
    if (is_there == has_eden_) return;
    has_eden_ = is_there;
    old_.note_stores(is_there);
    if (is_there) return;
    core_.world().each([](record& of) { of.log.trim(0); });
  }

  // Since the last collection eden has got no block.
  [[nodiscard]] bool is_collected() const { return young_.used() == kept_young_; }
  // Eden, and what is large, are filled no faster than the system finds pages to promote to, and than what is free
  // lasts until a marking is over. In a pause nobody waits: eden has got no block since.
  void pace(std::size_t wanted) {
    if (background_ == nullptr) return;
    bool has_pages = false;
    {
      std::lock_guard guard{core_.lock()};
      if (is_collected()) return;
      has_pages = old_.populated_blocks() > young_.used();
    }
    if (!has_pages) background_->await_pages();
    if (is_pacing_) background_->await_marking(base::smaller(wanted, most_waits));
  }

  // ---- Concurrent marking

  [[nodiscard]] bool takes_snapshot() const {
    return background_ != nullptr && background_->now() == stage::ready;
  }
  void advance() {
    if (background_->now() == stage::idle && wants_marking()) {
      asked_at_bytes_ = old_.new_bytes();
      asked_at_blocks_ = blocks_.used();
      background_->go_to(stage::sweeping);
    } else if (background_->now() == stage::ready && promoting_) {
      step = marking_step::begins;
      old_.begin();
      each_root_of_old([this](void** root) { old_.marker().push(*root); });
      core_.world().set_marking(detail::marking_now::marks);
      background_->go_to(stage::marking);
    } else if (background_->now() == stage::marked) {
      // What the log still had may lead to much.
      if (!old_.mark_some(most_marked_in_pause)) return background_->go_to(stage::marking);
      settle_lives();
      if (old_.clear_some(most_cleared_in_pause())) return end_marking_beside();
      step = marking_step::settles;
      background_->go_to(stage::clearing);
    } else if (background_->now() == stage::cleared) {
      end_marking_beside();
    } else {
      background_->help(is_late());
    }
  }
  // Early enough that marking is over before what is left is used up: half of it, or twice what came while
  // the last one was under way. Of bytes, and of whole blocks: where objects are of many sizes, some holes stay.
  [[nodiscard]] bool wants_marking() {
    if (core_.options().stress.mark_always) return true;
    std::uint64_t room = room_bytes();
    if (old_.new_bytes() + base::larger(room / 2, 2 * came_meanwhile_bytes_) > room) return true;
    if (!old_.is_swept()) return false;
    std::size_t free = free_blocks();
    swept_free_blocks_ = base::larger(swept_free_blocks_, free);
    return free < base::larger(swept_free_blocks_ / 2, 2 * came_meanwhile_blocks_);
  }
  // Of what the last marking reached, less is marked than is used up of what may come meanwhile.
  [[nodiscard]] bool is_late() {
    if (background_->now() == stage::idle || old_.is_clearing()) return false;
    auto share = [](std::uint64_t came, std::uint64_t may_come) {
      return may_come == 0 ? 1.0 : static_cast<double>(came) / static_cast<double>(may_come);
    };
    std::uint64_t came_bytes = old_.new_bytes() - asked_at_bytes_;
    std::size_t came_blocks = came_since_asked_blocks();
    double used_up =
        std::max(share(came_bytes, room_bytes() - base::smaller(room_bytes(), asked_at_bytes_)),
                 share(came_blocks, came_blocks + free_blocks()));
    auto reached = static_cast<double>(old_.is_under_way() ? old_.marker().live_bytes() : 0);
    return used_up * static_cast<double>(old_.live_bytes()) > reached;
  }
  // Beside eden, and what it may be promoted into.
  [[nodiscard]] std::size_t free_blocks() const {
    std::size_t old = blocks_.used() - young_.used() + 2 * eden_.most();
    return old_.most_blocks() - base::smaller(old_.most_blocks(), old);
  }
  [[nodiscard]] std::size_t came_since_asked_blocks() const {
    return blocks_.used() - base::smaller(blocks_.used(), asked_at_blocks_);
  }
  // What the old space may grow by between two markings.
  [[nodiscard]] std::uint64_t room_bytes() const {
    std::uint64_t most = old_.most_blocks() * detail::block_bytes;
    return most - base::smaller(most, old_.live_bytes() + eden_.most() * detail::block_bytes);
  }
  // At its end, or where memory has run out before.
  void note_what_came() {
    if (background_ != nullptr && background_->now() != stage::idle) {
      came_meanwhile_bytes_ = old_.new_bytes() - asked_at_bytes_;
      came_meanwhile_blocks_ = came_since_asked_blocks();
    }
  }
  void settle_lives() {
    old_.marker().run();
    adopt_weaks(adopted::staying);
    old_.settle_lives();
    core_.world().set_marking(detail::marking_now::clears);
  }
  void end_marking() {
    old_.end_marking();
    swept_free_blocks_ = 0;
    core_.world().set_marking(detail::marking_now::no);
  }
  void end_marking_beside() {
    note_what_came();
    end_marking();
    step = marking_step::ends;
    ++concurrent_markings;
    background_->go_to(stage::idle);
  }
  // Not worth another pause.
  [[nodiscard]] std::size_t most_cleared_in_pause() const {
    return core_.options().stress.mark_always ? 1 : 512;
  }
  // Weak objects that stay young may refer to old ones that have died, and those that no marking comes to any
  // more, since they were promoted while it ran, are old.
  enum class adopted : std::uint8_t { staying, promoted };
  void adopt_weaks(adopted which) {
    found& young = core_.weaks().of_young;
    found& old = core_.weaks().of_old;
    auto is_wanted = [&](void* each) { return young_.has(each) == (which == adopted::staying); };
    for (void* each : young.weaks)
      if (is_wanted(each)) old.weaks.push(each);
    for (void* each : young.ephemerons)
      if (is_wanted(each)) old.ephemerons.push(each);
  }

  // ---- Young collections

  void collect_young(promote which) {
    std::uint64_t began_ns = os::thread_cpu_ns();
    std::uint64_t moved_before = young_moved_;
    std::size_t used_before = young_.used();
    promoting_ = which == promote::all || most_survive_;
    core_.weaks().of_young.clear();
    core_.weaks().discover_remembered();
    young_.condemn();
    core_.each_pinned([this](void* object) {
      if (young_.has(object)) young_.pin(object);
    });
    core_.each_root([this](void** root) { visit(root); });
    trace_young();
    core_.weaks().finish(*this, core_.weaks().of_young, weak_set::cleaners::of_young_objects);
    young_.reclaim(core_.options().stress.protect_moved ? blocks::after::inaccessible
                                                        : blocks::after::usable);
    if (old_.is_marking()) adopt_weaks(adopted::promoted);
    kept_young_ = young_.used();
    old_.keep_free(kept_young_);
    if (used_before != 0)
      most_survive_ = 2 * (young_moved_ - moved_before) > used_before * detail::block_bytes;
    std::size_t threads = 0;
    core_.world().each([&](record&) { ++threads; });
    eden_.follow_pause(os::thread_cpu_ns() - began_ns, threads);
    eden_.follow_survival(young_moved_ - moved_before, used_before, blocks_left());
    is_tight_ = is_tight();
  }

  // All that roots, which have been visited, and old fields lead to.
  void trace_young() {
    row<void**>& fields = old_.into_young();
    core_.each_logged([this](const logged& entry) {
      if (entry.field != nullptr) old_.into_young().push(entry.field);
      if (old_.is_marking()) old_.marker().push(entry.before);
    });
    remembered left{0, 0, fields.size()};
    visit_fresh_large();
    visit_unfinished();
    if (!trace_alone(left, shares_from()) && !trace_together(left)) trace_alone(left, never);
    fields.erase(left.kept, left.end);
  }
  // What young_moved_ is when others are woken.
  [[nodiscard]] std::uint64_t shares_from() const {
    if (!together_.may_run()) return never;
    if (core_.options().stress.share_always) return 0;
    // An eden that grows by itself is to save processor time, of which sharing takes more.
    bool is_much = core_.options().young_bytes != 0 &&
                   young_.condemned() * detail::block_bytes >= least_shared_eden_bytes;
    return is_much ? young_moved_ + least_shared_bytes : never;
  }
  // Fields of [0, kept) stay remembered, those of [at, end) have not been visited.
  struct remembered {
    std::size_t kept;
    std::size_t at;
    std::size_t end;
  };
  // False when so much has been moved before all was done.
  bool trace_alone(remembered& left, std::uint64_t most_moved) {
    row<void**>& fields = old_.into_young();
    for (; left.at < left.end; ++left.at) {
      if (young_moved_ >= most_moved) return false;
      void** field = fields[left.at];
      if (left.at + ahead < left.end) __builtin_prefetch(fields[left.at + ahead]);
      visit(field);
      if (young_.has(*field))
        fields[left.kept++] = field;
      else
        old_space::arm(field);
    }
    // While little is behind them.
    fields.erase(left.kept, left.end);
    left.at = left.end = left.kept;
    return drain(most_moved);
  }
  bool trace_together(const remembered& left) {
    parallel_young::result done;
    if (!together_.run({left.at, left.end, promoting_, tenure_age, survivor_blocks_, in_place_mark},
                       done))
      return false;
    young_moved_ += done.moved_bytes;
    promoted_bytes += done.promoted_bytes;
    return true;
  }

  void visit_fresh_large() {
    for (void* object : old_.fresh_large()) {
      type& of = *type_of_object(object);
      each_field(object, of, [this](void** field) {
        visit(field);
        if (young_.has(*field))
          old_.remember(field);
        else
          old_space::arm(field);
      });
      core_.weaks().of_young.discover(object, of.kind);
    }
    old_.fresh_large().clear();
  }

  // Constructors that may collect store to their objects without a barrier, and pin them meanwhile. Such an object
  // may be old: made while there was no eden, or large.
  void visit_unfinished() {
    for (void* object : unfinished_) {
      each_field(object, *type_of_object(object), [this](void** field) {
        visit(field);
        if (young_.has(*field) && detail::must_log(field)) old_.remember(field);
      });
    }
    unfinished_.clear();
    core_.each_pinned([this](void* object) {
      if (young_.has(object)) return;
      shape kind = shape_of(*type_of_object(object));
      if (kind == shape::masked || kind == shape::listed) unfinished_.push(object);
    });
  }

  // False when so much has been moved before all was done. One place for it, with everything inline: called for each
  // object, the parts took a tenth of a pause more.
  STRATA_NOINLINE bool drain(std::uint64_t most_moved) {
    work_stack& stack = core_.stack();
    while (!stack.empty()) {
      if (young_moved_ >= most_moved) return false;
      void* object = stack.pop();
      type& of = *type_of_object(object);
      core_.weaks().of_young.discover(object, of.kind);
      if (young_.has(object)) {
        each_field(object, of, [this](void** field) { visit(field); });
      } else {
        each_field(object, of, [this](void** field) {
          visit(field);
          if (young_.has(*field)) old_.remember(field);
        });
      }
    }
    return true;
  }

  void visit(void** field) {
    void* object = *field;
    if (!young_.has(object) || is_immediate(base::address_of(object))) return;
    use as = blocks_.use_at(object);
    if (as == use::from) {
      *field = copy_of(object);
    } else if (as == use::from_pinned && header::mark(object) != in_place_mark) {
      header::set_mark(object, in_place_mark);
      core_.weaks().of_young.reached(object);
      in_place_.push(object);
      core_.stack().push(object);
    }
  }

  void* copy_of(void* object) {
    std::uint64_t word = header::load(object);
    if ((word & header::forwarded) != 0) return header::forwarding(word);
    std::size_t bytes = object_bytes(object, *header::type_in(object, word));
    std::byte* to = nullptr;
    if (!promoting_ && header::age(word) < tenure_age)
      to = young_.take_for_survivor(bytes + header::growth(word), survivor_blocks_);
    bool promoted = to == nullptr;
    if (promoted) {
      to = old_.take_promoted(bytes + header::growth(word));
      promoted_bytes += bytes + header::growth(word);
    }
    copy_object(to, static_cast<std::byte*>(object) - header::bytes, bytes);
    void* copy = to + header::bytes;
    carry_hash(copy, object, word, bytes, blocks_);
    header::forward(object, copy);
    core_.weaks().of_young.reached(object);
    bytes += header::growth(word);
    word = header::at(copy);
    if (promoted)
      old_.settle(copy, word, bytes);
    else
      header::at(copy) = header::with_age(word, header::age(word) + 1);
    young_moved_ += bytes;
    core_.stack().push(copy);
    return copy;
  }

  // What keeps old objects alive, after a young collection that has promoted all it could: roots, and
  // pinned young objects that are alive.
  template <class Visit>
  void each_root_of_old(Visit visit) {
    core_.each_root(visit);
    for (void* object : in_place_) each_edge(object, *type_of_object(object), visit);
  }
  // The same references but mirrors, which the table of loaders has.
  template <class Visit>
  void each_told(Visit visit) {
    core_.each_root(visit);
    for (void* object : in_place_) each_field(object, *type_of_object(object), visit);
  }
  void end_of_marks() {
    for (void* object : in_place_) header::set_mark(object, 0);
    in_place_.clear();
  }

  static constexpr std::size_t least_blocks = 4;
  static constexpr std::size_t usual_eden_bytes = std::size_t{2} << 20;
  // Half of a cache that processors share: beyond it little is gained.
  static constexpr std::size_t most_eden_bytes = std::size_t{16} << 20;
  static constexpr unsigned tenure_age = 1;
  static constexpr unsigned most_expected_holes = 4;
  static constexpr std::size_t most_marked_in_pause = 2048;
  static constexpr std::size_t most_swept_for_eden = 256;
  static constexpr std::size_t most_waits = 2;
  // Once a collection has moved so much, it wakes others for what is left; but not where all that is young may still
  // be in the cache of the processor that has made it.
  static constexpr std::uint64_t least_shared_bytes = std::uint64_t{256} << 10;
  static constexpr std::size_t least_shared_eden_bytes = std::size_t{8} << 20;
  static constexpr std::uint64_t never = ~std::uint64_t{0};

  // References that are looked at so much later are fetched now.
  static constexpr std::size_t ahead = 12;

  core& core_;
  marking how_;
  blocks& blocks_;
  young_space young_;
  old_space old_;
  parallel_young together_;
  std::size_t wished_eden_blocks_;
  eden_size eden_;
  std::size_t survivor_blocks_;
  std::size_t least_eden_blocks_;
  bool has_eden_ = true;        // changes while the world is stopped
  std::size_t kept_young_ = 0;  // blocks that the last collection has left in use
  // So many full collections compact at once, since one that did not had to be followed by one that did.
  unsigned expected_holes_ = 0;
  bool is_tight_ = false;  // the next collection is a full one
  std::uint64_t asked_at_bytes_ =
      0;  // what was new in the old space when a marking was last asked for
  std::uint64_t came_meanwhile_bytes_ = 0;
  std::size_t asked_at_blocks_ = 0;  // the same in blocks in use
  std::size_t came_meanwhile_blocks_ = 0;
  std::size_t swept_free_blocks_ = 0;  // once all is swept
  bool is_pacing_ = false;             // until the next collection
  bool promoting_ = false;
  bool most_survive_ = false;
  row<void*> in_place_;  // objects in pinned blocks that this collection has reached
  row<void*>
      unfinished_;  // old objects that were pinned in the last collection, and may be under construction
  std::uint64_t young_moved_ = 0;
  std::unique_ptr<background> background_;  // null where marking is done in pauses
};

}  // namespace

std::unique_ptr<plan_base> make_generational(core& of, marking how) {
  return std::make_unique<generational>(of, how);
}

}  // namespace strata::gc
