#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "traces/datetime.hpp"
#include "traces/diagnostics.hpp"
#include "traces/rules.hpp"
#include "traces/signals/signal_file.hpp"
#include "traces/table.hpp"

/// One file a signal format, as for workloads (traces/formats/formats.hpp): write
/// `traces/signals/NAME.cpp` with a function `SignalFormat NAME_signal()`, declare it below and add
/// it to the list in signal_file.cpp. A format finds its columns, then hands over each row's time
/// and value; order, duplicates, gaps and the step are decided in `finish`.

namespace nightwatt {

/// Collects the values of one series while a format reads it, and makes the SignalData of them.
class SignalBuilder {
 public:
  /// Rules that all formats share, to be put behind a format's own.
  static std::vector<RuleInfo> shared_rules();

  /// @param request  as the user gave it; its rules are resolved against those of `format`
  SignalBuilder(const SignalRequest& request, FormatInfo format);

  [[nodiscard]] const SignalRequest& request() const { return request_; }
  [[nodiscard]] Diagnostics& diagnostics() { return diagnostics_; }
  Rule& rule(std::string_view name) { return rules_[name]; }
  void note(std::string text) { data_.report.notes.push_back(std::move(text)); }

  /// Name of the grid or market. A second name in one file is a fault.
  void zone_name(std::string_view name, const Position& where);
  /// Where the values come from and their unit. It must be of the kind that was asked for.
  void measures(std::string column, std::string unit, const SignalUnit& meaning,
                const Position& where);

  /// One more row was read: call it once for each, also for bad ones.
  void count_row() { ++data_.report.rows; }
  /// A row that cannot be understood: by rule bad_row either a fault of the file, or left out (and
  /// then a gap).
  void bad_row(const Position& where, const std::string& message);
  /// A value from that time on (or up to it, see ends_stamped). `text` is the field: empty is a
  /// gap, all else must be a number.
  void add(double unix_s, const Position& time_at, std::string_view text, const Position& value_at,
           bool estimated = false);
  /// The times of the rows are the ends of their steps.
  void ends_stamped() { ends_stamped_ = true; }

  /// Decides order, duplicates, step and gaps. @throws InputError with all faults
  SignalData finish(Input& input);
  /// Takes over the faults that ended the reading, then throws all.
  [[noreturn]] void fail(const InputError& last);

 private:
  struct Row {
    double unix_s;
    double value;  ///< NaN = none
    std::uint64_t line;
  };

  [[nodiscard]] Position at(const Row& row) const { return {request_.path, row.line, 0}; }
  void put_in_order();
  void drop_duplicates();
  void find_step();
  void fill_gaps();
  void lay_out();

  SignalRequest request_;
  FormatInfo format_;
  Diagnostics diagnostics_;
  RuleSet rules_;
  SignalData data_;
  std::vector<Row> rows_;
  double usual_step_s_ = 0.0;  ///< the most frequent distance of neighbours
  bool regular_ = false;       ///< all distances are multiples of it
  bool ends_stamped_ = false;
};

struct SignalFormat {
  FormatInfo info;
  /// Whether a file that begins like this (up to 64 kB, decompressed) is of this format.
  bool (*recognise)(std::string_view head) = nullptr;
  void (*read)(Input& input, SignalBuilder& builder) = nullptr;
};

SignalFormat electricity_maps_signal();
SignalFormat csv_signal();

/// Lower case of ASCII letters; all other bytes as they are.
std::string lower_case(std::string_view text);

}  // namespace nightwatt
