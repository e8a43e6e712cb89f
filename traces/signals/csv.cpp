#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>

#include "traces/formats/formats.hpp"
#include "traces/signals/builder.hpp"

namespace nightwatt {
namespace {

/// Names that a time column goes by, in small letters, with and without "(utc)" behind.
constexpr std::array<std::string_view, 9> time_names{"datetime",  "timestamp", "time",
                                                     "utc time",  "utc_time",  "date",
                                                     "date_time", "date time", "datetime_utc"};

/// Numbers above this are milliseconds, below it seconds since 1970 (the year 5138, or March 1973).
constexpr double least_milliseconds = 1e11;
constexpr double least_epoch_s = 1e8;

bool is_time_name(std::string_view name) {
  std::string lower = lower_case(name);
  for (const std::string_view utc : {" (utc)", " [utc]"}) {
    if (lower.ends_with(utc)) lower.resize(lower.size() - utc.size());
  }
  return std::find(time_names.begin(), time_names.end(), lower) != time_names.end();
}

/// The delimiter that the first line has most of; a comma where it has none.
char delimiter_of(std::string_view line) {
  char best = ',';
  for (const char candidate : {';', '\t', '|'}) {
    if (std::count(line.begin(), line.end(), candidate) >
        std::count(line.begin(), line.end(), best)) {
      best = candidate;
    }
  }
  return best;
}

std::vector<std::string> fields_of(std::string_view line) {
  Input input = Input::from_memory("", line);
  Table table(input, {.delimiter = delimiter_of(line)});
  return table.header();
}

bool recognise(std::string_view head) {
  try {
    const auto fields = fields_of(first_line(head));
    return std::any_of(fields.begin(), fields.end(), is_time_name);
  } catch (const InputError&) {
    return false;
  }
}

/// "USD/MWh" of "Price (USD/MWh)" or "price [USD/MWh]"; "" where the name has none.
std::string unit_in_name(std::string_view name) {
  for (const auto& [open, close] : {std::pair{'(', ')'}, std::pair{'[', ']'}}) {
    const std::size_t end = name.rfind(close);
    const std::size_t begin = name.rfind(open, end);
    if (end == std::string_view::npos || begin == std::string_view::npos) continue;
    const std::string_view inside = name.substr(begin + 1, end - begin - 1);
    if (parse_signal_unit(inside)) return std::string(inside);
  }
  return {};
}

/// "#3" is the third column: 2.
std::optional<std::size_t> number_of(std::string_view reference) {
  if (!reference.starts_with('#')) return {};
  const auto number = parse_whole(reference.substr(1));
  if (!number || *number < 1 || *number > 100'000) return {};
  return static_cast<std::size_t>(*number - 1);
}

/// Finds the columns; faults are noted.
class Columns {
 public:
  Columns(const SignalRequest& request, const Table& table, Diagnostics& faults)
      : request_(request), table_(table), faults_(faults) {
    top_ = {request.path, std::max<std::uint64_t>(table.header_line(), 1), 0};
    time = request.time_column.empty() ? usual_time() : named("time_column", request.time_column);
    value = request.column.empty() ? other() : named("column", request.column);
    if (faults_.empty() && time == value) {
      faults_.error(top_, "column: the time and the value are asked from one column");
    }
  }

  std::size_t time = 0, value = 0;

  [[nodiscard]] std::string name(std::size_t index) const {
    return index < table_.header().size() && !table_.header()[index].empty()
               ? table_.header()[index]
               : fmt::format("#{}", index + 1);
  }
  [[nodiscard]] const Position& top() const { return top_; }

 private:
  std::size_t named(const char* key, const std::string& reference) {
    if (const auto index = table_.find(reference)) return *index;
    if (const auto number = number_of(reference)) return *number;
    const auto& header = table_.header();
    const std::string hint = did_you_mean(reference, {header.begin(), header.end()});
    faults_.error(top_, fmt::format("{}: the header has no column {}{}", key, quote(reference),
                                    hint.empty() ? listed() : hint));
    return 0;
  }

  std::size_t usual_time() {
    const auto& header = table_.header();
    std::optional<std::size_t> found;
    for (std::size_t i = 0; i < header.size(); ++i) {
      if (!is_time_name(header[i])) continue;
      if (found) {
        faults_.error(top_, fmt::format("time_column: both {} and {} may be meant; name one",
                                        quote(header[*found]), quote(header[i])));
        return 0;
      }
      found = i;
    }
    if (!found) {
      faults_.error(top_,
                    "time_column: no column has a usual name for a time; name one" + listed());
    }
    return found.value_or(0);
  }

  std::size_t other() {
    if (table_.header().size() == 2) return 1 - std::min<std::size_t>(time, 1);
    faults_.error(top_, "column: which column holds the values? Name it" + listed());
    return 0;
  }

  [[nodiscard]] std::string listed() const {
    std::vector<std::string> names;
    for (const std::string& one : table_.header()) names.push_back(quote(one));
    return fmt::format(" (there are {})", fmt::join(names, ", "));
  }

  const SignalRequest& request_;
  const Table& table_;
  Diagnostics& faults_;
  Position top_;
};

/// Times of the file: dates with or without offset, or numbers since 1970.
class Times {
 public:
  Times(SignalBuilder& builder, std::string zone)
      : builder_(builder),
        dates_(zone),
        repeated_(builder.rule("repeated_hour")),
        missing_(builder.rule("missing_hour")) {}

  /// The instant of a field, none where it is a fault (noted).
  std::optional<double> read(std::string_view text, const std::string& column,
                             const Position& where) {
    if (const auto number = parse_number(text)) {
      if (*number >= least_milliseconds) return *number / 1e3;
      if (*number >= least_epoch_s) return *number;
    }
    double unix_s = 0.0;
    switch (dates_.read(text, unix_s)) {
      case DateReader::Result::ok:
        return unix_s;
      case DateReader::Result::needs_zone:
        // Once is enough: without a zone no row can be read.
        throw InputError(Diagnostic{
            where,
            fmt::format("{}: expected a date with its offset from UTC, got {}; say zone: UTC, "
                        "or the zone in which it is written",
                        column, quote(text))});
      case DateReader::Result::twice:
        return twice(text, unix_s, column, where);
      case DateReader::Result::never:
        if (missing_.is("error")) {
          builder_.diagnostics().error(
              where, fmt::format("{}: {} does not exist in this zone (clocks go forward){}", column,
                                 quote(text), missing_.hint()));
          return {};
        }
        missing_.count_adjusted();
        return unix_s;
      default:
        builder_.bad_row(where,
                         fmt::format("{}: expected a date and time such as '2022-01-01 00:00:00Z', "
                                     "or seconds or milliseconds since 1970, got {}",
                                     column, quote(text)));
        return {};
    }
  }

 private:
  std::optional<double> twice(std::string_view text, double first_s, const std::string& column,
                              const Position& where) {
    if (repeated_.is("error")) {
      builder_.diagnostics().error(
          where, fmt::format("{}: {} exists twice in this zone (clocks go back){}", column,
                             quote(text), repeated_.hint()));
      return {};
    }
    repeated_.count_adjusted();
    if (repeated_.is("first")) return first_s;
    if (repeated_.is("second")) return dates_.second_s();
    // In order: times ascend in the file, so the one that comes back is the second.
    const bool again = first_s <= last_first_s_;
    last_first_s_ = std::max(last_first_s_, first_s);
    return again ? dates_.second_s() : first_s;
  }

  SignalBuilder& builder_;
  DateReader dates_;
  Rule& repeated_;
  Rule& missing_;
  double last_first_s_ = -1e300;
};

/// "1.234,56" as "1234.56".
void to_decimal_point(std::string_view text, std::string& out) {
  out.clear();
  for (const char c : text) {
    if (c != '.') out += c == ',' ? '.' : c;
  }
}

void read(Input& input, SignalBuilder& builder) {
  const SignalRequest& request = builder.request();
  Diagnostics& faults = builder.diagnostics();
  const std::string first(first_line(input.peek()));
  TableForm form{.delimiter = delimiter_of(first)};
  if (const auto time = number_of(request.time_column)) {
    // Columns are called by number: the first line is a row where a time stands in it.
    const auto fields = fields_of(first);
    form.header =
        !(*time < fields.size() && (parse_datetime(fields[*time]) || parse_number(fields[*time])));
  }
  Table table(input, form);
  if (form.header && table.header().empty()) {
    throw InputError(Diagnostic{{request.path, 0, 0}, "the file has no rows"});
  }
  const Columns columns(request, table, faults);
  faults.throw_if_any();

  const std::string name = columns.name(columns.value);
  std::string unit = unit_in_name(name);
  if (unit.empty()) unit = request.unit;
  if (unit.empty() && request.kind == SignalKind::pue) unit = "1";
  const auto meaning = parse_signal_unit(unit);
  if (!meaning) {
    throw InputError(Diagnostic{
        columns.top(), fmt::format("unit: expected a unit such as {} for column {}, got {}",
                                   request.kind == SignalKind::power
                                       ? "'W', 'kW' or 'MW'"
                                       : "'gCO2e/kWh', 'USD/MWh', 'EUR/kWh' or '1' (PUE)",
                                   quote(name), unit.empty() ? "none" : quote(unit))});
  }
  builder.measures(name, unit, *meaning, columns.top());
  faults.throw_if_any();
  if (builder.rule("stamp").is("end")) builder.ends_stamped();

  // A column that says UTC in its name needs no zone.
  const std::string time_name = columns.name(columns.time);
  const bool says_utc = lower_case(time_name).find("utc") != std::string::npos;
  const std::string zone = request.zone.empty() && says_utc ? "UTC" : request.zone;
  builder.times_in(zone.empty() ? "the offset of each row" : zone);
  Times times(builder, zone);
  const bool decimal_comma = builder.rule("decimal").is("comma");
  std::string rewritten;
  while (next_row(table, builder, std::max(columns.time, columns.value) + 1)) {
    const auto unix_s = times.read(table[columns.time], time_name, table.position(columns.time));
    if (!unix_s) continue;
    std::string_view value = table[columns.value];
    if (decimal_comma) {
      to_decimal_point(value, rewritten);
      value = rewritten;
    } else if (value.find(',') != std::string_view::npos) {
      builder.bad_row(
          table.position(columns.value),
          fmt::format("{}: expected a number, got {}; rule decimal: comma would read it "
                      "as a decimal comma",
                      name, quote(value)));
      continue;
    }
    builder.add(*unix_s, table.position(columns.time), value, table.position(columns.value));
  }
}

}  // namespace

SignalFormat csv_signal() {
  FormatInfo info;
  info.name = "csv";
  info.summary = "any CSV with a time and a value column (time_column, column, unit, zone)";
  info.source = "docs/formats/signals.md";
  info.seen_in_wild = true;
  info.rules = {
      {"stamp", "which end of its step a row's time is", {"start", "end"}},
      {"repeated_hour",
       "a local time that exists twice when daylight saving time ends; in_order takes the row that "
       "comes later for the second",
       {"in_order", "first", "second", "error"}},
      rule::missing_hour(),
      {"decimal",
       "what separates the decimals of values; with comma, points between thousands are left out",
       {"point", "comma"}},
  };
  for (RuleInfo& shared : SignalBuilder::shared_rules()) info.rules.push_back(std::move(shared));
  info.rules.push_back(SignalBuilder::below_one_rule());
  return {std::move(info), recognise, read};
}

}  // namespace nightwatt
