#pragma once

#include <cmath>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "traces/diagnostics.hpp"
#include "traces/input.hpp"
#include "traces/reader.hpp"

namespace nightwatt::testing {

/// A request that a format can work with: a zone, and for the generic CSV a map of every field.
inline ReadRequest request_of(const std::string& format,
                              std::map<std::string, std::string> rules = {}) {
  ReadRequest request;
  request.path = "fuzz";
  request.format = format;
  request.rules = std::move(rules);
  request.zone = "America/Chicago";
  if (format == "csv") {
    request.columns.columns = {{"id", "i"},          {"submit", "s"}, {"start", "b"},
                               {"end", "e"},         {"limit", "l"},  {"deadline", "d"},
                               {"gpus", "g"},        {"nodes", "n"},  {"cores", "c"},
                               {"gpu_type", "t"},    {"user", "u"},   {"queue", "q"},
                               {"utilization", "z"}, {"state", "x"},  {"depends_on", "w"}};
  }
  return request;
}

/// Rules that lead past faulty rows, deeper into a reader, where the request does not choose.
inline void make_lenient(ReadRequest& request) {
  for (const FormatInfo& format : workload_formats()) {
    if (format.name != request.format) continue;
    for (const RuleInfo& rule : format.rules) {
      if (rule.name == "bad_row") request.rules.emplace(rule.name, "skip");
      if (rule.name == "duplicate_ids") request.rules.emplace(rule.name, "renumber");
    }
  }
}

/// Stops the program where a workload breaks what its type promises.
inline void check(const Workload& workload) {
  const auto require = [](bool good) {
    if (!good) std::abort();
  };
  double last_s = -INFINITY;
  for (const Job& job : workload.jobs) {
    require(std::isfinite(job.submit_s) && std::isfinite(job.run_s));
    require(job.submit_s >= last_s && job.run_s >= 0 && job.row > 0);
    require(!workload.id_text(job).empty());
    last_s = job.submit_s;
  }
  for (const Dependency& one : workload.dependencies) {
    require(one.job < workload.jobs.size() && one.on < workload.jobs.size());
  }
}

/// Reads the bytes twice, strictly and leniently: each time a sound workload or an InputError.
/// @return whether one of both was a workload
inline bool read_workload_bytes(const ReadRequest& request, std::string_view bytes) {
  bool taken = false;
  for (const bool lenient : {false, true}) {
    ReadRequest asked = request;
    if (lenient) make_lenient(asked);
    try {
      Input input = Input::from_memory("fuzz", bytes);
      check(read_workload(asked, input));
      taken = true;
    } catch (const InputError& error) {
      if (error.faults().empty()) std::abort();
    }
  }
  return taken;
}

}  // namespace nightwatt::testing
