// How libFuzzer changes recordings: whole blocks are left out, doubled, moved and renamed; the content of one
// is changed by libFuzzer's own means, and its length is right again afterwards; so is that of a column, in a
// block of events. So nearly every input is read to its end. Now and then the file is damaged, or the input
// is changed with no regard to what it means.
#include <cstring>
#include <random>

#include "capture_input.hpp"
#include "cli/model/capture/bytes.hpp"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

namespace {

using strata::cli::capture::block_kind;
using strata::cli::capture::byte_reader;
using strata::cli::capture::byte_writer;
using strata::fuzz::capture_block;
using strata::fuzz::capture_form;
using strata::fuzz::capture_input;

std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// The text is never longer than what has room.
std::size_t put(const std::string& text, std::uint8_t* to) {
  std::memcpy(to, text.data(), text.size());
  return text.size();
}

class mutation {
 public:
  mutation(capture_input of, std::size_t room, unsigned seed)
      : of_(std::move(of)), room_(room), random_(seed) {}

  capture_input apply() {
    if (of_.form() == capture_form::as_it_is || of_.blocks.empty()) {
      change(of_.plain);
      return of_;
    }
    capture_block& one = any();
    switch (random_() % 16) {
      case 0:
        of_.blocks.erase(of_.blocks.begin() + (&one - of_.blocks.data()));
        break;
      case 1:
        double_one(one);
        break;
      case 2:
        std::swap(one, any());
        break;
      case 3:
        one.kind = static_cast<std::uint8_t>(random_() % 20);
        break;
      case 4:
        of_.choices = static_cast<std::uint8_t>(random_());
        of_.damaged_at = random_() & 0xffffU;
        of_.damage = random_() % 2 == 0 ? 0 : static_cast<std::uint8_t>(random_());
        break;
      case 5:
      case 6:
      case 7:
        change_events();
        break;
      default:
        change(one.content);
    }
    return of_;
  }

 private:
  capture_block& any() { return of_.blocks[random_() % of_.blocks.size()]; }

  void double_one(const capture_block& one) {
    if (one.content.size() + capture_input::block_head_bytes > room_) return;
    const capture_block copy = one;
    const auto to = static_cast<std::ptrdiff_t>(random_() % (of_.blocks.size() + 1));
    of_.blocks.insert(of_.blocks.begin() + to, copy);
  }

  void change(std::string& text) {
    const std::size_t most = std::min(text.size() + room_, capture_input::most_content_bytes);
    const std::size_t size = text.size();
    text.resize(std::max<std::size_t>(most, 1));
    text.resize(LLVMFuzzerMutate(reinterpret_cast<std::uint8_t*>(text.data()), size, text.size()));
  }

  // One of the columns of a block of events, or how many there are said to be.
  void change_events() {
    capture_block& one = any();
    if (one.kind != static_cast<std::uint8_t>(block_kind::events)) return change(one.content);
    byte_reader from(one.content);
    std::uint64_t count = from.number();
    std::string columns[4];
    for (std::string& column : columns) column = from.text();
    if (random_() % 4 == 0) {
      count = random_() % 64;
    } else {
      change(columns[random_() % 4]);
    }
    byte_writer to;
    to.number(count);
    for (const std::string& column : columns) to.text(column);
    if (to.size() <= capture_input::most_content_bytes) one.content = to.bytes();
  }

  capture_input of_;
  std::size_t room_;
  std::mt19937 random_;
};

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t most, unsigned seed) {
  if (seed % 64 == 0) return LLVMFuzzerMutate(data, size, most);
  const capture_input before = capture_input::read(text_of(data, size));
  const std::size_t room = most > size ? most - size : 0;
  const std::string after = mutation(before, room, seed).apply().written();
  return after.size() > most ? LLVMFuzzerMutate(data, size, most) : put(after, data);
}

// The first blocks of one, the last of the other.
extern "C" std::size_t LLVMFuzzerCustomCrossOver(const std::uint8_t* data, std::size_t size,
                                                 const std::uint8_t* other_data,
                                                 std::size_t other_size, std::uint8_t* to,
                                                 std::size_t most, unsigned seed) {
  capture_input made = capture_input::read(text_of(data, size));
  const capture_input other = capture_input::read(text_of(other_data, other_size));
  std::mt19937 random(seed);
  const std::size_t kept = random() % (made.blocks.size() + 1);
  const std::size_t from = random() % (other.blocks.size() + 1);
  made.blocks.resize(kept);
  made.blocks.insert(made.blocks.end(), other.blocks.begin() + static_cast<std::ptrdiff_t>(from),
                     other.blocks.end());
  const std::string after = made.written();
  return after.size() > most ? 0 : put(after, to);
}
