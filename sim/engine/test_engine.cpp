#include "sim/engine/test_engine.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <stdexcept>
#include <tuple>
#include <vector>

namespace nightwatt {
namespace {

/// Flows as a fluid: at each event all rates anew, by progressive filling (Bertsekas and Gallager
/// 1992, Data Networks, 6.5.2).
class FluidNetwork final : public FlowNetwork {
 public:
  explicit FluidNetwork(const FlowGraph& graph) : graph_(graph) {}

  void start_flow(std::uint32_t from, std::uint32_t to, double bytes, std::uint64_t tag) override {
    flows_.push_back(
        {&graph_.routes[from * graph_.nodes + to], std::max(1.0, std::round(bytes)), 0.0, tag});
  }
  void start_delay(double seconds, std::uint64_t tag) override {
    delays_.emplace(now_s_ + seconds, tag);
  }
  [[nodiscard]] double now_s() const override { return now_s_; }

  void run(FlowSink& sink) override {
    while (!flows_.empty() || !delays_.empty()) {
      share_links();
      double step_s = std::numeric_limits<double>::infinity();
      if (!delays_.empty()) step_s = delays_.begin()->first - now_s_;
      for (const Flow& flow : flows_) step_s = std::min(step_s, flow.left / flow.rate);
      now_s_ += step_s;
      std::vector<std::uint64_t> done, over;
      std::erase_if(flows_, [&](Flow& flow) {
        flow.left -= flow.rate * step_s;
        // Half a byte is less than the rounding of sizes.
        if (flow.left > 0.5) return false;
        done.push_back(flow.tag);
        return true;
      });
      while (!delays_.empty() && delays_.begin()->first <= now_s_) {
        over.push_back(delays_.begin()->second);
        delays_.erase(delays_.begin());
      }
      for (const std::uint64_t tag : done) sink.flow_done(tag);
      for (const std::uint64_t tag : over) sink.delay_over(tag);
    }
    now_s_ = 0.0;
  }

 private:
  struct Flow {
    const std::vector<std::uint32_t>* route;
    double left, rate;
    std::uint64_t tag;
  };

  void share_links() {
    std::vector<double> free(2 * graph_.link_bytes_per_s.size());
    for (std::size_t i = 0; i < free.size(); ++i) free[i] = graph_.link_bytes_per_s[i / 2];
    std::vector<Flow*> open;
    for (Flow& flow : flows_) open.push_back(&flow);
    while (!open.empty()) {
      std::vector<int> users(free.size(), 0);
      for (const Flow* flow : open) {
        for (const std::uint32_t link : *flow->route) ++users[link];
      }
      // The flows of the link with the least for each of its flows have their rate.
      double least = std::numeric_limits<double>::infinity();
      std::size_t narrowest = 0;
      for (std::size_t i = 0; i < free.size(); ++i) {
        if (users[i] == 0 || free[i] / users[i] >= least) continue;
        least = free[i] / users[i];
        narrowest = i;
      }
      std::erase_if(open, [&](Flow* flow) {
        if (std::find(flow->route->begin(), flow->route->end(), narrowest) == flow->route->end())
          return false;
        flow->rate = least;
        for (const std::uint32_t link : *flow->route) free[link] -= least;
        return true;
      });
    }
  }

  const FlowGraph graph_;
  double now_s_ = 0.0;
  std::vector<Flow> flows_;
  std::multimap<double, std::uint64_t> delays_;
};

class TestEngine final : public EventEngine {
 public:
  [[nodiscard]] SimTime now() const override { return now_; }

  EventHandle start_work(double amount, double rate, std::uint64_t tag) override {
    if (!(amount >= 0.0)) throw std::invalid_argument("amount of work must be >= 0");
    check_rate(rate);
    return add({.is_work = true, .tag = tag, .left = amount, .rate = rate, .since = now_});
  }

  void set_rate(EventHandle work, double rate) override {
    check_rate(rate);
    static_cast<void>(find_work(work));
    Entry& entry = entries_[work];
    if (entry.rate == rate || is_due(entry)) return;
    entry.left = left_of(entry);
    entry.since = now_;
    entry.rate = rate;
    withdraw(work, entry);
    schedule(work, entry);
  }

  [[nodiscard]] double remaining(EventHandle work) const override {
    return left_of(find_work(work));
  }

  EventHandle wake_at(SimTime when, std::uint64_t tag) override {
    if (when < now_) throw std::invalid_argument("wake-up before the present instant");
    return add({.is_work = false, .tag = tag, .end = when});
  }

  void cancel(EventHandle event) override {
    withdraw(event, find(event));
    forget(event);
  }

  void run(EventSink& sink, SimTime until, const std::function<bool()>& stop) override {
    if (running_) throw std::logic_error("run called from inside run");
    struct Guard {
      bool& flag;
      explicit Guard(bool& f) : flag(f) { flag = true; }
      ~Guard() { flag = false; }
    } guard(running_);
    while (!agenda_.empty() && std::get<0>(*agenda_.begin()) <= until) {
      now_ = std::get<0>(*agenda_.begin());
      while (!agenda_.empty() && std::get<0>(*agenda_.begin()) == now_) deliver_round(sink);
      if (stop && stop()) return;
    }
    if (until != SimTime::max() && now_ < until) now_ = until;
  }

  std::unique_ptr<FlowNetwork> make_network(const FlowGraph& graph) override {
    if (running_) throw std::logic_error("make_network called from inside run");
    return std::make_unique<FluidNetwork>(graph);
  }

 private:
  /// Instant, round of the instant, wake-up, tag, handle.
  using Key = std::tuple<SimTime, int, bool, std::uint64_t, EventHandle>;

  struct Entry {
    bool is_work = false;
    std::uint64_t tag = 0;
    double left = 0.0;  ///< at `since`
    double rate = 0.0;
    SimTime since{};
    SimTime end = SimTime::max();
    int round = 0;
  };

  static void check_rate(double rate) {
    if (!(rate >= 0.0) || std::isinf(rate)) {
      throw std::invalid_argument("rate of work must be finite and >= 0");
    }
  }

  [[nodiscard]] const Entry& find(EventHandle handle) const {
    const auto it = entries_.find(handle);
    if (it == entries_.end()) throw std::invalid_argument("no such event is under way");
    return it->second;
  }

  [[nodiscard]] const Entry& find_work(EventHandle handle) const {
    const Entry& entry = find(handle);
    if (!entry.is_work) throw std::invalid_argument("the event is a wake-up, not work");
    return entry;
  }

  [[nodiscard]] bool is_due(const Entry& entry) const { return entry.end <= now_; }

  [[nodiscard]] double left_of(const Entry& entry) const {
    if (is_due(entry)) return 0.0;
    const double passed_s = static_cast<double>(now_.ns() - entry.since.ns()) * 1e-9;
    const double left = entry.left - entry.rate * passed_s;
    return left > 0.0 ? left : 0.0;
  }

  EventHandle add(Entry entry) {
    EventHandle handle = static_cast<EventHandle>(entries_.size() + 1);
    if (!unused_.empty()) {
      handle = unused_.back();
      unused_.pop_back();
    }
    schedule(handle, entries_.emplace(handle, entry).first->second);
    return handle;
  }

  void schedule(EventHandle handle, Entry& entry) {
    if (entry.is_work) {
      entry.end = SimTime::max();
      if (entry.left == 0.0) {
        entry.end = now_;
      } else if (entry.rate > 0.0) {
        const double span_ns = entry.left / entry.rate * 1e9;
        if (span_ns < static_cast<double>(SimTime::max().ns() - now_.ns())) {
          entry.end = SimTime::from_ns(now_.ns() + std::llround(span_ns));
        }
      }
    }
    entry.round = running_ && entry.end == now_ ? round_ + 1 : 0;
    if (entry.end != SimTime::max()) agenda_.insert(key(handle, entry));
  }

  void forget(EventHandle handle) {
    entries_.erase(handle);
    unused_.push_back(handle);
  }

  void withdraw(EventHandle handle, const Entry& entry) { agenda_.erase(key(handle, entry)); }

  static Key key(EventHandle handle, const Entry& entry) {
    return {entry.end, entry.round, !entry.is_work, entry.tag, handle};
  }

  void deliver_round(EventSink& sink) {
    round_ = std::get<1>(*agenda_.begin());
    while (!agenda_.empty()) {
      const auto [instant, round, is_wake_up, tag, handle] = *agenda_.begin();
      if (instant != now_ || round != round_) break;
      agenda_.erase(agenda_.begin());
      forget(handle);
      if (is_wake_up) {
        sink.woken(tag);
      } else {
        sink.work_done(tag);
      }
    }
    sink.instant_over();
  }

  SimTime now_{};
  int round_ = 0;
  bool running_ = false;
  std::map<EventHandle, Entry> entries_;
  std::vector<EventHandle> unused_;  ///< among 1 .. entries_.size() + unused_.size()
  std::set<Key> agenda_;
};

}  // namespace

std::unique_ptr<EventEngine> make_test_engine() { return std::make_unique<TestEngine>(); }

}  // namespace nightwatt
