#include "traces/network.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <optional>
#include <set>

#include "traces/diagnostics.hpp"
#include "traces/table.hpp"

namespace nightwatt {

std::string Bandwidths::region(std::string_view name) const {
  std::set<std::string_view> known;
  for (const auto& [pair, width] : bytes_per_s) {
    known.insert(pair.first);
    known.insert(pair.second);
  }
  if (known.count(name) > 0) return std::string(name);
  std::string_view found;
  for (const std::string_view region : known) {
    const bool zone = region.size() == name.size() + 2 && region.starts_with(name) &&
                      region[name.size()] == '-' && region.back() >= 'a' && region.back() <= 'z';
    if (!zone) continue;
    if (!found.empty()) return {};
    found = region;
  }
  return std::string(found);
}

Bandwidths read_bandwidths(const std::string& path, Input& input) {
  Table table(input);
  Diagnostics faults;
  const bool skyplane = table.find("src_region").has_value();
  const std::size_t from = table.require(skyplane ? "src_region" : "from", faults);
  const std::size_t to = table.require(skyplane ? "dst_region" : "to", faults);
  // The published files spell the column as the program that wrote them did.
  const bool misspelt = skyplane && table.find("throughput_recieved").has_value();
  const std::size_t width = table.require(misspelt   ? "throughput_recieved"
                                          : skyplane ? "throughput_received"
                                                     : "gbit_per_s",
                                          faults);
  const std::size_t none = table.header().size();
  const std::size_t success = skyplane ? table.find("success").value_or(none) : none;
  faults.throw_if_any();
  const double bytes = (skyplane ? 1.0 : 1e9) / 8.0;

  Bandwidths out;
  std::map<std::pair<std::string, std::string>, std::uint64_t> measured;
  std::uint64_t failed = 0, repeated = 0;
  while (table.next()) {
    ++out.report.rows;
    if (!table.fault().empty()) {
      faults.error(table.position(table.fault_field()), table.fault());
      continue;
    }
    if (success != none && table[success] != "True" && table[success] != "true") {
      ++failed;
      continue;
    }
    bool good = true;
    for (const std::size_t column : {from, to}) {
      if (!table[column].empty()) continue;
      faults.error(table.position(column), table.header()[column] + ": expected a region, got ''");
      good = false;
    }
    const std::optional<double> value = parse_number(table[width]);
    if (!value || !(*value > 0.0)) {
      faults.error(table.position(width), fmt::format("{}: expected a number above 0, got {}",
                                                      table.header()[width], quote(table[width])));
      good = false;
    }
    if (!good) continue;
    const std::pair pair{std::string(table[from]), std::string(table[to])};
    const std::uint64_t n = ++measured[pair];
    double& mean = out.bytes_per_s[pair];
    mean += (*value * bytes - mean) / static_cast<double>(n);
    if (n > 1) ++repeated;
  }
  faults.throw_if_any();
  out.report.path = path;
  out.report.format = skyplane ? "skyplane" : "csv";
  out.report.sha256 = input.sha256();
  if (failed > 0) out.report.skipped.push_back({"failed_measurement", "left out", failed});
  if (repeated > 0) out.report.adjusted.push_back({"repeated_measurement", "averaged", repeated});
  return out;
}

}  // namespace nightwatt
