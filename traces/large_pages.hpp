#pragma once

#include <cstddef>
#include <vector>

namespace nightwatt {

/// Asks the system to back this memory with large pages where it can; nothing else changes. Without
/// them a table of a million jobs costs tens of thousands of page faults, and each look at a job
/// that has not been looked at for a while a walk through the page tables.
void prefer_large_pages(const void* begin, std::size_t bytes);

/// Room for `count` elements, on large pages where the system has them.
template <class T>
void reserve_on_large_pages(std::vector<T>& list, std::size_t count) {
  list.reserve(count);
  prefer_large_pages(list.data(), list.capacity() * sizeof(T));
}

}  // namespace nightwatt
