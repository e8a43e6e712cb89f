#include "sim/timeline/file_reader.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <hdf5.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>
#include <type_traits>
#include <utility>

#include "sim/timeline/checksum.hpp"
#include "sim/timeline/chunk_codec.hpp"
#include "traces/diagnostics.hpp"

namespace nightwatt::timeline {

namespace {

using Type = ColumnInfo::Type;

/// HDF5's types for the values in memory.
template <class T>
Hid memory_type() {
  if constexpr (std::is_same_v<T, double>) return H5T_NATIVE_DOUBLE;
  if constexpr (std::is_same_v<T, float>) return H5T_NATIVE_FLOAT;
  if constexpr (std::is_same_v<T, std::int64_t>) return H5T_NATIVE_INT64;
  if constexpr (std::is_same_v<T, std::int32_t>) return H5T_NATIVE_INT32;
}

bool is_text(Hid type) { return H5Tis_variable_str(type) > 0; }

/// Reads a column that stands in chunks which FileWriter, or HDF5's own filters, shuffled and
/// deflated: three times as fast as H5Dread.
/// @param values  all of the column
/// @return false if it stands there in another way; `values` is then to be read by H5Dread
template <class T>
bool read_chunks(const Handle& set, std::vector<T>& values) {
  const Handle type(H5Dget_type(set.get()));
  if (checked(H5Tequal(type.get(), memory_type<T>())) == 0) return false;
  const Handle how(H5Dget_create_plist(set.get()));
  hsize_t chunk = 0;
  if (H5Pget_layout(how.get()) != H5D_CHUNKED || H5Pget_chunk(how.get(), 1, &chunk) != 1 ||
      H5Pget_nfilters(how.get()) != 2) {
    return false;
  }
  for (const auto& [at, wanted] :
       {std::pair{0U, H5Z_FILTER_SHUFFLE}, std::pair{1U, H5Z_FILTER_DEFLATE}}) {
    std::size_t parameters = 0;
    if (H5Pget_filter2(how.get(), at, nullptr, &parameters, nullptr, 0, nullptr, nullptr) !=
        wanted) {
      return false;
    }
  }
  const std::size_t chunk_bytes = chunk * sizeof(T);
  constexpr std::size_t largest = std::size_t{64} << 20;
  if (chunk_bytes > largest) return false;
  ChunkDecoder decoder;
  std::vector<std::byte> encoded;
  for (hsize_t at = 0; at < values.size(); at += chunk) {
    hsize_t size = 0;
    checked(H5Dget_chunk_storage_size(set.get(), &at, &size));
    // Not written at all, or larger than anything that deflate makes.
    if (size == 0 || size > chunk_bytes + chunk_bytes / 8 + 1024) return false;
    encoded.resize(size);
    std::uint32_t skipped_filters = 0;
    checked(H5Dread_chunk(set.get(), H5P_DEFAULT, &at, &skipped_filters, encoded.data()));
    const std::size_t count = std::min<std::size_t>(chunk, values.size() - at);
    if (skipped_filters != 0 ||
        !decoder.decode(encoded, chunk_bytes, sizeof(T),
                        std::as_writable_bytes(std::span(values).subspan(at, count)))) {
      return false;
    }
  }
  return true;
}

}  // namespace

void refuse(const std::filesystem::path& path, const std::string& message) {
  throw InputError(Diagnostic{{path.string(), 0, 0}, message});
}

Handle open_file(const std::filesystem::path& path, const std::string& expected) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (std::filesystem::is_directory(status)) {
    refuse(path, fmt::format("expected {}, got a folder", expected));
  }
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) {
    refuse(path, "cannot be opened: " + std::generic_category().message(errno));
  }
  constexpr std::array<char, 8> signature = {'\x89', 'H', 'D', 'F', '\r', '\n', '\x1a', '\n'};
  std::array<char, 8> first{};
  const bool is_hdf5 = ::read(descriptor, first.data(), first.size()) == 8 && first == signature;
  ::close(descriptor);
  if (!is_hdf5) refuse(path, fmt::format("expected {}, got something that is not HDF5", expected));

  if (verify_checksum(path) == Checksum::differs) {
    refuse(path, "the file is damaged: its bytes do not match its checksum");
  }

  const Handle access(H5Pcreate(H5P_FILE_ACCESS));
  // A finished file never changes, and some network file systems have no locks.
  checked(H5Pset_file_locking(access.get(), false, true));
  const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDONLY, access.get());
  try {
    return Handle(file);
  } catch (const Hdf5Error& failure) {
    const std::string reason = failure.what();
    const bool cut = reason.find("truncated") != std::string::npos ||
                     reason.find("addr overflow") != std::string::npos;
    refuse(path, cut ? "the file is cut short, or still being written or copied"
                     : "damaged HDF5 file: " + reason);
  }
}

Type column_type(const Handle& set) {
  const Handle type(H5Dget_type(set.get()));
  if (is_text(type.get())) return Type::text;
  const std::size_t size = H5Tget_size(type.get());
  switch (H5Tget_class(type.get())) {
    case H5T_FLOAT:
      if (size == 8) return Type::float64;
      if (size == 4) return Type::float32;
      break;
    case H5T_INTEGER:
      if (size == 8) return Type::int64;
      if (size == 4) return Type::int32;
      if (size == 1) return Type::int8;
      break;
    default:
      break;
  }
  throw Hdf5Error("a column of an unexpected type");
}

Hdf5Error missing(const std::string& what) {
  return Hdf5Error("the " + what +
                   " is missing (if an earlier nightwatt wrote the file, run the scenario again)");
}

bool has(Hid parent, const std::string& name) {
  return H5Lexists(parent, name.c_str(), H5P_DEFAULT) > 0;
}

bool has_attribute(Hid object, const char* name) { return H5Aexists(object, name) > 0; }

std::string text_attribute(Hid object, const char* name) {
  const Handle attribute(H5Aopen(object, name, H5P_DEFAULT));
  const Handle file_type(H5Aget_type(attribute.get()));
  if (!is_text(file_type.get())) throw Hdf5Error(fmt::format("the attribute {} is not text", name));
  const Handle type = text_type();
  char* value = nullptr;
  checked(H5Aread(attribute.get(), type.get(), &value));
  std::string text = value == nullptr ? "" : value;
  H5free_memory(value);
  return text;
}

template <class T>
T number_attribute(Hid object, const char* name) {
  const Handle attribute(H5Aopen(object, name, H5P_DEFAULT));
  const Handle space(H5Aget_space(attribute.get()));
  if (H5Sget_simple_extent_npoints(space.get()) != 1) {
    throw Hdf5Error(fmt::format("the attribute {} is not a single value", name));
  }
  T value{};
  checked(H5Aread(attribute.get(), memory_type<T>(), &value));
  return value;
}
template double number_attribute(Hid, const char*);
template std::int64_t number_attribute(Hid, const char*);
template std::int32_t number_attribute(Hid, const char*);

Group::Group(Hid parent, const std::string& parent_path, const std::string& name)
    : path_(name == "/" ? name : parent_path + name + "/") {
  if (!has(parent, name)) throw missing("group " + parent_path + name);
  id_ = Handle(H5Gopen2(parent, name.c_str(), H5P_DEFAULT));
}

Handle Group::open(const std::string& name) const {
  if (!holds(name)) throw missing("column " + path_ + name);
  return Handle(H5Dopen2(id(), name.c_str(), H5P_DEFAULT));
}

std::vector<std::string> Group::names() const {
  std::vector<std::string> found;
  const auto add = [](hid_t, const char* name, const H5L_info_t*, void* data) -> herr_t {
    static_cast<std::vector<std::string>*>(data)->emplace_back(name);
    return 0;
  };
  checked(H5Literate(id(), H5_INDEX_CRT_ORDER, H5_ITER_INC, nullptr, add, &found));
  return found;
}

std::vector<std::size_t> Group::shape(const std::string& name) const {
  const Handle set = open(name);
  const Handle space(H5Dget_space(set.get()));
  const auto rank = checked(H5Sget_simple_extent_ndims(space.get()));
  std::array<hsize_t, H5S_MAX_RANK> sizes{};
  checked(H5Sget_simple_extent_dims(space.get(), sizes.data(), nullptr));
  return {sizes.begin(), sizes.begin() + rank};
}

std::size_t Group::values_of(const Handle& set, const std::string& name) const {
  const Handle space(H5Dget_space(set.get()));
  const hssize_t count = H5Sget_simple_extent_npoints(space.get());
  constexpr hssize_t most = hssize_t{1} << 36;  // 512 GiB of float64
  if (count < 0 || count > most) throw Hdf5Error(path_ + name + " is too large");
  return static_cast<std::size_t>(count);
}

template <class T>
std::vector<T> Group::numbers(const std::string& name) const {
  const Handle set = open(name);
  if (column_type(set) == Type::text) {
    throw Hdf5Error("the column " + path_ + name + " holds text, not numbers");
  }
  std::vector<T> values(values_of(set, name));
  if (!values.empty() && !read_chunks(set, values)) {
    checked(H5Dread(set.get(), memory_type<T>(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()));
  }
  return values;
}
template std::vector<double> Group::numbers(const std::string&) const;
template std::vector<float> Group::numbers(const std::string&) const;
template std::vector<std::int64_t> Group::numbers(const std::string&) const;
template std::vector<std::int32_t> Group::numbers(const std::string&) const;

std::vector<std::string> Group::texts(const std::string& name) const {
  const Handle set = open(name);
  const Handle file_type(H5Dget_type(set.get()));
  if (!is_text(file_type.get())) throw Hdf5Error("the column " + path_ + name + " is not text");
  const std::size_t count = values_of(set, name);
  std::vector<std::string> out;
  if (count == 0) return out;
  std::vector<char*> values(count, nullptr);
  const Handle type = text_type();
  const Handle space(H5Dget_space(set.get()));
  checked(H5Dread(set.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()));
  out.reserve(count);
  for (const char* value : values) out.emplace_back(value == nullptr ? "" : value);
  checked(H5Dvlen_reclaim(type.get(), space.get(), H5P_DEFAULT, values.data()));
  return out;
}

}  // namespace nightwatt::timeline
