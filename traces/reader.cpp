#include "traces/reader.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "traces/builder.hpp"
#include "traces/formats/formats.hpp"
#include "traces/input.hpp"
#include "traces/table.hpp"

namespace nightwatt {

namespace {

/// Every workload format, sorted by name. `--format auto` asks them in this order.
const std::vector<Format>& formats() {
  static const std::vector<Format> all = [] {
    std::vector<Format> list = {
        acme_format(),  csv_format(),         helios_format(),      philly_csv_format(),
        sacct_format(), swf_format(),         batsim_json_format(), openb_format(),
        pai_format(),   philly_json_format(),
    };
    std::sort(list.begin(), list.end(),
              [](const Format& a, const Format& b) { return a.info.name < b.info.name; });
    return list;
  }();
  return all;
}

std::vector<std::string_view> names(bool only_recognised) {
  std::vector<std::string_view> list;
  for (const Format& format : formats()) {
    if (!only_recognised || format.recognise != nullptr) list.push_back(format.info.name);
  }
  return list;
}

const Format& format_of(const ReadRequest& request, Input& input) {
  if (request.format == "auto" || request.format.empty()) {
    // A column map belongs to the generic CSV, whatever the columns look like.
    const bool mapped = !request.columns.columns.empty();
    for (const Format& format : formats()) {
      if (mapped ? format.info.name == "csv"
                 : format.recognise != nullptr && format.recognise(input.peek())) {
        return format;
      }
    }
    throw InputError(Diagnostic{
        {request.path, 0, 0},
        fmt::format("format: the content is none of the workload formats that were tried ({}); "
                    "it begins with {}. Name the format, or use format csv with a column map",
                    fmt::join(names(true), ", "), quote(first_line(input.peek())))});
  }
  for (const Format& format : formats()) {
    if (format.info.name == request.format) return format;
  }
  const auto known = names(false);
  const std::string hint = did_you_mean(request.format, known);
  throw InputError(
      fmt::format("format: unknown workload format {}{}", quote(request.format),
                  hint.empty() ? fmt::format("; known are {}", fmt::join(known, ", ")) : hint));
}

}  // namespace

std::string_view first_line(std::string_view head, char comment) {
  while (!head.empty()) {
    const std::size_t end = std::min(head.find('\n'), head.size());
    std::string_view line = head.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!trimmed(line).empty() && (comment == '\0' || line.front() != comment)) return line;
    head.remove_prefix(std::min(end + 1, head.size()));
  }
  return {};
}

bool header_has(std::string_view head, char delimiter, std::string_view wanted) {
  std::vector<std::string_view> fields;
  std::string_view line = first_line(head);
  while (true) {
    const std::size_t end = std::min(line.find(delimiter), line.size());
    std::string_view field = trimmed(line.substr(0, end));
    if (field.size() >= 2 && field.front() == '"' && field.back() == '"') {
      field = field.substr(1, field.size() - 2);
    }
    fields.push_back(field);
    if (end == line.size()) break;
    line.remove_prefix(end + 1);
  }
  while (!wanted.empty()) {
    const std::size_t end = std::min(wanted.find(','), wanted.size());
    if (std::find(fields.begin(), fields.end(), wanted.substr(0, end)) == fields.end()) {
      return false;
    }
    wanted.remove_prefix(std::min(end + 1, wanted.size()));
  }
  return true;
}

Workload read_workload(const ReadRequest& request) {
  Input input = Input::open(request.path,
                            request.resolved_path.empty() ? request.path : request.resolved_path);
  return read_workload(request, input);
}

Workload read_workload(const ReadRequest& request, Input& input) {
  const Format& format = format_of(request, input);
  WorkloadBuilder builder(request, format.info, &input);
  try {
    format.read(input, builder);
  } catch (const InputError& error) {
    builder.fail(error);
  }
  return builder.finish(input);
}

std::vector<FormatInfo> workload_formats() {
  std::vector<FormatInfo> infos;
  for (const Format& format : formats()) infos.push_back(format.info);
  return infos;
}

}  // namespace nightwatt
