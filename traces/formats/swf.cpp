#include "traces/formats/formats.hpp"

namespace nightwatt {
Format swf_format() { return {}; }
}  // namespace nightwatt
