#include "cli/model/replay/trace.hpp"

#include <gtest/gtest.h>

#include "cli/model/capture/capture.hpp"
#include "cli/model/capture/recording_test.hpp"

namespace strata::cli::replay {
namespace {

using capture::gone;
using capture::made;
using capture::resize_in;
using capture::resize_out;

class Traces : public testing::Test {
 protected:
  std::string path() const { return folder_.path() + "/recording"; }

  temporary_directory folder_;
};

std::size_t count(const trace& of) {
  std::size_t all = 0;
  of.each_batch([&](std::span<const operation> batch) {
    all += batch.size();
    return true;
  });
  return all;
}

TEST_F(Traces, HaveOneProcess) {
  capture::write_recording(path(), {made(16, 100), made(17, 7000, 1, 3), made(32, 50, 1, 2),
                                    resize_out(16), resize_in(48, 300), gone(32, 2), gone(64)});
  const trace first(path(), 1);
  EXPECT_EQ(first.facts().operations, 4u);
  EXPECT_EQ(first.facts().allocations, 2u);
  EXPECT_EQ(first.facts().resizes, 1u);
  EXPECT_EQ(first.facts().frees, 1u);
  EXPECT_EQ(first.facts().unknown_frees, 1u);
  EXPECT_EQ(first.facts().peak_bytes, 350u);
  EXPECT_EQ(first.facts().end_bytes, 300u);
  EXPECT_EQ(first.facts().most_blocks, 2u);
  EXPECT_EQ(first.facts().longest_bytes, 300u);
  EXPECT_EQ(count(first), 4u);
  EXPECT_EQ(trace(path(), 2).facts().peak_bytes, 7000u);
}

TEST_F(Traces, StopWhenAsked) {
  const trace all(std::vector<operation>(trace::batch_operations * 2 + 1));
  int batches = 0;
  all.each_batch([&](std::span<const operation>) { return ++batches < 2; });
  EXPECT_EQ(batches, 2);
  EXPECT_EQ(count(all), trace::batch_operations * 2 + 1);
}

TEST_F(Traces, AreOfEveryBlockOnly) {
  capture::write_recording(path(), {made(16, 100)}, 1 << 16);
  capture::capture recording;
  const capture::recorded_process* process = nullptr;
  EXPECT_NE(capture::read_every_event(path(), 0, recording, process).find("is a sample"),
            std::string::npos);
  capture::write_recording(path(), {made(16, 100), made(32, 200, 1, 3)});
  capture::capture whole;
  EXPECT_EQ(capture::read_every_event(path(), 0, whole, process), "");
  EXPECT_EQ(process->facts.number, 2u);
  capture::capture again;
  EXPECT_EQ(capture::read_every_event(path(), 9, again, process),
            "--process: the recording has no process 9");
}

}  // namespace
}  // namespace strata::cli::replay
