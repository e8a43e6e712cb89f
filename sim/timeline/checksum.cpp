#include "sim/timeline/checksum.hpp"

#include <fcntl.h>
#include <libdeflate.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <system_error>
#include <vector>

namespace nightwatt::timeline {

namespace {

/// The last 16 bytes of a file: a mark, and CRC-32 of all bytes before it, low byte first.
struct Trailer {
  std::array<char, 12> mark = {'\n', 'n', 'i', 'g', 'h', 't', 'w', 'a', 't', 't', ' ', '\n'};
  std::uint32_t crc = 0;
};
static_assert(sizeof(Trailer) == 16);

[[noreturn]] void fail(int code = errno) { throw std::system_error(code, std::generic_category()); }

class Descriptor {
 public:
  Descriptor(const std::filesystem::path& path, int flags)
      : descriptor_(::open(path.c_str(), flags | O_CLOEXEC)) {
    if (descriptor_ < 0) fail();
  }
  ~Descriptor() { ::close(descriptor_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  [[nodiscard]] std::uint64_t size() const {
    const off_t end = ::lseek(descriptor_, 0, SEEK_END);
    if (end < 0) fail();
    return static_cast<std::uint64_t>(end);
  }

  void read(std::uint64_t from, void* to, std::size_t count) const {
    auto* bytes = static_cast<char*>(to);
    while (count > 0) {
      const ssize_t got = ::pread(descriptor_, bytes, count, static_cast<off_t>(from));
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) fail(got < 0 ? errno : EIO);
      bytes += got;
      from += static_cast<std::uint64_t>(got);
      count -= static_cast<std::size_t>(got);
    }
  }

  void append(const void* from, std::size_t count) const {
    const auto* bytes = static_cast<const char*>(from);
    while (count > 0) {
      const ssize_t put = ::write(descriptor_, bytes, count);
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) fail();
      bytes += put;
      count -= static_cast<std::size_t>(put);
    }
  }

  [[nodiscard]] std::uint32_t crc(std::uint64_t size) const {
    std::vector<std::byte> block(std::size_t{1} << 18);
    std::uint32_t crc = 0;
    for (std::uint64_t at = 0; at < size; at += block.size()) {
      const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(block.size(), size - at));
      read(at, block.data(), count);
      crc = libdeflate_crc32(crc, block.data(), count);
    }
    return crc;
  }

 private:
  int descriptor_;
};

}  // namespace

void append_checksum(const std::filesystem::path& path) {
  const Descriptor file(path, O_RDWR | O_APPEND);
  Trailer trailer;
  trailer.crc = file.crc(file.size());
  file.append(&trailer, sizeof trailer);
}

Checksum verify_checksum(const std::filesystem::path& path) {
  const Descriptor file(path, O_RDONLY);
  const std::uint64_t size = file.size();
  Trailer trailer;
  if (size < sizeof trailer) return Checksum::absent;
  file.read(size - sizeof trailer, &trailer, sizeof trailer);
  if (trailer.mark != Trailer{}.mark) return Checksum::absent;
  return trailer.crc == file.crc(size - sizeof trailer) ? Checksum::matches : Checksum::differs;
}

}  // namespace nightwatt::timeline
