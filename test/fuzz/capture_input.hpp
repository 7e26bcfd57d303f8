// What the fuzzer of recordings is given, and the file that it stands for.
//
//   input   | form | block | block | ...            form 0: | form | what stands behind the file's header |
//   block   | kind | length, the lower byte first | content |
//   form    | . | views: 2 bits | figure: 3 bits | form: 2 bits |
//
// form    0 as_it_is   lengths, sums and packing are what the input makes of them
//         1 whole      each block is packed and has its sum, as the recorder writes it
//         2 damaged    the same, and then a byte is changed or the file is cut: the last three bytes of the
//                      input tell the place, and by what it is changed; 0 cuts
// figure  what the reports are asked for
// views   which of them are made: 0 all, 1 to 3 a part, since to make all takes most of the time
//
// Blocks stand in the zstd stream as they are, in pieces that a window of 1 KiB has room for. So the fuzzer
// need not find out how zstd packs, an input costs no compression, and little memory is needed to unpack it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cli/model/capture/format.hpp"

namespace strata::fuzz {

enum class capture_form : std::uint8_t { as_it_is, whole, damaged };

struct capture_block {
  std::uint8_t kind = 0;
  std::string content;
};

struct capture_input {
  static constexpr std::size_t block_head_bytes = 3;
  static constexpr std::size_t damage_bytes = 3;
  static constexpr std::size_t most_content_bytes = 0xffff;

  std::uint8_t choices = 0;  // the first byte
  std::string plain;         // of form 0
  std::vector<capture_block> blocks;
  std::size_t damaged_at = 0;
  std::uint8_t damage = 0;

  [[nodiscard]] capture_form form() const {
    return static_cast<capture_form>(std::min(choices & 3U, 2U));
  }
  [[nodiscard]] unsigned figure() const { return choices >> 2U & 7U; }

  // Whether the reports of a part, from 1 on, are made.
  [[nodiscard]] bool wants(unsigned part) const {
    const unsigned views = choices >> 5U & 3U;
    return views == 0 || views == part;
  }

  static capture_input read(std::string_view from) {
    capture_input made;
    if (from.empty()) return made;
    made.choices = static_cast<std::uint8_t>(from[0]);
    from.remove_prefix(1);
    if (made.form() == capture_form::as_it_is) {
      made.plain = from;
      return made;
    }
    if (made.form() == capture_form::damaged && from.size() >= damage_bytes) {
      const std::string_view last = from.substr(from.size() - damage_bytes);
      made.damaged_at = two_bytes(last);
      made.damage = static_cast<std::uint8_t>(last[2]);
      from.remove_suffix(damage_bytes);
    }
    while (from.size() >= block_head_bytes) {
      const auto kind = static_cast<std::uint8_t>(from[0]);
      const std::size_t length = two_bytes(from.substr(1));
      from.remove_prefix(block_head_bytes);
      made.blocks.push_back({kind, std::string(from.substr(0, length))});
      from.remove_prefix(std::min(length, from.size()));
    }
    return made;
  }

  // The input that is read as this one.
  [[nodiscard]] std::string written() const {
    std::string made(1, static_cast<char>(choices));
    if (form() == capture_form::as_it_is) return made + plain;
    for (const capture_block& one : blocks) {
      made.push_back(static_cast<char>(one.kind));
      put_two_bytes(made, one.content.size());
      made += one.content;
    }
    if (form() == capture_form::damaged) {
      put_two_bytes(made, damaged_at);
      made.push_back(static_cast<char>(damage));
    }
    return made;
  }

  // The file that it stands for.
  [[nodiscard]] std::string file() const {
    std::string made(cli::capture::file_magic);
    put_fixed(made, cli::capture::file_version, 4);
    if (form() == capture_form::as_it_is) return made + plain;
    for (std::size_t i = 0; i < blocks.size(); ++i) put_block(made, blocks[i], i == 0);
    if (form() == capture_form::damaged) {
      const std::size_t place = damaged_at % made.size();
      if (damage == 0) {
        made.resize(place);
      } else {
        made[place] = static_cast<char>(static_cast<std::uint8_t>(made[place]) ^ damage);
      }
    }
    return made;
  }

 private:
  static std::size_t two_bytes(std::string_view from) {
    return static_cast<std::uint8_t>(from[0]) | std::size_t{static_cast<std::uint8_t>(from[1])}
                                                    << 8U;
  }
  static void put_fixed(std::string& to, std::size_t value, unsigned bytes) {
    for (; bytes > 0; --bytes, value >>= 8U) to.push_back(static_cast<char>(value & 0xffU));
  }
  static void put_two_bytes(std::string& to, std::size_t value) { put_fixed(to, value, 2); }

  // The first block begins the stream. (RFC 8878: 3.1.1 frames, 3.1.1.2 blocks)
  static void put_block(std::string& to, const capture_block& one, bool is_first) {
    constexpr std::string_view frame_head{"\x28\xb5\x2f\xfd\0\0", 6};  // magic, no sizes, 1 KiB
    constexpr std::size_t piece_bytes = 1024;
    const std::string content = static_cast<char>(one.kind) + one.content;
    std::string packed(is_first ? frame_head : "");
    for (std::size_t at = 0; at < content.size(); at += piece_bytes) {
      const std::string piece = content.substr(at, piece_bytes);
      put_fixed(packed, piece.size() << 3U, 3);  // not the last, stored as it is
      packed += piece;
    }
    put_fixed(to, packed.size(), 4);
    put_fixed(to, cli::capture::checksum(content), 4);
    to += packed;
  }
};

}  // namespace strata::fuzz
