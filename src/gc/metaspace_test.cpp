#include "gc/metaspace.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <stdexcept>
#include <string>
#include <thread>

#include "gc/plans_test.hpp"
#include "strata/gc.hpp"

namespace strata::gc {
namespace {

const field point_fields[] = {
    {"x", 0, field_kind::plain}, {"next", 8, field_kind::reference}, {"y", 16, field_kind::plain}};
const type_definition point_definition{.name = "point", .bytes = 24, .fields = point_fields};

class GcMetaspace : public testing::TestWithParam<plan> {
 protected:
  heap memory{{.max_bytes = 16 << 20,
               .plan = GetParam(),
               .stress = {.protect_moved = true, .verify = true}}};
  mutator self{memory};

  unrooted<void*> make(const type& of, std::size_t count = 0) {
    return {self, static_cast<void**>(self.make_of(of, count))};
  }
};

TEST_P(GcMetaspace, TypesAreCopiedAndCanBeLookedAt) {
  local<loader> app = make_loader(self);
  std::string name = "point";
  const type& point = define_type(app, {.name = name, .bytes = 24, .fields = point_fields});
  name = "other";
  EXPECT_STREQ("point", point.name);
  ASSERT_EQ(3U, fields_of(point).size());
  EXPECT_STREQ("next", fields_of(point)[1].name);
  EXPECT_EQ(16U, fields_of(point)[2].offset);
  local<void*> object = make(point);
  EXPECT_EQ(&point, &dynamic_type(object.get()));
  self.collect();
  EXPECT_EQ(app.get(), local<loader>(loader_of(self, point)).get());
  local<loader> keeper{self};
  EXPECT_EQ(&point, find_type(keeper, id_of(point)));
  EXPECT_EQ(app.get(), keeper.get());
  EXPECT_TRUE(fields_of(type_of<loader>).empty());
  EXPECT_EQ(nullptr, find_type(keeper, id_of(type_of<loader>)));
}

TEST_P(GcMetaspace, AnObjectKeepsItsLoaderAndALoaderWhatItHolds) {
  local<void*> object{self};
  type_id id;
  {
    local<loader> parent = make_loader(self);
    local<loader> app = make_loader(self, parent);
    app->attached = self.make<array<ref<void*>>>(7);
    const type& point = define_type(app, point_definition);
    id = id_of(point);
    object = make(point);
  }
  for (int time = 0; time < 4; ++time) {
    self.collect(time == 1 ? collection::young : collection::full);
    local<loader> app = loader_of(self, dynamic_type(object.get()));
    ASSERT_TRUE(app);
    EXPECT_EQ(7U, app->attached->size());
    EXPECT_TRUE(app->parent);
    EXPECT_EQ(2U, metaspace_of(memory).loaders);
  }
  object = nullptr;
  self.collect();
  metaspace_statistics after = metaspace_of(memory);
  EXPECT_EQ(0U, after.loaders);
  EXPECT_EQ(0U, after.types);
  EXPECT_EQ(0U, after.used_bytes);
  EXPECT_EQ(2U, after.loaders_unloaded);
  local<loader> keeper{self};
  EXPECT_EQ(nullptr, find_type(keeper, id));
}

// An object has an address of its own, inside of its block, even one of nothing.
TEST_P(GcMetaspace, ObjectsOfNoBytes) {
  local<loader> app = make_loader(self);
  const type& nothing = define_type(app, {.name = "nothing"});
  local<array<ref<void*>>> all = self.make<array<ref<void*>>>(20000);
  for (std::size_t at = 0; at < 20000; ++at) {
    local<void*> made = make(nothing);
    (*all)[at] = made;
  }
  self.collect();
  for (std::size_t at = 1; at < 20000; ++at) {
    ASSERT_EQ(&nothing, &dynamic_type((*all)[at].get()));
    ASSERT_NE((*all)[at - 1].get(), (*all)[at].get());
  }
}

TEST_P(GcMetaspace, SizesThatDontFitAreRefused) {
  local<loader> app = make_loader(self);
  EXPECT_THROW(define_type(app, {.name = "long", .bytes = 0xffffffff}), std::invalid_argument);
  const type& most = define_type(app, {.name = "most", .bytes = 0xfffffff0});
  EXPECT_THROW(static_cast<void>(self.make_of(most)), out_of_memory);
}

TEST_P(GcMetaspace, IndicesAreUsedAgainWithAnotherGeneration) {
  type_id first;
  {
    local<loader> app = make_loader(self);
    first = id_of(define_type(app, point_definition));
  }
  self.collect();
  local<loader> app = make_loader(self);
  const type& again = define_type(app, point_definition);
  EXPECT_EQ(first.index, id_of(again).index);
  EXPECT_NE(first, id_of(again));
  local<loader> keeper{self};
  EXPECT_EQ(nullptr, find_type(keeper, first));
  EXPECT_EQ(&again, find_type(keeper, id_of(again)));
}

TEST_P(GcMetaspace, EachKindOfArray) {
  local<loader> app = make_loader(self);
  const type& point = define_type(app, point_definition);
  const type& bytes =
      define_type(app, {.name = "bytes", .of = elements::plain, .element_bytes = 1});
  const type& rows = define_type(app, {.name = "rows", .of = elements::references});
  const type& points = define_type(
      app,
      {.name = "points", .fields = point_fields, .of = elements::structs, .element_bytes = 24});
  local<void*> chain{self};
  for (int time = 0; time < 200; ++time) {
    local<void*> p = make(point);
    detail::store_field(p.get() + 1, chain.get());
    local<void*> row = make(rows, 3);
    detail::store_field(row.get() + 2, p.get());
    local<void*> table = make(points, 2);
    detail::store_field(table.get() + 1 + 3 + 1, row.get());
    static_cast<void>(make(bytes, time % 10 == 0 ? 40000 : 13));
    chain = table;
    if (time % 20 == 0) self.collect(time % 40 == 0 ? collection::young : collection::full);
  }
  int length = 0;
  for (void** at = chain.get(); at != nullptr; ++length) {
    auto** row = static_cast<void**>(at[5]);
    EXPECT_EQ(&rows, &dynamic_type(row));
    at = static_cast<void**>(static_cast<void**>(row[2])[1]);
  }
  EXPECT_EQ(200, length);
}

TEST_P(GcMetaspace, LongTypesAndManyFields) {
  local<loader> app = make_loader(self);
  std::vector<field> many;
  for (std::uint32_t at = 0; at < 300; ++at)
    many.push_back({"field", at * 8, at % 3 == 0 ? field_kind::reference : field_kind::plain});
  const type& wide = define_type(app, {.name = "wide", .bytes = 2400, .fields = many});
  local<void*> object = make(wide);
  local<void*> other = make(wide);
  detail::store_field(object.get() + 297, other.get());
  other = nullptr;
  self.collect();
  EXPECT_EQ(&wide, &dynamic_type(object.get()[297]));
  many.resize(10000, many[0]);
  EXPECT_THROW(define_type(app, {.name = "wider", .bytes = 2400, .fields = many}),
               std::length_error);
}

TEST_P(GcMetaspace, WrongDefinitionsAreRefused) {
  local<loader> app = make_loader(self);
  const field odd[] = {{"a", 4, field_kind::reference}};
  EXPECT_THROW(define_type(app, {.bytes = 16, .fields = odd}), std::invalid_argument);
  EXPECT_THROW(define_type(app, {.bytes = 8, .fields = point_fields}), std::invalid_argument);
  EXPECT_THROW(define_type(app, {.of = elements::structs, .element_bytes = 12}),
               std::invalid_argument);
  EXPECT_THROW(define_type(app, {.of = elements::structs, .element_bytes = 520}),
               std::invalid_argument);
  EXPECT_THROW(define_type(app, {.of = elements::plain}), std::invalid_argument);
  EXPECT_EQ(0U, metaspace_of(memory).types);
}

TEST_P(GcMetaspace, ReturnsToItsStartAfterAHundredThousandLoaders) {
  heap roomy{{.max_bytes = 32 << 20, .plan = GetParam()}};
  mutator own{roomy};
  std::size_t most = 0;
  for (int time = 0; time < 100000; ++time) {
    local<loader> app = make_loader(own);
    const type& point = define_type(app, point_definition);
    local<void*> object{own, static_cast<void**>(own.make_of(point))};
    if (time % 1000 == 0) most = std::max(most, metaspace_of(roomy).held_bytes);
  }
  own.collect();
  metaspace_statistics after = metaspace_of(roomy);
  EXPECT_EQ(100000U, after.loaders_made);
  EXPECT_EQ(100000U, after.loaders_unloaded);
  EXPECT_EQ(0U, after.used_bytes);
  EXPECT_LE(after.held_bytes, 4U * chunks::block_bytes);
  EXPECT_LE(most, 2U << 20);
}

TEST_P(GcMetaspace, ItsLimitIsATypedError) {
  heap small{{.max_bytes = 16 << 20, .plan = GetParam(), .metaspace_max_bytes = 1 << 20}};
  mutator own{small};
  {
    local<loader> app = make_loader(own);
    auto fill = [&] {
      for (;;) define_type(app, point_definition);
    };
    EXPECT_THROW(fill(), metaspace_exhausted);
    EXPECT_THROW(fill(), out_of_memory);
    EXPECT_GT(metaspace_of(small).types, 2000U);
  }
  own.collect();
  local<loader> app = make_loader(own);
  EXPECT_STREQ("point", define_type(app, point_definition).name);
  EXPECT_EQ(1U, metaspace_of(small).types);
}

TEST_P(GcMetaspace, AFailedLoaderLeavesNothing) {
  heap full{{.max_bytes = 4 << 20, .plan = GetParam()}};
  mutator own{full};
  struct cell {
    ref<cell> next;
  };
  local<cell> list{own};
  auto grow = [&] {
    for (;;) list = own.make<cell>(list);
  };
  EXPECT_THROW(grow(), out_of_memory);
  {
    local<loader> chain{own};
    auto load = [&] {
      for (;;) chain = make_loader(own, chain);
    };
    EXPECT_THROW(load(), out_of_memory);
  }
  list = nullptr;
  own.collect();
  EXPECT_EQ(0U, metaspace_of(full).used_bytes);
}

TEST_P(GcMetaspace, ThreadsEachWithTheirLoaders) {
  heap shared{{.max_bytes = 32 << 20, .plan = GetParam()}};
  std::vector<std::thread> threads;
  for (int each = 0; each < 4; ++each) {
    threads.emplace_back([&shared] {
      mutator own{shared};
      local<void*> kept{own};
      for (int time = 0; time < 3000; ++time) {
        local<loader> app = make_loader(own);
        const type& point = define_type(app, point_definition);
        local<void*> object{own, static_cast<void**>(own.make_of(point))};
        if (time % 10 == 0) {
          if (time % 100 != 0) detail::store_field(object.get() + 1, kept.get());
          kept = object;
        }
        if (time % 700 == 0) own.collect();
        for (void** at = kept.get(); at != nullptr; at = static_cast<void**>(at[1]))
          ASSERT_STREQ("point", dynamic_type(at).name);
      }
    });
  }
  for (std::thread& each : threads) each.join();
  shared.collect();
  EXPECT_EQ(0U, metaspace_of(shared).loaders);
  EXPECT_EQ(0U, metaspace_of(shared).used_bytes);
}

INSTANTIATE_TEST_SUITE_P(Plans, GcMetaspace, every_plan, name_of_plan);

}  // namespace
}  // namespace strata::gc
