#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "analysis/cap_saving.hpp"
#include "sim/timeline/timeline.hpp"

/// The energy statement with which a paper can close: what its runs took, and what other choices
/// would have saved. After McDonald et al. 2022, "Great Power, Great Responsibility" (Findings of
/// NAACL), which asks authors for one.
namespace nightwatt {

/// Which jobs the statement is of; empty: all. All that is given must hold.
struct StatementSubset {
  std::string user, job_class, job;

  [[nodiscard]] bool is_all() const { return user.empty() && job_class.empty() && job.empty(); }
};

/// What another choice would have changed, for two facilities: all of their power beyond IT follows
/// IT power (fixed share 0), or half of it.
struct StatementSaving {
  std::string choice;
  struct Row {
    std::string what;  ///< "facility energy"
    std::string at_share_0, at_share_half;
  };
  std::vector<Row> rows;
};

struct Statement {
  std::string title;
  std::vector<std::pair<std::string, std::string>> facts;  ///< what, how much
  std::vector<StatementSaving> savings;
  std::vector<std::string> assumptions;
};

/// The cap of a statement that names none: 150 W of the 250 W of a V100, as by McDonald et al.
inline constexpr CapChoice usual_cap = {.limit = {}, .share_of_highest = 0.6};

/// @param cap  what to tell of a power cap; none: of `usual_cap`, or why it cannot be told
/// @param against  a run of the same work under another choice (a power cap, say), with which the
///   whole run is compared
/// @throws InputError if no job matches, a file cannot be read, the runs cannot be compared, or the
///   cap was asked for and cannot be told
Statement make_statement(const std::filesystem::path& file, const StatementSubset& subset = {},
                         const std::optional<std::filesystem::path>& against = std::nullopt,
                         const std::optional<CapChoice>& cap = std::nullopt);

std::string statement_markdown(const Statement& statement);
/// A paragraph and tables that need no package.
std::string statement_latex(const Statement& statement);

/// Signals and power of a site on a regular grid.
struct HourlyGrid {
  double bin_s = 0.0;
  std::vector<double> power_w;           ///< that moves
  std::vector<double> excess;            ///< PUE - 1
  std::vector<double> carbon_g_per_kwh;  ///< NaN: not known
  std::vector<double> price_per_kwh;
};

/// @param fixed_share  of facility power beyond IT that does not follow IT power
/// What the same power at another hour of the same day would be charged, as a difference to the
/// hours at which it was drawn: power of hour k of each whole day moves to hour k + shift, and from
/// the end of the day to its beginning.
/// @param hours  0..23
/// None where the bins do not make up hours.
std::optional<ChargeChange> shifted(const HourlyGrid& grid, int hours, double fixed_share);

}  // namespace nightwatt
