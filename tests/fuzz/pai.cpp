// Any bytes as the two tables of a PAI trace, cut at the first line that is "====": read, or
// refused with InputError; nothing else.
#include "tests/fuzz/read_workload.hpp"
#include "tests/fuzz/target.hpp"
#include "tests/support/temporary_folder.hpp"

NIGHTWATT_FUZZ_TARGET(pai) {
  using namespace nightwatt::testing;
  static const nightwatt::test::TemporaryFolder folder;
  static constexpr std::string_view cut = "====\n";
  const std::string_view jobs = bytes.substr(0, bytes.find(cut));
  const std::string_view tasks =
      jobs.size() == bytes.size() ? std::string_view() : bytes.substr(jobs.size() + cut.size());
  bool taken = false;
  for (const char* several : {"gang", "split"}) {
    nightwatt::ReadRequest request = request_of(
        "pai", {{"duplicate_ids", "renumber"}, {"no_gpus", "keep"}, {"several_tasks", several}});
    request.tasks_path = "tasks";
    request.resolved_tasks_path = folder.file("tasks", tasks);
    if (read_workload_bytes(request, jobs)) taken = true;
  }
  return taken;
}
