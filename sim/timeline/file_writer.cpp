#include "sim/timeline/file_writer.hpp"

#include <fmt/format.h>
#include <hdf5.h>
#include <hdf5_hl.h>

#include <algorithm>
#include <array>
#include <limits>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "sim/timeline/checksum.hpp"
#include "sim/timeline/job_columns.hpp"
#include "sim/timeline/output_file.hpp"

namespace nightwatt::timeline {

namespace {

using Type = ColumnInfo::Type;

constexpr std::size_t smallest_chunked = 4096;  ///< bytes; an index of chunks takes 2,100

Hid file_type(Type type) {
  switch (type) {
    case Type::float64:
      return H5T_IEEE_F64LE;
    case Type::float32:
      return H5T_IEEE_F32LE;
    case Type::int64:
      return H5T_STD_I64LE;
    case Type::int32:
      return H5T_STD_I32LE;
    case Type::int8:
      return H5T_STD_I8LE;
    case Type::text:
      break;
  }
  throw std::logic_error("timeline: no fixed type for text");
}

std::vector<hsize_t> lengths_of(std::span<const std::size_t> sizes) {
  return {sizes.begin(), sizes.end()};
}

Handle space_of(std::span<const std::size_t> sizes) {
  if (sizes.empty()) return Handle(H5Screate(H5S_SCALAR));
  const std::vector<hsize_t> lengths = lengths_of(sizes);
  return Handle(H5Screate_simple(static_cast<int>(lengths.size()), lengths.data(), nullptr));
}

/// Texts as the file holds them, and pointers to them.
class CleanTexts {
 public:
  explicit CleanTexts(std::span<const std::string> texts) {
    clean_.reserve(texts.size());
    for (const std::string& text : texts) {
      clean_.push_back(printable_utf8(text));
      values_.push_back(clean_.back().c_str());
    }
  }
  [[nodiscard]] const char* const* data() const { return values_.data(); }

 private:
  std::vector<std::string> clean_;
  std::vector<const char*> values_;
};

/// Sizes of dimensions, whose product has to be the number of values.
std::vector<std::size_t> sizes_of(const Label& label, Dimensions dims, std::size_t values) {
  std::vector<std::size_t> sizes;
  std::size_t expected = 1;
  for (const Dimension* dim : dims) {
    sizes.push_back(dim->size);
    expected *= dim->size;
  }
  if (expected != values) {
    throw std::logic_error(
        fmt::format("timeline: {} has {} values, expected {}", label.name, values, expected));
  }
  return sizes;
}

}  // namespace

FileWriter::FileWriter(const std::string& path, int compression) : codec_(compression) {
  const Handle access(H5Pcreate(H5P_FILE_ACCESS));
  // What every library since HDF5 1.8 reads.
  checked(H5Pset_libver_bounds(access.get(), H5F_LIBVER_V18, H5F_LIBVER_V18));
  // The temporary name is ours alone, and some network file systems have no locks.
  checked(H5Pset_file_locking(access.get(), false, true));
  checked(H5Pset_fclose_degree(access.get(), H5F_CLOSE_SEMI));
  const Handle creation = object_creation(H5P_FILE_CREATE);
  file_ = Handle(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, creation.get(), access.get()));
  group_creation_ = object_creation(H5P_GROUP_CREATE);
  text_ = text_type();
  scalar_space_ = Handle(H5Screate(H5S_SCALAR));
}

FileWriter::~FileWriter() {
  // A file that was not closed is one that failed. The library would write again what it could
  // not write, and fail again: it is left open until the process ends.
  file_.release();
}

void FileWriter::close() {
  checked(H5Fflush(file_.get(), H5F_SCOPE_GLOBAL));
  file_.close();
}

Handle FileWriter::group(Hid parent, const std::string& name) {
  return Handle(H5Gcreate2(parent, name.c_str(), H5P_DEFAULT, group_creation_.get(), H5P_DEFAULT));
}

void FileWriter::attribute(Hid object, const char* name, const std::string& text) {
  const std::string clean = printable_utf8(text);
  const char* value = clean.c_str();
  const Handle attribute(
      H5Acreate2(object, name, text_.get(), scalar_space_.get(), H5P_DEFAULT, H5P_DEFAULT));
  checked(H5Awrite(attribute.get(), text_.get(), &value));
}

void FileWriter::number_attribute(Hid object, const char* name, Type type, const void* values,
                                  std::size_t count) {
  const Handle space = count == scalar ? space_of({}) : space_of(std::span(&count, 1));
  const Handle attribute(
      H5Acreate2(object, name, file_type(type), space.get(), H5P_DEFAULT, H5P_DEFAULT));
  checked(H5Awrite(attribute.get(), file_type(type), values));
}

Dimension FileWriter::dimension(Hid group, const std::string& name, std::size_t size) {
  const Handle creation = object_creation(H5P_DATASET_CREATE);
  const Handle space = space_of(std::span(&size, 1));
  Handle scale(H5Dcreate2(group, name.c_str(), H5T_IEEE_F32BE, space.get(), H5P_DEFAULT,
                          creation.get(), H5P_DEFAULT));
  attribute(scale.get(), "units", std::string("1"));
  attribute(scale.get(), "long_name", "dimension " + name + ", without values");
  const std::string mark =
      fmt::format("This is a netCDF dimension but not a netCDF variable.{:10}", size);
  checked(H5DSset_scale(scale.get(), mark.c_str()));
  return {std::move(scale), size};
}

template <class T>
Dimension FileWriter::number_coordinate(Hid group, const Label& label, std::span<const T> values) {
  const std::array sizes = {values.size()};
  NumberSet set = dataset(group, label, type_of<T>(), sizes, false);
  checked(H5DSset_scale(set.handle.get(), label.name.c_str()));
  write(set, std::as_bytes(values));
  return {std::move(set.handle), values.size()};
}

Dimension FileWriter::coordinate(Hid group, const Label& label, std::span<const double> values) {
  return number_coordinate(group, label, values);
}

Dimension FileWriter::coordinate(Hid group, const Label& label,
                                 std::span<const std::int64_t> values) {
  return number_coordinate(group, label, values);
}

Dimension FileWriter::coordinate(Hid group, const Label& label,
                                 const std::vector<std::string>& texts) {
  const std::array sizes = {texts.size()};
  Handle scale = text_dataset(group, label, sizes);
  checked(H5DSset_scale(scale.get(), label.name.c_str()));
  write_texts(scale.get(), 0, texts);
  return {std::move(scale), texts.size()};
}

Handle FileWriter::number_array(Hid group, const Label& label, Dimensions dims, Type type,
                                std::size_t count, std::span<const std::byte> values) {
  NumberSet set = dataset(group, label, type, sizes_of(label, dims, count), true);
  for (unsigned axis = 0; axis < dims.size(); ++axis) attach(set.handle, *dims[axis], axis);
  write(set, values);
  return std::move(set.handle);
}

Handle FileWriter::array(Hid group, const Label& label, Dimensions dims,
                         const std::vector<std::string>& texts) {
  Handle set = text_dataset(group, label, sizes_of(label, dims, texts.size()));
  for (unsigned axis = 0; axis < dims.size(); ++axis) attach(set, *dims[axis], axis);
  if (texts.empty()) return set;
  checked(
      H5Dwrite(set.get(), text_.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, CleanTexts(texts).data()));
  return set;
}

void FileWriter::value(Hid group, const Label& label, const std::string& text) {
  array(group, label, {}, std::vector<std::string>{text});
}

NumberSet FileWriter::dataset(Hid group, const Label& label, Type type,
                              std::span<const std::size_t> sizes, bool may_be_missing) {
  NumberSet set;
  set.type = type;
  set.dimensions = sizes.size();
  if (!sizes.empty()) set.rows = sizes[0];
  for (std::size_t axis = 1; axis < sizes.size(); ++axis) set.row_elements *= sizes[axis];
  const Handle creation = object_creation(H5P_DATASET_CREATE);
  checked(H5Pset_fill_time(creation.get(), H5D_FILL_TIME_NEVER));
  if (set.rows * set.row_elements * size_of(type) >= smallest_chunked) {
    set.rows_of_chunk = std::clamp<std::size_t>(chunk_rows / set.row_elements, 1, set.rows);
    std::vector<hsize_t> chunk = lengths_of(sizes);
    chunk[0] = set.rows_of_chunk;
    checked(H5Pset_chunk(creation.get(), static_cast<int>(chunk.size()), chunk.data()));
    if (codec_.level() > 0) {
      checked(H5Pset_shuffle(creation.get()));
      checked(H5Pset_deflate(creation.get(), static_cast<unsigned>(codec_.level())));
    }
  }
  const Handle space = space_of(sizes);
  const bool floating = type == Type::float64 || type == Type::float32;
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  if (floating && may_be_missing) {
    checked(H5Pset_fill_value(creation.get(), H5T_NATIVE_DOUBLE, &nan));
  }
  // Whole chunks are written past the cache.
  const Handle access(H5Pcreate(H5P_DATASET_ACCESS));
  checked(H5Pset_chunk_cache(access.get(), 0, 0, 1.0));
  set.handle = Handle(H5Dcreate2(group, label.name.c_str(), file_type(type), space.get(),
                                 H5P_DEFAULT, creation.get(), access.get()));
  const Hid id = set.handle.get();
  describe(id, label);
  if (type == Type::float64 && may_be_missing) attribute(id, "_FillValue", nan);
  if (type == Type::float32 && may_be_missing) {
    attribute(id, "_FillValue", static_cast<float>(nan));
  }
  if (!label.flags.empty()) {
    const auto blanks = std::count(label.flags.begin(), label.flags.end(), ' ');
    std::vector<std::int8_t> values;
    for (std::int8_t i = 0; i <= blanks; ++i) values.push_back(i);
    attribute(id, "flag_values", std::span<const std::int8_t>(values));
    attribute(id, "flag_meanings", label.flags);
  }
  return set;
}

Handle FileWriter::text_dataset(Hid group, const Label& label, std::span<const std::size_t> sizes) {
  const Handle creation = object_creation(H5P_DATASET_CREATE);
  const Handle space = space_of(sizes);
  Handle set(H5Dcreate2(group, label.name.c_str(), text_.get(), space.get(), H5P_DEFAULT,
                        creation.get(), H5P_DEFAULT));
  describe(set.get(), label);
  return set;
}

void FileWriter::attach(const Handle& set, const Dimension& dim, unsigned axis) {
  checked(H5DSattach_scale(set.get(), dim.scale.get(), axis));
}

void FileWriter::write(const NumberSet& set, std::span<const std::byte> values) {
  const std::size_t element = size_of(set.type);
  if (set.rows_of_chunk == 0) {
    if (values.empty()) return;
    checked(H5Dwrite(set.handle.get(), file_type(set.type), H5S_ALL, H5S_ALL, H5P_DEFAULT,
                     values.data()));
    return;
  }
  const std::size_t chunk_bytes = set.rows_of_chunk * set.row_elements * element;
  std::vector<std::byte> last;  // a chunk is written whole, beyond the last row too
  for (std::size_t row = 0; row < set.rows; row += set.rows_of_chunk) {
    std::span chunk = values.first(std::min(values.size(), chunk_bytes));
    values = values.subspan(chunk.size());
    if (chunk.size() < chunk_bytes) {
      last.assign(chunk.begin(), chunk.end());
      last.resize(chunk_bytes);
      chunk = last;
    }
    write_chunk(set, row, codec_.encode(chunk, element));
  }
}

void FileWriter::write_chunk(const NumberSet& set, std::size_t row,
                             std::span<const std::byte> encoded) {
  std::vector<hsize_t> offset(set.dimensions, 0);
  offset[0] = row;
  checked(H5Dwrite_chunk(set.handle.get(), H5P_DEFAULT, 0, offset.data(), encoded.size(),
                         encoded.data()));
}

void FileWriter::write_texts(Hid set, std::size_t first, std::span<const std::string> texts) {
  if (texts.empty()) return;
  const hsize_t start = first, count = texts.size();
  const Handle in_file(H5Dget_space(set));
  checked(H5Sselect_hyperslab(in_file.get(), H5S_SELECT_SET, &start, nullptr, &count, nullptr));
  const Handle in_memory(H5Screate_simple(1, &count, nullptr));
  checked(H5Dwrite(set, text_.get(), in_memory.get(), in_file.get(), H5P_DEFAULT,
                   CleanTexts(texts).data()));
}

Handle FileWriter::object_creation(Hid kind) {
  Handle list(H5Pcreate(kind));
  // Times of the clock would make equal runs unequal files.
  checked(H5Pset_obj_track_times(list.get(), false));
  // Shown in the order in which they were made.
  checked(H5Pset_attr_creation_order(list.get(), H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED));
  if (kind != H5P_DATASET_CREATE) {
    checked(H5Pset_link_creation_order(list.get(), H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED));
  }
  return list;
}

void FileWriter::describe(Hid set, const Label& label) {
  attribute(set, "units", label.units);
  attribute(set, "long_name", label.long_name);
  if (!label.table.empty()) attribute(set, "table", "/tables/" + label.table);
  if (!label.cell_methods.empty()) attribute(set, "cell_methods", label.cell_methods);
}

void write_file(const std::filesystem::path& path, int compression,
                const std::function<void(FileWriter&)>& write) {
  start_hdf5();
  const FileSizeSignalIgnored no_signal;
  OutputFile output(path);
  try {
    FileWriter file(output.temporary().string(), compression);
    write(file);
    file.close();
    append_checksum(output.temporary());
  } catch (const Hdf5Error& error) {
    output.fail(error.what());
  } catch (const std::system_error& error) {
    output.fail(error.code().message());
  }
  output.commit();
}

}  // namespace nightwatt::timeline
