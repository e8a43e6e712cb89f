#include "energy/signal.hpp"

#include <algorithm>
#include <cmath>
#include <random>
#include <stdexcept>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace nightwatt {
namespace {

constexpr long long hour_ns = 3'600'000'000'000;
SimTime h(double hours) { return SimTime::from_seconds(hours * 3600.0); }
SimTime s(double seconds) { return SimTime::from_seconds(seconds); }

StepSeries hourly(std::vector<double> values, Beyond beyond = Beyond::error, double start_h = 0) {
  return StepSeries::regular(h(start_h), h(1), std::move(values), beyond);
}

template <class Error, class Call>
std::string message_of(Call call) {
  try {
    call();
  } catch (const Error& fault) {
    return fault.what();
  }
  ADD_FAILURE() << "no error was thrown";
  return {};
}

// ---- One series ----

TEST(StepSeries, ConstantHoldsEverywhere) {
  const StepSeries c = StepSeries::constant(1.2);
  EXPECT_TRUE(c.is_constant());
  EXPECT_FALSE(c.is_absent());
  EXPECT_EQ(c.at(s(-1e9)), 1.2);
  EXPECT_EQ(c.at(SimTime::max()), 1.2);
  EXPECT_EQ(c.next_change(s(0)), SimTime::max());
  EXPECT_EQ(c.end(), SimTime::max());
  EXPECT_TRUE(StepSeries::absent().is_absent());
}

TEST(StepSeries, AStepHoldsFromItsStartToJustBeforeTheNext) {
  const StepSeries r = hourly({10, 20, 30});
  EXPECT_EQ(r.at(s(0)), 10);
  EXPECT_EQ(r.at(SimTime::from_ns(hour_ns - 1)), 10);
  EXPECT_EQ(r.at(SimTime::from_ns(hour_ns)), 20);
  EXPECT_EQ(r.at(SimTime::from_ns(3 * hour_ns - 1)), 30);
  EXPECT_EQ(r.next_change(s(0)), h(1));
  EXPECT_EQ(r.next_change(SimTime::from_ns(hour_ns - 1)), h(1));
  EXPECT_EQ(r.next_change(h(1)), h(2));
  EXPECT_EQ(r.end(), h(3));

  const StepSeries i = StepSeries::irregular({s(-5), s(10), s(100), s(101)}, {1, 2, 3});
  EXPECT_EQ(i.at(s(-5)), 1);
  EXPECT_EQ(i.at(s(9.999999999)), 1);
  EXPECT_EQ(i.at(s(10)), 2);
  EXPECT_EQ(i.at(s(100.5)), 3);
  EXPECT_EQ(i.next_change(s(10)), s(100));
}

TEST(StepSeries, BeyondError) {
  const StepSeries r = hourly({10, 20, 30});
  EXPECT_THROW((void)r.at(s(-1)), std::out_of_range);
  EXPECT_THROW((void)r.at(h(3)), std::out_of_range);
  EXPECT_EQ(message_of<std::out_of_range>([&] { (void)r.at(h(4)); }),
            "the series covers 0 s to 10800 s after the period's start, and 14400 s was asked for");
  EXPECT_EQ(r.next_change(h(2)), SimTime::max());
}

TEST(StepSeries, BeyondHold) {
  const StepSeries r = hourly({10, 20, 30}, Beyond::hold);
  EXPECT_EQ(r.at(h(-5)), 10);
  EXPECT_EQ(r.at(h(500)), 30);
  EXPECT_EQ(r.next_change(h(-5)), h(1));  // value 0 holds before its own step
  EXPECT_EQ(r.next_change(h(1.5)), h(2));
  EXPECT_EQ(r.next_change(h(2)), SimTime::max());
}

TEST(StepSeries, BeyondRepeat) {
  const StepSeries r = hourly({10, 20, 30}, Beyond::repeat);
  EXPECT_EQ(r.at(h(3)), 10);
  EXPECT_EQ(r.at(h(7.5)), 20);
  EXPECT_EQ(r.at(h(-1)), 30);
  EXPECT_EQ(r.at(h(-3)), 10);
  EXPECT_EQ(r.next_change(h(7.5)), h(8));
  EXPECT_EQ(r.next_change(h(-0.5)), h(0));
}

TEST(StepSeries, MalformedSeriesAreRefused) {
  EXPECT_THROW(StepSeries::regular(s(0), s(0), {1}), std::invalid_argument);
  EXPECT_THROW(StepSeries::regular(s(0), s(1), {}), std::invalid_argument);
  EXPECT_THROW(StepSeries::regular(s(0), s(1), {1, std::nan("")}), std::invalid_argument);
  EXPECT_THROW(StepSeries::regular(s(0), s(1), {1, INFINITY}), std::invalid_argument);
  EXPECT_THROW(StepSeries::regular(SimTime::max(), s(1), {1}), std::invalid_argument);
  EXPECT_THROW(StepSeries::regular(s(0), SimTime::max(), {1, 2}), std::invalid_argument);
  EXPECT_THROW(StepSeries::irregular({s(0), s(1)}, {1, 2}), std::invalid_argument);
  EXPECT_THROW(StepSeries::irregular({s(0), s(2), s(2)}, {1, 2}), std::invalid_argument);
  EXPECT_THROW(StepSeries::irregular({}, {}), std::invalid_argument);
}

// ---- Integrals by hand ----

TEST(SiteSignals, Constants) {
  const SiteSignals signals(StepSeries::constant(1.5), StepSeries::constant(2.0),
                            StepSeries::constant(3.0));
  EXPECT_TRUE(signals.on_grid());
  EXPECT_EQ(signals.steps(), 1U);
  const ChargeIntegrals i = signals.upto(s(10));
  EXPECT_EQ(i.t_s, 10.0);
  EXPECT_EQ(i.x_s, 5.0);       // 0.5 * 10
  EXPECT_EQ(i.ci, 20.0);       // 2 * 10
  EXPECT_EQ(i.x_ci, 10.0);     // 0.5 * 2 * 10
  EXPECT_EQ(i.price, 30.0);    // 3 * 10
  EXPECT_EQ(i.x_price, 15.0);  // 0.5 * 3 * 10
  EXPECT_EQ(signals.upto(SimTime::max()).t_s, SimTime::max().seconds());
  EXPECT_EQ(signals.end(), SimTime::max());
  EXPECT_EQ(signals.next_change(s(0)), SimTime::max());
}

TEST(SiteSignals, AStepInsideTheInterval) {
  // CI 100 in the first hour, 400 in the second; from 0:30 to 1:15 that is 1800 s and 900 s.
  const SiteSignals signals(StepSeries::constant(1.0), hourly({100, 400}), StepSeries::absent());
  const ChargeIntegrals d = signals.between(h(0.5), h(1.25));
  EXPECT_EQ(d.t_s, 2700.0);
  EXPECT_EQ(d.ci, 1800.0 * 100 + 900.0 * 400);
  EXPECT_EQ(d.x_s, 0.0);
  EXPECT_EQ(d.x_ci, 0.0);
}

TEST(SiteSignals, PueAndCarbonStepAtDifferentInstants) {
  // PUE 1.25 | 1.5 at 1 h; CI 100 | 300 at 0:30, 200 at 1:30. From 0:15 to 1:45 (hours x x*CI):
  // 0:15-0:30 .25*100, 0:30-1:00 .25*300, 1:00-1:30 .5*300, 1:30-1:45 .5*200.
  const StepSeries pue = hourly({1.25, 1.5});
  const StepSeries ci = StepSeries::irregular({h(0), h(0.5), h(1.5), h(2)}, {100, 300, 200});
  const SiteSignals signals(pue, ci, StepSeries::constant(2.0));
  const ChargeIntegrals d = signals.between(h(0.25), h(1.75));
  EXPECT_EQ(d.t_s, 5400.0);
  EXPECT_EQ(d.x_s, 0.75 * 3600 * 0.25 + 0.75 * 3600 * 0.5);
  EXPECT_EQ(d.ci, 900.0 * 100 + 3600.0 * 300 + 900.0 * 200);
  EXPECT_EQ(d.x_ci, 900 * .25 * 100 + 1800 * .25 * 300 + 1800 * .5 * 300 + 900 * .5 * 200);
  EXPECT_EQ(d.price, 2.0 * 5400);
  EXPECT_EQ(d.x_price, 2.0 * d.x_s);
  EXPECT_TRUE(signals.on_grid());  // all steps lie on half hours
  EXPECT_EQ(signals.next_change(h(0)), h(0.5));
  EXPECT_EQ(signals.next_change(h(0.5)), h(1));
  EXPECT_EQ(signals.next_change(h(1.5)), SimTime::max());  // the series end at 2 h
}

TEST(SiteSignals, TheExampleOfTheFacilityModel) {
  // The table of docs/models/facility.md: 10 kW from 00:30 to 02:30.
  std::vector<double> ci, price;
  for (const double g : {300.0, 200.0, 500.0}) ci.push_back(grams_per_kwh(g).in_base());
  for (const double p : {0.10, 0.05, 0.20}) price.push_back(price_per_kwh(p).in_base());
  const SiteSignals signals(hourly({1.2, 1.4, 1.3}), hourly(ci), hourly(price));
  const ChargeIntegrals d = signals.between(h(0.5), h(2.5));
  EXPECT_NEAR(d.x_s / 3600, 0.65, 1e-15);
  EXPECT_NEAR(d.ci * 3.6e6 / 3600, 600.0, 1e-12);
  EXPECT_NEAR(d.x_ci * 3.6e6 / 3600, 185.0, 1e-12);
  EXPECT_NEAR(d.price * 3.6e6 / 3600, 0.2, 1e-15);
  EXPECT_NEAR(d.x_price * 3.6e6 / 3600, 0.06, 1e-15);
  const double it_w = 10e3;
  EXPECT_NEAR(it_w * d.t_s / 3.6e6, 20.0, 1e-12);
  EXPECT_NEAR(it_w * (d.t_s + d.x_s) / 3.6e6, 26.5, 1e-12);
  EXPECT_NEAR(it_w * (d.ci + d.x_ci), 7850.0, 1e-9);
  EXPECT_NEAR(it_w * (d.price + d.x_price), 2.6, 1e-12);
  // f = 0.5 with a reference of 8 kW: half of the overhead follows the load, the rest is fixed.
  const double f = 0.5;
  const double reference_w = 8e3;
  const auto charge = [&](double plain, double extra) {
    return it_w * (plain + (1 - f) * extra) + f * reference_w * extra;
  };
  EXPECT_NEAR(charge(d.t_s, d.x_s) / 3.6e6, 25.85, 1e-12);
  EXPECT_NEAR(charge(d.ci, d.x_ci), 7665.0, 1e-9);
  EXPECT_NEAR(charge(d.price, d.x_price), 2.54, 1e-12);
}

TEST(SiteSignals, RepeatOverSeveralCycles) {
  // One cycle of CI is 3 h with the integral 3600 * (1+2+6) = 32400; PUE has a cycle of 2 h.
  const SiteSignals signals(hourly({1.0, 2.0}, Beyond::repeat), hourly({1, 2, 6}, Beyond::repeat),
                            StepSeries::absent());
  EXPECT_EQ(signals.steps(), 6U);  // the cycles meet after 6 h
  EXPECT_EQ(signals.upto(h(3)).ci, 32400.0);
  EXPECT_EQ(signals.upto(h(9)).ci, 3 * 32400.0);
  EXPECT_EQ(signals.upto(h(10.5)).ci, 3 * 32400.0 + 3600 * 1 + 1800 * 2);
  // x is 1 in odd hours: CI there is 2, 1, 6 (hours 1, 3, 5), 9 in each 6 h.
  EXPECT_EQ(signals.upto(h(6)).x_ci, 3600.0 * 9);
  EXPECT_EQ(signals.upto(h(600)).x_ci, 100 * 3600.0 * 9);
  EXPECT_EQ(signals.upto(h(601.5)).x_ci, 100 * 3600.0 * 9 + 1800 * 2);
  EXPECT_EQ(signals.at(h(603)).carbon_g_per_j, 1.0);
  EXPECT_EQ(signals.at(h(603)).pue, 2.0);
  EXPECT_EQ(signals.end(), SimTime::max());
  EXPECT_EQ(signals.next_change(h(600.5)), h(601));
}

TEST(SiteSignals, RepeatThatStartedBeforeThePeriod) {
  // The cycle 1, 2, 6 began an hour ago: the period sees 2, 6, 1, 2, ...
  const SiteSignals signals(StepSeries::constant(1), hourly({1, 2, 6}, Beyond::repeat, -1),
                            StepSeries::absent());
  EXPECT_EQ(signals.upto(s(0)).ci, 0.0);
  EXPECT_EQ(signals.upto(h(1)).ci, 3600.0 * 2);
  EXPECT_EQ(signals.upto(h(2.5)).ci, 3600.0 * (2 + 6 + 0.5));
  EXPECT_EQ(signals.upto(h(30)).ci, 10 * 3600.0 * 9);
}

TEST(SiteSignals, HoldExtendsBothSides) {
  const SiteSignals signals(StepSeries::constant(1), hourly({5, 7}, Beyond::hold, 1),
                            hourly({1, 3}, Beyond::hold, -0.5));
  EXPECT_EQ(signals.upto(h(1)).ci, 3600.0 * 5);  // before its start
  EXPECT_EQ(signals.upto(h(3)).ci, 3600.0 * (5 + 5 + 7));
  EXPECT_EQ(signals.upto(h(100)).ci, 3600.0 * (2 * 5 + 98 * 7));
  EXPECT_EQ(signals.upto(h(1)).price, 1800.0 * 1 + 1800.0 * 3);
  EXPECT_EQ(signals.upto(h(100)).price, 1800.0 * 1 + 99.5 * 3600 * 3);
  EXPECT_EQ(signals.at(h(1000)).carbon_g_per_j, 7);
  EXPECT_EQ(signals.at(SimTime::max()).price_per_j, 3);
}

TEST(SiteSignals, HoldAndRepeatTogether) {
  const SiteSignals signals(hourly({1, 3}, Beyond::hold), hourly({10, 20}, Beyond::repeat),
                            StepSeries::absent());
  // x: 0 in hour 0, then 2. CI: 10, 20, 10, 20, ...
  EXPECT_EQ(signals.upto(h(2)).x_ci, 3600.0 * 2 * 20);
  EXPECT_EQ(signals.upto(h(4)).x_ci, 3600.0 * 2 * (20 + 10 + 20));
  EXPECT_EQ(signals.upto(h(101)).x_ci, 3600.0 * 2 * (50 * 20 + 50 * 10));
}

TEST(SiteSignals, NothingHasHappenedAtZero) {
  for (const double start_h : {0.0, -0.3, -7.77}) {
    const SiteSignals signals(hourly({1.1, 1.3, 1.7}, Beyond::repeat, start_h),
                              hourly({3.3, 4.7, 9.1}, Beyond::repeat, start_h),
                              hourly({0.1, -0.3, 0.7}, Beyond::repeat, start_h));
    const ChargeIntegrals zero = signals.upto(s(0));
    for (const double member : {zero.t_s, zero.x_s, zero.ci, zero.x_ci, zero.price, zero.x_price}) {
      EXPECT_EQ(member, 0.0);
    }
  }
}

TEST(SiteSignals, AnAbsentSeriesIsNaNInItsOwnMembersOnly) {
  const SiteSignals no_price(hourly({1.5, 1.5}), hourly({1, 1}), StepSeries::absent());
  const ChargeIntegrals a = no_price.upto(h(1.5));
  EXPECT_TRUE(std::isnan(a.price) && std::isnan(a.x_price));
  EXPECT_EQ(a.ci, 5400.0);
  EXPECT_EQ(a.x_ci, 2700.0);
  EXPECT_EQ(a.x_s, 2700.0);
  const ChargeIntegrals b = SiteSignals().upto(h(1));
  EXPECT_TRUE(std::isnan(b.price) && std::isnan(b.x_price) && std::isnan(b.ci) &&
              std::isnan(b.x_ci));
  EXPECT_EQ(b.t_s, 3600.0);
  EXPECT_EQ(b.x_s, 0.0);
}

// ---- Errors ----

TEST(SiteSignals, TheMessageNamesTheSeriesItsEndAndTheInstant) {
  const SiteSignals signals(StepSeries::constant(1), hourly({1, 2, 3}), hourly({1, 2}));
  EXPECT_EQ(signals.end(), h(2));
  EXPECT_EQ(signals.upto(h(2)).price, 3600.0 * 3);  // up to the end is known
  const std::string expected =
      "price: the series ends 7200 s after the period's start, and 7200.5 s was asked for (a "
      "longer file is needed, or 'beyond: hold' or 'beyond: repeat')";
  EXPECT_EQ(message_of<std::out_of_range>([&] { (void)signals.upto(s(7200.5)); }), expected);
  EXPECT_EQ(message_of<std::out_of_range>([&] { (void)signals.at(s(7200.5)); }), expected);
  EXPECT_THROW((void)signals.at(h(2)), std::out_of_range);
  EXPECT_THROW((void)signals.upto(SimTime::from_ns(-1)), std::logic_error);
  EXPECT_THROW((void)signals.at(SimTime::from_ns(-1)), std::logic_error);
}

TEST(SiteSignals, AnErrorSeriesEndsTheOthersToo) {
  const SiteSignals signals(hourly({1, 2}, Beyond::repeat), hourly({1, 2, 3, 4, 5}),
                            hourly({7}, Beyond::hold));
  EXPECT_EQ(signals.end(), h(5));
  EXPECT_EQ(signals.upto(h(5)).x_ci, 3600.0 * (2 + 4));
  EXPECT_EQ(signals.upto(h(5)).price, 3600.0 * 35);
  EXPECT_THAT(message_of<std::out_of_range>([&] { (void)signals.upto(h(5.01)); }),
              testing::StartsWith("carbon: the series ends 18000 s"));
}

TEST(SiteSignals, ASeriesThatMissesThePeriodsStartIsRefused) {
  EXPECT_EQ(
      message_of<std::out_of_range>([] {
        SiteSignals(hourly({1, 1}, Beyond::error, 1), StepSeries::absent(), StepSeries::absent());
      }),
      "pue: the series covers 3600 s to 10800 s after the period's start, but not the start "
      "itself");
  EXPECT_THAT(message_of<std::out_of_range>([] {
                SiteSignals(StepSeries::constant(1), StepSeries::absent(),
                            hourly({1, 1}, Beyond::error, -2));
              }),
              testing::StartsWith("price: "));
}

TEST(SiteSignals, PueBelowOneIsRefused) {
  EXPECT_EQ(message_of<std::invalid_argument>([] {
              SiteSignals(hourly({1.2, 0.9}), StepSeries::absent(), StepSeries::absent());
            }),
            "pue: value 2 of the series is below 1 (facility energy cannot be less than IT "
            "energy)");
  EXPECT_THROW(SiteSignals(StepSeries::absent(), StepSeries::absent(), StepSeries::absent()),
               std::invalid_argument);
  EXPECT_THROW(SiteSignals(StepSeries{}, StepSeries::absent(), StepSeries::absent()),
               std::invalid_argument);
}

// ---- Layout ----

TEST(SiteSignals, UnequalStepsShareTheirCommonGrid) {
  // 60 min and 15 min, shifted by 5 min: all on a grid of 5 min.
  const SiteSignals signals(hourly(std::vector<double>(48, 1.1)),
                            StepSeries::regular(s(-600), s(900), std::vector<double>(200, 2.0)),
                            StepSeries::absent());
  EXPECT_TRUE(signals.on_grid());
  EXPECT_EQ(signals.at(h(1)).carbon_g_per_j, 2.0);
  EXPECT_NEAR(signals.upto(h(47)).x_ci, 47 * 3600 * 0.1 * 2, 1e-9);
}

TEST(SiteSignals, AGridThatWouldBeFarTooFineIsNotUsed) {
  const SiteSignals signals(
      hourly(std::vector<double>(24, 1.5)),
      StepSeries::regular(SimTime::from_ns(-1), h(1), std::vector<double>(25, 2.0)),
      StepSeries::absent());
  EXPECT_FALSE(signals.on_grid());  // the common grid would be 1 ns
  EXPECT_EQ(signals.steps(), 48U);  // [0, 1 h - 1 ns), [1 h - 1 ns, 1 h), ...
  EXPECT_NEAR(signals.upto(h(23.9)).x_ci, 23.9 * 3600, 1e-9);
}

TEST(SiteSignals, CyclesThatNeverMeetInMemoryAreSummed) {
  // 1 s steps, cycles of 4,999 and 5,003 s: 25 million steps until they meet.
  std::vector<double> pue(4999, 1.0), ci(5003, 0.0);
  pue[0] = 2.0;  // x = 1 in the first second of each cycle
  for (std::size_t i = 0; i < ci.size(); ++i) ci[i] = static_cast<double>(i);
  const SiteSignals signals(StepSeries::regular(s(0), s(1), pue, Beyond::repeat),
                            StepSeries::regular(s(0), s(1), ci, Beyond::repeat),
                            StepSeries::absent());
  // Far beyond the table: 4,999 * 5,003 s hold each pairing once, so x_ci = sum of ci.
  const long long cycle_s = 4999LL * 5003LL;
  EXPECT_LT(signals.steps(), static_cast<std::size_t>(cycle_s));
  const double sum = 5003.0 * 5002.0 / 2.0;
  const auto t = SimTime::from_ns(cycle_s / 4 * 1'000'000'000);
  double expected = 0.0;
  for (long long k = 0; k * 4999 < cycle_s / 4; ++k) expected += ci[(k * 4999) % 5003];
  EXPECT_EQ(signals.upto(t).x_ci, expected);
  EXPECT_LT(expected, sum);
}

TEST(SiteSignals, AYearOfHoursIsExactToTheLastDigits) {
  // Values k/8 and seconds are exact in binary, so the integrals must be, too.
  std::vector<double> ci(8760);
  double expected = 0.0;
  for (std::size_t i = 0; i < ci.size(); ++i) {
    ci[i] = static_cast<double>((i * 7919) % 4096) / 8.0;
    expected += ci[i] * 3600.0;
  }
  const SiteSignals signals(StepSeries::constant(1.5), hourly(ci), StepSeries::constant(0.1));
  const ChargeIntegrals year = signals.upto(h(8760));
  EXPECT_EQ(year.ci, expected);
  EXPECT_EQ(year.x_ci, expected / 2);
  // 0.1 is not: 8,760 additions of 360 lose nothing with compensation.
  EXPECT_DOUBLE_EQ(year.price, 0.1 * 3600.0 * 8760.0);
  EXPECT_EQ(signals.steps(), 8760U);
}

// ---- Properties ----

struct Lcg {  // draws for the properties, from one seed that RapidCheck chooses
  std::mt19937_64 engine;
  long long whole(long long low, long long high) {
    return low + static_cast<long long>(engine() % static_cast<std::uint64_t>(high - low + 1));
  }
  double real(double low, double high) {
    return low + (high - low) * static_cast<double>(engine() >> 11) * 0x1p-53;
  }
};

StepSeries random_series(Lcg& draw, double low, double high) {
  const auto n = static_cast<std::size_t>(draw.whole(1, 40));
  std::vector<double> values(n);
  for (double& v : values) v = draw.real(low, high);
  constexpr std::array choices{Beyond::error, Beyond::hold, Beyond::repeat};
  const Beyond beyond = choices[static_cast<std::size_t>(draw.whole(0, 2))];
  // Steps of any nanosecond, or of a calendar; cycles of the latter kind, else they hardly meet.
  const bool calendar = beyond == Beyond::repeat || draw.whole(0, 1) == 0;
  const long long unit = calendar ? 900'000'000'000 : 1;
  const long long most = calendar ? 4 : 4'000'000'000'000;
  if (draw.whole(0, 3) == 0) return StepSeries::constant(values.front());
  if (draw.whole(0, 1) == 0) {
    const long long step = draw.whole(most / 4, most);
    return StepSeries::regular(
        SimTime::from_ns(-draw.whole(0, step * static_cast<long long>(n) - 1) * unit),
        SimTime::from_ns(step * unit), values, beyond);
  }
  std::vector<SimTime> times{SimTime::from_ns(-draw.whole(0, 2 * most) * unit)};
  for (std::size_t i = 0; i < n; ++i) {
    const long long gap = draw.whole(0, 3) == 0 ? 1 : draw.whole(1, most);
    times.push_back(SimTime::from_ns(times.back().ns() + gap * unit));
  }
  if (times.back().ns() <= 0) times.back() = SimTime::from_ns(most * unit);
  return StepSeries::irregular(times, values, beyond);
}

/// The integrals from 0, step by step, without any table.
ChargeIntegrals brute(const StepSeries& pue, const StepSeries& ci, const StepSeries& price,
                      SimTime t) {
  long double x_s = 0, c = 0, xc = 0, p = 0, xp = 0;
  SimTime now;
  while (now < t) {
    const SimTime next =
        std::min({pue.next_change(now), ci.next_change(now), price.next_change(now), t});
    const long double dt = static_cast<long double>(next.ns() - now.ns()) / 1e9L;
    const long double x = static_cast<long double>(pue.at(now)) - 1.0L;
    x_s += x * dt;
    c += ci.at(now) * dt;
    xc += x * ci.at(now) * dt;
    p += price.at(now) * dt;
    xp += x * price.at(now) * dt;
    now = next;
  }
  return {static_cast<double>(t.ns()) / 1e9, static_cast<double>(x_s), static_cast<double>(c),
          static_cast<double>(xc),           static_cast<double>(p),   static_cast<double>(xp)};
}

void expect_close(const ChargeIntegrals& a, const ChargeIntegrals& b, double scale) {
  // Values reach 5, so an integral over `scale` seconds reaches 20 times that; a few roundings.
  const double tolerance = 20 * scale * 1e-14 + 1e-14;
  RC_ASSERT(std::abs(a.t_s - b.t_s) <= tolerance);
  RC_ASSERT(std::abs(a.x_s - b.x_s) <= tolerance);
  RC_ASSERT(std::abs(a.ci - b.ci) <= tolerance);
  RC_ASSERT(std::abs(a.x_ci - b.x_ci) <= tolerance);
  RC_ASSERT(std::abs(a.price - b.price) <= tolerance);
  RC_ASSERT(std::abs(a.x_price - b.x_price) <= tolerance);
}

RC_GTEST_PROP(SiteSignalsProperty, UptoEqualsTheSumStepByStep, (std::uint64_t seed)) {
  Lcg draw{std::mt19937_64(seed)};
  const StepSeries pue = random_series(draw, 1.0, 2.0);
  const StepSeries ci = random_series(draw, 0.0, 5.0);
  const StepSeries price = random_series(draw, -1.0, 5.0);
  const SiteSignals signals(pue, ci, price);
  RC_CLASSIFY(signals.on_grid(), "on a grid");
  RC_CLASSIFY(signals.end() == SimTime::max(), "endless");
  const long long reach = std::min(signals.end().ns(), 400'000'000'000'000LL);
  for (int i = 0; i < 20; ++i) {
    const SimTime t = SimTime::from_ns(draw.whole(0, reach));
    expect_close(signals.upto(t), brute(pue, ci, price, t), t.seconds());
    if (t < signals.end()) {
      const SiteSignals::Values v = signals.at(t);
      RC_ASSERT(v.pue == pue.at(t));
      RC_ASSERT(v.carbon_g_per_j == ci.at(t));
      RC_ASSERT(v.price_per_j == price.at(t));
    }
  }
}

RC_GTEST_PROP(SiteSignalsProperty, IntervalsAddUp, (std::uint64_t seed)) {
  Lcg draw{std::mt19937_64(seed)};
  const SiteSignals signals(random_series(draw, 1.0, 2.0), random_series(draw, 0.0, 5.0),
                            random_series(draw, -1.0, 5.0));
  const long long reach = std::min(signals.end().ns(), 400'000'000'000'000LL);
  std::array<long long, 3> at{draw.whole(0, reach), draw.whole(0, reach), draw.whole(0, reach)};
  std::sort(at.begin(), at.end());
  const SimTime a = SimTime::from_ns(at[0]), b = SimTime::from_ns(at[1]),
                c = SimTime::from_ns(at[2]);
  const ChargeIntegrals ab = signals.between(a, b), bc = signals.between(b, c);
  const ChargeIntegrals sum{ab.t_s + bc.t_s,   ab.x_s + bc.x_s,     ab.ci + bc.ci,
                            ab.x_ci + bc.x_ci, ab.price + bc.price, ab.x_price + bc.x_price};
  expect_close(sum, signals.between(a, c), c.seconds());
  expect_close(signals.upto(c) - signals.upto(a), signals.between(a, c), c.seconds());
}

}  // namespace
}  // namespace nightwatt
