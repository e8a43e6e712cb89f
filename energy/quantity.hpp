#pragma once

#include <cmath>
#include <compare>
#include <concepts>

namespace nightwatt {

/// A physical value with its dimension in the type: exponents of second, joule, gram CO2e and
/// money. Inside is one double in the base units s, J, gCO2e and the site's currency; values are
/// built by the named factories below and left by the named readers, so that a unit is always
/// written where a bare number enters or leaves.
template <int S, int J, int C, int M = 0>
class Quantity {
 public:
  constexpr Quantity() = default;

  /// From and to base units; use the named factories and readers outside this file.
  static constexpr Quantity from_base(double value) { return Quantity(value); }
  [[nodiscard]] constexpr double in_base() const { return value_; }

  constexpr Quantity& operator+=(Quantity other) {
    value_ += other.value_;
    return *this;
  }
  constexpr Quantity& operator-=(Quantity other) {
    value_ -= other.value_;
    return *this;
  }
  constexpr Quantity& operator*=(double factor) {
    value_ *= factor;
    return *this;
  }
  constexpr Quantity& operator/=(double divisor) {
    value_ /= divisor;
    return *this;
  }

  friend constexpr Quantity operator+(Quantity a, Quantity b) {
    return Quantity(a.value_ + b.value_);
  }
  friend constexpr Quantity operator-(Quantity a, Quantity b) {
    return Quantity(a.value_ - b.value_);
  }
  friend constexpr Quantity operator-(Quantity a) { return Quantity(-a.value_); }
  friend constexpr Quantity operator*(Quantity a, double f) { return Quantity(a.value_ * f); }
  friend constexpr Quantity operator*(double f, Quantity a) { return Quantity(f * a.value_); }
  friend constexpr Quantity operator/(Quantity a, double d) { return Quantity(a.value_ / d); }
  friend constexpr auto operator<=>(Quantity, Quantity) = default;

 private:
  explicit constexpr Quantity(double value) : value_(value) {}
  double value_ = 0.0;
};

template <int S1, int J1, int C1, int M1, int S2, int J2, int C2, int M2>
constexpr auto operator*(Quantity<S1, J1, C1, M1> a, Quantity<S2, J2, C2, M2> b) {
  return Quantity<S1 + S2, J1 + J2, C1 + C2, M1 + M2>::from_base(a.in_base() * b.in_base());
}

/// Quantities of equal dimension divide to a plain ratio, all others to a quantity.
template <int S1, int J1, int C1, int M1, int S2, int J2, int C2, int M2>
constexpr auto operator/(Quantity<S1, J1, C1, M1> a, Quantity<S2, J2, C2, M2> b) {
  if constexpr (S1 == S2 && J1 == J2 && C1 == C2 && M1 == M2) {
    return a.in_base() / b.in_base();
  } else {
    return Quantity<S1 - S2, J1 - J2, C1 - C2, M1 - M2>::from_base(a.in_base() / b.in_base());
  }
}

using Seconds = Quantity<1, 0, 0>;
using Joules = Quantity<0, 1, 0>;
using Watts = Quantity<-1, 1, 0>;
using GramsCO2e = Quantity<0, 0, 1>;
using CarbonIntensity = Quantity<0, -1, 1>;  ///< gCO2e per joule inside, per kWh at the edges
using Money = Quantity<0, 0, 0, 1>;          ///< in the currency of the site
using Price = Quantity<0, -1, 0, 1>;         ///< money per joule inside, per kWh at the edges

inline constexpr double joules_per_kwh = 3.6e6;

constexpr Seconds seconds(double s) { return Seconds::from_base(s); }
constexpr Seconds minutes(double m) { return Seconds::from_base(m * 60.0); }
constexpr Seconds hours(double h) { return Seconds::from_base(h * 3600.0); }
constexpr Seconds days(double d) { return Seconds::from_base(d * 86400.0); }
constexpr Joules joules(double j) { return Joules::from_base(j); }
constexpr Joules kilowatt_hours(double kwh) { return Joules::from_base(kwh * joules_per_kwh); }
constexpr Watts watts(double w) { return Watts::from_base(w); }
constexpr Watts kilowatts(double kw) { return Watts::from_base(kw * 1e3); }
constexpr GramsCO2e grams_co2e(double g) { return GramsCO2e::from_base(g); }
constexpr CarbonIntensity grams_per_kwh(double g) {
  return CarbonIntensity::from_base(g / joules_per_kwh);
}
constexpr Money money(double m) { return Money::from_base(m); }
constexpr Price price_per_kwh(double p) { return Price::from_base(p / joules_per_kwh); }

constexpr double to_seconds(Seconds t) { return t.in_base(); }
constexpr double to_joules(Joules e) { return e.in_base(); }
constexpr double to_kwh(Joules e) { return e.in_base() / joules_per_kwh; }
constexpr double to_watts(Watts p) { return p.in_base(); }
constexpr double to_grams(GramsCO2e g) { return g.in_base(); }
constexpr double to_grams_per_kwh(CarbonIntensity c) { return c.in_base() * joules_per_kwh; }
constexpr double to_money(Money m) { return m.in_base(); }
constexpr double to_price_per_kwh(Price p) { return p.in_base() * joules_per_kwh; }

/// A point in simulated time: nanoseconds since the period's start, as a 64-bit integer, so that
/// intervals add up exactly whatever the order (292 years fit).
class SimTime {
 public:
  constexpr SimTime() = default;
  static constexpr SimTime from_ns(long long ns) {
    SimTime t;
    t.ns_ = ns;
    return t;
  }
  static SimTime from_seconds(double s) { return from_ns(std::llround(s * 1e9)); }
  static constexpr SimTime max() { return from_ns(9223372036854775807LL); }
  [[nodiscard]] constexpr long long ns() const { return ns_; }
  [[nodiscard]] constexpr double seconds() const { return static_cast<double>(ns_) / 1e9; }
  friend constexpr auto operator<=>(SimTime, SimTime) = default;

 private:
  long long ns_ = 0;
};

}  // namespace nightwatt
