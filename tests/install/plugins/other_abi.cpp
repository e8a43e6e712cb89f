// policy: order late
// expected: was built for plug-in interface 4711
#include <cstdint>

extern "C" {
extern const std::uint32_t nightwatt_plugin_abi;
const std::uint32_t nightwatt_plugin_abi = 4711;
void nightwatt_register_plugin();
void nightwatt_register_plugin() { __builtin_trap(); }
}
