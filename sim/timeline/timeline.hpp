#pragma once

#include <cstdint>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/result.hpp"
#include "traces/diagnostics.hpp"

namespace nightwatt {

/// Layout of the file that this program writes and reads (attribute `schema_version`). It grows by
/// one when a reader of the older layout would misread the newer one.
inline constexpr std::int32_t timeline_schema_version = 1;

struct WriteOptions {
  int compression = 1;  ///< deflate level 0 (no filter) to 9
  /// Asked between blocks of rows; true stops the writing with WriteInterrupted. May be empty.
  std::function<bool()> interrupted = {};
};

/// Writing was stopped on request. No new file is left, an older one is as it was.
class WriteInterrupted : public std::exception {
 public:
  [[nodiscard]] const char* what() const noexcept override { return "writing was interrupted"; }
};

/// @throws InputError if no file can be written at `path`, as far as that can be known without
///   writing (folder missing or not writable, path is a folder or a device). For a check before a
///   long run.
void check_writable(const std::filesystem::path& path);

/// Writes the timeline file (HDF5, readable as netCDF-4; layout in docs/timeline.md).
///
/// It is written beside `path` and renamed when it is complete and on disk; on any failure the
/// new file is removed and an older one stays as it was. Equal results give equal bytes, whatever
/// the clock, the host or the folder. Memory beyond the result itself does not grow with jobs.
/// Not for several threads at once (neither is HDF5); SIGXFSZ is ignored while it runs.
///
/// @param path  a symbolic link is followed
/// @throws InputError if the file cannot be written (full disk, file-size limit, missing folder,
///   path that is a folder or a device), WriteInterrupted if asked to stop,
///   std::invalid_argument for a compression outside 0..9.
void write_timeline(const RunResult& result, const std::filesystem::path& path,
                    const WriteOptions& options = {});

/// Attributes of the whole file.
struct TimelineHeader {
  std::string title, source;  ///< source: program and version that wrote it
  std::string scenario_yaml, scenario_sha256;
  std::int64_t seed = 0;
  std::int64_t period_start_unix_s = 0;
  double period_start_fraction_s = 0.0;
  double period_end_s = 0.0, file_end_s = 0.0;  ///< since the period's start
  double bin_s = 0.0, slowdown_tau_s = 0.0, warmup_s = 0.0;
  std::uint32_t conservative_depth = 0;
  double network_j_per_gb = unknown;  ///< NaN = no data move
  bool interrupted = false;
};

/// What a column holds.
struct ColumnInfo {
  enum class Type : std::uint8_t { float64, float32, int64, int32, int8, text };
  std::string name, units, long_name;
  std::string table;  ///< int32 indices into this table ("user"), "" = plain values
  Type type = Type::float64;
};

/// A timeline file that is open for reading. Small things are read at once, in the structs that
/// the simulation filled; columns are read when asked for. Times are seconds since the period's
/// start, as in RunResult.
class TimelineFile {
 public:
  ~TimelineFile();
  TimelineFile(TimelineFile&&) noexcept;
  TimelineFile& operator=(TimelineFile&&) noexcept;

  [[nodiscard]] const std::filesystem::path& path() const;
  [[nodiscard]] const TimelineHeader& header() const;
  [[nodiscard]] const Summary& summary() const;
  /// Those of the run itself, if it computed them.
  [[nodiscard]] const std::optional<LowerBounds>& bounds() const;
  /// In the scenario's order; `bins` is empty, see site_bins.
  [[nodiscard]] const std::vector<SiteResult>& sites() const;
  /// Of all sites, in the scenario's order.
  [[nodiscard]] const std::vector<PartitionTotals>& partitions() const;
  [[nodiscard]] const std::vector<InputFile>& inputs() const;
  [[nodiscard]] const std::vector<RuleCount>& counts() const;
  [[nodiscard]] const std::vector<std::string>& notes() const;
  /// Strings of /tables/NAME, sorted bytewise. @throws InputError if there is none of that name.
  [[nodiscard]] const std::vector<std::string>& table(std::string_view name) const;

  [[nodiscard]] std::size_t job_count() const;
  [[nodiscard]] const std::vector<ColumnInfo>& job_columns() const;
  /// A column of /jobs [job_count()]; integers are converted, text is an error.
  /// @throws InputError if the file has no such column, or it cannot be read.
  [[nodiscard]] std::vector<double> jobs_double(std::string_view name) const;
  /// As above, for integer columns (indices, `state`, `trace_state`, counts, numeric `job_id`).
  [[nodiscard]] std::vector<std::int64_t> jobs_int(std::string_view name) const;
  /// As above; text of any column: numbers are written out, indices are looked up ("" = none).
  [[nodiscard]] std::vector<std::string> jobs_text(std::string_view name) const;

  /// A column of /sites/NAME, one value a bin.
  [[nodiscard]] std::vector<double> site_column(std::size_t site, std::string_view name) const;
  [[nodiscard]] SiteBins site_bins(std::size_t site) const;
  /// Empty (0 bins) if the run did not record nodes.
  [[nodiscard]] NodeBins nodes(std::size_t site) const;
  /// Empty if the run did not record events.
  [[nodiscard]] std::vector<Event> events() const;

 private:
  friend TimelineFile read_timeline(const std::filesystem::path& path);
  struct Content;
  explicit TimelineFile(std::unique_ptr<Content> content);
  std::unique_ptr<Content> content_;
};

/// Opens a timeline file.
/// @throws InputError if it cannot be opened, is not HDF5, is cut short, was made by another
///   program, or has a schema_version that this program does not read.
TimelineFile read_timeline(const std::filesystem::path& path);

}  // namespace nightwatt
