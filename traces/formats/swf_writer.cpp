#include "traces/formats/swf_writer.hpp"

#include <array>
#include <charconv>
#include <cmath>

namespace nightwatt {
namespace {

void append(std::int64_t value, std::string& text) {
  std::array<char, 24> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  text.append(digits.data(), end);
  text += ' ';
}

void append(double value, std::string& text) {
  if (std::isnan(value)) return append(std::int64_t{-1}, text);
  if (value == std::floor(value) && std::abs(value) < 1e15) {
    return append(static_cast<std::int64_t>(value), text);
  }
  std::array<char, 400> digits;  // the longest double without an exponent, unknown to SWF
  const auto end =
      std::to_chars(digits.data(), digits.data() + digits.size(), value, std::chars_format::fixed)
          .ptr;
  text.append(digits.data(), end);
  text += ' ';
}

}  // namespace

int swf_status(TraceState state) {
  switch (state) {
    case TraceState::completed:
      return 1;
    case TraceState::failed:
    case TraceState::node_fail:
    case TraceState::out_of_memory:
      return 0;
    case TraceState::cancelled:
    case TraceState::timeout:
    case TraceState::preempted:
      return 5;
    default:
      return -1;
  }
}

std::string swf_header(const SwfHeader& header) {
  std::string text = "; Version: 2.2\n";
  const auto line = [&](const char* key, const std::string& value) {
    text += std::string("; ") + key + ": " + value + "\n";
  };
  const auto count = [&](const char* key, std::uint64_t value) {
    if (value > 0) line(key, std::to_string(value));
  };
  if (!header.computer.empty()) line("Computer", header.computer);
  count("MaxJobs", header.jobs);
  count("MaxRecords", header.jobs);
  if (header.unix_start_s) {
    line("UnixStartTime", std::to_string(*header.unix_start_s));
    line("TimeZoneString", "UTC");
  }
  count("MaxNodes", header.nodes);
  count("MaxProcs", header.processors);
  if (!header.note.empty()) line("Note", header.note);
  return text;
}

SwfRow swf_row(const Job& job) {
  SwfRow row;
  row.id = job.id;
  row.submit_s = job.submit_s;
  row.wait_s = job.start_s - job.submit_s;
  row.run_s = job.run_s;
  row.limit_s = job.limit_s;
  row.status = swf_status(job.state);
  return row;
}

void append_swf(const SwfRow& row, std::string& text) {
  append(row.id, text);
  append(row.submit_s, text);
  append(row.wait_s, text);
  append(row.run_s, text);
  append(row.processors, text);
  text += "-1 -1 ";  // mean CPU time, memory
  append(row.processors, text);
  append(row.limit_s, text);
  text += "-1 ";  // memory asked for
  append(std::int64_t{row.status}, text);
  append(row.user, text);
  text += "-1 -1 ";  // group, program
  append(row.queue, text);
  text += "-1 ";  // partition
  append(row.preceding, text);
  append(row.think_s, text);
  text.back() = '\n';
}

}  // namespace nightwatt
