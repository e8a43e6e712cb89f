#include "sim/timeline/schema.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <cstddef>

#include "sim/timeline/hdf5_handle.hpp"

namespace nightwatt::timeline {

namespace {

std::string common_currency(const RunResult& result) {
  for (const SiteResult& site : result.sites) {
    if (!site.currency.empty()) return site.currency;
  }
  return "";
}

}  // namespace

Units::Units(const RunResult& result)
    : time_(time_units(result.period_start_unix_s, result.period_start_fraction_s)),
      money_(printable_utf8(common_currency(result))) {}

Units::Units(const RunResult& result, const SiteResult& site) : Units(result) {
  if (!site.currency.empty()) money_ = printable_utf8(site.currency);
}

std::string Units::of(std::string_view units) const {
  constexpr std::string_view money = unit_money;
  if (units == unit_time) return time_;
  if (!units.starts_with(money)) return std::string(units);
  return (money_.empty() ? "1" : money_) + std::string(units.substr(money.size()));
}

std::string time_units(std::int64_t unix_s, double fraction) {
  using namespace std::chrono;
  const sys_seconds instant{std::chrono::seconds{unix_s}};
  const sys_days day = floor<std::chrono::days>(instant);
  const year_month_day date{day};
  const hh_mm_ss clock{instant - day};
  std::string digits;
  if (const auto ns = std::llround(fraction * 1e9); ns > 0 && ns < 1'000'000'000) {
    digits = fmt::format(".{:09}", ns);
    digits.erase(digits.find_last_not_of('0') + 1);
  }
  return fmt::format("seconds since {:04}-{:02}-{:02}T{:02}:{:02}:{:02}{}Z", int{date.year()},
                     unsigned{date.month()}, unsigned{date.day()}, clock.hours().count(),
                     clock.minutes().count(), clock.seconds().count(), digits);
}

std::string group_name(std::string_view site_name, std::size_t index) {
  constexpr std::size_t longest = 200;  // netCDF: 256 bytes
  const std::string text = printable_utf8(site_name);
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool forbidden = byte < 0x20 || byte == 0x7F || byte == '/' || byte == '%' ||
                           (byte == '.' && i == 0) || (byte == ' ' && i + 1 == text.size());
    const bool starts_character = (byte & 0xC0) != 0x80;
    if (out.size() >= longest && starts_character) return out + fmt::format("%~{}", index);
    out += forbidden ? fmt::format("%{:02X}", byte) : std::string(1, text[i]);
  }
  return out.empty() ? "%" : out;
}

}  // namespace nightwatt::timeline
