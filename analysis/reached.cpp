#include "analysis/reached.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include <fmt/format.h>

#include "analysis/bounds/lower_bound.hpp"
#include "traces/diagnostics.hpp"

namespace nightwatt {
namespace {

/// What the runs did that others did not have to: the bound may do it, too.
Freedom freedom_of_files(const std::vector<const TimelineFile*>& files) {
  Freedom freedom;
  const bool several = files.front()->sites().size() > 1;
  const auto first = several ? files.front()->jobs_text("site") : std::vector<std::string>();
  for (const TimelineFile* file : files) {
    const auto pauses = file->jobs_int("preemptions");
    freedom.interruption = freedom.interruption ||
                           std::any_of(pauses.begin(), pauses.end(), [](auto n) { return n > 0; });
    freedom.site = freedom.site || (several && file->jobs_text("site") != first);
  }
  return freedom;
}

/// (base - run) / (base - bound); none where nothing can be saved, or something is not known.
std::optional<double> share(double base, double run, double bound) {
  if (!(base - bound > 1e-6 * std::abs(base))) return std::nullopt;
  const double reached = (base - run) / (base - bound);
  return std::isnan(reached) ? std::nullopt : std::optional(reached);
}

}  // namespace

void add_reached(Comparison& comparison, const TimelineFile& base,
                 const std::vector<const TimelineFile*>& others) {
  std::vector<const TimelineFile*> files = {&base};
  for (std::size_t i = 0; i < others.size(); ++i) {
    if (comparison.runs[i].work.equal()) files.push_back(others[i]);
  }
  if (files.size() < 2) return;
  LowerBounds bounds;
  try {
    bounds = lower_bounds(bound_input(files, freedom_of_files(files)));
  } catch (const InputError& error) {
    comparison.notes.push_back("no " + error.faults().front().message);  // "bound: ..."
    return;
  }
  const Summary& from = base.summary();
  for (std::size_t i = 0; i < others.size(); ++i) {
    RunDifference& run = comparison.runs[i];
    if (!run.work.equal()) continue;
    const Summary& to = others[i]->summary();
    ReachedShare reached;
    reached.bound_carbon_g = bounds.carbon.value;
    reached.bound_cost = bounds.cost.value;
    // What moving data took is part of the charge, and of the bound where the files know it.
    reached.carbon = share(from.jobs_carbon_g + from.transfer_carbon_g,
                           to.jobs_carbon_g + to.transfer_carbon_g, reached.bound_carbon_g);
    reached.cost = share(from.jobs_cost + from.transfer_cost, to.jobs_cost + to.transfer_cost,
                         reached.bound_cost);
    reached.freedoms = bounds.freedom;
    if (reached.carbon || reached.cost) run.reached = std::move(reached);
  }
}

}  // namespace nightwatt
