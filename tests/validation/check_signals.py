#!/usr/bin/env python3
"""`signal info` on real files against what a few lines of Python take straight from them.

Values are read with csv and json, means by hour over the file's own clock (UTC for the CSV files).
"""
import csv
import gzip
import io
import json
import math
import os
import subprocess
import sys
import unittest
from datetime import datetime, timezone
from pathlib import Path

PROGRAM = os.environ["NIGHTWATT"]
DATA = os.environ.get("NIGHTWATT_DATA")


def stull(t, rh):
    return min(t, t * math.atan(0.151977 * math.sqrt(rh + 8.313659)) + math.atan(t + rh) - math.atan(rh - 1.676331) +
               0.00391838 * rh ** 1.5 * math.atan(0.023101 * rh) - 4.686035)


def pue(t, one):
    """Of a facility as `list facilities --json` shows it."""
    if t <= one["free_until_c"]:
        return one["free_pue"]
    if t >= one["chiller_from_c"]:
        return min(one["chiller_pue"] + one["per_kelvin"] * (t - one["chiller_from_c"]), one["most"])
    share = (t - one["free_until_c"]) / (one["chiller_from_c"] - one["free_until_c"])
    return one["free_pue"] + share * (one["chiller_pue"] - one["free_pue"])


class Signals(unittest.TestCase):
    def info(self, path, *options):
        done = subprocess.run([PROGRAM, "signal", "info", str(path), "--json", *options], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def check(self, path, hours, *options):
        """hours: (local hour, value) of each step, all of one length."""
        info = self.info(path, *options)
        values = [value for _, value in hours]
        self.assertAlmostEqual(info["mean"], math.fsum(values) / len(values), delta=1e-9 * max(map(abs, values)))
        self.assertEqual(info["values"] - info["gaps"], len(values))
        self.assertAlmostEqual(info["min"], min(values), delta=1e-9)
        self.assertAlmostEqual(info["max"], max(values), delta=1e-9)
        if info["step_s"] <= 3600:
            for hour in range(24):
                there = [value for at, value in hours if at == hour]
                self.assertAlmostEqual(info["mean_by_hour"][hour], math.fsum(there) / len(there), delta=1e-6)
        return info

    def table(self, name):
        raw = (Path(DATA) / name).read_bytes()
        text = gzip.decompress(raw) if name.endswith(".gz") else raw
        return csv.DictReader(io.StringIO(text.decode("utf-8-sig")))

    def test_electricity_maps(self):
        for path in sorted(Path(DATA, "carbon").glob("*_hourly.csv")):
            rows = list(self.table(f"carbon/{path.name}"))
            for column, word in (("direct", "(direct)"), ("lifecycle", "(LCA)")):
                with self.subTest(path.name, column=column):
                    key = next(name for name in rows[0] if word in name)
                    info = self.check(path, [(int(r["Datetime (UTC)"][11:13]), float(r[key])) for r in rows],
                                      "--column", column)
                    self.assertEqual(info["estimated"], sum(r["Data Estimated"].lower() == "true" for r in rows))
                    self.assertEqual(info["basis"], column)

    def test_eia_mix(self):
        life = dict(WND=11, SUN=41, WAT=24, OIL=650, NG=490, COL=820, NUC=12, OTH=230)
        direct = dict(WND=0, SUN=0, WAT=0, OIL=406, NG=370, COL=760, NUC=0, OTH=575)
        for path in sorted(Path(DATA, "carbon").glob("*_avgCI.csv")):
            rows = [r for r in self.table(f"carbon/{path.name}") if r["avg_CI"]]
            given = [(int(r["timestamp"][11:13]), float(r["avg_CI"])) for r in rows]
            self.check(path, given)
            for column, factors in (("lifecycle", life), ("direct", direct)):
                made = []
                for r in rows:
                    mwh = {fuel: max(float(r[fuel]), 0.0) for fuel in factors}
                    made.append((int(r["timestamp"][11:13]),
                                 sum(mwh[f] * factors[f] for f in mwh) / sum(mwh.values())))
                self.check(path, made, "--column", column)
                if column == "lifecycle":  # our factors are those of the file
                    self.assertLess(max(abs(a[1] - b[1]) for a, b in zip(given, made)), 1e-9)

    def test_carboncast(self):
        for name in ("SE_lifecycle_emissions.csv", "ISNE_direct_emissions.csv"):
            rows = self.table(f"carbon/{name}")
            self.check(Path(DATA, "carbon", name), [(int(r["UTC time"][11:13]), float(r["carbon_intensity"])) for r in rows])
        name = "CISO_carbon_from_src_forecasts_lifecycle_Jul_Dec_2021.csv"
        for column in ("actual", "forecasted"):
            latest = {}
            for r in self.table(f"carbon/{name}"):
                latest[r["UTC time"]] = float(r[f"{column}_carbon_intensity_lifecycle"])
            self.check(Path(DATA, "carbon", name), [(int(t[11:13]), v) for t, v in latest.items()],
                       "--column", column.removesuffix("ed"))

    def test_factors_of_new_england(self):
        """The direct factors give CarbonCast's own series back."""
        factors = dict(coal=760, nat_gas=370, oil=406, other=575, nuclear=0, hydro=0, solar=0, wind=0)
        for r in self.table("carbon/ISNE_direct_emissions.csv"):
            mwh = {fuel: float(r[fuel]) for fuel in factors}
            made = sum(mwh[f] * factors[f] for f in mwh) / sum(mwh.values())
            self.assertAlmostEqual(made, float(r["carbon_intensity"]), delta=0.0051)

    def test_open_meteo(self):
        for path in sorted(Path(DATA, "weather").glob("*.json")):
            hourly = json.loads(path.read_text())["hourly"]
            at = [int(t[11:13]) for t in hourly["time"]]
            dry, rh = hourly["temperature_2m"], hourly["relative_humidity_2m"]
            self.check(path, list(zip(at, dry)))
            self.check(path, list(zip(at, map(stull, dry, rh))), "--column", "wet-bulb")

    def test_epw(self):
        for path in sorted(Path(DATA, "weather").glob("*.epw")):
            rows = list(csv.reader(path.read_text(encoding="latin-1").splitlines()[8:]))
            at = [int(r[3]) - 1 for r in rows]
            dry, rh = [float(r[6]) for r in rows], [float(r[8]) for r in rows]
            info = self.check(path, list(zip(at, dry)))
            self.assertTrue(info["typical_year"])
            self.check(path, list(zip(at, map(stull, dry, rh))), "--column", "wet-bulb")

    def test_gfs(self):
        kelvin = {}
        rows = {}
        for r in self.table("weather/ISNE_AVG_TEMP.csv.gz"):
            rows.setdefault(r["datetime"], r)
        runs = sorted(rows)
        for i, day in enumerate(runs):
            start = datetime.fromisoformat(day).replace(tzinfo=timezone.utc).timestamp()
            until = 24.0
            if i + 1 < len(runs):
                until = (datetime.fromisoformat(runs[i + 1]) - datetime.fromisoformat(day)).total_seconds() / 3600
            for lead in range(0, int(until), 3):
                kelvin[start + lead * 3600] = float(rows[day]["Analysis" if lead == 0 else f"{lead} hr fcst"])
        self.assertEqual(len(kelvin), 1096 * 8)
        self.check(Path(DATA, "weather", "ISNE_AVG_TEMP.csv.gz"), [(0, k - 273.15) for k in kelvin.values()])

    def test_measured_pue(self):
        for name in ("90-days.json", "24-hours.json"):
            steps = json.loads(Path(DATA, "pue", name).read_text())
            good = [(0, s["pue"]) for s in steps if s["min_pue"] >= 1 and s["max_pue"] <= 3 and 1 <= s["pue"] <= 3]
            info = self.info(Path(DATA, "pue", name))
            self.assertAlmostEqual(info["mean"], math.fsum(v for _, v in good) / len(good), delta=1e-9)
            self.assertEqual(info["values"] - info["gaps"], len(good))

    def test_prices(self):
        for name, zone in (("US-CAL-CISO_electricity_prices_2022_processed.csv", "UTC"),
                           ("US-TEX-ERCO_electricity_prices_2022_processed.csv", None)):
            hours = []
            for r in self.table(f"price/{name}"):
                when = datetime.fromisoformat(r["Datetime"])
                when = when.astimezone(timezone.utc) if when.tzinfo else when
                hours.append((when.hour, float(r["Price (USD/MWh)"])))
            self.check(Path(DATA, "price", name), hours, *(["--zone", zone] if zone else []))

    def test_the_shape_of_lincoln_laboratory(self):
        """night / day 0.90 and winter / summer 0.67 in both files with New England's weather, within 0.025."""
        listed = subprocess.run([PROGRAM, "list", "facilities", "--json"], capture_output=True, check=True)
        lincoln = next(one for one in json.loads(listed.stdout) if one["id"] == "lincoln")
        self.assertEqual(lincoln["driver"], "dry-bulb")

        def ratios(steps):  # (month, local hour, dry bulb)
            def mean(chosen):
                values = [pue(t, lincoln) for m, h, t in steps if chosen(m, h)]
                return math.fsum(values) / len(values)
            return (mean(lambda m, h: h < 6) / mean(lambda m, h: 12 <= h < 18),
                    mean(lambda m, h: m in (12, 1, 2)) / mean(lambda m, h: m in (6, 7, 8)))

        lines = Path(DATA, "weather", "USA_NY_New.York-J.F.Kennedy.Intl.AP.744860_TMY3.epw").read_text().splitlines()[8:]
        york = [(int(r[1]), int(r[3]) - 1, float(r[6])) for r in csv.reader(lines)]
        england = []
        for r in self.table("weather/ISNE_AVG_TEMP.csv.gz"):
            if r["datetime"].startswith("2020"):
                start = datetime.fromisoformat(r["datetime"]).replace(tzinfo=timezone.utc).timestamp()
                for lead in range(0, 24, 3):
                    local = datetime.fromtimestamp(start + (lead - 5) * 3600, timezone.utc)
                    kelvin = float(r["Analysis" if lead == 0 else f"{lead} hr fcst"])
                    england.append((local.month, local.hour, kelvin - 273.15))
        for steps in (york, england):
            night, winter = ratios(steps)
            self.assertAlmostEqual(night, 0.90, delta=0.025)
            self.assertAlmostEqual(winter, 0.67, delta=0.025)


if __name__ == "__main__":
    if not DATA:
        print("NIGHTWATT_DATA is not set: the files may not be shipped")
        sys.exit(77)
    unittest.main()
