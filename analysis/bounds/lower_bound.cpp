#include "analysis/bounds/lower_bound.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "analysis/bounds/relaxation.hpp"
#include "traces/diagnostics.hpp"

namespace nightwatt {
namespace {

constexpr std::array<std::pair<const char*, bool Freedom::*>, 4> freedoms = {{
    {"interruption", &Freedom::interruption},
    {"site", &Freedom::site},
    {"device", &Freedom::device},
    {"cap", &Freedom::cap},
}};

/// The first site that a job may use and that has no such series; empty = all have it.
std::string site_without_series(const BoundInput& input, Objective objective) {
  std::vector<bool> used(input.sites.size(), false);
  for (const BoundInput::Option& option : input.options) {
    used[input.partitions[option.partition].site] = true;
  }
  for (std::size_t s = 0; s < used.size(); ++s) {
    const BoundInput::Site& site = input.sites[s];
    const auto& series = objective == Objective::carbon ? site.carbon_g_per_j : site.cost_per_j;
    const bool absent =
        std::any_of(series.begin(), series.end(), [](double value) { return std::isnan(value); });
    if (used[s] && absent) return site.name;
  }
  return {};
}

/// Goes uphill on the prices from where it stands; a step that does not help is taken back and
/// halved.
class Ascent {
 public:
  Ascent(const Relaxation& relaxation, double target) : relaxation_(relaxation), target_(target) {}

  /// @return whether it is better than all before
  bool consider(std::vector<double> price) {
    Relaxation::Value value = relaxation_.at(price);
    if (found_ && !(value.bound > best_.bound)) return false;
    best_ = std::move(value);
    price_ = std::move(price);
    found_ = true;
    return true;
  }

  void climb(std::uint32_t iterations) {
    const std::vector<double>& capacity = relaxation_.capacity();
    double length = 1.0;
    for (std::uint32_t i = 0; i < iterations; ++i) {
      // Uphill is what the choices use beyond the capacity, except where a price would fall below
      // 0.
      std::vector<double> uphill(capacity.size());
      double square = 0.0;
      for (std::size_t c = 0; c < capacity.size(); ++c) {
        const double excess = best_.usage[c] - capacity[c];
        uphill[c] = excess > 0.0 || price_[c] > 0.0 ? excess : 0.0;
        square += uphill[c] * uphill[c];
      }
      const double missing = target_ - best_.bound;
      if (!(square > 0.0) || !(missing > 0.0)) return;
      std::vector<double> next = price_;
      for (std::size_t c = 0; c < next.size(); ++c) {
        next[c] = std::max(0.0, next[c] + length * missing / square * uphill[c]);
      }
      if (!consider(std::move(next))) length *= 0.5;
    }
  }

  [[nodiscard]] double bound() const { return best_.bound; }

 private:
  const Relaxation& relaxation_;
  double target_;  ///< no bound is above it
  bool found_ = false;
  std::vector<double> price_;
  Relaxation::Value best_;
};

}  // namespace

std::string freedom_text(Freedom freedom) {
  std::vector<std::string> names = {"start"};
  for (const auto& [name, member] : freedoms) {
    if (freedom.*member) names.emplace_back(name);
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

Freedom freedom_of(std::string_view text) {
  Freedom freedom;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    std::string_view word = text.substr(0, comma);
    text.remove_prefix(std::min(text.size(), comma + 1));
    while (word.starts_with(' ')) word.remove_prefix(1);
    while (word.ends_with(' ')) word.remove_suffix(1);
    if (word == "start") continue;
    const auto found = std::find_if(freedoms.begin(), freedoms.end(),
                                    [&](const auto& each) { return word == each.first; });
    if (found == freedoms.end()) {
      throw InputError(fmt::format(
          "freedom: expected start, interruption, site, device or cap, got {}", quote(word)));
    }
    freedom.*found->second = true;
  }
  return freedom;
}

LowerBound lower_bound(const BoundInput& input, Objective objective, const BoundOptions& options) {
  LowerBound result;
  const bool carbon = objective == Objective::carbon;
  result.booked = 0.0;
  for (const BoundInput::Job& job : input.jobs) {
    result.booked += carbon ? job.booked_carbon_g : job.booked_cost;
  }
  if (const std::string site = site_without_series(input, objective); !site.empty()) {
    result.method =
        fmt::format("none: {} has no {}", quote(site), carbon ? "carbon intensity" : "price");
    return result;
  }
  const Relaxation relaxation(input, objective, options.cell_s);
  Ascent ascent(relaxation, result.booked);
  ascent.consider(std::vector<double>(relaxation.cells(), 0.0));
  std::string prices = "prices 0";
  if (options.flow_arcs > 0) {
    FlowPrices flow = flow_prices(input, objective, relaxation, options.flow_arcs);
    ascent.consider(std::move(flow.price));
    prices = fmt::format("network simplex ({} classes, {} arcs)", flow.classes, flow.arcs);
  }
  ascent.climb(options.iterations);
  result.value = ascent.bound();
  result.method = fmt::format("Lagrangian, prices of {} cells: {}, {} subgradient steps",
                              relaxation.cells(), prices, options.iterations);
  return result;
}

LowerBounds lower_bounds(const BoundInput& input, const BoundOptions& options) {
  LowerBounds bounds;
  bounds.freedom = freedom_text(input.freedom);
  bounds.carbon = lower_bound(input, Objective::carbon, options);
  bounds.cost = lower_bound(input, Objective::cost, options);
  bounds.jobs = input.jobs.size();
  double horizon_s = options.cell_s;
  for (const BoundInput::Job& job : input.jobs) horizon_s = std::max(horizon_s, job.to_s);
  bounds.cells =
      input.partitions.size() * static_cast<std::uint64_t>(std::ceil(horizon_s / options.cell_s));
  return bounds;
}

}  // namespace nightwatt
