#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/result.hpp"
#include "sim/timeline/timeline.hpp"

/// The columns of /jobs and how they follow from the records. Private to this folder.
namespace nightwatt::timeline {

/// Strings sorted bytewise, each once, and where those they were made from went.
struct TextTable {
  TextTable() = default;
  explicit TextTable(const std::vector<std::string>& from);

  std::vector<std::string> texts;
  std::vector<std::int32_t> index_of;  ///< by index in `from`

  /// -1 stays -1.
  [[nodiscard]] std::int32_t operator[](std::int32_t from) const {
    return from < 0 ? -1 : index_of[static_cast<std::size_t>(from)];
  }
};

/// /tables
struct TextTables {
  explicit TextTables(const RunResult& result);
  TextTable site, partition, device, profile, job_class, user;
  TextTable event, reason;  ///< of /events
  std::vector<std::int32_t> device_of_partition;
};

/// One job, with what several columns need.
struct JobRow {
  const Job* job = nullptr;
  const JobRecord* record = nullptr;
  double submit_s = 0.0;
  double slack_s = 0.0;
  double gpus = 0.0;
  double tau_s = 0.0;
  double data_gb = 0.0;
  double water_l = 0.0, embodied_carbon_g = 0.0;
  Charge full;  ///< own charge and its share of what nobody in particular used
  std::int32_t site = -1, home_site = -1, partition = -1, device = -1, profile = -1, job_class = -1,
               user = -1;
};

/// Makes rows from a result, a span at a time.
class JobRows {
 public:
  JobRows(const RunResult& result, const TextTables& tables);
  /// Rows [first, first + rows.size()) of /jobs.
  void make(std::size_t first, std::span<JobRow> rows) const;

 private:
  /// What a GPU-second of a partition pays beside the job's own charge.
  struct Share {
    Charge per_gpu_second;
  };
  const RunResult& result_;
  const TextTables& tables_;
  std::vector<Share> shares_;  ///< by partition
};

/// A column of /jobs: what it is, and how its values follow from rows.
struct JobColumn {
  const char* name;
  ColumnInfo::Type type;
  const char* units;  ///< as in schema.hpp
  const char* long_name;
  const char* table;  ///< "" = none
  const char* flags;  ///< CF flag_meanings of the values 0, 1, ...; "" = none
  /// Writes the values of `rows` to `out`, an array of the column's type.
  void (*fill)(std::span<const JobRow> rows, void* out);
};

/// In the file's order. `job_id` comes first and is left out where ids are text; columns of what
/// the run has no figures for are left out, too.
std::vector<JobColumn> job_columns(const RunResult& result);

std::size_t size_of(ColumnInfo::Type type);

}  // namespace nightwatt::timeline
