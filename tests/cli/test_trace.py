"""`trace info` and `trace convert` from outside."""

import gzip
import json
import unittest

from harness import JOBS, ROOT, CliTest


class TraceInfo(CliTest):
    def test_figures_of_three_jobs(self):
        info = json.loads(self.expect(0, "trace", "info", "jobs.swf", "--json").stdout)
        self.assertEqual(info["jobs"], 3)
        self.assertEqual(info["files"][0]["format"], "swf")
        self.assertEqual(info["files"][0]["rows"], 3)
        self.assertEqual(len(info["files"][0]["sha256"]), 64)
        self.assertAlmostEqual(info["gpu_hours"], 144600 / 3600)
        self.assertEqual(info["jobs_by_gpus"], {"1": 1, "8": 1, "16": 1})
        self.assertEqual(info["jobs_by_state"], {"completed": 3})
        self.assertEqual(info["run_s"]["p50"], 3600)
        self.assertEqual(info["run_s"]["min"], 600)
        self.assertEqual(info["run_s"]["max"], 7200)
        self.assertIsNone(info["wait_s"]["mean"])
        table = self.expect(0, "trace", "info", "jobs.swf").stdout
        self.assertIn("2022-10-03 00:00:00 UTC", table)
        self.assertIn("40.17", table)

    def test_philly_as_its_readme_says(self):
        # Figures of traces/samples/README.md and of the file itself: 55,803 rows.
        done = self.expect(0, "trace", "info",
                           ROOT / "traces/samples/philly_2017-09-04_2017-11-05.csv.gz")
        self.assertIn("philly-csv", done.stdout)
        self.assertIn("55,803", done.stdout)
        self.assertLessEqual(max(map(len, done.stdout.splitlines())), 100)

    def test_bad_traces(self):
        (self.folder / "folder").mkdir()
        self.write("empty.swf", "")
        self.write("text.txt", "what is this\n")
        with gzip.open(self.folder / "cut.swf.gz", "wb") as file:
            file.write(JOBS.encode() * 1000)
        whole = (self.folder / "cut.swf.gz").read_bytes()
        (self.folder / "cut.swf.gz").write_bytes(whole[:len(whole) // 2])
        for name in ("missing.swf", "folder", "text.txt", "cut.swf.gz"):
            done = self.expect(2, "trace", "info", name)
            self.assertIn(name, done.stderr)
            self.assertIn("error", done.stderr)
        self.assertIn("did you mean 'swf'?",
                      self.expect(2, "trace", "info", "jobs.swf", "--format", "swff").stderr)
        self.assertIn("NAME=VALUE",
                      self.expect(2, "trace", "info", "jobs.swf", "--rule", "nothing").stderr)
        self.expect(2, "trace", "info", "jobs.swf", "--rule", "no_such_rule=skip")


class TraceConvert(CliTest):
    def info(self, *arguments):
        info = json.loads(self.expect(0, "trace", "info", *arguments, "--json").stdout)
        return info

    def test_swf_to_swf_and_back_is_the_same_workload(self):
        self.expect(0, "trace", "convert", "jobs.swf", "-o", "a.swf")
        self.expect(0, "trace", "convert", "a.swf", "-o", "b.swf")
        self.assertEqual((self.folder / "a.swf").read_text(), (self.folder / "b.swf").read_text())
        before, after = self.info("jobs.swf"), self.info("a.swf")
        for key in before:
            if key != "files":
                self.assertEqual(before[key], after[key], key)

    def test_swf_to_batsim_keeps_times_sizes_and_limits(self):
        self.expect(0, "trace", "convert", "jobs.swf", "-o", "a.json")
        batsim = json.loads((self.folder / "a.json").read_text())
        self.assertEqual(batsim["nb_res"], 16)
        self.assertEqual([job["id"] for job in batsim["jobs"]], ["1", "2", "3"])
        self.assertEqual([job["subtime"] for job in batsim["jobs"]], [0, 1800, 2400])
        self.assertEqual([batsim["profiles"][job["profile"]]["delay"] for job in batsim["jobs"]],
                         [3600, 7200, 600])
        before, after = self.info("jobs.swf"), self.info("a.json")
        for key in ("jobs", "gpu_hours", "run_s", "limit_s", "jobs_by_gpus"):
            self.assertEqual(before[key], after[key], key)

    def test_swf_to_csv_reads_back_with_its_column_names(self):
        self.expect(0, "trace", "convert", "jobs.swf", "-o", "a.csv")
        columns = [f"--column={field}={field}" for field in
                   ("submit", "run", "limit", "gpus", "user", "queue", "state")]
        before = self.info("jobs.swf")
        after = self.info("a.csv", "--format", "csv", "--column=id=job_id", "--time-form", "epoch",
                          *columns)
        for key in ("jobs", "gpu_hours", "run_s", "limit_s", "jobs_by_gpus", "jobs_by_state",
                    "jobs_by_user", "origin_unix_s"):
            self.assertEqual(before[key], after[key], key)

    def test_bad_outputs(self):
        (self.folder / "folder.swf").mkdir()
        for output in ("a.txt", "folder.swf", "missing/a.swf", "/dev/full"):
            done = self.expect(2, "trace", "convert", "jobs.swf", "-o", output)
            self.assertIn(output, done.stderr)
        self.assertEqual(self.files(), ["folder.swf", "jobs.swf", "three.yaml"])


if __name__ == "__main__":
    unittest.main()
