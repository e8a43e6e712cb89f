// Any bytes as the two tables of a PAI trace, cut at the first line that is "====": read, or
// refused with InputError; nothing else.
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>

#include "traces/diagnostics.hpp"
#include "traces/input.hpp"
#include "traces/reader.hpp"

namespace {

/// The second table has to be a file.
class TasksFile {
 public:
  TasksFile() {
    char name[] = "/tmp/nightwatt_fuzz_pai_XXXXXX";
    const int file = mkstemp(name);
    if (file < 0) std::abort();
    close(file);
    path_ = name;
  }
  ~TasksFile() { unlink(path_.c_str()); }
  TasksFile(const TasksFile&) = delete;
  TasksFile& operator=(const TasksFile&) = delete;
  const std::string& with(std::string_view content) {
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << content;
    return path_;
  }

 private:
  std::string path_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static TasksFile file;
  static constexpr std::string_view cut = "====\n";
  const std::string_view all(reinterpret_cast<const char*>(data), size);
  const std::string_view jobs = all.substr(0, all.find(cut));
  const std::string_view tasks =
      jobs.size() == all.size() ? std::string_view() : all.substr(jobs.size() + cut.size());
  nightwatt::ReadRequest request;
  request.path = "jobs";
  request.tasks_path = "tasks";
  request.resolved_tasks_path = file.with(tasks);
  request.format = "pai";
  request.rules = {{"duplicate_ids", "renumber"}, {"no_gpus", "keep"}};
  // Both ways through faulty rows: gathered, and left out.
  for (const char* bad_row : {"error", "skip"}) {
    request.rules["bad_row"] = bad_row;
    request.rules["several_tasks"] = bad_row[0] == 'e' ? "gang" : "split";
    try {
      auto input = nightwatt::Input::from_memory("jobs", jobs);
      nightwatt::read_workload(request, input);
    } catch (const nightwatt::InputError&) {
    }
  }
  return 0;
}
