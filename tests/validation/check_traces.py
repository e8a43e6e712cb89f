#!/usr/bin/env python3
"""Whole traces through the program against what trace_totals.py takes straight from the file.

Every trace that lists jobs replays to its end on a cluster that fits it: jobs, GPU-hours and
core-hours agree. Where the file has recorded starts, `order: replay` gives the same busy GPUs
(cores) over time as the file itself. Devices draw 0 W idle and 1 W busy, so that joules are
GPU-seconds.
"""
import csv
import math
import os
import subprocess
import sys
import tempfile
import unittest
from datetime import datetime, timezone
from pathlib import Path

import netCDF4
import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
import trace_totals  # noqa: E402

PROGRAM = os.environ["NIGHTWATT"]
SAMPLES = Path(os.environ["NIGHTWATT_SOURCE_DIR"]) / "traces" / "samples"
DATA = os.environ.get("NIGHTWATT_DATA")

SCENARIO = """
name: {name}
period: {{start: {start}, end: {end}}}
sites:
  - name: here
    timezone: UTC
    partitions: [{{name: all, nodes: {nodes}, {units}, device: {{idle: 0 W, busy: 1 W}}}}]
workload: {{trace: {trace}, {workload}}}
policies: {{order: {order}, backfill: {backfill}}}
output: {{timeline: 1 h}}
"""

CHRONUS = ("columns: {id: job_id, submit: submit_time, run: duration, gpus: num_gpu, user: user, "
           "deadline: expect_time_list, time_unit: min, duration_unit: min, deadline_from: submit}")
EAGLE = ("zone: UTC, columns: {id: job_id, submit: submit_time, start: start_time, end: end_time, "
         "run: run_time, limit: wallclock_req, gpus: gpus_req, cores: processors_req, nodes: nodes_req, user: user, "
         "queue: partition, state: state}")

# name, totals format, file, in the data folder, workload keys, period, units, nodes
TRACES = {
    "philly": ("philly-csv", "philly_2017-09-04_2017-11-05.csv.gz", None, "format: philly-csv, zone: UTC",
               ("2017-09-01T00:00:00Z", "2017-11-06T00:00:00Z"), "gpus_per_node: 8", 320),
    "chronus": ("chronus", "trace_job_Philly_SLO.csv.gz", None, CHRONUS,
                ("2020-01-01T00:00:00Z", "2020-01-20T00:00:00Z"), "gpus_per_node: 8", 320),
    "openb": ("openb", "openb_pod_list_default.csv", None, "format: openb",
              ("2020-01-01T00:00:00Z", "2020-06-01T00:00:00Z"), "gpus_per_node: 8", 800),
    "eagle": ("eagle", "sample_eagle_data.csv", None, EAGLE,
              ("2019-01-01T00:00:00Z", "2019-01-04T00:00:00Z"), "cores_per_node: 36", 2200),
    "lublin": ("swf", "lublin_256.swf.gz", None, "format: swf",
               ("2020-01-01T00:00:00Z", "2020-05-01T00:00:00Z"), "cores_per_node: 1", 256),
    "easy_medium": ("swf", "easy_mediumWL_smallPF.swf", None, "format: swf",
                    ("2020-01-01T00:00:00Z", "2022-05-01T00:00:00Z"), "cores_per_node: 1", 512),
    "wagap": ("swf", "wagap-2013.swf.gz", "hpc-traces", "format: swf, rules: {swf_time: unix}",
              ("2012-12-31T00:00:00Z", "2013-04-20T00:00:00Z"), "cores_per_node: 16", 300),
}
REPLAYED = {"openb": "gpus", "eagle": "cores", "wagap": "cores"}


def seconds(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def intervals(name, path):
    """(submit, start, end, units) of each job, straight from the file, in the trace's own seconds."""
    text = trace_totals.open_text(path)
    if name == "openb":
        for row in csv.DictReader(text):
            if row["scheduled_time"] and int(row["num_gpu"]) > 0:
                units = int(row["num_gpu"]) * int(row["gpu_milli"]) / 1000
                yield float(row["creation_time"]), float(row["scheduled_time"]), float(row["deletion_time"]), units
    elif name == "eagle":
        for row in csv.DictReader(text):
            clock = [datetime.strptime(row[k], "%Y-%m-%d %H:%M:%S").replace(tzinfo=timezone.utc).timestamp()
                     for k in ("submit_time", "start_time")]
            yield clock[0], clock[1], clock[1] + float(row["run_time"]), int(row["processors_req"])
    else:
        for line in text:
            f = line.split()
            if not f or f[0].startswith(";") or float(f[3]) < 0:
                continue
            start = float(f[1]) + float(f[2])
            yield float(f[1]), start, start + float(f[3]), int(f[7])


class Traces(unittest.TestCase):
    def path(self, name):
        folder = TRACES[name][2]
        if folder is None:
            return SAMPLES / TRACES[name][1]
        if not DATA:
            self.skipTest("NIGHTWATT_DATA is not set: the trace may not be shipped")
        return Path(DATA) / folder / TRACES[name][1]

    def run_trace(self, name, order, backfill, folder):
        path = self.path(name)
        start, end = TRACES[name][4]
        scenario = Path(folder) / f"{name}.yaml"
        scenario.write_text(SCENARIO.format(name=name, start=start, end=end, nodes=TRACES[name][6], units=TRACES[name][5],
                                            trace=path, workload=TRACES[name][3], order=order, backfill=backfill))
        out = Path(folder) / f"{name}.h5"
        done = subprocess.run([PROGRAM, "run", str(scenario), "-o", str(out)], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return netCDF4.Dataset(out), seconds(start)

    def check_totals(self, name):
        with tempfile.TemporaryDirectory() as folder:
            file, _ = self.run_trace(name, "fcfs", "easy", folder)
            rows = list(trace_totals.FORMATS[TRACES[name][0]](trace_totals.open_text(self.path(name))))
            cores = "cores" in TRACES[name][5]
            expected = math.fsum(run * (c if cores else g) for run, g, c in rows)
            self.assertEqual(file["jobs"].dimensions["job"].size, len(rows))
            states = file["jobs"]["state"][:]
            self.assertTrue(np.all(states == 0), "not all jobs completed")
            wait = file["jobs"]["wait_s"][:]
            self.assertGreaterEqual(float(wait.min()), 0.0)
            summary = file["summary"]
            self.assertAlmostEqual(float(wait.mean()), float(summary["mean_wait_s"][...]), delta=1e-6)
            for column, values in (("wait_s", wait), ("jct_s", file["jobs"]["end_time"][:] -
                                                      file["jobs"]["submit_time"][:])):
                ranked = np.sort(np.ma.filled(values, np.nan))
                for percent in (50, 95, 99):
                    nearest = ranked[-(-percent * len(ranked) // 100) - 1]
                    self.assertEqual(float(summary[f"p{percent}_{column}"][...]), nearest)
            held = math.fsum(np.ma.filled(file["jobs"]["it_energy_j"][:], np.nan))
            self.assertAlmostEqual(held / expected, 1.0, delta=1e-9)

    def check_replay(self, name):
        with tempfile.TemporaryDirectory() as folder:
            file, start = self.run_trace(name, "replay", "none", folder)
            site = file["sites"]["here"]
            busy = site["gpus_busy"][:]
            jobs = list(intervals(name, self.path(name)))
            dated = name in ("eagle", "wagap")
            expected = np.zeros(len(busy) + 1)
            for _, begin, end, units in jobs:
                begin, end = (begin - start, end - start) if dated else (begin, end)
                first, last = int(begin // 3600), int(end // 3600)
                for i in range(first, last + 1):
                    overlap = min(end, (i + 1) * 3600) - max(begin, i * 3600)
                    if overlap > 0:
                        expected[i] += units * overlap / 3600
            np.testing.assert_allclose(busy, expected[:-1], rtol=1e-9, atol=1e-9)


for trace in TRACES:
    setattr(Traces, f"test_totals_{trace}", lambda self, name=trace: self.check_totals(name))
for trace in REPLAYED:
    setattr(Traces, f"test_replay_{trace}", lambda self, name=trace: self.check_replay(name))

if __name__ == "__main__":
    unittest.main()
