#include "conservative/finalization.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "conservative/heap_rig.hpp"

namespace strata::conservative {
namespace {

class ConservativeFinalization : public testing::Test {
 protected:
  void** make() { return static_cast<void**>(rig.make(4 * word_bytes)); }
  void finalize(void* object, order by) {
    finalizer before;
    ASSERT_TRUE(all.set({base::address_of(object), [](void*, void*) {}, nullptr, by}, before));
  }
  // A collection; returns what has become due, in no order.
  std::vector<void*> collect() {
    rig.mark();
    all.add_roots(rig.marker());
    rig.marker().drain();
    all.run(rig.heap(), rig.marker(), nullptr);
    rig.heap().sweep();
    rig.heap().verify();
    std::vector<void*> due;
    for (finalizer next; all.take_due(next);) due.push_back(base::pointer_to(next.key));
    return due;
  }

  heap_rig rig{100};
  finalization all;
};

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

TEST_F(ConservativeFinalization, WaitsForWhatRefersToIt) {
  void **a = make(), **b = make(), **c = make();
  a[0] = b;
  b[1] = c;
  for (void** each : {c, a, b}) finalize(each, order::before_what_it_refers_to);
  EXPECT_THAT(collect(), ElementsAre(a));
  EXPECT_THAT(collect(), ElementsAre(b));
  EXPECT_FALSE(rig.is_there(a));
  EXPECT_THAT(collect(), ElementsAre(c));
  EXPECT_THAT(collect(), IsEmpty());
  EXPECT_EQ(rig.heap().blocks().used(), 0U);
}

TEST_F(ConservativeFinalization, CyclesWaitForEver) {
  void **a = make(), **b = make(), **own = make();
  a[0] = b;
  b[0] = a;
  own[2] = own;
  for (void** each : {a, b, own}) finalize(each, order::before_what_it_refers_to);
  EXPECT_THAT(collect(), IsEmpty());
  EXPECT_EQ(all.cycles(), 2U);
  EXPECT_TRUE(rig.is_there(a) && rig.is_there(b) && rig.is_there(own));
  finalize(own, order::ignoring_itself);
  EXPECT_THAT(collect(), ElementsAre(own));
}

TEST_F(ConservativeFinalization, FinalizersWithoutOrderSeeWholeObjects) {
  for (bool keeps : {false, true}) {
    all.keeps_reachable = keeps;
    void **a = make(), **b = make(), **plain = make();
    a[0] = b;
    b[0] = a;
    b[1] = plain;
    finalize(a, order::none);
    finalize(b, order::none);
    EXPECT_THAT(collect(), UnorderedElementsAre(a, b));
    EXPECT_TRUE(rig.is_there(a) && rig.is_there(b) && rig.is_there(plain));
    EXPECT_THAT(collect(), IsEmpty());
    EXPECT_FALSE(rig.is_there(plain));
  }
}

TEST_F(ConservativeFinalization, UnreachableOnesWaitForThoseWithoutOrder) {
  all.keeps_reachable = true;
  void **first = make(), **last = make();
  first[3] = last;
  finalize(first, order::none);
  finalize(last, order::unreachable);
  EXPECT_THAT(collect(), ElementsAre(first));
  EXPECT_THAT(collect(), ElementsAre(last));
}

TEST_F(ConservativeFinalization, ShortLinksGoBeforeAndLongOnesAfter) {
  void** object = make();
  void* links[2] = {object, object};
  EXPECT_EQ(all.short_links.add(&links[0], object), linked::added);
  EXPECT_EQ(all.long_links.add(&links[1], object), linked::added);
  finalize(object, order::before_what_it_refers_to);
  EXPECT_THAT(collect(), ElementsAre(object));
  EXPECT_EQ(links[0], nullptr);
  EXPECT_EQ(links[1], object);
  EXPECT_THAT(collect(), IsEmpty());
  EXPECT_EQ(links[1], nullptr);
  EXPECT_EQ(all.short_links.size() + all.long_links.size(), 0U);
}

TEST_F(ConservativeFinalization, LinksInDeadObjectsAreForgotten) {
  void **holder = make(), **object = make();
  rig.roots().push_back(object);
  all.short_links.add(&holder[0], object);
  all.long_links.add(&holder[1], object);
  collect();
  EXPECT_EQ(all.short_links.size() + all.long_links.size(), 0U);
}

TEST_F(ConservativeFinalization, DataIsKept) {
  void **object = make(), **data = make();
  finalizer before;
  rig.roots().push_back(object);
  all.set({base::address_of(object), [](void*, void*) {}, data, order::none}, before);
  collect();
  EXPECT_TRUE(rig.is_there(data));
  all.set({base::address_of(object), nullptr, nullptr, order::none}, before);
  EXPECT_EQ(before.data, data);
  collect();
  EXPECT_FALSE(rig.is_there(data));
}

TEST_F(ConservativeFinalization, ToggledReferencesAreAsked) {
  void **strong = make(), **weak = make(), **dropped = make();
  static std::map<void*, toggled> says;
  says = {{strong, toggled::strong}, {weak, toggled::weak}, {dropped, toggled::dropped}};
  for (auto [object, as] : says) ASSERT_TRUE(all.toggle(object, toggled::strong));
  auto ask = [](void* object) { return says.at(object); };
  all.ask(ask);
  collect();
  EXPECT_TRUE(rig.is_there(strong));
  EXPECT_FALSE(rig.is_there(weak));
  EXPECT_FALSE(rig.is_there(dropped));
  says = {{strong, toggled::weak}};
  all.ask(ask);
  collect();
  EXPECT_FALSE(rig.is_there(strong));
  all.ask(ask);  // nobody is asked any more
}

}  // namespace
}  // namespace strata::conservative
