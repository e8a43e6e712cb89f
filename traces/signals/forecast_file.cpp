#include "traces/signals/forecast_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <utility>

#include "traces/datetime.hpp"
#include "traces/diagnostics.hpp"
#include "traces/signals/builder.hpp"
#include "traces/table.hpp"

namespace nightwatt {
namespace {

struct Columns {
  std::optional<std::size_t> issue;  ///< none = blocks
  std::size_t time = 0, value = 0;
};

/// The column of that name, also where a unit in brackets follows it.
std::optional<std::size_t> find_value(const std::vector<std::string>& header,
                                      const std::string& name) {
  for (std::size_t i = 0; i < header.size(); ++i) {
    if (header[i] == name || header[i].starts_with(name + " (")) return i;
  }
  return {};
}

/// "gCO2e/kWh" of "value (gCO2e/kWh)", or "".
std::string unit_in_brackets(const std::string& column) {
  const std::size_t open = column.rfind('(');
  if (open == std::string::npos || column.back() != ')') return {};
  return column.substr(open + 1, column.size() - open - 2);
}

class Reader {
 public:
  Reader(const ForecastRequest& request, Input& input)
      : request_(request), input_(input), table_(input) {}

  ForecastData read() {
    const Columns columns = find_columns();
    read_meaning(columns);
    faults_.throw_if_any();
    DateReader dates(columns.issue ? request_.zone : "UTC");
    std::map<double, std::map<double, double>> issues;
    double block_s = 0.0, before_s = -1e300;
    while (table_.next()) {
      ++out_.report.rows;
      if (!table_.fault().empty()) {
        faults_.error(table_.position(table_.fault_field()), table_.fault());
        continue;
      }
      const std::optional<double> target_s = time(dates, columns.time);
      if (!target_s) continue;
      if (!columns.issue && *target_s <= before_s) before_s = -1e300;
      if (before_s == -1e300) {
        block_s = *target_s;
        // Of two blocks that begin alike the later one counts.
        if (!columns.issue) repeated_ += issues.erase(block_s);
      }
      before_s = *target_s;
      const std::optional<double> issued_s =
          columns.issue ? time(dates, *columns.issue) : std::optional(block_s);
      if (!issued_s) continue;
      const std::string_view text = table_[columns.value];
      if (text.empty()) {
        ++missing_;
        continue;
      }
      const std::optional<double> value = parse_number(text);
      const bool carbon = request_.kind == SignalKind::carbon;
      if (!value || (carbon && *value < 0.0)) {
        faults_.error(table_.position(columns.value),
                      fmt::format("{}: expected a number{}, got {}", table_.header()[columns.value],
                                  carbon ? " >= 0" : "", quote(text)));
        continue;
      }
      if (!issues[*issued_s].emplace(*target_s, *value).second) {
        faults_.error(
            table_.position(columns.time),
            fmt::format("{}: the same issue has this time twice", table_.header()[columns.time]));
      }
    }
    if (issues.empty() && faults_.empty()) {
      faults_.error({request_.path, std::max<std::uint64_t>(table_.header_line(), 1), 0},
                    "expected at least one forecast, got none");
    }
    faults_.throw_if_any();
    lay_out(issues);
    return std::move(out_);
  }

 private:
  Columns find_columns() {
    Columns columns;
    const std::vector<std::string>& header = table_.header();
    std::optional<std::size_t> forecast;
    for (std::size_t i = 0; i < header.size(); ++i) {
      const std::string name = lower_case(header[i]);
      if (name.starts_with("forecasted_") && name.find("carbon_intensity") != std::string::npos) {
        forecast = i;
      }
    }
    const auto utc = find_column(header, "utc time");
    const bool carboncast =
        request_.format == "carboncast" || (request_.format == "auto" && forecast && utc);
    out_.report.format = carboncast ? "carboncast" : "csv";
    const Position top{request_.path, std::max<std::uint64_t>(table_.header_line(), 1), 0};
    const auto need = [&](std::optional<std::size_t> column, const std::string& name) {
      if (!column) faults_.error(top, name + ": the header has no such column");
      return column.value_or(0);
    };
    if (carboncast) {
      columns.time = need(utc, "UTC time");
      columns.value = need(forecast, "forecasted_carbon_intensity");
    } else {
      columns.issue = need(table_.find(request_.issue_column), request_.issue_column);
      columns.time = need(table_.find(request_.time_column), request_.time_column);
      columns.value = need(find_value(header, request_.column), request_.column);
    }
    faults_.throw_if_any();
    return columns;
  }

  void read_meaning(const Columns& columns) {
    const std::string& column = table_.header()[columns.value];
    const bool carboncast = !columns.issue;
    std::string unit = carboncast ? "gCO2e/kWh" : unit_in_brackets(column);
    if (!request_.unit.empty()) unit = request_.unit;
    const auto meaning = parse_signal_unit(unit);
    const Position top{request_.path, std::max<std::uint64_t>(table_.header_line(), 1), 0};
    if (unit.empty()) {
      faults_.error(top,
                    fmt::format("{}: expected a unit in brackets in its name, or 'unit'", column));
    } else if (!meaning || meaning->kind != request_.kind) {
      faults_.error(top, fmt::format("{}: expected the unit of a {}, got {}", column,
                                     signal_kind_name(request_.kind), quote(unit)));
    } else {
      out_.meaning = *meaning;
    }
    if (request_.kind != SignalKind::carbon) return;
    const std::string name = lower_case(column);
    if (name.find("lifecycle") != std::string::npos) out_.basis = CarbonBasis::lifecycle;
    if (name.find("direct") != std::string::npos) out_.basis = CarbonBasis::direct;
    if (name.find("marginal") != std::string::npos) out_.basis = CarbonBasis::marginal;
  }

  /// A date, or seconds since 1970.
  std::optional<double> time(DateReader& dates, std::size_t column) {
    const std::string_view text = table_[column];
    const auto refuse = [&](const std::string& expected) {
      faults_.error(
          table_.position(column),
          fmt::format("{}: expected {}, got {}", table_.header()[column], expected, quote(text)));
      return std::optional<double>();
    };
    double unix_s = 0.0;
    if (const std::optional<double> number = parse_number(text)) {
      unix_s = *number;
    } else {
      switch (dates.read(text, unix_s)) {
        case DateReader::Result::not_a_date:
          return refuse("a date with its time");
        case DateReader::Result::needs_zone:
          return refuse("a date with its offset, or 'zone'");
        default:
          break;
      }
    }
    // The years 1900 to 2200.
    if (!(unix_s >= -2208988800.0 && unix_s <= 7258118400.0)) {
      return refuse("a time between 1900 and 2200");
    }
    return unix_s;
  }

  void lay_out(const std::map<double, std::map<double, double>>& issues) {
    std::map<double, std::uint64_t> distances;
    for (const auto& [issued_s, values] : issues) {
      ForecastIssue issue;
      issue.issued_unix_s = issued_s;
      for (const auto& [target_s, value] : values) {
        if (!issue.times_unix_s.empty()) ++distances[target_s - issue.times_unix_s.back()];
        issue.times_unix_s.push_back(target_s);
        issue.values.push_back(value);
      }
      out_.issues.push_back(std::move(issue));
    }
    out_.step_s = 3600.0;
    std::uint64_t most = 0;
    for (const auto& [distance, count] : distances) {
      if (count > most) {
        most = count;
        out_.step_s = distance;
      }
    }
    if (most == 0) {
      out_.report.notes.push_back("forecasts of one time each: a value is taken to hold an hour");
    }
    if (out_.step_s < 1.0) {
      throw InputError(
          Diagnostic{{request_.path, 0, 0}, "expected times that lie at least a second apart"});
    }
    out_.report.path = request_.path;
    out_.report.sha256 = input_.sha256();
    if (repeated_ > 0) {
      out_.report.adjusted.push_back({"repeated_issue", "the later block", repeated_});
    }
    if (missing_ > 0) {
      out_.report.skipped.push_back({"missing_value", "left out", missing_});
    }
  }

  const ForecastRequest& request_;
  Input& input_;
  Table table_;
  Diagnostics faults_;
  ForecastData out_;
  std::uint64_t missing_ = 0, repeated_ = 0;
};

}  // namespace

ForecastData read_forecasts(const ForecastRequest& request, Input& input) {
  return Reader(request, input).read();
}

ForecastData read_forecasts(const ForecastRequest& request) {
  Input input = Input::open(request.path,
                            request.resolved_path.empty() ? request.path : request.resolved_path);
  return read_forecasts(request, input);
}

}  // namespace nightwatt
