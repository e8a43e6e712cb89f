"""`report` from outside: what the page holds, bad input, what is left on disk."""

import base64
import json
import os
import re
import shutil
import struct
import subprocess
import unittest

from harness import PROGRAM, SCENARIO, CliTest

HELP = subprocess.run([PROGRAM, "report", "none.h5"], capture_output=True, text=True).stderr
BUILT = "NIGHTWATT_REPORT=OFF" not in HELP

# The first hour at 1 s: 86,400 bins are more than a page holds. Job 3 stands out for 600 s only.
FINE = SCENARIO + "output: {timeline: 1 s, nodes: true}\n"


def data_of(page):
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)
    return json.loads(found.group(1))


def numbers(column, count):
    """A column of the page's data."""
    if not isinstance(column, dict):
        return [column] * count
    (kind, text), = column.items()
    raw = base64.b64decode(text)
    letter, size = {"f32": ("f", 4), "u32": ("I", 4), "u16": ("H", 2)}[kind]
    return list(struct.unpack(f"<{len(raw) // size}{letter}", raw))


@unittest.skipUnless(BUILT, "this program was built without the report's page")
class Report(CliTest):
    def timeline(self, name="out.h5", scenario="three.yaml", *options):
        self.expect(0, "--quiet", "run", scenario, "-o", name, *options)
        return name

    def report(self, *arguments):
        self.expect(0, "report", *arguments)
        return (self.folder / "report.html").read_text(encoding="utf-8")

    def test_page_holds_what_the_run_gave(self):
        self.timeline()
        done = self.expect(0, "report", "out.h5")
        self.assertEqual(done.stdout, "report: report.html\n")
        page = (self.folder / "report.html").read_text(encoding="utf-8")
        run, = data_of(page)["runs"]
        summary = json.loads(self.expect(0, "run", "three.yaml", "--json").stdout)
        for key, value in run["summary"].items():
            self.assertEqual(value, summary[key], key)
        self.assertEqual(run["title"], "three jobs")
        self.assertEqual(run["inputs"][0]["path"], "jobs.swf")
        self.assertRegex(run["inputs"][0]["sha256"], "^[0-9a-f]{64}$")
        # One bin of 5 min is 8 GPUs of job 1 at 250 W and 8 idle ones at 50 W.
        series, = run["series"]
        self.assertEqual(series["bins"], 288)
        power = {name: numbers(column, 288) for name, column in series["power"].items()}
        self.assertEqual(power["jobs"][0], 2000)
        self.assertEqual(power["idle"][0], 400)
        self.assertEqual(numbers(series["facility"]["facility"], 288)[0], 2880)
        # Hour 1 of the day: job 2 on all 16 GPUs.
        energy = numbers(run["calendar"][0]["energy_kwh"], 24)
        self.assertAlmostEqual(energy[1], 1.2 * 16 * 0.25, places=6)
        self.assertAlmostEqual(sum(energy) / (summary["facility_energy_j"] / 3.6e6), 1, delta=1e-6)
        carbon = numbers(run["calendar"][0]["carbon_kg"], 24)
        self.assertAlmostEqual(sum(carbon) / (summary["carbon_g"] / 1e3), 1, delta=1e-6)
        # Waits 0, 1800 and 0 s.
        waits = run["distributions"]["wait_s"]
        self.assertEqual(waits["count"], 3)
        self.assertEqual(waits["histogram"]["counts"][0], 2)
        edges = waits["histogram"]["edges"]
        at = max(i for i, edge in enumerate(edges) if edge <= 1800)
        self.assertEqual(waits["histogram"]["counts"][at], 1)
        # Lanes: job 1 on 0 to 8, job 3 above it, job 2 on 0 to 16 when both have ended.
        bars, = run["schedule"]["bars"]
        lanes = sorted(zip(numbers(bars["part_job"], 0), numbers(bars["part_from_milli"], 0),
                           numbers(bars["part_to_milli"], 0)))
        self.assertEqual(lanes, [(0, 0, 8000), (1, 0, 16000), (2, 8000, 9000)])
        users = {row["name"]: row["jobs"] for row in run["tables"]["by_user"]["rows"]}
        self.assertEqual(sum(users.values()), 3)
        self.assertEqual(run["tables"]["all"], run["tables"]["shown"])

    def test_nothing_is_loaded_and_the_licence_is_told(self):
        self.timeline()
        page = self.report("out.h5")
        self.assertNotRegex(page, r'(src|href)\s*=\s*["\']?(https?:)?//')
        self.assertIn("default-src 'none'", page)
        self.assertIn("Apache ECharts\nCopyright", page)
        self.assertLess(len(page), 8e6)

    def test_decimation_hides_no_peak(self):
        self.write("fine.yaml", FINE)
        self.timeline("fine.h5", "fine.yaml")
        run, = data_of(self.report("fine.h5"))["runs"]
        power = run["series"][0]["power"]
        self.assertEqual(run["series"][0]["bins"], 86400)
        kept = numbers(power["at"], 0)
        self.assertLessEqual(len(kept), 16384)
        jobs = numbers(power["jobs"], len(kept))
        # Job 1 alone, job 1 with job 3, job 2 on all GPUs, none.
        self.assertEqual(sorted(set(jobs)), [0, 2000, 2250, 4000])
        first = jobs.index(2250)
        self.assertLess(abs(kept[first] - 2400), 20)  # begins in second 2,400; a bucket has 11 bins
        self.assertEqual(run["schedule"]["nodes"][0]["nodes"], 2)

    def test_several_runs_are_compared_with_the_first(self):
        self.timeline("a.h5")
        self.timeline("b.h5", "three.yaml", "--set", "sites[0].facility.pue=1.5")
        data = data_of(self.report("a.h5", "b.h5"))
        self.assertEqual([run["file"] for run in data["runs"]], ["a.h5", "b.h5"])
        comparison, = data["comparisons"]
        rows = {row["metric"]: row for row in comparison["rows"]}
        facility = rows["facility energy, to the horizon"]
        self.assertAlmostEqual(facility["other"] / facility["base"], 1.5 / 1.2, delta=1e-9)
        self.assertEqual(rows["wait, mean"]["base"], rows["wait, mean"]["other"])
        # Other signals: one bound cannot be for both.
        self.assertEqual(comparison["warnings"], ["no bound: other signals of 'here' than in a.h5"])

    def test_unequal_work_is_said(self):
        self.timeline("a.h5")
        self.timeline("b.h5", "three.yaml", "--set", "period.end=2022-10-03T00:35:00Z")
        comparison, = data_of(self.report("a.h5", "b.h5"))["comparisons"]
        self.assertFalse(comparison["equal_work"])
        self.assertIn("The runs do not hold the same jobs: 3 and 2.", comparison["warnings"])

    def test_flows_from_the_home_site(self):
        # A column as a later schema may have it, beside the index of the site that ran the job.
        two = SCENARIO.replace("workload:", """  - name: there
    partitions: [{name: more, nodes: 2, gpus_per_node: 8, device: {idle: 50 W, busy: 250 W}}]
workload:""") + "policies: {site: least-queue}\n"
        self.write("two.yaml", two)
        self.timeline("two.h5", "two.yaml")
        import netCDF4
        with netCDF4.Dataset(self.folder / "two.h5", "a") as file:
            jobs = file["jobs"]
            if "home_site" not in jobs.variables:
                home = jobs.createVariable("home_site", "i4", ("job",))
                for name, value in (("units", "1"), ("long_name", "home"), ("table", "site")):
                    home.setncattr_string(name, value)
                home[:] = [0, 0, 0]
        run, = data_of(self.report("two.h5"))["runs"]
        flows = run["shares"]["flows"]
        self.assertEqual({flow["home"] for flow in flows}, {"here"})
        self.assertEqual({flow["site"] for flow in flows}, {"here", "there"})
        self.assertEqual(sum(flow["jobs"] for flow in flows), 3)
        held = sum(flow["gpu_hours"] for flow in flows)
        self.assertAlmostEqual(held, (8 * 3600 + 600 + 16 * 7200) / 3600)

    def test_cap_curves_of_a_catalogue_device(self):
        device = SCENARIO.replace("{idle: 50 W, busy: 250 W}", "v100-pcie-32gb")
        profile = device.replace("format: swf}", "format: swf, reference_device: v100-pcie-32gb, "
                                 "profiles: [{name: half, utilization: 0.5}]}")
        self.write("v100.yaml", profile)
        self.timeline("v100.h5", "v100.yaml")
        run, = data_of(self.report("v100.h5"))["runs"]
        curve, = run["caps"]["curves"]
        self.assertEqual(curve["device"], "v100-pcie-32gb")
        self.assertEqual(curve["of"], "utilization 50 %, as in this run")
        self.assertEqual(curve["rate"], sorted(curve["rate"]))
        self.assertAlmostEqual(curve["rate"][-1], 1)
        self.assertEqual(run["caps"]["notes"], [])
        self.assertLess(curve["rate"][0], 1)

    # ------------------------------------------------------------ bad input

    def refused(self, *arguments):
        done = self.expect(2, "report", *arguments)
        self.assertEqual(done.stdout, "")
        return done.stderr

    def test_faults_of_all_files_are_told_together(self):
        self.timeline()
        (self.folder / "text.h5").write_text("not HDF5")
        errors = self.refused("out.h5", "text.h5", "missing.h5")
        self.assertIn("text.h5: error: expected a timeline file, got something that is not HDF5", errors)
        self.assertIn("missing.h5: error: cannot be opened: No such file or directory", errors)
        self.assertNotIn("report.html", self.files())

    def test_truncated_and_older_files(self):
        self.timeline()
        whole = (self.folder / "out.h5").read_bytes()
        (self.folder / "cut.h5").write_bytes(whole[:len(whole) // 2])
        self.assertIn("cut short, or still being written", self.refused("cut.h5"))
        import netCDF4
        shutil.copy(self.folder / "out.h5", self.folder / "old.h5")
        with netCDF4.Dataset(self.folder / "old.h5", "a") as old:
            old.setncattr("schema_version", 0)
        self.assertIn("schema_version: expected 1, got 0", self.refused("old.h5"))
        with netCDF4.Dataset(self.folder / "other.h5", "w") as other:
            other.createDimension("x", 3)
        self.assertIn("not a timeline of nightwatt", self.refused("other.h5"))

    def test_output_that_must_not_be_written(self):
        self.timeline()
        before = (self.folder / "out.h5").read_bytes()
        self.assertIn("is one of the files that are read", self.refused("out.h5", "-o", "out.h5"))
        (self.folder / "link.h5").symlink_to("out.h5")
        self.assertIn("is one of the files", self.refused("out.h5", "-o", "link.h5"))
        self.assertEqual((self.folder / "out.h5").read_bytes(), before)
        (self.folder / "folder").mkdir()
        self.assertIn("expected the path of a file, got a folder", self.refused("out.h5", "-o", "folder"))
        self.assertIn("does not exist", self.refused("out.h5", "-o", "none/report.html"))

    @unittest.skipIf("NIGHTWATT_COVERAGE" in os.environ, "gcov writes its counters at the end, under the limit too")
    def test_an_older_page_stays_where_the_new_one_fails(self):
        self.timeline()
        self.write("report.html", "older")
        (self.folder / "text.h5").write_text("not HDF5")
        self.refused("text.h5")
        import resource
        limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
        done = self.expect(2, "report", "out.h5", preexec_fn=limit)
        self.assertIn("the older file is left as it was", done.stderr)
        self.assertEqual((self.folder / "report.html").read_text(), "older")
        self.assertEqual(self.files(), ["jobs.swf", "out.h5", "report.html", "text.h5", "three.yaml"])

    def test_equal_runs_give_equal_pages(self):
        self.timeline()
        self.assertEqual(self.report("out.h5"), self.report("out.h5"))


if __name__ == "__main__":
    unittest.main()
