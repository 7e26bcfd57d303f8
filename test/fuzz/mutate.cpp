// How libFuzzer changes inputs that are rows of records: it leaves out, doubles, moves and inserts
// whole records, or changes bytes within some by its own means. So what follows a change keeps its
// meaning.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <random>

#include "fuzz.hpp"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

namespace {

using strata::fuzz::record_bytes;

class mutation {
 public:
  mutation(std::uint8_t* data, std::size_t records, std::size_t most, unsigned seed)
      : data_(data), records_(records), most_(most), random_(seed) {}

  std::size_t apply() {
    switch (random_() % 6) {
      case 0:
        leave_out();
        break;
      case 1:
        insert(false);
        break;
      case 2:
        insert(true);
        break;
      case 3:
        move();
        break;
      default:
        change();
    }
    return records_ * record_bytes;
  }

 private:
  std::size_t below(std::size_t bound) { return random_() % bound; }
  std::uint8_t* at(std::size_t index) { return data_ + index * record_bytes; }
  // Record 0 keeps its place.
  std::size_t any() { return records_ < 2 ? 0 : 1 + below(records_ - 1); }
  std::size_t short_row(std::size_t most) { return 1 + below(std::min<std::size_t>(most, 8)); }

  void leave_out() {
    if (records_ < 2) return change();
    std::size_t from = any();
    std::size_t gone = short_row(records_ - from);
    std::memmove(at(from), at(from + gone), (records_ - from - gone) * record_bytes);
    records_ -= gone;
  }
  // A row of new records, or of copies of those that stand elsewhere.
  void insert(bool copies) {
    if (records_ == 0 || records_ >= most_) return change();
    std::size_t count = short_row(most_ - records_);
    std::size_t from = any();
    count = copies ? std::min(count, records_ - from) : 1;
    std::uint8_t row[8 * record_bytes];
    for (std::uint8_t& each : row) each = static_cast<std::uint8_t>(random_());
    if (copies) std::memcpy(row, at(from), count * record_bytes);
    std::size_t to = 1 + below(records_);
    std::memmove(at(to + count), at(to), (records_ - to) * record_bytes);
    std::memcpy(at(to), row, count * record_bytes);
    records_ += count;
  }
  void move() {
    if (records_ < 3) return change();
    std::size_t one = any();
    std::size_t other = any();
    if (one != other) std::swap_ranges(at(one), at(one + 1), at(other));
  }
  // As many bytes as there were.
  void change() {
    if (records_ == 0) {
      std::memset(data_, 0, record_bytes);
      records_ = 1;
    }
    std::size_t index = below(records_);
    std::uint8_t bytes[record_bytes] = {};
    std::memcpy(bytes, at(index), record_bytes);
    if (random_() % 2 == 0) {
      bytes[random_() % record_bytes] = static_cast<std::uint8_t>(random_());
    } else {
      LLVMFuzzerMutate(bytes, record_bytes, record_bytes);
    }
    std::memcpy(at(index), bytes, record_bytes);
  }

  std::uint8_t* data_;
  std::size_t records_;
  std::size_t most_;
  std::mt19937 random_;
};

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t most, unsigned seed) {
  if (most < record_bytes) return LLVMFuzzerMutate(data, size, most);
  return mutation(data, size / record_bytes, most / record_bytes, seed).apply();
}
