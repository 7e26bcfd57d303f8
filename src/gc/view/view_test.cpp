#include "strata/gc/view.hpp"

#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>

#include "gc/plans_test.hpp"
#include "strata/gc.h"
#include "strata/gc.hpp"

namespace strata::gc {
namespace {

struct node {
  ref<node> left, right;
  long key = 0;
};
struct cell {
  long before = 0;
  ref<node> to;
};

using nodes = array<ref<node>>;
constexpr std::size_t node_bytes = detail::header::bytes + sizeof(node);

unrooted<node> build(mutator& self, int depth) {
  if (depth == 0) return self.make<node>(nullptr, nullptr, 1);
  local<node> left = build(self, depth - 1);
  local<node> right = build(self, depth - 1);
  return self.make<node>(left, right, left->key + right->key);
}

class GcView : public testing::TestWithParam<plan> {
 protected:
  std::vector<nlohmann::json> dumped() {
    std::string text;
    dump_graph(self, [&](std::string_view part) { text += part; });
    std::istringstream lines(text);
    std::vector<nlohmann::json> made;
    for (std::string line; std::getline(lines, line);) made.push_back(nlohmann::json::parse(line));
    return made;
  }

  heap memory{{.max_bytes = 32 << 20, .plan = GetParam(), .stress = {.protect_moved = true}}};
  mutator self{memory};
};

TEST_P(GcView, SummariesCountWhatIsAlive) {
  local<node> tree = build(self, 8);
  local<nodes> row = self.make<nodes>(std::size_t{10000});
  local<array<cell>> cells = self.make<array<cell>>(std::size_t{3});
  for (std::size_t at = 0; at < 3; ++at) (*cells)[at].to = tree;
  (*row)[9999] = self.make<node>();
  static_cast<void>(build(self, 8));  // dead
  std::vector<type_summary> rows = summarize(self);
  ASSERT_EQ(3U, rows.size());
  EXPECT_EQ(1U, rows[0].objects);
  EXPECT_EQ(detail::header::bytes + 8 + 80000, rows[0].bytes);
  EXPECT_EQ(512U, rows[1].objects);
  EXPECT_EQ(512 * node_bytes, rows[1].bytes);
  EXPECT_EQ("node", rows[1].name.substr(rows[1].name.size() - 4));
  EXPECT_EQ(detail::header::bytes + 8 + 3 * 16, rows[2].bytes);

  std::string json;
  write_summary(
      rows, [&](std::string_view part) { json += part; }, format::json);
  nlohmann::json read = nlohmann::json::parse(json);
  ASSERT_EQ(3U, read["types"].size());
  EXPECT_EQ(512, read["types"][1]["objects"]);
  EXPECT_EQ(rows[1].name, read["types"][1]["name"]);
  std::string text;
  write_summary(rows, [&](std::string_view part) { text += part; });
  EXPECT_NE(std::string::npos, text.find("         514 "));
}

// The graph that the dump tells of is the one that is there.
TEST_P(GcView, DumpsAreTheGraph) {
  local<node> tree = build(self, 6);
  global<nodes> row{memory};
  row = self.make<nodes>(std::size_t{100});
  (*row)[7] = tree;
  (*row)[99] = tree->left;
  pinned<node> still{tree};
  self.collect();
  std::vector<nlohmann::json> lines = dumped();
  ASSERT_GT(lines.size(), 2U);
  EXPECT_EQ(1, lines.front()["strata_heap_graph"]);

  std::map<std::uintptr_t, nlohmann::json> objects;
  std::map<std::string, std::vector<nlohmann::json>> roots;
  std::map<std::size_t, nlohmann::json> types;
  std::size_t references = 0;
  std::size_t bytes = 0;
  for (const nlohmann::json& line : lines) {
    if (line.contains("root")) roots[line["root"]].push_back(line);
    if (line.contains("object")) {
      ASSERT_TRUE(types.count(line["type"])) << "a type comes before its first object";
      objects[line["object"]] = line;
      references += line.value("to", nlohmann::json::array()).size();
      bytes += line["bytes"].get<std::size_t>();
    } else if (line.contains("type")) {
      types[line["type"]] = line;
    }
  }
  const nlohmann::json& sum = lines.back()["sum"];
  EXPECT_EQ(127U + 1, objects.size());
  EXPECT_EQ(objects.size(), sum["objects"]);
  EXPECT_EQ(126U + 2, references);
  EXPECT_EQ(references, sum["references"]);
  EXPECT_EQ(bytes, sum["bytes"]);
  EXPECT_EQ(2U, types.size());
  ASSERT_EQ(1U, roots["local"].size());
  ASSERT_EQ(1U, roots["pinned"].size());
  ASSERT_EQ(1U, roots["global"].size());
  EXPECT_EQ(detail::address_of(tree.get()), roots["local"][0]["to"]);
  EXPECT_EQ(detail::address_of(tree.get()), roots["pinned"][0]["to"]);
  EXPECT_EQ(1, roots["pinned"][0]["slot"]);
  nlohmann::json array_line = objects[detail::address_of(row.get())];
  EXPECT_EQ(roots["global"][0]["to"], array_line["object"]);
  EXPECT_EQ(100, array_line["count"]);
  nlohmann::json expected = {{8 + 7 * 8, detail::address_of(tree.get())},
                             {8 + 99 * 8, detail::address_of(tree->left.get())}};
  EXPECT_EQ(expected, array_line["to"]);
  nlohmann::json top = objects[detail::address_of(tree.get())];
  expected = {{0, detail::address_of(tree->left.get())},
              {8, detail::address_of(tree->right.get())}};
  EXPECT_EQ(expected, top["to"]);
  EXPECT_EQ(node_bytes, top["bytes"]);
  for (auto& [address, line] : objects) {
    for (const nlohmann::json& to : line.value("to", nlohmann::json::array()))
      EXPECT_TRUE(objects.count(to[1])) << line;
  }
}

TEST_P(GcView, DumpsTellOfWeakReferencesAndFindEphemeronsValues) {
  local<node> key = self.make<node>(nullptr, nullptr, 1);
  local<weak<node>> to = self.make<weak<node>>(key);
  local<node> value = self.make<node>(nullptr, nullptr, 2);
  local<ephemeron<node, node>> pair = self.make<ephemeron<node, node>>(key, value);
  value = nullptr;
  std::size_t weakly = 0;
  std::size_t objects = 0;
  for (const nlohmann::json& line : dumped()) {
    objects += line.contains("object") ? 1U : 0U;
    weakly += line.value("weakly", nlohmann::json::array()).size();
  }
  EXPECT_EQ(4U, objects);
  EXPECT_EQ(3U, weakly);
  EXPECT_EQ(4U,
            summarize(self)[0].objects + summarize(self)[1].objects + summarize(self)[2].objects);
}

TEST_P(GcView, ASinkMayThrow) {
  local<node> tree = build(self, 12);
  EXPECT_THROW(dump_graph(self, [](std::string_view) { throw std::runtime_error("full"); }),
               std::runtime_error);
  self.collect();  // the world goes on
  EXPECT_EQ(4096, tree->key);
}

TEST_P(GcView, OtherThreadsStandStill) {
  std::atomic<bool> done{false};
  std::thread other([&] {
    mutator own{memory};
    local<node> tree = build(own, 6);
    while (!done) tree = build(own, 6);
  });
  {
    blocking guard{self};  // the heap's own ways, for threads without a mutator
    for (int time = 0; time < 20; ++time) {
      std::vector<type_summary> rows = summarize(memory);
      EXPECT_LE(rows.size(), 1U);
      dump_graph(memory, [](std::string_view) {});
    }
  }
  done = true;
  other.join();
}

TEST_P(GcView, TheShortestWayFromARoot) {
  local<nodes> row = self.make<nodes>(std::size_t{20});
  global<node> kept{memory};
  {
    local<node> deep = self.make<node>(nullptr, nullptr, 3);
    local<node> middle = self.make<node>(nullptr, deep);
    (*row)[17] = self.make<node>(middle);
    kept = self.make<node>((*row)[17]);
    kept->left = self.make<node>(nullptr, (*row)[17]);  // one step longer
  }
  local<node> wanted{self, (*row)[17]->left->right};
  self.collect();
  retention found = why_alive(wanted);
  ASSERT_TRUE(found.is_alive());
  EXPECT_EQ(root_kind::local, found.from.kind);
  EXPECT_EQ(0U, found.from.slot);
  ASSERT_EQ(4U, found.path.size());
  EXPECT_EQ(detail::address_of(row.get()), found.path[0].address);
  EXPECT_EQ("", found.path[0].field);
  EXPECT_EQ("[17]", found.path[1].field);
  EXPECT_EQ(8U + 17 * 8, found.path[1].offset);
  EXPECT_EQ(0U, found.path[2].offset);
  EXPECT_EQ(8U, found.path[3].offset);
  EXPECT_EQ(detail::address_of(wanted.get()), found.path[3].address);
  EXPECT_EQ(node_bytes, found.path[3].bytes);
  EXPECT_NE(std::string::npos, found.text().find("  local 0 of mutator 0\n    -> gc::array<"));
  EXPECT_NE(std::string::npos, found.text().find("    [17] -> "));

  row = nullptr;
  found = why_alive(wanted);
  ASSERT_TRUE(found.is_alive());
  EXPECT_EQ(root_kind::global, found.from.kind);
  EXPECT_EQ(5U, found.path.size());
  kept = nullptr;
  found = why_alive(wanted);
  EXPECT_FALSE(found.is_alive());
  EXPECT_EQ("nothing keeps it alive\n", found.text());
  EXPECT_EQ(3, wanted->key);
}

TEST_P(GcView, WhatAWeakReferenceStillLeadsTo) {
  local<node> holder = self.make<node>();
  holder->right = self.make<node>(nullptr, nullptr, 5);
  local<weak<node>> to{self};
  {
    local<node> held{self, holder->right};
    to = self.make<weak<node>>(held);
  }
  self.collect();
  retention found = why_alive(to->get(self));
  ASSERT_EQ(2U, found.path.size());
  EXPECT_EQ(8U, found.path[1].offset);
}

TEST_P(GcView, AnEphemeronKeepsItsValueWithItsKey) {
  local<node> key = self.make<node>();
  local<node> value = self.make<node>();
  local<ephemeron<node, node>> pair = self.make<ephemeron<node, node>>(key, value);
  retention found = why_alive(value);
  ASSERT_EQ(2U, found.path.size());
  EXPECT_EQ("value", found.path[1].field);
  key = nullptr;
  EXPECT_FALSE(why_alive(value).is_alive());
}

TEST_P(GcView, AnObjectLeadsToItsTypesLoader) {
  const field fields[] = {{"size", 0, field_kind::plain}, {"next", 8, field_kind::reference}};
  local<loader> app = make_loader(self);
  const type& link = define_type(app, {.name = "link", .bytes = 16, .fields = fields});
  local<void*> last{self, static_cast<void**>(self.make_of(link, 0))};
  local<void*> first{self, static_cast<void**>(self.make_of(link, 0))};
  reinterpret_cast<ref<void*>*>(first.get())[1] = last;
  last = nullptr;
  app = nullptr;
  self.collect();
  retention found = why_alive(unrooted<loader>(loader_of(self, link)));
  ASSERT_EQ(2U, found.path.size());
  EXPECT_EQ("link", found.path[0].type);
  EXPECT_EQ("(loader)", found.path[1].field);
  EXPECT_NE(std::string::npos, found.text().find("    (loader) -> gc::loader\n"));
  found = why_alive(unrooted<void*>(self, reinterpret_cast<ref<void*>*>(first.get())[1].get()));
  ASSERT_EQ(2U, found.path.size());
  EXPECT_EQ("next", found.path[1].field);
  std::set<std::uint64_t> objects;
  std::uint64_t told = 0;
  for (const nlohmann::json& line : dumped()) {
    if (line.contains("object")) objects.insert(line["object"].get<std::uint64_t>());
    if (line.value("name", "") == "link") told = line["loader"].get<std::uint64_t>();
  }
  EXPECT_EQ(3U, objects.size());
  EXPECT_EQ(1U, objects.count(told));
}

TEST_P(GcView, FramesOfCompiledCodeAreRoots) {
  static const std::uint64_t bits[] = {0b101};
  static const strata_gc_frame_map map = {3, bits, "compiled"};
  struct {
    strata_gc_frame head;
    void* words[3];
  } frame = {{nullptr, &map}, {nullptr, reinterpret_cast<void*>(7), nullptr}};
  self.state().frames = &frame.head;
  frame.words[2] = local<node>(build(self, 5)).get();
  for (int time = 0; time < 3; ++time) self.collect();
  EXPECT_EQ(32, static_cast<node*>(frame.words[2])->key);
  EXPECT_EQ(reinterpret_cast<void*>(7), frame.words[1]);
  local<node> wanted{self, static_cast<node*>(frame.words[2])->left};
  retention found = why_alive(wanted);
  EXPECT_EQ(root_kind::frame, found.from.kind);
  EXPECT_EQ(2U, found.from.slot);
  EXPECT_EQ("compiled", found.from.name);
  EXPECT_NE(std::string::npos, found.text().find("frame 2 of mutator 0, compiled\n"));
  self.state().frames = nullptr;
  EXPECT_FALSE(why_alive(wanted).is_alive());
}

INSTANTIATE_TEST_SUITE_P(Plans, GcView, every_plan, name_of_plan);

}  // namespace
}  // namespace strata::gc
