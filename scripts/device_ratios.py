#!/usr/bin/env python3
"""How well run times carry over from one device to another: docs/models/jobs.md has the result.

For each network, batch and optimizer that Zeus measured on two devices without a cap, the ratio of
epoch times is set against that of FP32 peak and memory bandwidth, and that of the energy model.

    NIGHTWATT_DATA=FOLDER scripts/device_ratios.py PATH/TO/nightwatt
"""

import collections
import csv
import json
import math
import os
import subprocess
import sys

# Name in the file: id, FP32 peak in TFLOP/s, memory bandwidth in GB/s, as in the catalogue.
DEVICES = {
    "V100": ("v100-pcie-32gb", 14, 900),
    "P100": ("p100-pcie-16gb", 9.3, 732),
    "RTX6000": ("quadro-rtx-6000", 16.3, 672),
    "A40": ("a40", 37.4, 696),
}
# CIFAR's pictures have 32 pixels a side; 384 tokens are an assumption.
MODELS = {
    "shufflenetv2": ["shufflenet-v2", "--height", "32", "--width", "32"],
    "deepspeech2": ["deepspeech2"],
    "ncf": ["ncf"],
    "resnet50": ["resnet50"],
    "bert_base_uncased": ["bert-base", "--seq", "384"],
}


def iteration_s(program, network, batch, device, known={}):
    key = (network, batch, device)
    if key not in known:
        done = subprocess.run(
            [program, "estimate", "--phase", "training", "--precision", "fp32", "--json",
             "--gpu", DEVICES[device][0], "--batch", str(batch), "--model", *MODELS[network]],
            capture_output=True, text=True)
        known[key] = json.loads(done.stdout)["iteration_s"] if done.returncode == 0 else None
    return known[key]


def main(program):
    path = os.path.join(os.environ["NIGHTWATT_DATA"], "measured", "zeus_train_powercap.csv")
    uncapped = collections.defaultdict(dict)  # job -> device -> (cap in W, epoch in s)
    with open(path) as file:
        for row in csv.DictReader(file):
            job = (row["network"], int(row["batch_size"]), row["optimizer"])
            point = (float(row["power_limit_w"]), float(row["time_per_epoch_s"]))
            uncapped[job][row["gpu"]] = max(uncapped[job].get(row["gpu"], (0, 0)), point)
    sheet_all, sheet, model = [], collections.defaultdict(list), collections.defaultdict(list)
    for (network, batch, _), times in sorted(uncapped.items()):
        devices = sorted(times, key=lambda d: -times[d][1])  # slowest first: ratios from 1 up
        for i, slow in enumerate(devices):
            for fast in devices[i + 1:]:
                measured = times[slow][1] / times[fast][1]
                (_, peak_a, width_a), (_, peak_b, width_b) = DEVICES[slow], DEVICES[fast]
                by_sheet = abs(math.sqrt(peak_b / peak_a * width_b / width_a) / measured - 1)
                sheet_all.append(by_sheet)
                a, b = (iteration_s(program, network, batch, d) for d in (slow, fast))
                if a and b:  # fits both
                    sheet[network].append(by_sheet)
                    model[network].append(abs(a / b / measured - 1))
    print(f"data sheet, all {len(sheet_all)} pairs: {sum(sheet_all) / len(sheet_all):.1%}")
    for network, errors in model.items():
        print(f"{network}: {len(errors)} pairs, model {sum(errors) / len(errors):.1%}, "
              f"data sheet {sum(sheet[network]) / len(errors):.1%}")
    both = [sum(map(sum, d.values())) / sum(map(len, d.values())) for d in (model, sheet)]
    print(f"all that fit: model {both[0]:.1%}, data sheet {both[1]:.1%}")


if __name__ == "__main__":
    main(sys.argv[1])
