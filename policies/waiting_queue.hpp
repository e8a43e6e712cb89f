#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <map>
#include <vector>

#include "energy/quantity.hpp"
#include "policies/request.hpp"

namespace nightwatt {

using JobIndex = std::uint32_t;  ///< into Workload::jobs, which is in order of (submit, id)

/// Requests of a partition in at most 16 classes of like size, so that "the next waiting job that
/// might fit" can be asked for several sizes at once. With 16 different requests or fewer, each
/// has a class of its own.
class SizeClasses {
 public:
  static constexpr std::size_t max_classes = 16;

  /// @param jobs_by_request  the requests that may come, with how many jobs make them
  explicit SizeClasses(const std::map<Request, std::uint64_t>& jobs_by_request);
  [[nodiscard]] std::uint8_t of(const Request& request) const;
  /// True if all jobs of the class make the same request.
  [[nodiscard]] bool exact(std::uint8_t size_class) const { return classes_[size_class].exact; }
  [[nodiscard]] std::size_t size() const { return classes_.size(); }
  /// True if for every request that may come only the number of free units matters.
  [[nodiscard]] bool all_split_freely() const { return all_split_freely_; }
  /// The least total of the class, in 1/1000 unit.
  [[nodiscard]] std::uint64_t least_milli(std::uint8_t size_class) const {
    return classes_[size_class].least_milli;
  }
  /// The request itself, where the class is exact.
  [[nodiscard]] const Request& request(std::uint8_t size_class) const {
    return classes_[size_class].request;
  }

 private:
  struct Class {
    std::uint64_t least_milli = 0;
    Request request;  ///< the smallest of the class
    bool exact = true;
  };
  std::vector<Class> classes_;
  bool all_split_freely_ = true;
};

/// One waiting job.
struct Waiting {
  JobIndex job = 0;
  double key = 0.0;  ///< of the order policy; less is earlier
  SimTime estimate;  ///< of its run time here, on the wall clock
  Request request;
  std::uint8_t size_class = 0;
};

/// The waiting jobs of a partition in queue order: (key, submit time, id). A treap whose nodes
/// know the least estimate of each size class below them, so that insert, erase and `next` with
/// bounds on size and estimate are O(log n) whatever the length of the queue.
class WaitingQueue {
 public:
  using Handle = std::uint32_t;
  static constexpr Handle none = 0;

  /// Which jobs `next` looks for: those of a class in `any_length`, and those of a class in
  /// `short_only` whose estimate is at most `longest`.
  struct Filter {
    std::uint32_t any_length = 0;
    std::uint32_t short_only = 0;
    SimTime longest;
  };

  WaitingQueue();
  Handle insert(const Waiting& entry);
  void erase(Handle handle);
  [[nodiscard]] const Waiting& operator[](Handle handle) const { return entries_[handle]; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] Handle first() const { return first_; }
  /// The first job behind `after` (in queue order; it need not be in the queue any more) that
  /// passes the filter, or none. The filter is exact.
  [[nodiscard]] Handle next(double after_key, JobIndex after_job, const Filter& filter) const;
  [[nodiscard]] Handle next(double after_key, JobIndex after_job) const;
  /// Calls f(handle) for all, in queue order.
  template <class F>
  void for_each(F&& f) const {
    walk(root_, f);
  }
  /// Gives every job the key that `key_of(entry)` returns and puts the queue in order. O(n log n).
  /// Handles stay valid.
  template <class KeyOf>
  void rekey(KeyOf&& key_of) {
    std::vector<Handle> all;
    all.reserve(size_);
    for_each([&](Handle h) { all.push_back(h); });
    for (Handle h : all) nodes_[h].key = entries_[h].key = key_of(entries_[h]);
    rebuild(all);
  }

 private:
  struct Node {
    std::array<float, SizeClasses::max_classes>
        least_estimate;  ///< seconds, rounded down; of the subtree
    // What a way down the tree looks at lies together.
    double key = 0.0;
    JobIndex job = 0;
    Handle left = none, right = none;
    std::uint32_t priority = 0;
    float own_estimate = 0.0F;  ///< seconds, rounded down
    std::uint8_t size_class = 0;
  };
  [[nodiscard]] bool before(Handle a, double key, JobIndex job) const {
    const Node& n = nodes_[a];
    return n.key < key || (n.key == key && n.job < job);
  }
  void update(Handle h);
  [[nodiscard]] Handle leftmost() const;
  void split(Handle tree, double key, JobIndex job, Handle& less, Handle& rest);
  Handle merge(Handle a, Handle b);
  Handle insert_at(Handle tree, Handle fresh);
  void rebuild(std::vector<Handle>& all);
  using Limits = std::array<float, SizeClasses::max_classes>;
  [[nodiscard]] bool may_hold(Handle tree, const Limits& limits) const;
  [[nodiscard]] bool passes(Handle h, const Filter& filter) const;
  Handle find(Handle tree, double key, JobIndex job, bool bounded, const Limits& limits,
              const Filter& filter) const;
  template <class F>
  void walk(Handle tree, F& f) const {
    if (tree == none) return;
    walk(nodes_[tree].left, f);
    f(tree);
    walk(nodes_[tree].right, f);
  }

  std::vector<Node> nodes_;
  std::vector<Waiting> entries_;
  std::vector<Handle> unused_;
  std::vector<Handle> above_;  ///< by handle: its parent in the tree
  Handle root_ = none, first_ = none;
  std::size_t size_ = 0;
};

}  // namespace nightwatt
