#pragma once

#include <algorithm>
#include <cstdint>

#include "policies/decisions.hpp"

namespace nightwatt::placement {

/// Most pieces on one node when a request's pieces are spread as evenly as room allows; no limit
/// for policies that fill nodes.
inline constexpr std::uint32_t no_limit = 0xffffffffU;

inline bool holds(const Allocation& out, std::uint32_t node) {
  return std::any_of(out.begin(), out.end(), [node](const Piece& p) { return p.node == node; });
}

/// Lays a request of whole units over nodes in the order in which `visit(least_units, f)` offers
/// them. `visit` calls f(node) for different nodes with at least `least_units` free, best first,
/// until f returns false.
template <class Visit>
void fill(const Request& request, const NodeIndex& nodes, std::uint32_t most_on_one, Visit&& visit,
          Allocation& out) {
  if (request.kind == Request::Kind::nodes) {
    const bool short_last = request.last < request.units;
    const std::uint32_t whole = request.count - (short_last ? 1 : 0);
    if (whole > 0) {
      visit(request.units, [&](std::uint32_t node) {
        out.push_back({node, request.units, 0, 0, 0});
        return out.size() < whole;
      });
    }
    if (short_last) {
      visit(request.last, [&](std::uint32_t node) {
        if (holds(out, node)) return true;
        out.push_back({node, request.last, 0, 0, 0});
        return false;
      });
    }
    return;
  }
  const std::uint32_t each = request.kind == Request::Kind::any ? 1 : request.units;
  std::uint32_t left = request.kind == Request::Kind::any ? request.units : request.count;
  visit(each, [&](std::uint32_t node) {
    const std::uint32_t pieces = std::min({left, most_on_one, nodes.free(node) / each});
    out.push_back({node, pieces * each, 0, 0, 0});
    left -= pieces;
    return left > 0;
  });
}

/// Offers nodes to `f`, the fullest first, by number among equals.
template <class F>
void visit_fullest(const NodeIndex& nodes, std::uint32_t least, F&& f) {
  for (std::uint32_t level = least; level <= nodes.units_per_node(); ++level) {
    for (std::uint32_t node = nodes.first_at(level); node != TreeBitset::none;
         node = nodes.first_at(level, node + 1)) {
      if (!f(node)) return;
    }
  }
}

/// The smallest number of pieces on one node with which all of them find room.
inline std::uint32_t even_share(const Request& request, const NodeIndex& nodes) {
  const std::uint32_t each = request.kind == Request::Kind::any ? 1 : request.units;
  const std::uint32_t pieces = request.kind == Request::Kind::any ? request.units : request.count;
  for (std::uint32_t most = 1;; ++most) {
    std::uint64_t room = 0;
    for (std::uint32_t level = each; level <= nodes.units_per_node(); ++level) {
      room += std::uint64_t{nodes.capacity().nodes_at(level)} * std::min(most, level / each);
    }
    if (room >= pieces || most >= nodes.units_per_node()) return most;
  }
}

/// Lays the shares of a request over GPUs: on the shared GPU with the least (or the most) free
/// that suffices; a whole GPU is opened when there is none, or first of all if `open_first`.
/// `visit_one` offers nodes with a free whole GPU, best first.
template <class Visit>
void fill_shares(const Request& request, const NodeIndex& nodes, bool open_first, bool most_free,
                 Visit&& visit, Allocation& out) {
  const std::uint32_t per_node = nodes.units_per_node();
  std::uint32_t left = request.count;
  const auto shared = [&] {
    const auto use = [&](const std::pair<std::uint16_t, std::uint32_t>& gpu) {
      for (std::uint32_t room = gpu.first / request.milli; room > 0 && left > 0; --room, --left) {
        out.push_back({gpu.second / per_node, 0, request.milli, gpu.second % per_node, 0});
      }
    };
    const auto& gpus = nodes.shared();
    if (most_free) {
      for (auto it = gpus.rbegin(); it != gpus.rend() && left > 0 && it->first >= request.milli;
           ++it)
        use(*it);
    } else {
      for (auto it = gpus.lower_bound({static_cast<std::uint16_t>(request.milli), 0});
           it != gpus.end() && left > 0; ++it)
        use(*it);
    }
  };
  const auto open = [&] {
    if (left == 0) return;
    visit(1U, [&](std::uint32_t node) {
      for (std::uint32_t gpu = 0; gpu < per_node && left > 0; ++gpu) {
        if (nodes.free_milli(node * per_node + gpu) != 1000) continue;
        for (std::uint32_t room = open_first ? 1 : 1000 / request.milli; room > 0 && left > 0;
             --room, --left) {
          out.push_back({node, 0, request.milli, gpu, 0});
        }
      }
      return left > 0;
    });
  };
  if (open_first) open();
  shared();
  if (!open_first) {
    open();
  } else if (left > 0) {
    // One share on each whole GPU was not enough: fill the opened ones up.
    const Allocation opened = out;
    for (const Piece& piece : opened) {
      if (nodes.free_milli(piece.node * per_node + piece.gpu) != 1000) continue;
      for (std::uint32_t room = 1000 / request.milli - 1; room > 0 && left > 0; --room, --left)
        out.push_back(piece);
    }
  }
}

}  // namespace nightwatt::placement
