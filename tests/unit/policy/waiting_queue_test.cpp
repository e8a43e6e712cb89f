#include "policies/waiting_queue.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <vector>

namespace nightwatt {
namespace {

Request gpus(std::uint32_t n) { return {Request::Kind::nodes, 1, n, n, 0}; }

Waiting entry(JobIndex job, double key, double estimate_s, std::uint8_t size_class) {
  return {job, key, SimTime::from_seconds(estimate_s), gpus(size_class + 1U), size_class};
}

TEST(SizeClasses, SayWhetherOnlyCountsMatter) {
  const Request any{Request::Kind::any, 1, 5, 5, 0}, share{Request::Kind::shares, 2, 0, 0, 300};
  EXPECT_TRUE(SizeClasses({{any, 1}, {share, 1}, {gpus(1), 1}}).all_split_freely());
  EXPECT_FALSE(SizeClasses({{any, 1}, {gpus(2), 1}}).all_split_freely());
  EXPECT_FALSE(SizeClasses({{{Request::Kind::pieces, 2, 2, 2, 0}, 1}}).all_split_freely());
}

TEST(WaitingQueue, StandsInOrderOfKeyThenJob) {
  WaitingQueue q;
  q.insert(entry(3, 1.0, 10, 0));
  q.insert(entry(1, 2.0, 10, 0));
  q.insert(entry(0, 1.0, 10, 0));
  std::vector<JobIndex> order;
  q.for_each([&](WaitingQueue::Handle h) { order.push_back(q[h].job); });
  EXPECT_EQ(order, (std::vector<JobIndex>{0, 3, 1}));
  EXPECT_EQ(q[q.first()].job, 0u);
}

TEST(WaitingQueue, NextWithBounds) {
  WaitingQueue q;
  q.insert(entry(0, 0, 100, 3));
  q.insert(entry(1, 0, 50, 0));
  q.insert(entry(2, 0, 10, 3));
  q.insert(entry(3, 0, 10, 0));
  // Class 0 of any length: job 1. Class 3 only up to 20 s: job 2.
  const WaitingQueue::Filter any0{1U << 0, 0, {}};
  EXPECT_EQ(q[q.next(0, 0, any0)].job, 1u);
  const WaitingQueue::Filter short_ones{0, (1U << 0) | (1U << 3), SimTime::from_seconds(20)};
  EXPECT_EQ(q[q.next(0, 0, short_ones)].job, 2u);
  EXPECT_EQ(q[q.next(0, 2, short_ones)].job, 3u);
  EXPECT_EQ(q.next(0, 3, short_ones), WaitingQueue::none);
}

TEST(WaitingQueue, RekeyKeepsHandles) {
  WaitingQueue q;
  const auto a = q.insert(entry(0, 0, 1, 0));
  const auto b = q.insert(entry(1, 1, 1, 0));
  q.rekey([](const Waiting& w) { return -w.key; });
  EXPECT_EQ(q.first(), b);
  q.erase(b);
  EXPECT_EQ(q.first(), a);
}

RC_GTEST_PROP(WaitingQueue, AgreesWithASortedList, ()) {
  WaitingQueue q;
  std::vector<std::pair<Waiting, WaitingQueue::Handle>> list;
  const auto before = [](const auto& a, const auto& b) {
    return std::pair(a.first.key, a.first.job) < std::pair(b.first.key, b.first.job);
  };
  const auto steps = *rc::gen::inRange(1, 200);
  JobIndex next_job = 0;
  for (int i = 0; i < steps; ++i) {
    const int what = *rc::gen::inRange(0, 10);
    if (what < 6 || list.empty()) {
      const Waiting w = entry(next_job++, *rc::gen::inRange(0, 8), *rc::gen::inRange(0, 50),
                              *rc::gen::inRange<std::uint8_t>(0, 16));
      list.emplace_back(w, q.insert(w));
      std::sort(list.begin(), list.end(), before);
    } else if (what < 8) {
      const auto at = *rc::gen::inRange<std::size_t>(0, list.size());
      q.erase(list[at].second);
      list.erase(list.begin() + static_cast<std::ptrdiff_t>(at));
    } else {
      const WaitingQueue::Filter f{*rc::gen::inRange(0U, 65536U), *rc::gen::inRange(0U, 65536U),
                                   SimTime::from_seconds(*rc::gen::inRange(0, 50))};
      const double key = *rc::gen::inRange(-1, 9);
      const JobIndex job = *rc::gen::inRange(0U, next_job + 1);
      WaitingQueue::Handle expected = WaitingQueue::none;
      for (const auto& [w, h] : list) {
        const std::uint32_t bit = 1U << w.size_class;
        const bool ok =
            (f.any_length & bit) != 0 || ((f.short_only & bit) != 0 && w.estimate <= f.longest);
        if (std::pair(w.key, w.job) > std::pair(key, job) && ok) {
          expected = h;
          break;
        }
      }
      RC_ASSERT(q.next(key, job, f) == expected);
    }
    RC_ASSERT(q.size() == list.size());
    RC_ASSERT(q.first() == (list.empty() ? WaitingQueue::none : list.front().second));
  }
}

TEST(SizeClasses, UpToSixteenRequestsHaveAClassEach) {
  std::map<Request, std::uint64_t> jobs;
  for (std::uint32_t n = 1; n <= 16; ++n) jobs[gpus(n)] = n == 1 ? 1000000 : 1;
  const SizeClasses classes(jobs);
  EXPECT_EQ(classes.size(), 16u);
  for (std::uint32_t n = 1; n <= 16; ++n) {
    EXPECT_TRUE(classes.exact(classes.of(gpus(n))));
    EXPECT_EQ(classes.request(classes.of(gpus(n))), gpus(n));
  }
}

TEST(SizeClasses, MoreRequestsShareClassesInOrderOfSize) {
  std::map<Request, std::uint64_t> jobs;
  for (std::uint32_t n = 1; n <= 300; ++n) jobs[gpus(n)] = 1 + n % 7;
  const SizeClasses classes(jobs);
  EXPECT_EQ(classes.size(), SizeClasses::max_classes);
  std::uint8_t last = 0;
  for (std::uint32_t n = 1; n <= 300; ++n) {
    const std::uint8_t c = classes.of(gpus(n));
    EXPECT_GE(c, last);
    EXPECT_LE(classes.least_milli(c), gpus(n).total_milli());
    last = c;
  }
}

}  // namespace
}  // namespace nightwatt
