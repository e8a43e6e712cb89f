#include "traces/large_pages.hpp"

#include <sys/mman.h>

#include <cstdint>

namespace nightwatt {

void prefer_large_pages(const void* begin, std::size_t bytes) {
  constexpr std::uintptr_t large_page = std::uintptr_t{2} << 20;
  const auto address = reinterpret_cast<std::uintptr_t>(begin);
  const std::uintptr_t first = (address + large_page - 1) / large_page * large_page;
  const std::uintptr_t last = (address + bytes) / large_page * large_page;
  // A wish: a system that knows no large pages refuses it, and the memory is as good as before.
  if (first < last) (void)madvise(reinterpret_cast<void*>(first), last - first, MADV_HUGEPAGE);
}

}  // namespace nightwatt
