#include "analysis/comparison.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "analysis/run_figures.hpp"
#include "analysis/text.hpp"
#include "sim/summarise.hpp"
#include "sim/timeline/timeline.hpp"
#include "tests/support/cluster.hpp"
#include "tests/unit/timeline/sample_result.hpp"

namespace nightwatt {
namespace {

namespace fs = std::filesystem;
using test::Cluster;
using test::steps;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

/// Runs by hand, written to files.
class Compare : public testing::Test {
 protected:
  /// Two jobs of a minute, submitted at second 0, on one GPU or two (50 W idle, 250 W busy).
  /// PUE 1.2, 1.4, 1.5 in steps of 50 s; 360 g/kWh (1e-4 g/J) up to second 100, then the double.
  std::string run(const std::string& name, std::uint32_t gpus,
                  const std::function<void(Cluster&)>& change = {}) {
    Cluster c(1, gpus);
    c.setup.period_end_s = 100;
    c.signals(steps(50, {1.2, 1.4, 1.5}, Beyond::error), steps(100, {360, 720}, Beyond::error),
              StepSeries::constant(unknown));
    if (change) change(c);
    if (c.workload.jobs.empty()) {
      c.job(0, 60, 1);
      c.job(0, 60, 1);
    }
    RunResult result = c.run();
    result.title = name;
    result.program = "nightwatt test";
    result.period_start_unix_s = 1664755200;
    result.scenario_yaml = "name: by hand\nseed: " + std::to_string(result.seed) +
                           "\nnodes: " + std::to_string(gpus) + "\n";
    result.scenario_sha256 = std::string(64, 'a');
    if (rename_) rename_(result);
    const fs::path path = folder_.path() / (name + ".h5");
    write_timeline(result, path);
    return path.string();
  }

  static std::string refusal(const std::vector<fs::path>& files, CompareOptions options = {}) {
    try {
      (void)compare_runs(files, options);
    } catch (const InputError& error) {
      return error.what();
    }
    return "compared";
  }

  sample::TemporaryFolder folder_;
  std::function<void(RunResult&)> rename_;
};

/// 15 a kW and month from 3 October on, PUE 2: facility power is 100 W, and 500 W in a job of 50 s.
TEST_F(Compare, ChargesTheDemandToTheHorizonToo) {
  constexpr double day_s = 86400.0, horizon_s = 45 * day_s;
  const auto charged = [](double end_s) {
    return [end_s](Cluster& c) {
      c.signals(StepSeries::constant(2), StepSeries::constant(unknown),
                StepSeries::constant(0.1 / joules_per_kwh));
      const auto at = [](double day) { return SimTime::from_seconds(day * day_s); };
      c.setup.sites[0].demand = DemandCharge{{15.0, true}, {at(-2), at(29), at(59)}};
      c.setup.sites[0].timezone = "UTC";
      c.setup.horizon_end_s = end_s;
      c.job(50, 50, 1);
    };
  };
  const TimelineFile whole = read_timeline(run("whole", 1, charged(horizon_s)));
  // Ends at second 100, in the window that the job is in.
  const TimelineFile brief = read_timeline(run("brief", 1, charged(0)));
  ASSERT_EQ(brief.header().file_end_s, 100.0);
  // 50 s of 500 W in a window of 15 min, for 29 of October's 31 days; then nothing runs.
  const double october = (100 + 400 * 50.0 / 900) / 1000 * 15 * 29 / 31;
  const double november = 100 / 1000.0 * 15 * 16 / 30;
  const SiteTotals& own = whole.sites()[0].to_file_end;
  EXPECT_NEAR(own.demand_charge_cost, october + november, 1e-12);
  const SiteTotals totals = charged_to(brief, 0, horizon_s);
  EXPECT_NEAR(totals.demand_charge_cost, own.demand_charge_cost, 1e-12);
  EXPECT_NEAR(totals.total.cost, own.total.cost, 1e-9);
}

TEST_F(Compare, ChargesBothRunsToTheSameHorizon) {
  // On two GPUs all is done at second 60 and the file ends with the period; on one at second 120.
  const Comparison c = compare_runs({run("two", 2), run("one", 1)});
  EXPECT_EQ(c.horizon_s, 120);
  ASSERT_EQ(c.runs.size(), 1U);
  EXPECT_TRUE(c.runs[0].work.equal());
  const auto expect = [&](const char* section, const char* key, double base, double other) {
    const FigureDifference* figure = c.runs[0].total.find(section, key);
    ASSERT_NE(figure, nullptr) << section << "." << key;
    if (std::isnan(base)) {
      EXPECT_TRUE(std::isnan(figure->base)) << section << "." << key;
      EXPECT_TRUE(std::isnan(figure->difference())) << section << "." << key;
      return;
    }
    EXPECT_NEAR(figure->base, base, 1e-9 * base) << section << "." << key;
    EXPECT_NEAR(figure->other, other, 1e-9 * other) << section << "." << key;
  };
  expect("horizon", "it_energy_j", 60 * 500 + 60 * 100, 120 * 250);
  expect("horizon", "facility_energy_j", 500 * (50 * 1.2 + 10 * 1.4) + 100 * (40 * 1.4 + 20 * 1.5),
         250 * (50 * 1.2 + 50 * 1.4 + 20 * 1.5));
  expect("horizon", "carbon_g", 1e-4 * (37000 + 5600) + 2e-4 * 3000,
         1e-4 * 250 * 130 + 2e-4 * 250 * 30);
  expect("horizon", "cost", unknown, unknown);
  expect("period", "it_energy_j", 60 * 500 + 40 * 100, 100 * 250);
  // PUE - 1 integrates to 40 s, and over IT power to 9,600 J and 10,000 J. The reference is the
  // 300 W that two GPUs draw on average.
  expect("horizon_fixed_share_0.5", "facility_energy_j", 36000 + 0.5 * 9600 + 0.5 * 300 * 40,
         30000 + 0.5 * 10000 + 0.5 * 300 * 40);
  // Carbon of IT alone 3.8 g and 3.5 g; of the excess 1.06 g and 1.25 g; 0.005 g a watt.
  expect("horizon_fixed_share_0.5", "carbon_g", 3.8 + 0.53 + 0.5 * 300 * 0.005,
         3.5 + 0.625 + 0.5 * 300 * 0.005);
  // To the period's end: 340 W on average, PUE - 1 integrates to 30 s, 8,600 J and 7,500 J.
  expect("period_fixed_share_0.5", "facility_energy_j", 34000 + 0.5 * 8600 + 0.5 * 340 * 30,
         25000 + 0.5 * 7500 + 0.5 * 340 * 30);
  expect("jobs", "mean_wait_s", 0, 30);
  expect("jobs", "p95_wait_s", 0, 60);
  expect("jobs", "mean_jct_s", 60, 90);
  expect("jobs", "mean_bounded_slowdown", 1, 1.5);
  expect("jobs", "makespan_s", 60, 120);
  expect("jobs", "utilization", 1, 1);
  expect("booked", "jobs_it_energy_j", 30000, 30000);
  const auto peaks = c.runs[0].sites.at(0).find("peaks", "peak_it_power_w");
  ASSERT_NE(peaks, nullptr);
  EXPECT_DOUBLE_EQ(peaks->base, 500);
  EXPECT_DOUBLE_EQ(peaks->other, 250);
  EXPECT_EQ(c.runs[0].variation.source, Variation::Source::none);
}

TEST_F(Compare, AttributionAddsUpToTheSites) {
  const auto fixed = [](Cluster& c) {
    c.setup.sites[0].facility = {0.25, watts(400)};
    c.setup.classes = {"first"};
  };
  rename_ = [](RunResult& result) {
    result.jobs[0].job_class = 0;
    summarise(result);
  };
  const Comparison c = compare_runs({run("two", 2, fixed), run("one", 1, fixed)});
  EXPECT_EQ(c.fixed_shares, (std::vector{0.0, 0.5}));
  const auto total = [&](const char* key) { return c.runs[0].total.find("horizon", key)->base; };
  ASSERT_EQ(c.runs[0].classes.size(), 2U);
  for (const char* key : {"it_energy_j", "facility_energy_j", "carbon_g"}) {
    const double sum = c.runs[0].classes[0].find("horizon", key)->base +
                       c.runs[0].classes[1].find("horizon", key)->base;
    EXPECT_NEAR(sum, total(key), 1e-9 * total(key)) << key;
  }
  // Both jobs held a GPU for a minute: each pays half of the 6,000 J that idled.
  EXPECT_NEAR(c.runs[0].classes[0].find("horizon", "it_energy_j")->base, 15000 + 3000, 1e-6);
  // a = 1 + 0.75 (PUE - 1), b = 0.25 (PUE - 1) 400 W.
  EXPECT_NEAR(total("facility_energy_j"), 36000 + 0.75 * 9600 + 0.25 * 400 * 40, 1e-6);
  // Another share is the same as if the run had been made with it.
  const auto at = [&](const char* section) {
    return c.runs[0].total.find(section, "facility_energy_j")->base;
  };
  EXPECT_NEAR(at("horizon_fixed_share_0"), 36000 + 9600, 1e-6);
  EXPECT_NEAR(at("horizon_fixed_share_0.5"), 36000 + 0.5 * 9600 + 0.5 * 300 * 40, 1e-6);
}

TEST_F(Compare, EqualRunsDifferByExactlyNothing) {
  const auto days = [](Cluster& c) {
    c.setup.period_end_s = 10 * sample::day_s;
    c.signals(StepSeries::constant(1.3), StepSeries::constant(400), StepSeries::constant(0.1));
    for (int i = 0; i < 200; ++i) c.job(i * 4000.0, 100.0 + 37.0 * (i % 11), 1);
  };
  const std::string file = run("same", 1, days);
  const Comparison c = compare_runs({file, file});
  EXPECT_EQ(c.runs[0].variation.source, Variation::Source::days);
  EXPECT_EQ(c.runs[0].variation.units, 10U);
  std::size_t with_interval = 0;
  for (const FigureDifference& figure : c.runs[0].total.figures) {
    EXPECT_EQ(figure.difference(), 0.0) << figure.section << figure.key;
    EXPECT_EQ(figure.relative(), 0.0) << figure.section << figure.key;
    if (std::isnan(figure.difference_95.low)) continue;
    ++with_interval;
    EXPECT_EQ(figure.difference_95.low, 0.0);
    EXPECT_EQ(figure.difference_95.high, 0.0);
  }
  EXPECT_EQ(with_interval, 12U);  // four charges twice, three means, deadlines missed
}

TEST_F(Compare, TablesShowNoRoundingAsADifference) {
  const std::string file = run("same", 1);
  Comparison c = compare_runs({file, file});
  const std::string equal = comparison_table(c);
  for (FigureDifference& figure : c.runs[0].total.figures) {
    if (figure.base != 0.0 && figure.unit != Unit::count)
      figure.other = std::nextafter(figure.base, std::numeric_limits<double>::infinity());
  }
  EXPECT_NE(c.runs[0].total.figures[0].difference(), 0.0);
  EXPECT_EQ(comparison_table(c), equal);
  c.runs[0].total.figures[0].other *= 1.0 + 1e-9;
  EXPECT_NE(comparison_table(c), equal);
}

TEST_F(Compare, OrderOfTheOthersChangesNothing) {
  const std::string a = run("a", 2), b = run("b", 1), c = run("c", 3);
  const Comparison first = compare_runs({a, b, c}), second = compare_runs({a, c, b});
  ASSERT_EQ(first.runs.size(), 2U);
  for (std::size_t r = 0; r < 2; ++r) {
    const auto& x = first.runs[r].total.figures;
    const auto& y = second.runs[1 - r].total.figures;
    ASSERT_EQ(x.size(), y.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
      if (std::isnan(x[i].other)) continue;
      EXPECT_EQ(x[i].base, y[i].base);
      EXPECT_EQ(x[i].other, y[i].other);
    }
  }
}

TEST_F(Compare, SeedsArePairedAndAveraged) {
  const auto seed = [](int number) {
    return [number](Cluster& c) {
      c.setup.seed = static_cast<std::uint64_t>(number);
      for (int i = 0; i <= number; ++i) c.job(0, 20, 1);
    };
  };
  std::vector<fs::path> base, other;
  for (const int number : {1, 2, 3}) {
    base.emplace_back(run("two-" + std::to_string(number), 2, seed(number)));
    other.emplace_back(run("one-" + std::to_string(number), 1, seed(number)));
  }
  // The order of the seeds does not matter.
  const Comparison c = compare_runs({base[2], other[1], base[0], other[0], base[1], other[2]});
  ASSERT_EQ(c.runs.size(), 1U);
  EXPECT_EQ(c.base.seeds, (std::vector<std::int64_t>{1, 2, 3}));
  EXPECT_EQ(c.runs[0].variation.source, Variation::Source::seeds);
  const FigureDifference* wait = c.runs[0].total.find("jobs", "mean_wait_s");
  // n jobs of 20 s at once: on one GPU they wait 10 (n - 1) s on average; on two 0, 20/3 and 10.
  EXPECT_NEAR(wait->base, (0 + 20.0 / 3 + 10) / 3, 1e-9);
  EXPECT_NEAR(wait->other, (10 + 20 + 30) / 3.0, 1e-9);
  EXPECT_NEAR(wait->difference_95.low, 10, 1e-9);   // the least of the three
  EXPECT_NEAR(wait->difference_95.high, 20, 1e-9);  // and the most
  ASSERT_EQ(c.notes.size(), 1U);
  EXPECT_THAT(c.notes[0], HasSubstr("3 seeds are few"));

  EXPECT_THAT(refusal({base[0], base[1], other[0]}), HasSubstr("seed 2 has no partner"));
}

TEST_F(Compare, UnequalWorkIsRefused) {
  const std::string whole = run("whole", 2);
  const std::string cut = run("cut", 1, [](Cluster& c) { c.setup.drain = false; });
  EXPECT_THAT(refusal({whole, cut}),
              AllOf(HasSubstr("cut.h5: error: work: UNEQUAL: 1 of 2 jobs differ in completed"),
                    HasSubstr("job 2 completed 60 reference GPU-seconds in BASE, 40 here"),
                    HasSubstr("--allow-unequal")));
  const Comparison c = compare_runs({whole, cut}, {.allow_unequal = true});
  EXPECT_EQ(c.runs[0].work.unequal, 1U);
  EXPECT_THAT(comparison_table(c), HasSubstr("UNEQUAL WORK"));
  EXPECT_EQ(comparison_table(c).find("UNEQUAL WORK"), 0U);
  EXPECT_THAT(comparison_markdown(c), HasSubstr("UNEQUAL WORK"));
  std::istringstream csv(comparison_csv(c));
  std::string line;
  std::getline(csv, line);
  while (std::getline(csv, line)) EXPECT_THAT(line, HasSubstr(",unequal,"));
  EXPECT_FALSE(nlohmann::json::parse(comparison_json(c))["runs"][0]["work"]["equal"]);
}

TEST_F(Compare, WorkOfARelativeBillionthIsTheSame) {
  const auto jobs = [](double run_s) { return [run_s](Cluster& c) { c.job(0, run_s, 1); }; };
  const std::string base = run("base", 1, jobs(50));
  EXPECT_EQ(refusal({base, run("near", 1, jobs(50 * (1 + 0.5e-9)))}), "compared");
  EXPECT_THAT(refusal({base, run("far", 1, jobs(50 * (1 + 3e-9)))}), HasSubstr("UNEQUAL"));
}

TEST_F(Compare, OtherJobsAreUnequalWork) {
  const auto jobs = [](int count) {
    return [count](Cluster& c) {
      for (int i = 0; i < count; ++i) c.job(0, 10, 1);
    };
  };
  EXPECT_THAT(refusal({run("three", 1, jobs(3)), run("two", 1, jobs(2))}),
              AllOf(HasSubstr("1 jobs are only in BASE"), HasSubstr("job 3 is only in BASE")));
}

TEST_F(Compare, WhatDoesNotBelongTogether) {
  const std::string base = run("base", 1);
  rename_ = [](RunResult& result) { result.sites[0].name = result.partitions[0].site = "there"; };
  EXPECT_THAT(refusal({base, run("there", 1)}),
              HasSubstr("there.h5: error: sites: expected those of " + base));
  rename_ = [](RunResult& result) { result.period_start_unix_s += 3600; };
  EXPECT_THAT(refusal({base, run("later", 1)}), HasSubstr("later.h5: error: period: expected"));
  rename_ = [](RunResult& result) { result.sites[0].currency = "EUR"; };
  const std::string euros = run("euros", 1);
  rename_ = [](RunResult& result) { result.sites[0].currency = "USD"; };
  EXPECT_THAT(refusal({euros, run("dollars", 1)}),
              HasSubstr("currency: expected that of " + euros + " (EUR), got USD"));
  rename_ = [](RunResult& result) {
    result.inputs.push_back({"workload", {"a.swf", "swf", std::string(64, 'a'), 2, {}, {}, {}}});
  };
  const std::string one = run("one", 1);
  rename_ = [](RunResult& result) {
    result.inputs.push_back({"workload", {"b.swf", "swf", std::string(64, 'b'), 2, {}, {}, {}}});
  };
  // The same jobs from another file (packed otherwise, say) are the same trace.
  EXPECT_EQ(refusal({one, run("packed", 1)}), "compared");
  const auto another = [](Cluster& c) { c.job(1, 60, 1); };
  EXPECT_THAT(refusal({one, run("another", 1, another)}, {.allow_unequal = true}),
              HasSubstr("another.h5: error: trace: expected that of " + one));
}

TEST_F(Compare, AllBadFilesAreNamed) {
  const std::string good = run("good", 1);
  std::ofstream(folder_.path() / "text.h5") << "name: no timeline\n";
  const std::string whole = sample::bytes_of(good);
  std::ofstream(folder_.path() / "cut.h5", std::ios::binary) << whole.substr(0, whole.size() / 2);
  EXPECT_THAT(
      refusal({good, folder_.path() / "text.h5", folder_.path() / "cut.h5"}),
      AllOf(HasSubstr("text.h5: error: expected a timeline file"), HasSubstr("cut.h5: error: ")));
}

TEST_F(Compare, HorizonAskedFor) {
  const std::string two = run("two", 2), one = run("one", 1);
  CompareOptions options;
  options.horizon_unix_s = 1664755200 + 150;
  const Comparison c = compare_runs({two, one}, options);
  EXPECT_EQ(c.horizon_s, 150);
  EXPECT_NEAR(c.runs[0].total.find("horizon", "it_energy_j")->base, 30000 + 90 * 100, 1e-6);
  EXPECT_NEAR(c.runs[0].total.find("horizon", "it_energy_j")->other, 30000 + 30 * 50, 1e-6);
  options.horizon_unix_s = 1664755200 + 151;
  EXPECT_THAT(
      refusal({two, one}, options),
      AllOf(HasSubstr("two.h5: error: horizon: the signals of site 'here' end 1 s before")));
  options.horizon_unix_s = 1664755200 + 119;
  EXPECT_THAT(refusal({two, one}, options), HasSubstr("horizon: expected 2022-10-03 00:02:00 UTC"));
  const std::string cut = run("cut", 1, [](Cluster& c2) { c2.setup.drain = false; });
  EXPECT_THAT(refusal({two, cut}, {.allow_unequal = true, .horizon_unix_s = 1664755200 + 110}),
              HasSubstr("cut.h5: error: horizon: the run stopped at its period's end"));
}

TEST_F(Compare, SignalsThatRepeatAreChargedForAnotherPeriod) {
  const auto repeat = [](Cluster& c) {
    c.signals(steps(50, {1.2, 1.4}, Beyond::repeat), StepSeries::constant(360),
              StepSeries::constant(unknown));
  };
  CompareOptions options;
  options.horizon_unix_s = 1664755200 + 250;
  const std::string file = run("repeat", 2, repeat);
  const Comparison c = compare_runs({file, file}, options);
  EXPECT_NEAR(c.runs[0].total.find("horizon", "facility_energy_j")->base,
              500 * (50 * 1.2 + 10 * 1.4) + 100 * (40 * 1.4 + 50 * 1.2 + 50 * 1.4 + 50 * 1.2),
              1e-6);
}

TEST_F(Compare, WarmUpIsLeftOutOfJobStatistics) {
  const auto warm = [](Cluster& c) {
    c.setup.warmup_s = 10;
    c.job(0, 60, 1);
    c.job(20, 60, 1);
  };
  const Comparison c = compare_runs({run("two", 2, warm), run("one", 1, warm)});
  EXPECT_EQ(c.runs[0].total.jobs, 1U);
  EXPECT_EQ(c.runs[0].total.warmup_jobs, 1U);
  EXPECT_EQ(c.runs[0].total.find("jobs", "mean_wait_s")->other, 40);
  EXPECT_THAT(comparison_table(c), HasSubstr("jobs (1, 1 of the warm-up left out)"));
}

TEST_F(Compare, ClassesAreTakenByName) {
  const auto classes = [](std::vector<std::string> names) {
    return [names](Cluster& c) {
      c.setup.classes = names;
      c.job(0, 60, 1);
    };
  };
  rename_ = [](RunResult& result) {
    for (JobRecord& job : result.jobs) job.job_class = 0;
    summarise(result);
  };
  const Comparison c =
      compare_runs({run("a", 1, classes({"x", "y"})), run("b", 1, classes({"y"}))});
  ASSERT_GE(c.runs[0].classes.size(), 2U);
  EXPECT_EQ(c.runs[0].classes[0].name, "x");
  EXPECT_DOUBLE_EQ(c.runs[0].classes[0].find("booked", "jobs_it_energy_j")->base, 15000);
  EXPECT_EQ(c.runs[0].classes[1].name, "y");
  EXPECT_EQ(c.runs[0].classes[1].find("booked", "jobs_it_energy_j")->base, 0);
  EXPECT_DOUBLE_EQ(c.runs[0].classes[1].find("booked", "jobs_it_energy_j")->other, 15000);
}

TEST_F(Compare, TextFitsTheTerminal) {
  const Comparison c = compare_runs({run("two", 2), run("一", 1)});
  const std::string table = comparison_table(c);
  std::istringstream lines(table);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(display_width(line), 100U) << line;
  EXPECT_THAT(table, AllOf(HasSubstr("nodes: 2 -> 1"), HasSubstr("n/a"), Not(HasSubstr("nan")),
                           Not(HasSubstr("reached"))));
}

TEST_F(Compare, ShareOfTheBoundIsShownWhereItIsKnown) {
  Comparison c = compare_runs({run("two", 2), run("one", 1)});
  c.runs[0].reached = ReachedShare{0.625, std::nullopt, 50.0, unknown, "start"};
  EXPECT_THAT(comparison_table(c),
              HasSubstr("of the possible saving 62.5 % for carbon (bound: start)"));
  const auto json = nlohmann::json::parse(comparison_json(c));
  EXPECT_EQ(json["runs"][0]["reached"]["carbon"], 0.625);
  EXPECT_TRUE(json["runs"][0]["reached"]["cost"].is_null());
}

TEST_F(Compare, JsonAndCsvHoldTheSameNumbers) {
  const Comparison c = compare_runs({run("two", 2), run("one", 1)});
  const auto json = nlohmann::json::parse(comparison_json(c));
  const auto& energy = json["runs"][0]["total"]["horizon"]["it_energy_j"];
  EXPECT_EQ(energy["base"].get<double>(), c.runs[0].total.find("horizon", "it_energy_j")->base);
  EXPECT_NEAR(energy["difference"].get<double>(), -6000, 1e-9);
  EXPECT_NEAR(energy["relative"].get<double>(), -1.0 / 6, 1e-12);
  EXPECT_TRUE(energy["difference_95"].is_null());
  EXPECT_TRUE(json["runs"][0]["total"]["horizon"]["cost"]["base"].is_null());
  const double base = energy["base"], other = energy["run"], relative = energy["relative"];
  EXPECT_THAT(comparison_csv(c),
              HasSubstr(fmt::format(",total,,horizon,it_energy_j,J,{},{},{},,,{},,\n", base, other,
                                    other - base, relative)));
  EXPECT_THAT(comparison_csv(c), HasSubstr(",total,,horizon,cost,money,,,,,,,,\n"));
}

}  // namespace
}  // namespace nightwatt
