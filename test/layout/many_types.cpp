// Uses much of the standard library, so that its debug information has some thousand types.
#include <deque>
#include <filesystem>
#include <future>
#include <iostream>
#include <list>
#include <map>
#include <memory_resource>
#include <optional>
#include <regex>
#include <set>
#include <sstream>
#include <thread>
#include <unordered_map>
#include <variant>
#include <vector>

int main() {
  std::map<int, std::string> map;
  std::unordered_map<std::string, std::vector<int>> hashed;
  std::deque<long> deque;
  std::set<char> set;
  std::list<std::optional<double>> list;
  std::variant<int, double, std::string> variant;
  std::future<int> future = std::async([] { return 1; });
  std::pmr::unsynchronized_pool_resource pool;
  std::pmr::vector<std::shared_ptr<int>> shared(&pool);
  std::ostringstream stream;
  stream << std::filesystem::path("x") << std::regex_match("a", std::regex("a"));
  std::thread thread([&] { shared.push_back(std::make_shared<int>(future.get())); });
  thread.join();
  std::cout << stream.str() << map.size() + hashed.size() + deque.size() + set.size() + list.size();
  return variant.index() == 0 ? 0 : 1;
}
