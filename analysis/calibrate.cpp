#include "analysis/calibrate.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

#include "analysis/text.hpp"
#include "traces/table.hpp"

namespace nightwatt {
namespace {

namespace fs = std::filesystem;

std::string text_of(const std::string& path) {
  Input input = Input::open(path, path);
  return input.read_all();
}

/// The text of a device file with other terms: the block `terms:` is replaced, or added at the end.
std::string with_terms(const std::string& text, const std::map<std::string, FittedTerm>& terms) {
  std::string block = "terms:\n";
  for (const auto& [name, term] : terms) {
    block += fmt::format("  {}: {{value: {:.6g}, data: \"{}\"}}\n", name, term.value, term.data);
  }
  std::size_t begin = text.rfind("terms:", 0) == 0 ? 0 : text.find("\nterms:");
  if (begin == std::string::npos) {
    return text + (text.empty() || text.back() == '\n' ? "" : "\n") + block;
  }
  if (begin != 0) ++begin;
  // The block ends before the next line that does not belong under it.
  std::size_t end = text.find('\n', begin);
  while (end != std::string::npos && end + 1 < text.size() &&
         (text[end + 1] == ' ' || text[end + 1] == '\n')) {
    end = text.find('\n', end + 1);
  }
  const std::string after = end == std::string::npos ? "" : text.substr(end + 1);
  return text.substr(0, begin) + block + after;
}

}  // namespace

void write_text(const std::string& path, const std::string& text) {
  std::error_code error;
  const fs::path folder = fs::path(path).parent_path();
  if (!folder.empty()) fs::create_directories(folder, error);
  std::ofstream out(path, std::ios::binary);
  out << text;
  out.close();
  if (!out) throw InputError(fmt::format("{}: cannot be written", path));
}

Calibration calibrate(const std::vector<MeasuredFile>& files, Catalog& catalog,
                      const std::vector<MeasuredFile>& anchors) {
  Calibration out;
  bool any = false;
  for (const Fit& fit : fits()) {
    std::vector<const MeasuredFile*> used;
    for (const MeasuredFile& file : files) {
      if (std::find(fit.kinds.begin(), fit.kinds.end(), file.kind().name) != fit.kinds.end()) {
        used.push_back(&file);
      }
    }
    if (used.empty()) continue;
    any = true;
    fit.run(used, catalog, out);
  }
  for (const MeasuredFile& rows : anchors) {
    const auto fit = std::find_if(fits().begin(), fits().end(), [&](const Fit& f) {
      return f.anchor != nullptr &&
             std::find(f.kinds.begin(), f.kinds.end(), rows.kind().name) != f.kinds.end();
    });
    if (fit == fits().end()) {
      throw InputError(
          {{rows.path(), 0, 0},
           fmt::format("anchor: rows of kind {} cannot anchor a device", rows.kind().name)});
    }
    any = true;
    // What the terms that are scaled have seen, these have seen, too.
    if (out.shared.find(std::string(fit->name)) == out.shared.end()) {
      for (const std::string_view kind : fit->kinds) {
        const auto before = seen_rows(catalog.folders(), kind);
        if (!before.empty()) out.seen[std::string(kind)].insert(before.begin(), before.end());
      }
    }
    fit->anchor(rows, catalog, out);
  }
  if (!any) {
    std::vector<std::string_view> kinds;
    for (const Fit& fit : fits()) kinds.insert(kinds.end(), fit.kinds.begin(), fit.kinds.end());
    throw InputError(
        fmt::format("nothing to fit: expected files of a kind of {}", fmt::join(kinds, ", ")));
  }
  if (out.shared.empty() && out.cross_validation.empty()) {
    throw InputError(
        "nothing to fit: the catalogue covers no row of the files (nightwatt validate says why)");
  }
  return out;
}

void write_calibration(const Calibration& calibration, Catalog& catalog,
                       const std::string& folder) {
  const fs::path root(folder);
  for (const auto& [name, terms] : calibration.shared) {
    write_text((root / "terms" / (name + ".yaml")).string(), write_shared_terms(terms));
  }
  if (const std::vector<ErrorBand> found = calibration.bands(); !found.empty()) {
    // Of terms that were not asked about the bands are kept.
    std::vector<ErrorBand> bands;
    for (ErrorBand& band : error_bands(catalog.folders())) {
      const bool anew = std::any_of(found.begin(), found.end(),
                                    [&](const ErrorBand& b) { return b.terms == band.terms; });
      if (!anew) bands.push_back(std::move(band));
    }
    bands.insert(bands.end(), found.begin(), found.end());
    write_text((root / "terms" / "errors.yaml").string(), write_error_bands(bands));
  }
  for (const auto& [id, terms] : calibration.devices) {
    const CatalogDevice& device = catalog.device(id);
    std::map<std::string, FittedTerm> all(device.device.terms.begin(), device.device.terms.end());
    for (const auto& [name, term] : terms) all[name] = term;
    for (const std::string& from : catalog.folders()) {
      const fs::path path = fs::path(from) / device.file;
      if (!fs::exists(path)) continue;
      write_text((root / device.file).string(), with_terms(text_of(path.string()), all));
      break;
    }
  }
  for (const auto& [kind, rows] : calibration.seen) {
    std::string text = "# Rows that the terms were fitted to: a hash of each.\n";
    for (const std::uint32_t row : rows) text += fmt::format("{:08x}\n", row);
    write_text((root / "terms" / "seen" / (kind + ".txt")).string(), text);
  }
}

std::set<std::uint32_t> seen_rows(const std::vector<std::string>& folders, std::string_view kind) {
  for (const std::string& folder : folders) {
    const fs::path path = fs::path(folder) / "terms" / "seen" / (std::string(kind) + ".txt");
    std::error_code error;
    if (!fs::exists(path, error)) continue;
    std::set<std::uint32_t> out;
    Input input = Input::open(path.string(), path.string());
    for (LineReader lines(input); lines.next();) {
      const std::string line(lines.line());
      if (line.empty() || line.front() == '#') continue;
      char* end = nullptr;
      out.insert(static_cast<std::uint32_t>(std::strtoul(line.c_str(), &end, 16)));
      if (*end != '\0' || line.size() != 8) {
        throw InputError({{path.string(), lines.number(), 1},
                          fmt::format("expected eight hexadecimal digits, got {}", quote(line))});
      }
    }
    return out;
  }
  return {};
}

std::string calibration_table(const Calibration& calibration) {
  using Align = TextTable::Align;
  TextTable table({Align::left, Align::left, Align::left, Align::right, Align::right, Align::right,
                   Align::right, Align::right});
  table.row({"file", "left out", "quantity", "rows", "MAPE", "median", "p90", "bias"});
  const auto percent = [](double x) { return fmt::format("{:.2f} %", 100.0 * x); };
  for (const CrossValidation& validation : calibration.cross_validation) {
    std::map<std::string, std::vector<const Prediction*>> by_quantity;
    for (const Prediction& p : validation.predictions) by_quantity[p.quantity].push_back(&p);
    for (const auto& [quantity, predictions] : by_quantity) {
      const ErrorFigures f = figures_of(predictions);
      table.row({validation.file, validation.left_out, quantity, std::to_string(f.rows),
                 percent(f.mape), percent(f.median), percent(f.p90), percent(f.bias)});
    }
  }
  return table.text(200);
}

}  // namespace nightwatt
