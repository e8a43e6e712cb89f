"""`compare`, `export` and `statement` from outside: shipped scenarios, exit status, what is left."""

import csv
import functools
import json
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from harness import PROGRAM, ROOT, SCENARIO, CliTest

PHILLY = ROOT / "scenarios" / "power-cap-150w.yaml"
WEEK = ["--set", "period.end=2022-10-10T05:00:00Z", "--set", "sites[0].partitions[0].nodes=60"]

SCRATCH = tempfile.TemporaryDirectory()


@functools.cache
def philly_week():
    """A week of Philly without and with a cap of 150 W; simulated once for all tests."""
    files = []
    for name, options in (("base.h5", ["--set", "policies.cap=none"]), ("capped.h5", [])):
        files.append(pathlib.Path(SCRATCH.name) / name)
        subprocess.run([PROGRAM, "--quiet", "run", PHILLY, "-o", files[-1], *WEEK, *options],
                       check=True, timeout=120)
    return files


class Compare(CliTest):
    def simulate(self, name, *options, scenario="three.yaml"):
        self.expect(0, "--quiet", "run", scenario, "-o", name, *options)
        return name

    def compare(self, *arguments):
        return json.loads(self.expect(0, "compare", *arguments, "--json").stdout)

    def test_a_cap_saves_energy_and_costs_time(self):
        base, capped = philly_week()
        run = self.compare(base, capped)["runs"][0]
        self.assertTrue(run["work"]["equal"])
        self.assertEqual(run["changes"], ["policies.cap: none -> {fixed: {limit: 150 W, "
                                          "outside: error}}"])
        self.assertEqual(run["variation"], {"source": "days", "units": 7, "block": 1})
        energy = run["total"]["horizon"]["it_energy_j"]
        self.assertLess(energy["relative"], -0.02)
        low, high = energy["relative_95"]
        self.assertLessEqual(low, energy["relative"])
        self.assertGreaterEqual(high, energy["relative"])
        self.assertGreater(run["total"]["jobs"]["mean_jct_s"]["difference"], 0)
        # With half of the facility's power fixed less is saved, of the same BASE (constant PUE).
        whole = run["total"]["horizon"]["facility_energy_j"]
        half = run["total"]["horizon_fixed_share_0.5"]["facility_energy_j"]
        self.assertAlmostEqual(half["base"] / whole["base"], 1, delta=1e-12)
        self.assertGreater(half["difference"], whole["difference"])
        it = energy["difference"]
        self.assertAlmostEqual(half["difference"] / (it + 0.5 * (whole["difference"] - it)), 1,
                               delta=1e-9)
        # What the classes hold adds up to all but transfers, of which there are none.
        parts = sum(c["horizon"]["carbon_g"]["run"] for c in run["classes"])
        self.assertAlmostEqual(parts / run["total"]["horizon"]["carbon_g"]["run"], 1, delta=1e-9)
        table = self.expect(0, "compare", base, capped).stdout
        self.assertNotIn("UNEQUAL", table)
        again = self.expect(0, "compare", base, capped).stdout
        self.assertEqual(table, again)
        self.assertLessEqual(max(map(len, self.expect(
            0, "compare", base.name, capped.name, cwd=base.parent).stdout.splitlines())), 100)

    def test_equal_input_differs_by_exactly_nothing(self):
        self.simulate("a.h5")
        shutil.copy(self.folder / "a.h5", self.folder / "b.h5")
        for other in ("a.h5", "b.h5"):
            run = self.compare("a.h5", other)["runs"][0]
            for section, figures in run["total"].items():
                if not isinstance(figures, dict):
                    continue
                for key, figure in figures.items():
                    self.assertEqual(figure["difference"], 0, (section, key))
                    self.assertEqual(figure["relative"], 0, (section, key))

    def test_what_a_hand_computes(self):
        # Beside 16 GPUs the jobs end at 3 h; on 8 GPUs the second, of 16, does not fit: only the
        # others are submitted to both.
        jobs = (self.folder / "jobs.swf").read_text().splitlines(keepends=True)
        self.write("jobs.swf", "".join(line for line in jobs if not line.startswith("2 ")))
        self.simulate("two.h5")
        self.simulate("one.h5", "--set", "sites[0].partitions[0].nodes=1")
        run = self.compare("two.h5", "one.h5")["runs"][0]
        energy = run["total"]["horizon"]["it_energy_j"]
        held = 8 * 3600 + 600
        self.assertAlmostEqual(energy["base"] / (16 * 50 * 86400 + 200 * held), 1, delta=1e-12)
        self.assertAlmostEqual(energy["run"] / (8 * 50 * 86400 + 200 * held), 1, delta=1e-12)
        self.assertEqual(run["total"]["jobs"]["mean_wait_s"]["run"], (3600 - 2400) / 2)
        self.assertEqual(run["variation"]["source"], "none")
        self.assertIsNone(energy["relative_95"])

    def test_unequal_work_is_refused(self):
        self.simulate("whole.h5")
        self.simulate("cut.h5", "--set", "drain=false", "--set", "period.end=2022-10-03T02:00:00Z")
        self.simulate("same.h5", "--set", "period.end=2022-10-03T02:00:00Z")
        done = self.expect(2, "compare", "same.h5", "cut.h5", "-o", "out.txt")
        self.assertIn("cut.h5: error: work: UNEQUAL: 1 of 3 jobs differ", done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertNotIn("out.txt", self.files())
        done = self.expect(2, "compare", "whole.h5", "same.h5")
        self.assertIn("same.h5: error: period: expected that of whole.h5", done.stderr)
        # The run that stopped cannot be charged to the end of the other.
        done = self.expect(2, "compare", "same.h5", "cut.h5", "--allow-unequal")
        self.assertIn("horizon: the run stopped at its period's end", done.stderr)

        self.simulate("killed.h5", "--set", "kill_at_limit=true", "--set", "limits=wallclock")
        self.compare("whole.h5", "killed.h5")  # no limit was reached
        jobs = (self.folder / "jobs.swf").read_text().replace(" 8 7200 ", " 8 1800 ")
        self.write("jobs.swf", jobs)
        self.simulate("whole.h5")
        self.simulate("killed.h5", "--set", "kill_at_limit=true")
        self.expect(2, "compare", "whole.h5", "killed.h5")
        table = self.expect(0, "compare", "whole.h5", "killed.h5", "--allow-unequal").stdout
        self.assertTrue(table.startswith("UNEQUAL WORK"), table)
        self.assertIn("UNEQUAL WORK: killed.h5 against BASE", table)
        rows = csv.DictReader(self.expect(0, "compare", "whole.h5", "killed.h5",
                                          "--allow-unequal", "--csv").stdout.splitlines())
        self.assertEqual({row["work"] for row in rows}, {"unequal"})

    def test_seeds_are_paired(self):
        scenario = SCENARIO.replace("workload: {trace: jobs.swf, format: swf}",
                                    "workload: {synthetic: {load: 80 %, gpus: {1: 1, 4: 1}}}")
        self.write("random.yaml", scenario)
        base, other = [], []
        for seed in (3, 1, 2):
            base.append(self.simulate(f"easy{seed}.h5", "--seed", seed, scenario="random.yaml"))
            other.append(self.simulate(f"none{seed}.h5", "--seed", seed, "--set",
                                       "policies.backfill=none", scenario="random.yaml"))
        together = self.compare(*base, *other)
        self.assertEqual(len(together["runs"]), 1)
        run = together["runs"][0]
        self.assertEqual(run["run"]["seeds"], [1, 2, 3])
        self.assertEqual(run["variation"], {"source": "seeds", "units": 3, "block": 1})
        wait = run["total"]["jobs"]["mean_wait_s"]
        alone = [self.compare(f"easy{seed}.h5", f"none{seed}.h5")["runs"][0]["total"]["jobs"]
                 ["mean_wait_s"] for seed in (1, 2, 3)]
        self.assertAlmostEqual(wait["base"], sum(one["base"] for one in alone) / 3, delta=1e-9)
        self.assertAlmostEqual(wait["difference"], sum(one["difference"] for one in alone) / 3,
                               delta=1e-9)
        self.assertAlmostEqual(wait["difference_95"][0], min(one["difference"] for one in alone),
                               delta=1e-9)
        self.assertTrue(any("3 seeds are few" in note for note in together["notes"]))
        mixed = self.compare(other[2], base[0], base[1], other[0], base[2], other[1])
        self.assertEqual(mixed["runs"][0]["total"]["jobs"]["mean_wait_s"]["difference"],
                         -wait["difference"])
        # Two weeks of jobs by another seed are other work.
        done = self.expect(2, "compare", "easy1.h5", "easy2.h5")
        self.assertIn("UNEQUAL", done.stderr)

    def test_horizon(self):
        self.simulate("a.h5")
        later = self.compare("a.h5", "a.h5", "--horizon", "2022-10-05T00:00:00Z")
        self.assertEqual(later["horizon_s"], 2 * 86400)
        energy = later["runs"][0]["total"]["horizon"]["it_energy_j"]["base"]
        self.assertAlmostEqual(energy / (16 * 50 * 2 * 86400 + 144600 * 200), 1, delta=1e-12)
        done = self.expect(2, "compare", "a.h5", "a.h5", "--horizon", "2022-10-03T12:00:00Z")
        self.assertIn("horizon: expected 2022-10-04 00:00:00 UTC or later", done.stderr)
        done = self.expect(2, "compare", "a.h5", "a.h5", "--horizon", "next week")
        self.assertIn("--horizon: expected an instant such as", done.stderr)

    def test_output_is_replaced_by_a_complete_file_or_stays(self):
        self.simulate("a.h5")
        self.write("table.md", "older")
        self.expect(2, "compare", "a.h5", "missing.h5", "--markdown", "-o", "table.md")
        self.assertEqual((self.folder / "table.md").read_text(), "older")
        self.expect(0, "compare", "a.h5", "a.h5", "--markdown", "-o", "table.md")
        self.assertIn("| :-- |", (self.folder / "table.md").read_text())
        before = (self.folder / "a.h5").read_bytes()
        done = self.expect(2, "compare", "a.h5", "a.h5", "-o", "a.h5")
        self.assertIn("is one of the files that are read", done.stderr)
        self.assertEqual((self.folder / "a.h5").read_bytes(), before)

    def test_files_that_are_none(self):
        self.simulate("a.h5")
        (self.folder / "cut.h5").write_bytes((self.folder / "a.h5").read_bytes()[:5000])
        self.write("text.h5", "no timeline")
        done = self.expect(2, "compare", "a.h5", "cut.h5", "text.h5", "missing.h5")
        for name in ("cut.h5: error:", "text.h5: error:", "missing.h5: error:"):
            self.assertIn(name, done.stderr)
        self.expect(2, "compare", "a.h5")
        self.expect(2, "compare", "a.h5", "a.h5", "--csv", "--json")

    def test_without_a_price_cost_is_not_known(self):
        self.write("three.yaml", SCENARIO.replace("    price: 50 EUR/MWh\n", ""))
        self.simulate("a.h5")
        run = self.compare("a.h5", "a.h5")["runs"][0]
        self.assertIsNone(run["total"]["horizon"]["cost"]["base"])
        self.assertIsNone(run["total"]["horizon"]["cost"]["difference"])
        table = self.expect(0, "compare", "a.h5", "a.h5").stdout
        self.assertRegex(table, r"cost +n/a +n/a +n/a +n/a")


class Export(CliTest):
    def test_csv_holds_what_the_file_holds(self):
        import netCDF4
        self.expect(0, "--quiet", "run", "three.yaml", "-o", "out.h5")
        done = self.expect(0, "export", "out.h5", "--format", "csv", "-o", "out")
        self.assertIn("out/jobs.csv", done.stdout)
        with open(self.folder / "out" / "jobs.csv", encoding="utf-8") as file:
            jobs = list(csv.DictReader(file))
        with netCDF4.Dataset(self.folder / "out.h5") as dataset:
            self.assertEqual(list(jobs[0])[1:4],
                             ["submit_time_s", "eligible_time_s", "start_time_s"])
            self.assertEqual(len(jobs[0]), len(dataset["jobs"].variables))
            for key in ("it_energy_j", "carbon_full_g", "wait_s", "mean_power_w"):
                self.assertEqual([float(job[key]) for job in jobs],
                                 [float(str(value)) for value in dataset["jobs"][key][:]])
        self.assertEqual([job["state"] for job in jobs], ["completed"] * 3)
        self.assertEqual([job["site"] for job in jobs], ["here"] * 3)
        self.assertEqual([job["class"] for job in jobs], [""] * 3)  # none, from an empty table
        with open(self.folder / "out" / "sites.csv", encoding="utf-8") as file:
            bins = list(csv.DictReader(file))
        self.assertEqual(len(bins), 288)
        self.assertAlmostEqual(sum(float(row["it_power_w"]) for row in bins) * 300,
                               16 * 50 * 86400 + 144600 * 200, delta=1e-3)

    def test_batsim_columns(self):
        self.expect(0, "--quiet", "run", "three.yaml", "-o", "out.h5")
        self.expect(0, "export", "out.h5", "--format", "batsim", "-o", "bat")
        self.assertEqual(sorted(path.name for path in (self.folder / "bat").iterdir()),
                         ["jobs.csv", "schedule.csv"])
        with open(self.folder / "bat" / "jobs.csv", encoding="utf-8") as file:
            jobs = {job["job_id"]: job for job in csv.DictReader(file)}
        second = jobs["2"]
        self.assertEqual(float(second["waiting_time"]), 1800)
        self.assertEqual(float(second["stretch"]), 9000 / 7200)
        self.assertEqual(second["final_state"], "COMPLETED_SUCCESSFULLY")
        self.assertEqual(second["allocated_resources"], "")
        with open(self.folder / "bat" / "schedule.csv", encoding="utf-8") as file:
            schedule, = csv.DictReader(file)
        self.assertEqual(float(schedule["makespan"]), 10800)
        self.assertEqual(float(schedule["mean_waiting_time"]), 600)
        self.assertEqual(int(schedule["nb_jobs_success"]), 3)
        self.assertAlmostEqual(float(schedule["consumed_joules"]), 16 * 50 * 10800 + 144600 * 200,
                               delta=1e-3)

    def test_a_folder_with_something_in_it_stays(self):
        self.expect(0, "--quiet", "run", "three.yaml", "-o", "out.h5")
        (self.folder / "full").mkdir()
        self.write("full/jobs.csv", "mine")
        done = self.expect(2, "export", "out.h5", "--format", "csv", "-o", "full")
        self.assertIn("the folder is not empty", done.stderr)
        self.assertEqual((self.folder / "full" / "jobs.csv").read_text(), "mine")
        self.assertEqual(len(list((self.folder / "full").iterdir())), 1)
        self.expect(2, "export", "out.h5", "--format", "xml", "-o", "new")
        self.expect(2, "export", "jobs.swf", "--format", "csv", "-o", "new")
        self.assertNotIn("new", self.files())


class Statement(CliTest):
    def test_of_a_run_against_a_capped_one(self):
        base, capped = philly_week()
        text = self.expect(0, "statement", base, "--against", capped).stdout
        for words in ("## Energy statement", "p100-pcie-16gb: 480 GPUs in 60 nodes", "h later",
                      "policies.cap: none -> {fixed", "fixed share 0.5", "Assumptions"):
            self.assertIn(words, text)
        self.assertNotIn("nan", text)
        saved = json.loads(self.expect(0, "compare", base, capped, "--json").stdout)
        carbon = saved["runs"][0]["total"]["horizon"]["carbon_g"]["relative"]
        self.assertIn(f"({100 * carbon:+.2f} %)", text)
        latex = self.expect(0, "statement", base, "--format", "latex").stdout
        self.assertEqual(latex.count("\\begin{tabular}"), latex.count("\\end{tabular}"))
        self.assertIn("\\section*{Energy statement}", latex)
        self.assertEqual(latex.count("{") - latex.count("\\{"),
                         latex.count("}") - latex.count("\\}"))

    def test_a_cap_that_is_computed_saves_what_the_simulated_one_does(self):
        base, capped = philly_week()
        text = self.expect(0, "statement", base, "--cap", "150 W", "--against", capped).stdout
        rows = [line.split("|") for line in text.splitlines() if "facility energy | -" in line]
        # Where nodes are always on, when jobs run changes their energy by nothing but rounding.
        self.assertEqual(len(rows), 2)
        for cell in (3, 4):
            told, simulated = (float(row[cell].split()[0]) for row in rows)
            self.assertAlmostEqual(told / simulated, 1, delta=1e-3)  # four digits are printed
        self.assertIn("jobs waited in a queue", text)
        # 60 % of the P100's 250 W, where nothing is asked for.
        self.assertIn("p100-pcie-16gb at 150 W", self.expect(0, "statement", base).stdout)
        self.assertIn("p100-pcie-16gb at 200 W",
                      self.expect(0, "statement", base, "--cap", "80 %").stdout)
        for cap, words in (("1 kW", "--cap: expected 125 W to 250 W for p100-pcie-16gb"),
                           ("150", "--cap: expected a power such as '150 W'"),
                           ("0 %", "--cap: expected a power"), ("cool", "--cap: expected a power")):
            self.assertIn(words, self.expect(2, "statement", base, "--cap", cap).stderr)
        self.assertIn("had power caps itself",
                      self.expect(2, "statement", capped, "--cap", "150 W").stderr)
        self.assertIn("is not told", self.expect(0, "statement", capped).stdout)

    def test_another_hour_is_what_python_computes(self):
        import netCDF4
        import numpy as np
        capped = philly_week()[1]
        with netCDF4.Dataset(capped) as dataset:
            site = dataset["sites/dallas"]
            whole = len(site["it_power_w"]) // 288 * 288
            power = np.array(site["it_power_w"][:whole]).reshape(-1, 288)
            rate = np.array(site["carbon_intensity_g_per_kwh"][:whole]).reshape(-1, 288) * 1.2
            total = float(site["totals/carbon_g"][1])
        change = [float((np.roll(power, 12 * hours, axis=1) - power).ravel() @ rate.ravel())
                  * 300 / 3.6e6 for hours in range(24)]
        text = self.expect(0, "statement", capped).stdout
        least = int(np.argmin(change))
        self.assertIn(f"everything {least} h later", text)
        self.assertIn(f"({100 * change[least] / total:+.2f} %)", text)

    def test_subsets(self):
        self.expect(0, "--quiet", "run", "three.yaml", "-o", "out.h5")
        text = self.expect(0, "statement", "out.h5", "--job", "2").stdout
        self.assertIn("1 (job 2)", text)
        self.assertIn("8 kWh", text)  # 16 GPUs at 250 W for 2 h
        text = self.expect(0, "statement", "out.h5", "--user", "1").stdout
        self.assertIn("2 (user 1)", text)
        done = self.expect(2, "statement", "out.h5", "--user", "nobody", "-o", "text.md")
        self.assertIn("--user: no job matches 'nobody'", done.stderr)
        self.assertNotIn("text.md", self.files())
        self.expect(2, "statement", "out.h5", "--job", "2", "--against", "out.h5")


if __name__ == "__main__":
    unittest.main()
