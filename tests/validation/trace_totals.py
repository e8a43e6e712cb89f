#!/usr/bin/env python3
"""Counts jobs, GPU-hours and core-hours straight from a trace file, with the standard library only.

Usage: trace_totals.py FORMAT FILE     FORMAT: swf, philly-csv, chronus, eagle, openb
Prints JSON. It shares no code with the readers and reads the files in the plainest way, so that both
can be compared. What it leaves out is what the readers' default rules leave out.
"""
import bz2
import csv
import gzip
import io
import json
import math
import sys


def open_text(path):
    with open(path, "rb") as file:
        data = file.read()
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    elif data[:3] == b"BZh":
        data = bz2.decompress(data)
    return io.StringIO(data.decode("utf-8-sig"))


def swf(text):
    """Processors count as GPUs and as cores; rows with a run time below 0 are left out."""
    for line in text:
        if not line.strip() or line.startswith(";"):
            continue
        fields = line.split()
        run, allocated, requested = float(fields[3]), float(fields[4]), float(fields[7])
        processors = requested if requested > 0 else allocated
        if run >= 0 and processors > 0:
            yield run, processors, processors


def philly_csv(text):
    for row in csv.DictReader(text):
        if int(row["num_gpus"]) > 0:
            yield float(row["duration"]), int(row["num_gpus"]), 0


def chronus(text):
    for row in csv.DictReader(text):
        if int(row["num_gpu"]) > 0:
            yield 60 * float(row["duration"]), int(row["num_gpu"]), 0


def eagle(text):
    for row in csv.DictReader(text):
        yield float(row["run_time"]), int(row["gpus_req"]), int(row["processors_req"])


def openb(text):
    """Pods that were scheduled and ask for a GPU or a share of one."""
    for row in csv.DictReader(text):
        if row["scheduled_time"] and int(row["num_gpu"]) > 0:
            run = float(row["deletion_time"]) - float(row["scheduled_time"])
            share = int(row["gpu_milli"]) / 1000
            yield run, int(row["num_gpu"]) * share, int(row["cpu_milli"]) / 1000


FORMATS = {"swf": swf, "philly-csv": philly_csv, "chronus": chronus, "eagle": eagle, "openb": openb}


def main():
    if len(sys.argv) != 3 or sys.argv[1] not in FORMATS:
        print(__doc__, file=sys.stderr)
        return 2
    rows = list(FORMATS[sys.argv[1]](open_text(sys.argv[2])))
    print(json.dumps({
        "jobs": len(rows),
        "gpu_hours": math.fsum(run * gpus for run, gpus, _ in rows) / 3600,
        "core_hours": math.fsum(run * cores for run, _, cores in rows) / 3600,
    }))
    return 0


if __name__ == "__main__":
    sys.exit(main())
