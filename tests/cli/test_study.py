"""`nightwatt study`: grids, what stays of them, going on after a kill, and what others read of them."""

import fcntl
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import time
import unittest

from harness import PROGRAM, CliTest

STUDY = """name: Backfilling and cooling
scenario: three.yaml
grid:
  policies.backfill: [none, easy]
  cooling:
    good: {}
    bad:
      sites[0].facility.pue: 2
"""

# Long enough to be killed in the middle: a tenth of a second a run.
WORK = """name: drawn jobs
period: {start: 2022-10-03T00:00:00Z, end: 2022-11-07T00:00:00Z}
sites:
  - name: here
    partitions: [{name: gpus, nodes: 8, gpus_per_node: 8, device: {idle: 50 W, busy: 250 W}}]
    carbon: 400 gCO2e/kWh
workload: {synthetic: {load: 80 %, run: {median: 10 min}}}
output: {timeline: 1 h}
"""
WORK_STUDY = """name: Long enough to be killed
scenario: work.yaml
grid: {policies.order: [fcfs, sjf], policies.backfill: [none, easy]}
seeds: 4
"""


def contents(folder):
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in folder.rglob("*") if path.is_file()}


class StudyTest(CliTest):
    def setUp(self):
        super().setUp()
        self.write("s.yaml", STUDY)

    def index(self, folder="out"):
        import xarray
        with xarray.open_dataset(self.folder / folder / "study.h5") as file:
            return file.load()

    def timelines(self, folder="out"):
        return sorted(path.name for path in (self.folder / folder / "runs").iterdir())


class Grid(StudyTest):
    def test_runs_are_those_of_run(self):
        table = self.expect(0, "study", "s.yaml", "-o", "out").stdout
        self.assertIn("Backfilling and cooling", table)
        self.assertIn("4 runs in", table)
        self.assertEqual(len(self.timelines()), 4)
        study = self.index()
        self.assertEqual(study.carbon_g.dims, ("policies.backfill", "cooling", "seed"))
        for backfill in ("none", "easy"):
            for cooling, pue in (("good", 1.2), ("bad", 2)):
                done = self.expect(0, "run", "three.yaml", "-o", "own.h5", "--json", "--set",
                                   f"policies.backfill={backfill}", "--set", f"sites[0].facility.pue={pue}")
                point = study.sel({"policies.backfill": backfill, "cooling": cooling, "seed": 1})
                for key, value in json.loads(done.stdout).items():
                    # Carbon and cost are charged to the latest end of all runs, which all share here.
                    if key in ("it_energy_j", "jobs_carbon_g", "mean_wait_s", "utilization", "makespan_s"):
                        self.assertEqual(float(point[key]), value, f"{backfill} {cooling} {key}")
                timeline = self.folder / "out" / str(point.file.values)
                self.assertEqual(timeline.read_bytes(), (self.folder / "own.h5").read_bytes())

    def test_list_names_the_runs(self):
        self.assertEqual(self.expect(0, "study", "s.yaml", "--list").stdout.splitlines(), [
            "policies.backfill = none, cooling = good, seed 1",
            "policies.backfill = none, cooling = bad, seed 1",
            "policies.backfill = easy, cooling = good, seed 1",
            "policies.backfill = easy, cooling = bad, seed 1"])
        self.assertFalse((self.folder / "s").exists())

    def test_folder_is_named_after_the_study(self):
        shutil.move(self.folder / "s.yaml", self.folder / "caps.study.yaml")
        self.expect(0, "study", "caps.study.yaml", "--quiet")
        self.assertTrue((self.folder / "caps" / "study.h5").exists())

    def test_equal_runs_differ_by_exactly_nothing(self):
        self.write("s.yaml", STUDY.replace("pue: 2", "pue: 1.2"))
        self.expect(0, "study", "s.yaml", "-o", "out")
        compared = json.loads(self.expect(0, "compare", "out/study.h5", "--json").stdout)
        self.assertEqual(len(compared["runs"]), 3)
        for figure in compared["runs"][0]["total"]["horizon"].values():
            self.assertEqual(figure["difference"], 0.0)

    def test_compare_reads_the_index(self):
        self.write("s.yaml", STUDY + "seeds: 3\n")
        self.expect(0, "study", "s.yaml", "-o", "out")
        text = self.expect(0, "compare", "out/study.h5").stdout
        self.assertIn("BASE: none, good", text)
        self.assertIn("All runs, in % of BASE", text)
        self.assertTrue(all(len(line) <= 100 for line in text.splitlines()))
        compared = json.loads(self.expect(0, "compare", "out/study.h5", "--json").stdout)
        self.assertEqual([run["run"]["title"] for run in compared["runs"]], ["none, bad", "easy, good", "easy, bad"])
        self.assertEqual(compared["runs"][0]["run"]["seeds"], [1, 2, 3])
        # A worse facility: 2 / 1.2 of the carbon.
        carbon = compared["runs"][0]["total"]["horizon"]["carbon_g"]
        self.assertAlmostEqual(carbon["relative"], 2 / 1.2 - 1, places=12)
        done = self.expect(2, "compare", "out/study.h5", "out/study.h5")
        self.assertIn("name no other files beside it", done.stderr)


    def test_work_that_differs_is_compared_with_its_own_base(self):
        self.write("few.swf", "".join((self.folder / "jobs.swf").read_text().splitlines(True)[:-1]))
        self.write("s.yaml", STUDY + """  jobs:
    all: {}
    few: {workload.trace: few.swf}
""")
        table = self.expect(0, "study", "s.yaml", "-o", "out").stdout
        self.assertEqual(table.count(" base "), 2 * 3, table)
        done = self.expect(2, "compare", "out/study.h5")
        self.assertIn("choose one value of what changes it: --where AXIS=VALUE", done.stderr)
        for jobs in ("all", "few"):
            done = self.expect(0, "compare", "out/study.h5", "--where", f"jobs={jobs}")
            self.assertIn(f"BASE: none, good, {jobs}", done.stdout)
        self.assertIn("did you mean 'jobs=few'?",
                      self.expect(2, "compare", "out/study.h5", "--where", "jobs=fews").stderr)
        self.assertIn("expected the index of a study, got timelines",
                      self.expect(2, "compare", "a.h5", "b.h5", "--where", "jobs=few").stderr)


class Going(StudyTest):
    def test_the_number_of_processes_changes_nothing(self):
        for jobs in (1, 2, 5):
            self.expect(0, "study", "s.yaml", "-o", f"jobs{jobs}", "--jobs", str(jobs))
        self.assertEqual(contents(self.folder / "jobs1"), contents(self.folder / "jobs2"))
        self.assertEqual(contents(self.folder / "jobs1"), contents(self.folder / "jobs5"))

    def test_what_is_done_is_not_done_again(self):
        self.expect(0, "study", "s.yaml", "-o", "out")
        before = {path: path.stat().st_mtime_ns for path in (self.folder / "out" / "runs").iterdir()}
        index = (self.folder / "out" / "study.h5").read_bytes()
        self.assertIn("4 runs, 4 of them from before, in", self.expect(0, "study", "s.yaml", "-o", "out").stdout)
        # A wider grid and more seeds go on from what is there.
        self.write("s.yaml", STUDY.replace("[none, easy]", "[none, easy, conservative]") + "seeds: 2\n")
        self.assertIn("12 runs, 4 of them from before, in", self.expect(0, "study", "s.yaml", "-o", "out").stdout)
        for path, changed in before.items():
            self.assertEqual(path.stat().st_mtime_ns, changed)
        self.assertNotEqual((self.folder / "out" / "study.h5").read_bytes(), index)
        # A smaller one does not: the folder holds runs that are none of it.
        self.write("s.yaml", STUDY)
        done = self.expect(2, "study", "s.yaml", "-o", "out")
        self.assertEqual(done.stderr.count("not a run of this study as it is now"), 8)
        self.assertEqual(len(self.timelines()), 12)

    def test_changed_inputs_are_noticed(self):
        self.expect(0, "study", "s.yaml", "-o", "out")
        self.write("jobs.swf", (self.folder / "jobs.swf").read_text().replace("600", "900"))
        done = self.expect(2, "study", "s.yaml", "-o", "out")
        self.assertIn("'jobs.swf' has changed since", done.stderr)
        self.assertEqual(len(self.timelines()), 4)
        # As the message says: what is removed is run again.
        (self.folder / "out" / "runs" / self.timelines()[0]).unlink()
        self.assertEqual(self.expect(2, "study", "s.yaml", "-o", "out").stderr.count("has changed since"), 3)

    def test_a_damaged_timeline_is_noticed(self):
        self.expect(0, "study", "s.yaml", "-o", "out")
        path = self.folder / "out" / "runs" / self.timelines()[1]
        path.write_bytes(path.read_bytes()[:-1000])
        done = self.expect(2, "study", "s.yaml", "-o", "out")
        self.assertIn(path.name, done.stderr)

    def test_killed_at_any_moment_it_ends_with_the_same_bytes(self):
        self.write("work.yaml", WORK)
        self.write("w.yaml", WORK_STUDY)
        begun = time.monotonic()
        self.expect(0, "study", "w.yaml", "-o", "whole", "--quiet")
        whole_s = time.monotonic() - begun
        moments = random.Random(1)
        killed = 0
        for _ in range(10):
            process = subprocess.Popen([PROGRAM, "study", "w.yaml", "-o", "killed", "--quiet"], cwd=self.folder,
                                       stdin=subprocess.DEVNULL)
            try:
                self.assertEqual(process.wait(moments.uniform(0, 0.3 * whole_s)), 0)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                killed += 1
        self.assertGreater(killed, 2)
        self.expect(0, "study", "w.yaml", "-o", "killed", "--quiet")
        self.assertEqual(contents(self.folder / "killed"), contents(self.folder / "whole"))
        self.assertEqual(len(contents(self.folder / "whole")), 16 + 2)

    def test_killed_after_a_timeline_was_whole(self):
        self.expect(0, "study", "s.yaml", "-o", "out")
        # What a process leaves that was killed just before it would have removed it.
        (self.folder / "out" / "failed").mkdir()
        for name in self.timelines()[:2]:
            (self.folder / "out" / "failed" / name).with_suffix(".txt").touch()
        self.assertIn("4 runs, 4 of them from before, in", self.expect(0, "study", "s.yaml", "-o", "out").stdout)
        self.assertFalse((self.folder / "out" / "failed").exists())

    def test_interrupted_it_says_what_it_kept(self):
        self.write("work.yaml", WORK)
        self.write("w.yaml", WORK_STUDY)
        process = subprocess.Popen([PROGRAM, "study", "w.yaml", "-o", "out"], cwd=self.folder, text=True,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        runs = self.folder / "out" / "runs"
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and not (runs.exists() and any(runs.glob("*.h5"))):
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=60)
        self.assertEqual((process.returncode, output), (130, ""), errors)
        kept = len(self.timelines())
        self.assertRegex(errors, rf"^interrupted: {kept} of 16 runs are kept in out; the same command goes on\n$")
        self.assertFalse((self.folder / "out" / "study.h5").exists())
        self.assertEqual([name for name in self.timelines() if not name.endswith(".h5")], [])
        self.assertIn(f"16 runs, {kept} of them from before, in", self.expect(0, "study", "w.yaml", "-o", "out").stdout)


class Failing(StudyTest):
    FAILING = STUDY + """  site:
    right: {}
    wrong:
      sites[0].carbon: {file: none.csv, format: electricity-maps}
"""

    def test_a_failed_run_fails_the_study_and_the_others_stay(self):
        self.write("s.yaml", self.FAILING)
        done = self.expect(2, "study", "s.yaml", "-o", "out")
        self.assertIn("4 runs, 4 failed, in", done.stdout)
        self.assertIn("failed: none.csv: error: the file does not exist\n"
                      "  policies.backfill = none, cooling = good, site = wrong, seed 1\n", done.stderr)
        self.assertIn("  and 1 more\nwhat they said is in out/failed\n", done.stderr)
        self.assertEqual(len(list((self.folder / "out" / "failed").iterdir())), 4)
        self.assertEqual(len(self.timelines()), 4)
        study = self.index()
        self.assertEqual(int(study.carbon_g.isnull().sum()), 4)
        self.assertEqual(float(study.jobs_completed.sel(site="right").sum()), 12.0)
        # Nothing is paired: each seed lacks a run.
        done = self.expect(2, "compare", "out/study.h5")
        self.assertIn("with each seed at least one run failed", done.stderr)
        # Mended, only what failed is run.
        self.write("none.csv", "Datetime (UTC),Zone id,Carbon intensity gCO₂eq/kWh (direct)\n" + "".join(
            f"2022-10-{3 + h // 24:02} {h % 24:02}:00:00,XX,{100 + h}\n" for h in range(72)))
        self.assertIn("8 runs, 4 of them from before, in", self.expect(0, "study", "s.yaml", "-o", "out").stdout)
        self.assertFalse((self.folder / "out" / "failed").exists())

    def test_all_fail(self):
        (self.folder / "jobs.swf").unlink()
        done = self.expect(2, "study", "s.yaml", "-o", "out")
        self.assertIn("failed: jobs.swf: error: the file does not exist", done.stderr)
        self.assertFalse((self.folder / "out" / "study.h5").exists())


class BadInput(StudyTest):
    def test_faults_of_the_grid_come_before_any_run(self):
        self.write("s.yaml", STUDY.replace("easy]", "eazy]"))
        done = self.expect(2, "study", "s.yaml", "-o", "out")
        self.assertTrue(done.stderr.startswith("s.yaml:4:29: error: policies.backfill: expected one of"), done.stderr)
        self.assertIn("did you mean 'easy'?", done.stderr)
        self.assertFalse((self.folder / "out").exists())

    def test_folders_of_others_are_left_alone(self):
        other = self.folder / "photos"
        other.mkdir()
        (other / "holiday.jpg").write_text("beach")
        before = contents(other)
        done = self.expect(2, "study", "s.yaml", "-o", "photos")
        self.assertIn("expected a new or empty folder, or that of a study", done.stderr)
        self.assertEqual(contents(other), before)
        self.assertIn("expected a folder, got a file", self.expect(2, "study", "s.yaml", "-o", "three.yaml").stderr)
        # What a user puts beside the runs of a study is his own.
        self.expect(0, "study", "s.yaml", "-o", "out")
        (self.folder / "out" / "notes.txt").write_text("mine")
        self.expect(0, "study", "s.yaml", "-o", "out")
        self.assertEqual((self.folder / "out" / "notes.txt").read_text(), "mine")

    def test_one_study_at_a_time(self):
        self.expect(0, "study", "s.yaml", "-o", "out")
        with open(self.folder / "out" / ".nightwatt-study") as mark:
            fcntl.flock(mark, fcntl.LOCK_EX)
            done = self.expect(2, "study", "s.yaml", "-o", "out")
        self.assertIn("another study works in this folder", done.stderr)

    def test_usage(self):
        self.assertIn("--jobs", self.expect(2, "study", "s.yaml", "--jobs", "0").stderr)
        self.assertIn("--on", self.expect(2, "study", "s.yaml", "--on", "moon").stderr)
        self.assertIn("none.yaml", self.expect(2, "study", "none.yaml").stderr)
        done = self.expect(2, "study", "s.yaml", "-o", "out", "--task", "0", "--plan", "other")
        self.assertIn("was changed after it was submitted", done.stderr)
        self.assertIn("slurm: its commands", self.expect(2, "study", "s.yaml", "--on", "slurm",
                                                          env={**os.environ, "PATH": "/nowhere"}).stderr)


if __name__ == "__main__":
    unittest.main()
