#include "traces/signals/builder.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <iterator>
#include <limits>
#include <map>
#include <utility>

#include "traces/formats/formats.hpp"
#include "traces/input.hpp"

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
/// Air is never as cold or hot as this: such a value is a mark of damage, or of another unit.
constexpr double most_celsius = 100.0;
/// Stations and weather models report a little above saturation now and then.
constexpr double most_humidity = 110.0;

std::string instant_text(double unix_s) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}",
                     fmt::gmtime(static_cast<std::time_t>(std::floor(unix_s))));
}

}  // namespace

std::vector<RuleInfo> SignalBuilder::shared_rules() {
  return {
      rule::bad_row(),
      {"order", "a row whose time lies before that of the row above it", {"error", "sort"}},
      {"duplicate_times",
       "two rows of one time (equal or not)",
       {"error", "first", "last", "mean"}},
      {"mixed_steps",
       "distances that are not all multiples of one; keep lets each value hold until the next",
       {"error", "keep"}},
      {"gap",
       "a time without a value, or rows that are missing between others; hold takes the value "
       "before, interpolate a straight line (at both ends of the file: the nearest value)",
       {"error", "hold", "interpolate"}},
  };
}

RuleInfo SignalBuilder::estimated_rule() {
  return {"estimated", "a value that the file marks as estimated", {"keep", "gap", "error"}};
}

RuleInfo SignalBuilder::below_one_rule() {
  return {"below_one", "a PUE below 1; clip sets it to 1", {"error", "clip", "gap"}};
}

RuleInfo SignalBuilder::overlap_rule() {
  return {"overlap",
          "a time of which several runs of a forecast tell; latest takes the one that stands last",
          {"latest", "earliest", "error"}};
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
                                          quote(data_.zone_name), quote(name)));
  }
}

bool SignalBuilder::region(std::string_view name) {
  if (regions_.find(name) == regions_.end()) regions_.emplace(name);
  if (!request_.region.empty()) return name == request_.region;
  return name == *regions_.begin();
}

std::string SignalBuilder::choose_column(const std::vector<std::string_view>& columns) {
  const std::string& asked = request_.column;
  const std::string first(columns.front());
  if (asked.empty()) {
    if (columns.size() > 1) {
      note(fmt::format("column assumed: {} (there are {})", first, fmt::join(columns, ", ")));
    }
    return first;
  }
  if (std::find(columns.begin(), columns.end(), asked) == columns.end()) {
    diagnostics_.error({}, fmt::format("column: expected {}, got {}{}", fmt::join(columns, " or "),
                                       quote(asked), did_you_mean(asked, columns)));
    return first;
  }
  return asked;
}

void SignalBuilder::times_in(const std::string& zone) {
  data_.time_zone = zone;
  if (!request_.zone.empty() && request_.zone != zone) {
    diagnostics_.error({}, fmt::format("zone: the times of this format are {}, got {}", zone,
                                       quote(request_.zone)));
  }
}

void SignalBuilder::times_at_offset(std::int32_t offset_s) {
  data_.utc_offset_s = offset_s;
  const std::int32_t minutes = std::abs(offset_s) / 60;
  times_in(offset_s == 0 ? "UTC"
                         : fmt::format("{}{:02}:{:02}", offset_s < 0 ? '-' : '+', minutes / 60,
                                       minutes % 60));
}

void SignalBuilder::measures(std::string column, std::string unit, const SignalUnit& meaning,
                             const Position& where) {
  data_.column = std::move(column);
  data_.unit = std::move(unit);
  data_.meaning = meaning;
  if (!request_.unit.empty()) {
    const auto given = parse_signal_unit(request_.unit);
    if (!given || given->kind != meaning.kind || given->factor != meaning.factor ||
        given->offset != meaning.offset || given->currency != meaning.currency) {
      diagnostics_.error(where, fmt::format("unit: the values of {} are in {}, got {}",
                                            quote(data_.column), data_.unit, quote(request_.unit)));
    }
  }
  if (request_.kind && *request_.kind != meaning.kind) {
    diagnostics_.error(where, fmt::format("{}: expected a unit of {}, got {}", data_.column,
                                          signal_kind_name(*request_.kind), quote(data_.unit)));
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
  double value = none;
  if (!text.empty()) {
    const auto number = parse_number(text);
    if (!number) {
      bad_row(value_at, fmt::format("{}: expected a number, got {}", data_.column, quote(text)));
      return;
    }
    value = *number;
  }
  add_value(unix_s, time_at, value, text, value_at, estimated);
}

bool SignalBuilder::add(double unix_s, const Position& time_at, double value,
                        const Position& value_at, bool estimated) {
  return add_value(unix_s, time_at, value, "", value_at, estimated);
}

bool SignalBuilder::plausible(SignalKind kind, double own, const Position& where,
                              std::string_view shown) {
  std::string expected;
  switch (kind) {
    case SignalKind::carbon:
    case SignalKind::water:
    case SignalKind::power:
      if (own < 0.0) expected = "a number >= 0";
      break;
    case SignalKind::temperature:
      if (std::abs(own) > most_celsius) expected = "a temperature of the air (-100 to 100 °C)";
      break;
    case SignalKind::humidity:
      if (own < 0.0 || own > most_humidity) expected = "a relative humidity (0 to 110 %)";
      break;
    default:
      break;
  }
  if (expected.empty()) return true;
  bad_row(where, fmt::format("{}: expected {}, got {}", data_.column, expected,
                             quote(shown.empty() ? fmt::format("{}", own) : shown)));
  return false;
}

bool SignalBuilder::add_value(double unix_s, const Position& time_at, double value,
                              std::string_view shown, const Position& value_at, bool estimated) {
  const auto text = [&] { return quote(shown.empty() ? fmt::format("{}", value) : shown); };
  if (!(unix_s >= least_unix_s && unix_s <= most_unix_s)) {
    bad_row(time_at, "time: expected a time between 1900 and 2200");
    return false;
  }
  const SignalKind kind = data_.meaning.kind;
  if (!plausible(kind, data_.meaning.in_own_unit(value), value_at, shown)) return false;
  if (kind == SignalKind::pue && value < 1.0) {
    Rule& below_one = rules_["below_one"];
    if (below_one.is("error")) {
      diagnostics_.error(value_at, fmt::format("{}: expected a PUE >= 1, got {}{}", data_.column,
                                               text(), below_one.hint()));
      return false;
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
      return false;
    }
    marked.count_adjusted();
    if (marked.is("gap")) value = none;
  }
  rows_.push_back({unix_s, value, value_at.line, run_});
  return true;
}

void SignalBuilder::mistrust(Rule& rule) {
  rows_.back().value = none;
  rows_.back().fill = &rule;
}

void SignalBuilder::put_in_order() {
  Rule& order = rules_["order"];
  for (std::size_t i = 1; i < rows_.size(); ++i) {
    if (rows_[i].unix_s >= rows_[i - 1].unix_s || rows_[i].run != rows_[i - 1].run) continue;
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
  Rule* overlap = rules_.find("overlap");
  std::size_t kept = 0;
  for (std::size_t i = 0; i < rows_.size();) {
    std::size_t next = i + 1;
    std::size_t first = i;  // of those that count
    for (; next < rows_.size() && rows_[next].unix_s == rows_[i].unix_s; ++next) {
      const bool other_run = rows_[next].run != rows_[next - 1].run && overlap != nullptr;
      Rule& decides = other_run ? *overlap : duplicates;
      if (decides.is("error")) {
        diagnostics_.error(at(rows_[next]), fmt::format("time: {} stands in line {}, too{}",
                                                        instant_text(rows_[next].unix_s),
                                                        rows_[i].line, decides.hint()));
      }
      decides.count_skipped();
      if (other_run && overlap->is("latest")) first = next;
    }
    // The rows of the earliest run stand first, since the order is stable.
    std::size_t last = first;
    while (last + 1 < next && rows_[last + 1].run == rows_[first].run) ++last;
    Row row = duplicates.is("last") ? rows_[last] : rows_[first];
    if (duplicates.is("mean") && last > first) {
      row.value = 0.0;
      for (std::size_t k = first; k <= last; ++k) row.value += rows_[k].value;
      row.value /= static_cast<double>(last - first + 1);
    }
    rows_[kept++] = row;
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
  if (regular_) return;
  Rule& mixed = rules_["mixed_steps"];
  const auto odd = static_cast<std::uint64_t>(intervals) - usual->second;
  mixed.count_adjusted(odd);
  if (mixed.is("error")) {
    const auto first = std::adjacent_find(
        rows_.begin(), rows_.end(),
        [&](const Row& a, const Row& b) { return b.unix_s - a.unix_s != usual_step_s_; });
    diagnostics_.error(
        at(*(first + 1)),
        fmt::format("time: expected a step of {} s as in most rows, got {} s up to {} ({} of {} "
                    "steps differ){}",
                    usual_step_s_, (first + 1)->unix_s - first->unix_s,
                    instant_text((first + 1)->unix_s), odd, static_cast<std::uint64_t>(intervals),
                    mixed.hint()));
  } else {
    note(fmt::format("the steps are of different lengths: {} of {} are not {} s", odd,
                     static_cast<std::uint64_t>(intervals), usual_step_s_));
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
    const bool open = from == rows_.begin() || to == rows_.end();
    const Row before = from == rows_.begin() ? *to : *(from - 1);
    const Row after = to == rows_.end() ? before : *to;
    for (; from != to; ++from) {
      Rule& rule = from->fill != nullptr ? *from->fill : gap;
      rule.count_adjusted();
      if (rule.is("error")) {
        diagnostics_.error(at(*from), fmt::format("{}: no value at {}{}", data_.column,
                                                  instant_text(from->unix_s), rule.hint()));
      }
      const double share = (from->unix_s - before.unix_s) / (after.unix_s - before.unix_s);
      from->value = rule.is("interpolate") && !open
                        ? before.value + share * (after.value - before.value)
                        : before.value;
      data_.filled.push_back(static_cast<std::size_t>(from - rows_.begin()));
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

void SignalBuilder::check_regions() {
  if (regions_.empty()) return;
  const std::vector<std::string_view> names(regions_.begin(), regions_.end());
  const std::string& asked = request_.region;
  if (asked.empty() && names.size() > 1) {
    diagnostics_.error({request_.path, 0, 0},
                       fmt::format("region: the file holds {} ({}); name one", names.size(),
                                   fmt::join(names, ", ")));
  } else if (!asked.empty() && regions_.count(asked) == 0) {
    const std::string hint = did_you_mean(asked, names);
    diagnostics_.error(
        {request_.path, 0, 0},
        fmt::format("region: the file does not hold {}{}", quote(asked),
                    hint.empty() ? fmt::format(" (there are {})", fmt::join(names, ", ")) : hint));
  } else {
    data_.zone_name = asked.empty() ? names.front() : asked;
  }
}

SignalData SignalBuilder::finish(Input& input) {
  check_regions();
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

bool next_row(Table& table, SignalBuilder& builder, std::size_t least_fields) {
  while (table.next()) {
    builder.count_row();
    if (!table.fault().empty()) {
      builder.bad_row(table.position(table.fault_field()), table.fault());
    } else if (table.size() < least_fields) {
      builder.bad_row(table.row_position(), fmt::format("expected at least {} fields, got {}",
                                                        least_fields, table.size()));
    } else {
      return true;
    }
  }
  return false;
}

std::optional<double> UtcTimes::read(std::string_view text, std::string_view column,
                                     const Position& where) {
  double unix_s = 0.0;
  if (dates_.read(text, unix_s) == DateReader::Result::ok) return unix_s;
  builder_.bad_row(where, fmt::format("{}: expected a date and time such as '2022-01-01 00:00:00', "
                                      "got {}",
                                      column, quote(text)));
  return {};
}

std::optional<std::size_t> find_column(const std::vector<std::string>& header,
                                       std::string_view name) {
  for (std::size_t i = 0; i < header.size(); ++i) {
    std::string plain = lower_case(header[i]);
    const auto both_blank = [](char a, char b) { return a == ' ' && b == ' '; };
    plain.erase(std::unique(plain.begin(), plain.end(), both_blank), plain.end());
    if (plain == name) return i;
  }
  return {};
}

char first_byte(std::string_view head) {
  const std::size_t at = head.find_first_not_of(" \t\r\n");
  return at == std::string_view::npos ? '\0' : head[at];
}

std::vector<std::string> header_of(std::string_view head) {
  try {
    Input input = Input::from_memory("", first_line(head));
    return Table(input).header();
  } catch (const InputError&) {
    return {};
  }
}

void SignalBuilder::fail(const InputError& last) {
  diagnostics_.append(last);
  diagnostics_.throw_if_any();
  throw last;
}

}  // namespace nightwatt
