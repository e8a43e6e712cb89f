#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>

#include "sim/timeline/timeline.hpp"
#include "tests/unit/timeline/sample_result.hpp"

// Where not even the first bytes can be written, HDF5 1.10 loses the buffer that held them (in
// H5Fcreate), and LeakSanitizer would tell so on a standard error that has the same limit. Whatever
// is open stands in tables of the library: leaks of ours are never found by its memory.
extern "C" const char* __lsan_default_suppressions() { return "leak:libhdf5\n"; }
extern "C" const char* __lsan_default_options() { return "print_suppressions=0"; }

namespace nightwatt {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// What the writer says when it refuses; "" if it writes.
std::string refusal(const RunResult& result, const fs::path& path) {
  try {
    write_timeline(result, path);
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

class Output : public testing::Test {
 protected:
  void SetUp() override { made_ = sample::by_hand(); }
  [[nodiscard]] const RunResult& result() const { return made_->result; }
  [[nodiscard]] fs::path file(const char* name = "out.h5") const { return folder_.path() / name; }
  void put(const fs::path& path, const std::string& text) const { std::ofstream(path) << text; }

  sample::TemporaryFolder folder_;
  std::unique_ptr<sample::Sample> made_;
};

TEST_F(Output, OnlyTheFileIsLeft) {
  write_timeline(result(), file());
  EXPECT_THAT(folder_.names(), ElementsAre("out.h5"));
}

TEST_F(Output, AnOlderFileIsReplaced) {
  put(file(), "older");
  write_timeline(result(), file());
  EXPECT_THAT(folder_.names(), ElementsAre("out.h5"));
  EXPECT_EQ(read_timeline(file()).job_count(), 5U);
}

TEST_F(Output, ASymbolicLinkIsFollowed) {
  fs::create_directory(file("real"));
  put(file("real") / "x.h5", "older");
  fs::create_symlink(file("real") / "x.h5", file());
  write_timeline(result(), file());
  EXPECT_TRUE(fs::is_symlink(file()));
  EXPECT_EQ(read_timeline(file("real") / "x.h5").job_count(), 5U);
}

TEST_F(Output, PermissionsFollowTheUmask) {
  const mode_t before = ::umask(0027);
  write_timeline(result(), file());
  ::umask(before);
  struct stat status {};
  ASSERT_EQ(::stat(file().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0640U);
}

TEST_F(Output, PathsThatCannotBeAFile) {
  EXPECT_EQ(refusal(result(), folder_.path()),
            folder_.path().string() + ": error: output: expected the path of a file, got a folder");
  EXPECT_THAT(refusal(result(), folder_.path() / "new" / ""), HasSubstr("got a folder"));
  EXPECT_THAT(refusal(result(), ""), HasSubstr("expected the path of a file, got ''"));
  EXPECT_THAT(refusal(result(), file("none") / "out.h5"), HasSubstr("none' does not exist"));
  put(file("plain"), "x");
  EXPECT_THAT(refusal(result(), file("plain") / "out.h5"), HasSubstr("plain' is not a folder"));
  // Renaming a file onto a device would replace the device.
  EXPECT_THAT(refusal(result(), "/dev/full"), HasSubstr("got a device, pipe or socket"));
  EXPECT_TRUE(fs::is_character_file("/dev/full"));
  EXPECT_THAT(folder_.names(), ElementsAre("plain"));
  EXPECT_THROW(check_writable(file("none") / "out.h5"), InputError);
  EXPECT_NO_THROW(check_writable(file()));
}

TEST_F(Output, ANameThatIsTooLong) {
  const fs::path path = folder_.path() / std::string(255, 'x');
  EXPECT_EQ(refusal(result(), path), "");  // the longest that the system allows
  EXPECT_THAT(refusal(result(), folder_.path() / std::string(256, 'x')),
              HasSubstr("File name too long"));
  EXPECT_THAT(folder_.names(), ElementsAre(std::string(255, 'x')));
}

TEST_F(Output, CompressionOutsideItsRange) {
  EXPECT_THROW(write_timeline(result(), file(), {.compression = 10}), std::invalid_argument);
  EXPECT_THROW(write_timeline(result(), file(), {.compression = -1}), std::invalid_argument);
  EXPECT_THAT(folder_.names(), IsEmpty());
}

TEST_F(Output, InterruptedBetweenBlocks) {
  const auto large = sample::large(200000);
  put(file(), "older");
  int asked = 0;
  const WriteOptions options{.interrupted = [&] { return ++asked == 3; }};
  EXPECT_THROW(write_timeline(large->result, file(), options), WriteInterrupted);
  EXPECT_EQ(asked, 3);
  EXPECT_THAT(folder_.names(), ElementsAre("out.h5"));
  EXPECT_EQ(sample::bytes_of(file()), "older");
  // The next file in the same process is written as if nothing had happened.
  write_timeline(result(), file());
  EXPECT_EQ(read_timeline(file()).job_count(), 5U);
}

/// Runs `body` in a child process and returns its exit status, -1 for a signal.
int in_child(const std::function<void()>& body) {
  const pid_t child = ::fork();
  if (child == 0) {
    body();
    std::exit(testing::Test::HasFailure() ? 1 : 0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

class FileSizeLimit : public Output, public testing::WithParamInterface<rlim_t> {};

// Refused early, in the middle of the columns, and when the library writes its last bytes. The
// child ends in the ordinary way, so that what the library does at the end is seen too.
TEST_P(FileSizeLimit, IsAnErrorAndLeavesTheOlderFile) {
  if (std::getenv("NIGHTWATT_COVERAGE") != nullptr)
    GTEST_SKIP() << "gcov writes its counters at the end of the child, under the limit too";
  const auto large = sample::large(100000);
  put(file(), "older");
  const std::string output = file("messages").string();
  const int status = in_child([&] {
    if (std::freopen(output.c_str(), "w", stderr) == nullptr) std::_Exit(3);
    const rlimit limit{GetParam(), GetParam()};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    EXPECT_EQ(refusal(large->result, file()),
              file().string() +
                  ": error: output: cannot be written: File too large (the older file is left as "
                  "it was)");
    // SIGXFSZ is ignored only while writing.
    struct sigaction now {};
    sigaction(SIGXFSZ, nullptr, &now);
    EXPECT_EQ(now.sa_handler, SIG_DFL);
    // A second failure in the same process ends in the same way.
    EXPECT_THAT(refusal(large->result, file("second.h5")), HasSubstr("File too large"));
  });
  EXPECT_EQ(status, 0);
  EXPECT_EQ(sample::bytes_of(output), "");  // the library printed nothing
  fs::remove(output);
  EXPECT_EQ(sample::bytes_of(file()), "older");
  EXPECT_THAT(folder_.names(), ElementsAre("out.h5"));
}

INSTANTIATE_TEST_SUITE_P(Bytes, FileSizeLimit,
                         testing::Values(0, 1, 100, 4096, 100'000, 5'000'000, 10'000'000));

TEST_F(Output, EveryFileSizeLimitOfASmallFileIsReported) {
  write_timeline(result(), file("whole.h5"));
  const auto size = fs::file_size(file("whole.h5"));
  fs::remove(file("whole.h5"));
  put(file(), "older");
  const int status = in_child([&] {
    for (rlim_t bytes = size - 1; bytes > 0; bytes -= std::min<rlim_t>(bytes, 9973)) {
      const rlimit limit{bytes, RLIM_INFINITY};
      ::setrlimit(RLIMIT_FSIZE, &limit);
      EXPECT_THAT(refusal(result(), file()), HasSubstr("File too large")) << bytes;
    }
    const rlimit enough{2 * size, RLIM_INFINITY};  // the library rounds up before it cuts
    ::setrlimit(RLIMIT_FSIZE, &enough);
    EXPECT_EQ(refusal(result(), file("fits.h5")), "");
  });
  EXPECT_EQ(status, 0);
  EXPECT_EQ(sample::bytes_of(file()), "older");
  EXPECT_EQ(fs::file_size(file("fits.h5")), size);
  EXPECT_EQ(folder_.names().size(), 2U);
}

TEST_F(Output, AFaultOfOursLeavesNothing) {
  made_->result.sites[0].bins.pue.pop_back();
  EXPECT_THROW(write_timeline(result(), file()), std::logic_error);
  EXPECT_THAT(folder_.names(), IsEmpty());
}

}  // namespace
}  // namespace nightwatt
