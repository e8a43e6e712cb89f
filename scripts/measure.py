#!/usr/bin/env python3
"""Whole runs under a stopwatch: processor time and memory against jobs, nodes, queue length and policies.

Usage: scripts/measure.py BUILD_FOLDER [--large] [--queues] [--policies] [--jobs N...]
Prints the tables of docs/performance.md. The workload is that of tests/bench/make_workload.cpp; each run
reads an SWF, schedules with EASY on 1,024 nodes of 8 GPUs, charges PUE, carbon and price, and writes the
timeline in bins of 5 min with default filters. --large adds 10 M jobs (5 GiB of memory, 2 GB of disk);
--queues prints only the tables of queue length, --policies only those of policies: the workload on one site of
1,024 nodes and on eight of 128, each with a carbon intensity and a price of its own for every hour of the year, with
--jobs many jobs (default: 1,000,000).
"""
import argparse
import json
import math
import os
import resource
import subprocess
import sys
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

SCENARIO = """
name: measure
period: {{start: 2022-01-01T00:00:00Z, end: 2032-01-01T00:00:00Z}}
sites:
  - name: dallas
    timezone: America/Chicago
    partitions: [{{name: gpus, nodes: {nodes}, device: {{idle: 50 W, busy: 300 W}}, gpus_per_node: 8}}]
    facility: {{pue: 1.2}}
    carbon: {{file: {data}/US-TEX-ERCO_2022_hourly.csv.gz, format: electricity-maps, column: direct, beyond: repeat}}
    price: 0.1 USD/kWh
workload: {{trace: {trace}, format: swf, rules: {{processors: gpus}}}}
policies: {{order: {order}, backfill: {backfill}}}
{horizon}
"""


def run(program, folder, trace, nodes=1024, backfill="easy", order="fcfs", extra=()):
    root = Path(__file__).resolve().parent.parent
    text = SCENARIO.format(nodes=nodes, trace=trace, backfill=backfill, order=order, horizon="",
                           data=root / "scenarios" / "data")
    # The timeline ends with the last job, not ten years later.
    end = subprocess.run(["tail", "-n", "1", str(trace)], capture_output=True, text=True, check=True).stdout.split()[1]
    stop = f"period.end={subprocess.run(['date', '-u', '-d', f'2022-01-01 UTC + {int(float(end)) + 1} sec', '+%Y-%m-%dT%H:%M:%SZ'], capture_output=True, text=True, check=True).stdout.strip()}"
    return run_text(program, folder, text, ("--set", stop, *extra))


def run_text(program, folder, text, extra=()):
    """@return processor time in s, memory in MiB, the summary, the file's size in MB"""
    scenario = Path(folder) / "measure.yaml"
    scenario.write_text(text)
    out = Path(folder) / "measure.h5"
    command = [program, "run", str(scenario), "-o", str(out), "--json", "--quiet", *extra]
    pid = os.posix_spawn(program, command, os.environ,
                         file_actions=[(os.POSIX_SPAWN_OPEN, 1, str(Path(folder) / "out.json"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)])
    _, status, usage = os.wait4(pid, 0)
    if status != 0:
        sys.exit(f"run failed with status {status}")
    summary = json.loads((Path(folder) / "out.json").read_text())
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, summary, out.stat().st_size / 1e6

FLEXIBLE = """
  classes: [{{name: f, match: {{share: 50 %}}, {slack}pausable: {{restart: {{time: 2 min}}}}}}]"""
SITE = """
  - name: site{i}
    partitions: [{{name: gpus, nodes: {nodes}, device: v100-pcie-32gb, gpus_per_node: 8}}]
    facility: {{pue: 1.2}}{budget}
    carbon: {{file: carbon{i}.csv, format: csv}}
    price: {{file: price{i}.csv, format: csv}}"""
POLICIES = """
name: measure
period: {{start: 2022-01-01T00:00:00Z, end: {end}}}
sites:{sites}
workload:
  trace: {trace}
  format: swf
  rules: {{processors: gpus}}
  reference_device: v100-pcie-32gb
  home: {{by: job}}{classes}
policies: {{backfill: easy{policies}}}
"""
INTERRUPTIBLE = "timing: lowest-carbon-interruptible"
# What is added to the plain run, and what its jobs or sites have for it.
ROWS = [("none", ""), ("timing: lowest-carbon", "slack"), (INTERRUPTIBLE, "slack"), ("pause: above-threshold", "pausable"),
        ("nodes: {sleep: {boot_time: 3 min, boot_power: 400 W, asleep_power: 20 W}}", ""),
        ("cap: {fixed: {limit: 150 W}}", ""), ("cap: {signal: {limit: 150 W}}", ""), ("cap: budget", "budget")]
SITE_ROWS = ["least-queue", "lowest-carbon-now: {max_load: 1 h}", "lowest-carbon: {max_load: 1 h}", "cheapest: {max_load: 1 h}",
             "most-efficient"]


def hourly(folder, name, unit, mean, swing, shift):
    """A year of hours: a day's wave around a mean that drifts over the year, and a fixed flicker."""
    with open(Path(folder) / name, "w") as out:
        out.write(f"time,value ({unit})\n")
        for h in range(8761):
            value = mean * (1 + swing * math.sin((h + shift) * math.pi / 12) + 0.1 * math.sin(h / 700 + shift)
                            + 0.05 * math.sin(h * 12.9898 + shift * 78.233))
            out.write(f"{hour_text(h)},{value:.4f}\n")


def hour_text(h):
    return (datetime(2022, 1, 1) + timedelta(hours=h)).strftime("%Y-%m-%dT%H:%M:%SZ")


def measure_policies(program, workload, folder, jobs):
    for i in range(8):
        hourly(folder, f"carbon{i}.csv", "gCO2e/kWh", 250 + 50 * i, 0.3, 3 * i)
        hourly(folder, f"price{i}.csv", "USD/MWh", 40 + 5 * i, 0.4, 5 * i)
    for sites in (1, 8):
        trace = workload(jobs)
        last = subprocess.run(["tail", "-n", "1", str(trace)], capture_output=True, text=True, check=True).stdout.split()[1]
        end = (datetime(2022, 1, 1) + timedelta(seconds=int(float(last)) + 1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        print(f"\n{jobs:,} jobs, sites: {sites}\n\n| policies | processor time s | of the plain run |\n|---|---|---|")
        plain = None
        rows = list(ROWS)
        if sites > 1:
            rows[1:1] = [(f"site: {site if ':' not in site else '{' + site + '}'}", "") for site in SITE_ROWS]
            rows.append((f"site: {{lowest-carbon: {{max_load: 1 h}}}}, {INTERRUPTIBLE}", "slack"))
        for policy, kind in rows:
            classes = FLEXIBLE.format(slack="slack: 24 h, " if kind == "slack" else "") if kind in ("slack", "pausable") else ""
            budget = f"\n    budget: {{power: {2000 // sites} kW}}" if kind == "budget" else ""
            text = POLICIES.format(end=end, trace=trace, classes=classes, policies="" if policy == "none" else ", " + policy,
                                   sites="".join(SITE.format(i=i, nodes=1024 // sites, budget=budget) for i in range(sites)))
            cpu, _, s, _ = run_text(program, folder, text)
            plain = plain or cpu
            print(f"| {policy} | {cpu:.2f} | {cpu / plain:.2f} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--queues", action="store_true")
    parser.add_argument("--policies", action="store_true")
    parser.add_argument("--jobs", type=int, nargs="+", default=[1_000_000])
    options = parser.parse_args()
    program = str(Path(options.build) / "bin" / "nightwatt")
    make = str(Path(options.build) / "bin" / "make_workload")
    if not Path(make).exists():
        make = str(next(Path(options.build).rglob("make_workload")))
    with tempfile.TemporaryDirectory() as folder:
        def workload(jobs, nodes=1024, load=0.8):
            path = Path(folder) / f"{jobs}-{nodes}-{load}.swf"
            if not path.exists():
                subprocess.run([make, str(jobs), str(nodes), "8", "1", str(path), str(load)], check=True)
            return path

        if options.policies:
            for jobs in options.jobs:
                measure_policies(program, workload, folder, jobs)
            return
        if not options.queues:
            print("| jobs | processor time s | us a job | peak memory MiB | file MB | mean wait s |\n|---|---|---|---|---|---|")
            points = []
            for jobs in (10_000, 100_000, 1_000_000) + ((10_000_000,) if options.large else ()):
                cpu, rss, s, size = run(program, folder, workload(jobs))
                points.append((jobs, cpu))
                print(f"| {jobs:,} | {cpu:.2f} | {cpu / jobs * 1e6:.2f} | {rss:.0f} | {size:.1f} | {s['mean_wait_s']:.1f} |", flush=True)
            slope = math.log(points[-1][1] / points[0][1]) / math.log(points[-1][0] / points[0][0])
            print(f"\nGrowth exponent from {points[0][0]:,} to {points[-1][0]:,} jobs: {slope:.2f}\n")

            print("| nodes | processor time s | us a job |\n|---|---|---|")
            for nodes in (1024, 4096, 16384):
                cpu, rss, s, _ = run(program, folder, workload(1_000_000, nodes), nodes=nodes)
                print(f"| {nodes:,} | {cpu:.2f} | {cpu:.2f} |", flush=True)

        print("\n| backfilling | depth | jobs | offered load | mean jobs waiting | us a job |\n|---|---|---|---|---|---|")
        for backfill, depth, jobs, load in (
                ("easy", "", 400_000, 0.8), ("easy", "", 200_000, 1.5), ("easy", "", 400_000, 4.0),
                ("conservative", 1000, 100_000, 0.8), ("conservative", 1000, 100_000, 0.95),
                ("conservative", "unlimited", 100_000, 0.95), ("conservative", 1000, 100_000, 1.5),
                ("conservative", 1000, 400_000, 4.0)):
            extra = ()
            if depth == "unlimited":
                extra = ("--set", "policies.backfill.conservative.depth=1000000000")
            cpu, _, s, _ = run(program, folder, workload(jobs, 1024, load), backfill=backfill, extra=extra)
            waiting = s["mean_wait_s"] * jobs / s["makespan_s"]
            print(f"| {backfill} | {depth} | {jobs:,} | {load} | {waiting:,.0f} | {cpu / jobs * 1e6:.1f} |", flush=True)


if __name__ == "__main__":
    main()
