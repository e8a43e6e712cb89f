#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <new>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include "sim/timeline/hdf5_handle.hpp"
#include "sim/timeline/timeline.hpp"

/// An HDF5 file that FileWriter wrote, or that claims so. Private to this folder. All throw
/// Hdf5Error, apart from what says otherwise.
namespace nightwatt::timeline {

/// @throws InputError: that is wrong with the file
[[noreturn]] void refuse(const std::filesystem::path& path, const std::string& message);

/// Opens a file after a look at its first bytes and its checksum, so that the message says what it
/// is not. @param expected  "a timeline file" @throws InputError
Handle open_file(const std::filesystem::path& path, const std::string& expected);

/// What a dataset holds. @throws Hdf5Error for all that this program does not write
ColumnInfo::Type column_type(const Handle& set);

/// What to throw where a file of this schema lacks "group /summary".
Hdf5Error missing(const std::string& what);

bool has(Hid parent, const std::string& name);
bool has_attribute(Hid object, const char* name);
std::string text_attribute(Hid object, const char* name);
/// Of int32, int64 and double.
template <class T>
T number_attribute(Hid object, const char* name);

/// An open group or file and its path inside the file, for messages.
class Group {
 public:
  Group(Hid parent, const std::string& parent_path, const std::string& name);
  Group(const Group& parent, const std::string& name) : Group(parent.id(), parent.path_, name) {}

  [[nodiscard]] bool holds(const std::string& name) const { return has(id(), name); }
  [[nodiscard]] Hid id() const { return id_.get(); }
  [[nodiscard]] const std::string& path() const { return path_; }

  [[nodiscard]] Handle open(const std::string& name) const;
  /// Names of the links, in the order in which they were made.
  [[nodiscard]] std::vector<std::string> names() const;
  /// Lengths of a dataset's dimensions; none of a single value.
  [[nodiscard]] std::vector<std::size_t> shape(const std::string& name) const;
  /// Of double, float, int64 and int32; all values, the last dimension fastest.
  template <class T>
  [[nodiscard]] std::vector<T> numbers(const std::string& name) const;
  [[nodiscard]] std::vector<std::string> texts(const std::string& name) const;
  template <class T>
  [[nodiscard]] T number(const std::string& name) const {
    const std::vector<T> values = numbers<T>(name);
    if (values.size() != 1) throw Hdf5Error(path_ + name + " is not a single value");
    return values.front();
  }

 private:
  /// Number of values, not more than the file can hold.
  [[nodiscard]] std::size_t values_of(const Handle& set, const std::string& name) const;

  Handle id_;
  std::string path_;
};

/// Runs `read` and turns what goes wrong in it into an InputError.
template <class Read>
auto guarded(const std::filesystem::path& path, Read read) {
  start_hdf5();
  try {
    return read();
  } catch (const Hdf5Error& error) {
    refuse(path, std::string("damaged timeline file: ") + error.what());
  } catch (const std::system_error& error) {
    refuse(path, "cannot be read: " + error.code().message());
  } catch (const std::bad_alloc&) {
    refuse(path, "damaged timeline file, or more in it than fits in memory");
  } catch (const std::length_error&) {
    refuse(path, "damaged timeline file, or more in it than fits in memory");
  }
}

}  // namespace nightwatt::timeline
