#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
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
/// and value; order, overlaps, duplicates, gaps and the step are decided in `finish`. Whatever the
/// user may ask for is asked of the builder (`choose_column`, `times_in`, `region`), which says
/// what is wrong with it.

namespace nightwatt {

/// Collects the values of one series while a format reads it, and makes the SignalData of them.
class SignalBuilder {
 public:
  /// Rules that all formats share, to be put behind a format's own.
  static std::vector<RuleInfo> shared_rules();
  /// Rules that some have: a value that the file marks as estimated; a PUE below 1; forecasts of
  /// several runs for one time (see new_run).
  static RuleInfo estimated_rule();
  static RuleInfo below_one_rule();
  static RuleInfo overlap_rule();

  /// @param request  as the user gave it; its rules are resolved against those of `format`
  SignalBuilder(const SignalRequest& request, FormatInfo format);

  [[nodiscard]] const SignalRequest& request() const { return request_; }
  [[nodiscard]] Diagnostics& diagnostics() { return diagnostics_; }
  Rule& rule(std::string_view name) { return rules_[name]; }
  void note(std::string text) { data_.report.notes.push_back(std::move(text)); }

  /// Name of the grid or market. A second name in one file is a fault.
  void zone_name(std::string_view name, const Position& where);
  /// For a file that may hold several grids: whether a row of that one is asked for. Where the user
  /// names none there must be only one; both are checked in `finish`.
  bool region(std::string_view name);
  /// Which of the short names of `columns` the user asks for; the first, with a note, where the
  /// user asks for none and there are several. Another name is a fault (and the first is given).
  std::string choose_column(const std::vector<std::string_view>& columns);
  /// The format says in which zone its times are: `zone` of the request must be that one, or none.
  void times_in(const std::string& zone);
  /// The same where the zone is one offset, east positive.
  void times_at_offset(std::int32_t offset_s);
  [[nodiscard]] std::int32_t utc_offset_s() const { return data_.utc_offset_s; }
  /// Where the values come from and their unit. It must be of the kind that was asked for, and the
  /// unit that the user gives, if any.
  void measures(std::string column, std::string unit, const SignalUnit& meaning,
                const Position& where);
  void counts(CarbonBasis basis) { data_.basis = basis; }

  /// One more row was read: call it once for each, also for bad ones.
  void count_row() { ++data_.report.rows; }
  /// A row that cannot be understood: by rule bad_row either a fault of the file, or left out (and
  /// then a gap).
  void bad_row(const Position& where, const std::string& message);
  /// A value from that time on (or up to it, see ends_stamped). `text` is the field: empty is a
  /// gap, all else must be a number.
  void add(double unix_s, const Position& time_at, std::string_view text, const Position& value_at,
           bool estimated = false);
  /// The same for a value that is a number already; NaN is a gap. False where it was not added.
  bool add(double unix_s, const Position& time_at, double value, const Position& value_at,
           bool estimated = false);
  /// Whether a value, in its kind's own unit, can be (NaN can); else the row is bad. `shown` is how
  /// the file writes it, "" for the number.
  bool plausible(SignalKind kind, double own, const Position& where, std::string_view shown = "");
  /// The row added last has no value to be trusted: its gap is filled as that rule's choice says
  /// (hold, interpolate), not by rule `gap`.
  void mistrust(Rule& rule);
  /// The rows that follow are of another run of a forecast: they may go back in time, and rule
  /// overlap says which run counts where several tell of one time.
  void new_run() { ++run_; }
  /// The times of the rows are the ends of their steps.
  void ends_stamped() { ends_stamped_ = true; }
  /// The rows are of a year that stands for any.
  void typical_year() { data_.typical_year = true; }

  /// Decides order, duplicates, step and gaps. @throws InputError with all faults
  SignalData finish(Input& input);
  /// Takes over the faults that ended the reading, then throws all.
  [[noreturn]] void fail(const InputError& last);

 private:
  struct Row {
    double unix_s;
    double value;  ///< NaN = none
    std::uint64_t line;
    std::uint32_t run = 0;
    Rule* fill = nullptr;  ///< decides how a missing value is made up; none = rule gap
  };

  [[nodiscard]] Position at(const Row& row) const { return {request_.path, row.line, 0}; }
  bool add_value(double unix_s, const Position& time_at, double value, std::string_view shown,
                 const Position& value_at, bool estimated);
  void check_regions();
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
  std::set<std::string, std::less<>> regions_;  ///< that were met
  std::uint32_t run_ = 0;
  double usual_step_s_ = 0.0;  ///< the most frequent distance of neighbours
  bool regular_ = false;       ///< all distances are multiples of it
  bool ends_stamped_ = false;
};

struct SignalFormat {
  FormatInfo info;
  /// Whether a file that begins like this (up to 64 kB, decompressed) is of this format.
  bool (*recognise)(std::string_view head) = nullptr;
  void (*read)(Input& input, SignalBuilder& builder) = nullptr;
  bool has_regions = false;  ///< whether a file may hold several, of which `region` names one
};

SignalFormat carboncast_signal();
SignalFormat csv_signal();
SignalFormat eia_930_signal();
SignalFormat eia_mix_signal();
SignalFormat electricity_maps_signal();
SignalFormat epw_signal();
SignalFormat gfs_signal();
SignalFormat neso_signal();
SignalFormat open_meteo_signal();
SignalFormat puewue_signal();
SignalFormat watttime_signal();

/// Goes to the next row that can be read, with at least so many fields; false at the end. Rows are
/// counted, bad ones are told to the builder.
bool next_row(Table& table, SignalBuilder& builder, std::size_t least_fields);

/// Times of formats whose dates are UTC where they name no offset.
class UtcTimes {
 public:
  explicit UtcTimes(SignalBuilder& builder) : builder_(builder), dates_("UTC") {}
  /// The instant of a field, none where it is no date (told to the builder).
  std::optional<double> read(std::string_view text, std::string_view column, const Position& where);

 private:
  SignalBuilder& builder_;
  DateReader dates_;
};

/// Where the header has a column of that name, given in small letters; case and the number of
/// blanks do not count.
std::optional<std::size_t> find_column(const std::vector<std::string>& header,
                                       std::string_view name);
/// Lower case of ASCII letters; all other bytes as they are.
std::string lower_case(std::string_view text);
/// The first byte that is no blank (of a JSON file the kind of its value), or NUL.
char first_byte(std::string_view head);
/// The fields of the first line, split at commas.
std::vector<std::string> header_of(std::string_view head);

}  // namespace nightwatt
