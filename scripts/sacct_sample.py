#!/usr/bin/env python3
"""Prints the accounting of a made-up Slurm cluster, as sacct does: the file of docs/tutorial.md.

Four weeks of September 2022 on 8 nodes of 4 A100 and 16 nodes of 2 V100, with jobs for CPUs, arrays, jobs that were
cancelled before they started, and jobs that still ran when the dump was taken. Nothing in it is of a real
person or machine. Equal on every machine: the draws are seeded, and times are local, without a zone.
"""

import heapq
import math
import random
from datetime import datetime, timedelta

DRAW = random.Random(2022)
BEGIN = datetime(2022, 9, 5)
DAYS = 28
DUMPED_S = DAYS * 86400
COLUMNS = ("JobID|User|Partition|State|Submit|Start|End|ElapsedRaw|TimelimitRaw|"
           "AllocNodes|AllocCPUS|AllocTRES|ReqTRES")
USERS = ("amir", "bela", "chen", "dora", "emil", "fay", "goro", "hana", "iris", "jude", "kofi", "lena")

# Nodes, GPUs a node, name of the GPU's type in TRES, and queues that submit to them. The V100 were set up before types
# were written: their jobs say gres/gpu alone.
MACHINES = {"a100": (8, 4, ":a100", ["a100"]), "v100": (16, 2, "", ["v100", "debug"])}

# What the jobs of a queue are like: submissions a day, median of the run time, weights of 1, 2, 4, 8 and 16 GPUs.
KINDS = {
    "a100": {"a_day": 35, "median_s": 6000, "gpus": (45, 17, 27, 8, 3), "limits_min": (1440, 2880, 10080)},
    "v100": {"a_day": 40, "median_s": 9000, "gpus": (60, 28, 11, 1, 0), "limits_min": (720, 1440, 4320)},
    "debug": {"a_day": 12, "median_s": 700, "gpus": (1, 0, 0, 0, 0), "limits_min": (60, 240)},
    "cpu": {"a_day": 6, "median_s": 1800, "gpus": None, "limits_min": (720,)},
}


def clock(second):
    return (BEGIN + timedelta(seconds=second)).isoformat()


def submissions(a_day):
    """Seconds of submission: Poisson, three times as many by day as by night, half as many at weekends."""
    t = 0.0
    while True:
        t += DRAW.expovariate(1.75 * a_day / 86400)
        if t >= DUMPED_S:
            return
        hour, weekday = t / 3600 % 24, int(t / 86400) % 7
        rate = (1 + 0.5 * math.cos((hour - 15) / 24 * 2 * math.pi)) * (0.55 if weekday > 4 else 1.15)
        if DRAW.random() * 1.75 < rate:
            yield int(t)


def request(queue, submit):
    """The jobs of one submission: one, or now and then an array of several."""
    kind = KINDS[queue]
    shared = {"queue": queue, "submit": submit, "user": USERS[min(int(DRAW.expovariate(0.35)), 11)],
              "gpus": DRAW.choices((1, 2, 4, 8, 16), kind["gpus"])[0] if kind["gpus"] else 0,
              "limit_min": DRAW.choice(kind["limits_min"]), "start": None}
    tasks = DRAW.randrange(2, 9) if DRAW.random() < 0.03 else 1
    for _ in range(tasks):
        run_s = DRAW.lognormvariate(math.log(kind["median_s"]), 1.5)
        state = DRAW.choices(("COMPLETED", "FAILED", "CANCELLED by 20417", "OUT_OF_MEMORY", None), (74, 14, 6, 2, 4))[0]
        if state in ("FAILED", "OUT_OF_MEMORY"):
            run_s *= DRAW.random()
        if run_s >= shared["limit_min"] * 60:
            run_s, state = shared["limit_min"] * 60 + DRAW.randrange(30), "TIMEOUT"
        # State None: cancelled before it started.
        yield dict(shared, run=max(3, int(run_s)), state=state, tasks=tasks)


def place(free, gpus, per_node):
    """Node to GPUs, or none: the fullest nodes first; whole nodes for what is larger than one."""
    held = {}
    for node in sorted(range(len(free)), key=lambda n: (free[n], n)):
        take = min(per_node, gpus - sum(held.values()))
        if free[node] >= take > 0:
            held[node] = take
    return held if sum(held.values()) == gpus else None


def schedule(jobs, nodes, per_node):
    """Starts: in order of submission; who does not fit lets others pass, for a day at most."""
    free, waiting, number = [per_node] * nodes, [], 0
    arrivals = sorted(jobs, key=lambda j: j["submit"], reverse=True)
    events = [(job["submit"], 0, {}) for job in jobs]  # time, number of the job that ends, what it held
    heapq.heapify(events)
    while events:
        now, _, held = heapq.heappop(events)
        for node, gpus in held.items():
            free[node] += gpus
        while arrivals and arrivals[-1]["submit"] <= now:
            waiting.append(arrivals.pop())
        for job in list(waiting):
            at = place(free, job["gpus"], per_node)
            if at is None:
                if now - job["submit"] > 86400:
                    break
                continue
            waiting.remove(job)
            job["start"], job["nodes"] = now + DRAW.randrange(1, 4), len(at)
            for node, gpus in at.items():
                free[node] -= gpus
            number += 1
            heapq.heappush(events, (job["start"] + job["run"], number, at))


def tres(cpus, gpus, nodes, type_name):
    text = f"billing={cpus},cpu={cpus},"
    if gpus:
        text += (f"gres/gpu{type_name}={gpus}," if type_name else "") + f"gres/gpu={gpus},"
    return f"{text}mem={8 * cpus}G,node={nodes}"


def main():
    jobs = [job for queue, kind in KINDS.items() for submit in submissions(kind["a_day"])
            for job in request(queue, submit)]
    for nodes, per_node, _, queues in MACHINES.values():
        schedule([j for j in jobs if j["queue"] in queues and j["state"]], nodes, per_node)
    for job in jobs:
        if job["queue"] == "cpu" and job["state"]:
            job["start"], job["nodes"] = job["submit"] + 2, 1

    print(COLUMNS)
    number, task = 481219, 0
    for job in sorted(jobs, key=lambda j: j["submit"]):  # stable: the tasks of an array stay together
        if task == 0:
            number += DRAW.randrange(1, 4)
        task += 1
        job_id = f"{number}_{task}" if job["tasks"] > 1 else str(number)
        if task == job["tasks"]:
            task = 0
        cpus = 8 * job["gpus"] or 16
        gpu_type = next((type_name for _, _, type_name, queues in MACHINES.values() if job["queue"] in queues), "")
        wanted = tres(cpus, job["gpus"], job.get("nodes", 1), gpu_type)
        submit, limit = clock(job["submit"]), job["limit_min"]
        if job["state"] is None:
            told = ("CANCELLED by 20417", submit, "None", clock(job["submit"] + 4000), 0, limit, 0, 0, "")
        elif job["start"] >= DUMPED_S:
            told = ("PENDING", submit, "Unknown", "Unknown", 0, limit, 0, 0, "")
        elif job["start"] + job["run"] >= DUMPED_S:
            told = ("RUNNING", submit, clock(job["start"]), "Unknown", DUMPED_S - job["start"], limit,
                    job["nodes"], cpus, wanted)
        else:
            told = (job["state"], submit, clock(job["start"]), clock(job["start"] + job["run"]), job["run"], limit,
                    job["nodes"], cpus, wanted)
        print(job_id, job["user"], job["queue"], *told, wanted, sep="|")


main()
