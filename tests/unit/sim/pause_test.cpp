#include <gtest/gtest.h>

#include <cmath>

#include "policies/decisions.hpp"
#include "tests/support/cluster.hpp"

namespace nightwatt {
namespace {

using test::Cluster;
using test::steps;

constexpr double hour_s = 3600.0;

/// Suspends between 100 and 160 s, and between 200 and 500 s.
class Scripted final : public PausePolicy {
 public:
  explicit Scripted(const ParamValues& values) : longest_s_(values.number("longest")) {}
  bool suspends(std::int16_t, SimTime now) override {
    const double t = now.seconds();
    return (t >= 100.0 && t < 160.0) || (t >= 200.0 && t < 500.0);
  }
  SimTime next_change(SimTime now) const override {
    for (const double at : {100.0, 160.0, 200.0, 500.0}) {
      if (now.seconds() < at) return SimTime::from_seconds(at);
    }
    return SimTime::max();
  }
  SimTime longest() const override {
    return longest_s_ > 0.0 ? SimTime::from_seconds(longest_s_) : SimTime::max();
  }

 private:
  double longest_s_;
};
[[maybe_unused]] const bool registered =
    register_policy<Scripted>({Question::pause,
                               "scripted",
                               "under test",
                               "here",
                               {{"longest", ParamKind::seconds, "in all", "0 s", 0, 1e9, {}}}});

/// Class 1, of which all jobs are, may be paused at that cost.
Cluster pausable(PauseCost cost, double slack_s = 0.0, std::uint32_t gpus = 1) {
  Cluster c(1, gpus);
  c.setup.classes = {"fixed", "pausable"};
  c.setup.class_traits.resize(2);
  c.setup.class_traits[1].pausable = cost;
  c.setup.class_traits[1].slack_s = slack_s;
  return c;
}
RunResult run(Cluster& c) {
  if (c.setup.job_class.empty()) c.setup.job_class.assign(c.workload.jobs.size(), 1);
  return c.run();
}
double held_in_bins(const std::vector<double>& bins, double bin_s) {
  double sum = 0.0;
  for (const double v : bins) sum += v * bin_s;
  return sum;
}

TEST(Pause, AJobSavesItsStateWaitsAndGoesOn) {
  // 100 s of work, 10 s to save its state with 20 W above idle, 20 s to restart with 30 W.
  Cluster c = pausable({10.0, 200.0, 20.0, 600.0, 0.0});
  c.policy(Question::pause, "scripted");
  c.job(40, 100, 1);
  const RunResult r = run(c);
  // Works 40..100, saves ..110, waits until 160, restarts ..180, works ..200, saves ..210, waits
  // until 500, restarts ..520, works the last 20 s.
  const JobRecord& job = r.jobs[0];
  EXPECT_EQ(job.start_s, 40.0);
  EXPECT_NEAR(job.end_s, 540.0, 1e-6);
  EXPECT_NEAR(job.paused_s, 50.0 + 290.0, 1e-6);
  EXPECT_NEAR(job.run_s, 100.0 + 10 + 20 + 10 + 20, 1e-6);
  EXPECT_EQ(job.preemptions, 2);
  EXPECT_NEAR(job.completed_reference_s, 100.0, 1e-9);
  EXPECT_NEAR(job.it_energy_j, 100 * 250.0 + 20 * (50.0 + 20) + 40 * (50.0 + 30), 1e-6);
  EXPECT_EQ(job.state, JobState::completed);
  EXPECT_LE(r.summary.conservation_error, 1e-9);
  const SiteBins& bins = r.sites[0].bins;
  EXPECT_NEAR(held_in_bins(bins.jobs_paused, r.bin_s), job.paused_s, 1e-6);
  EXPECT_NEAR(held_in_bins(bins.jobs_running, r.bin_s), job.run_s, 1e-6);
  EXPECT_NEAR(held_in_bins(bins.jobs_queued, r.bin_s), 0.0, 1e-9);
}

TEST(Pause, WorkSinceTheLastCheckpointIsLost) {
  Cluster c = pausable({0.0, 0.0, 5.0, 0.0, 25.0});  // saves its state every 25 s of work
  c.policy(Question::pause, "scripted");
  c.job(40, 90, 1);  // does 60 s until 100, of which 50 are safe
  const RunResult r = run(c);
  // 160 restarts, 165 works: 35 s to 200, at 85 of 90 s: 75 are safe. 500, 505, then 15 s.
  EXPECT_NEAR(r.jobs[0].end_s, 520.0, 1e-6);
  EXPECT_NEAR(r.jobs[0].run_s, 60.0 + 40.0 + 20.0, 1e-6);
  EXPECT_NEAR(r.jobs[0].completed_reference_s, 90.0, 1e-9);
  ASSERT_EQ(r.notes.size(), 1U);
  EXPECT_NE(r.notes[0].find("20 s of work were lost"), std::string::npos) << r.notes[0];
}

TEST(Pause, WaitingJobsOfTheClassAreHeldOthersGoOn) {
  Cluster c = pausable({0.0, 0.0, 0.0, 0.0, 0.0});
  c.policy(Question::pause, "scripted");
  c.job(0, 120, 1);   // may not be paused
  c.job(50, 10, 1);   // waits for it; from 100 to 160 it is held
  c.job(110, 10, 1);  // held at once
  c.job(130, 10, 1);  // may not be paused
  c.setup.job_class = {0, 1, 1, 0};
  const RunResult r = run(c);
  EXPECT_EQ(Cluster::starts(r), (std::vector<double>{0, 160, 170, 130}));
  EXPECT_EQ(r.jobs[0].preemptions, 0);
  EXPECT_EQ(r.jobs[1].eligible_s, 160.0);
  const SiteBins& bins = r.sites[0].bins;
  EXPECT_NEAR(held_in_bins(bins.jobs_held, r.bin_s), 60.0 + 50.0, 1e-6);
  EXPECT_NEAR(held_in_bins(bins.jobs_queued, r.bin_s), 50.0 + 10.0, 1e-6);
}

TEST(Pause, NoJobIsSuspendedForLongerThanThePolicySays) {
  Cluster c = pausable({0.0, 0.0, 0.0, 0.0, 0.0});
  c.policy(Question::pause, "scripted", {{"longest", 100.0}});
  c.job(90, 200, 1);  // 10 s, suspended for 60 s, 40 s, suspended for 40 s until 240
  const RunResult r = run(c);
  EXPECT_NEAR(r.jobs[0].paused_s, 100.0, 1e-6);
  EXPECT_NEAR(r.jobs[0].end_s, 390.0, 1e-6);
}

TEST(Pause, AJobThatIsAboutToEndIsLeftAlone) {
  Cluster c = pausable({10.0, 0.0, 0.0, 0.0, 0.0});
  c.policy(Question::pause, "scripted");
  c.job(0, 105, 1);  // 5 s more; saving its state would take 10
  EXPECT_EQ(run(c).jobs[0].preemptions, 0);
}

TEST(Pause, APausedJobKeepsItsPlaceInTheQueue) {
  for (const char* backfill : {"none", "easy", "conservative"}) {
    Cluster c = pausable({0.0, 0.0, 0.0, 0.0, 0.0});
    c.policy(Question::backfill, backfill);
    c.policy(Question::pause, "scripted");
    c.job(0, 150, 1);
    c.job(10, 50, 1);  // behind it
    const RunResult r = run(c);
    // 160: the first goes on, though the second would be shorter.
    EXPECT_NEAR(r.jobs[0].paused_s, 60.0 + 300.0, 1e-6) << backfill;
    EXPECT_NEAR(r.jobs[0].end_s, 510.0, 1e-6) << backfill;
    EXPECT_NEAR(r.jobs[1].start_s, 510.0, 1e-6) << backfill;
    EXPECT_LE(r.summary.conservation_error, 1e-9);
  }
}

TEST(Pause, ANightPlanPausesInTheMorning) {
  Cluster c = pausable({60.0, 0.0, 120.0, 0.0, 0.0}, 72 * hour_s);
  c.setup.period_end_s = 4 * 86400;
  c.policy(Question::timing, "night-window", {{"from", 21 * hour_s}, {"to", 6 * hour_s}},
           {{"must", "run"}});
  c.job(20 * hour_s, 10 * hour_s, 1);
  const RunResult r = run(c);
  // 21:00 to 6:00 are nine hours; the tenth follows at 21:00 after two minutes of restarting.
  EXPECT_EQ(r.jobs[0].start_s, 21 * hour_s);
  EXPECT_NEAR(r.jobs[0].end_s, (24 + 21 + 1) * hour_s + 120, 1e-6);
  EXPECT_NEAR(r.jobs[0].paused_s, 15 * hour_s - 60, 1e-6);
  EXPECT_EQ(r.jobs[0].preemptions, 1);
}

TEST(Pause, ANightPlanRunsOnWhereTheSlackIsUsedUp) {
  Cluster c = pausable({0.0, 0.0, 0.0, 0.0, 0.0}, 2 * hour_s);
  c.setup.period_end_s = 4 * 86400;
  c.policy(Question::timing, "night-window", {{"from", 21 * hour_s}, {"to", 6 * hour_s}},
           {{"must", "run"}});
  c.job(20 * hour_s, 10 * hour_s, 1);  // held for an hour; a pause of 15 h is beyond its slack
  const RunResult r = run(c);
  EXPECT_EQ(r.jobs[0].preemptions, 0);
  EXPECT_NEAR(r.jobs[0].end_s, 31 * hour_s, 1e-6);
}

TEST(Pause, ThePlanUsesTheCheapestHours) {
  Cluster c = pausable({0.0, 0.0, 0.0, 0.0, 0.0}, 2 * hour_s);
  c.policy(Question::timing, "lowest-carbon-interruptible");
  c.signals(StepSeries::constant(1.0), steps(hour_s, {500, 100, 900, 100, 500}),
            StepSeries::absent());
  c.job(0, 2 * hour_s, 1);
  const RunResult r = run(c);
  EXPECT_EQ(r.jobs[0].start_s, hour_s);
  EXPECT_NEAR(r.jobs[0].end_s, 4 * hour_s, 1e-6);
  EXPECT_NEAR(r.jobs[0].paused_s, hour_s, 1e-6);
  EXPECT_NEAR(r.jobs[0].carbon_g, 0.25 * 2 * 100, 1e-9);  // kWh x g/kWh
}

TEST(Pause, ThePlanLeavesRoomForItsPauses) {
  // Ten minutes of saving and restarting are taken from hour 0, before the first cheap one.
  Cluster c = pausable({300.0, 0.0, 300.0, 0.0, 0.0}, 2 * hour_s);
  c.policy(Question::timing, "lowest-carbon-interruptible");
  c.signals(StepSeries::constant(1.0), steps(hour_s, {500, 100, 900, 100, 500}),
            StepSeries::absent());
  c.job(0, 2 * hour_s, 1);
  const RunResult r = run(c);
  EXPECT_NEAR(r.jobs[0].start_s, 3000.0, 1e-6);
  // 70 min until 2:00, 5 min saving, 3:00 to 3:05 restarting, 50 min of work.
  EXPECT_NEAR(r.jobs[0].end_s, 3 * hour_s + 55 * 60, 1e-6);
  EXPECT_NEAR(r.jobs[0].run_s, 2 * hour_s + 600, 1e-6);
}

TEST(Pause, AJobThatMayNotBePausedStartsAtTheBestInstant) {
  Cluster c = pausable({0.0, 0.0, 0.0, 0.0, 0.0}, 2 * hour_s);
  c.setup.class_traits[1].pausable.reset();
  c.policy(Question::timing, "lowest-carbon-interruptible");
  c.signals(StepSeries::constant(1.0), steps(hour_s, {500, 100, 900, 100, 500}),
            StepSeries::absent());
  c.job(0, 2 * hour_s, 1);
  const RunResult r = run(c);
  EXPECT_EQ(r.jobs[0].start_s, 2 * hour_s * 0);  // 500 and 100 before 100 and 900
  EXPECT_EQ(r.jobs[0].preemptions, 0);
}

TEST(Pause, AJobThatOutlivesItsEstimateRunsOn) {
  // Two hours of work, one of which its limit tells: the plan holds hour 1.
  Cluster c = pausable({0.0, 0.0, 0.0, 0.0, 0.0}, 3 * hour_s);
  c.policy(Question::timing, "lowest-carbon-interruptible");
  c.signals(StepSeries::constant(1.0), steps(hour_s, {500, 100, 900, 200, 500}),
            StepSeries::absent());
  c.job(0, 2 * hour_s, 1, hour_s);
  const RunResult r = run(c);
  EXPECT_EQ(r.jobs[0].start_s, hour_s);
  EXPECT_NEAR(r.jobs[0].end_s, 3 * hour_s, 1e-6);
  EXPECT_EQ(r.jobs[0].preemptions, 0);
}

TEST(Pause, APlanThatMissesRoomIsMadeAnew) {
  // One GPU, two jobs of one hour: the second finds hour 1 taken and moves on to hour 3.
  Cluster c = pausable({0.0, 0.0, 0.0, 0.0, 0.0}, 5 * hour_s);
  c.policy(Question::timing, "lowest-carbon-interruptible");
  c.signals(StepSeries::constant(1.0), steps(hour_s, {500, 100, 900, 200, 500, 600, 600}),
            StepSeries::absent());
  c.job(0, hour_s, 1);
  c.job(0, hour_s, 1);
  const RunResult r = run(c);
  EXPECT_EQ(r.jobs[0].start_s, hour_s);
  EXPECT_EQ(r.jobs[1].start_s, 3 * hour_s);
}

TEST(Pause, AnUnfinishedJobKeepsWhatItDid) {
  Cluster c = pausable({10.0, 0.0, 20.0, 0.0, 0.0});
  c.setup.drain = false;
  c.setup.period_end_s = 300.0;
  c.policy(Question::pause, "scripted");
  c.job(0, 1000, 1);
  const RunResult r = run(c);
  // Works 0..100, saves ..110, 160 restarts, 180..200 works, saves ..210.
  EXPECT_EQ(r.jobs[0].state, JobState::unfinished);
  EXPECT_NEAR(r.jobs[0].completed_reference_s, 120.0, 1e-6);
  EXPECT_NEAR(r.jobs[0].paused_s, 50.0 + 90.0, 1e-6);
  EXPECT_LE(r.summary.conservation_error, 1e-9);
}

}  // namespace
}  // namespace nightwatt
