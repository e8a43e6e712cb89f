#include "policies/waiting_queue.hpp"

#include <algorithm>
#include <cmath>

namespace nightwatt {
namespace {

constexpr float absent = std::numeric_limits<float>::infinity();

/// Bounds must never lose a job to rounding: estimates are rounded down, limits up.
float floor_seconds(SimTime t) { return std::nextafter(static_cast<float>(t.seconds()), -absent); }
float ceil_seconds(SimTime t) { return std::nextafter(static_cast<float>(t.seconds()), absent); }

/// Any fixed scrambling of the number does: it makes the treap's shape the same in every run.
std::uint32_t scramble(std::uint32_t x) {
  x ^= x >> 16;
  x *= 0x7feb352dU;
  x ^= x >> 15;
  x *= 0x846ca68bU;
  return x ^ (x >> 16);
}

}  // namespace

SizeClasses::SizeClasses(const std::map<Request, std::uint64_t>& jobs_by_request) {
  std::vector<std::pair<Request, std::uint64_t>> sorted(jobs_by_request.begin(),
                                                        jobs_by_request.end());
  std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) {
    return std::pair(a.first.total_milli(), a.first) < std::pair(b.first.total_milli(), b.first);
  });
  std::uint64_t left = 0;
  for (const auto& [request, jobs] : sorted) {
    left += jobs;
    all_split_freely_ = all_split_freely_ && request.splits_freely();
  }
  std::size_t next = 0;
  while (next < sorted.size()) {
    Class c{sorted[next].first.total_milli(), sorted[next].first, true};
    std::uint64_t jobs = sorted[next].second;
    const std::size_t classes_left = max_classes - classes_.size();
    std::size_t requests_left = sorted.size() - next;
    ++next;
    --requests_left;
    // Fill the class up to an even share of the jobs that are left.
    const std::uint64_t share = left / classes_left;
    while (requests_left > classes_left - 1 &&
           (classes_left == 1 || jobs + sorted[next].second <= share || requests_left == 0)) {
      c.exact = false;
      jobs += sorted[next].second;
      ++next;
      --requests_left;
      if (next == sorted.size()) break;
    }
    left -= jobs;
    classes_.push_back(c);
  }
  if (classes_.empty()) classes_.push_back({});
}

std::uint8_t SizeClasses::of(const Request& request) const {
  const auto key = std::pair(request.total_milli(), request);
  const auto it = std::upper_bound(
      classes_.begin(), classes_.end(), key,
      [](const auto& k, const Class& c) { return k < std::pair(c.least_milli, c.request); });
  return it == classes_.begin() ? 0 : static_cast<std::uint8_t>(it - classes_.begin() - 1);
}

WaitingQueue::WaitingQueue() : nodes_(1), entries_(1), above_(1) {
  nodes_[0].least_estimate.fill(absent);
}

void WaitingQueue::update(Handle h) {
  Node& node = nodes_[h];
  const Node& left = nodes_[node.left];
  const Node& right = nodes_[node.right];
  // Not in place: four at once only where the compiler sees that they do not overlap.
  std::array<float, SizeClasses::max_classes> least;
  for (std::size_t c = 0; c < SizeClasses::max_classes; ++c) {
    least[c] = std::min(left.least_estimate[c], right.least_estimate[c]);
  }
  least[node.size_class] = std::min(least[node.size_class], node.own_estimate);
  node.least_estimate = least;
}

void WaitingQueue::split(Handle tree, double key, JobIndex job, Handle& less, Handle& rest) {
  if (tree == none) {
    less = rest = none;
  } else if (before(tree, key, job)) {
    less = tree;
    split(nodes_[tree].right, key, job, nodes_[tree].right, rest);
    above_[nodes_[tree].right] = tree;
    update(tree);
  } else {
    rest = tree;
    split(nodes_[tree].left, key, job, less, nodes_[tree].left);
    above_[nodes_[tree].left] = tree;
    update(tree);
  }
}

WaitingQueue::Handle WaitingQueue::merge(Handle a, Handle b) {
  if (a == none) return b;
  if (b == none) return a;
  if (nodes_[a].priority >= nodes_[b].priority) {
    nodes_[a].right = merge(nodes_[a].right, b);
    above_[nodes_[a].right] = a;
    update(a);
    return a;
  }
  nodes_[b].left = merge(a, nodes_[b].left);
  above_[nodes_[b].left] = b;
  update(b);
  return b;
}

WaitingQueue::Handle WaitingQueue::insert_at(Handle tree, Handle fresh) {
  if (tree == none || nodes_[fresh].priority > nodes_[tree].priority) {
    split(tree, entries_[fresh].key, entries_[fresh].job, nodes_[fresh].left, nodes_[fresh].right);
    above_[nodes_[fresh].left] = above_[nodes_[fresh].right] = fresh;
    update(fresh);
    return fresh;
  }
  if (before(tree, entries_[fresh].key, entries_[fresh].job)) {
    nodes_[tree].right = insert_at(nodes_[tree].right, fresh);
    above_[nodes_[tree].right] = tree;
  } else {
    nodes_[tree].left = insert_at(nodes_[tree].left, fresh);
    above_[nodes_[tree].left] = tree;
  }
  // Only the new job can lower a bound on the way up.
  float& least = nodes_[tree].least_estimate[nodes_[fresh].size_class];
  least = std::min(least, nodes_[fresh].own_estimate);
  return tree;
}

WaitingQueue::Handle WaitingQueue::insert(const Waiting& entry) {
  Handle h;
  if (unused_.empty()) {
    h = static_cast<Handle>(nodes_.size());
    nodes_.emplace_back();
    entries_.emplace_back();
    above_.emplace_back();
  } else {
    h = unused_.back();
    unused_.pop_back();
    nodes_[h] = Node{};
  }
  entries_[h] = entry;
  nodes_[h].key = entry.key;
  nodes_[h].job = entry.job;
  nodes_[h].priority = scramble(entry.job + 1);
  nodes_[h].own_estimate = floor_seconds(entry.estimate);
  nodes_[h].size_class = entry.size_class;
  root_ = insert_at(root_, h);
  above_[root_] = none;
  if (first_ == none || before(h, nodes_[first_].key, nodes_[first_].job)) first_ = h;
  ++size_;
  return h;
}

void WaitingQueue::erase(Handle handle) {
  const Node& gone = nodes_[handle];
  const Handle joined = merge(gone.left, gone.right);
  Handle h = above_[handle];
  above_[joined] = h;
  if (h == none) {
    root_ = joined;
  } else {
    (nodes_[h].left == handle ? nodes_[h].left : nodes_[h].right) = joined;
  }
  // Only bounds that were the job's own can rise on the way up, and few are.
  const std::size_t c = gone.size_class;
  for (; h != none && nodes_[h].least_estimate[c] == gone.own_estimate; h = above_[h]) {
    Node& node = nodes_[h];
    float least =
        std::min(nodes_[node.left].least_estimate[c], nodes_[node.right].least_estimate[c]);
    if (node.size_class == c) least = std::min(least, node.own_estimate);
    node.least_estimate[c] = least;
  }
  if (first_ == handle) first_ = leftmost();
  unused_.push_back(handle);
  --size_;
}

void WaitingQueue::rebuild(std::vector<Handle>& all) {
  std::sort(all.begin(), all.end(),
            [this](Handle a, Handle b) { return before(a, entries_[b].key, entries_[b].job); });
  root_ = none;
  for (Handle h : all) {
    nodes_[h].left = nodes_[h].right = none;
    update(h);
    root_ = merge(root_, h);
  }
  above_[root_] = none;
  first_ = leftmost();
}

WaitingQueue::Handle WaitingQueue::leftmost() const {
  Handle h = root_;
  while (h != none && nodes_[h].left != none) h = nodes_[h].left;
  return h;
}

bool WaitingQueue::may_hold(Handle tree, const Limits& limits) const {
  const auto& least = nodes_[tree].least_estimate;
  int found = 0;
  for (std::size_t c = 0; c < SizeClasses::max_classes; ++c)
    found |= static_cast<int>(least[c] <= limits[c]);
  return found != 0;
}

bool WaitingQueue::passes(Handle h, const Filter& filter) const {
  const Waiting& e = entries_[h];
  const std::uint32_t bit = 1U << e.size_class;
  return (filter.any_length & bit) != 0 ||
         ((filter.short_only & bit) != 0 && e.estimate <= filter.longest);
}

WaitingQueue::Handle WaitingQueue::find(Handle tree, double key, JobIndex job, bool bounded,
                                        const Limits& limits, const Filter& filter) const {
  while (tree != none) {
    if (!may_hold(tree, limits)) return none;
    const Node& n = nodes_[tree];
    const bool behind = !bounded || key < n.key || (key == n.key && job < n.job);
    if (behind) {
      if (const Handle h = find(nodes_[tree].left, key, job, bounded, limits, filter); h != none)
        return h;
      if (passes(tree, filter)) return tree;
      bounded = false;  // all that is to the right lies behind too
    }
    tree = nodes_[tree].right;
  }
  return none;
}

WaitingQueue::Handle WaitingQueue::next(double after_key, JobIndex after_job,
                                        const Filter& filter) const {
  Limits limits;
  const float longest = ceil_seconds(filter.longest);
  for (std::size_t c = 0; c < SizeClasses::max_classes; ++c) {
    const std::uint32_t bit = 1U << c;
    limits[c] = (filter.any_length & bit) != 0   ? std::numeric_limits<float>::max()
                : (filter.short_only & bit) != 0 ? longest
                                                 : -absent;
  }
  return find(root_, after_key, after_job, true, limits, filter);
}

WaitingQueue::Handle WaitingQueue::next(double after_key, JobIndex after_job) const {
  return next(after_key, after_job, Filter{~0U, 0, {}});
}

}  // namespace nightwatt
