#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "sim/timeline/chunk_codec.hpp"
#include "sim/timeline/hdf5_handle.hpp"
#include "sim/timeline/timeline.hpp"

/// An HDF5 file that netCDF-4 reads: datasets with dimensions, units and meanings. Private to this
/// folder.
namespace nightwatt::timeline {

template <class T>
constexpr ColumnInfo::Type type_of() {
  if constexpr (std::is_same_v<T, double>) return ColumnInfo::Type::float64;
  if constexpr (std::is_same_v<T, float>) return ColumnInfo::Type::float32;
  if constexpr (std::is_same_v<T, std::int64_t>) return ColumnInfo::Type::int64;
  if constexpr (std::is_same_v<T, std::int32_t>) return ColumnInfo::Type::int32;
  if constexpr (std::is_same_v<T, std::int8_t>) return ColumnInfo::Type::int8;
}

/// A dimension and the dataset that stands for it.
struct Dimension {
  Handle scale;
  std::size_t size = 0;
};

/// Of a dataset, the slowest first.
using Dimensions = std::span<const Dimension* const>;

/// A dataset of numbers.
struct NumberSet {
  Handle handle;
  ColumnInfo::Type type = ColumnInfo::Type::float64;
  std::size_t rows = 1, row_elements = 1;
  std::size_t dimensions = 0;
  std::size_t rows_of_chunk = 0;  ///< 0 = in one piece, without filters
};

/// What a dataset is called and says of itself.
struct Label {
  std::string name;
  std::string units;  ///< as they stand in the file
  std::string long_name;
  std::string table = {}, flags = {}, cell_methods = {};
};

/// Rows of a chunk: long enough to compress well, short enough that the columns of a block of rows
/// stay below 20 MB.
inline constexpr std::size_t chunk_rows = 65536;

/// The open file: makes groups, datasets and attributes as the schema wants them. Equal calls make
/// equal bytes. All throw Hdf5Error.
class FileWriter {
 public:
  FileWriter(const std::string& path, int compression);
  ~FileWriter();
  FileWriter(const FileWriter&) = delete;
  FileWriter& operator=(const FileWriter&) = delete;

  void close();

  [[nodiscard]] Hid root() const { return file_.get(); }
  Handle group(Hid parent, const std::string& name);

  void attribute(Hid object, const char* name, const std::string& text);
  template <class T>
  void attribute(Hid object, const char* name, std::span<const T> values) {
    number_attribute(object, name, type_of<T>(), values.data(), values.size());
  }
  template <class T>
  requires std::is_arithmetic_v<T>
  void attribute(Hid object, const char* name, T value) {
    number_attribute(object, name, type_of<T>(), &value, scalar);
  }

  /// A dimension without values of its own, as netCDF-4 writes it.
  Dimension dimension(Hid group, const std::string& name, std::size_t size);
  /// A dimension with values: a coordinate variable.
  Dimension coordinate(Hid group, const Label& label, std::span<const double> values);
  Dimension coordinate(Hid group, const Label& label, std::span<const std::int64_t> values);
  Dimension coordinate(Hid group, const Label& label, const std::vector<std::string>& texts);

  template <class T>
  void column(Hid group, const Label& label, const Dimension& dim, std::span<const T> values) {
    const Dimension* const only = &dim;
    array(group, label, Dimensions(&only, 1), values);
  }
  void column(Hid group, const Label& label, const Dimension& dim,
              const std::vector<std::string>& texts) {
    const Dimension* const only = &dim;
    array(group, label, Dimensions(&only, 1), texts);
  }

  /// Values of several dimensions, the last one fastest.
  template <class T>
  Handle array(Hid group, const Label& label, Dimensions dims, std::span<const T> values) {
    return number_array(group, label, dims, type_of<T>(), values.size(), std::as_bytes(values));
  }
  Handle array(Hid group, const Label& label, Dimensions dims,
               const std::vector<std::string>& texts);

  template <class T>
  requires std::is_arithmetic_v<T>
  void value(Hid group, const Label& label, T value) {
    number_array(group, label, {}, type_of<T>(), 1, std::as_bytes(std::span(&value, 1)));
  }
  void value(Hid group, const Label& label, const std::string& text);

  /// An empty dataset of numbers with its labels.
  NumberSet dataset(Hid group, const Label& label, ColumnInfo::Type type,
                    std::span<const std::size_t> sizes, bool may_be_missing);
  Handle text_dataset(Hid group, const Label& label, std::span<const std::size_t> sizes);
  void attach(const Handle& set, const Dimension& dim, unsigned axis);
  /// All values of a dataset.
  void write(const NumberSet& set, std::span<const std::byte> values);
  /// One whole encoded chunk that begins at `row`.
  void write_chunk(const NumberSet& set, std::size_t row, std::span<const std::byte> encoded);
  /// Rows [first, first + texts.size()) of a text column.
  void write_texts(Hid set, std::size_t first, std::span<const std::string> texts);

  ChunkCodec& codec() { return codec_; }

 private:
  static constexpr std::size_t scalar = static_cast<std::size_t>(-1);

  static Handle object_creation(Hid kind);
  void describe(Hid set, const Label& label);
  /// @param count  of values, or `scalar`
  void number_attribute(Hid object, const char* name, ColumnInfo::Type type, const void* values,
                        std::size_t count);
  Handle number_array(Hid group, const Label& label, Dimensions dims, ColumnInfo::Type type,
                      std::size_t count, std::span<const std::byte> values);
  template <class T>
  Dimension number_coordinate(Hid group, const Label& label, std::span<const T> values);

  Handle file_, group_creation_, text_, scalar_space_;
  ChunkCodec codec_;
};

/// Writes a whole file beside its name, with a checksum, and renames it. @throws InputError if it
/// cannot be written; what `write` throws besides passes, and leaves an older file as it was
void write_file(const std::filesystem::path& path, int compression,
                const std::function<void(FileWriter&)>& write);

}  // namespace nightwatt::timeline
