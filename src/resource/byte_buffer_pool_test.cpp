#include <strata/byte_buffer_pool.hpp>

#include <thread>

#include "resource/resource_test.hpp"

namespace strata {
namespace {

TEST(ByteBuffer, GrowsBySteps) {
  test_upstream upstream;
  byte_buffer one(0, &upstream);
  EXPECT_EQ(one.capacity(), 0u);
  std::string expected;
  for (int i = 0; i < 500; ++i) {
    one.append("some text ");
    expected += "some text ";
  }
  EXPECT_EQ(one.text(), expected);
  EXPECT_EQ(one.capacity(), 8192u);
  one.append(one.text());
  one.append(one.bytes().data(), one.size());
  EXPECT_EQ(one.text(), expected + expected + expected + expected);
  one.clear();
  EXPECT_EQ(one.size(), 0u);
  EXPECT_GE(one.capacity(), 20'000u);
  one.append(nullptr, 0);
  one.resize(100);
  EXPECT_EQ(one.bytes().size(), 100u);
}

TEST(ByteBuffer, ExhaustionLeavesItAsItWas) {
  test_upstream upstream;
  byte_buffer one(100, &upstream);
  one.append("text");
  upstream.left = 0;
  EXPECT_THROW(one.reserve(1000), std::bad_alloc);
  volatile std::size_t too_long = SIZE_MAX - 2;  // the compiler would warn of what is to be refused
  EXPECT_THROW(one.append(one.data(), too_long), std::bad_alloc);
  EXPECT_THROW(one.resize(SIZE_MAX), std::bad_alloc);
  EXPECT_EQ(one.text(), "text");
}

TEST(ByteBufferPool, StepsAreTwentyDoublingsFrom64) {
  EXPECT_EQ(byte_buffer_hooks::step_of(0), 0u);
  EXPECT_EQ(byte_buffer_hooks::step_of(64), 0u);
  EXPECT_EQ(byte_buffer_hooks::step_of(65), 1u);
  EXPECT_EQ(byte_buffer_hooks::step_of(128), 1u);
  EXPECT_EQ(byte_buffer_hooks::step_of(std::size_t{32} << 20), 19u);
  EXPECT_EQ(byte_buffer_hooks::step_of(SIZE_MAX), 19u);
}

void use(byte_buffer_pool& pool, std::size_t bytes, std::size_t times) {
  for (; times > 0; --times) pool.get()->resize(bytes);
}

TEST(ByteBufferPool, FindsTheSizeThatIsUsed) {
  test_upstream upstream;
  byte_buffer_pool pool({.period_ms = 0}, &upstream);
  use(pool, 1000, byte_buffer_hooks::puts_until_calibration - 16);
  EXPECT_EQ(pool.default_bytes(), 0u);
  EXPECT_EQ(pool.most_bytes(), SIZE_MAX);
  use(pool, 1000, 16);
  EXPECT_EQ(pool.default_bytes(), 1024u);
  EXPECT_EQ(pool.most_bytes(), 1024u);
  pool.cycle();
  pool.cycle();
  EXPECT_EQ(pool.get()->capacity(), 1024u) << "new ones have it from the start";
  use(pool, 100, byte_buffer_hooks::puts_until_calibration);
  EXPECT_EQ(pool.default_bytes(), 128u) << "and it follows use";
}

TEST(ByteBufferPool, DropsBuffersAboveThe95thPercentile) {
  test_upstream upstream;
  byte_buffer_pool pool({.period_ms = 0}, &upstream);
  // 90 % of up to 256 bytes, 8 % of up to 4096, 2 % of up to 1 MiB.
  for (int i = 0; pool.default_bytes() == 0; ++i) {
    std::size_t now = static_cast<std::size_t>(i % 50);
    use(pool, now < 45 ? 200 : now < 49 ? 4000 : 1'000'000, 16);
  }
  EXPECT_EQ(pool.default_bytes(), 256u);
  EXPECT_EQ(pool.most_bytes(), 4096u);
  std::size_t destroyed = pool.statistics().destroyed;
  use(pool, 100'000, 1);
  EXPECT_EQ(pool.statistics().destroyed, destroyed + 1);
  use(pool, 4000, 1);
  EXPECT_EQ(pool.statistics().destroyed, destroyed + 1);
}

TEST(ByteBufferPool, ThreadsShareIt) {
  byte_buffer_pool pool({.period_ms = 5});
  std::vector<std::thread> all;
  for (std::size_t which = 0; which < 4; ++which) {
    all.emplace_back([&, which] {
      for (std::size_t i = 0; i < 15'000; ++i) {
        pooled_byte_buffer one = pool.get();
        EXPECT_EQ(one->size(), 0u);
        one->append("text");
        one->resize(100 + which);
      }
    });
  }
  for (std::thread& each : all) each.join();
  EXPECT_EQ(pool.default_bytes(), 128u);
  EXPECT_EQ(pool.statistics().in_use(), 0u);
  pool.verify();
}

}  // namespace
}  // namespace strata
