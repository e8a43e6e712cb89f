#include "analysis/statement.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "sim/timeline/timeline.hpp"
#include "tests/support/cluster.hpp"
#include "tests/unit/timeline/sample_result.hpp"

namespace nightwatt {
namespace {

using test::Cluster;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

/// A day of hourly bins: nothing but 1 kW from 12 h to 14 h.
HourlyGrid noon() {
  HourlyGrid grid;
  grid.bin_s = 3600;
  grid.power_w.assign(24, 0.0);
  grid.power_w[12] = grid.power_w[13] = 1000.0;
  grid.excess.assign(24, 0.4);
  grid.carbon_g_per_kwh.assign(24, 500.0);
  grid.price_per_kwh.assign(24, unknown);
  return grid;
}

TEST(Shifted, ByHand) {
  HourlyGrid grid = noon();
  grid.excess[20] = grid.excess[21] = 0.2;  // the cool evening
  grid.carbon_g_per_kwh[20] = 100.0;        // with an hour of wind
  const auto change = shifted(grid, 8, 0.0);
  ASSERT_TRUE(change);
  // 2 kWh at PUE 1.2 instead of 1.4; 1.2 kWh at 100 and 1.2 at 500 instead of 2.8 kWh at 500.
  EXPECT_NEAR(change->facility_j, (2.4 - 2.8) * 3.6e6, 1e-3);
  EXPECT_NEAR(change->carbon_g, 1.2 * 100 + 1.2 * 500 - 2.8 * 500, 1e-9);
  EXPECT_TRUE(std::isnan(change->cost));
  // With half of what is beyond IT fixed: PUE 1.1 instead of 1.2 for what follows IT.
  const auto half = shifted(grid, 8, 0.5);
  EXPECT_NEAR(half->facility_j, (2.2 - 2.4) * 3.6e6, 1e-3);
  EXPECT_NEAR(half->carbon_g, 1.1 * 100 + 1.1 * 500 - 2.4 * 500, 1e-9);
}

TEST(Shifted, OverMidnightToTheSameDay) {
  HourlyGrid grid = noon();
  grid.carbon_g_per_kwh[1] = 0.0;
  EXPECT_NEAR(shifted(grid, 13, 0.0)->carbon_g, -1.4 * 500, 1e-9);  // 12 h goes to 1 h
}

TEST(Shifted, NotAtAllChangesNothing) {
  const auto change = shifted(noon(), 0, 0.0);
  EXPECT_EQ(change->facility_j, 0.0);
  EXPECT_EQ(change->carbon_g, 0.0);
}

TEST(Shifted, DaysThatAreCutStay) {
  HourlyGrid grid = noon();
  grid.power_w.resize(20);
  EXPECT_EQ(shifted(grid, 5, 0.0)->facility_j, 0.0);
}

TEST(Shifted, BinsThatMakeUpNoHours) {
  HourlyGrid grid = noon();
  grid.bin_s = 2500;
  EXPECT_FALSE(shifted(grid, 1, 0.0));
  grid.bin_s = 7200;
  EXPECT_FALSE(shifted(grid, 1, 0.0));
}

/// A day on two GPUs (50 W idle, 250 W busy), PUE 1.5, 1,000 g/kWh but 0 from 6 h to 7 h. Anna's
/// job runs from 0 h to 1 h on both, Bert's from 2 h to 3 h on one.
class StatementOf : public testing::Test {
 protected:
  StatementOf() {
    Cluster c(1, 2);
    std::vector<double> carbon(24, 1000.0);
    carbon[6] = 0.0;
    c.signals(StepSeries::constant(1.5), test::steps(3600, carbon), StepSeries::constant(unknown));
    c.job(0, 3600, 2).user = c.workload.users.intern("anna");
    c.job(7200, 3600, 1).user = c.workload.users.intern("bert_1");
    RunResult result = c.run();
    result.title = "by hand";
    result.scenario_yaml = "sites:\n  - {name: here, carbon: {file: grid.csv, column: direct}}\n";
    result.scenario_sha256 = std::string(64, 'a');
    file_ = folder_.path() / "run.h5";
    write_timeline(result, file_);
  }
  static std::string fact(const Statement& statement, const std::string& what) {
    for (const auto& [name, how] : statement.facts) {
      if (name == what) return how;
    }
    return "missing";
  }

  sample::TemporaryFolder folder_;
  std::filesystem::path file_;
};

TEST_F(StatementOf, TheWholeRun) {
  const Statement s = make_statement(file_);
  EXPECT_EQ(fact(s, "jobs"), "2");
  EXPECT_EQ(fact(s, "GPU-hours held"), "3 (here, gpu)");
  EXPECT_EQ(fact(s, "IT energy of the jobs"), "750 Wh");
  EXPECT_EQ(fact(s, "mean power of a GPU held"), "250 W");
  EXPECT_EQ(fact(s, "IT energy of the data centre"), "3 kWh");  // 100 W x 24 h + 200 W x 3 h
  EXPECT_EQ(fact(s, "facility energy of the data centre"), "4.5 kWh");
  EXPECT_EQ(fact(s, "PUE (facility over IT energy)"), "1.5");
  EXPECT_EQ(fact(s, "carbon of the data centre"), "4.35 kg CO2e");  // 100 W in the clean hour
  EXPECT_EQ(fact(s, "place"), "here (UTC); carbon intensity: grid.csv, direct");
  // Least: Anna's 400 W move into the clean hour, six hours later.
  ASSERT_EQ(s.savings.size(), 2U);
  EXPECT_THAT(s.savings[0].choice, HasSubstr("everything 6 h later"));
  EXPECT_EQ(s.savings[0].rows[1].what, "carbon");
  EXPECT_EQ(s.savings[0].rows[1].at_share_0, "-600 g (-13.8 %)");
  EXPECT_EQ(s.savings[0].rows[1].at_share_half, "-500 g (-11.5 %)");
  EXPECT_EQ(s.savings[0].rows[0].at_share_0, "no change");  // the PUE is the same at all hours
  EXPECT_EQ(s.savings[0].rows[2].at_share_0, "n/a");
  EXPECT_THAT(s.savings[1].choice, HasSubstr("Most carbon of all hours of the day: as it was"));
}

TEST_F(StatementOf, OneUser) {
  const Statement s = make_statement(file_, {"bert_1", "", ""});
  EXPECT_EQ(fact(s, "jobs"), "1 (user bert_1)");
  EXPECT_EQ(fact(s, "IT energy of the jobs"), "250 Wh");
  EXPECT_EQ(fact(s, "time"), "1970-01-01 02:00:00 UTC to 1970-01-01 03:00:00 UTC");
  // A third of what idles: (3 kWh - 750 Wh) / 3.
  EXPECT_EQ(fact(s, "IT energy with its share of idle and fixed draw"), "1 kWh");
  EXPECT_THAT(s.savings.at(0).choice, HasSubstr("everything 4 h later"));
  // Of its 250 W the GPU would have drawn 50 W anyway.
  EXPECT_THAT(s.savings[0].rows[1].at_share_0, testing::StartsWith("-300 g ("));
  EXPECT_THAT(statement_markdown(s), AllOf(HasSubstr("bert\\_1"), Not(HasSubstr("nan"))));
  EXPECT_THAT(statement_latex(s), AllOf(HasSubstr("bert\\_1"), HasSubstr("\\%")));
}

TEST_F(StatementOf, NobodyOfThatName) {
  try {
    (void)make_statement(file_, {"ana", "", ""});
    ADD_FAILURE() << "no error";
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(), HasSubstr("--user: no job matches 'ana'; did you mean 'anna'?"));
  }
  EXPECT_THROW((void)make_statement(file_, {"", "", "3"}), InputError);
}

}  // namespace
}  // namespace nightwatt
