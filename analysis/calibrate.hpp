#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/measurements/study.hpp"

namespace nightwatt {

/// Fits all terms that the files say something about, and cross-validates them.
/// @param anchors  rows of devices that nobody has measured: their data-sheet terms are scaled
/// @throws InputError where no fit can use any of the files
Calibration calibrate(const std::vector<MeasuredFile>& files, Catalog& catalog,
                      const std::vector<MeasuredFile>& anchors = {});

/// Writes the terms as a folder that the catalogue reads: `terms/NAME.yaml`, the files of devices
/// with their new terms, and `terms/seen/KIND.txt`, the rows that were used. Terms that this
/// calibration says nothing about are left as they are.
/// @throws InputError if it cannot be written
void write_calibration(const Calibration& calibration, Catalog& catalog, const std::string& folder);

/// Fingerprints of the rows of a kind that the terms of the catalogue have seen.
std::set<std::uint32_t> seen_rows(const std::vector<std::string>& folders, std::string_view kind);

/// @throws InputError if the file cannot be written
void write_text(const std::string& path, const std::string& text);

/// docs/validation-energy.md: the errors beside what was aimed at and what others reach, and the
/// groups with the largest ones.
std::string calibration_report(const Calibration& calibration);

/// Cross-validated errors, for people.
std::string calibration_table(const Calibration& calibration);

}  // namespace nightwatt
