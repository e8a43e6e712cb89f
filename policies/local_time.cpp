#include "policies/local_time.hpp"

#include <chrono>
#include <cmath>

namespace nightwatt {

SiteClock::SiteClock(std::string_view zone, double period_start_unix_s)
    : clock_(zone), start_unix_s_(period_start_unix_s) {}

SiteClock::Date SiteClock::date(SimTime t) const {
  const auto unix_s = static_cast<std::int64_t>(std::floor(start_unix_s_ + t.seconds()));
  const std::int64_t local_s = unix_s + clock_.offset_at(unix_s);
  Date date;
  date.day = local_s >= 0 ? local_s / 86400 : -((86399 - local_s) / 86400);
  date.second_s = local_s - date.day * 86400;
  const std::chrono::year_month_day ymd{std::chrono::sys_days{std::chrono::days{date.day}}};
  date.year = static_cast<int>(ymd.year());
  date.month = static_cast<int>(static_cast<unsigned>(ymd.month()));
  return date;
}

SimTime SiteClock::instant(std::int64_t day, std::int64_t second_s) const {
  const std::int64_t unix_s = clock_.to_unix(day * 86400 + second_s).unix_s;
  return SimTime::from_seconds(static_cast<double>(unix_s) - start_unix_s_);
}

std::int64_t first_of_month(int year, int month) {
  using namespace std::chrono;
  const year_month_day ymd{std::chrono::year{year + (month - 1) / 12},
                           std::chrono::month{static_cast<unsigned>((month - 1) % 12 + 1)}, day{1}};
  return sys_days{ymd}.time_since_epoch().count();
}

}  // namespace nightwatt
