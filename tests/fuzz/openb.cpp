// Any bytes as an openb pod list: read, or refused with InputError; nothing else.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "traces/diagnostics.hpp"
#include "traces/input.hpp"
#include "traces/reader.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  nightwatt::ReadRequest request;
  request.path = "trace";
  request.format = "openb";
  request.rules = {{"no_gpus", "keep"}, {"duplicate_ids", "keep_last"}};
  // Both ways through faulty rows: gathered, and left out.
  for (const char* bad_row : {"error", "skip"}) {
    request.rules["bad_row"] = bad_row;
    try {
      auto input =
          nightwatt::Input::from_memory("trace", {reinterpret_cast<const char*>(data), size});
      nightwatt::read_workload(request, input);
    } catch (const nightwatt::InputError&) {
    }
  }
  return 0;
}
