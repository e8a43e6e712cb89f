#pragma once

#include <cstdint>
#include <string_view>

#include "energy/quantity.hpp"
#include "traces/datetime.hpp"

namespace nightwatt {

/// The wall clock of a site against the simulation's.
class SiteClock {
 public:
  /// @throws InputError for an unknown zone
  SiteClock(std::string_view zone, double period_start_unix_s);

  struct Date {
    std::int64_t day = 0;        ///< since 1970-01-01, local
    std::int64_t second_s = 0;   ///< of the local day, on its clock
    int year = 1970, month = 1;  ///< 1..12
  };
  [[nodiscard]] Date date(SimTime t) const;
  /// When the clock there first shows that second of that local day (moved forward by the gap
  /// where it never does).
  [[nodiscard]] SimTime instant(std::int64_t day, std::int64_t second_s) const;

 private:
  mutable LocalClock clock_;
  double start_unix_s_;
};

/// Days since 1970-01-01 of the first of a month (13 = January of the next year).
std::int64_t first_of_month(int year, int month);

}  // namespace nightwatt
