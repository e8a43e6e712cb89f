#include "analysis/validate.hpp"

#include <fmt/format.h>

#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <tuple>

#include "analysis/calibrate.hpp"
#include "analysis/text.hpp"

namespace nightwatt {
namespace {

std::string percent(double ratio) {
  return std::isnan(ratio) ? "-" : fmt::format("{:.1f} %", 100.0 * ratio);
}

}  // namespace

FileValidation validate_file(const std::string& path, Catalog& catalog) {
  FileValidation out{MeasuredFile::read(path), {}, {}, {}};
  const Evaluator& evaluator = evaluator_of(out.file.kind().name);
  Evaluation evaluation = evaluator.evaluate(out.file, catalog);
  const std::set<std::uint32_t> seen = seen_rows(catalog.folders(), out.file.kind().name);
  for (Prediction& p : evaluation.predictions) {
    p.seen = p.seen || seen.count(out.file.fingerprint(p.row)) != 0;
  }
  out.errors = error_rows(path, evaluation, evaluator.quantities);
  out.predictions = std::move(evaluation.predictions);
  out.not_covered = std::move(evaluation.not_covered);
  return out;
}

std::string validation_table(const std::vector<FileValidation>& files) {
  using Align = TextTable::Align;
  std::string out;
  for (const FileValidation& file : files) {
    out += fmt::format("{}: {}, {} rows\n\n", printable(file.file.path()), file.file.kind().summary,
                       file.file.rows());
    TextTable table({Align::left, Align::left, Align::left, Align::left, Align::right, Align::right,
                     Align::right, Align::right, Align::right, Align::right, Align::right});
    table.row({"quantity", "device", "model", "phase", "rows", "seen", "not covered", "MAPE",
               "median", "p90", "bias"});
    for (const ErrorRow& row : file.errors) {
      table.row({row.quantity, printable(row.device), printable(row.model), printable(row.phase),
                 std::to_string(row.errors.rows), std::to_string(row.errors.seen),
                 std::to_string(row.errors.not_covered), percent(row.errors.mape),
                 percent(row.errors.median), percent(row.errors.p90), percent(row.errors.bias)});
    }
    out += table.text(200);
    std::map<std::tuple<std::string, std::string, std::string>, std::size_t> reasons;
    for (const NotCovered& row : file.not_covered) ++reasons[{row.device, row.model, row.why}];
    if (!reasons.empty()) out += "\nNot covered:\n";
    for (const auto& [key, count] : reasons) {
      out += fmt::format("  {} rows of {}, {}: {}\n", count, printable(std::get<0>(key)),
                         printable(std::get<1>(key)), printable(std::get<2>(key)));
    }
    out += "\n";
  }
  return out + "seen: rows that the fit of the terms in use has seen.\n";
}

std::string validation_json(const std::vector<FileValidation>& files) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  const auto number = [](double x) {
    return std::isnan(x) ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(x);
  };
  for (const FileValidation& file : files) {
    for (const ErrorRow& row : file.errors) {
      list.push_back({{"file", row.file},
                      {"device", row.device},
                      {"model", row.model},
                      {"phase", row.phase},
                      {"quantity", row.quantity},
                      {"rows", row.errors.rows},
                      {"rows_seen_by_fit", row.errors.seen},
                      {"rows_not_covered", row.errors.not_covered},
                      {"mape", number(row.errors.mape)},
                      {"median_ape", number(row.errors.median)},
                      {"p90_ape", number(row.errors.p90)},
                      {"bias", number(row.errors.bias)}});
    }
  }
  return list.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

std::string predictions_csv(const std::vector<FileValidation>& files) {
  std::string out = "file,line,device,model,phase,quantity,predicted,measured,seen_by_fit\n";
  const auto cell = [](const std::string& text) {
    if (text.find_first_of(",\"\n") == std::string::npos) return text;
    std::string quoted = "\"";
    for (const char c : text) quoted += c == '"' ? "\"\"" : std::string(1, c);
    return quoted + "\"";
  };
  for (const FileValidation& file : files) {
    for (const Prediction& p : file.predictions) {
      out += fmt::format("{},{},{},{},{},{},{:.6g},{:.6g},{:d}\n", cell(file.file.path()),
                         file.file.position(p.row).line, cell(p.device), cell(p.model),
                         cell(p.phase), p.quantity, p.predicted, p.measured, p.seen);
    }
  }
  return out;
}

}  // namespace nightwatt
