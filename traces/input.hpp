#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "traces/diagnostics.hpp"

namespace nightwatt {

/// A line may not be longer than this (a JSON file is one text and has the other limit).
inline constexpr std::size_t max_line_bytes = std::size_t{16} << 20;
/// A file that has to be read as a whole (JSON) may not be larger than this, decompressed.
inline constexpr std::size_t max_whole_bytes = std::size_t{4} << 30;
/// What `Input::peek` shows.
inline constexpr std::size_t peek_bytes = std::size_t{64} << 10;

class ByteSource;

/// The decompressed bytes of one file, read once from front to back.
///
/// gzip (several members too), zstd and bzip2 are recognised by their first bytes, whatever the
/// file is called; a tar archive with a single file in it is unpacked; a UTF-8 byte order mark is
/// skipped. Truncated or damaged data is always found: the end is reported only where the
/// compressed stream says that it ends.
class Input {
 public:
  /// @param name  as the user wrote it, for messages
  /// @param path  where to open it
  /// @throws InputError for a missing file, a folder, or one that cannot be read
  static Input open(std::string name, const std::string& path);
  /// Reads from memory (not copied: it must outlive the object), with the same recognition.
  static Input from_memory(std::string name, std::string_view bytes);

  Input(Input&&) noexcept;
  Input& operator=(Input&&) noexcept;
  ~Input();

  [[nodiscard]] const std::string& name() const { return name_; }
  /// The first bytes (up to `peek_bytes`), to recognise a format; they will still be read.
  [[nodiscard]] std::string_view peek();
  /// Up to `size` bytes; 0 only at the end.
  /// @throws InputError where the data is truncated, damaged or unreadable
  std::size_t read(char* to, std::size_t size);
  /// All that is left, for JSON. @throws InputError for NUL bytes (with their position), too
  std::string read_all();
  /// Which part of the file's bytes has been read (up to a chunk ahead of what was given out), in
  /// [0, 1]; 0 where the size is not known (a pipe).
  [[nodiscard]] double progress() const;
  /// SHA-256 (hexadecimal) of the file's bytes as they are on disk. Reads it to the end.
  std::string sha256();

 private:
  Input(std::string name, std::shared_ptr<ByteSource> raw);

  std::string name_;
  std::shared_ptr<ByteSource> raw_;  ///< the bytes on disk
  std::shared_ptr<ByteSource> top_;  ///< decompressed
  std::vector<char> peeked_;
  std::size_t peeked_used_ = 0;
  bool peeked_all_ = false;
};

/// Lines of an input, with their numbers. LF and CR LF end a line; the last one may lack it.
class LineReader {
 public:
  /// So many bytes behind the end of a line may be read (what they are is not said): scanning in
  /// blocks needs no special case for the end of a line.
  static constexpr std::size_t readable_bytes_behind = 64;

  explicit LineReader(Input& input);

  /// Goes to the next line; false at the end.
  /// @throws InputError for a NUL byte or a line above `max_line_bytes`
  bool next();
  /// Joins the following line to the current one (for quoted line breaks); false at the end.
  bool extend();
  /// The line without its end; valid until the next call.
  [[nodiscard]] std::string_view line() const { return {buffer_.data() + begin_, size_}; }
  /// Number of the (first) line, from 1.
  [[nodiscard]] std::uint64_t number() const { return number_; }
  [[nodiscard]] const std::string& name() const { return input_->name(); }

 private:
  bool find_end(std::size_t from);
  bool fill();
  void check_nul();

  Input* input_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0;              ///< of the current line
  std::size_t size_ = 0;               ///< without the line end
  std::size_t next_ = 0;               ///< first byte after the line end
  std::size_t end_ = 0;                ///< of what is filled
  std::uint64_t number_ = 0;           ///< of the current line
  std::uint64_t lines_ = 1;            ///< that the current record holds
  std::uint64_t dropped_ = 0;          ///< bytes moved out of the buffer
  std::uint64_t nul_at_ = UINT64_MAX;  ///< offset in the whole text of the first NUL
  bool at_end_ = false;
};

}  // namespace nightwatt
