#!/usr/bin/env python3
"""What FCFS and EASY change against the schedule that a trace records.

    recorded_schedules.py

Replays each trace that has recorded starts on its own machine (`order: replay`), then lets FCFS and
EASY schedule the same jobs. Prints a table; as a test, the table must stand in docs/validation.md.
A trace that may not be shipped is read from NIGHTWATT_DATA; without it its rows are left out, and
said to be.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from check_traces import DATA, EAGLE, PROGRAM, SAMPLES, SCENARIO  # noqa: E402

ROOT = Path(os.environ["NIGHTWATT_SOURCE_DIR"])

# name, file, workload keys, period, machine as units a node and nodes
TRACES = [
    # 6,212 GPUs in nodes of 1, 2, 4 and 8, here 776 nodes of 8. All but 58 pods begin after second
    # 10.0e6.
    ("openb", SAMPLES / "openb_pod_list_default.csv",
     "format: openb, shift: {from: 10000000 s, to: 2022-03-07, keep: nothing}",
     ("2022-03-07T00:00:00Z", "2022-05-01T00:00:00Z"), "gpus_per_node: 8", 776),
    # Eagle as published; the jobs are the first 1,000 of a year.
    ("Eagle", SAMPLES / "sample_eagle_data.csv", EAGLE,
     ("2019-01-01T00:00:00Z", "2019-01-04T00:00:00Z"), "cores_per_node: 36", 2114),
    # 20 nodes of 80 and 48 of 12 cores, 2,176 in all (wagap-2013.swf.machines).
    ("wagap", Path(DATA) / "hpc-traces/wagap-2013.swf.gz" if DATA else None,
     "format: swf, rules: {swf_time: unix}",
     ("2012-12-31T00:00:00Z", "2013-04-20T00:00:00Z"), "cores_per_node: 16", 136),
]
POLICIES = [("recorded", "replay", "none"), ("FCFS", "fcfs", "none"), ("EASY", "fcfs", "easy")]

HEAD = """| trace | schedule | mean wait | p95 wait | mean bounded slowdown | utilization | makespan |
| --- | --- | ---: | ---: | ---: | ---: | ---: |
"""


def run(trace, order, backfill):
    name, path, workload, (start, end), units, nodes = trace
    with tempfile.TemporaryDirectory() as folder:
        scenario = Path(folder) / "scenario.yaml"
        text = SCENARIO.format(name=name, start=start, end=end, nodes=nodes, units=units,
                               trace=path, workload=workload, order=order, backfill=backfill)
        scenario.write_text(text + "shape: any\n")
        done = subprocess.run([PROGRAM, "run", str(scenario), "-o", f"{folder}/out.h5", "--json"],
                              capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(done.stderr)
    return json.loads(done.stdout)


def row(name, schedule, s):
    return (f"| {name} | {schedule} | {s['mean_wait_s']:,.1f} s | {s['p95_wait_s']:,.0f} s | "
            f"{s['mean_bounded_slowdown']:.3f} | {100 * s['utilization']:.2f} % | "
            f"{s['makespan_s'] / 86400:.2f} d |\n")


def main():
    document = (ROOT / "docs/validation.md").read_text(encoding="utf-8")
    status = 0
    print(HEAD, end="")
    for trace in TRACES:
        if trace[1] is None:
            print(f"{trace[0]} left out: it may not be shipped, and NIGHTWATT_DATA is not set")
            continue
        rows = "".join(row(trace[0], schedule, run(trace, order, backfill))
                       for schedule, order, backfill in POLICIES)
        print(rows, end="", flush=True)
        if HEAD not in document or rows not in document:
            status = 1
    if status != 0:
        print("docs/validation.md holds another table")
    return status


if __name__ == "__main__":
    sys.exit(main())
