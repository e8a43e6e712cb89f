#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <string_view>

#include "traces/diagnostics.hpp"
#include "traces/input.hpp"
#include "traces/reader.hpp"

namespace nightwatt::testing {

using Rules = std::map<std::string, std::string>;

/// Reads a trace from memory under the name "trace".
inline Workload read_text(const std::string& format, std::string_view text, const Rules& rules = {},
                          const std::string& zone = "") {
  ReadRequest request;
  request.path = "trace";
  request.format = format;
  request.rules = rules;
  request.zone = zone;
  Input input = Input::from_memory("trace", text);
  return read_workload(request, input);
}

/// What the reader says about a trace that it refuses; "" if it takes it.
inline std::string fault_of(const std::string& format, std::string_view text,
                            const Rules& rules = {}, const std::string& zone = "") {
  try {
    read_text(format, text, rules, zone);
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

/// How many rows a rule left out or changed; 0 if it was not needed.
inline std::uint64_t rows_of(const std::vector<RuleCount>& counts, std::string_view rule) {
  for (const RuleCount& count : counts) {
    if (count.rule == rule) return count.rows;
  }
  return 0;
}
inline std::uint64_t skipped(const Workload& workload, std::string_view rule) {
  return rows_of(workload.reports.front().skipped, rule);
}
inline std::uint64_t adjusted(const Workload& workload, std::string_view rule) {
  return rows_of(workload.reports.front().adjusted, rule);
}

/// The job with that id.
inline const Job& job_of(const Workload& workload, std::string_view id) {
  for (const Job& job : workload.jobs) {
    if (workload.id_text(job) == id) return job;
  }
  throw std::out_of_range("no job " + std::string(id));
}

inline std::string ids_of(const Workload& workload) {
  std::string ids;
  for (const Job& job : workload.jobs) ids += (ids.empty() ? "" : " ") + workload.id_text(job);
  return ids;
}

inline double gpu_seconds(const Workload& workload) {
  double sum = 0.0;
  for (const Job& job : workload.jobs) sum += job.gpu_milli / 1000.0 * job.run_s;
  return sum;
}

/// A file with that content, gone with the object.
class TemporaryFile {
 public:
  TemporaryFile(const std::string& name, std::string_view content)
      : folder_(std::filesystem::path(::testing::TempDir()) /
                ("nightwatt_" + std::to_string(reinterpret_cast<std::uintptr_t>(this)) + "_" +
                 std::to_string(std::rand()))),
        path_((folder_ / name).string()) {
    std::filesystem::create_directories(folder_);
    std::ofstream(path_, std::ios::binary) << content;
  }
  ~TemporaryFile() { std::filesystem::remove_all(folder_); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::filesystem::path folder_;
  std::string path_;
};

/// A file of the folder of real traces that NIGHTWATT_DATA names; "" where it is not set.
inline std::string real_file(const std::string& name) {
  const char* folder = std::getenv("NIGHTWATT_DATA");
  return folder == nullptr ? "" : std::string(folder) + "/" + name;
}

}  // namespace nightwatt::testing
