#!/usr/bin/env python3
"""Shifting in the manner of Wiesner et al. 2021, "Let's Wait Awhile" (Middleware).

Nightly jobs: one of half an hour each day at 1:00 on the region's clock, which may run up to W hours earlier or
later. Long jobs: 300 training jobs of hours to days, submitted on working days, with a slack, in one go or
interruptible. Carbon intensities are those of 2022, not of their 2020, and the long jobs are drawn here, so figures are
like theirs, not theirs. What must hold: the program finds the best instants of the nightly jobs that a few lines of
Python find in the file itself, more slack and pauses never cost carbon, and errors of the forecast never save any.

One line changes the region and the year: an entry of REGIONS.
"""
import csv
import gzip
import json
import os
import random
import subprocess
import tempfile
import unittest
from datetime import datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

PROGRAM = os.environ["NIGHTWATT"]
ROOT = Path(os.environ["NIGHTWATT_SOURCE_DIR"])
DATA = os.environ.get("NIGHTWATT_DATA")


class Region:
    """A year of one grid: the file of its intensities, which names the year, and its clock."""

    def __init__(self, path, zone):
        self.path, self.zone = path, zone
        opened = gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else open(path, encoding="utf-8")
        with opened as file:
            rows = [(datetime.strptime(row["Datetime (UTC)"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=timezone.utc),
                     float(next(row[k] for k in row if "LCA" in k or "Life" in k)))
                    for row in csv.DictReader(file)]
        year = rows[len(rows) // 2][0].year
        self.start = datetime(year, 1, 2, tzinfo=timezone.utc)
        self.end = datetime(year, 12, 22, tzinfo=timezone.utc)  # the last jobs end within the year
        # gCO2e/kWh by hour since the start, life-cycle.
        self.intensities = {round((at - self.start).total_seconds() / 3600): value for at, value in rows}


REGIONS = {
    "DE-LU 2022": Region(ROOT / "scenarios/data/DE-LU_2022_hourly.csv.gz", "Europe/Berlin"),
    "US-TEX-ERCO 2022": Region(ROOT / "scenarios/data/US-TEX-ERCO_2022_hourly.csv.gz", "America/Chicago"),
}
if DATA:
    REGIONS["GB 2022"] = Region(Path(DATA, "carbon/GB_2022_hourly.csv"), "Europe/London")
    REGIONS["US-CAL-CISO 2022"] = Region(Path(DATA, "carbon/US-CAL-CISO_2022_hourly.csv"), "America/Los_Angeles")

SEEDS = range(1, 11)


def charge(values, start_s, run_s):
    """Grams that a kilowatt is charged from start on: the integral of the steps."""
    sum_g, at = 0.0, start_s
    while at < start_s + run_s:
        hour = int(at // 3600)
        end = min((hour + 1) * 3600, start_s + run_s)
        sum_g += values[hour] * (end - at) / 3600
        at = end
    return sum_g


class Shifting(unittest.TestCase):
    def simulate(self, folder, jobs, region, slack_h, timing, error=0.0, seed=1, pausable=False, gpus=64):
        """Carbon [g] of jobs (submit [s], run [s]) that draw 1 kW each while they run."""
        trace = Path(folder, "jobs.csv")
        with open(trace, "w", encoding="utf-8") as out:
            out.write("id,submit,run,gpus\n")
            for number, (submit_s, run_s) in enumerate(jobs):
                out.write(f"{number},{submit_s + int(region.start.timestamp())},{run_s},1\n")
        job_class = f"{{name: all, slack: {slack_h} h" + (", pausable: {}" if pausable else "") + "}"
        forecast = f"{{from: noisy, error: {error} %, growth: 0, correlation: 1 min}}" if error else "{from: perfect}"
        scenario = Path(folder, "scenario.yaml")
        scenario.write_text(f"""name: shifting
period: {{start: {region.start:%Y-%m-%dT%H:%M:%SZ}, end: {region.end:%Y-%m-%dT%H:%M:%SZ}}}
seed: {seed}
sites:
  - name: here
    timezone: {region.zone}
    partitions: [{{name: all, nodes: {gpus}, gpus_per_node: 1, device: {{idle: 0 W, busy: 1 kW}}}}]
    carbon: {{file: "{region.path}", format: electricity-maps, column: lifecycle}}
workload:
  trace: jobs.csv
  format: csv
  columns: {{id: id, submit: submit, run: run, gpus: gpus, time_form: epoch}}
  classes: [{job_class}]
policies: {{timing: {timing}}}
forecast: {forecast}
output: {{timeline: 1 day}}
""", encoding="utf-8")
        done = subprocess.run([PROGRAM, "run", str(scenario), "-o", str(Path(folder, "out.h5")), "--json"],
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        summary = json.loads(done.stdout)
        self.assertEqual(summary["jobs_completed"], len(jobs))
        return summary["jobs_carbon_g"]

    def nightly(self, region, half_width_h):
        """Submissions: half the window before 1:00 on the region's clock, every day."""
        jobs, day = [], region.start + timedelta(days=2)
        while day < region.end - timedelta(days=2):
            local = datetime(day.year, day.month, day.day, 1, tzinfo=ZoneInfo(region.zone))
            since_s = round((local.astimezone(timezone.utc) - region.start).total_seconds())
            jobs.append((since_s - half_width_h * 3600, 1800))
            day += timedelta(days=1)
        return jobs

    def test_nightly_jobs(self):
        print("\nnightly jobs, carbon saved [%] by half window")
        for name, region in REGIONS.items():
            values, row, before = region.intensities, [], 0.0
            with tempfile.TemporaryDirectory() as folder:
                base_g = sum(charge(values, s, r) for s, r in self.nightly(region, 0))
                self.assertAlmostEqual(self.simulate(folder, self.nightly(region, 0), region, 0.001, "lowest-carbon") / base_g,
                                       1.0, delta=1e-3)
                for half in (1, 2, 4, 8):
                    jobs = self.nightly(region, half)
                    found_g = self.simulate(folder, jobs, region, 2 * half, "lowest-carbon")
                    # The mean over a run is least where it begins or ends at a full hour, or at an end of the window.
                    best_g = 0.0
                    for submit_s, run_s in jobs:
                        last = submit_s + 2 * half * 3600
                        starts = {submit_s, last}
                        for hour in range(submit_s // 3600, last // 3600 + 2):
                            starts |= {hour * 3600, hour * 3600 - run_s}
                        best_g += min(charge(values, s, run_s) for s in starts if submit_s <= s <= last)
                    self.assertAlmostEqual(found_g / best_g, 1.0, delta=1e-9)
                    saved = 100 * (1 - found_g / base_g)
                    self.assertGreaterEqual(saved, before - 1e-9)
                    before = saved
                    noisy = []
                    for error in (5, 10):
                        all_g = [self.simulate(folder, jobs, region, 2 * half, "lowest-carbon", error, seed)
                                 for seed in (SEEDS if half == 8 else [1])]
                        self.assertGreaterEqual(min(all_g), found_g * (1 - 1e-9))
                        noisy.append(100 * (1 - sum(all_g) / len(all_g) / base_g))
                    row.append(f"+-{half} h {saved:.1f} ({noisy[0]:.1f}, {noisy[1]:.1f})")
            print(f"  {name}: " + ", ".join(row) + "   (forecast error 5, 10 %)")

    def test_long_jobs(self):
        print("\nlong jobs, carbon saved [%]: in one go / interruptible, forecast error 0, 5, 10 %")
        for name, region in REGIONS.items():
            draw = random.Random(1)
            jobs = []
            while len(jobs) < 300:
                day = region.start + timedelta(days=draw.randrange(2, 330), hours=draw.randrange(8, 18))
                if day.weekday() < 5:
                    hours = min(96.0, max(1.0, draw.lognormvariate(2.5, 1.0)))
                    jobs.append((round((day - region.start).total_seconds()), round(hours * 3600)))
            jobs.sort()
            with tempfile.TemporaryDirectory() as folder:
                base_g = self.simulate(folder, jobs, region, 1, "immediate")
                self.assertAlmostEqual(base_g / sum(charge(region.intensities, s, r) for s, r in jobs), 1.0, delta=1e-9)
                before = (0.0, 0.0)
                for slack_h in (8, 24, 72):
                    shown = []
                    for error in (0, 5, 10):
                        seeds = SEEDS if error and slack_h == 24 else [1]
                        pair = []
                        for timing, pausable in (("lowest-carbon", False), ("lowest-carbon-interruptible", True)):
                            all_g = [self.simulate(folder, jobs, region, slack_h, timing, error, seed, pausable)
                                     for seed in seeds]
                            pair.append(100 * (1 - sum(all_g) / len(all_g) / base_g))
                        if error == 0:
                            perfect = pair
                            self.assertGreaterEqual(pair[1], pair[0] - 1e-9)  # pauses cost nothing here
                            self.assertGreaterEqual(pair[0], before[0] - 1e-9)
                            self.assertGreaterEqual(pair[1], before[1] - 1e-9)
                            before = tuple(pair)
                        else:
                            self.assertLessEqual(pair[0], perfect[0] + 1e-9)
                            self.assertLessEqual(pair[1], perfect[1] + 1e-9)
                        shown.append(f"{pair[0]:.1f} / {pair[1]:.1f}")
                    print(f"  {name}, slack {slack_h} h: " + ", ".join(shown))


if __name__ == "__main__":
    if not DATA:
        print("NIGHTWATT_DATA is not set: only the regions that are shipped")
    unittest.main(verbosity=1)
