#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

/// What writer and reader share about the HDF5 library. Private to this folder; it stands without
/// HDF5's headers, so that no other folder sees them.
namespace nightwatt::timeline {

using Hid = std::int64_t;  ///< hid_t

/// A call of the HDF5 library failed; the text is its innermost reason, in the system's words
/// where the system refused. Becomes an InputError with the path at the edge of this folder.
class Hdf5Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Starts the library and switches its own printing of errors off. To be called on each way in.
void start_hdf5();

/// @throws Hdf5Error if `result` is negative, as all failed calls of HDF5 are.
Hid checked(Hid result);

/// Owns an identifier of any kind: file, group, dataset, type, space, property list.
class Handle {
 public:
  Handle() = default;
  /// @throws Hdf5Error if the call that made the identifier failed.
  explicit Handle(Hid id) : id_(checked(id)) {}
  ~Handle() { reset(); }
  Handle(Handle&& other) noexcept : id_(other.release()) {}
  Handle& operator=(Handle&& other) noexcept {
    if (this != &other) {
      reset();
      id_ = other.release();
    }
    return *this;
  }

  [[nodiscard]] Hid get() const { return id_; }
  /// Gives the identifier up without closing it.
  Hid release() { return std::exchange(id_, -1); }
  /// Closes it now. @throws Hdf5Error if that fails.
  void close();

 private:
  void reset() noexcept;
  Hid id_ = -1;
};

/// The type of text in the file: UTF-8 of variable length.
Handle text_type();

/// Text that any reader of UTF-8 accepts: bytes that are not UTF-8, and NUL, become "\xNN".
std::string printable_utf8(std::string_view text);

}  // namespace nightwatt::timeline
