// Lua over each resource: its parser, its tables and strings, its collector. lua_Alloc tells the old
// size with each call, so blocks need no head.
#include <lua.hpp>

#include <string>

#include "subjects.hpp"

namespace strata {
namespace {

// As lua_Alloc wants it; user is the resource. Without an old block, old_bytes is a kind of object.
template <resource Resource>
void* lua_allocate(void* user, void* block, std::size_t old_bytes, std::size_t new_bytes) {
  auto& from = *static_cast<Resource*>(user);
  void* made = nullptr;
  if (new_bytes != 0) {
    made = from.try_allocate(new_bytes, alignof(std::max_align_t));
    if (made == nullptr) return nullptr;
    if (block != nullptr) std::memcpy(made, block, std::min(old_bytes, new_bytes));
  }
  if (block != nullptr) from.deallocate(block, old_bytes, alignof(std::max_align_t));
  return made;
}

// Functions, closures, strings, tables, coroutines, patterns; and texts that it parses itself.
constexpr const char* program = R"lua(
  local out = {}
  local function add(...) out[#out + 1] = table.concat({...}, ",") end
  local tree
  function tree(depth) return depth == 0 and {} or {tree(depth - 1), tree(depth - 1)} end
  local function count(node)
    local sum = 1
    for _, each in ipairs(node) do sum = sum + count(each) end
    return sum
  end
  add("tree", count(tree(9)))
  local words = {}
  for i = 1, 300 do words[i] = string.rep(string.char(97 + i * 7 % 26), i % 60) .. i end
  table.sort(words)
  add(table.unpack(words, 1, 40))
  local makers = {}
  for i = 1, 200 do
    makers[i] = assert(load("local a, b = ... ; local t = {a, b, x = " .. i ..
                            "} ; return function() return #t + t.x * a end"))(i, "text")
  end
  local sum = 0
  for i = 1, 200 do sum = sum + makers[i]() end
  add("closures", sum)
  local walk = coroutine.wrap(function() for i = 1, 50 do coroutine.yield(i * i) end end)
  for _ = 1, 50 do add(walk()) end
  add((string.gsub(string.rep("hello world ", 100), "(%w+) (%w+)", "%2 %1")))
  add(select(2, pcall(error, {code = 7})).code)
  collectgarbage()
  return table.concat(out, "\n")
)lua";

struct outcome {
  int status = LUA_ERRMEM;
  std::string text;
};

// Runs protected: what fails with LUA_ERRMEM leaves a state that can be closed.
int run_protected(lua_State* lua) {
  luaL_openlibs(lua);
  if (luaL_loadstring(lua, static_cast<const char*>(lua_touserdata(lua, 1))) != LUA_OK) {
    return lua_error(lua);
  }
  lua_call(lua, 0, 1);
  return 1;
}

outcome run(lua_State* lua, const char* source) {
  if (lua == nullptr) return {};
  outcome made;
  lua_pushcfunction(lua, run_protected);
  lua_pushlightuserdata(lua, const_cast<char*>(source));
  made.status = lua_pcall(lua, 1, 1, 0);
  if (const char* text = lua_tostring(lua, -1)) made.text = text;
  lua_close(lua);
  return made;
}

template <class Subject>
class Lua : public WithSubject<Subject> {};
TYPED_TEST_SUITE(Lua, all_subjects, subject_names);

TYPED_TEST(Lua, AProgramAgreesWithTheHeap) {
  using memory_type = typename TestFixture::resource_type;
  outcome here = run(lua_newstate(lua_allocate<memory_type>, &this->memory()), program);
  outcome there = run(luaL_newstate(), program);
  ASSERT_EQ(there.status, LUA_OK) << there.text;
  EXPECT_EQ(here.status, LUA_OK) << here.text;
  EXPECT_EQ(here.text, there.text);
  EXPECT_GT(this->memory().statistics().peak_used_bytes, 50'000u);
}

TYPED_TEST(Lua, AnErrorOfItsParserIsTheSame) {
  using memory_type = typename TestFixture::resource_type;
  const char* wrong = "local t = {1, 2, [\"three\"] = function( return 4 end}";
  outcome here = run(lua_newstate(lua_allocate<memory_type>, &this->memory()), wrong);
  outcome there = run(luaL_newstate(), wrong);
  EXPECT_EQ(here.status, LUA_ERRRUN);
  EXPECT_EQ(here.text, there.text);
  EXPECT_NE(here.text.find("expected near 'return'"), std::string::npos);
}

// Each of its allocations fails once: an error, and nothing is left behind.
TEST(LuaOutOfMemory, EveryAllocationMayFail) {
  test_resource memory;
  std::uint64_t failures = 0;
  exception_loop_result result = exception_loop(memory, [&] {
    outcome made = run(lua_newstate(lua_allocate<test_resource>, &memory),
                       "local t = {} for i = 1, 20 do t[i] = 'x' .. i end return table.concat(t)");
    EXPECT_TRUE(made.status == LUA_OK || made.status == LUA_ERRMEM) << made.text;
    failures += made.status == LUA_ERRMEM ? 1 : 0;
  });
  EXPECT_TRUE(result.passed());
  EXPECT_GT(failures, 100u);
  EXPECT_EQ(memory.live_blocks(), 0u);
}

}  // namespace
}  // namespace strata
