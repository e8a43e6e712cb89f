#pragma once

#include <string_view>

/// The page that analysis/report/web was bundled to when the program was built. Private to this
/// folder.
namespace nightwatt::report {

/// Where the data belong in it: the whole text of a <script type="application/json">.
inline constexpr std::string_view data_mark = "@nightwatt-report-data@";

/// Empty if the program was built without it.
std::string_view web_page();

}  // namespace nightwatt::report
