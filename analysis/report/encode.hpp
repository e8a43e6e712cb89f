#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// How the report's data stand in its page. Private to this folder.
namespace nightwatt::report {

using Json = nlohmann::ordered_json;

std::string base64(std::span<const std::byte> bytes);

/// {"f32": BASE64}, little-endian; or the number itself where all are equal (NaN is null). Nothing
/// is lost beyond the seven digits of a float.
Json float32_column(std::span<const double> values);
/// {"u32": BASE64}
Json uint32_column(std::span<const std::uint32_t> values);
/// {"u16": BASE64}
Json uint16_column(std::span<const std::uint16_t> values);

/// JSON that may stand inside <script>: no '<' is left, whatever the strings hold.
std::string script_safe(const Json& json);

}  // namespace nightwatt::report
