// Events of which a file has few: rows, one after the other, each written by what it differs from the one before. Form
// says what a row is:
//
//   Form::row                                       what is in it
//   Form::put(byte_writer&, one, before)            writes a row
//   Form::get(byte_reader&, last)                   reads one: last is the one before, and becomes this
#pragma once

#include "cli/model/capture/bytes.hpp"

namespace strata::cli::capture {

template <typename Form>
class event_rows {
 public:
  void add(const typename Form::row& one) {
    Form::put(rows_, one, last_);
    last_ = one;
  }
  bool empty() const { return rows_.size() == 0; }
  std::size_t size() const { return rows_.size(); }
  // Writes them, and begins anew.
  void put(byte_writer& to) {
    to.append(rows_);
    rows_.clear();
    last_ = {};
  }

 private:
  byte_writer rows_;
  typename Form::row last_;
};

template <typename Form>
class event_row_reader {
 public:
  explicit event_row_reader(byte_reader& from) : from_(from) {}
  // The next; false at the end, or where something is wrong: from.good() tells.
  bool next(typename Form::row& into) {
    if (from_.done()) return false;
    Form::get(from_, last_);
    into = last_;
    return from_.good();
  }

 private:
  byte_reader& from_;
  typename Form::row last_;
};

}  // namespace strata::cli::capture
