#pragma once

#include <cstdint>
#include <vector>

namespace nightwatt {

/// A fabric as flows see it. Each link is two one-way links, number 2 i in the direction in which
/// link i is given and 2 i + 1 against it: full duplex.
struct FlowGraph {
  std::uint32_t nodes = 0;
  std::vector<double> link_bytes_per_s;  ///< a direction
  /// By from * nodes + to: one-way links from the first to the last; empty for the same node.
  std::vector<std::vector<std::uint32_t>> routes;
};

/// Receives what a network reports.
class FlowSink {
 public:
  virtual ~FlowSink() = default;
  virtual void flow_done(std::uint64_t tag) = 0;
  virtual void delay_over(std::uint64_t tag) = 0;
};

/// Flows that share links: the rates are max-min fair between flows, and nothing but the links
/// bounds them (no start-up, no window, no share lost to acknowledgements). It has a clock of its
/// own: while it runs, that of the engine stands still. One network of a process at a time may have
/// something under way.
class FlowNetwork {
 public:
  virtual ~FlowNetwork() = default;
  /// @param bytes  rounded to whole ones, at least 1
  /// @pre the nodes differ
  virtual void start_flow(std::uint32_t from, std::uint32_t to, double bytes,
                          std::uint64_t tag) = 0;
  virtual void start_delay(double seconds, std::uint64_t tag) = 0;
  /// Seconds since `run` began.
  [[nodiscard]] virtual double now_s() const = 0;
  /// Reports to the sink, which may start more, until nothing is under way.
  virtual void run(FlowSink& sink) = 0;
};

}  // namespace nightwatt
