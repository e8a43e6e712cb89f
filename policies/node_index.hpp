#pragma once

#include <cstdint>
#include <set>
#include <utility>
#include <vector>

#include "policies/bitset.hpp"
#include "policies/request.hpp"
#include "policies/topology.hpp"

namespace nightwatt {

/// A part of a job's placement: whole units of one node, or a share of one GPU.
struct Piece {
  std::uint32_t node = 0;
  std::uint32_t units = 0;  ///< whole units; 0 = a share
  std::uint32_t milli = 0;  ///< share of one GPU, 1/1000
  std::uint32_t gpu = 0;    ///< of the node, for a share
  std::uint64_t mask = 0;   ///< which GPUs of the node, where it has at most 64
};
using Allocation = std::vector<Piece>;

/// How much room there is, by how the free units lie. Enough to say whether a request fits.
class Capacity {
 public:
  Capacity() = default;
  Capacity(std::uint32_t nodes, std::uint32_t units_per_node, bool shares);

  [[nodiscard]] bool fits(const Request& request) const;
  /// Free whole units.
  [[nodiscard]] std::uint64_t free_units() const { return free_units_; }
  /// Free units and the free parts of shared GPUs, in 1/1000.
  [[nodiscard]] std::uint64_t free_milli() const { return 1000 * free_units_ + free_share_milli_; }
  /// Nodes with exactly `level` free units.
  [[nodiscard]] std::uint32_t nodes_at(std::uint32_t level) const { return at_level_[level]; }
  /// The largest number of free units on one node.
  [[nodiscard]] std::uint32_t highest_level() const;
  [[nodiscard]] std::uint32_t units_per_node() const {
    return static_cast<std::uint32_t>(at_level_.size()) - 1;
  }

  void move_node(std::uint32_t from_level, std::uint32_t to_level) {
    if (--at_level_[from_level] == 0) levels_ &= ~bit_of(from_level);
    ++at_level_[to_level];
    levels_ |= bit_of(to_level);
    free_units_ = free_units_ + to_level - from_level;
  }
  /// A shared GPU's free part changes; 0 and 1000 mean that it is not a shared GPU with room.
  void move_share(std::uint32_t from_milli, std::uint32_t to_milli);

 private:
  [[nodiscard]] static std::uint64_t bit_of(std::uint32_t level) {
    return level < 64 ? std::uint64_t{1} << level : 0;
  }
  /// Whether some node has at least `least` free units.
  [[nodiscard]] bool any_node_has(std::uint32_t least) const;

  std::vector<std::uint32_t> at_level_;
  std::uint64_t levels_ = 0;  ///< which levels below 64 some node has
  std::vector<std::uint32_t>
      shares_at_;  ///< shared GPUs by free 1/1000; empty if the partition has none
  std::uint64_t free_units_ = 0;
  std::uint64_t free_share_milli_ = 0;
};

/// The nodes of a partition, indexed by free units. Taking, giving back and finding the next node
/// cost the same whatever the number of nodes.
class NodeIndex {
 public:
  /// @param shares  whether jobs may share a GPU here (costs two bytes a GPU)
  /// @param topology  outlives the index; null = flat
  NodeIndex(std::uint32_t nodes, std::uint32_t units_per_node, bool shares,
            const Topology* topology);

  [[nodiscard]] std::uint32_t nodes() const { return static_cast<std::uint32_t>(free_.size()); }
  [[nodiscard]] std::uint32_t units_per_node() const { return capacity_.units_per_node(); }
  [[nodiscard]] const Capacity& capacity() const { return capacity_; }
  [[nodiscard]] std::uint32_t free(std::uint32_t node) const { return free_[node]; }
  /// The first node >= from with exactly `level` free units, or TreeBitset::none. Sleeping nodes
  /// come behind all that are awake: to visit all, ask from the node behind the last answer.
  [[nodiscard]] std::uint32_t first_at(std::uint32_t level, std::uint32_t from = 0) const {
    if (capacity_.nodes_at(level) == 0) return TreeBitset::none;
    if (sleeping_ == 0 || level < units_per_node()) return levels_[level].first(from);
    if (from > 0 && asleep(from - 1)) return asleep_.first(from);
    const std::uint32_t node = levels_[level].first(from);
    return node != TreeBitset::none ? node : asleep_.first();
  }
  /// An empty node may sleep; it still counts as free, and must be woken before it is taken.
  void put_to_sleep(std::uint32_t node);
  void wake(std::uint32_t node);
  [[nodiscard]] bool asleep(std::uint32_t node) const {
    return sleeping_ > 0 && asleep_.contains(node);
  }
  [[nodiscard]] std::uint32_t awake_and_empty() const {
    return capacity_.nodes_at(units_per_node()) - sleeping_;
  }
  /// Shared GPUs with room, by (free 1/1000, GPU number = node * units_per_node + gpu).
  [[nodiscard]] const std::set<std::pair<std::uint16_t, std::uint32_t>>& shared() const {
    return shared_;
  }
  /// Free 1/1000 of one GPU: 1000 whole and free, less if shared. Only where shares are allowed.
  [[nodiscard]] std::uint32_t free_milli(std::uint32_t gpu_number) const {
    return free_milli_[gpu_number];
  }
  [[nodiscard]] const Topology* topology() const { return topology_; }
  /// Free units behind a leaf switch, where there is a topology.
  [[nodiscard]] std::uint32_t free_in_group(std::uint32_t group) const {
    return group_free_[group];
  }
  /// Nodes behind a leaf switch with exactly `level` free units.
  [[nodiscard]] std::uint32_t group_nodes_at(std::uint32_t group, std::uint32_t level) const {
    return group_levels_[group * (units_per_node() + 1) + level];
  }

  /// Takes the pieces and fills in which GPUs they got (whole islands first, then low numbers).
  /// @throws std::logic_error if a piece does not fit: a policy overbooked.
  void take(Allocation& pieces);
  void give(const Allocation& pieces);
  /// Whether all pieces of whole units are free.
  [[nodiscard]] bool can_take(const Allocation& pieces) const;

 private:
  void set_level(std::uint32_t node, std::uint32_t level);
  void take_share(Piece& piece);
  void give_share(const Piece& piece);
  [[nodiscard]] std::uint64_t choose_gpus(std::uint32_t node, std::uint32_t units) const;

  Capacity capacity_;
  std::vector<std::uint16_t> free_;        ///< by node
  std::vector<TreeBitset> levels_;         ///< nodes by free units
  std::vector<std::uint64_t> free_mask_;   ///< by node, where a node has at most 64 units
  std::vector<std::uint16_t> free_milli_;  ///< by GPU number, where shares are allowed
  std::set<std::pair<std::uint16_t, std::uint32_t>> shared_;
  const Topology* topology_;
  std::vector<std::uint32_t> group_free_, group_levels_;
  TreeBitset asleep_;  ///< made when the first node goes to sleep
  std::uint32_t sleeping_ = 0;
};

/// A plan over a NodeIndex: what would be free if some jobs ended and others started. Stores only
/// what differs; starting a new plan costs the levels of one node, not the number of nodes.
class NodePlan {
 public:
  explicit NodePlan(const NodeIndex& nodes);
  /// Forgets all changes and takes the index as it is now.
  void restart();
  [[nodiscard]] const Capacity& capacity() const { return capacity_; }
  void take(const Allocation& pieces) { apply(pieces, true); }
  void give(const Allocation& pieces) { apply(pieces, false); }
  /// To be called before the index itself takes these pieces while the plan is in use: keeps the
  /// nodes' free units as they were when the plan was started.
  void remember(const Allocation& pieces);

 private:
  void apply(const Allocation& pieces, bool take);
  std::int32_t& node_free(std::uint32_t node);
  std::int32_t& gpu_free(std::uint32_t number);

  const NodeIndex& nodes_;
  Capacity capacity_;
  std::uint32_t epoch_ = 0;
  std::vector<std::uint32_t> node_epoch_, gpu_epoch_;
  std::vector<std::int32_t> node_free_;
  std::vector<std::int32_t> gpu_free_;
};

}  // namespace nightwatt
