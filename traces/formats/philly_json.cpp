#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "traces/formats/formats.hpp"
#include "traces/formats/json.hpp"
#include "traces/formats/state.hpp"

namespace nightwatt {

namespace {

constexpr std::string_view assumed_zone = "America/Los_Angeles";

/// One time that the scheduler started the job, on the GPUs that it got.
struct Attempt {
  double start_s = unknown;
  double end_s = unknown;
  std::uint64_t gpus = 0;
  std::uint64_t nodes = 0;
};

class Reader {
 public:
  Reader(std::string& text, const std::string& name, WorkloadBuilder& builder)
      : builder_(builder),
        file_(text, name, builder.diagnostics()),
        dates_(builder, assumed_zone),
        unknown_state_(builder.rule("unknown_state")),
        missing_submit_(builder.rule("missing_submit")),
        no_attempts_(builder.rule("no_attempts")),
        missing_start_(builder.rule("missing_start")),
        missing_end_(builder.rule("missing_end")),
        negative_duration_(builder.rule("negative_duration")),
        several_attempts_(builder.rule("several_attempts")),
        overlapping_attempts_(builder.rule("overlapping_attempts")) {
    builder.times_are_unix();
  }

  void read() {
    auto jobs = file_.root_array("the jobs of Philly's cluster_job_log");
    if (!jobs) return;
    std::size_t index = 0;
    file_.each(*jobs, [&](JsonFile::Value job) { read_job(job, index++); });
    file_.expect_end();
  }

 private:
  void read_job(JsonFile::Value& value, std::size_t index) {
    enum : std::uint32_t { id_bit = 1, submit_bit = 2, attempts_bit = 4, other_bits = 8 };
    JsonRow row(file_, builder_, "jobs", index, file_.start(value));
    auto fields = row.fields(value, "a job");
    if (!fields) return;
    Job job;
    std::string_view id, status;
    attempts_.clear();
    job.submit_s = unknown;
    file_.each(*fields, [&](std::string_view key, const char* where, JsonFile::Value field) {
      if (key == "jobid") {
        row.seen(id_bit, where, key);
        id = row.text(field, key, "the id of the job, a text");
        if (row.ok() && id.empty()) row.wrong(field, key, "the id of the job, a text");
      } else if (key == "submitted_time") {
        row.seen(submit_bit, where, key);
        job.submit_s = time(row, field, key);
      } else if (key == "attempts") {
        row.seen(attempts_bit, where, key);
        read_attempts(row, field);
      } else if (key == "status") {
        row.seen(other_bits, where, key);
        if (!file_.is_null(field)) status = row.text(field, key);
        job.state = parse_state(status);
      } else if (key == "user") {
        row.seen(other_bits << 1U, where, key);
        if (!file_.is_null(field)) job.user = builder_.user(row.text(field, key));
      } else if (key == "vc") {
        row.seen(other_bits << 2U, where, key);
        if (!file_.is_null(field)) job.queue = builder_.queue(row.text(field, key));
      }
    });
    row.require(id_bit, "jobid");
    row.require(submit_bit, "submitted_time");
    row.require(attempts_bit, "attempts");
    if (!row.ok()) return;
    job.row = row.line();
    const Position where = file_.position(row.start());
    if (job.state == TraceState::unknown && !status.empty()) {
      if (unknown_state_.is("error")) {
        builder_.leave_out(unknown_state_, where, "status: is no state of a job");
        return;
      }
      unknown_state_.count_adjusted();
    }
    if (std::isnan(job.submit_s)) {
      builder_.leave_out(missing_submit_, where, "submitted_time: the job has none");
    } else if (decide(job, where)) {
      builder_.add(job, id, where);
    }
  }

  void read_attempts(JsonRow& row, JsonFile::Value& value) {
    if (file_.is_null(value)) return;
    auto attempts = file_.array(value);
    if (!attempts) {
      row.wrong(value, "attempts", "an array");
      return;
    }
    file_.each(*attempts, [&](JsonFile::Value entry) {
      auto fields = file_.object(entry);
      if (!fields) {
        row.wrong(entry, "attempts", "an array of objects");
        return;
      }
      Attempt attempt;
      std::uint32_t seen = 0;
      const auto once = [&](std::uint32_t bit, const char* where, std::string_view key) {
        if ((seen & bit) != 0) row.fault(where, key, "stands here a second time");
        seen |= bit;
      };
      file_.each(*fields, [&](std::string_view key, const char* where, JsonFile::Value field) {
        if (key == "start_time") {
          once(1, where, key);
          attempt.start_s = time(row, field, key);
        } else if (key == "end_time") {
          once(2, where, key);
          attempt.end_s = time(row, field, key);
        } else if (key == "detail") {
          once(4, where, key);
          read_detail(row, field, attempt);
        }
      });
      attempts_.push_back(attempt);
    });
  }

  void read_detail(JsonRow& row, JsonFile::Value& value, Attempt& attempt) {
    if (file_.is_null(value)) return;
    auto nodes = file_.array(value);
    if (!nodes) {
      row.wrong(value, "detail", "an array");
      return;
    }
    const char* where = file_.start(value);
    file_.each(*nodes, [&](JsonFile::Value entry) {
      auto fields = file_.object(entry);
      if (!fields) {
        row.wrong(entry, "detail", "an array of objects");
        return;
      }
      ++attempt.nodes;
      bool seen = false;
      file_.each(*fields, [&](std::string_view key, const char* at, JsonFile::Value field) {
        if (key != "gpus") return;
        if (seen) row.fault(at, key, "stands here a second time");
        seen = true;
        auto gpus = file_.array(field);
        if (!gpus) {
          if (!file_.is_null(field)) row.wrong(field, key, "an array");
          return;
        }
        file_.each(*gpus, [&](JsonFile::Value) { ++attempt.gpus; });
      });
    });
    if (attempt.gpus > static_cast<std::uint64_t>(max_gpus_per_job)) {
      row.fault(where, "detail", fmt::format("expected at most {} GPUs", max_gpus_per_job));
    }
  }

  /// Unix seconds; NaN where the trace has none (null, "", "None") or, with a fault, no date.
  double time(JsonRow& row, JsonFile::Value& value, std::string_view field) {
    static constexpr std::string_view expected =
        "a date such as '2017-10-07 01:12:09', 'None' or null";
    if (file_.is_null(value)) return unknown;
    const auto text = file_.text(value);
    if (!text) {
      row.wrong(value, field, expected);
      return unknown;
    }
    if (text->empty() || *text == "None") return unknown;
    std::string wanted;
    if (const auto unix_s = dates_.read(*text, wanted)) return *unix_s;
    row.wrong(value, field, wanted);
    return unknown;
  }

  /// Makes start, run time and GPUs of a job from its attempts. @return whether the job stays
  bool decide(Job& job, const Position& where) {
    if (!complete(where)) return false;
    if (attempts_.empty()) {
      builder_.leave_out(no_attempts_, where, "attempts: the job never ran");
      return false;
    }
    std::stable_sort(attempts_.begin(), attempts_.end(),
                     [](const Attempt& a, const Attempt& b) { return a.start_s < b.start_s; });
    double sum_s = 0.0, union_s = 0.0, end_s = -std::numeric_limits<double>::infinity();
    bool overlap = false;
    for (const Attempt& attempt : attempts_) {
      sum_s += attempt.end_s - attempt.start_s;
      union_s += std::max(0.0, attempt.end_s - std::max(attempt.start_s, end_s));
      overlap = overlap || attempt.start_s < end_s;
      end_s = std::max(end_s, attempt.end_s);
    }
    job.run_s = sum_s;
    if (attempts_.size() > 1) {
      Rule& rule = overlap ? overlapping_attempts_ : several_attempts_;
      if (rule.is("error") || rule.is("skip")) {
        builder_.leave_out(rule, where,
                           overlap ? "attempts: some of them overlap in time"
                                   : "attempts: the job has several of them");
        return false;
      }
      rule.count_adjusted();
      if (rule.is("first")) {
        attempts_.erase(attempts_.begin() + 1, attempts_.end());
      } else if (rule.is("last")) {
        attempts_.erase(attempts_.begin(), attempts_.end() - 1);
      }
      if (attempts_.size() == 1) {
        job.run_s = attempts_.front().end_s - attempts_.front().start_s;
      } else if (rule.is("union")) {
        job.run_s = union_s;
      } else if (rule.is("span")) {
        job.run_s = end_s - attempts_.front().start_s;
      }
    }
    job.start_s = attempts_.front().start_s;
    const Attempt& largest =
        *std::max_element(attempts_.begin(), attempts_.end(),
                          [](const Attempt& a, const Attempt& b) { return a.gpus < b.gpus; });
    job.gpu_milli = static_cast<std::uint32_t>(largest.gpus * 1000);
    job.nodes = static_cast<std::uint32_t>(largest.nodes);
    return true;
  }

  /// Decides about attempts without start or end and about those that end before they start; what
  /// is left over of `attempts_` has both. @return whether the job stays
  bool complete(const Position& where) {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < attempts_.size(); ++i) {
      Attempt attempt = attempts_[i];
      if (std::isnan(attempt.start_s)) {
        if (!missing_start_.is("drop")) {
          builder_.leave_out(missing_start_, where, "attempts: one has no start_time");
          return false;
        }
        missing_start_.count_adjusted();
        continue;
      }
      if (std::isnan(attempt.end_s)) {
        if (missing_end_.is("next") && i + 1 < attempts_.size()) {
          attempt.end_s = attempts_[i + 1].start_s;
        }
        if (!std::isnan(attempt.end_s) || missing_end_.is("drop")) {
          missing_end_.count_adjusted();
        } else {
          builder_.leave_out(missing_end_, where, "attempts: one has no end_time");
          return false;
        }
        if (std::isnan(attempt.end_s)) continue;
      }
      if (attempt.end_s < attempt.start_s) {
        if (!negative_duration_.is("zero")) {
          builder_.leave_out(negative_duration_, where, "attempts: one ends before it starts");
          return false;
        }
        negative_duration_.count_adjusted();
        attempt.end_s = attempt.start_s;
      }
      attempts_[kept++] = attempt;
    }
    attempts_.resize(kept);
    return true;
  }

  WorkloadBuilder& builder_;
  JsonFile file_;
  TraceDates dates_;
  Rule& unknown_state_;
  Rule& missing_submit_;
  Rule& no_attempts_;
  Rule& missing_start_;
  Rule& missing_end_;
  Rule& negative_duration_;
  Rule& several_attempts_;
  Rule& overlapping_attempts_;
  std::vector<Attempt> attempts_;  ///< of the job at hand
};

void read(Input& input, WorkloadBuilder& builder) {
  std::string text = input.read_all();
  Reader(text, input.name(), builder).read();
}

bool recognise(std::string_view head) {
  const auto first = head.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && head[first] == '[' &&
         head.find("\"jobid\"") != std::string_view::npos &&
         head.find("\"attempts\"") != std::string_view::npos;
}

}  // namespace

Format philly_json_format() {
  return {{.name = "philly-json",
           .summary = "cluster_job_log of Microsoft's Philly trace (JSON), with all attempts",
           .source = "https://github.com/msr-fiddle/philly-traces",
           .seen_in_wild = false,
           .rules = {rule::bad_row(),
                     rule::missing_submit("skip"),
                     {"no_attempts",
                      "a job of which no attempt is recorded, or is left",
                      {"skip", "error"}},
                     {"missing_start",
                      "an attempt without start; drop leaves out the attempt, skip the job",
                      {"drop", "skip", "error"}},
                     {"missing_end",
                      "an attempt without end (of a job's last attempt: it still ran); drop leaves "
                      "out the attempt, skip the job, next lets it end when the next one starts "
                      "(the job is left out where there is none)",
                      {"skip", "drop", "next", "error"}},
                     {"several_attempts",
                      "a job with several attempts, one after the other; the run time is their "
                      "sum, the span from the first start to the last end, or that of one of them",
                      {"sum", "span", "first", "last", "skip", "error"}},
                     {"overlapping_attempts",
                      "a job with attempts at the same time; the run time is the time in which at "
                      "least one ran (union), their sum, or that of one of them",
                      {"union", "sum", "first", "last", "skip", "error"}},
                     {"negative_duration",
                      "an attempt that ends before it starts; skip leaves out the job, zero lets "
                      "the attempt take no time",
                      {"skip", "zero", "error"}},
                     rule::zero_duration(),
                     rule::unknown_state(),
                     rule::no_gpus(),
                     rule::duplicate_ids(),
                     rule::repeated_hour(),
                     rule::missing_hour()}},
          recognise,
          read};
}

}  // namespace nightwatt
