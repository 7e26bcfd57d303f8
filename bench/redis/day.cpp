// A day of a cache, at full speed: the driver of bench/redis/run.
//
//   day SOCKET operations=12000000 live_mib=200 clients=8 depth=32
//
// The live set stays the same in bytes while what it consists of changes: the mean size of a value
// goes from 100 bytes at midnight to 800 at noon and back. New keys take the place of keys deleted at
// random, so that by noon few of the morning's are left, but everywhere. Before it begins the cache is
// filled.
//
//   strings       set, overwritten, read, deleted; some expire within seconds
//   appended      strings that grow by APPEND
//   hashes        begin with up to 24 fields, of 48; those are set and deleted
//   lists         begin with up to 24 elements; pushed at one end, popped at the other
//
// Each client has keys of its own, so that the server sees the same commands for a key in the same
// order in every run. A client sends `depth` commands or a few more at once and waits for the
// answers; the server always has another client's to work on.
//
// Prints a line each three minutes of the day, `hour operations seconds`, and at the end `latency`
// with the microseconds that batches took: the median, 99 and 99.9 percent, and the most.
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "load.hpp"

namespace {

long operations = 12000000, live_mib = 200, clients = 8, depth = 32;

constexpr double least_mean = 100;
constexpr double most_mean = 800;
constexpr long reports = 480;
constexpr size_t most_elements = 48;

// What Redis spends on a key and on an element beside the value, roughly.
constexpr size_t key_bytes = 80;
constexpr size_t field_bytes = 56;
constexpr size_t element_bytes = 8;

double now_seconds() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double>(now).count();
}

// ---- One connection

class connection {
 public:
  explicit connection(const char* path) : file_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path, sizeof address.sun_path - 1);
    const auto* generic = reinterpret_cast<const sockaddr*>(&address);
    if (file_ < 0 || connect(file_, generic, sizeof address) != 0) load::fail("cannot connect");
  }
  ~connection() { close(file_); }
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;

  void add(std::initializer_list<std::string_view> words) {
    out_ += '*' + std::to_string(words.size()) + "\r\n";
    for (std::string_view word : words) {
      out_ += '$' + std::to_string(word.size()) + "\r\n";
      out_ += word;
      out_ += "\r\n";
    }
    ++waiting_;
  }
  void send() {
    for (size_t at = 0; at < out_.size();) {
      const ssize_t sent = write(file_, out_.data() + at, out_.size() - at);
      if (sent <= 0) load::fail("the server does not read");
      at += static_cast<size_t>(sent);
    }
    out_.clear();
  }
  [[nodiscard]] long waiting() const { return waiting_; }
  // Until each command that was sent has its answer.
  void receive() {
    for (; waiting_ > 0; --waiting_) {
      while (!answer_is_whole()) fetch();
    }
    in_.erase(0, read_);
    read_ = 0;
  }

 private:
  void fetch() {
    char piece[65536];
    const ssize_t got = read(file_, piece, sizeof piece);
    if (got <= 0) load::fail("the server has gone");
    in_.append(piece, static_cast<size_t>(got));
  }
  // Steps over the next answer: a line, behind which there are so many bytes if it begins with $.
  bool answer_is_whole() {
    const size_t end = in_.find("\r\n", read_);
    if (end == std::string::npos) return false;
    size_t next = end + 2;
    if (in_[read_] == '-') load::fail(in_.substr(read_, end - read_).c_str());
    if (in_[read_] == '$' && in_[read_ + 1] != '-') next += std::stoul(in_.substr(read_ + 1)) + 2;
    if (next > in_.size()) return false;
    read_ = next;
    return true;
  }

  int file_;
  std::string out_;
  std::string in_;
  size_t read_ = 0;
  long waiting_ = 0;
};

// ---- One client and its keys

enum class kind { string, appended, hash, list };

struct key {
  long number;
  kind is;
  size_t bytes;  // of all its elements
  std::vector<size_t> elements;
};

class client {
 public:
  client(const char* path, long number)
      : server_(path), random_(number), prefix_("key:" + std::to_string(number) + ":") {
    for (char& one : payload_) one = static_cast<char>('a' + random_.below(26));
  }

  void fill() {
    while (live_ < budget()) {
      while (server_.waiting() < depth) {
        mean_ = least_mean;
        add_key();
      }
      server_.send();
      server_.receive();
    }
  }
  // Returns how many commands it sent.
  long send_batch(double mean) {
    while (server_.waiting() < depth) add_one(mean);
    server_.send();
    sent_ = now_seconds();
    return server_.waiting();
  }
  // Returns how long the batch took.
  double receive_batch() {
    server_.receive();
    return now_seconds() - sent_;
  }

 private:
  void add_one(double mean) {
    mean_ = mean;
    const size_t dice = random_.below(100);
    if (keys_.empty() || (dice < 30 && live_ < budget())) return add_key();
    const size_t at = random_.below(keys_.size());
    if (live_ >= budget() || dice < 45) return remove_key(at);
    if (dice < 75) return change(keys_[at]);
    if (dice < 80) return add_short_lived();
    look_at(keys_[at]);
  }

  static size_t budget() {
    return static_cast<size_t>(live_mib << 20) / static_cast<size_t>(clients);
  }

  // Spread about the mean: log-normal, by the sum of twelve dice.
  size_t value_size() {
    double sum = -6;
    for (int i = 0; i < 12; ++i) sum += random_.next() * 0x1p-32;
    const double size = mean_ * std::exp(0.6 * sum - 0.18);
    return static_cast<size_t>(std::clamp(size, 8.0, 16000.0));
  }
  std::string_view value(size_t size) {
    return {payload_ + random_.below(sizeof payload_ - size), size};
  }
  [[nodiscard]] std::string name(const key& of) const {
    return prefix_ + std::to_string(of.number);
  }

  void add_key() {
    constexpr kind kinds[] = {kind::string, kind::string,   kind::string, kind::string,
                              kind::string, kind::appended, kind::hash,   kind::list};
    key made{next_number_++, kinds[random_.below(std::size(kinds))], 0, {}};
    live_ += key_bytes;
    const bool has_elements = made.is == kind::hash || made.is == kind::list;
    for (size_t left = has_elements ? random_.between(1, 24) : 1; left > 0; --left) change(made);
    keys_.push_back(std::move(made));
  }

  void remove_key(size_t at) {
    server_.add({random_.percent(50) ? "DEL" : "UNLINK", name(keys_[at])});
    live_ -= keys_[at].bytes + key_bytes;
    std::swap(keys_[at], keys_.back());
    keys_.pop_back();
  }

  void change(key& one) {
    live_ -= one.bytes;
    const size_t size = value_size();
    switch (one.is) {
      case kind::string:
        set_string(one, size);
        break;
      case kind::appended:
        append(one, size / 4 + 1);
        break;
      case kind::hash:
        set_field(one, size);
        break;
      case kind::list:
        push_or_pop(one, size);
        break;
    }
    live_ += one.bytes;
  }

  void set_string(key& one, size_t size) {
    server_.add({"SET", name(one), value(size)});
    one.bytes = size;
  }
  void append(key& one, size_t size) {
    if (one.bytes > 8 * mean_) return set_string(one, size);
    server_.add({"APPEND", name(one), value(size)});
    one.bytes += size;
  }
  void set_field(key& one, size_t size) {
    one.elements.resize(most_elements);
    const size_t at = random_.below(most_elements);
    size_t& field = one.elements[at];
    const std::string field_name = "field:" + std::to_string(at);
    one.bytes -= field;
    if (field != 0 && random_.percent(30)) {
      server_.add({"HDEL", name(one), field_name});
      field = 0;
    } else {
      server_.add({"HSET", name(one), field_name, value(size)});
      field = size + field_bytes;
    }
    one.bytes += field;
  }
  void push_or_pop(key& one, size_t size) {
    if (one.elements.size() > 1 && random_.below(most_elements) < one.elements.size()) {
      server_.add({"LPOP", name(one)});
      one.bytes -= one.elements.front();
      one.elements.erase(one.elements.begin());
    } else {
      server_.add({"RPUSH", name(one), value(size)});
      one.elements.push_back(size + element_bytes);
      one.bytes += one.elements.back();
    }
  }

  // Not counted as live: it is gone within two seconds.
  void add_short_lived() {
    const std::string life = std::to_string(random_.between(200, 2000));
    const std::string named = prefix_ + "short:" + std::to_string(next_number_++);
    server_.add({"SET", named, value(value_size()), "PX", life});
  }

  void look_at(const key& one) {
    if (one.is == kind::hash) return server_.add({"HGET", name(one), "field:1"});
    if (one.is == kind::list) return server_.add({"LINDEX", name(one), "0"});
    server_.add({"GET", name(one)});
  }

  connection server_;
  load::random random_;
  std::string prefix_;
  char payload_[1 << 16];
  std::vector<key> keys_;
  size_t live_ = 0;
  long next_number_ = 0;
  double mean_ = least_mean;
  double sent_ = 0;
};

// ---- The day

// 0 at midnight, 1 at the next.
double mean_at(double day) {
  const double noon = (1 - std::cos(day * 2 * M_PI)) / 2;
  return least_mean * std::pow(most_mean / least_mean, noon);
}

void report(long done, double begin) {
  std::printf("%.4f %ld %.4f\n", 24.0 * static_cast<double>(done) / static_cast<double>(operations),
              done, now_seconds() - begin);
  std::fflush(stdout);
}

void run_day(const char* path, std::vector<double>& took) {
  std::vector<std::unique_ptr<client>> all;
  for (long i = 0; i < clients; ++i) all.push_back(std::make_unique<client>(path, i));
  for (auto& one : all) one->fill();
  const double begin = now_seconds();
  long done = 0;
  for (auto& one : all) done += one->send_batch(least_mean);
  for (long next_report = 0; done < operations;) {
    for (auto& one : all) {
      took.push_back(one->receive_batch());
      done += one->send_batch(mean_at(static_cast<double>(done) / static_cast<double>(operations)));
    }
    if (done < next_report) continue;
    report(std::min(done, operations), begin);
    next_report += operations / reports;
  }
  for (auto& one : all) one->receive_batch();
}

void report_latency(std::vector<double>& took) {
  std::sort(took.begin(), took.end());
  const auto last = static_cast<double>(took.size() - 1);
  std::printf("latency");
  for (double part : {0.5, 0.99, 0.999, 1.0}) {
    std::printf(" %.1f", took[static_cast<size_t>(last * part)] * 1e6);
  }
  std::printf("\n");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) load::reject("no SOCKET");
  load::parse(argc - 1, argv + 1,
              {{"operations", &operations, reports},
               {"live_mib", &live_mib},
               {"clients", &clients},
               {"depth", &depth}});
  std::vector<double> took;
  run_day(argv[1], took);
  report_latency(took);
  return 0;
}
