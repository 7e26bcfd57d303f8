#include "cli/model/capture/format.hpp"

#include <tuple>
#include <type_traits>

namespace strata::cli::capture {
namespace {

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

}  // namespace strata::cli::capture
