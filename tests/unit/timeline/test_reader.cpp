#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <hdf5.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "sim/timeline/schema.hpp"
#include "sim/timeline/timeline.hpp"
#include "tests/unit/timeline/sample_result.hpp"

namespace nightwatt {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

/// What the reader says when it refuses; "" if it reads.
std::string refusal(const fs::path& path) {
  try {
    (void)read_timeline(path);
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

class Reader : public testing::Test {
 protected:
  void SetUp() override { write_timeline(sample::by_hand()->result, file()); }
  [[nodiscard]] fs::path file(const char* name = "out.h5") const { return folder_.path() / name; }
  void put(const std::string& bytes) const { std::ofstream(file(), std::ios::binary) << bytes; }

  /// Lets `change` at the open file, as another program could.
  template <class Change>
  void change(Change change) const {
    const hid_t opened = H5Fopen(file().c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
    ASSERT_GE(opened, 0);
    change(opened);
    ASSERT_GE(H5Fclose(opened), 0);
  }
  void set_schema_version(int version) const {
    change([&](hid_t opened) {
      const hid_t attribute = H5Aopen(opened, "schema_version", H5P_DEFAULT);
      EXPECT_GE(H5Awrite(attribute, H5T_NATIVE_INT, &version), 0);
      H5Aclose(attribute);
    });
  }

  sample::TemporaryFolder folder_;
};

TEST_F(Reader, WhatIsNotAFile) {
  EXPECT_EQ(refusal(file("none.h5")),
            file("none.h5").string() + ": error: cannot be opened: No such file or directory");
  EXPECT_THAT(refusal(folder_.path()), HasSubstr("expected a timeline file, got a folder"));
  EXPECT_THAT(refusal("/dev/null"), HasSubstr("not HDF5"));
}

TEST_F(Reader, WhatIsNotHdf5) {
  for (const char* bytes : {"", "x", "name: scenario\nseed: 1\n", "\x89HDF"}) {
    put(bytes);
    EXPECT_THAT(refusal(file()), HasSubstr("something that is not HDF5"));
  }
}

TEST_F(Reader, AFileThatIsCutShort) {
  const std::string whole = sample::bytes_of(file());
  for (const std::size_t size : {whole.size() - 17, whole.size() / 2, std::size_t{100}}) {
    put(whole.substr(0, size));
    EXPECT_EQ(refusal(file()), file().string() +
                                   ": error: the file is cut short, or still being written or "
                                   "copied")
        << size;
  }
  put(whole.substr(0, 8));
  EXPECT_NE(refusal(file()), "");
}

TEST_F(Reader, ChangedBytes) {
  const std::string whole = sample::bytes_of(file());
  const auto expect_damaged = [&](const std::string& bytes, std::size_t at) {
    put(bytes);
    EXPECT_THAT(refusal(file()), HasSubstr("its bytes do not match its checksum")) << at;
  };
  const std::size_t end = whole.size() - 16;  // the checksum's own mark
  for (std::size_t at = 8; at < end; at += 1021) {
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    expect_damaged(changed, at);
  }
  for (std::size_t at = 4096; at + 4096 < end; at += 4096) {
    std::string holed = whole;
    std::fill_n(holed.begin() + static_cast<std::ptrdiff_t>(at), 4096, '\0');
    expect_damaged(holed, at);
  }
}

TEST_F(Reader, AnotherProgramsFile) {
  fs::remove(file());
  const hid_t made = H5Fcreate(file().c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  H5Fclose(made);
  EXPECT_THAT(refusal(file()), HasSubstr("an HDF5 file, but not a timeline of nightwatt"));
}

TEST_F(Reader, AnotherSchema) {
  set_schema_version(2);
  EXPECT_EQ(refusal(file()), file().string() +
                                 ": error: schema_version: expected 1, got 2 (written by "
                                 "'nightwatt test'; read it with that program or a newer one)");
  set_schema_version(0);
  EXPECT_THAT(refusal(file()), HasSubstr("got 0 (written by 'nightwatt test'; run the scenario"));
}

TEST_F(Reader, AFileFromBeforeTheStepsOfSignals) {
  change([](hid_t opened) { EXPECT_GE(H5Ldelete(opened, "/sites/dallas/steps", H5P_DEFAULT), 0); });
  const TimelineFile read = read_timeline(file());
  EXPECT_TRUE(read.sites()[0].steps.empty());
  EXPECT_EQ(read.sites()[0].tail.size(), 2U);
}

TEST_F(Reader, AnEarlyFileWithoutLaterColumns) {
  change([](hid_t opened) {
    EXPECT_GE(H5Ldelete(opened, "/sites/dallas/tail/until_s", H5P_DEFAULT), 0);
    EXPECT_GE(H5Ldelete(opened, "/sites/dallas/tail/pue", H5P_DEFAULT), 0);
    EXPECT_GE(H5Ldelete(opened, "/sites/dallas/partitions/tail_power_w", H5P_DEFAULT), 0);
  });
  const TimelineFile read = read_timeline(file());
  EXPECT_TRUE(std::isnan(read.sites()[0].tail_until_s));
  EXPECT_TRUE(std::isnan(read.sites()[0].tail[0].pue));
  EXPECT_EQ(read.sites()[0].tail[0].a, 1.25);
  EXPECT_TRUE(std::isnan(read.partitions()[0].tail_power_w));
}

TEST_F(Reader, AMissingColumnOrGroup) {
  change([](hid_t opened) { EXPECT_GE(H5Ldelete(opened, "/jobs/wait_s", H5P_DEFAULT), 0); });
  {
    const TimelineFile read = read_timeline(file());
    try {
      (void)read.jobs_double("wait_s");
      ADD_FAILURE() << "read a column that is not there";
    } catch (const InputError& error) {
      EXPECT_THAT(error.what(), HasSubstr("the column /jobs/wait_s is missing"));
    }
  }
  change([](hid_t opened) { EXPECT_GE(H5Ldelete(opened, "/summary/cost", H5P_DEFAULT), 0); });
  EXPECT_THAT(refusal(file()), HasSubstr("the column /summary/cost is missing"));
  change([](hid_t opened) { EXPECT_GE(H5Ldelete(opened, "/inputs", H5P_DEFAULT), 0); });
  change([](hid_t opened) { EXPECT_GE(H5Ldelete(opened, "/summary", H5P_DEFAULT), 0); });
  EXPECT_THAT(refusal(file()), HasSubstr("the group /summary is missing"));
}

TEST_F(Reader, TheFileStaysReadableWhileItIsReplaced) {
  const TimelineFile before = read_timeline(file());
  write_timeline(sample::large(10)->result, file());
  EXPECT_EQ(before.jobs_double("wait_s").size(), 5U);
  EXPECT_EQ(read_timeline(file()).jobs_double("wait_s").size(), 10U);
}

TEST(GroupName, HoldsWhatAPathDoesNotAllow) {
  using timeline::group_name;
  EXPECT_EQ(group_name("dallas", 0), "dallas");
  EXPECT_EQ(group_name("Zürich west", 0), "Zürich west");
  EXPECT_EQ(group_name("a/b%c", 0), "a%2Fb%25c");
  EXPECT_EQ(group_name("..", 0), "%2E.");
  EXPECT_EQ(group_name("tab\tend ", 0), "tab%09end%20");
  EXPECT_EQ(group_name("", 0), "%");
  EXPECT_EQ(group_name(std::string(300, 'x'), 12), std::string(200, 'x') + "%~12");
}

TEST(TimeUnits, AreIsoDates) {
  using timeline::time_units;
  EXPECT_EQ(time_units(0, 0.0), "seconds since 1970-01-01T00:00:00Z");
  EXPECT_EQ(time_units(1664755200, 0.0), "seconds since 2022-10-03T00:00:00Z");
  EXPECT_EQ(time_units(-1, 0.5), "seconds since 1969-12-31T23:59:59.5Z");
  EXPECT_EQ(time_units(951782400, 0.000000001), "seconds since 2000-02-29T00:00:00.000000001Z");
}

// Debian's xarray and netCDF4 read every group, and find what docs/timeline.md says.
TEST(Python, ReadsEveryGroupAsDocumented) {
  const sample::TemporaryFolder folder;
  std::string command = NIGHTWATT_PYTHON " " NIGHTWATT_SOURCE_DIR "/tests/python/check_timeline.py";
  const auto write = [&](const RunResult& result, const char* name) {
    write_timeline(result, folder.path() / name);
    command += " " + (folder.path() / name).string();
  };
  write(sample::by_hand()->result, "numbers.h5");
  write(sample::by_hand(true)->result, "text.h5");
  write(sample::large(70000)->result, "large.h5");
  const auto fraction = sample::by_hand();
  fraction->result.period_start_fraction_s = 0.25;
  write(fraction->result, "fraction.h5");
  write(RunResult{}, "empty.h5");
  EXPECT_EQ(std::system(command.c_str()), 0) << command;
}

}  // namespace
}  // namespace nightwatt
