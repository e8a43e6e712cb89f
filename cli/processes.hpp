#pragma once

#include <sys/types.h>

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace nightwatt::cli {

/// Of a copy of this process: it is killed when `parent`, which made it, ends.
void end_with(pid_t parent);

/// Does `work` for 0 to `count` - 1 in copies of this process, which must have no threads.
/// What fails there is done once more in this process, which so meets its exception.
/// @param processes  at once; 1 does all here
/// @return [count] what `work` gave
std::vector<std::string> in_processes(std::size_t count, std::size_t processes,
                                      const std::function<std::string(std::size_t)>& work);

}  // namespace nightwatt::cli
