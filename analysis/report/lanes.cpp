#include "analysis/report/lanes.hpp"

#include <algorithm>
#include <functional>
#include <iterator>
#include <limits>
#include <map>
#include <numeric>
#include <queue>
#include <tuple>

namespace nightwatt::report {
namespace {

/// Free lanes as spans that do not touch: from -> to.
class FreeLanes {
 public:
  LanePart take(std::uint64_t most) {
    const auto lowest = free_.begin();
    const auto [from, to] = *lowest;
    const std::uint64_t until = std::min(to, from + most);
    free_.erase(lowest);
    if (until < to) free_.emplace(until, to);
    return {0, from, until};
  }

  void give_back(std::uint64_t from, std::uint64_t to) {
    auto after = free_.lower_bound(from);
    if (after != free_.begin() && std::prev(after)->second == from) {
      from = std::prev(after)->first;
      after = free_.erase(std::prev(after));
    }
    if (after != free_.end() && after->first == to) {
      to = after->second;
      free_.erase(after);
    }
    free_.emplace(from, to);
  }

 private:
  std::map<std::uint64_t, std::uint64_t> free_{{0, std::numeric_limits<std::uint64_t>::max()}};
};

}  // namespace

std::vector<LanePart> pack_lanes(std::span<const LaneJob> jobs) {
  std::vector<std::uint32_t> order(jobs.size());
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
    return std::tuple(jobs[a].start_s, a) < std::tuple(jobs[b].start_s, b);
  });
  FreeLanes free;
  std::vector<LanePart> parts;
  using End = std::pair<double, std::uint32_t>;  // when, and which part
  std::priority_queue<End, std::vector<End>, std::greater<>> ends;
  for (const std::uint32_t job : order) {
    const LaneJob& each = jobs[job];
    if (each.gpu_milli == 0 || !(each.end_s > each.start_s)) continue;
    while (!ends.empty() && ends.top().first <= each.start_s) {
      const LanePart& ended = parts[ends.top().second];
      free.give_back(ended.from, ended.to);
      ends.pop();
    }
    for (std::uint64_t left = each.gpu_milli; left > 0;) {
      LanePart part = free.take(left);
      part.job = job;
      left -= part.to - part.from;
      ends.emplace(each.end_s, static_cast<std::uint32_t>(parts.size()));
      parts.push_back(part);
    }
  }
  return parts;
}

}  // namespace nightwatt::report
