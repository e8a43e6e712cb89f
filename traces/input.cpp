#include "traces/input.hpp"

#include <bzlib.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace nightwatt {

// The codec libraries are called directly: Boost.Iostreams' filters take the end of a truncated
// zstd file for a regular end, and short data must never pass.

namespace {

#ifdef NIGHTWATT_SMALL_CHUNKS
constexpr std::size_t chunk_bytes = std::size_t{1} << 8;  // the inputs of a fuzzer fill several
#else
constexpr std::size_t chunk_bytes = std::size_t{1} << 20;
#endif

[[noreturn]] void fail(const std::string& name, std::string message) {
  throw InputError(Diagnostic{{name, 0, 0}, std::move(message)});
}

}  // namespace

/// A stream of bytes; `read` gives 0 only at its end.
class ByteSource {
 public:
  ByteSource() = default;
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;
  virtual ~ByteSource() = default;
  virtual std::size_t read(char* to, std::size_t size) = 0;
};

namespace {

/// The bytes as they are on disk (or in memory), hashed as they pass. The first ones can be
/// looked at before they are read, to recognise a compression.
class RawSource : public ByteSource {
 public:
  RawSource(std::string name, int descriptor, std::uint64_t total)
      : name_(std::move(name)), descriptor_(descriptor), total_(total) {
    start();
  }
  RawSource(std::string name, std::string_view bytes)
      : name_(std::move(name)), memory_(bytes), total_(bytes.size()) {
    start();
  }
  RawSource(const RawSource&) = delete;
  RawSource& operator=(const RawSource&) = delete;
  ~RawSource() override {
    if (descriptor_ >= 0) ::close(descriptor_);
    EVP_MD_CTX_free(digest_);
  }

  /// Up to 16 bytes.
  std::string_view head() {
    while (head_size_ < head_.size()) {
      const std::size_t got = fetch(head_.data() + head_size_, head_.size() - head_size_);
      if (got == 0) break;
      head_size_ += got;
    }
    return {head_.data() + head_used_, head_size_ - head_used_};
  }

  std::size_t read(char* to, std::size_t size) override {
    if (head_used_ < head_size_) {
      const std::size_t part = std::min(size, head_size_ - head_used_);
      std::memcpy(to, head_.data() + head_used_, part);
      head_used_ += part;
      return part;
    }
    return fetch(to, size);
  }

  [[nodiscard]] double progress() const {
    return total_ == 0 ? 0.0 : static_cast<double>(read_) / static_cast<double>(total_);
  }

  std::string sha256() {
    if (hash_.empty()) {
      std::vector<char> rest(chunk_bytes);
      while (fetch(rest.data(), rest.size()) > 0) {
      }
      std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
      unsigned int size = 0;
      if (EVP_DigestFinal_ex(digest_, bytes.data(), &size) != 1) {
        throw std::runtime_error("SHA-256 failed");
      }
      for (unsigned int i = 0; i < size; ++i) hash_ += fmt::format("{:02x}", bytes[i]);
    }
    return hash_;
  }

 private:
  void start() {
    digest_ = EVP_MD_CTX_new();
    if (digest_ == nullptr || EVP_DigestInit_ex(digest_, EVP_sha256(), nullptr) != 1) {
      throw std::runtime_error("SHA-256 is not available");
    }
  }

  std::size_t fetch(char* to, std::size_t size) {
    std::size_t got = 0;
    if (descriptor_ < 0) {
      got = std::min(size, memory_.size());
      if (got > 0) std::memcpy(to, memory_.data(), got);
      memory_.remove_prefix(got);
    } else {
      ssize_t result = -1;
      do {
        result = ::read(descriptor_, to, size);
      } while (result < 0 && errno == EINTR);
      if (result < 0) {
        fail(name_, "cannot read the file: " + std::generic_category().message(errno));
      }
      got = static_cast<std::size_t>(result);
    }
    read_ += got;
    if (got > 0 && EVP_DigestUpdate(digest_, to, got) != 1) {
      throw std::runtime_error("SHA-256 failed");
    }
    return got;
  }

  std::string name_;
  int descriptor_ = -1;
  std::string_view memory_;
  std::uint64_t total_ = 0;  ///< bytes of a regular file
  std::uint64_t read_ = 0;
  std::array<char, 16> head_{};
  std::size_t head_size_ = 0;
  std::size_t head_used_ = 0;
  EVP_MD_CTX* digest_ = nullptr;
  std::string hash_;
};

/// What the decoders share: compressed bytes come in chunks.
class Decoder : public ByteSource {
 public:
  Decoder(std::string name, ByteSource& raw, std::string_view what)
      : name_(std::move(name)), what_(what), raw_(raw), in_(chunk_bytes) {}

 protected:
  /// Makes compressed bytes available; false at the end of the file.
  bool refill() {
    if (in_used_ == in_size_) {
      in_used_ = 0;
      in_size_ = raw_.read(in_.data(), in_.size());
    }
    return in_used_ < in_size_;
  }
  [[noreturn]] void truncated() const {
    fail(name_, fmt::format("the {} data ends too early, after {} bytes of content (is the file "
                            "complete?)",
                            what_, out_total_));
  }
  [[noreturn]] void damaged(std::string_view why) const {
    fail(name_, fmt::format("the {} data is damaged after {} bytes of content ({})", what_,
                            out_total_, why));
  }
  [[noreturn]] void trailing() const {
    fail(name_, fmt::format("bytes that are not {} data follow the compressed content", what_));
  }

  std::string name_;
  std::string_view what_;
  ByteSource& raw_;
  std::vector<char> in_;
  std::size_t in_used_ = 0;
  std::size_t in_size_ = 0;
  std::uint64_t out_total_ = 0;
};

class GzipSource final : public Decoder {
 public:
  GzipSource(std::string name, ByteSource& raw) : Decoder(std::move(name), raw, "gzip") {
    if (inflateInit2(&stream_, 15 + 16) != Z_OK) throw std::runtime_error("zlib does not start");
  }
  GzipSource(const GzipSource&) = delete;
  GzipSource& operator=(const GzipSource&) = delete;
  ~GzipSource() override { inflateEnd(&stream_); }

  std::size_t read(char* to, std::size_t size) override {
    const auto wanted = static_cast<uInt>(std::min(size, chunk_bytes));
    while (true) {
      if (!refill()) {
        if (between_members_) return 0;
        truncated();
      }
      if (between_members_) {
        // gzip allows zeros as padding after the last member; another member begins with 1f 8b.
        if (in_[in_used_] == '\0') {
          ++in_used_;
          padded_ = true;
          continue;
        }
        if (static_cast<unsigned char>(in_[in_used_]) != 0x1F || padded_) trailing();
        between_members_ = false;
        inflateReset(&stream_);
      }
      stream_.next_in = reinterpret_cast<Bytef*>(in_.data() + in_used_);
      stream_.avail_in = static_cast<uInt>(in_size_ - in_used_);
      stream_.next_out = reinterpret_cast<Bytef*>(to);
      stream_.avail_out = wanted;
      const int result = inflate(&stream_, Z_NO_FLUSH);
      in_used_ = in_size_ - stream_.avail_in;
      const std::size_t got = wanted - stream_.avail_out;
      out_total_ += got;
      if (result == Z_STREAM_END) {
        between_members_ = true;
      } else if (result != Z_OK && result != Z_BUF_ERROR) {
        damaged(stream_.msg != nullptr ? stream_.msg : "it cannot be decoded");
      }
      if (got > 0) return got;
    }
  }

 private:
  z_stream stream_{};
  bool between_members_ = false;
  bool padded_ = false;
};

class ZstdSource final : public Decoder {
 public:
  ZstdSource(std::string name, ByteSource& raw)
      : Decoder(std::move(name), raw, "zstd"), stream_(ZSTD_createDStream()) {
    if (stream_ == nullptr) throw std::runtime_error("zstd does not start");
  }
  ZstdSource(const ZstdSource&) = delete;
  ZstdSource& operator=(const ZstdSource&) = delete;
  ~ZstdSource() override { ZSTD_freeDStream(stream_); }

  std::size_t read(char* to, std::size_t size) override {
    while (true) {
      // Bytes of the output may still be held inside when the input is used up.
      if (!refill() && frame_ended_) return 0;
      ZSTD_outBuffer out{to, size, 0};
      ZSTD_inBuffer in{in_.data(), in_size_, in_used_};
      const std::size_t result = ZSTD_decompressStream(stream_, &out, &in);
      if (ZSTD_isError(result) != 0) damaged(ZSTD_getErrorName(result));
      const bool moved = in.pos > in_used_ || out.pos > 0;
      in_used_ = in.pos;
      frame_ended_ = result == 0;
      out_total_ += out.pos;
      if (out.pos > 0) return out.pos;
      if (!moved && !refill()) truncated();
    }
  }

 private:
  ZSTD_DStream* stream_;
  bool frame_ended_ = false;
};

class Bzip2Source final : public Decoder {
 public:
  Bzip2Source(std::string name, ByteSource& raw) : Decoder(std::move(name), raw, "bzip2") {
    start();
  }
  Bzip2Source(const Bzip2Source&) = delete;
  Bzip2Source& operator=(const Bzip2Source&) = delete;
  ~Bzip2Source() override { BZ2_bzDecompressEnd(&stream_); }

  std::size_t read(char* to, std::size_t size) override {
    const auto wanted = static_cast<unsigned>(std::min(size, chunk_bytes));
    while (true) {
      if (!refill()) {
        if (between_streams_) return 0;
        truncated();
      }
      if (between_streams_) {
        if (in_[in_used_] != 'B') trailing();
        BZ2_bzDecompressEnd(&stream_);
        start();
        between_streams_ = false;
      }
      stream_.next_in = in_.data() + in_used_;
      stream_.avail_in = static_cast<unsigned>(in_size_ - in_used_);
      stream_.next_out = to;
      stream_.avail_out = wanted;
      const int result = BZ2_bzDecompress(&stream_);
      in_used_ = in_size_ - stream_.avail_in;
      const std::size_t got = wanted - stream_.avail_out;
      out_total_ += got;
      if (result == BZ_STREAM_END) {
        between_streams_ = true;
      } else if (result == BZ_MEM_ERROR) {
        throw std::bad_alloc();
      } else if (result != BZ_OK) {
        damaged(result == BZ_DATA_ERROR ? "its check sum does not match" : "it cannot be decoded");
      }
      if (got > 0) return got;
    }
  }

 private:
  void start() {
    stream_ = {};
    if (BZ2_bzDecompressInit(&stream_, 0, 0) != BZ_OK) {
      throw std::runtime_error("bzip2 does not start");
    }
  }

  bz_stream stream_{};
  bool between_streams_ = false;
};

/// Gives back bytes that were looked at, then the rest.
class PrefixedSource final : public ByteSource {
 public:
  PrefixedSource(std::string prefix, std::shared_ptr<ByteSource> rest)
      : prefix_(std::move(prefix)), rest_(std::move(rest)) {}

  std::size_t read(char* to, std::size_t size) override {
    if (used_ == prefix_.size()) return rest_->read(to, size);
    const std::size_t part = std::min(size, prefix_.size() - used_);
    std::memcpy(to, prefix_.data() + used_, part);
    used_ += part;
    return part;
  }

 private:
  std::string prefix_;
  std::size_t used_ = 0;
  std::shared_ptr<ByteSource> rest_;
};

constexpr std::size_t tar_block = 512;

std::uint64_t octal(std::string_view field) {
  std::uint64_t value = 0;
  for (const char c : field) {
    if (c >= '0' && c <= '7' && value < (std::uint64_t{1} << 60)) {
      value = value * 8 + static_cast<std::uint64_t>(c - '0');
    } else if (value > 0 || (c != ' ' && c != '0')) {
      break;
    }
  }
  return value;
}

/// A tar header names its magic word and has a check sum over its 512 bytes.
bool is_tar_header(std::string_view block) {
  if (block.size() < tar_block || block.substr(257, 5) != "ustar") return false;
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < tar_block; ++i) {
    sum += i >= 148 && i < 156 ? std::uint64_t{' '} : static_cast<unsigned char>(block[i]);
  }
  return sum == octal(block.substr(148, 8));
}

/// The content of the only file in a tar archive.
class TarSource final : public ByteSource {
 public:
  TarSource(std::string name, std::shared_ptr<ByteSource> archive)
      : name_(std::move(name)), archive_(std::move(archive)) {}

  std::size_t read(char* to, std::size_t size) override {
    while (left_ == 0) {
      if (ended_) return 0;
      next_member();
    }
    const std::size_t got =
        archive_->read(to, static_cast<std::size_t>(std::min<std::uint64_t>(size, left_)));
    if (got == 0) fail(name_, "the tar archive ends inside its file (is it complete?)");
    left_ -= got;
    return got;
  }

 private:
  /// Goes to the content of the only regular file, or behind it to the end of the archive.
  void next_member() {
    while (true) {
      skip(padding_);
      padding_ = 0;
      std::array<char, tar_block> block{};
      const std::size_t got = read_block(block);
      const std::string_view header(block.data(), tar_block);
      if (got == 0 || header.find_first_not_of('\0') == std::string_view::npos) {
        // Two empty blocks end an archive; what pads it to a full record is read for the check
        // sums of the compression around it.
        while (read_block(block) > 0) {
        }
        ended_ = true;
        if (!found_) fail(name_, "the tar archive holds no file");
        return;
      }
      if (got < tar_block || !is_tar_header(header)) fail(name_, "the tar archive is damaged");
      const std::uint64_t size = octal(header.substr(124, 12));
      const std::uint64_t padded = (size + tar_block - 1) / tar_block * tar_block;
      const char type = header[156];
      const std::string_view member = header.substr(0, header.substr(0, 100).find('\0'));
      const std::string_view base = member.substr(member.rfind('/') + 1);
      // macOS puts a hidden "._" companion beside each file.
      if ((type != '0' && type != '\0') || base.starts_with("._")) {
        skip(padded);
        continue;
      }
      if (found_) {
        fail(name_, "the tar archive holds more than one file; unpack it and name the one to read");
      }
      found_ = true;
      left_ = size;
      padding_ = padded - size;
      return;
    }
  }

  std::size_t read_block(std::array<char, tar_block>& block) {
    std::size_t filled = 0;
    while (filled < tar_block) {
      const std::size_t got = archive_->read(block.data() + filled, tar_block - filled);
      if (got == 0) break;
      filled += got;
    }
    return filled;
  }

  void skip(std::uint64_t bytes) {
    std::vector<char> waste(tar_block * 16);
    while (bytes > 0) {
      const std::size_t got = archive_->read(
          waste.data(), static_cast<std::size_t>(std::min<std::uint64_t>(bytes, waste.size())));
      if (got == 0) fail(name_, "the tar archive ends too early (is it complete?)");
      bytes -= got;
    }
  }

  std::string name_;
  std::shared_ptr<ByteSource> archive_;
  std::uint64_t left_ = 0;
  std::uint64_t padding_ = 0;
  bool found_ = false;
  bool ended_ = false;
};

std::shared_ptr<ByteSource> decoder_of(const std::string& name,
                                       const std::shared_ptr<RawSource>& raw) {
  const std::string_view head = raw->head();
  if (head.starts_with("\x1F\x8B")) return std::make_shared<GzipSource>(name, *raw);
  // A zstd file may begin with a skippable frame (magic 184D2A50 to 184D2A5F, little endian).
  if (head.starts_with("\x28\xB5\x2F\xFD") ||
      (head.size() >= 4 && (static_cast<unsigned char>(head[0]) & 0xF0) == 0x50 &&
       head.substr(1, 3) == "\x2A\x4D\x18")) {
    return std::make_shared<ZstdSource>(name, *raw);
  }
  if (head.size() >= 10 && head.starts_with("BZh") && head[3] >= '1' && head[3] <= '9' &&
      (head.substr(4, 6) == "1AY&SY" || head.substr(4, 6) == "\x17\x72\x45\x38\x50\x90")) {
    return std::make_shared<Bzip2Source>(name, *raw);
  }
  return raw;
}

[[noreturn]] void fail_nul(const std::string& name, std::uint64_t line, std::uint64_t column) {
  throw InputError(Diagnostic{{name, line, column}, "NUL byte: this is not a text file"});
}

}  // namespace

Input::Input(std::string name, std::shared_ptr<ByteSource> raw)
    : name_(std::move(name)),
      raw_(std::move(raw)),
      top_(decoder_of(name_, std::static_pointer_cast<RawSource>(raw_))) {
  // An archive and a byte order mark are recognised by the first block, which is then given back.
  std::string first(tar_block, '\0');
  std::size_t filled = 0;
  while (filled < first.size()) {
    const std::size_t got = top_->read(first.data() + filled, first.size() - filled);
    if (got == 0) break;
    filled += got;
  }
  first.resize(filled);
  const bool tar = is_tar_header(first);
  top_ = std::make_shared<PrefixedSource>(std::move(first), std::move(top_));
  if (tar) top_ = std::make_shared<TarSource>(name_, std::move(top_));
  std::string_view text = peek();
  if (text.starts_with("\xEF\xBB\xBF")) {
    peeked_used_ = 3;
  } else if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) {
    fail(name_, "the text is UTF-16; save it as UTF-8");
  }
}

Input::Input(Input&&) noexcept = default;
Input& Input::operator=(Input&&) noexcept = default;
Input::~Input() = default;

Input Input::open(std::string name, const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    fail(name, errno == ENOENT ? "the file does not exist"
                               : "cannot open the file: " + std::generic_category().message(errno));
  }
  struct stat about {};
  if (::fstat(descriptor, &about) == 0 && S_ISDIR(about.st_mode)) {
    ::close(descriptor);
    fail(name, "this is a folder, not a file");
  }
  const auto size = S_ISREG(about.st_mode) ? static_cast<std::uint64_t>(about.st_size) : 0;
  auto raw = std::make_shared<RawSource>(name, descriptor, size);
  return Input(std::move(name), std::move(raw));
}

Input Input::from_memory(std::string name, std::string_view bytes) {
  auto raw = std::make_shared<RawSource>(name, bytes);
  return Input(std::move(name), std::move(raw));
}

std::string_view Input::peek() {
  if (peeked_.empty() && !peeked_all_) {
    peeked_all_ = true;
    peeked_.resize(peek_bytes);
    std::size_t filled = 0;
    while (filled < peeked_.size()) {
      const std::size_t got = top_->read(peeked_.data() + filled, peeked_.size() - filled);
      if (got == 0) break;
      filled += got;
    }
    peeked_.resize(filled);
  }
  return {peeked_.data() + peeked_used_, peeked_.size() - peeked_used_};
}

std::size_t Input::read(char* to, std::size_t size) {
  if (peeked_used_ < peeked_.size()) {
    const std::size_t part = std::min(size, peeked_.size() - peeked_used_);
    std::memcpy(to, peeked_.data() + peeked_used_, part);
    peeked_used_ += part;
    return part;
  }
  return top_->read(to, size);
}

std::string Input::read_all() {
  std::string text;
  std::size_t filled = 0;
  while (true) {
    if (text.size() - filled < chunk_bytes / 2) {
      text.resize(std::max(2 * text.size(), 2 * chunk_bytes));
    }
    const std::size_t got = read(text.data() + filled, std::min(text.size() - filled, chunk_bytes));
    if (got == 0) break;
    filled += got;
    if (filled > max_whole_bytes) {
      fail(name_, fmt::format("the file is larger than {} GiB, the limit for this format",
                              max_whole_bytes >> 30));
    }
  }
  text.resize(filled);
  if (const std::size_t nul = text.find('\0'); nul != std::string::npos) {
    const std::string_view before(text.data(), nul);
    const auto lines = static_cast<std::uint64_t>(std::count(before.begin(), before.end(), '\n'));
    const std::size_t line_begin = before.rfind('\n');
    fail_nul(name_, lines + 1, line_begin == std::string_view::npos ? nul + 1 : nul - line_begin);
  }
  return text;
}

double Input::progress() const { return static_cast<const RawSource&>(*raw_).progress(); }

std::string Input::sha256() { return static_cast<RawSource&>(*raw_).sha256(); }

LineReader::LineReader(Input& input) : input_(&input) {}

bool LineReader::next() {
  begin_ = next_;
  number_ += lines_;
  lines_ = 1;
  return find_end(begin_);
}

bool LineReader::extend() {
  const std::size_t old_end = next_ - begin_;
  if (next_ == end_ && !fill()) return false;
  // Counted only where a further line is there.
  ++lines_;
  return find_end(begin_ + old_end);
}

/// Sets size_ and next_ to the end of the line that holds byte `from`; false if nothing is there.
bool LineReader::find_end(std::size_t from) {
  std::size_t scan = from - begin_;  // counted from begin_, which `fill` may move
  bool complete = false;
  while (!complete) {
    const char* at = buffer_.data() + begin_ + scan;
    const std::size_t left = end_ - begin_ - scan;
    const void* found = left > 0 ? std::memchr(at, '\n', left) : nullptr;
    if (found != nullptr) {
      size_ = static_cast<std::size_t>(static_cast<const char*>(found) - buffer_.data()) - begin_;
      next_ = begin_ + size_ + 1;
      complete = true;
    } else {
      scan = size_ = end_ - begin_;
      next_ = end_;
      if (size_ <= max_line_bytes && !fill()) {
        if (size_ == 0) return false;
        complete = true;
      }
    }
    if (size_ > max_line_bytes) {
      throw InputError(Diagnostic{
          {input_->name(), number_, 0},
          fmt::format("the line is longer than {} MiB, the limit", max_line_bytes >> 20)});
    }
  }
  check_nul();
  if (size_ > 0 && buffer_[begin_ + size_ - 1] == '\r') --size_;
  return true;
}

bool LineReader::fill() {
  if (at_end_) return false;
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    dropped_ += begin_;
    end_ -= begin_;
    next_ -= begin_;
    begin_ = 0;
  }
  const std::size_t capacity = buffer_.size() - std::min(buffer_.size(), readable_bytes_behind);
  std::size_t room = capacity - end_;
  if (room < chunk_bytes) {
    room += std::max(capacity, 2 * chunk_bytes);
    buffer_.resize(end_ + room + readable_bytes_behind);
  }
  const std::size_t got = input_->read(buffer_.data() + end_, room);
  if (got == 0) {
    at_end_ = true;
    return false;
  }
  if (nul_at_ == UINT64_MAX) {
    if (const void* nul = std::memchr(buffer_.data() + end_, '\0', got); nul != nullptr) {
      nul_at_ =
          dropped_ + static_cast<std::uint64_t>(static_cast<const char*>(nul) - buffer_.data());
    }
  }
  end_ += got;
  return true;
}

void LineReader::check_nul() {
  if (nul_at_ >= dropped_ + next_) return;
  const std::size_t at = static_cast<std::size_t>(nul_at_ - dropped_) - begin_;
  const std::string_view before(buffer_.data() + begin_, at);
  const auto lines = static_cast<std::uint64_t>(std::count(before.begin(), before.end(), '\n'));
  const std::size_t line_begin = before.rfind('\n');
  fail_nul(input_->name(), number_ + lines,
           line_begin == std::string_view::npos ? at + 1 : at - line_begin);
}

}  // namespace nightwatt
