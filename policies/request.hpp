#pragma once

#include <algorithm>
#include <compare>
#include <cstdint>

#include "traces/job.hpp"

namespace nightwatt {

/// What a job asks of a partition, in units (GPUs, or cores where the partition counts cores).
struct Request {
  enum class Kind : std::uint8_t {
    nodes,   ///< `count` different nodes with `units` each; the last one may hold `last`
    pieces,  ///< `count` pieces of `units` each; pieces may share a node
    any,     ///< `units` wherever they are free
    shares,  ///< `count` pieces of `milli` thousandths of one GPU each
  };
  Kind kind = Kind::nodes;
  std::uint32_t count = 1;
  std::uint32_t units = 0;
  std::uint32_t last = 0;   ///< nodes: of the last node, 1..units
  std::uint32_t milli = 0;  ///< shares: 1..999

  /// In all, in 1/1000 unit.
  [[nodiscard]] std::uint64_t total_milli() const {
    switch (kind) {
      case Kind::nodes:
        return 1000ULL * (std::uint64_t{count - 1} * units + last);
      case Kind::pieces:
        return 1000ULL * count * units;
      case Kind::any:
        return 1000ULL * units;
      case Kind::shares:
        return std::uint64_t{count} * milli;
    }
    return 0;
  }
  /// True if only the number of free units matters, not on which nodes they are.
  [[nodiscard]] bool splits_freely() const {
    switch (kind) {
      case Kind::nodes:
        return count == 1 && last <= 1;
      case Kind::pieces:
        return units <= 1;
      case Kind::any:
      case Kind::shares:
        return true;
    }
    return false;
  }
  friend auto operator<=>(const Request&, const Request&) = default;

  /// How a job's demand is laid over nodes of `per_node` units. Where the trace has only a total:
  /// as few nodes as hold it, the last one perhaps not filled (`any` = wherever there is room).
  /// A job with neither GPUs nor cores has total_milli() == 0.
  static Request of(const Job& job, std::uint32_t per_node, bool cores, bool any);
};

inline Request Request::of(const Job& job, std::uint32_t per_node, bool cores, bool any) {
  const std::uint64_t milli = cores ? std::uint64_t{job.cores} * 1000 : job.gpu_milli;
  const std::uint32_t pieces = std::max(1U, job.pieces);
  Request r;
  if (milli == 0) {
    r.count = 1;
    return r;
  }
  if (!cores && milli % (1000ULL * pieces) != 0 && milli / pieces < 1000) {
    return {Kind::shares, pieces, 0, 0, static_cast<std::uint32_t>(milli / pieces)};
  }
  const auto total = static_cast<std::uint32_t>((milli + 999) / 1000);
  if (any) return {Kind::any, 1, total, total, 0};
  if (pieces > 1 && !cores) {
    const std::uint32_t each = (total + pieces - 1) / pieces;
    return {Kind::pieces, pieces, each, each, 0};
  }
  const std::uint32_t fewest = (total + per_node - 1) / per_node;
  const std::uint32_t count = std::max(fewest, std::min(job.nodes, total));
  const std::uint32_t units =
      job.nodes == 0 ? std::min(total, per_node) : (total + count - 1) / count;
  // Rounding up may leave nothing for the last nodes: 9 units on 4 nodes are 3 x 3.
  const std::uint32_t used = (total + units - 1) / units;
  return {Kind::nodes, used, units, total - (used - 1) * units, 0};
}

}  // namespace nightwatt
