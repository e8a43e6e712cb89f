#include "cli/study_files.hpp"

#include <fmt/format.h>

#include <utility>

#include "analysis/study/study_figures.hpp"
#include "traces/diagnostics.hpp"

namespace nightwatt::cli {

NamedFiles with_runs_of_study(const std::vector<std::string>& files,
                              const std::vector<std::string>& where) {
  NamedFiles named;
  for (const std::string& path : files) {
    if (!is_study_index(path)) continue;
    if (files.size() > 1) {
      throw InputError(Diagnostic{{path, 0, 0},
                                  "the index of a study stands for all of its runs; "
                                  "name no other files beside it"});
    }
    named.study = read_study_index(path);
    StudyFiles runs = study_files(*named.study, path, where);
    if (runs.left_out > 0) {
      fmt::print(stderr, "{}: {} runs are left out, since runs with the same seed failed\n", path,
                 runs.left_out);
    }
    for (const auto& file : runs.files) named.files.push_back(file.string());
    named.titles = std::move(runs.titles);
    named.points = std::move(runs.points);
    named.same_work = runs.same_work;
    return named;
  }
  if (!where.empty()) throw InputError("--where: expected the index of a study, got timelines");
  named.files = files;
  return named;
}

}  // namespace nightwatt::cli
