#include "sim/engine/event_heap.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace nightwatt {
namespace {

using Event = EventHeap::Event;

TEST(EventHeap, WhatFollowsTheFirstTakesItsPlace) {
  EventHeap heap;
  for (const std::uint32_t slot : {0U, 1U, 2U, 3U, 4U, 5U})
    heap.put({.instant_ns = 10 * slot, .tag = slot, .order = 0, .slot = slot});
  heap.remove_first();
  EXPECT_EQ(heap.size(), 5U);
  EXPECT_FALSE(heap.contains(0));
  heap.put({.instant_ns = 25, .tag = 0, .order = 0, .slot = 0});
  std::vector<std::int64_t> instants;
  for (; !heap.empty(); heap.remove_first()) instants.push_back(heap.first().instant_ns);
  EXPECT_EQ(instants, (std::vector<std::int64_t>{10, 20, 25, 30, 40, 50}));
}

/// Against a list that is searched whole, with every operation while the top is open, too.
TEST(EventHeap, RandomOperationsEqualASearch) {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    EventHeap heap;
    std::vector<Event> all;
    const auto of_slot = [&](std::uint32_t slot) {
      return std::find_if(all.begin(), all.end(), [&](const Event& e) { return e.slot == slot; });
    };
    for (int step = 0; step < 300; ++step) {
      const auto slot = static_cast<std::uint32_t>(random() % 40);
      const auto known = of_slot(slot);
      ASSERT_EQ(heap.contains(slot), known != all.end());
      switch (random() % 4) {
        case 0:
        case 1: {
          // Few instants, so that rounds and tags decide as well.
          const Event event = {.instant_ns = static_cast<std::int64_t>(random() % 20),
                               .tag = random() % 5,
                               .order = static_cast<std::uint32_t>(random() % 3),
                               .slot = slot};
          heap.put(event);
          if (known != all.end()) all.erase(known);
          all.push_back(event);
          break;
        }
        case 2:
          if (known == all.end()) break;
          heap.remove(slot);
          all.erase(known);
          break;
        case 3:
          if (all.empty()) break;
          heap.remove_first();
          all.erase(std::min_element(all.begin(), all.end()));
          break;
      }
      ASSERT_EQ(heap.size(), all.size());
      ASSERT_EQ(heap.empty(), all.empty());
      // Not always: asking closes the top.
      if (all.empty() || random() % 2 == 0) continue;
      ASSERT_EQ(heap.first().slot, std::min_element(all.begin(), all.end())->slot);
      ASSERT_EQ(heap.at(all.front().slot).instant_ns, all.front().instant_ns);
    }
  }
}

}  // namespace
}  // namespace nightwatt
