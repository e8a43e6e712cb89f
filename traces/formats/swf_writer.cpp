#include "traces/formats/swf_writer.hpp"

#include <array>
#include <charconv>
#include <cmath>

namespace nightwatt {
namespace {

constexpr std::size_t block_bytes = std::size_t{1} << 20;

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

SwfWriter::SwfWriter(std::ostream& out, const SwfHeader& header) : out_(out) {
  buffer_ = "; Version: 2.2\n";
  const auto line = [&](const char* key, const std::string& value) {
    buffer_ += std::string("; ") + key + ": " + value + "\n";
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
  buffer_.reserve(block_bytes + 1024);
}

void SwfWriter::number(std::int64_t value) {
  std::array<char, 24> text;
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  buffer_.append(text.data(), end);
  buffer_ += ' ';
}

void SwfWriter::number(double value) {
  if (std::isnan(value)) return number(std::int64_t{-1});
  if (value == std::floor(value) && std::abs(value) < 1e15) {
    return number(static_cast<std::int64_t>(value));
  }
  std::array<char, 400> text;  // the longest double without an exponent, which SWF does not know
  const auto end =
      std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed).ptr;
  buffer_.append(text.data(), end);
  buffer_ += ' ';
}

void SwfWriter::add(const Job& job) {
  const std::int64_t processors = job.gpu_milli > 0 ? (job.gpu_milli + 999) / 1000 : job.cores;
  const auto known = [](std::int32_t index) { return std::int64_t{index} + (index < 0 ? 0 : 1); };
  number(job.id);
  number(job.submit_s);
  number(job.start_s - job.submit_s);
  number(job.run_s);
  number(processors);
  buffer_ += "-1 -1 ";  // mean CPU time, memory
  number(processors);
  number(job.limit_s);
  buffer_ += "-1 ";  // memory asked for
  number(static_cast<std::int64_t>(swf_status(job.state)));
  number(known(job.user));
  buffer_ += "-1 -1 ";  // group, program
  number(known(job.queue));
  buffer_ += "-1 -1 -1\n";  // partition, preceding job, think time
  if (buffer_.size() >= block_bytes) {
    out_.write(buffer_.data(), static_cast<std::streamsize>(buffer_.size()));
    buffer_.clear();
  }
}

bool SwfWriter::finish() {
  out_.write(buffer_.data(), static_cast<std::streamsize>(buffer_.size()));
  buffer_.clear();
  out_.flush();
  return static_cast<bool>(out_);
}

}  // namespace nightwatt
