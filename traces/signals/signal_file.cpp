#include "traces/signals/signal_file.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <stdexcept>

#include "traces/formats/formats.hpp"
#include "traces/signals/builder.hpp"

namespace nightwatt {
namespace {

/// Every signal format, sorted by name. `auto` asks csv last, since it takes much for its own.
const std::vector<SignalFormat>& formats() {
  static const std::vector<SignalFormat> all = [] {
    std::vector<SignalFormat> list = {
        carboncast_signal(),       csv_signal(),    eia_930_signal(), eia_mix_signal(),
        electricity_maps_signal(), epw_signal(),    gfs_signal(),     neso_signal(),
        open_meteo_signal(),       puewue_signal(), watttime_signal()};
    std::sort(list.begin(), list.end(), [](const SignalFormat& a, const SignalFormat& b) {
      return a.info.name < b.info.name;
    });
    return list;
  }();
  return all;
}

std::vector<std::string_view> names() {
  std::vector<std::string_view> list;
  for (const SignalFormat& format : formats()) list.push_back(format.info.name);
  return list;
}

const SignalFormat& format_of(const SignalRequest& request, Input& input) {
  if (request.format == "auto" || request.format.empty()) {
    const SignalFormat* found = nullptr;
    for (const SignalFormat& format : formats()) {
      const bool generic = format.info.name == "csv";
      if ((generic && found == nullptr &&
           (!request.column.empty() || !request.time_column.empty() ||
            format.recognise(input.peek()))) ||
          (!generic && format.recognise(input.peek()))) {
        found = &format;
      }
    }
    if (found != nullptr) return *found;
    throw InputError(Diagnostic{
        {request.path, 0, 0},
        fmt::format("format: the content is none of the signal formats ({}); it begins with {}. "
                    "Name the format, or the columns of a CSV file",
                    fmt::join(names(), ", "), quote(first_line(input.peek())))});
  }
  for (const SignalFormat& format : formats()) {
    if (format.info.name == request.format) return format;
  }
  const std::string hint = did_you_mean(request.format, names());
  throw InputError(
      fmt::format("format: unknown signal format {}{}", quote(request.format),
                  hint.empty() ? fmt::format("; known are {}", fmt::join(names(), ", ")) : hint));
}

}  // namespace

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

SignalData read_signal(const SignalRequest& request) {
  Input input = Input::open(request.path,
                            request.resolved_path.empty() ? request.path : request.resolved_path);
  return read_signal(request, input);
}

SignalData read_signal(const SignalRequest& request, Input& input) {
  const SignalFormat& format = format_of(request, input);
  Diagnostics faults;
  const auto only_for = [&](const std::string& value, const char* key, bool takes_it) {
    if (!value.empty() && !takes_it) {
      faults.error({}, fmt::format("{}: format {} does not take it, got {}", key, format.info.name,
                                   quote(value)));
    }
  };
  only_for(request.time_column, "time_column", format.info.name == "csv");
  only_for(request.region, "region", format.has_regions);
  faults.throw_if_any();
  SignalBuilder builder(request, format.info);
  try {
    format.read(input, builder);
  } catch (const InputError& error) {
    builder.fail(error);
  }
  return builder.finish(input);
}

std::vector<FormatInfo> signal_formats() {
  std::vector<FormatInfo> infos;
  for (const SignalFormat& format : formats()) infos.push_back(format.info);
  return infos;
}

double SignalData::end_unix_s() const { return begin_unix_s(values.size()); }

double SignalData::begin_unix_s(std::size_t i) const {
  return step_s > 0.0 ? start_unix_s + static_cast<double>(i) * step_s : times_unix_s[i];
}

double SignalData::min() const { return *std::min_element(values.begin(), values.end()); }
double SignalData::max() const { return *std::max_element(values.begin(), values.end()); }

double SignalData::mean() const {
  long double sum = 0.0L;
  long double span = 0.0L;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double length = step_s > 0.0 ? 1.0 : times_unix_s[i + 1] - times_unix_s[i];
    sum += static_cast<long double>(values[i]) * length;
    span += length;
  }
  return static_cast<double>(sum / span);
}

namespace {

constexpr std::int64_t day_s = 86400;

/// The same month, day and time so many years later; a 29 February that is not there is the 28th.
std::int64_t years_later(std::int64_t local_s, int years) {
  namespace chrono = std::chrono;
  const auto day = chrono::floor<chrono::days>(chrono::sys_seconds{chrono::seconds{local_s}});
  chrono::year_month_day moved = chrono::year_month_day{day} + chrono::years{years};
  if (!moved.ok()) moved = moved.year() / moved.month() / chrono::last;
  const chrono::sys_days there{moved};
  return local_s + (there - day).count() * day_s;
}

}  // namespace

SignalData SignalData::over_years(double from_unix_s, double to_unix_s) const {
  const auto step = static_cast<std::int64_t>(step_s);
  const auto start = static_cast<std::int64_t>(start_unix_s) + utc_offset_s;
  const auto length = static_cast<std::int64_t>(values.size()) * step;
  if (step < 1 || static_cast<double>(step) != step_s || day_s % step != 0) return *this;
  int cycle = 0;  // years
  while (years_later(start, cycle + 1) - start <= length) ++cycle;
  if (cycle == 0) return *this;

  // Whole cycles from the file's own month and day on, in local time.
  const auto from = static_cast<std::int64_t>(std::floor(from_unix_s)) + utc_offset_s;
  const auto to = static_cast<std::int64_t>(std::ceil(to_unix_s)) + utc_offset_s;
  const auto begin_of = [&](int n) { return years_later(start, n * cycle); };
  int first = 0;
  while (begin_of(first) > from) --first;
  while (begin_of(first + 1) <= from) ++first;
  SignalData data = *this;
  data.values.clear();
  data.filled.clear();
  data.start_unix_s = static_cast<double>(begin_of(first) - utc_offset_s);
  int n = first;
  do {
    for (std::int64_t t = begin_of(n); t < begin_of(n + 1); t += step) {
      const std::int64_t in_file = years_later(t, -n * cycle);
      data.values.push_back(values[static_cast<std::size_t>((in_file - start) / step)]);
    }
    ++n;
  } while (begin_of(n) < to);
  return data;
}

StepSeries SignalData::series(std::int64_t origin_unix_s, std::int32_t origin_ns,
                              Beyond beyond) const {
  const auto on_clock = [&](double unix_s) {
    // The difference of whole seconds is exact; nanoseconds since 1970 would not be in a double.
    const double seconds = unix_s - static_cast<double>(origin_unix_s);
    if (!(std::abs(seconds) < 4.6e9)) {
      throw InputError(Diagnostic{{report.path, 0, 0},
                                  "the series and the period lie more than 146 years apart"});
    }
    return SimTime::from_ns(std::llround(seconds * 1e9) - origin_ns);
  };
  (void)on_clock(end_unix_s());
  std::vector<double> base;
  base.reserve(values.size());
  for (const double value : values) {
    const double in_own_unit = meaning.in_own_unit(value);
    base.push_back(meaning.kind == SignalKind::carbon  ? grams_per_kwh(in_own_unit).in_base()
                   : meaning.kind == SignalKind::price ? price_per_kwh(in_own_unit).in_base()
                   : meaning.kind == SignalKind::water ? in_own_unit / joules_per_kwh
                                                       : in_own_unit);
  }
  try {
    if (step_s > 0.0) {
      return StepSeries::regular(on_clock(start_unix_s), SimTime::from_seconds(step_s),
                                 std::move(base), beyond);
    }
    std::vector<SimTime> times;
    times.reserve(times_unix_s.size());
    for (const double unix_s : times_unix_s) times.push_back(on_clock(unix_s));
    return StepSeries::irregular(std::move(times), std::move(base), beyond);
  } catch (const std::invalid_argument& fault) {
    throw InputError(Diagnostic{{report.path, 0, 0}, fault.what()});
  }
}

}  // namespace nightwatt
