#pragma once

#include <string>
#include <vector>

#include "policies/local_time.hpp"
#include "scenarios/scenario.hpp"
#include "sim/setup.hpp"

namespace nightwatt {

/// The limit as a function of time, for the period and the year behind it.
/// @param power  at other times, in W; it covers the period, and its last value holds behind it
PowerBudget power_budget(const BudgetSpec& spec, StepSeries power, const SiteClock& clock,
                         double period_start_unix_s, SimTime period_end);

/// Why the site's budget cannot be kept up to `until` even with no job at all; "" = it can.
std::string budget_fault(const SiteSetup& site, const std::vector<Device>& devices, SimTime until);

}  // namespace nightwatt
