#include "cli/model/capture/format.hpp"

#include <bit>
#include <tuple>
#include <type_traits>

namespace strata::cli::capture {
namespace {

constexpr std::uint8_t thread_changes = 8;
constexpr std::uint8_t time_changes = 16;
constexpr int alignment_bits = 3;

// The members of each record, in the order in which the file has them.
template <typename Record>
constexpr auto members = nullptr;  // nothing that std::apply takes: a record needs a list
template <>
constexpr auto members<session> = std::tuple(&session::sample_bytes, &session::started_unix_s,
                                             &session::command);
template <>
constexpr auto members<process> = std::tuple(&process::number, &process::pid, &process::parent,
                                             &process::time_ms, &process::executable,
                                             &process::command);
template <>
constexpr auto members<mapping> = std::tuple(&mapping::process, &mapping::start, &mapping::bytes,
                                             &mapping::offset, &mapping::path, &mapping::build_id);
template <>
constexpr auto members<thread> = std::tuple(&thread::number, &thread::process, &thread::id);
template <>
constexpr auto members<resident> = std::tuple(&resident::process, &resident::time_ms,
                                              &resident::bytes);
template <>
constexpr auto members<ended> = std::tuple(&ended::process, &ended::time_ms, &ended::has_status,
                                           &ended::wait_status);
template <>
constexpr auto members<losses> = std::tuple(&losses::time_ms, &losses::stacks, &losses::threads,
                                            &losses::samples, &losses::events);

template <typename Number>
requires std::is_integral_v<Number>
void put_member(byte_writer& to, Number value) { to.number(value); }
void put_member(byte_writer& to, const std::string& value) { to.text(value); }
void put_member(byte_writer& to, const std::vector<std::string>& list) {
  to.number(list.size());
  for (const std::string& one : list) to.text(one);
}

template <typename Number>
requires std::is_integral_v<Number>
void get_member(byte_reader& from, Number& into) { into = static_cast<Number>(from.number()); }
void get_member(byte_reader& from, std::string& into) { into = from.text(); }
void get_member(byte_reader& from, std::vector<std::string>& into) {
  for (std::uint64_t left = from.number(); left > 0 && from.good(); --left) {
    into.emplace_back(from.text());
  }
}

}  // namespace

template <typename Record>
void put(byte_writer& to, const Record& one) {
  std::apply([&](auto... member) { (put_member(to, one.*member), ...); }, members<Record>);
}

template <typename Record>
Record get(byte_reader& from) {
  Record made;
  std::apply([&](auto... member) { (get_member(from, made.*member), ...); }, members<Record>);
  return made;
}

template void put(byte_writer&, const session&);
template void put(byte_writer&, const process&);
template void put(byte_writer&, const mapping&);
template void put(byte_writer&, const thread&);
template void put(byte_writer&, const resident&);
template void put(byte_writer&, const ended&);
template void put(byte_writer&, const losses&);
template session get(byte_reader&);
template process get(byte_reader&);
template mapping get(byte_reader&);
template thread get(byte_reader&);
template resident get(byte_reader&);
template ended get(byte_reader&);
template losses get(byte_reader&);

void event_columns::add(const event& one) {
  auto what = static_cast<std::uint8_t>(one.kind);
  if (one.thread != last_.thread) what |= thread_changes;
  if (one.time_ms != last_.time_ms) what |= time_changes;
  what_.byte(what);
  if (one.thread != last_.thread) what_.number(one.thread);
  if (one.time_ms != last_.time_ms) what_.number(one.time_ms - last_.time_ms);
  const std::uint64_t address = std::rotr(one.address, alignment_bits);
  addresses_.difference(static_cast<std::int64_t>(address - last_.address));
  if (one.makes()) {
    sizes_.number(one.size);
    nodes_.number(one.node);
  }
  last_ = one;
  last_.address = address;
  ++count_;
}

void event_columns::put(byte_writer& to) {
  to.number(count_);
  for (byte_writer* column : {&what_, &addresses_, &sizes_, &nodes_}) {
    to.text(column->bytes());
    column->clear();
  }
  count_ = 0;
  last_ = {};
}

event_reader::event_reader(byte_reader& from) : left_(from.number()) {
  for (byte_reader* column : {&what_, &addresses_, &sizes_, &nodes_}) {
    *column = byte_reader(from.text());
  }
  good_ = from.good();
}

bool event_reader::good() const {
  return good_ && what_.good() && addresses_.good() && sizes_.good() && nodes_.good();
}

bool event_reader::next(event& into) {
  if (left_ == 0 || !good()) return false;
  --left_;
  const std::uint8_t what = what_.byte();
  const std::uint8_t kind = what & 7;
  if (kind >= wire::entry_kinds || what > (thread_changes | time_changes | 7)) good_ = false;
  last_.kind = static_cast<wire::entry_kind>(kind);
  if ((what & thread_changes) != 0) last_.thread = static_cast<std::uint32_t>(what_.number());
  if ((what & time_changes) != 0) last_.time_ms += what_.number();
  last_.address += static_cast<std::uint64_t>(addresses_.difference());
  last_.size = last_.makes() ? sizes_.number() : 0;
  last_.node = last_.makes() ? static_cast<std::uint32_t>(nodes_.number()) : 0;
  into = last_;
  into.address = std::rotl(last_.address, alignment_bits);
  return good();
}

}  // namespace strata::cli::capture
