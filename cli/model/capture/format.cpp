#include "cli/model/capture/format.hpp"

#include <bit>

namespace strata::cli::capture {
namespace {

constexpr std::uint8_t thread_changes = 8;
constexpr std::uint8_t time_changes = 16;
constexpr int alignment_bits = 3;

std::uint32_t small(byte_reader& from) { return static_cast<std::uint32_t>(from.number()); }

void put_list(byte_writer& to, const std::vector<std::string>& list) {
  to.number(list.size());
  for (const std::string& one : list) to.text(one);
}

std::vector<std::string> get_list(byte_reader& from) {
  std::vector<std::string> made;
  for (std::uint64_t left = from.number(); left > 0 && from.good(); --left) {
    made.emplace_back(from.text());
  }
  return made;
}

}  // namespace

void session::put(byte_writer& to) const {
  to.number(sample_bytes);
  to.number(started_unix_s);
  put_list(to, command);
}
session session::get(byte_reader& from) {
  session made;
  made.sample_bytes = from.number();
  made.started_unix_s = from.number();
  made.command = get_list(from);
  return made;
}

void process::put(byte_writer& to) const {
  to.number(number);
  to.number(pid);
  to.number(parent);
  to.number(time_ms);
  to.text(executable);
  put_list(to, command);
}
process process::get(byte_reader& from) {
  process made;
  made.number = small(from);
  made.pid = small(from);
  made.parent = small(from);
  made.time_ms = from.number();
  made.executable = from.text();
  made.command = get_list(from);
  return made;
}

void mapping::put(byte_writer& to) const {
  to.number(process);
  to.number(start);
  to.number(end - start);
  to.number(offset);
  to.text(path);
  to.text(build_id);
}
mapping mapping::get(byte_reader& from) {
  mapping made;
  made.process = small(from);
  made.start = from.number();
  made.end = made.start + from.number();
  made.offset = from.number();
  made.path = from.text();
  made.build_id = from.text();
  return made;
}

void thread::put(byte_writer& to) const {
  to.number(number);
  to.number(process);
  to.number(id);
}
thread thread::get(byte_reader& from) {
  thread made;
  made.number = small(from);
  made.process = small(from);
  made.id = small(from);
  return made;
}

void resident::put(byte_writer& to) const {
  to.number(process);
  to.number(time_ms);
  to.number(bytes);
}
resident resident::get(byte_reader& from) {
  resident made;
  made.process = small(from);
  made.time_ms = from.number();
  made.bytes = from.number();
  return made;
}

void ended::put(byte_writer& to) const {
  to.number(process);
  to.number(time_ms);
  to.number(has_status ? 1 : 0);
  to.number(wait_status);
}
ended ended::get(byte_reader& from) {
  ended made;
  made.process = small(from);
  made.time_ms = from.number();
  made.has_status = from.number() != 0;
  made.wait_status = small(from);
  return made;
}

void losses::put(byte_writer& to) const {
  for (std::uint64_t one : {time_ms, stacks, threads, samples, events}) to.number(one);
}
losses losses::get(byte_reader& from) {
  losses made;
  for (auto one :
       {&losses::time_ms, &losses::stacks, &losses::threads, &losses::samples, &losses::events}) {
    made.*one = from.number();
  }
  return made;
}

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
  if ((what & thread_changes) != 0) last_.thread = small(what_);
  if ((what & time_changes) != 0) last_.time_ms += what_.number();
  last_.address += static_cast<std::uint64_t>(addresses_.difference());
  last_.size = last_.makes() ? sizes_.number() : 0;
  last_.node = last_.makes() ? small(nodes_) : 0;
  into = last_;
  into.address = std::rotl(last_.address, alignment_bits);
  return good();
}

}  // namespace strata::cli::capture
