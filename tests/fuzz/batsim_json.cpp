// Any bytes as a Batsim workload: read, or refused with InputError; nothing else.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "traces/diagnostics.hpp"
#include "traces/input.hpp"
#include "traces/reader.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  nightwatt::ReadRequest request;
  request.path = "trace";
  request.format = "batsim-json";
  request.rules = {{"flops_per_s", "1e9"}, {"duplicate_ids", "renumber"}};
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
