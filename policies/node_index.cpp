#include "policies/node_index.hpp"

#include <algorithm>
#include <bit>
#include <stdexcept>
#include <string>

namespace nightwatt {

Capacity::Capacity(std::uint32_t nodes, std::uint32_t units_per_node, bool shares)
    : at_level_(units_per_node + 1, 0),
      shares_at_(shares ? 1001 : 0, 0),
      free_units_(std::uint64_t{nodes} * units_per_node) {
  at_level_[units_per_node] = nodes;
  if (nodes > 0) levels_ = bit_of(units_per_node);
}

bool Capacity::any_node_has(std::uint32_t least) const {
  if (least < 64 && levels_ >> least != 0) return true;
  for (std::size_t level = std::max<std::size_t>(least, 64); level < at_level_.size(); ++level) {
    if (at_level_[level] != 0) return true;
  }
  return false;
}

std::uint32_t Capacity::highest_level() const {
  auto level = static_cast<std::uint32_t>(at_level_.size());
  while (level > 1 && at_level_[level - 1] == 0) --level;
  return level - 1;
}

void Capacity::move_share(std::uint32_t from_milli, std::uint32_t to_milli) {
  if (from_milli > 0 && from_milli < 1000) {
    --shares_at_[from_milli];
    free_share_milli_ -= from_milli;
  }
  if (to_milli > 0 && to_milli < 1000) {
    ++shares_at_[to_milli];
    free_share_milli_ += to_milli;
  }
}

bool Capacity::fits(const Request& request) const {
  const auto levels = static_cast<std::uint32_t>(at_level_.size());
  switch (request.kind) {
    case Request::Kind::nodes: {
      if (request.units == 0) return true;
      if (request.units >= levels) return false;
      if (request.count == 1) return any_node_has(request.last);
      std::uint32_t full = 0;
      for (std::uint32_t level = request.units; level < levels; ++level) full += at_level_[level];
      if (full >= request.count) return true;
      if (full + 1 < request.count) return false;
      for (std::uint32_t level = request.last; level < request.units; ++level) {
        if (at_level_[level] != 0) return true;
      }
      return false;
    }
    case Request::Kind::pieces: {
      if (request.units == 0) return true;
      std::uint64_t pieces = 0;
      for (std::uint32_t level = request.units; level < levels; ++level) {
        pieces += std::uint64_t{at_level_[level]} * (level / request.units);
      }
      return pieces >= request.count;
    }
    case Request::Kind::any:
      return free_units_ >= request.units;
    case Request::Kind::shares: {
      std::uint64_t pieces = free_units_ * (1000 / request.milli);
      for (std::uint32_t milli = 999; milli >= request.milli && pieces < request.count; --milli) {
        if (!shares_at_.empty())
          pieces += std::uint64_t{shares_at_[milli]} * (milli / request.milli);
      }
      return pieces >= request.count;
    }
  }
  return false;
}

NodeIndex::NodeIndex(std::uint32_t nodes, std::uint32_t units_per_node, bool shares,
                     const Topology* topology)
    : capacity_(nodes, units_per_node, shares),
      free_(nodes, static_cast<std::uint16_t>(units_per_node)),
      levels_(units_per_node + 1, TreeBitset(nodes)),
      topology_(topology) {
  for (std::uint32_t node = 0; node < nodes; ++node) levels_[units_per_node].insert(node);
  if (units_per_node <= 64) {
    free_mask_.assign(
        nodes, units_per_node == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << units_per_node) - 1);
  }
  if (shares) free_milli_.assign(std::size_t{nodes} * units_per_node, 1000);
  if (topology_ != nullptr) {
    group_free_.assign(topology_->groups(), 0);
    group_levels_.assign(std::size_t{topology_->groups()} * (units_per_node + 1), 0);
    for (std::uint32_t node = 0; node < nodes; ++node) {
      const std::uint32_t group = topology_->group_of(node);
      group_free_[group] += units_per_node;
      ++group_levels_[group * (units_per_node + 1) + units_per_node];
    }
  }
}

void NodeIndex::set_level(std::uint32_t node, std::uint32_t level) {
  const std::uint32_t old = free_[node];
  levels_[old].erase(node);
  levels_[level].insert(node);
  capacity_.move_node(old, level);
  free_[node] = static_cast<std::uint16_t>(level);
  if (topology_ != nullptr) {
    const std::uint32_t group = topology_->group_of(node);
    group_free_[group] = group_free_[group] + level - old;
    --group_levels_[group * (units_per_node() + 1) + old];
    ++group_levels_[group * (units_per_node() + 1) + level];
  }
}

void NodeIndex::put_to_sleep(std::uint32_t node) {
  if (free_[node] != units_per_node() || asleep(node))
    throw std::logic_error("only an empty node that is awake goes to sleep");
  if (sleeping_ == 0) asleep_ = TreeBitset(nodes());
  levels_[units_per_node()].erase(node);
  asleep_.insert(node);
  ++sleeping_;
}

void NodeIndex::wake(std::uint32_t node) {
  if (!asleep(node)) throw std::logic_error("a node that is awake was woken");
  asleep_.erase(node);
  levels_[units_per_node()].insert(node);
  --sleeping_;
}

std::uint64_t NodeIndex::choose_gpus(std::uint32_t node, std::uint32_t units) const {
  std::uint64_t free = free_mask_[node];
  const std::uint32_t island = topology_ == nullptr ? 0 : topology_->gpus_per_island();
  if (island > 0 && island < units_per_node()) {
    // The island with the fewest free GPUs that suffices keeps the others whole.
    std::uint64_t best = 0;
    int best_free = 65;
    const std::uint64_t one = island == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << island) - 1;
    for (std::uint32_t start = 0; start < units_per_node(); start += island) {
      const std::uint64_t in_island = free & (one << start);
      const int count = std::popcount(in_island);
      if (count >= static_cast<int>(units) && count < best_free) {
        best = in_island;
        best_free = count;
      }
    }
    if (best != 0) free = best;
  }
  std::uint64_t mask = 0;
  for (std::uint32_t i = 0; i < units; ++i) {
    const std::uint64_t lowest = free & (~free + 1);
    mask |= lowest;
    free ^= lowest;
  }
  return mask;
}

void NodeIndex::take_share(Piece& piece) {
  const std::uint32_t number = piece.node * units_per_node() + piece.gpu;
  const std::uint32_t free = free_milli_.at(number);
  if (free < piece.milli)
    throw std::logic_error("placement overbooked GPU " + std::to_string(number));
  if (free == 1000) {
    const std::uint64_t bit = std::uint64_t{1} << piece.gpu;
    if ((free_mask_[piece.node] & bit) == 0)
      throw std::logic_error("placement shares a GPU that a job holds whole");
    free_mask_[piece.node] ^= bit;
    set_level(piece.node, free_[piece.node] - 1U);
  } else {
    shared_.erase({static_cast<std::uint16_t>(free), number});
  }
  const std::uint32_t left = free - piece.milli;
  capacity_.move_share(free, left);
  free_milli_[number] = static_cast<std::uint16_t>(left);
  if (left > 0) shared_.insert({static_cast<std::uint16_t>(left), number});
  piece.mask = std::uint64_t{1} << piece.gpu;
}

void NodeIndex::give_share(const Piece& piece) {
  const std::uint32_t number = piece.node * units_per_node() + piece.gpu;
  const std::uint32_t free = free_milli_[number];
  const std::uint32_t left = free + piece.milli;
  if (free > 0) shared_.erase({static_cast<std::uint16_t>(free), number});
  capacity_.move_share(free, left);
  free_milli_[number] = static_cast<std::uint16_t>(left);
  if (left == 1000) {
    free_mask_[piece.node] |= std::uint64_t{1} << piece.gpu;
    set_level(piece.node, free_[piece.node] + 1U);
  } else {
    shared_.insert({static_cast<std::uint16_t>(left), number});
  }
}

void NodeIndex::take(Allocation& pieces) {
  for (Piece& piece : pieces) {
    if (piece.units == 0) {
      take_share(piece);
      continue;
    }
    if (piece.node >= nodes() || free_[piece.node] < piece.units) {
      throw std::logic_error("placement overbooked node " + std::to_string(piece.node));
    }
    if (!free_mask_.empty()) {
      piece.mask = choose_gpus(piece.node, piece.units);
      free_mask_[piece.node] ^= piece.mask;
      if (!free_milli_.empty()) {
        for (std::uint64_t rest = piece.mask; rest != 0; rest &= rest - 1) {
          free_milli_[piece.node * units_per_node() +
                      static_cast<std::uint32_t>(std::countr_zero(rest))] = 0;
        }
      }
    }
    set_level(piece.node, free_[piece.node] - piece.units);
  }
}

bool NodeIndex::can_take(const Allocation& pieces) const {
  return std::all_of(pieces.begin(), pieces.end(),
                     [this](const Piece& p) { return free_[p.node] >= p.units; });
}

void NodeIndex::give(const Allocation& pieces) {
  for (const Piece& piece : pieces) {
    if (piece.units == 0) {
      give_share(piece);
      continue;
    }
    if (!free_mask_.empty()) {
      free_mask_[piece.node] |= piece.mask;
      if (!free_milli_.empty()) {
        for (std::uint64_t rest = piece.mask; rest != 0; rest &= rest - 1) {
          free_milli_[piece.node * units_per_node() +
                      static_cast<std::uint32_t>(std::countr_zero(rest))] = 1000;
        }
      }
    }
    set_level(piece.node, free_[piece.node] + piece.units);
  }
}

NodePlan::NodePlan(const NodeIndex& nodes)
    : nodes_(nodes), node_epoch_(nodes.nodes(), 0), node_free_(nodes.nodes(), 0) {}

void NodePlan::restart() {
  capacity_ = nodes_.capacity();
  ++epoch_;
}

std::int32_t& NodePlan::node_free(std::uint32_t node) {
  if (node_epoch_[node] != epoch_) {
    node_epoch_[node] = epoch_;
    node_free_[node] = static_cast<std::int32_t>(nodes_.free(node));
  }
  return node_free_[node];
}

std::int32_t& NodePlan::gpu_free(std::uint32_t number) {
  if (gpu_epoch_.empty()) {
    gpu_epoch_.assign(std::size_t{nodes_.nodes()} * nodes_.units_per_node(), 0);
    gpu_free_.assign(gpu_epoch_.size(), 0);
  }
  if (gpu_epoch_[number] != epoch_) {
    gpu_epoch_[number] = epoch_;
    gpu_free_[number] = static_cast<std::int32_t>(nodes_.free_milli(number));
  }
  return gpu_free_[number];
}

void NodePlan::remember(const Allocation& pieces) {
  for (const Piece& piece : pieces) {
    node_free(piece.node);
    if (piece.units == 0) gpu_free(piece.node * nodes_.units_per_node() + piece.gpu);
  }
}

void NodePlan::apply(const Allocation& pieces, bool take) {
  for (const Piece& piece : pieces) {
    auto change = static_cast<std::int32_t>(piece.units);
    if (piece.units == 0) {
      std::int32_t& share = gpu_free(piece.node * nodes_.units_per_node() + piece.gpu);
      const auto milli = static_cast<std::int32_t>(piece.milli);
      const std::int32_t before = share;
      share += take ? -milli : milli;
      capacity_.move_share(static_cast<std::uint32_t>(before), static_cast<std::uint32_t>(share));
      change = (before == 1000 || share == 1000) ? 1 : 0;
    }
    std::int32_t& free = node_free(piece.node);
    const std::int32_t level = take ? free - change : free + change;
    capacity_.move_node(static_cast<std::uint32_t>(free), static_cast<std::uint32_t>(level));
    free = level;
  }
}

}  // namespace nightwatt
