#include "traces/signals/builder.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <map>
#include <utility>

namespace nightwatt {
namespace {

constexpr double none = std::numeric_limits<double>::quiet_NaN();
/// Instants outside the years 1900 to 2200 are taken for damage.
constexpr double least_unix_s = -2.2e9;
constexpr double most_unix_s = 7.3e9;
/// Gaps may add this many times the rows that there are (and a year of hours), else a single wrong
/// date would fill the memory.
constexpr double most_added = 10.0;
constexpr double always_added = 8784.0;
/// A series is regular, with gaps, where at least this share of the distances is the usual one.
constexpr double regular_share = 0.9;

std::string instant_text(double unix_s) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}",
                     fmt::gmtime(static_cast<std::time_t>(std::floor(unix_s))));
}

}  // namespace

std::vector<RuleInfo> SignalBuilder::shared_rules() {
  return {
      rule::bad_row(),
      {"order", "a row whose time lies before that of the row above it", {"sort", "error"}},
      {"duplicate_times",
       "two rows of one time (equal or not)",
       {"error", "first", "last", "mean"}},
      {"gap",
       "a time without a value, or rows that are missing between others; hold takes the value "
       "before, interpolate a straight line (at both ends of the file: the nearest value)",
       {"error", "hold", "interpolate"}},
      {"below_one", "a PUE below 1; clip sets it to 1", {"error", "clip", "gap"}},
      {"estimated", "a value that the file marks as estimated", {"keep", "gap", "error"}},
  };
}

SignalBuilder::SignalBuilder(const SignalRequest& request, FormatInfo format)
    : request_(request),
      format_(std::move(format)),
      rules_(format_.rules, request_.rules, diagnostics_) {
  diagnostics_.throw_if_any();
}

void SignalBuilder::zone_name(std::string_view name, const Position& where) {
  if (name.empty() || name == data_.zone_name) return;
  if (data_.zone_name.empty()) {
    data_.zone_name = name;
  } else {
    diagnostics_.error(where, fmt::format("zone: the file begins with {}, here stands {}; a series "
                                          "is of one zone",
                                          quoted(data_.zone_name), quoted(name)));
  }
}

void SignalBuilder::measures(std::string column, std::string unit, const SignalUnit& meaning,
                             const Position& where) {
  data_.column = std::move(column);
  data_.unit = std::move(unit);
  data_.meaning = meaning;
  if (request_.kind && *request_.kind != meaning.kind) {
    diagnostics_.error(where, fmt::format("{}: expected a unit of {}, got {}", data_.column,
                                          signal_kind_name(*request_.kind), quoted(data_.unit)));
  }
}

void SignalBuilder::bad_row(const Position& where, const std::string& message) {
  Rule& bad = rules_["bad_row"];
  if (bad.is("error")) {
    diagnostics_.error(where, message);
  } else {
    bad.count_skipped();
  }
}

void SignalBuilder::add(double unix_s, const Position& time_at, std::string_view text,
                        const Position& value_at, bool estimated) {
  if (!(unix_s >= least_unix_s && unix_s <= most_unix_s)) {
    bad_row(time_at, "time: expected a time between 1900 and 2200");
    return;
  }
  double value = none;
  if (!text.empty()) {
    const auto number = parse_number(text);
    if (!number) {
      bad_row(value_at, fmt::format("{}: expected a number, got {}", data_.column, quoted(text)));
      return;
    }
    value = *number;
    if (data_.meaning.kind == SignalKind::carbon && value < 0.0) {
      bad_row(value_at,
              fmt::format("{}: expected a number >= 0, got {}", data_.column, quoted(text)));
      return;
    }
  }
  if (data_.meaning.kind == SignalKind::pue && value < 1.0) {
    Rule& below_one = rules_["below_one"];
    if (below_one.is("error")) {
      diagnostics_.error(value_at, fmt::format("{}: expected a PUE >= 1, got {}{}", data_.column,
                                               quoted(text), below_one.hint()));
      return;
    }
    below_one.count_adjusted();
    value = below_one.is("clip") ? 1.0 : none;
  }
  if (estimated) {
    ++data_.estimated;
    Rule& marked = rules_["estimated"];
    if (marked.is("error")) {
      diagnostics_.error(value_at,
                         fmt::format("{}: the value is estimated{}", data_.column, marked.hint()));
      return;
    }
    marked.count_adjusted();
    if (marked.is("gap")) value = none;
  }
  rows_.push_back({unix_s, value, value_at.line});
}

void SignalBuilder::put_in_order() {
  Rule& order = rules_["order"];
  for (std::size_t i = 1; i < rows_.size(); ++i) {
    if (rows_[i].unix_s >= rows_[i - 1].unix_s) continue;
    if (order.is("error")) {
      diagnostics_.error(
          at(rows_[i]),
          fmt::format("time: {} comes after {} of line {}{}", instant_text(rows_[i].unix_s),
                      instant_text(rows_[i - 1].unix_s), rows_[i - 1].line, order.hint()));
    }
    order.count_adjusted();
  }
  std::stable_sort(rows_.begin(), rows_.end(),
                   [](const Row& a, const Row& b) { return a.unix_s < b.unix_s; });
}

void SignalBuilder::drop_duplicates() {
  Rule& duplicates = rules_["duplicate_times"];
  std::size_t kept = 0;
  for (std::size_t i = 0; i < rows_.size();) {
    std::size_t next = i + 1;
    double sum = rows_[i].value;
    for (; next < rows_.size() && rows_[next].unix_s == rows_[i].unix_s; ++next) {
      if (duplicates.is("error")) {
        diagnostics_.error(at(rows_[next]), fmt::format("time: {} stands in line {}, too{}",
                                                        instant_text(rows_[next].unix_s),
                                                        rows_[i].line, duplicates.hint()));
      }
      duplicates.count_skipped();
      sum += rows_[next].value;
    }
    rows_[kept] = duplicates.is("last") ? rows_[next - 1] : rows_[i];
    if (duplicates.is("mean")) rows_[kept].value = sum / static_cast<double>(next - i);
    ++kept;
    i = next;
  }
  rows_.resize(kept);
}

void SignalBuilder::find_step() {
  std::map<double, std::size_t> counts;
  for (std::size_t i = 1; i < rows_.size(); ++i) ++counts[rows_[i].unix_s - rows_[i - 1].unix_s];
  const auto usual =
      std::max_element(counts.begin(), counts.end(),
                       [](const auto& a, const auto& b) { return a.second < b.second; });
  usual_step_s_ = usual->first;
  const auto intervals = static_cast<double>(rows_.size() - 1);
  regular_ = static_cast<double>(usual->second) >= regular_share * intervals &&
             std::all_of(counts.begin(), counts.end(), [&](const auto& one) {
               return std::fmod(one.first, usual_step_s_) == 0.0;
             });
  if (!regular_) {
    note(fmt::format("the steps are of different lengths: {} of {} are not {} s",
                     static_cast<std::size_t>(intervals) - usual->second,
                     static_cast<std::size_t>(intervals), usual_step_s_));
  }
}

/// Gives every time without a value one, and every missing row of a regular series.
void SignalBuilder::fill_gaps() {
  Rule& gap = rules_["gap"];
  if (regular_) {
    double added = 0.0;
    std::vector<Row> all;
    all.reserve(rows_.size());
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      if (i > 0) {
        const double missing = (rows_[i].unix_s - rows_[i - 1].unix_s) / usual_step_s_ - 1.0;
        added += missing;
        const bool too_many = added > most_added * static_cast<double>(rows_.size()) + always_added;
        if (missing > 0.0 && (gap.is("error") || too_many)) {
          diagnostics_.error(
              at(rows_[i]),
              fmt::format("time: {} {} missing between {} and {}{}", missing,
                          missing == 1.0 ? "row is" : "rows are", instant_text(rows_[i - 1].unix_s),
                          instant_text(rows_[i].unix_s), gap.hint()));
          if (too_many) diagnostics_.throw_if_any();
        } else {
          for (double k = 1.0; k <= missing; ++k) {
            all.push_back({rows_[i - 1].unix_s + k * usual_step_s_, none, rows_[i].line});
          }
        }
      }
      all.push_back(rows_[i]);
    }
    rows_ = std::move(all);
  }
  const auto known = [](const Row& row) { return !std::isnan(row.value); };
  if (std::none_of(rows_.begin(), rows_.end(), known)) {
    diagnostics_.error({request_.path, 0, 0}, fmt::format("{}: no row has a value", data_.column));
    return;
  }
  for (auto from = std::find_if_not(rows_.begin(), rows_.end(), known); from != rows_.end();
       from = std::find_if_not(from, rows_.end(), known)) {
    const auto to = std::find_if(from, rows_.end(), known);
    gap.count_adjusted(static_cast<std::uint64_t>(to - from));
    if (gap.is("error")) {
      for (; from != to; ++from) {
        diagnostics_.error(at(*from), fmt::format("{}: no value at {}{}", data_.column,
                                                  instant_text(from->unix_s), gap.hint()));
      }
      continue;
    }
    const bool open = from == rows_.begin() || to == rows_.end();
    const Row before = from == rows_.begin() ? *to : *(from - 1);
    const Row after = to == rows_.end() ? before : *to;
    for (; from != to; ++from) {
      const double share = (from->unix_s - before.unix_s) / (after.unix_s - before.unix_s);
      from->value = gap.is("interpolate") && !open
                        ? before.value + share * (after.value - before.value)
                        : before.value;
    }
  }
}

void SignalBuilder::lay_out() {
  data_.values.reserve(rows_.size());
  for (const Row& row : rows_) data_.values.push_back(row.value);
  data_.start_unix_s = rows_.front().unix_s - (ends_stamped_ ? usual_step_s_ : 0.0);
  if (regular_) {
    data_.step_s = usual_step_s_;
    return;
  }
  // The end of the last step (or the begin of the first) is not in the file: the usual length.
  if (ends_stamped_) data_.times_unix_s.push_back(data_.start_unix_s);
  for (const Row& row : rows_) data_.times_unix_s.push_back(row.unix_s);
  if (!ends_stamped_) data_.times_unix_s.push_back(rows_.back().unix_s + usual_step_s_);
}

SignalData SignalBuilder::finish(Input& input) {
  diagnostics_.throw_if_any();
  put_in_order();
  drop_duplicates();
  if (rows_.size() < 2) {
    diagnostics_.error({request_.path, 0, 0},
                       fmt::format("expected at least two rows with a time, got {}: one alone does "
                                   "not say how long it holds",
                                   rows_.size()));
  }
  diagnostics_.throw_if_any();
  find_step();
  fill_gaps();
  diagnostics_.throw_if_any();
  lay_out();
  data_.report.path = request_.path;
  data_.report.format = format_.name;
  data_.report.sha256 = input.sha256();
  rules_.fill(data_.report);
  return std::move(data_);
}

void SignalBuilder::fail(const InputError& last) {
  diagnostics_.append(last);
  diagnostics_.throw_if_any();
  throw last;
}

}  // namespace nightwatt
