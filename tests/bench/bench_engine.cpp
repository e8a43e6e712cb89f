// Events a second of both engines against the number of pending events.
//
// SimGrid's engine spends about 0.2 us an instant in SimGrid's own loop, whatever is pending; the
// rest is our heap. `jobs` are an arrival (a wake-up that sets the next one) and a completion each.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <memory>
#include <random>
#include <vector>

#include "sim/engine/simgrid_engine.hpp"
#include "sim/engine/test_engine.hpp"

namespace nightwatt {
namespace {

struct SimGridKind {
  static std::unique_ptr<EventEngine> make() { return make_simgrid_engine(); }
};
struct TestKind {
  static std::unique_ptr<EventEngine> make() { return make_test_engine(); }
};

/// Run times drawn beforehand, so that the generator is not what is measured. Log-normal with a
/// median of 1,200 s and sigma 1.3, as in the workload of docs/performance.md.
std::vector<double> run_times() {
  std::mt19937_64 random(1);
  std::lognormal_distribution<double> draw(7.09, 1.3);
  std::vector<double> times(1 << 16);
  for (double& time : times) time = draw(random);
  return times;
}

/// Keeps `pending` pieces of work under way: each that ends starts another.
class Hold final : public EventSink {
 public:
  Hold(EventEngine& engine, std::int64_t pending) : engine_(engine) {
    for (std::int64_t i = 0; i < pending; ++i) start();
  }
  void work_done(std::uint64_t) override {
    ++events;
    start();
  }
  void woken(std::uint64_t) override {}
  void instant_over() override {}

  std::int64_t events = 0;

 private:
  void start() {
    engine_.start_work(times_[next_ % times_.size()], 1.0, next_);
    ++next_;
  }
  EventEngine& engine_;
  std::vector<double> times_ = run_times();
  std::uint64_t next_ = 0;
};

template <class Kind>
void completions(benchmark::State& state) {
  const auto engine = Kind::make();
  Hold sink(*engine, state.range(0));
  for (auto _ : state) {
    std::int64_t goal = sink.events + 100'000;
    engine->run(sink, SimTime::max(), [&] { return sink.events >= goal; });
  }
  state.SetItemsProcessed(sink.events);
}

/// Jobs that arrive one at a time, as many as keep about `pending` running.
class Jobs final : public EventSink {
 public:
  Jobs(EventEngine& engine, std::int64_t pending)
      : engine_(engine),
        gap_ns_(static_cast<long long>(2793.0 * 1e9 / static_cast<double>(pending))) {
    for (std::int64_t i = 0; i < pending; ++i) engine_.start_work(times_[next()], 1.0, 0);
    engine_.wake_at(SimTime::from_ns(1), 0);
  }
  void work_done(std::uint64_t) override { ++ended; }
  void woken(std::uint64_t tag) override {
    engine_.start_work(times_[next()], 1.0, tag);
    engine_.wake_at(SimTime::from_ns(engine_.now().ns() + gap_ns_), tag + 1);
  }
  void instant_over() override {}

  std::int64_t ended = 0;

 private:
  std::size_t next() { return next_++ % times_.size(); }
  EventEngine& engine_;
  long long gap_ns_;  ///< mean run time over `pending`
  std::vector<double> times_ = run_times();
  std::size_t next_ = 0;
};

template <class Kind>
void jobs(benchmark::State& state) {
  const auto engine = Kind::make();
  Jobs sink(*engine, state.range(0));
  for (auto _ : state) {
    const std::int64_t goal = sink.ended + 100'000;
    engine->run(sink, SimTime::max(), [&] { return sink.ended >= goal; });
  }
  state.SetItemsProcessed(sink.ended);
}

template <class Kind>
void set_rate(benchmark::State& state) {
  const auto engine = Kind::make();
  const std::vector<double> times = run_times();
  std::vector<EventHandle> works;
  for (std::int64_t i = 0; i < state.range(0); ++i) {
    const auto tag = static_cast<std::uint64_t>(i);
    works.push_back(engine->start_work(times[tag % times.size()], 1.0, tag));
  }
  std::mt19937_64 random(2);
  double rate = 1.0;
  for (auto _ : state) {
    const std::uint64_t draw = random();
    rate = 0.3 + 0.7 * static_cast<double>(draw >> 40) / 16777216.0;
    engine->set_rate(works[draw % works.size()], rate);
  }
  state.SetItemsProcessed(state.iterations());
}

/// All wake-ups are set before the run, in a shuffled order.
template <class Kind>
void set_in_advance(benchmark::State& state) {
  struct Count final : EventSink {
    void work_done(std::uint64_t) override {}
    void woken(std::uint64_t) override { ++woken_; }
    void instant_over() override {}
    std::int64_t woken_ = 0;
  } sink;
  for (auto _ : state) {
    const auto engine = Kind::make();
    std::mt19937_64 random(3);
    for (std::int64_t i = 0; i < state.range(0); ++i) {
      engine->wake_at(SimTime::from_ns(static_cast<long long>(random() % (1ULL << 50))),
                      static_cast<std::uint64_t>(i));
    }
    engine->run(sink);
  }
  state.SetItemsProcessed(sink.woken_);
}

constexpr std::int64_t k = 1024;

BENCHMARK(completions<SimGridKind>)->Arg(k)->Arg(16 * k)->Arg(128 * k)->Arg(k* k);
BENCHMARK(completions<TestKind>)->Arg(k)->Arg(16 * k)->Arg(128 * k)->Arg(k* k);
BENCHMARK(jobs<SimGridKind>)->Arg(k)->Arg(16 * k)->Arg(128 * k)->Arg(k* k);
BENCHMARK(jobs<TestKind>)->Arg(k)->Arg(16 * k)->Arg(128 * k);
BENCHMARK(set_rate<SimGridKind>)->Arg(k)->Arg(16 * k)->Arg(128 * k)->Arg(k* k);
BENCHMARK(set_rate<TestKind>)->Arg(k)->Arg(16 * k)->Arg(128 * k)->Arg(k* k);
BENCHMARK(set_in_advance<SimGridKind>)
    ->Arg(1'000'000)
    ->Arg(10'000'000)
    ->Unit(benchmark::kSecond)
    ->Iterations(1);

}  // namespace
}  // namespace nightwatt
