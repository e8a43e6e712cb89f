// Mean waits against queueing theory. Source: Erlang 1917; formulas as in Gross and Harris,
// "Fundamentals of Queueing Theory" (M/M/c: Erlang C; M/D/1: Pollaczek-Khinchine).
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <vector>

#include "energy/random.hpp"
#include "sim/engine/simgrid_engine.hpp"
#include "tests/support/cluster.hpp"

namespace nightwatt {
namespace {

struct Interval {
  double mean = 0.0, half_width = 0.0;
};

/// Mean wait of one long run with its 99 % interval by batch means: 50 batches, the first one left
/// out because the system starts empty. Student's t for 48 degrees of freedom at 99 % is 2.682.
Interval mean_wait(std::uint32_t servers, double load,
                   const std::function<double(std::size_t)>& service_s) {
  constexpr std::size_t batches = 50, per_batch = 12000;
  test::Cluster c(servers, 1);
  const RandomStream arrivals(20, "arrivals");
  double t = 0.0;
  for (std::size_t i = 0; i < batches * per_batch; ++i) {
    t += arrivals.exponential(i) * 100.0 / (load * servers);  // mean service 100 s
    c.job(t, service_s(i), 1);
  }
  c.setup.period_end_s = t + 1.0;
  c.setup.bin_s = 86400.0;
  const auto engine = make_simgrid_engine();
  const RunResult r = c.run(*engine);
  std::vector<double> means(batches, 0.0);
  for (std::size_t i = 0; i < r.jobs.size(); ++i) {
    means[i / per_batch] += (r.jobs[i].start_s - c.workload.jobs[i].submit_s) / per_batch;
  }
  Interval out;
  for (std::size_t b = 1; b < batches; ++b) out.mean += means[b] / (batches - 1);
  double square = 0.0;
  for (std::size_t b = 1; b < batches; ++b) square += (means[b] - out.mean) * (means[b] - out.mean);
  out.half_width = 2.682 * std::sqrt(square / (batches - 2) / (batches - 1));
  return out;
}

/// Mean wait of M/M/c with mean service 1/mu.
double erlang_c_wait(int c, double load, double mu) {
  const double a = load * c;
  double term = 1.0, sum = 1.0;  // a^k / k!
  for (int k = 1; k < c; ++k) {
    term *= a / k;
    sum += term;
  }
  const double last = term * a / c / (1.0 - load);
  return last / (sum + last) / (c * mu * (1.0 - load));
}

class Queueing : public testing::TestWithParam<double> {};

TEST_P(Queueing, ErlangC) {
  const RandomStream service(20, "service");
  const Interval wait =
      mean_wait(8, GetParam(), [&](std::size_t i) { return 100.0 * service.exponential(i); });
  const double theory = erlang_c_wait(8, GetParam(), 0.01);
  RecordProperty("mean_wait_s", std::to_string(wait.mean));
  EXPECT_NEAR(wait.mean, theory, wait.half_width) << "theory " << theory;
  // The interval itself must be narrow enough to mean something.
  EXPECT_LT(wait.half_width, 0.15 * theory);
}

TEST_P(Queueing, OneServerWithConstantService) {
  const Interval wait = mean_wait(1, GetParam(), [](std::size_t) { return 100.0; });
  const double theory = GetParam() * 100.0 / (2.0 * (1.0 - GetParam()));
  EXPECT_NEAR(wait.mean, theory, wait.half_width) << "theory " << theory;
  EXPECT_LT(wait.half_width, 0.15 * theory);
}

INSTANTIATE_TEST_SUITE_P(Loads, Queueing, testing::Values(0.7, 0.9));

TEST(ErlangC, KnownValue) {
  // c = 1 is M/M/1: rho / (mu (1 - rho)).
  EXPECT_NEAR(erlang_c_wait(1, 0.5, 1.0), 1.0, 1e-12);
  // c = 2, a = 1: C = 1/3, wait = (1/3) / (2 (1 - 0.5)).
  EXPECT_NEAR(erlang_c_wait(2, 0.5, 1.0), 1.0 / 3.0, 1e-12);
}

}  // namespace
}  // namespace nightwatt
