#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "traces/reader.hpp"

namespace nightwatt::cli {

/// How a trace is read, as the command line says it.
struct TraceOptions {
  ReadRequest request;
  std::vector<std::string> columns, rules;  ///< "name=value"
  bool no_header = false;

  /// Adds FILE and the options of reading to a subcommand.
  static std::shared_ptr<TraceOptions> add_to(CLI::App& command);
  /// Reads the trace. @throws InputError
  [[nodiscard]] Workload read() const;
};

}  // namespace nightwatt::cli
