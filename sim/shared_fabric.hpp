#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "sim/engine/event_engine.hpp"
#include "sim/ring_steps.hpp"

namespace nightwatt {

/// The jobs that exchange data over one fabric, and how long their steps take beside each other:
/// `fidelity: flows`. Steps are not simulated one by one. When a job comes or goes, some steps of
/// the jobs that it meets on a link are, and these go on at what was measured until the next
/// change.
class SharedFabric {
 public:
  /// Above it a run would take long; the scenario's check says so.
  static constexpr std::uint32_t most_nodes = 64;

  /// @pre the engine is not running
  SharedFabric(const Fabric& fabric, EventEngine& engine);

  /// A job begins, or goes on with other figures.
  void enter(std::uint32_t job, RingJob ring);
  /// Does nothing for a job that is not there.
  void leave(std::uint32_t job);

  struct Change {
    std::uint32_t job;
    double step_s;   ///< from now on
    double alone_s;  ///< with the fabric to itself
  };
  /// Those whose figures or whose company changed since the last call, in order of the jobs.
  std::vector<Change> renew();

 private:
  struct Member {
    RingJob ring;
    /// One-way links that its messages take, with the most that they would take of each.
    std::vector<std::pair<std::uint32_t, double>> links;
    double alone_s = 0.0;
    std::vector<std::uint32_t> company;  ///< itself included, when it was last measured
  };
  /// Jobs that can slow each other, each set in order, by its first.
  [[nodiscard]] std::map<std::uint32_t, std::vector<std::uint32_t>> groups() const;

  const FlowGraph graph_;
  const std::unique_ptr<FlowNetwork> network_;
  std::map<std::uint32_t, Member> members_;
  bool changed_ = false;
};

}  // namespace nightwatt
