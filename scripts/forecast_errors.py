#!/usr/bin/env python3
"""Errors of CarbonCast's forecasts for California: docs/policies.md has what was fitted to them.

    NIGHTWATT_DATA=FOLDER scripts/forecast_errors.py
"""

import csv
import os

import numpy

HOURS = 96  # of each forecast; one is made a day
FILE = "CISO_carbon_from_src_forecasts_lifecycle_Jul_Dec_2021.csv"

with open(os.path.join(os.environ["NIGHTWATT_DATA"], "carbon", FILE)) as file:
    rows = [(float(row[2]), float(row[3])) for row in list(csv.reader(file))[1:]]
actual, forecast = numpy.array(rows).T.reshape(2, -1, HOURS)
error = numpy.log(forecast / actual)
for day in range(HOURS // 24):
    spread = error[:, 24 * day:24 * day + 24].std()
    middle = 24 * day + 12
    print(f"day {day + 1}: {spread:.1%}, 2 % x lead^0.59 at {middle} h: {0.02 * middle ** 0.59:.1%}")
for lag in (1, 6):
    pairs = [numpy.corrcoef(error[:, k], error[:, k + lag])[0, 1] for k in range(HOURS - lag)]
    print(f"correlation {lag} h apart: {numpy.mean(pairs):.2f}, exp(-{lag}/7): {numpy.exp(-lag / 7):.2f}")
