// Properties of whole schedules on random small workloads and clusters.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>
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
