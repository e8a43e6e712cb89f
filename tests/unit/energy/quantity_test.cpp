// What the types of energy/quantity.hpp allow and what they must refuse. Most of this file is
// checked by the compiler: if it builds, the static assertions hold.
#include "energy/quantity.hpp"

#include <concepts>
#include <type_traits>

#include <gtest/gtest.h>

namespace nightwatt {
namespace {

template <class A, class B>
concept Addable = requires(A a, B b) {
  a + b;
};
template <class A, class B>
concept Subtractable = requires(A a, B b) {
  a - b;
};
template <class A, class B>
concept Comparable = requires(A a, B b) {
  a < b;
};
template <class A, class B>
concept Assignable = requires(A a, B b) {
  a = b;
};
template <class A, class B>
concept AddAssignable = requires(A a, B b) {
  a += b;
};

// Products and quotients have the dimension that physics gives them.
static_assert(std::same_as<decltype(Watts{} * Seconds{}), Joules>);
static_assert(std::same_as<decltype(Seconds{} * Watts{}), Joules>);
static_assert(std::same_as<decltype(Joules{} / Seconds{}), Watts>);
static_assert(std::same_as<decltype(Joules{} / Watts{}), Seconds>);
static_assert(std::same_as<decltype(Joules{} * CarbonIntensity{}), GramsCO2e>);
static_assert(std::same_as<decltype(Watts{} * Seconds{} * CarbonIntensity{}), GramsCO2e>);
static_assert(std::same_as<decltype(GramsCO2e{} / Joules{}), CarbonIntensity>);
static_assert(std::same_as<decltype(Joules{} * Price{}), Money>);
static_assert(std::same_as<decltype(Money{} / Joules{}), Price>);
// A ratio of like quantities is a plain number; scaling keeps the type.
static_assert(std::same_as<decltype(Joules{} / Joules{}), double>);
static_assert(std::same_as<decltype(2.0 * Watts{}), Watts>);
static_assert(std::same_as<decltype(Watts{} / 2.0), Watts>);
static_assert(Addable<Watts, Watts> && Subtractable<Joules, Joules> && Comparable<Price, Price>);

// Unlike quantities do not mix.
static_assert(!Addable<Watts, Joules> && !Subtractable<Watts, Joules>);
static_assert(!Addable<GramsCO2e, Money> && !Comparable<GramsCO2e, Money>);
static_assert(!Addable<CarbonIntensity, Price> && !Assignable<CarbonIntensity&, Price>);
static_assert(!Comparable<Seconds, SimTime> && !Addable<SimTime, Seconds>);
static_assert(!AddAssignable<Joules&, Watts>);
// A bare number is not a quantity, and a quantity is not a bare number.
static_assert(!std::convertible_to<double, Watts> && !std::is_constructible_v<Watts, double>);
static_assert(!std::convertible_to<Watts, double> && !std::is_constructible_v<double, Watts>);
static_assert(!Addable<Watts, double> && !Comparable<Watts, double>);
static_assert(!Assignable<Watts&, double>);
static_assert(!std::convertible_to<long long, SimTime> &&
              !std::is_constructible_v<SimTime, double>);
// Points in time are compared, never added or scaled.
static_assert(!Addable<SimTime, SimTime> && Comparable<SimTime, SimTime>);
// Values: one double, copied as such.
static_assert(sizeof(Watts) == sizeof(double) && std::is_trivially_copyable_v<Watts>);
static_assert(sizeof(SimTime) == 8 && std::is_trivially_copyable_v<SimTime>);

// Conversions at the edges, where factors are written once.
static_assert(to_joules(kilowatt_hours(1.0)) == 3.6e6);
static_assert(to_kwh(watts(1000.0) * hours(1.0)) == 1.0);
static_assert(to_watts(kilowatts(1.2)) == 1200.0);
static_assert(to_seconds(minutes(1.5)) == 90.0 && to_seconds(days(1.0)) == 86400.0);

TEST(Quantity, CarbonAndCostOfAKilowattHour) {
  EXPECT_NEAR(to_grams(kilowatt_hours(2.0) * grams_per_kwh(420.0)), 840.0, 1e-12 * 840.0);
  EXPECT_NEAR(to_money(kilowatt_hours(10.0) * price_per_kwh(0.25)), 2.5, 1e-15 * 10);
  EXPECT_DOUBLE_EQ(to_grams_per_kwh(grams_per_kwh(338.2)), 338.2);
  EXPECT_DOUBLE_EQ(to_price_per_kwh(price_per_kwh(-0.0045)), -0.0045);
}

TEST(Quantity, ArithmeticOfOneDimension) {
  Joules sum = joules(1.5);
  sum += joules(2.0);
  sum -= joules(0.5);
  sum *= 4.0;
  sum /= 2.0;
  EXPECT_EQ(to_joules(sum), 6.0);
  EXPECT_EQ(to_joules(-sum), -6.0);
  EXPECT_EQ(joules(6.0) / joules(4.0), 1.5);
  EXPECT_LT(watts(149.0), watts(150.0));
}

TEST(SimTime, WholeNanosecondsAddUpExactly) {
  // 0.1 s has no exact double; ten of them are exactly a second in nanoseconds.
  long long ns = 0;
  for (int i = 0; i < 10; ++i) ns += SimTime::from_seconds(0.1).ns();
  EXPECT_EQ(SimTime::from_ns(ns), SimTime::from_seconds(1.0));
  EXPECT_EQ(SimTime::from_seconds(-1.5e-9).ns(), -2);  // rounds half away from zero
  EXPECT_LT(SimTime::from_seconds(1e9), SimTime::max());
}

}  // namespace
}  // namespace nightwatt
