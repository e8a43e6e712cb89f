#pragma once

#include <string_view>

#include "traces/builder.hpp"
#include "traces/input.hpp"
#include "traces/reader.hpp"

/// One file a workload format. To add one:
///
/// 1. Write `traces/formats/NAME.cpp` with a function `Format NAME_format()`, and declare it below.
/// 2. Add it to the list in traces/reader.cpp (a static library drops objects that nobody names, so
///    that formats cannot register themselves).
///
/// A format says who it is (`FormatInfo`, with its rules: own ones and shared ones of
/// traces/rules.hpp, default first), how its content is recognised, and how it is read:
///
///     void read(Input& input, WorkloadBuilder& builder) {
///       Table table(input, {.delimiter = ','});
///       RowFields row(table, builder);
///       const auto id = row.require("job_id"), run = row.require("duration");
///       Rule& missing_end = builder.rule("missing_end");
///       builder.diagnostics().throw_if_any();        // a header without them: stop here
///       while (row.next(table.header().size())) {    // counts rows; too short = bad_row
///         if (row.empty(run)) {
///           builder.leave_out(missing_end, row.position(run), "duration: the job has no end");
///           continue;
///         }
///         Job job;
///         job.row = row.line();
///         job.run_s = row.number(run);               // a fault is noted, with its position
///         if (row.ok()) builder.add(job, row.text(id), row.position());
///       }
///     }
///
/// JSON readers take `input.read_all()` and call `builder.count_row()`, `builder.bad_row(position,
/// message)` and `builder.add(job, id, position)` themselves.
///
/// `add` applies the shared rules negative_duration, zero_duration, over_limit and no_gpus where
/// the format declares them, so a reader hands over what the file says. Ids are taken as text; they
/// become numbers where all of them are whole numbers. Sorting, duplicate ids and rows, numbering
/// of jobs without id, dependencies and the report are done in `finish`, not in the formats. Times
/// are either Unix seconds (`builder.times_are_unix()`) or count from the trace's own zero. A
/// format throws InputError only where reading cannot go on; faults that were noted before are
/// shown with it.

namespace nightwatt {

struct Format {
  FormatInfo info;
  /// Whether a file that begins like this (up to 64 kB, decompressed) is of this format; nullptr
  /// for a format that has to be named.
  bool (*recognise)(std::string_view head) = nullptr;
  void (*read)(Input& input, WorkloadBuilder& builder) = nullptr;
};

Format swf_format();
Format philly_csv_format();
Format helios_format();
Format acme_format();
Format sacct_format();
Format csv_format();
Format philly_json_format();
Format batsim_json_format();
Format pai_format();
Format openb_format();

/// The first line of `head` that is neither empty nor begins with `comment`.
std::string_view first_line(std::string_view head, char comment = '\0');
/// Whether the first line, split at `delimiter`, has all the `names` (separated by commas).
bool header_has(std::string_view head, char delimiter, std::string_view names);

}  // namespace nightwatt
