// The reader of recordings, on blocks whose content is anything: figures or an error, never a crash. And
// what replays have of them: operations that a heap can follow, whatever the events.
//
// The input is a row of blocks: a byte for the kind, two for the length (the lower first), the content. So the
// fuzzer need not find out how zstd packs, nor how it sums; file_reader's own part of that is fed with the
// input as it is when its first byte is 0.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "cli/model/capture/capture.hpp"
#include "cli/model/capture/file_writer.hpp"
#include "cli/model/replay/translator.hpp"
#include "cli/report/diff_report.hpp"
#include "cli/report/exports/exports.hpp"
#include "test/fuzz/fuzz.hpp"

namespace {

using namespace strata;

// Where a recording is put for the reader.
const std::string& place() {
  static const cli::temporary_directory folder;
  static const std::string path = folder.path() + "/recording";
  return path;
}

void put_plain(const std::uint8_t* data, std::size_t size) {
  std::FILE* to = std::fopen(place().c_str(), "wb");
  const std::string start = std::string(cli::capture::file_magic) +
                            static_cast<char>(cli::capture::file_version) + std::string(3, '\0');
  std::fwrite(start.data(), 1, start.size(), to);
  std::fwrite(data, 1, size, to);
  std::fclose(to);
}

void put_blocks(const std::uint8_t* data, std::size_t size) {
  cli::capture::file_writer to(place());
  while (size >= 3) {
    const std::uint8_t kind = data[0];
    std::size_t length = data[1] | std::size_t{data[2]} << 8;
    data += 3;
    size -= 3;
    if (length > size) length = size;
    cli::capture::byte_writer content;
    for (std::size_t i = 0; i < length; ++i) content.byte(data[i]);
    to.write(static_cast<cli::capture::block_kind>(kind), content);
    data += length;
    size -= length;
  }
}

void expect_to_be_followed(std::uint32_t process) {
  cli::replay::translator made;
  std::vector<cli::replay::operation> some;
  std::vector<bool> live;
  cli::capture::read_events(place(), process, [&](const cli::capture::event& one) {
    some.clear();
    made.add(one, some);
    for (const cli::replay::operation& each : some) {
      fuzz::expect(each.slot <= live.size(), "a slot too far");
      if (each.slot == live.size()) live.push_back(false);
      const bool makes = each.what == cli::replay::action::allocate;
      fuzz::expect(live[each.slot] != makes, "a slot that is taken twice, or freed twice");
      live[each.slot] = each.what != cli::replay::action::free;
    }
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 0 && data[0] == 0)
    put_plain(data + 1, size - 1);
  else
    put_blocks(data, size);
  cli::capture::capture recording;
  const std::uint64_t moment_ms = size;
  const std::string error = cli::capture::read_capture(place(), recording, moment_ms);
  if (!error.empty()) {
    fuzz::expect(error.starts_with(place()) && error.find('\n') == std::string::npos,
                 "no clear error");
    return 0;
  }
  cli::capture::address_maps addresses;
  fuzz::expect(
      cli::capture::read_addresses(place(), recording, *recording.largest(), moment_ms, addresses)
          .empty(),
      "events without addresses");
  const cli::capture_result result{
      place(), recording, *recording.largest(), cli::capture_figure::moment, moment_ms,
      20,      &addresses};
  const cli::style look;
  fuzz::expect(!cli::capture_text(result, look).empty(), "no report");
  fuzz::expect(!cli::capture_tree_text(result, look).empty(), "no tree");
  fuzz::expect(cli::capture_json(result).ends_with("}\n"), "no JSON");
  cli::capture_folded(result);
  expect_to_be_followed(result.process.facts.number);
  for (const cli::export_form& form : cli::export_forms) {
    const cli::exported made = form.make(result);
    fuzz::expect(made.content.empty() != made.error.empty(), "neither a file nor an error");
  }
  const cli::diff_result same{result, result};
  fuzz::expect(cli::diff_json(same).ends_with("}\n"), "no JSON of a difference");
  cli::diff_folded(same);
  return 0;
}
