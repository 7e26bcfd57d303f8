#include "cli/model/file.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

namespace strata::cli {
namespace {

std::string content_of(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::size_t files_in(const std::string& directory) {
  return static_cast<std::size_t>(
      std::distance(std::filesystem::directory_iterator(directory), {}));
}

TEST(BaseName, IsTheLastPart) {
  EXPECT_EQ(base_name("/usr/bin/env"), "env");
  EXPECT_EQ(base_name("env"), "env");
}

TEST(TemporaryDirectory, IsRemovedWithItsFiles) {
  std::string path;
  {
    const temporary_directory directory;
    path = directory.path();
    std::ofstream(path + "/file") << "x";
    EXPECT_TRUE(std::filesystem::exists(path + "/file"));
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(ResultFile, AppearsOnlyWhenComplete) {
  const temporary_directory directory;
  const std::string path = directory.path() + "/result";
  {
    result_file file(path);
    EXPECT_EQ(file.error(), "");
    EXPECT_FALSE(std::filesystem::exists(path));
    EXPECT_TRUE(file.commit("text"));
  }
  EXPECT_EQ(content_of(path), "text");
  EXPECT_EQ(files_in(directory.path()), 1u);
}

TEST(ResultFile, LeavesTheOldFileWhenAbandoned) {
  const temporary_directory directory;
  const std::string path = directory.path() + "/result";
  std::ofstream(path) << "old";
  { const result_file abandoned(path); }
  EXPECT_EQ(content_of(path), "old");
  EXPECT_EQ(files_in(directory.path()), 1u);
}

TEST(ResultFile, KeepsALinkALink) {
  const temporary_directory directory;
  const std::string target = directory.path() + "/target";
  const std::string link = directory.path() + "/link";
  std::ofstream(target) << "old";
  std::filesystem::create_symlink(target, link);
  EXPECT_TRUE(result_file(link).commit("new"));
  EXPECT_TRUE(std::filesystem::is_symlink(link));
  EXPECT_EQ(content_of(target), "new");
}

TEST(ResultFile, SaysWhyItCannotWrite) {
  const temporary_directory directory;
  EXPECT_NE(result_file(directory.path()).error(), "");
  EXPECT_NE(result_file(directory.path() + "/none/result").error(), "");
}

TEST(ResultFile, GoesOnWhereAnOpenFileIs) {
  const temporary_directory directory;
  const std::string path = directory.path() + "/output";
  const descriptor output(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  EXPECT_TRUE(write_all(output.get(), "before "));
  EXPECT_TRUE(result_file("/dev/fd/" + std::to_string(output.get())).commit("text"));
  EXPECT_EQ(content_of(path), "before text");
  EXPECT_NE(result_file("/dev/fd/987654").error(), "");
}

TEST(ResultFile, WritesADeviceDirectly) {
  result_file file("/dev/null");
  EXPECT_EQ(file.error(), "");
  EXPECT_TRUE(file.commit("text"));
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
}

}  // namespace
}  // namespace strata::cli
