"""Sites and their signals, recomputed from the columns of the timeline file and the inputs alone."""

import datetime as dt
import json
import math
import random
import unittest
import zoneinfo

import netCDF4
import numpy as np

from harness import ROOT, CliTest

START = dt.datetime(2022, 3, 28, tzinfo=dt.timezone.utc)
HOURS = 10 * 24
KWH = 3.6e6

SITE = """  - name: {name}
    region: "x:{name}"
    timezone: {zone}
    partitions:
      - name: gpus
        nodes: {nodes}
        gpus_per_node: 4
        device: {{idle: 50 W, busy: {busy} W}}
        embodied: {{per_gpu: {kg} kgCO2e, lifetime_years: {years}, source: made up}}
    facility: {{pue: {pue}, wue: {{file: {name}.csv, column: wue, unit: L/kWh}}, fixed_share: 0.3,
               reference_it: 2 kW}}
    carbon:
      series:
        average: {{file: {name}.csv, column: average, unit: g/kWh, basis: direct}}
        marginal: {{file: {name}.csv, column: marginal, unit: g/kWh, basis: marginal}}
      decide_by: marginal
      account_by: average
    price: {{file: {name}.csv, column: price, unit: USD/MWh, demand_charge: {charge} USD/kW}}
"""
SITES = [dict(name="west", zone="America/Los_Angeles", nodes=3, busy=250, kg=164, years=4, pue=1.25,
              charge=12),
         dict(name="east", zone="Europe/Berlin", nodes=4, busy=300, kg=318, years=5, pue=1.1,
              charge=0)]
GBIT = {("west", "east"): 0.5, ("east", "west"): 2.0}
DATA_GB = {"small": 0.0, "large": 400.0}

SCENARIO = """name: two sites
period: {start: 2022-03-28T00:00:00Z, end: 2022-04-04T00:00:00Z}
seed: 7
sites:
""" + "".join(SITE.format(**site) for site in SITES) + """network: {bandwidths: network.csv, j_per_gb: 0.01 kWh/GB}
workload:
  synthetic: {load: 50 %, gpus: {1: 3, 2: 1, 4: 1}, run: {median: 2 h, max: 20 h}}
  home: {by: job, shares: {west: 2, east: 1}}
  classes:
    - {name: small, match: {share: 40 %}, slack: 6 h}
    - {name: large, data_gb: 400}
policies: {site: {lowest-carbon: {max_load: 12 h}}, timing: lowest-carbon}
rebalance: 3 h
"""


class Sites(CliTest):
    def setUp(self):
        super().setUp()
        rng = random.Random(11)
        self.series = {}
        for site in SITES:
            columns = {"average": [rng.uniform(50, 600) for _ in range(HOURS)],
                       "marginal": [rng.uniform(50, 900) for _ in range(HOURS)],
                       "price": [rng.uniform(-20, 150) for _ in range(HOURS)],
                       "wue": [rng.uniform(0.2, 3) for _ in range(HOURS)]}
            self.series[site["name"]] = {key: np.array(column) for key, column in columns.items()}
            rows = ["time," + ",".join(columns)]
            for h in range(HOURS):
                at = START + dt.timedelta(hours=h)
                rows.append(at.strftime("%Y-%m-%dT%H:%M:%SZ,") +
                            ",".join(repr(column[h]) for column in columns.values()))
            self.write(site["name"] + ".csv", "\n".join(rows) + "\n")
        self.write("network.csv", "from,to,gbit_per_s\n" + "".join(
            f"x:{a},x:{b},{width}\n" for (a, b), width in GBIT.items()))
        self.write("sites.yaml", SCENARIO)

    def integral(self, site, key, start, end, factor=1.0):
        """Of an hourly series over [start, end) in seconds."""
        total = 0.0
        for h in range(int(start // 3600), min(int(end // 3600) + 1, HOURS)):
            span = min(end, (h + 1) * 3600) - max(start, h * 3600)
            total += factor * self.series[site][key][h] * max(span, 0.0)
        return total

    def run_sites(self, *arguments):
        self.summary = json.loads(
            self.expect(0, "run", "sites.yaml", "-o", "out.h5", "--json", *arguments).stdout)
        return netCDF4.Dataset(self.folder / "out.h5")

    def test_columns_follow_from_the_inputs(self):
        file = self.run_sites()
        jobs = file["jobs"]
        names = list(file["tables/site"][:])
        classes = list(file["tables/class"][:])
        column = {key: np.ma.filled(jobs[key][:], np.nan) if key not in ("site", "home_site", "class")
                  else np.asarray(jobs[key][:]) for key in jobs.variables if key != "user"}
        origin = file.period_start_unix_s
        self.assertEqual(origin, START.timestamp())
        moved = direct = 0
        sums = dict.fromkeys(["j", "g", "cost"], 0.0)
        for i in range(len(column["site"])):
            site = SITES[[s["name"] for s in SITES].index(names[column["site"][i]])]
            home = names[column["home_site"][i]]
            gb = DATA_GB[classes[column["class"][i]]]
            start, end = column["start_time"][i], column["end_time"][i]
            power_w = column["it_energy_j"][i] / (end - start)
            self.assertAlmostEqual(power_w / (site["busy"] * column["gpus"][i]), 1, delta=1e-9)
            a = 1 + 0.7 * (site["pue"] - 1)
            for key, series, factor in (("carbon_g", "average", a / KWH),
                                        ("cost", "price", a / 1000 / KWH),
                                        ("water_l", "wue", 1 / KWH)):
                want = self.integral(site["name"], series, start, end, factor * power_w)
                self.assertAlmostEqual(column[key][i], want, delta=1e-9 * max(1, abs(want)), msg=key)
            year_s = 365.25 * 86400
            self.assertAlmostEqual(
                column["embodied_carbon_g"][i],
                column["gpus"][i] * (end - start) * site["kg"] * 1000 / (site["years"] * year_s),
                delta=1e-6)
            self.assertAlmostEqual(column["held_s"][i] + column["queue_s"][i], column["wait_s"][i],
                                   delta=1e-6)
            transfer_s = column["transfer_s"][i]
            if site["name"] == home and transfer_s == 0 or gb == 0:
                self.assertEqual(column["transfer_energy_j"][i], 0)
                self.assertEqual(transfer_s, 0)
            else:
                moved += 1
                self.assertAlmostEqual(column["transfer_energy_j"][i] % (gb * 36000), 0, delta=1e-3)
                # Moved once, and not from another queue: the data arrive when the job may queue.
                if site["name"] != home and transfer_s == gb * 8 / GBIT[home, site["name"]] and \
                        column["eligible_time"][i] == column["submit_time"][i] + transfer_s:
                    direct += 1
                    until = column["eligible_time"][i]
                    watts = gb * 36000 / transfer_s
                    g = sum(self.integral(s, "average", until - transfer_s, until, watts / 2 / KWH)
                            for s in (home, site["name"]))
                    usd = sum(self.integral(s, "price", until - transfer_s, until,
                                            watts / 2 / 1000 / KWH) for s in (home, site["name"]))
                    self.assertAlmostEqual(column["transfer_carbon_g"][i], g, delta=1e-7)
                    self.assertAlmostEqual(column["transfer_cost"][i], usd, delta=1e-9)
            sums["j"] += column["transfer_energy_j"][i]
            sums["g"] += column["transfer_carbon_g"][i]
            sums["cost"] += column["transfer_cost"][i]
        self.assertGreater(direct, 20)
        self.assertGreaterEqual(moved, direct)

        totals = dict.fromkeys(["carbon_g", "cost", "water_l", "demand"], 0.0)
        for site in SITES:
            group = file["sites"][site["name"]]
            total = group["totals"]
            end_s = file.file_end_s
            it_w = np.asarray(group["it_power_w"][:])
            facility_w = np.asarray(group["facility_power_w"][:])
            starts = np.arange(len(it_w)) * 300.0
            hour = (starts // 3600).astype(int)
            span = np.full(len(it_w), 300.0)  # powers are means over a whole bin, also of the last
            series = self.series[site["name"]]
            water = float(np.sum(it_w * span * series["wue"][hour]) / KWH)
            carbon = float(np.sum(facility_w * span * series["average"][hour]) / KWH)
            energy_cost = float(np.sum(facility_w * span * series["price"][hour]) / KWH / 1000)
            # The largest mean of three bins in each month of the site's clock.
            zone = zoneinfo.ZoneInfo(site["zone"])
            edges = [dt.datetime(2022, m, 1, tzinfo=zone).timestamp() - origin for m in (3, 4, 5)]
            padded = np.append(facility_w, np.zeros(-len(facility_w) % 3))
            windows = padded.reshape(-1, 3).mean(axis=1)
            begins = np.arange(len(windows)) * 900.0
            demand = 0.0
            for a, b, month in zip(edges, edges[1:], range(2)):
                peak = windows[(begins >= a) & (begins < b)].max()
                share = (min(b, end_s) - max(a, 0)) / (b - a)
                demand += peak / 1000 * site["charge"] * share
                self.assertAlmostEqual(float(group["demand/peak_facility_power_w"][month]), peak,
                                       delta=1e-6)
            self.assertAlmostEqual(float(total["demand_charge_cost"][1]), demand, delta=1e-6)
            self.assertAlmostEqual(float(total["water_l"][1]) / water, 1, delta=1e-9)
            self.assertAlmostEqual(float(total["carbon_g"][1]) / carbon, 1, delta=1e-9)
            self.assertAlmostEqual(float(total["cost"][1]), energy_cost + demand,
                                   delta=1e-6 * abs(energy_cost))
            self.assertEqual(group.carbon_accounted_by, "average")
            self.assertEqual(group.carbon_decided_basis, "marginal")
            totals["carbon_g"] += carbon
            totals["cost"] += energy_cost + demand
            totals["demand"] += demand
            totals["water_l"] += water
        summary = self.summary
        for key, want in (("carbon_g", totals["carbon_g"] + sums["g"]),
                          ("cost", totals["cost"] + sums["cost"]),
                          ("water_l", totals["water_l"]), ("transfer_energy_j", sums["j"]),
                          ("transfer_carbon_g", sums["g"]), ("transfer_cost", sums["cost"]),
                          ("demand_charge_cost", totals["demand"])):
            self.assertTrue(math.isclose(summary[key], want, rel_tol=1e-6), (key, summary[key], want))
        roles = list(file["inputs/role"][:])
        self.assertEqual(roles.count("carbon: average"), 2)
        self.assertEqual(roles.count("carbon: marginal"), 2)
        self.assertEqual(roles.count("network"), 1)

    def test_without_data_the_network_changes_nothing(self):
        jobs = {}
        for name, text in (
                ("with", SCENARIO.replace("data_gb: 400", "data_gb: 0")),
                ("without", SCENARIO.replace(", data_gb: 400", "").replace(
                    "network: {bandwidths: network.csv, j_per_gb: 0.01 kWh/GB}\n", ""))):
            self.write("sites.yaml", text)
            file = self.run_sites()
            jobs[name] = [np.asarray(file["jobs"][key][:])
                          for key in ("site", "start_time", "carbon_g", "transfer_energy_j")]
            file.close()
        for a, b in zip(jobs["with"], jobs["without"]):
            np.testing.assert_array_equal(a, b)
        self.assertEqual(self.summary["transfer_energy_j"], 0)

    def test_perfect_forecasts_of_a_file_are_without_regret(self):
        """Forecasts that are right decide as perfect knowledge does; wrong ones are regretted."""
        def run(wrong):
            text = SCENARIO + "forecast: {from: file}\n"
            for site in SITES:
                name = site["name"]
                rows = ["issue_time,target_time,value (g/kWh)"]
                for h in range(HOURS):
                    at = START + dt.timedelta(hours=h)
                    value = self.series[name]["marginal"][(h + wrong) % HOURS]
                    rows.append(f"{START:%Y-%m-%dT%H:%M:%SZ},{at:%Y-%m-%dT%H:%M:%SZ},{value!r}")
                self.write(name + "-forecast.csv", "\n".join(rows) + "\n")
                text = text.replace(f"    region: \"x:{name}\"\n",
                                    f"    region: \"x:{name}\"\n    forecast: {{carbon: {{file: "
                                    f"{name}-forecast.csv}}}}\n")
            self.write("sites.yaml", text)
            file = self.run_sites()
            return np.asarray(file["jobs"]["start_time"][:])
        right = run(0)
        self.assertAlmostEqual(self.summary["regret_carbon_g"], 0, delta=1e-3)
        carbon = self.summary["regret_carbon_g"]
        wrong = run(5)
        self.assertGreater(self.summary["regret_carbon_g"], carbon + 1000)
        self.assertFalse(np.array_equal(right, wrong))
        self.write("sites.yaml", SCENARIO)
        perfect = np.asarray(self.run_sites()["jobs"]["start_time"][:])
        np.testing.assert_array_equal(right, perfect)
        self.assertNotIn("regret_carbon_g", self.summary)

    def test_the_gallery_shows_a_choice_that_moving_reverses(self):
        """Some jobs of carbon-placement stay only because moving their data emits."""
        sites = {}
        for name, joules in (("free", "0"), ("charged", "216000")):
            self.expect(0, "run", ROOT / "scenarios/carbon-placement.yaml", "-o", name + ".h5",
                        "--quiet", "--set", f"network.j_per_gb={joules}")
            file = netCDF4.Dataset(self.folder / (name + ".h5"))
            sites[name] = np.asarray(file["jobs"]["site"][:])
            home = np.asarray(file["jobs"]["home_site"][:])
        stays = (sites["charged"] == home) & (sites["free"] != home)
        self.assertGreater(int(stays.sum()), 0)

    def test_bad_input_says_where(self):
        for old, new, message in (
                ("x:west", "x:wets", "sites.yaml:6:13: error: sites[0].region: expected a region of "
                                     "'network.csv', got 'x:wets'; did you mean 'x:west'?"),
                (", j_per_gb: 0.01 kWh/GB", "", "missing key 'j_per_gb' in network: expected an "
                                                "energy per data such as '0.06 kWh/GB'")):
            self.write("sites.yaml", SCENARIO.replace(old, new, 1))
            done = self.expect(2, "check", "sites.yaml")
            self.assertIn(message, done.stderr)
        self.write("sites.yaml", SCENARIO)
        self.write("network.csv", "from,to,gbit_per_s\nx:west,x:east,1\n")
        done = self.expect(2, "check", "sites.yaml")
        self.assertIn("expected a bandwidth from x:east to x:west in 'network.csv', got none",
                      done.stderr)


if __name__ == "__main__":
    unittest.main()
