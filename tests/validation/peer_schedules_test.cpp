// Start times against schedules that others made of the same 10,000 jobs on 1,024 hosts; the
// README beside the data names the programs and their rules.
#include <gtest/gtest.h>

#include <charconv>
#include <map>
#include <string>

#include "sim/engine/simgrid_engine.hpp"
#include "tests/support/cluster.hpp"
#include "traces/input.hpp"
#include "traces/reader.hpp"

namespace nightwatt {
namespace {

const std::string folder = std::string(NIGHTWATT_TEST_DATA) + "/peer-schedules/";

/// job id -> start second, from a CSV whose first column is the id.
std::map<std::int64_t, double> peer_starts(const std::string& file, const std::string& column) {
  Input input = Input::open(folder + file, folder + file);
  const std::string text = input.read_all();
  std::map<std::int64_t, double> starts;
  std::size_t wanted = 0;
  bool header = true;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    std::vector<std::string_view> fields;
    for (std::size_t from = at; from <= end;) {
      const std::size_t comma = std::min(text.find(',', from), end);
      fields.emplace_back(text.data() + from, comma - from);
      from = comma + 1;
    }
    at = end + 1;
    if (header) {
      header = false;
      while (wanted < fields.size() && fields[wanted] != column) ++wanted;
      EXPECT_LT(wanted, fields.size()) << column;
      continue;
    }
    if (fields.size() <= wanted) continue;
    std::int64_t id = 0;
    double start = 0.0;
    std::from_chars(fields[0].data(), fields[0].data() + fields[0].size(), id);
    std::from_chars(fields[wanted].data(), fields[wanted].data() + fields[wanted].size(), start);
    starts[id] = start;
  }
  return starts;
}

RunResult replay(test::Cluster& c, const std::string& file, const char* order,
                 const char* backfill) {
  ReadRequest request;
  request.path = folder + file;
  c.workload = read_workload(request);
  c.setup.period_end_s = c.workload.jobs.back().submit_s + 1.0;
  c.setup.devices[0].idle = watts(95);
  c.setup.devices[0].busy = watts(190);
  c.policy(Question::order, order);
  c.policy(Question::backfill, backfill);
  const auto engine = make_simgrid_engine();
  return c.run(*engine);
}

std::size_t equal_starts(const test::Cluster& c, const RunResult& r,
                         const std::map<std::int64_t, double>& peer) {
  std::size_t equal = 0;
  for (const JobRecord& j : r.jobs) {
    const auto it = peer.find(c.workload.jobs[j.job].id);
    equal += it != peer.end() && it->second == j.start_s ? 1 : 0;
  }
  return equal;
}

TEST(PeerSchedules, FcfsEqualsBatsim) {
  test::Cluster c(1024, 1);
  const RunResult r = replay(c, "w10000.swf.gz", "fcfs", "none");
  const auto peer = peer_starts("batsim-fcfs_fast-w10000-jobs.csv.gz", "starting_time");
  ASSERT_EQ(peer.size(), 10000u);
  EXPECT_EQ(equal_starts(c, r, peer), 10000u);
  EXPECT_NEAR(r.summary.wait_s.mean, 193.5276, 5e-5);  // as Batsim prints it
  EXPECT_EQ(r.summary.makespan_s + 17.0,
            185936.0);  // Batsim counts from 0, the first job comes at 17

  // Hosts of 95 W idle and 190 W busy, from first submission to last end, in closed form.
  double busy_s = 0.0;
  for (const Job& j : c.workload.jobs) busy_s += j.run_s * j.gpu_milli / 1000.0;
  const double closed_j = 95.0 * 1024 * r.summary.makespan_s + 95.0 * busy_s;
  const double before_first_j = 95.0 * 1024 * 17.0;
  EXPECT_NEAR(r.summary.it_energy_j - before_first_j, closed_j, 1e-9 * closed_j);
}

TEST(PeerSchedules, EasyEqualsTheTextbook) {
  test::Cluster c(1024, 1);
  const RunResult r = replay(c, "w10000.swf.gz", "fcfs", "easy");
  EXPECT_EQ(equal_starts(c, r, peer_starts("textbook-easy-w10000-starts.csv.gz", "starting_time")),
            10000u);
  EXPECT_NEAR(r.summary.wait_s.mean, 145.2618, 5e-5);
}

TEST(PeerSchedules, ConservativeEqualsTheTextbook) {
  test::Cluster c(1024, 1);
  const RunResult r = replay(c, "w10000.swf.gz", "fcfs", "conservative");
  EXPECT_EQ(
      equal_starts(c, r, peer_starts("textbook-conservative-w10000-starts.csv.gz", "start_time")),
      10000u);
  EXPECT_NEAR(r.summary.wait_s.mean, 163.2212, 5e-5);
}

TEST(PeerSchedules, ShortestFirstEqualsTheScript) {
  test::Cluster c(1024, 1);
  const RunResult r = replay(c, "w10000.swf.gz", "sjf", "none");
  EXPECT_EQ(equal_starts(c, r, peer_starts("sjf-w10000-starts.csv.gz", "start_time")), 10000u);
  EXPECT_NEAR(r.summary.wait_s.mean, 57.4104, 5e-5);
}

TEST(PeerSchedules, BatsimJsonGivesTheSameScheduleAsSwf) {
  test::Cluster c(1024, 1);
  const RunResult r = replay(c, "w10000.json.gz", "fcfs", "easy");
  EXPECT_EQ(equal_starts(c, r, peer_starts("textbook-easy-w10000-starts.csv.gz", "starting_time")),
            10000u);
}

TEST(PeerSchedules, BatschedsEasyIsAnotherPolicy) {
  // Its reservation is made once and arrivals are tried alone: fewer jobs overtake, so the mean
  // wait lies between FCFS and EASY (176.7 s; docs/validation.md).
  test::Cluster c(1024, 1);
  const RunResult r = replay(c, "w10000.swf.gz", "fcfs", "easy");
  const auto peer = peer_starts("batsim-easy_bf_fast-w10000-jobs.csv.gz", "starting_time");
  EXPECT_EQ(equal_starts(c, r, peer), 7361u);
}

}  // namespace
}  // namespace nightwatt
