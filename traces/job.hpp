#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nightwatt {

inline constexpr double unknown = std::numeric_limits<double>::quiet_NaN();

/// How a job ended, as its trace tells it.
enum class TraceState : std::uint8_t {
  unknown,
  completed,
  failed,
  cancelled,
  timeout,
  node_fail,
  out_of_memory,
  preempted,
  running,
  pending
};

/// One user request, as its trace has it. Times are seconds since `Workload::origin_unix_s` (or
/// since the trace's own zero where it names no date); NaN means that the trace does not say.
/// Indices point into the string tables of the workload; -1 = none.
struct Job {
  double submit_s = 0.0;
  double start_s = unknown;     ///< recorded start (for order: replay)
  double run_s = unknown;       ///< observed run time on the trace's own device, >= 0
  double limit_s = unknown;     ///< requested run-time limit
  double deadline_s = unknown;  ///< point in time by which it should have ended
  std::int64_t id = 0;    ///< the trace's id if all ids are whole numbers, else index into text_ids
  std::uint64_t row = 0;  ///< line in the file (the first, if it takes several), from 1
  std::uint32_t gpu_milli = 0;  ///< GPUs in all, in 1/1000 GPU
  std::uint32_t pieces = 1;    ///< equal parts placed as units (instances of a task); 1 = not given
  std::uint32_t nodes = 0;     ///< nodes asked for; 0 = the trace has only a total
  std::uint32_t cores = 0;     ///< CPU cores in all, for partitions that count cores
  std::int32_t gpu_type = -1;  ///< into gpu_types; alternatives joined by '|' as in openb
  std::int32_t user = -1;
  std::int32_t queue = -1;  ///< queue, partition or virtual cluster that the trace names
  float utilization = std::numeric_limits<float>::quiet_NaN();  ///< measured, 0..1
  TraceState state = TraceState::unknown;
};

/// Strings by number, in order of appearance.
class StringTable {
 public:
  /// The number of a string; a new one where it is not in the table.
  std::int32_t intern(std::string_view text);
  /// Adds a string without looking whether the table has it: for ids, which mostly are unlike, and
  /// cost no look-up so. `sort` makes equal ones one.
  std::int32_t append(std::string_view text);
  /// Valid until a string is added.
  [[nodiscard]] std::string_view operator[](std::int32_t index) const {
    const auto i = static_cast<std::size_t>(index);
    const std::size_t begin = i == 0 ? 0 : ends_[i - 1];
    return {bytes_.data() + begin, ends_[i] - begin};
  }
  [[nodiscard]] std::size_t size() const { return ends_.size(); }
  /// All of them. Valid until a string is added.
  [[nodiscard]] std::vector<std::string_view> texts() const;
  /// Numbers the strings anew, in bytewise order, equal ones as one.
  /// @return the new number of each old one
  std::vector<std::int32_t> sort();

 private:
  struct Slot {
    std::uint32_t hash = 0;
    std::int32_t index = -1;  ///< of the string; -1 = free
  };
  void enter(std::size_t index, std::uint32_t hash);
  void enter_all();

  std::string bytes_;              ///< all strings, one behind the other
  std::vector<std::size_t> ends_;  ///< of each, in bytes_
  std::vector<Slot> slots_;        ///< open addressing; at most half of them are taken
  std::size_t entered_ = 0;        ///< the first so many strings have a slot
};

/// `job` may start `think_s` after `on` has ended. Both are indices into Workload::jobs.
struct Dependency {
  std::uint32_t job = 0;
  std::uint32_t on = 0;
  double think_s = 0.0;
};

/// A named decision about rows, and how often it was needed.
struct RuleCount {
  std::string rule;    ///< "negative_duration"
  std::string choice;  ///< what was done: "skip", "zero", ...
  std::uint64_t rows = 0;
};

/// What a reader saw, for the terminal, /inputs of the timeline and `trace info`.
struct ReadReport {
  std::string path;  ///< as the user wrote it
  std::string format;
  std::string sha256;  ///< of the file's bytes as they are on disk
  std::uint64_t rows = 0;
  std::vector<RuleCount> skipped;   ///< rows left out, by rule
  std::vector<RuleCount> adjusted;  ///< rows kept in another form, by rule
  std::vector<std::string> notes;   ///< assumptions a user should know ("zone assumed: ...")
};

/// All jobs of a trace, sorted by (submit_s, id); ids as numbers where all are whole numbers, else
/// bytewise. Where a format has no id, jobs are numbered from 1 after a sort by all their fields.
struct Workload {
  std::vector<Job> jobs;
  std::optional<std::int64_t> origin_unix_s;  ///< what second 0 is; none for traces without dates
  bool ids_are_text = false;
  StringTable text_ids, gpu_types, users, queues;
  std::vector<Dependency> dependencies;  ///< sorted by (job, on)
  std::vector<ReadReport> reports;       ///< one a file

  /// The id as the trace has it.
  [[nodiscard]] std::string id_text(const Job& job) const;
};

}  // namespace nightwatt
