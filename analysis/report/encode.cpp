#include "analysis/report/encode.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

namespace nightwatt::report {
namespace {

static_assert(std::endian::native == std::endian::little, "the page reads little-endian numbers");

template <class T>
Json typed(const char* type, const std::vector<T>& values) {
  return {{type, base64(std::as_bytes(std::span(values)))}};
}

}  // namespace

std::string base64(std::span<const std::byte> bytes) {
  constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t left = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      group = group << 8 | (k < left ? std::to_integer<std::uint32_t>(bytes[i + k]) : 0U);
    }
    for (std::size_t k = 0; k < 4; ++k) {
      out += k <= left ? digits[group >> (18 - 6 * k) & 63] : '=';
    }
  }
  return out;
}

Json float32_column(std::span<const double> values) {
  const auto same = [&](double v) {
    return v == values.front() || (std::isnan(v) && std::isnan(values.front()));
  };
  if (!values.empty() && std::all_of(values.begin(), values.end(), same)) return values.front();
  return typed("f32", std::vector<float>(values.begin(), values.end()));
}

Json uint32_column(std::span<const std::uint32_t> values) {
  return typed("u32", std::vector<std::uint32_t>(values.begin(), values.end()));
}

Json uint16_column(std::span<const std::uint16_t> values) {
  return typed("u16", std::vector<std::uint16_t>(values.begin(), values.end()));
}

std::string script_safe(const Json& json) {
  // In JSON '<' stands in strings only.
  const std::string text = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  std::string out;
  out.reserve(text.size() + 64);
  for (const char c : text) {
    if (c == '<') {
      out += "\\u003c";
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace nightwatt::report
