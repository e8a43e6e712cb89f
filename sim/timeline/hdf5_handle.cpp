#include "sim/timeline/hdf5_handle.hpp"

#include <hdf5.h>

#include <cerrno>
#include <charconv>
#include <cstddef>
#include <system_error>
#include <type_traits>

namespace nightwatt::timeline {

static_assert(std::is_same_v<Hid, hid_t>);

namespace {

/// Keeps the innermost description, or better the one that names the system's error.
herr_t remember(unsigned /*depth*/, const H5E_error2_t* entry, void* data) {
  auto& reason = *static_cast<std::string*>(data);
  const std::string text = entry->desc == nullptr ? "" : entry->desc;
  const std::string_view key = "errno = ";
  if (const std::size_t at = text.find(key); at != std::string::npos) {
    int code = 0;
    std::from_chars(text.data() + at + key.size(), text.data() + text.size(), code);
    if (code != 0) {
      reason = std::generic_category().message(code);
      return 1;  // stops the walk
    }
  }
  if (reason.empty()) reason = text;
  return 0;
}

/// Length of the UTF-8 sequence at the front of `text`, 0 where it is not valid (RFC 3629).
std::size_t utf8_sequence(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  std::size_t length = 0;
  unsigned char low = 0x80, high = 0xBF;  // of the second byte
  if (first >= 0xC2 && first <= 0xDF) {
    length = 2;
  } else if (first >= 0xE0 && first <= 0xEF) {
    length = 3;
    if (first == 0xE0) low = 0xA0;
    if (first == 0xED) high = 0x9F;
  } else if (first >= 0xF0 && first <= 0xF4) {
    length = 4;
    if (first == 0xF0) low = 0x90;
    if (first == 0xF4) high = 0x8F;
  }
  if (length == 0 || length > text.size() || byte(1) < low || byte(1) > high) return 0;
  for (std::size_t i = 2; i < length; ++i) {
    if (byte(i) < 0x80 || byte(i) > 0xBF) return 0;
  }
  return length;
}

}  // namespace

void start_hdf5() {
  // The library closes what is still open when the process ends. For a file that could not be
  // written it would try that again and print about it.
  [[maybe_unused]] static const bool started = [] {
    H5dont_atexit();
    return H5open() >= 0;
  }();
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
}

Hid checked(Hid result) {
  if (result >= 0) return result;
  std::string reason;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, remember, &reason);
  throw Hdf5Error(reason.empty() ? "unknown failure of the HDF5 library" : reason);
}

void Handle::close() {
  if (id_ >= 0) checked(H5Idec_ref(release()));
}

void Handle::reset() noexcept {
  if (id_ >= 0) H5Idec_ref(release());
}

Handle text_type() {
  Handle type(H5Tcopy(H5T_C_S1));
  checked(H5Tset_size(type.get(), H5T_VARIABLE));
  checked(H5Tset_cset(type.get(), H5T_CSET_UTF8));
  return type;
}

std::string printable_utf8(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    std::size_t length = text.front() == '\0' ? 0 : utf8_sequence(text);
    if (length > 0) {
      out += text.substr(0, length);
    } else {
      const auto byte = static_cast<unsigned char>(text.front());
      out += "\\x";
      out += digits[byte >> 4];
      out += digits[byte & 15];
      length = 1;
    }
    text.remove_prefix(length);
  }
  return out;
}

}  // namespace nightwatt::timeline
