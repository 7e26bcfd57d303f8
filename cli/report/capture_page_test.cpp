#include <gtest/gtest.h>
#include <zlib.h>

#include "cli/report/capture_report.hpp"

namespace strata::cli {
namespace {

constexpr std::string_view empty_page =
    "<p>before</p><script type=\"application/json\" id=\"report\"></script><p>behind</p>";

// A recording in which so many stacks allocated.
capture::capture recording_of(std::uint32_t stacks, const std::string& command) {
  capture::capture made;
  made.facts.command = {command};
  made.nodes.resize(stacks + 1);
  capture::recorded_process& one = made.processes.emplace_back();
  one.facts.number = 1;
  for (std::uint32_t i = 1; i <= stacks; ++i) {
    made.nodes[i].address = 0x1000 + i;
    one.memory.add({wire::entry_kind::allocate, 1, i, i, 100, i});
  }
  one.memory.settle();
  return made;
}

capture_result result_of(const capture::capture& all) {
  return {.file = "file", .recording = all, .process = all.processes[0]};
}

std::string page_of(const capture::capture& all) {
  return capture_page(result_of(all), empty_page).value();
}

std::string between(const std::string& text, const std::string& from, const std::string& to) {
  const std::size_t start = text.find(from) + from.size();
  return text.substr(start, text.find(to, start) - start);
}

std::string unpacked(const std::string& base64) {
  const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  std::uint32_t group = 0;
  int bits = 0;
  for (char one : base64) {
    if (one == '=') break;
    group = group << 6 | static_cast<std::uint32_t>(digits.find(one));
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes += static_cast<char>(group >> bits & 255);
    }
  }
  std::string made(std::size_t{64} << 20, '\0');
  z_stream stream{};
  inflateInit2(&stream, 15 + 16);
  stream.next_in = reinterpret_cast<Bytef*>(bytes.data());
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(made.data());
  stream.avail_out = static_cast<uInt>(made.size());
  EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
  made.resize(stream.total_out);
  inflateEnd(&stream);
  return made;
}

TEST(CapturePage, HasTheRecordingWhereThePageWantsIt) {
  const std::string page = page_of(recording_of(3, "program"));
  EXPECT_TRUE(page.starts_with("<p>before</p><script "));
  EXPECT_TRUE(page.ends_with("</script><p>behind</p>"));
  const json_value document = json_value::parse(between(page, "id=\"report\">", "</script>"));
  EXPECT_EQ(document["stacks"].size(), 3u);
  EXPECT_EQ(document["stacks"][0]["steps"], json_value::parse("[[1, 1, 100, 0, 0, 0]]"));
  const std::size_t frame = document["stacks"][2]["calls"][0];
  EXPECT_EQ(document["frames"][frame]["function"], "0x1003");
}

TEST(CapturePage, NoTextEndsTheScript) {
  const std::string page = page_of(recording_of(1, "</script><!--<script>"));
  EXPECT_EQ(between(page, "id=\"report\">", "<p>behind").find("</script>"),
            between(page, "id=\"report\">", "<p>behind").size() - std::string("</script>").size());
  const json_value document = json_value::parse(between(page, "id=\"report\">", "</script>"));
  EXPECT_EQ(document["command"][0], "</script><!--<script>");
}

TEST(CapturePage, LargeRecordingsArePacked) {
  for (std::uint32_t stacks : {5000U, 5001U, 5002U}) {  // each way that base64 can end
    const std::string page = page_of(recording_of(stacks, "program"));
    const std::string text = between(page, "data-encoding=\"gzip-base64\">", "</script>");
    EXPECT_EQ(text.size() % 4, 0u);
    EXPECT_EQ(json_value::parse(unpacked(text))["stacks"].size(), stacks);
  }
}

TEST(CapturePage, AnotherFileIsNoPage) {
  const capture::capture all = recording_of(1, "program");
  EXPECT_FALSE(capture_page(result_of(all), "<html></html>"));
}

}  // namespace
}  // namespace strata::cli
