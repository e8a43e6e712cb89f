#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "sim/timeline/chunk_codec.hpp"
#include "sim/timeline/timeline.hpp"
#include "tests/unit/timeline/sample_result.hpp"

namespace nightwatt {
namespace {

using sample::Sample;
using testing::ElementsAre;
using testing::NanSensitiveDoubleEq;

const double nan = unknown;

MATCHER_P(SameNumbers, expected, "") {
  if (arg.size() != expected.size()) return false;
  for (std::size_t i = 0; i < arg.size(); ++i) {
    const bool same = arg[i] == expected[i] || (std::isnan(arg[i]) && std::isnan(expected[i]));
    if (!same) {
      *result_listener << "at " << i << ": " << arg[i] << " against " << expected[i];
      return false;
    }
  }
  return true;
}

template <class T>
std::vector<T> list(std::initializer_list<T> values) {
  return values;
}

/// Writes it, and opens what was written.
class Written {
 public:
  explicit Written(const RunResult& result, int compression = 1)
      : path_(folder_.path() / "out.h5"), file(write(result, path_, compression)) {}

 private:
  static TimelineFile write(const RunResult& result, const std::filesystem::path& path,
                            int compression) {
    write_timeline(result, path, {.compression = compression});
    return read_timeline(path);
  }
  sample::TemporaryFolder folder_;
  std::filesystem::path path_;

 public:
  TimelineFile file;
};

void expect_equal(const Charge& a, const Charge& b) {
  EXPECT_THAT(a.it_energy_j, NanSensitiveDoubleEq(b.it_energy_j));
  EXPECT_THAT(a.facility_energy_j, NanSensitiveDoubleEq(b.facility_energy_j));
  EXPECT_THAT(a.carbon_g, NanSensitiveDoubleEq(b.carbon_g));
  EXPECT_THAT(a.cost, NanSensitiveDoubleEq(b.cost));
}

void expect_equal(const Distribution& a, const Distribution& b) {
  EXPECT_THAT(list({a.mean, a.p50, a.p95, a.p99}),
              SameNumbers(list({b.mean, b.p50, b.p95, b.p99})));
}

void expect_equal(const std::vector<RuleCount>& a, const std::vector<RuleCount>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].rule, b[i].rule);
    EXPECT_EQ(a[i].choice, b[i].choice);
    EXPECT_EQ(a[i].rows, b[i].rows);
  }
}

TEST(RoundTrip, HeaderComesBack) {
  const auto made = sample::by_hand();
  const RunResult& r = made->result;
  const Written written(r);
  const TimelineHeader& h = written.file.header();
  EXPECT_EQ(h.title, r.title);
  EXPECT_EQ(h.source, r.program);
  EXPECT_EQ(h.scenario_yaml, r.scenario_yaml);
  EXPECT_EQ(h.scenario_sha256, r.scenario_sha256);
  EXPECT_EQ(h.seed, -7);
  EXPECT_EQ(h.period_start_unix_s, r.period_start_unix_s);
  EXPECT_EQ(h.period_start_fraction_s, 0.0);
  EXPECT_EQ(h.period_end_s, r.period_end_s);
  EXPECT_EQ(h.file_end_s, r.file_end_s);
  EXPECT_EQ(h.bin_s, 300.0);
  EXPECT_EQ(h.slowdown_tau_s, 12.0);
  EXPECT_EQ(h.warmup_s, 3600.0);
  EXPECT_EQ(h.conservative_depth, 77U);
  EXPECT_FALSE(h.interrupted);
}

TEST(RoundTrip, JobTimesAndWhatFollowsFromThem) {
  const auto made = sample::by_hand();
  const Written written(made->result);
  const TimelineFile& file = written.file;
  ASSERT_EQ(file.job_count(), 5U);
  const auto column = [&](const char* name) { return file.jobs_double(name); };
  EXPECT_THAT(column("job_id"), SameNumbers(list({100., 101., 102., 103., 104.})));
  EXPECT_THAT(column("submit_time"), SameNumbers(list({0., 10., 20., 30., 40.})));
  EXPECT_THAT(column("eligible_time"), SameNumbers(list({60., 10., nan, 30., 40.})));
  EXPECT_THAT(column("start_time"), SameNumbers(list({100., 100., nan, nan, 40.})));
  EXPECT_THAT(column("end_time"), SameNumbers(list({3700., 1900., nan, nan, 50.})));
  EXPECT_THAT(column("wait_s"), SameNumbers(list({100., 90., nan, nan, 0.})));
  // Jobs 0, 1 and 4 are "normal", 2 is of no class
  EXPECT_THAT(column("slack_s"), SameNumbers(list({1800., 1800., 0., 0., 1800.})));
  EXPECT_THAT(column("held_s"), SameNumbers(list({60., 0., nan, 0., 0.})));
  EXPECT_THAT(column("queue_s"), SameNumbers(list({40., 90., nan, nan, 0.})));
  EXPECT_THAT(column("run_s"), SameNumbers(list({3600., 1800., 0., 0., 10.})));
  EXPECT_THAT(column("reference_run_s"), SameNumbers(list({3600., 7200., nan, 5., 5.})));
  EXPECT_THAT(column("completed_reference_s"), SameNumbers(list({3600., 1800., 0., 0., 10.})));
  // 3700 / 3600; 1890 / 7200 is below 1; 10 / 12 (tau) is below 1
  EXPECT_THAT(column("bounded_slowdown"),
              SameNumbers(list({double{3700.F / 3600.F}, 1., nan, nan, 1.})));
  EXPECT_THAT(column("paused_s"), SameNumbers(list({7.5, 0., 0., 0., 0.})));
  EXPECT_THAT(file.jobs_int("preemptions"), ElementsAre(2, 0, 0, 0, 0));
  EXPECT_THAT(file.jobs_int("deadline_missed"), ElementsAre(0, 1, 0, 0, 0));
  EXPECT_THAT(file.jobs_int("power_changed"), ElementsAre(1, 0, 0, 0, 0));
}

TEST(RoundTrip, BoundsComeBackIfThereAreAny) {
  const auto made = sample::by_hand();
  {
    const Written written(made->result);
    ASSERT_TRUE(written.file.bounds());
    const LowerBounds& b = *written.file.bounds();
    EXPECT_EQ(b.freedom, "start, site");
    EXPECT_EQ(b.carbon.value, 150.0);
    EXPECT_EQ(b.carbon.booked, 200.0);
    EXPECT_EQ(b.carbon.gap(), 0.25);
    EXPECT_EQ(b.carbon.method, "simplex");
    EXPECT_TRUE(std::isnan(b.cost.value));
    EXPECT_EQ(b.cost.method, "no price");
    EXPECT_EQ(b.jobs, 3U);
    EXPECT_EQ(b.cells, 48U);
  }
  made->result.bounds.reset();
  EXPECT_FALSE(Written(made->result).file.bounds());
}

TEST(RoundTrip, JobSizesNamesAndStates) {
  const auto made = sample::by_hand();
  const Written written(made->result);
  const TimelineFile& file = written.file;
  EXPECT_THAT(file.jobs_double("gpus"), SameNumbers(list({2., 1., 1., 0.5, 32.})));
  EXPECT_THAT(file.jobs_double("gpu_seconds"), SameNumbers(list({7200., 1800., 0., 0., 320.})));
  EXPECT_THAT(file.jobs_int("nodes"), ElementsAre(1, 1, 0, 0, 1));
  EXPECT_THAT(file.jobs_int("state"), ElementsAre(0, 1, 2, 3, 0));
  EXPECT_THAT(file.jobs_int("trace_state"), ElementsAre(1, 4, 0, 0, 0));
  EXPECT_THAT(file.jobs_text("site"),
              ElementsAre("dallas", "dallas", "", "dallas", sample::odd_site));
  EXPECT_THAT(file.jobs_text("partition"), ElementsAre("gpu", "gpu", "", "gpu", "gpu"));
  EXPECT_THAT(file.jobs_text("device"), ElementsAre("v100", "v100", "", "v100", "epyc"));
  EXPECT_THAT(file.jobs_text("profile"), ElementsAre("zeta", "zeta", "", "zeta", "zeta"));
  EXPECT_THAT(file.jobs_text("class"), ElementsAre("normal", "normal", "", "batch", "normal"));
  EXPECT_THAT(file.jobs_text("user"), ElementsAre(sample::odd_user, "anna", "", "", ""));
  EXPECT_THAT(file.table("user"), ElementsAre(sample::odd_user, "anna"));  // '=' before 'a'
  EXPECT_THAT(file.table("profile"), ElementsAre("alpha", "zeta"));
  EXPECT_THAT(file.jobs_int("profile"), ElementsAre(1, 1, -1, 1, 1));
}

TEST(RoundTrip, JobEnergyWithAndWithoutItsShare) {
  const auto made = sample::by_hand();
  const Written written(made->result);
  const auto column = [&](const char* name) { return written.file.jobs_double(name); };
  EXPECT_THAT(column("it_energy_j"), SameNumbers(list({1.44e6, 3.6e5, 0., 0., 1000.})));
  EXPECT_THAT(column("facility_energy_j"), SameNumbers(list({1.8e6, 4.5e5, 0., 0., 1000.})));
  EXPECT_THAT(column("carbon_g"), SameNumbers(list({200., 50., 0., 0., nan})));
  EXPECT_THAT(column("cost"), SameNumbers(list({0.125, 0.03125, 0., 0., nan})));
  EXPECT_THAT(column("mean_power_w"), SameNumbers(list({400., 200., nan, nan, 100.})));
  EXPECT_THAT(column("cap_w"), SameNumbers(list({250., nan, nan, nan, nan})));
  EXPECT_THAT(column("transfer_energy_j"), SameNumbers(list({1., 0., 0., 0., 0.})));
  EXPECT_THAT(column("transfer_carbon_g"), SameNumbers(list({2., 0., 0., 0., 0.})));
  EXPECT_THAT(column("transfer_cost"), SameNumbers(list({3., 0., 0., 0., 0.})));
  // 7200 and 1800 of 9000 GPU-seconds: 4/5 and 1/5 of 9e5 J, of 1.125e6 + 4.5e4 J, of 90 + 18 g
  // and of 0.75 + 0.0625 USD.
  const std::vector<double> it = column("it_energy_full_j");
  const std::vector<double> facility = column("facility_energy_full_j");
  const std::vector<double> carbon = column("carbon_full_g");
  const std::vector<double> cost = column("cost_full");
  EXPECT_DOUBLE_EQ(it[0], 1.44e6 + 7.2e5);
  EXPECT_DOUBLE_EQ(it[1], 3.6e5 + 1.8e5);
  EXPECT_DOUBLE_EQ(facility[0], 1.8e6 + 9.36e5);
  EXPECT_DOUBLE_EQ(facility[1], 4.5e5 + 2.34e5);
  EXPECT_DOUBLE_EQ(carbon[0], 200 + 86.4);
  EXPECT_DOUBLE_EQ(carbon[1], 50 + 21.6);
  EXPECT_DOUBLE_EQ(cost[0], 0.125 + 0.65);
  EXPECT_DOUBLE_EQ(cost[1], 0.03125 + 0.1625);
  EXPECT_EQ(it[2], 0.0);
  EXPECT_EQ(it[3], 0.0);
  EXPECT_DOUBLE_EQ(it[4], 1500.0);
  EXPECT_TRUE(std::isnan(carbon[4]));
}

/// Sum of the full columns of a site's jobs and what is left over against the site's total.
void expect_full_columns_add_up(const RunResult& result) {
  const Written written(result);
  const TimelineFile& file = written.file;
  const auto site_of = file.jobs_text("site");
  const auto it = file.jobs_double("it_energy_full_j");
  const auto facility = file.jobs_double("facility_energy_full_j");
  const auto carbon = file.jobs_double("carbon_full_g");
  const auto cost = file.jobs_double("cost_full");
  for (const SiteResult& site : file.sites()) {
    Charge sum = site.unattributed;
    for (std::size_t i = 0; i < file.job_count(); ++i) {
      if (site_of[i] == site.name) {
        sum = sample::sum(sum, {it[i], facility[i], carbon[i], cost[i]});
      }
    }
    const Charge& total = site.to_file_end.total;
    const auto expect_near = [](double got, double expected) {
      if (std::isnan(expected)) {
        EXPECT_TRUE(std::isnan(got));
      } else {
        EXPECT_NEAR(got, expected, 1e-12 * std::abs(expected));
      }
    };
    expect_near(sum.it_energy_j, total.it_energy_j);
    expect_near(sum.facility_energy_j, total.facility_energy_j);
    expect_near(sum.carbon_g, total.carbon_g);
    expect_near(sum.cost, total.cost);
  }
}

TEST(RoundTrip, FullColumnsAndTheRestAddUpToTheSite) {
  expect_full_columns_add_up(sample::by_hand()->result);
  // Rounding of 20,000 additions stays far below 1e-12 only with luck, so few jobs.
  expect_full_columns_add_up(sample::large(500)->result);
}

TEST(RoundTrip, TextIds) {
  const auto made = sample::by_hand(true);
  const Written written(made->result);
  EXPECT_THAT(written.file.jobs_text("job_id"),
              ElementsAre("jöb/0", "jöb/1", "jöb/2", "jöb/3", "jöb/4"));
  EXPECT_THROW((void)written.file.jobs_double("job_id"), InputError);
  EXPECT_THROW((void)written.file.jobs_int("job_id"), InputError);
  EXPECT_THROW((void)written.file.jobs_double("no_such"), InputError);
  EXPECT_THROW((void)written.file.table("no_such"), InputError);
}

TEST(RoundTrip, BytesThatAreNotTextAreEscaped) {
  const auto made = sample::by_hand(true);
  made->workload.text_ids = {};
  for (Job& job : made->workload.jobs) job.id = 0;
  made->workload.text_ids.intern(std::string("a\0b\xff\xc3(\xed\xa0\x80é", 11));
  const Written written(made->result);
  EXPECT_EQ(written.file.jobs_text("job_id").front(), "a\\x00b\\xFF\\xC3(\\xED\\xA0\\x80é");
}

TEST(RoundTrip, Sites) {
  const auto made = sample::by_hand();
  const RunResult& r = made->result;
  const Written written(r);
  const TimelineFile& file = written.file;
  ASSERT_EQ(file.sites().size(), 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    const SiteResult& a = file.sites()[i];
    const SiteResult& b = r.sites[i];
    EXPECT_EQ(a.name, b.name);
    EXPECT_EQ(a.timezone, b.timezone);
    EXPECT_EQ(a.currency, b.currency);
    for (const auto span : {&SiteResult::to_period_end, &SiteResult::to_file_end}) {
      const SiteTotals& x = a.*span;
      const SiteTotals& y = b.*span;
      EXPECT_EQ(x.until_s, y.until_s);
      EXPECT_EQ(x.term_j, y.term_j);
      expect_equal(x.total, y.total);
      expect_equal(x.fixed, y.fixed);
      EXPECT_EQ(x.gpu_seconds_held, y.gpu_seconds_held);
      EXPECT_EQ(x.x_s, y.x_s);
      EXPECT_EQ(x.x_ci, y.x_ci);
      EXPECT_EQ(x.x_price, y.x_price);
      EXPECT_EQ(x.it_x_j, y.it_x_j);
      EXPECT_EQ(x.it_x_ci_g, y.it_x_ci_g);
      EXPECT_EQ(x.it_x_price, y.it_x_price);
      EXPECT_EQ(x.peak_it_w, y.peak_it_w);
    }
    expect_equal(a.unattributed, b.unattributed);
    EXPECT_EQ(a.peak_facility_w, b.peak_facility_w);
    EXPECT_EQ(a.peak_window_s, b.peak_window_s);
    EXPECT_THAT((std::vector{a.over_budget_s, a.over_budget_j, a.over_budget_w}),
                SameNumbers(list({b.over_budget_s, b.over_budget_j, b.over_budget_w})));
    EXPECT_EQ(a.tail_term_w, b.tail_term_w);
    EXPECT_THAT(list({a.tail_until_s}), SameNumbers(list({b.tail_until_s})));
    EXPECT_EQ(a.steps_end_s, b.steps_end_s);
    for (const auto list : {&SiteResult::tail, &SiteResult::steps}) {
      const std::vector<TailStep>&x = a.*list, &y = b.*list;
      ASSERT_EQ(x.size(), y.size());
      for (std::size_t s = 0; s < x.size(); ++s) {
        EXPECT_EQ(x[s].time_s, y[s].time_s);
        EXPECT_EQ(x[s].a, y[s].a);
        EXPECT_EQ(x[s].b_w, y[s].b_w);
        EXPECT_EQ(x[s].pue, y[s].pue);
        EXPECT_EQ(x[s].carbon_intensity_g_per_kwh, y[s].carbon_intensity_g_per_kwh);
        EXPECT_EQ(x[s].price_per_kwh, y[s].price_per_kwh);
      }
    }
    const SiteBins x = file.site_bins(i);
    const SiteBins& y = b.bins;
    EXPECT_THAT(x.it_power_w, SameNumbers(y.it_power_w));
    EXPECT_THAT(x.facility_power_w, SameNumbers(y.facility_power_w));
    EXPECT_THAT(x.pue, SameNumbers(y.pue));
    EXPECT_THAT(x.carbon_intensity_g_per_kwh, SameNumbers(y.carbon_intensity_g_per_kwh));
    EXPECT_THAT(x.carbon_rate_g_per_s, SameNumbers(y.carbon_rate_g_per_s));
    EXPECT_THAT(x.price_per_kwh, SameNumbers(y.price_per_kwh));
    EXPECT_THAT(x.gpus_busy, SameNumbers(y.gpus_busy));
    EXPECT_THAT(x.gpus_idle, SameNumbers(y.gpus_idle));
    EXPECT_THAT(x.gpus_asleep, SameNumbers(y.gpus_asleep));
    EXPECT_THAT(x.jobs_running, SameNumbers(y.jobs_running));
    EXPECT_THAT(x.jobs_queued, SameNumbers(y.jobs_queued));
    EXPECT_THAT(x.jobs_held, SameNumbers(y.jobs_held));
    EXPECT_THAT(x.jobs_paused, SameNumbers(y.jobs_paused));
    EXPECT_THAT(x.power_budget_w, SameNumbers(y.power_budget_w));
    for (std::size_t t = 0; t < term_count; ++t) {
      EXPECT_THAT(x.term_power_w[t], SameNumbers(y.term_power_w[t]));
    }
    EXPECT_THAT(file.site_column(i, "time"), SameNumbers(list({0., 300., 600., 900., 1200.})));
  }
}

TEST(RoundTrip, PartitionsSummaryInputsCounts) {
  const auto made = sample::by_hand();
  const RunResult& r = made->result;
  const Written written(r);
  const TimelineFile& file = written.file;
  ASSERT_EQ(file.partitions().size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) {
    const PartitionTotals& a = file.partitions()[i];
    const PartitionTotals& b = r.partitions[i];
    EXPECT_EQ(a.site, b.site);
    EXPECT_EQ(a.name, b.name);
    EXPECT_EQ(a.device, b.device);
    EXPECT_EQ(a.counts_cores, b.counts_cores);
    EXPECT_EQ(a.nodes, b.nodes);
    EXPECT_EQ(a.gpus, b.gpus);
    EXPECT_EQ(a.gpu_seconds_held, b.gpu_seconds_held);
    EXPECT_EQ(a.gpu_seconds_present, b.gpu_seconds_present);
    expect_equal(a.overhead, b.overhead);
    EXPECT_THAT(list({a.tail_power_w}), SameNumbers(list({b.tail_power_w})));
  }
  const Summary& s = file.summary();
  EXPECT_EQ(s.it_energy_j, 1.0);
  EXPECT_EQ(s.facility_energy_j, 2.0);
  EXPECT_TRUE(std::isnan(s.carbon_g));
  EXPECT_TRUE(std::isnan(s.cost));
  EXPECT_EQ(s.jobs_it_energy_j, 5.0);
  EXPECT_EQ(s.jobs_facility_energy_j, 6.0);
  EXPECT_TRUE(std::isnan(s.jobs_carbon_g));
  EXPECT_TRUE(std::isnan(s.jobs_cost));
  expect_equal(s.wait_s, r.summary.wait_s);
  expect_equal(s.jct_s, r.summary.jct_s);
  expect_equal(s.bounded_slowdown, r.summary.bounded_slowdown);
  EXPECT_EQ(s.jobs_with_deadline, 3U);
  EXPECT_EQ(s.deadline_misses, 1U);
  EXPECT_EQ(s.utilization, 0.5);
  EXPECT_EQ(s.makespan_s, 3700.0);
  EXPECT_EQ(s.jobs_completed, 2U);
  EXPECT_EQ(s.jobs_unfinished, 1U);
  EXPECT_EQ(s.jobs_killed_at_limit, 1U);
  EXPECT_EQ(s.jobs_rejected, 1U);
  EXPECT_EQ(s.conservation_error, 1e-15);
  ASSERT_EQ(s.classes.size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) {
    const ClassStatistics& a = s.classes[i];
    const ClassStatistics& b = r.summary.classes[i];
    EXPECT_EQ(a.name, b.name);
    EXPECT_EQ(a.jobs_completed, b.jobs_completed);
    EXPECT_EQ(a.jobs_it_energy_j, b.jobs_it_energy_j);
    EXPECT_EQ(a.utilization, b.utilization);
    expect_equal(a.wait_s, b.wait_s);
  }
  ASSERT_EQ(file.inputs().size(), 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    const InputFile& a = file.inputs()[i];
    const InputFile& b = r.inputs[i];
    EXPECT_EQ(a.role, b.role);
    EXPECT_EQ(a.report.path, b.report.path);
    EXPECT_EQ(a.report.format, b.report.format);
    EXPECT_EQ(a.report.sha256, b.report.sha256);
    EXPECT_EQ(a.report.rows, b.report.rows);
    expect_equal(a.report.skipped, b.report.skipped);
    expect_equal(a.report.adjusted, b.report.adjusted);
    EXPECT_EQ(a.report.notes, b.report.notes);
  }
  expect_equal(file.counts(), r.counts);
  EXPECT_EQ(file.notes(), r.notes);
}

TEST(RoundTrip, NodesAndEventsOnRequest) {
  const auto made = sample::by_hand();
  {
    const Written written(made->result);
    const NodeBins nodes = written.file.nodes(0);
    EXPECT_EQ(nodes.bins, 5U);
    EXPECT_EQ(nodes.nodes, 4U);
    EXPECT_EQ(nodes.power_w, made->result.nodes["dallas"].power_w);
    EXPECT_EQ(nodes.gpus_busy, made->result.nodes["dallas"].gpus_busy);
    EXPECT_EQ(written.file.nodes(1).bins, 0U);
    const auto events = written.file.events();
    ASSERT_EQ(events.size(), 3U);
    for (std::size_t i = 0; i < 3; ++i) {
      EXPECT_EQ(events[i].time_s, made->result.events[i].time_s);
      EXPECT_EQ(events[i].job, made->result.events[i].job);
      EXPECT_EQ(events[i].what, made->result.events[i].what);
      EXPECT_EQ(events[i].why, made->result.events[i].why);
    }
  }
  made->result.nodes.clear();
  made->result.events.clear();
  const Written written(made->result);
  EXPECT_EQ(written.file.nodes(0).bins, 0U);
  EXPECT_TRUE(written.file.events().empty());
}

TEST(RoundTrip, ManyNodesNeedSeveralChunks) {
  const auto made = sample::by_hand();
  NodeBins& nodes = made->result.nodes["dallas"];
  nodes.bins = 30;
  nodes.nodes = 5000;
  made->result.partitions[0].nodes = 4999;
  made->result.partitions[1].nodes = 1;
  nodes.power_w.clear();
  nodes.gpus_busy.assign(nodes.bins * nodes.nodes, 1.0F);
  for (std::size_t i = 0; i < nodes.bins * nodes.nodes; ++i) {
    nodes.power_w.push_back(static_cast<float>(i));
  }
  const Written written(made->result);
  EXPECT_EQ(written.file.nodes(0).power_w, nodes.power_w);
}

TEST(RoundTrip, NothingAtAll) {
  RunResult empty;
  const Written written(empty);
  EXPECT_EQ(written.file.job_count(), 0U);
  EXPECT_TRUE(written.file.jobs_double("wait_s").empty());
  EXPECT_TRUE(written.file.sites().empty());
  EXPECT_TRUE(written.file.inputs().empty());
  EXPECT_TRUE(written.file.table("user").empty());
}

class Blocks : public testing::TestWithParam<std::tuple<std::size_t, int>> {};

// Around the length of a chunk, with and without filters.
TEST_P(Blocks, ColumnsComeBackWhole) {
  const auto [count, compression] = GetParam();
  const auto made = sample::large(count);
  const Written written(made->result, compression);
  const TimelineFile& file = written.file;
  ASSERT_EQ(file.job_count(), count);
  std::vector<double> submit, start, energy;
  std::vector<std::int64_t> id;
  for (std::size_t i = 0; i < count; ++i) {
    submit.push_back(SimTime::from_seconds(made->workload.jobs[i].submit_s).seconds());
    id.push_back(made->workload.jobs[i].id);
    start.push_back(made->result.jobs[i].start_s);
    energy.push_back(made->result.jobs[i].it_energy_j);
  }
  EXPECT_EQ(file.jobs_int("job_id"), id);
  EXPECT_EQ(file.jobs_double("submit_time"), submit);
  EXPECT_EQ(file.jobs_double("start_time"), start);
  EXPECT_EQ(file.jobs_double("it_energy_j"), energy);
  EXPECT_THAT(file.jobs_double("cost"), SameNumbers(std::vector<double>(count, nan)));
  EXPECT_EQ(file.jobs_int("state"), std::vector<std::int64_t>(count, 0));
}

INSTANTIATE_TEST_SUITE_P(Sizes, Blocks,
                         testing::Combine(testing::Values(1, 513, 65536, 65537),
                                          testing::Values(0, 1)));
INSTANTIATE_TEST_SUITE_P(Levels, Blocks,
                         testing::Combine(testing::Values(1000), testing::Values(2, 6, 9)));

TEST(Chunks, ComeBackWholeAndNotFromOtherBytes) {
  for (const std::size_t size : {1, 4, 8}) {
    for (const std::size_t count : {1, 7, 8, 9, 1000, 4097}) {
      std::vector<std::byte> chunk(size * count);
      std::uint64_t random = 1;
      for (std::byte& byte : chunk) {
        random = random * 6364136223846793005U + 1442695040888963407U;
        byte = static_cast<std::byte>(random >> 60);
      }
      timeline::ChunkCodec codec(1);
      const auto view = codec.encode(chunk, size);
      std::vector<std::byte> encoded(view.begin(), view.end());
      timeline::ChunkDecoder decoder;
      // The last chunk of a column may be needed in part only.
      for (const std::size_t wanted : {count, (count + 1) / 2}) {
        std::vector<std::byte> back(size * wanted);
        ASSERT_TRUE(decoder.decode(encoded, chunk.size(), size, back));
        EXPECT_TRUE(std::equal(back.begin(), back.end(), chunk.begin()));
      }
      std::vector<std::byte> back(chunk.size());
      EXPECT_FALSE(decoder.decode(encoded, chunk.size() + size, size, back));
      EXPECT_FALSE(
          decoder.decode(std::span(encoded).first(encoded.size() - 1), chunk.size(), size, back));
      encoded.back() ^= std::byte{1};  // of the check sum
      EXPECT_FALSE(decoder.decode(encoded, chunk.size(), size, back));
    }
  }
}

/// Bytes that a chunk of times, energies or counts may have in one place.
std::vector<std::vector<std::byte>> kinds_of_bytes(std::size_t count) {
  std::uint64_t random = 1;
  const auto next = [&] {
    random = random * 6364136223846793005U + 1442695040888963407U;
    return random >> 33;
  };
  std::vector<std::vector<std::byte>> kinds(6, std::vector<std::byte>(count));
  for (std::size_t i = 0; i < count; ++i) {
    kinds[0][i] = static_cast<std::byte>(next());
    kinds[1][i] = static_cast<std::byte>(next() % 3);
    // Each value half as frequent as the one before: codes as long as they may become, and longer.
    kinds[2][i] = static_cast<std::byte>(std::countr_zero(i + 1));
    kinds[3][i] = static_cast<std::byte>(i / 700);
    kinds[4][i] = static_cast<std::byte>(next() % 900 == 0 ? next() : 0);
  }
  // Runs of every length up to some above deflate's longest.
  std::size_t i = 0;
  for (std::size_t run = 1; i < count; run = run % 530 + 1) {
    for (std::size_t k = 0; k < run && i < count; ++k) kinds[5][i++] = static_cast<std::byte>(run);
  }
  return kinds;
}

TEST(Chunks, OfManyRowsComeBackWhole) {
  for (const std::size_t count : {8192, 8193, 65535, 65536, 70001}) {
    const auto kinds = kinds_of_bytes(count);
    std::vector<std::byte> places;
    for (const auto& kind : kinds) places.insert(places.end(), kind.begin(), kind.end());
    places.resize(8 * count);  // the last two are zeros
    std::vector<std::byte> chunk(places.size()), back(places.size());
    timeline::unshuffle_bytes(places, 8, chunk);
    timeline::ChunkCodec codec(1);
    timeline::ChunkDecoder decoder;
    const auto encoded = codec.encode(chunk, 8);
    ASSERT_TRUE(decoder.decode(encoded, chunk.size(), 8, back)) << count;
    EXPECT_TRUE(back == chunk) << count;
    // Huffman codes of 256 equal, 3 equal and halving frequencies; runs, one byte in 900, runs,
    // twice nothing. A hundredth for rounding, 600 bytes for eight headers.
    const double bits_of_a_row = 1.01 * (8 + 1.67 + 2 + 0.1 + 0.2 + 0.1);
    EXPECT_LT(encoded.size(), bits_of_a_row / 8 * static_cast<double>(count) + 600) << count;
  }
}

TEST(Chunks, OfOneKindOfByteComeBackWhole) {
  constexpr std::size_t count = 66000;
  timeline::ChunkCodec codec(1);
  timeline::ChunkDecoder decoder;
  std::vector<std::byte> back(count);
  for (const auto& kind : kinds_of_bytes(count)) {
    const auto encoded = codec.encode(kind, 1);
    ASSERT_TRUE(decoder.decode(encoded, count, 1, back));
    EXPECT_TRUE(back == kind);
    EXPECT_LT(encoded.size(), count + 32);
  }
}

TEST(Chunks, WhatACodeGainsAnEighthOnIsNotTakenForRandom) {
  constexpr std::size_t count = 66000;
  timeline::ChunkCodec codec(1);
  std::vector<std::byte> of_six_bits(count), quarter_zeros(count);
  const auto random = kinds_of_bytes(count)[0];
  for (std::size_t i = 0; i < count; ++i) {
    of_six_bits[i] = random[i] & std::byte{0x3F};
    // In turn random and a stretch without a change.
    quarter_zeros[i] = i % 4000 < 1000 ? std::byte{} : random[i];
  }
  EXPECT_LT(codec.encode(of_six_bits, 1).size(), count * 6 / 8 * 1.02 + 300);
  EXPECT_LT(codec.encode(quarter_zeros, 1).size(), count * 3 / 4 * 1.1);
}

TEST(Bytes, EqualResultsGiveEqualFiles) {
  const sample::TemporaryFolder one, two;
  const auto before = std::filesystem::current_path();
  for (const bool text_ids : {false, true}) {
    const auto made = sample::by_hand(text_ids);
    const auto again = sample::by_hand(text_ids);
    write_timeline(made->result, one.path() / "a.h5");
    // Fresh memory holds other bytes than before: none of them may reach the file.
    mallopt(M_PERTURB, 0x5A);
    std::filesystem::current_path(two.path());
    write_timeline(again->result, "other name.h5");
    std::filesystem::current_path(before);
    mallopt(M_PERTURB, 0);
    const std::string bytes = sample::bytes_of(one.path() / "a.h5");
    EXPECT_GT(bytes.size(), 10000U);
    EXPECT_TRUE(bytes == sample::bytes_of(two.path() / "other name.h5"));
  }
}

TEST(Bytes, ManyRowsGiveEqualFilesToo) {
  const sample::TemporaryFolder folder;
  const auto made = sample::large(70000);
  write_timeline(made->result, folder.path() / "a.h5");
  mallopt(M_PERTURB, 0xC3);
  write_timeline(made->result, folder.path() / "b.h5");
  mallopt(M_PERTURB, 0);
  EXPECT_TRUE(sample::bytes_of(folder.path() / "a.h5") == sample::bytes_of(folder.path() / "b.h5"));
}

TEST(RoundTrip, WhatOnlySomeRunsHave) {
  const auto made = sample::by_hand();
  {
    const Written plain(made->result);
    EXPECT_THROW((void)plain.file.jobs_double("water_l"), InputError);
    EXPECT_THROW((void)plain.file.jobs_double("embodied_carbon_g"), InputError);
    EXPECT_TRUE(std::isnan(plain.file.summary().water_l));
    EXPECT_TRUE(plain.file.sites()[0].demand.empty());
  }
  RunResult& r = made->result;
  r.jobs_water_l = {1.0, 2.0, 0.0, 0.0, nan};
  r.partitions[0].embodied_g_per_gpu_s = 0.5;
  r.jobs[0].home_site = 1;
  r.jobs[0].transfer_s = 12.5;
  r.sites[0].accounted_carbon = {"average", "direct"};
  r.sites[0].decided_carbon = {"marginal", "marginal"};
  r.sites[0].demand = {{-86400.0, 500.0, 0.25, 1.5}, {86400.0, 700.0, 1.0, 2.5}};
  r.sites[0].to_file_end.demand_charge_cost = 4.0;
  r.sites[0].to_file_end.water_l = 9.0;
  r.sites[0].to_period_end.water_l = 8.0;
  r.summary.water_l = 9.5;
  r.summary.jobs_embodied_carbon_g = 3.25;
  r.summary.regret_carbon_g = -0.5;
  r.summary.transfer_carbon_g = 2.0;
  r.summary.demand_charge_cost = 4.0;
  const Written written(r);
  const TimelineFile& file = written.file;
  EXPECT_THAT(file.jobs_double("water_l"), SameNumbers(r.jobs_water_l));
  std::vector<double> embodied;
  for (const JobRecord& job : r.jobs) embodied.push_back(r.embodied_carbon_g(job));
  EXPECT_EQ(embodied[0], 0.5 * r.jobs[0].gpu_seconds);
  EXPECT_THAT(file.jobs_double("embodied_carbon_g"), SameNumbers(embodied));
  EXPECT_EQ(file.jobs_text("home_site")[0], r.sites[1].name);
  EXPECT_EQ(file.jobs_double("transfer_s")[0], 12.5);
  const SiteResult& site = file.sites()[0];
  EXPECT_EQ(site.accounted_carbon, r.sites[0].accounted_carbon);
  EXPECT_EQ(site.decided_carbon, r.sites[0].decided_carbon);
  EXPECT_EQ(file.sites()[1].decided_carbon, CarbonLabel{});
  ASSERT_EQ(site.demand.size(), 2U);
  EXPECT_EQ(site.demand[0].start_s, -86400.0);
  EXPECT_EQ(site.demand[1].cost, 2.5);
  EXPECT_EQ(site.to_file_end.demand_charge_cost, 4.0);
  EXPECT_EQ(site.to_file_end.water_l, 9.0);
  EXPECT_EQ(site.to_period_end.water_l, 8.0);
  EXPECT_TRUE(std::isnan(file.sites()[1].to_file_end.water_l));
  const Summary& s = file.summary();
  EXPECT_EQ(s.water_l, 9.5);
  EXPECT_EQ(s.jobs_embodied_carbon_g, 3.25);
  EXPECT_EQ(s.regret_carbon_g, -0.5);
  EXPECT_TRUE(std::isnan(s.regret_cost));
  EXPECT_EQ(s.transfer_carbon_g, 2.0);
  EXPECT_EQ(s.demand_charge_cost, 4.0);
}

}  // namespace
}  // namespace nightwatt
