#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "energy/quantity.hpp"
#include "sim/engine/flow_network.hpp"

namespace nightwatt {

/// A piece of work or a wake-up that is under way. 0 is none. Handles are used again after their
/// event has fired or was cancelled.
using EventHandle = std::uint32_t;

/// Receives what the engine reports. At one instant all completions come first, in the order of
/// their tags, then all wake-ups, in the order of their tags, then `instant_over` once. Work and
/// wake-ups that are added for the present instant from inside these calls are delivered in a
/// further round of the same instant (completions, wake-ups, `instant_over`).
class EventSink {
 public:
  virtual ~EventSink() = default;
  virtual void work_done(std::uint64_t tag) = 0;
  virtual void woken(std::uint64_t tag) = 0;
  virtual void instant_over() = 0;
};

/// The simulation's clock and its pending events. Times are whole nanoseconds; an event's instant
/// is rounded once, when it is set, so equal inputs meet at equal instants. The clock starts at 0.
///
/// - Tags of one kind that meet at one instant should differ; equal ones come in an order that is
///   the same in every run, but not promised.
/// - Work whose instant has come but that was not reported yet is done: changing its rate has no
///   effect, only `cancel` takes it out. Zero amounts are done at once, at any rate.
/// - Work that is held still, or whose end lies beyond SimTime::max(), and a wake-up at
///   SimTime::max() never come; `run` does not wait for them.
/// - A sink may throw: the exception leaves `run`, the event that it was about is gone, the others
///   are kept, and `run` may be called again.
///
/// All functions throw std::invalid_argument for a handle that is not under way, an amount or rate
/// that is negative or not a number (an infinite amount never ends; an infinite rate is refused),
/// and an instant before now.
class EventEngine {
 public:
  virtual ~EventEngine() = default;

  /// The instant that is being delivered, or the one at which `run` ended.
  [[nodiscard]] virtual SimTime now() const = 0;
  /// Starts `amount` (reference seconds, >= 0) of work at `rate` (reference seconds per second,
  /// >= 0; 0 holds it still). `work_done(tag)` is called when it is used up.
  virtual EventHandle start_work(double amount, double rate, std::uint64_t tag) = 0;
  /// Changes the rate from now on; what was done so far stays done. O(log n). The rate that it has
  /// already changes nothing, not even by rounding.
  virtual void set_rate(EventHandle work, double rate) = 0;
  /// What is left of it now, in reference seconds.
  [[nodiscard]] virtual double remaining(EventHandle work) const = 0;
  /// Calls `woken(tag)` at `when` (not before now).
  virtual EventHandle wake_at(SimTime when, std::uint64_t tag) = 0;
  /// Takes it out; it will not be reported.
  virtual void cancel(EventHandle event) = 0;
  /// Runs until nothing is pending, `stop` returns true (asked once an instant, after its last
  /// `instant_over`) or the next event lies beyond `until`; the clock then stands at the last
  /// instant (or at `until`, if given and not stopped before). Events at `until` are delivered; an
  /// `until` before now does nothing. @throws std::logic_error when called from inside itself.
  virtual void run(EventSink& sink, SimTime until = SimTime::max(),
                   const std::function<bool()>& stop = {}) = 0;
  /// A network for flows, which may run at any time, also from inside a sink. Not for longer than
  /// the engine lives. @throws std::logic_error when called from inside `run`.
  virtual std::unique_ptr<FlowNetwork> make_network(const FlowGraph& graph) = 0;
};

}  // namespace nightwatt
