// Properties of whole schedules on random small workloads and clusters.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "policies/decisions.hpp"
#include "sim/engine/test_engine.hpp"
#include "tests/support/cluster.hpp"

namespace nightwatt {
namespace {

/// EASY with a witness: whenever the head is left waiting, works out from scratch when it could
/// start at the latest, and remembers the earliest promise.
class WatchedEasy final : public BackfillPolicy {
 public:
  explicit WatchedEasy(const ParamValues&) : easy_(make_policy(Question::backfill, "easy", {})) {}

  void pass(Pass& pass) override {
    static_cast<BackfillPolicy&>(*easy_).pass(pass);
    if (pass.queue().empty()) return;
    const Waiting& head = pass.queue()[pass.queue().first()];
    std::vector<std::uint32_t> free;
    for (std::uint32_t n = 0; n < pass.nodes().nodes(); ++n) free.push_back(pass.nodes().free(n));
    const auto fits = [&] {
      std::uint32_t full = 0, last = 0;
      for (const std::uint32_t f : free) {
        full += f >= head.request.units ? 1 : 0;
        last += f >= head.request.last ? 1 : 0;
      }
      return full >= head.request.count ||
             (full + 1 >= head.request.count && last >= head.request.count);
    };
    for (const auto& [end, job] : pass.by_expected_end()) {
      for (const Piece& p : pass.running(job).pieces) free[p.node] += p.units;
      if (fits()) {
        const auto [it, fresh] = promised.emplace(head.job, end);
        if (!fresh) it->second = std::min(it->second, end);
        return;
      }
    }
  }

  static std::map<JobIndex, SimTime> promised;

 private:
  std::unique_ptr<Policy> easy_;
};
std::map<JobIndex, SimTime> WatchedEasy::promised;
[[maybe_unused]] const bool registered = register_policy<WatchedEasy>(
    {Question::backfill, "watched-easy", "EASY under test", "here", {}});

/// Conservative backfilling as the textbook says, on counts: free units, and watts where there is a
/// power budget, are added up from all that runs and all reservations whenever they are asked for.
class PlainConservative final : public BackfillPolicy {
 public:
  explicit PlainConservative(const ParamValues&) {}

  void on_queue(const PartitionView& view, WaitingQueue::Handle h) override {
    const Waiting& w = view.queue()[h];
    fresh_[{w.key, w.job}] = {
        SimTime{},
        std::max(w.estimate, SimTime::from_ns(1)),
        {static_cast<double>(w.request.total_milli()) / 1000, to_watts(view.wanted_need(h).draw)},
        h};
  }
  void on_end(const PartitionView& view, const Running& ended) override {
    running_.erase(ended.job);
    compress_ = compress_ || ended.expected_end > view.now();
  }
  void pass(Pass& pass) override {
    const SimTime now = pass.now();
    total_ = {static_cast<double>(pass.nodes().nodes() * pass.nodes().units_per_node()),
              to_watts(pass.room())};
    for (const auto& [job, s] : running_) total_.watts += s.takes.watts;
    if (compress_) {
      for (auto& [key, span] : held_) {
        const Span stood = span;
        span.takes = {};
        const SimTime start = earliest(now, stood);
        span = stood;
        span.start = std::min(start, stood.start);
      }
    }
    compress_ = false;
    for (auto& [key, span] : fresh_) {
      span.start = earliest(now, span);
      held_[key] = span;
    }
    fresh_.clear();
    SimTime next = SimTime::max();
    for (auto it = held_.begin(); it != held_.end();) {
      if (it->second.start == now && pass.start(it->second.handle)) {
        running_[it->first.second] = it->second;
        it = held_.erase(it);
      } else {
        next = std::min(next, it->second.start);
        ++it;
      }
    }
    if (next != SimTime::max()) pass.wake_at(next);
  }

 private:
  struct Amount {
    double units = 0, watts = 0;
    void operator+=(const Amount& other) {
      units += other.units;
      watts += other.watts;
    }
  };
  struct Span {
    SimTime start, length;
    Amount takes;
    WaitingQueue::Handle handle = 0;
    [[nodiscard]] SimTime end() const { return SimTime::from_ns(start.ns() + length.ns()); }
  };
  [[nodiscard]] bool fits_at(SimTime t, Amount sum) const {
    const auto add = [&](const Span& s) {
      if (s.start <= t && t < s.end()) sum += s.takes;
    };
    for (const auto& [job, s] : running_) add(s);
    for (const auto& [key, s] : held_) add(s);
    return sum.units <= total_.units && sum.watts <= total_.watts + 1e-6;
  }
  [[nodiscard]] SimTime earliest(SimTime now, Span span) const {
    std::vector<SimTime> starts{now}, steps;
    for (const auto& [job, s] : running_) starts.push_back(s.end());
    for (const auto& [key, s] : held_) {
      starts.push_back(s.end());
      steps.push_back(s.start);
    }
    std::sort(starts.begin(), starts.end());
    for (const SimTime start : starts) {
      if (start < now) continue;
      span.start = start;
      bool fits = fits_at(start, span.takes);
      for (const SimTime t : steps)
        fits = fits && (t < start || t >= span.end() || fits_at(t, span.takes));
      if (fits) return start;
    }
    return SimTime::max();
  }

  Amount total_;
  std::map<JobIndex, Span> running_;
  std::map<std::pair<double, JobIndex>, Span> held_, fresh_;
  bool compress_ = false;
};
[[maybe_unused]] const bool plain_registered =
    register_policy<PlainConservative>({Question::backfill, "plain-conservative", "", "here", {}});

struct Case {
  std::uint32_t nodes, per_node;
  std::vector<Job> jobs;
};

Case draw(bool shares) {
  Case c;
  c.nodes = *rc::gen::inRange(1U, 6U);
  c.per_node = *rc::gen::inRange(1U, 5U);
  const auto count = *rc::gen::inRange(1, 40);
  double t = 0.0;
  for (int i = 0; i < count; ++i) {
    Job j;
    j.id = i + 1;
    t += *rc::gen::inRange(0, 30);
    j.submit_s = t;
    j.run_s = *rc::gen::inRange(0, 100);
    j.limit_s = j.run_s + *rc::gen::inRange(0, 60);
    j.gpu_milli = 1000 * *rc::gen::inRange(1U, c.nodes * c.per_node + 1);
    if (shares && *rc::gen::inRange(0, 3) == 0) j.gpu_milli = *rc::gen::inRange(1U, 1000U);
    j.user = *rc::gen::inRange(0, 3);
    c.jobs.push_back(j);
  }
  return c;
}

void load(test::Cluster& c, const Case& drawn) {
  c.workload.jobs = drawn.jobs;
  c.setup.period_end_s = drawn.jobs.back().submit_s + 1.0;
  c.setup.bin_s = 17;
  c.signals(test::steps(41, {1.1, 1.6, 1.3}, Beyond::repeat),
            test::steps(29, {400, 100}, Beyond::repeat), StepSeries::constant(0.2));
}

RC_GTEST_PROP(Schedules, NothingIsOverbookedAndWorkAndEnergyAreConserved, ()) {
  const Case drawn = draw(true);
  test::Cluster c(drawn.nodes, drawn.per_node);
  load(c, drawn);
  c.policy(Question::order, *rc::gen::element("fcfs", "sjf", "priority", "fair-share", "deadline"));
  c.policy(Question::backfill, *rc::gen::element("none", "easy", "conservative", "first-fit"));
  c.policy(Question::placement, *rc::gen::element("pack", "best-fit", "spread", "topology"));
  c.setup.contention_rate = *rc::gen::element(1.0, 1.0, 0.7);
  c.partition().node = {watts(100), watts(10), {{watts(0), watts(5)}, {watts(2000), watts(200)}}};
  const RunResult r = c.run();

  // GPUs held at every start, and each job's work.
  std::vector<std::pair<double, double>> changes;
  for (const JobRecord& j : r.jobs) {
    const Job& job = c.workload.jobs[j.job];
    RC_ASSERT(j.state == JobState::completed);
    RC_ASSERT(j.start_s >= job.submit_s);
    RC_ASSERT(std::abs(j.completed_reference_s - job.run_s) <= 1e-9);
    RC_ASSERT(j.end_s - j.start_s >= job.run_s - 1e-9);
    RC_ASSERT(std::abs(j.gpu_seconds - job.gpu_milli * 1e-3 * (j.end_s - j.start_s)) <= 1e-6);
    changes.emplace_back(j.start_s, job.gpu_milli);
    changes.emplace_back(j.end_s, -static_cast<double>(job.gpu_milli));
  }
  std::sort(changes.begin(), changes.end());  // ends (negative) before starts of an instant
  double held = 0.0;
  for (const auto& [t, milli] : changes) {
    held += milli;
    RC_ASSERT(held <= 1000.0 * drawn.nodes * drawn.per_node);
  }
  RC_ASSERT(r.summary.conservation_error <= 1e-9);
}

RC_GTEST_PROP(Schedules, EasyNeverDelaysTheHead, ()) {
  const Case drawn = draw(false);
  test::Cluster c(drawn.nodes, drawn.per_node);
  load(c, drawn);
  c.policy(Question::backfill, "watched-easy");
  WatchedEasy::promised.clear();
  const RunResult r = c.run();
  for (const JobRecord& j : r.jobs) {
    const auto it = WatchedEasy::promised.find(j.job);
    if (it != WatchedEasy::promised.end()) RC_ASSERT(j.start_s <= it->second.seconds() + 1e-9);
  }
}

RC_GTEST_PROP(Schedules, ConservativeKeepsThePromiseOfSubmission, ()) {
  // With estimates that hold, a job starts no later than it would if every job before it had run
  // to its estimate: the schedule with perfect estimates equal to the limits is an upper bound.
  const Case drawn = draw(false);
  const auto run = [&](bool to_the_limit) {
    test::Cluster c(drawn.nodes, 1);
    load(c, drawn);
    for (Job& j : c.workload.jobs) {
      j.gpu_milli = std::min(j.gpu_milli, drawn.nodes * 1000);
      if (to_the_limit) j.run_s = j.limit_s;
    }
    c.policy(Question::backfill, "conservative");
    return test::Cluster::starts(c.run());
  };
  const auto early = run(false), late = run(true);
  // The first job to wait is promised the same instant in both; early ends only bring it forward.
  for (std::size_t i = 0; i < early.size(); ++i) {
    if (late[i] > drawn.jobs[i].submit_s) {
      RC_ASSERT(early[i] <= late[i] + 1e-9);
      break;
    }
  }
}

/// Devices that draw 50 to 250 W and may be limited to `least_w` or more, under a budget that holds
/// the thirstiest job at least.
void put_under_budget(test::Cluster& c, double least_w) {
  for (Device& d : c.setup.devices) {
    d.min_cap = watts(least_w);
    d.max_cap = d.tdp = watts(250);
  }
  double most = 0.0;
  for (Job& j : c.workload.jobs) {
    j.utilization = static_cast<float>(*rc::gen::inRange(1, 9)) / 8.0F;
    most = std::max(most, j.gpu_milli * 0.2);
  }
  const double idle = 50.0 * c.partition().nodes * c.partition().units_per_node;
  c.setup.sites[0].budget =
      PowerBudget{StepSeries::constant(idle + most + 25.0 * *rc::gen::inRange(0, 40)), true};
  c.policy(Question::cap, "budget", {{"limit", 1e5}, {"renew", *rc::gen::element(30.0, 1e6)}});
}

RC_GTEST_PROP(Schedules, ConservativeEqualsThePlainOneUnderABudgetToo, ()) {
  const Case drawn = draw(false);
  test::Cluster c(drawn.nodes, drawn.per_node);
  load(c, drawn);
  c.setup.shape = Shape::any;
  for (Job& j : c.workload.jobs) {
    j.run_s = std::max(j.run_s, 1.0);
    j.limit_s = std::max(j.limit_s, j.run_s);
  }
  put_under_budget(c, 250.0);  // all or nothing: one way to run
  c.policy(Question::order, *rc::gen::element("fcfs", "sjf"));
  const auto run = [&](const char* backfill) {
    c.policy(Question::backfill, backfill);
    return test::Cluster::starts(c.run());
  };
  RC_ASSERT(run("conservative") == run("plain-conservative"));
}

RC_GTEST_PROP(Schedules, ABudgetThatIsNeverReachedChangesNothing, ()) {
  const Case drawn = draw(false);
  const char* backfill = *rc::gen::element("easy", "conservative");
  const auto run = [&](bool budget) {
    test::Cluster c(drawn.nodes, drawn.per_node);
    load(c, drawn);
    c.policy(Question::backfill, backfill);
    for (Device& d : c.setup.devices) {
      d.min_cap = watts(100);
      d.max_cap = d.tdp = watts(250);
    }
    if (budget) {
      c.setup.sites[0].budget = PowerBudget{StepSeries::constant(1e6), true};
      c.policy(Question::cap, "budget", {{"limit", 1e5}, {"renew", 30.0}});
    }
    return test::Cluster::starts(c.run());
  };
  RC_ASSERT(run(true) == run(false));
}

RC_GTEST_PROP(Schedules, ConservativeEqualsThePlainOne, ()) {
  const Case drawn = draw(false);
  const bool any = *rc::gen::arbitrary<bool>();
  const char* order = *rc::gen::element("fcfs", "sjf");
  const auto run = [&](const char* backfill) {
    test::Cluster c(drawn.nodes, any ? drawn.per_node : 1);
    load(c, drawn);
    c.setup.shape = any ? Shape::any : Shape::packed;
    for (Job& j : c.workload.jobs) {
      if (!any) j.gpu_milli = std::min(j.gpu_milli, drawn.nodes * 1000);
      j.run_s = std::max(j.run_s, 1.0);
      j.limit_s = std::max(j.limit_s, j.run_s);
    }
    c.policy(Question::order, order);
    c.policy(Question::backfill, backfill);
    return test::Cluster::starts(c.run());
  };
  RC_ASSERT(run("conservative") == run("plain-conservative"));
}

/// What a run promised each job, in order, and its start at the end.
std::map<std::uint32_t, std::vector<std::pair<double, double>>> promises(const RunResult& r) {
  std::map<std::uint32_t, std::vector<std::pair<double, double>>> all;
  for (const Event& e : r.events) {
    if (e.what == "promised") all[e.job].emplace_back(e.time_s, std::stod(e.why.substr(8)));
    if (e.what == "started") all[e.job].emplace_back(e.time_s, e.time_s);
  }
  return all;
}

RC_GTEST_PROP(Schedules, ConservativeMovesLaterOnlyAfterAnOverrun, ()) {
  const Case drawn = draw(*rc::gen::inRange(0, 4) == 0);
  test::Cluster c(drawn.nodes, *rc::gen::element(1U, drawn.per_node));
  load(c, drawn);
  const std::uint32_t units = c.partition().nodes * c.partition().units_per_node;
  const int overruns = *rc::gen::inRange(0, 4);  // in ten jobs
  for (Job& j : c.workload.jobs) {
    j.gpu_milli = std::min(j.gpu_milli, units * 1000);
    if (*rc::gen::inRange(0, 10) < overruns) j.limit_s = *rc::gen::inRange(0, 100);
  }
  c.setup.shape = *rc::gen::element(Shape::packed, Shape::any);
  c.setup.record_events = true;
  c.policy(Question::order, *rc::gen::element("fcfs", "sjf", "priority"));
  c.policy(Question::backfill, "conservative", {{"depth", *rc::gen::element(3.0, 1000.0)}});
  c.policy(Question::placement, *rc::gen::element("pack", "best-fit", "spread"));
  const RunResult r = c.run();  // stops with an error where a GPU would be held twice

  double first_overrun = std::numeric_limits<double>::infinity();
  std::vector<std::pair<double, double>> changes;
  for (const JobRecord& j : r.jobs) {
    RC_ASSERT(j.state == JobState::completed);
    const Job& job = c.workload.jobs[j.job];
    if (job.run_s > job.limit_s) first_overrun = std::min(first_overrun, j.start_s + job.limit_s);
    changes.emplace_back(j.start_s, job.gpu_milli);
    changes.emplace_back(j.end_s, -static_cast<double>(job.gpu_milli));
  }
  std::sort(changes.begin(), changes.end());
  double held = 0.0;
  for (const auto& [t, milli] : changes) RC_ASSERT((held += milli) <= 1000.0 * units);

  bool waited = false;
  for (const auto& [job, list] : promises(r)) {
    for (std::size_t i = 1; i < list.size(); ++i) {
      if (list[i].second <= list[i - 1].second + 1e-6) continue;
      waited = true;
      RC_ASSERT(list[i].first >= first_overrun - 1e-6);
    }
  }
  RC_CLASSIFY(waited, "moved later");
  RC_CLASSIFY(std::isinf(first_overrun), "no overrun");
  for (const auto& count : r.counts) {
    if (count.rule == "reservation_without_room") RC_ASSERT(!std::isinf(first_overrun));
  }
}

RC_GTEST_PROP(Schedules, ConservativeKeepsItsPromisesUnderABudget, ()) {
  // Estimates are limits that hold, so nothing moves a promise later, whatever power limits are
  // set.
  const Case drawn = draw(false);
  test::Cluster c(drawn.nodes, *rc::gen::element(1U, drawn.per_node));
  load(c, drawn);
  for (Job& j : c.workload.jobs) {
    j.gpu_milli = std::min(j.gpu_milli, 1000 * c.partition().nodes * c.partition().units_per_node);
    j.run_s = std::max(j.run_s, 1.0);
    j.limit_s = std::max(j.limit_s, j.run_s);
  }
  c.setup.shape = *rc::gen::element(Shape::packed, Shape::any);
  put_under_budget(c, *rc::gen::element(100.0, 250.0));
  c.setup.record_events = true;
  c.policy(Question::order, *rc::gen::element("fcfs", "sjf"));
  c.policy(Question::backfill, "conservative");
  c.policy(Question::placement, *rc::gen::element("pack", "best-fit", "spread"));
  const RunResult r = c.run();
  RC_ASSERT(r.sites[0].over_budget_s == 0.0);
  for (const auto& [job, list] : promises(r)) {
    for (std::size_t i = 1; i < list.size(); ++i)
      RC_ASSERT(list[i].second <= list[i - 1].second + 1e-6);
  }
  for (const auto& count : r.counts) RC_ASSERT(count.rule != "reservation_without_room");
}

RC_GTEST_PROP(Schedules, TheSameInputGivesTheSameResult, ()) {
  const Case drawn = draw(true);
  const auto run = [&] {
    test::Cluster c(drawn.nodes, drawn.per_node);
    load(c, drawn);
    c.policy(Question::backfill, "easy");
    c.policy(Question::order, "fair-share");
    return c.run();
  };
  const RunResult a = run(), b = run();
  for (std::size_t i = 0; i < a.jobs.size(); ++i) {
    RC_ASSERT(a.jobs[i].start_s == b.jobs[i].start_s);
    RC_ASSERT(a.jobs[i].carbon_g == b.jobs[i].carbon_g);
  }
  RC_ASSERT(a.sites[0].bins.facility_power_w == b.sites[0].bins.facility_power_w);
}

}  // namespace
}  // namespace nightwatt
