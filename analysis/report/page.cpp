#include <fmt/format.h>

#include <cerrno>
#include <fstream>
#include <stdexcept>
#include <system_error>

#include "analysis/report/parts.hpp"
#include "analysis/report/report.hpp"
#include "analysis/report/web_assets.hpp"
#include "sim/timeline/output_file.hpp"

namespace nightwatt {
namespace {

using report::Json;

Json run_data(const TimelineFile& file, const report::Budget& budget) {
  const report::JobColumns jobs(file);
  Json out = report::provenance(file);
  out["series"] = report::time_series(file, budget);
  out["calendar"] = report::calendar(file);
  out["distributions"] = report::distributions(file, jobs, budget);
  out["schedule"] = report::schedule(file, jobs, budget);
  out["shares"] = report::site_shares(file, jobs);
  out["caps"] = report::cap_curves(file, jobs);
  out["tables"] = report::job_tables(file, jobs, budget);
  return out;
}

Json comparison_data(const ReportComparison& comparison) {
  Json rows = Json::array();
  for (const ReportDifference& row : comparison.rows) {
    rows.push_back({{"metric", row.metric},
                    {"unit", row.unit},
                    {"base", row.base},
                    {"other", row.other},
                    {"low", row.low},
                    {"high", row.high}});
  }
  return {{"run", comparison.run},
          {"warnings", comparison.warnings},
          {"equal_work", comparison.equal_work},
          {"interval", comparison.interval},
          {"rows", std::move(rows)}};
}

/// The page with `mark` replaced by the data.
std::string filled(std::string_view page, std::string_view mark, const std::string& data) {
  const std::size_t at = page.find(mark);
  if (at == std::string_view::npos)
    throw std::logic_error("the report's page has no place for data");
  std::string out;
  out.reserve(page.size() + data.size());
  out += page.substr(0, at);
  out += data;
  out += page.substr(at + mark.size());
  return out;
}

}  // namespace

bool report_is_built() { return !report::web_page().empty(); }

std::string report_page(const std::vector<TimelineFile>& files,
                        const std::vector<ReportComparison>& comparisons,
                        const ReportStudy* study) {
  const report::Budget budget = report::Budget::of(files);
  Json data = {{"runs", Json::array()}, {"comparisons", Json::array()}};
  for (std::size_t i = 0; i < files.size(); ++i) {
    data["runs"].push_back(run_data(files[i], budget));
    if (study != nullptr) data["runs"].back()["called"] = study->titles.at(i);
  }
  if (study != nullptr) data["study"] = report::study(study->index, files.size());
  for (const ReportComparison& each : comparisons) {
    data["comparisons"].push_back(comparison_data(each));
  }
  return filled(report::web_page(), report::data_mark, report::script_safe(data));
}

void write_report(const std::string& page, const std::filesystem::path& path) {
  const timeline::FileSizeSignalIgnored no_signal;
  timeline::OutputFile file(path);
  errno = 0;
  std::ofstream out(file.temporary(), std::ios::binary);
  out << page;
  out.close();
  if (!out) file.fail(std::generic_category().message(errno != 0 ? errno : EIO));
  file.commit();
}

}  // namespace nightwatt
