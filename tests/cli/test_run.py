"""`run` and `check` from outside: results, exit status, what is left on disk."""

import json
import os
import pty
import resource
import signal
import subprocess
import time
import unittest

from harness import PROGRAM, SCENARIO, CliTest

KEYS = ["it_energy_j", "facility_energy_j", "carbon_g", "cost", "jobs_it_energy_j",
        "jobs_facility_energy_j", "jobs_carbon_g", "jobs_cost", "mean_wait_s",
        "mean_bounded_slowdown", "utilization", "makespan_s", "jobs_completed", "jobs_unfinished",
        "conservation_error", "wall_s", "jobs_per_s", "peak_rss_bytes"]

# About two million jobs: long enough to be interrupted in the middle.
LONG = """name: many jobs
period: {start: 2022-01-03T00:00:00Z, end: 2022-07-04T00:00:00Z}
sites:
  - name: here
    timezone: UTC
    partitions: [{name: gpus, nodes: 60, gpus_per_node: 8, device: {idle: 50 W, busy: 250 W}}]
workload:
  synthetic: {load: 80 %}
"""


class Run(CliTest):
    def test_bound_under_a_constant_signal_is_what_was_booked(self):
        done = self.expect(0, "run", "three.yaml", "--json", "--bound")
        summary = json.loads(done.stdout)
        self.assertEqual(summary["bound_freedom"], "start")
        for key in ("carbon_g", "cost"):
            booked = summary["jobs_" + key]
            self.assertLessEqual(summary["bound_" + key], booked)
            self.assertAlmostEqual(summary["bound_" + key] / booked, 1, delta=1e-6)
        self.assertAlmostEqual(summary["bound_carbon_gap"], 0, delta=1e-6)
        self.assertIn("network simplex", summary["bound_carbon_method"])

    def test_bound_without_a_series_is_null_and_says_so(self):
        lines = SCENARIO.splitlines(keepends=True)
        self.write("free.yaml", "".join(line for line in lines if "price:" not in line))
        done = self.expect(0, "run", "free.yaml", "--json", "--bound", "start,interruption")
        summary = json.loads(done.stdout)
        self.assertIsNone(summary["bound_cost"])
        self.assertIsNone(summary["bound_cost_gap"])
        self.assertIn("has no price", summary["bound_cost_method"])
        self.assertEqual(summary["bound_freedom"], "start, interruption")
        self.assertGreater(summary["bound_carbon_g"], 0)

    def test_bound_of_an_unknown_freedom(self):
        done = self.expect(2, "run", "three.yaml", "--bound", "wind")
        self.assertIn("expected start, interruption, site, device or cap, got 'wind'", done.stderr)

    def test_summary_is_what_a_hand_computes(self):
        # 16 GPUs at 50 W idle and 250 W busy. Job 1 0 h to 1 h on 8 GPUs, job 3 0:40 to 0:50 on
        # one, job 2 1 h to 3 h on 16. GPU-seconds held: 8*3600 + 600 + 16*7200 = 144,600.
        done = self.expect(0, "run", "three.yaml", "--json")
        summary = json.loads(done.stdout)
        self.assertEqual(done.stderr, "")
        for key in KEYS:
            self.assertIn(key, summary)
        day_j = 16 * 50 * 86400 + 144600 * 200
        self.assertAlmostEqual(summary["it_energy_j"] / day_j, 1, delta=1e-9)
        self.assertAlmostEqual(summary["facility_energy_j"] / day_j, 1.2, delta=1e-9)
        self.assertAlmostEqual(summary["carbon_g"] / (1.2 * day_j / 3.6e6 * 400), 1, delta=1e-9)
        self.assertAlmostEqual(summary["cost"] / (1.2 * day_j / 3.6e9 * 50), 1, delta=1e-9)
        self.assertAlmostEqual(summary["jobs_it_energy_j"] / (144600 * 250), 1, delta=1e-9)
        self.assertEqual(summary["jobs_completed"], 3)
        self.assertEqual(summary["jobs_unfinished"], 0)
        self.assertEqual(summary["makespan_s"], 10800)
        self.assertAlmostEqual(summary["mean_wait_s"], 1800 / 3)
        self.assertAlmostEqual(summary["mean_bounded_slowdown"], (1 + 1.25 + 1) / 3)
        self.assertEqual([summary[f"p{p}_wait_s"] for p in (50, 95, 99)], [0, 1800, 1800])
        self.assertEqual([summary[f"p{p}_jct_s"] for p in (50, 95, 99)], [3600, 9000, 9000])
        self.assertEqual(summary["p95_bounded_slowdown"], 1.25)
        self.assertAlmostEqual(summary["sites"][0]["peak_it_power_w"], 16 * 250)
        self.assertEqual(summary["classes"], [])
        self.assertAlmostEqual(summary["utilization"], 144600 / (16 * 10800))
        self.assertLessEqual(summary["conservation_error"], 1e-9)
        self.assertGreater(summary["wall_s"], 0)
        self.assertGreater(summary["peak_rss_bytes"], 1e6)

    def test_table_and_the_default_name(self):
        done = self.expect(0, "run", "three.yaml")
        self.assertIn("three jobs", done.stdout)
        self.assertIn("3 completed", done.stdout)
        self.assertTrue(done.stdout.endswith("timeline: three.h5\n"), done.stdout)
        self.assertEqual(done.stderr, "")
        self.assertLessEqual(max(map(len, done.stdout.splitlines())), 100)
        self.assertEqual(self.files(), ["jobs.swf", "three.h5", "three.yaml"])

    def test_timeline_opens_in_xarray(self):
        import xarray
        self.expect(0, "--quiet", "run", "three.yaml", "-o", "out.h5")
        with xarray.open_dataset(self.folder / "out.h5", group="jobs") as jobs:
            self.assertEqual(list(jobs["job_id"].values), [1, 2, 3])
            self.assertEqual(list(jobs["wait_s"].values), [0, 1800, 0])
            self.assertEqual(jobs["wait_s"].attrs["units"], "s")
        with xarray.open_dataset(self.folder / "out.h5") as root:
            self.assertRegex(root.attrs["source"], r"^nightwatt \d")

    def test_quiet_prints_nothing_but_what_is_asked_for(self):
        done = self.expect(0, "--quiet", "run", "three.yaml")
        self.assertEqual((done.stdout, done.stderr), ("", ""))
        self.assertTrue(json.loads(self.expect(0, "--quiet", "run", "three.yaml", "--json").stdout))

    def test_two_runs_from_two_folders_are_equal_bytes(self):
        self.expect(0, "--quiet", "run", "three.yaml", "-o", "a.h5")
        os.mkdir(self.folder / "below")
        for name in ("jobs.swf", "three.yaml"):
            os.link(self.folder / name, self.folder / "below" / name)
        self.expect(0, "--quiet", "run", "three.yaml", "-o", "b.h5", cwd=self.folder / "below")
        self.assertEqual((self.folder / "a.h5").read_bytes(),
                         (self.folder / "below/b.h5").read_bytes())

    def test_set_and_seed(self):
        done = self.expect(0, "run", "three.yaml", "--json", "--seed", "7", "--set",
                           "sites[0].carbon=800 gCO2e/kWh", "--set", "sites[0].facility.pue=1")
        summary = json.loads(done.stdout)
        self.assertAlmostEqual(summary["facility_energy_j"] / summary["it_energy_j"], 1, delta=1e-12)
        self.assertAlmostEqual(summary["carbon_g"] / (summary["it_energy_j"] / 3.6e6 * 800), 1,
                               delta=1e-9)
        canonical = self.expect(0, "check", "three.yaml", "--canonical", "--set",
                                "sites[0].facility.pue=1.5").stdout
        self.assertIn("1.5", canonical)
        error = self.expect(2, "run", "three.yaml", "-o", "b.h5", "--set", "sites[0].carbn=1").stderr
        self.assertRegex(error, r"^--set:1:\d+: error: .*'carbn'.*did you mean 'carbon'\?")
        self.assertNotIn("b.h5", self.files())

    def test_without_carbon_and_price_they_are_null_not_zero(self):
        self.write("bare.yaml", "\n".join(line for line in SCENARIO.splitlines()
                                          if "carbon" not in line and "price" not in line) + "\n")
        summary = json.loads(self.expect(0, "run", "bare.yaml", "--json").stdout)
        for key in ("carbon_g", "cost", "jobs_carbon_g", "jobs_cost"):
            self.assertIsNone(summary[key], key)
        self.assertIn("carbon intensity is not given", self.expect(0, "run", "bare.yaml").stdout)

    def test_check(self):
        done = self.expect(0, "check", "three.yaml")
        self.assertIn("3 jobs in the period", done.stdout)
        self.assertIn("16 GPUs in 1 partition", done.stdout)
        # 144,600 GPU-seconds in a day
        self.assertIn("mean demand 1.674 GPUs (10.5 %)", done.stdout)
        self.assertEqual(self.files(), ["jobs.swf", "three.yaml"])


class BadInput(CliTest):
    def test_all_faults_of_a_scenario_at_once(self):
        self.write("bad.yaml", SCENARIO.replace("gpus_per_node: 8", "gpu_per_node: 8")
                   .replace("400 gCO2e/kWh", "400"))
        for command in ("run", "check"):
            done = self.expect(2, command, "bad.yaml")
            self.assertRegex(done.stderr, r"bad\.yaml:9:9: error: .*'gpu_per_node'.*"
                                          r"did you mean 'gpus_per_node'\?")
            self.assertRegex(done.stderr, r"bad\.yaml:\d+:\d+: error: .*carbon.*'400'")
            self.assertEqual(done.stdout, "")
        self.assertEqual(self.files(), ["bad.yaml", "jobs.swf", "three.yaml"])

    def test_faults_of_a_trace(self):
        self.write("jobs.swf", "1 0 -1 x 8\n")
        done = self.expect(2, "run", "three.yaml")
        self.assertRegex(done.stderr, r"jobs\.swf:1:\d+: error: ")
        self.assertNotIn("three.h5", self.files())

    def test_jobs_that_fit_nowhere_are_named(self):
        self.write("jobs.swf", "77 0 -1 10 64 -1 -1 64 10 -1 1 1 1 -1 1 -1 -1 -1\n")
        for command in ("check", "run"):
            done = self.expect(2, command, "three.yaml", "--set",
                               "workload.shift={to: 2022-10-03}")
            self.assertIn("77", done.stderr)
            self.assertIn("64", done.stderr)

    def test_what_is_no_scenario(self):
        (self.folder / "folder.yaml").mkdir()
        self.write("empty.yaml", "")
        (self.folder / "bytes.yaml").write_bytes(bytes(range(256)) * 10)
        for name in ("missing.yaml", "folder.yaml", "empty.yaml", "bytes.yaml"):
            done = self.expect(2, "run", name)
            self.assertIn(name, done.stderr)
            self.assertNotIn("internal error", done.stderr)

    def test_output_that_cannot_be_written_is_found_before_the_run(self):
        (self.folder / "folder").mkdir()
        self.write("file", "")
        for output in ("folder", "missing/out.h5", "file/out.h5", "/dev/full"):
            done = self.expect(2, "run", "three.yaml", "-o", output)
            self.assertIn(output, done.stderr)
            self.assertEqual(done.stdout, "")
        self.assertEqual(self.files(), ["file", "folder", "jobs.swf", "three.yaml"])

    def test_output_may_not_be_an_input(self):
        for name in ("three.yaml", "jobs.swf"):
            before = (self.folder / name).read_bytes()
            done = self.expect(2, "run", "three.yaml", "-o", name)
            self.assertIn("is an input", done.stderr)
            self.assertEqual((self.folder / name).read_bytes(), before)

    @unittest.skipIf("NIGHTWATT_COVERAGE" in os.environ, "gcov writes its counters at the end, under the limit too")
    def test_full_disk_leaves_the_older_file(self):
        (self.folder / "out.h5").write_bytes(b"older")
        done = self.expect(2, "run", "three.yaml", "-o", "out.h5",
                           preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE,
                                                                 (4096, 4096)))
        self.assertIn("out.h5", done.stderr)
        self.assertEqual((self.folder / "out.h5").read_bytes(), b"older")
        self.assertEqual(self.files(), ["jobs.swf", "out.h5", "three.yaml"])


class Interrupted(CliTest):
    def interrupt(self, number, *arguments):
        """Sends the signal when the program shows that it simulates, on a terminal."""
        self.write("long.yaml", LONG)
        controller, terminal = pty.openpty()
        process = subprocess.Popen([PROGRAM, "run", "long.yaml", *arguments], cwd=self.folder,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=terminal)
        os.close(terminal)
        shown = b""
        try:
            while b"jobs ended" not in shown:
                shown += os.read(controller, 4096)
            process.send_signal(number)
            while True:
                shown += os.read(controller, 4096)
        except OSError:  # the terminal's other end is closed
            pass
        finally:
            out, _ = process.communicate(timeout=60)
            os.close(controller)
        return process.returncode, out.decode(), shown.decode()

    def test_sigint_ends_with_130_and_leaves_nothing(self):
        status, out, shown = self.interrupt(signal.SIGINT)
        self.assertEqual(status, 130, shown)
        self.assertIn("interrupted: long.h5 was not written", shown)
        self.assertEqual(out, "")
        self.assertEqual(self.files(), ["jobs.swf", "long.yaml", "three.yaml"])

    def test_an_older_file_stays_as_it_was(self):
        (self.folder / "out.h5").write_bytes(b"older")
        status, _, shown = self.interrupt(signal.SIGINT, "-o", "out.h5")
        self.assertEqual(status, 130, shown)
        self.assertIn("out.h5 is from an earlier run and stays as it was", shown)
        self.assertEqual((self.folder / "out.h5").read_bytes(), b"older")

    def test_sigterm_ends_with_143(self):
        self.assertEqual(self.interrupt(signal.SIGTERM)[0], 143)

    def test_sigint_while_reading(self):
        # A pipe that nobody writes to: the program waits for its trace.
        os.unlink(self.folder / "jobs.swf")
        os.mkfifo(self.folder / "jobs.swf")
        process = subprocess.Popen([PROGRAM, "run", "three.yaml"], cwd=self.folder,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        time.sleep(1)
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=60)
        # A reader may also refuse what is no regular file.
        self.assertIn(process.returncode, (130, 2), error)
        self.assertNotIn("three.h5", self.files())


if __name__ == "__main__":
    unittest.main()
