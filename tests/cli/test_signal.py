"""`signal info`, and a PUE that follows the weather, from outside."""

import csv
import datetime
import gzip
import json
import math
import unittest

from harness import ROOT, CliTest

TEXAS = ROOT / "scenarios/data/US-TEX-ERCO_2022_hourly.csv.gz"
WEATHER = ROOT / "scenarios/data/US-TEX-ERCO_2022.json.gz"

# A node that draws 1 kW whatever it does, for a day of the weather file.
SCENARIO = """name: weather
period: {{start: 2022-07-19T00:00:00Z, end: 2022-07-20T00:00:00Z}}
sites:
  - name: here
    timezone: UTC
    partitions: [{{name: gpus, nodes: 1, gpus_per_node: 1, device: {{idle: 1 kW, busy: 1 kW}}}}]
    facility: {{pue: {{weather: {weather}, curve: {curve}}}}}
    carbon: 400 gCO2e/kWh
workload: {{trace: jobs.swf, format: swf, oversized: reject,
           shift: {{to: 2022-07-19T00:00:00Z, keep: nothing}}}}
drain: false
"""
OWN = "{driver: wet-bulb, free: {until: 20 °C, pue: 1.1}, chiller: {from: 26 °C, pue: 1.4, per_kelvin: 0.02}}"


def wet_bulb(t, rh):
    """Stull 2011, equation 1."""
    return min(t, t * math.atan(0.151977 * math.sqrt(rh + 8.313659)) + math.atan(t + rh) - math.atan(rh - 1.676331) +
               0.00391838 * rh ** 1.5 * math.atan(0.023101 * rh) - 4.686035)


class SignalInfo(CliTest):
    def info(self, *arguments):
        return json.loads(self.expect(0, "signal", "info", *arguments, "--json").stdout)

    def test_texas_as_its_readme_says(self):
        info = self.info(TEXAS)
        self.assertEqual((info["file"]["format"], info["zone"], info["values"]), ("electricity-maps", "US-TEX-ERCO", 8760))
        self.assertEqual((info["basis"], info["step_s"], info["gaps"]), ("direct", 3600, 0))
        self.assertAlmostEqual(info["mean"], 338.2, delta=0.05)
        self.assertEqual((info["min"], info["max"]), (105.81, 518.62))
        by_hour = info["mean_by_hour"]
        self.assertEqual((by_hour.index(min(by_hour)), by_hour.index(max(by_hour))), (7, 1))
        self.assertEqual(len(info["mean_by_month"]), 12)
        table = self.expect(0, "signal", "info", TEXAS)
        self.assertLessEqual(max(map(len, table.stdout.splitlines())), 100)
        self.assertIn("█", table.stdout)
        self.assertIn("Jan Feb Mar", table.stdout)

    def test_gaps_are_counted_and_count_for_nothing(self):
        rows = ["time,p"] + [f"2022-01-01 {h:02}:00,{h}" for h in range(24) if h not in (5, 6)]
        self.write("gaps.csv", "\n".join(rows))
        options = ("--unit", "EUR/MWh", "--zone", "UTC")
        info = self.info("gaps.csv", *options)
        self.assertEqual((info["values"], info["gaps"], info["kind"]), (24, 2, "price"))
        self.assertAlmostEqual(info["mean"], (276 - 11) / 22)
        self.assertIsNone(info["mean_by_hour"][5])
        bad = self.expect(2, "signal", "info", "gaps.csv", *options, "--rule", "gap=error")
        self.assertIn("gaps.csv:7: error: time: 2 rows are missing", bad.stderr)

    def test_bad_input(self):
        self.write("back.csv", "time,p\n2022-01-01 01:00Z,1\n2022-01-01 00:00Z,1\n")
        self.write("local.csv", "time,p\n2022-01-01 01:00,1\n2022-01-01 02:00,1\n")
        self.write("mixed.csv", "time,p\n2022-01-01 00:00Z,1\n2022-01-01 01:00Z,1\n2022-01-01 01:10Z,1\n")
        for arguments, text in (
                (("back.csv", "--unit", "1"), "back.csv:3: error: time: 2022-01-01T00:00:00Z comes after"),
                (("mixed.csv", "--unit", "1"), "rule mixed_steps: keep would accept the file"),
                (("local.csv", "--unit", "1"), "say zone: UTC"),
                (("local.csv", "--unit", "1", "--zone", "Europe/Berln"), "did you mean 'Europe/Berlin'?"),
                ((TEXAS, "--unit", "lbs/MWh"), "error: unit: the values of"),
                ((TEXAS, "--column", "marginal"), "column: expected direct or lifecycle"),
                ((TEXAS, "--rule", "gap"), "NAME=VALUE"),
                (("missing.csv",), "missing.csv")):
            self.assertIn(text, self.expect(2, "signal", "info", *arguments).stderr)


class WeatherPue(CliTest):
    def summary(self, curve, weather=WEATHER):
        self.write("weather.yaml", SCENARIO.format(weather=weather, curve=curve))
        return json.loads(self.expect(0, "run", "weather.yaml", "--json", "-o", "out.h5").stdout)

    def hours(self):
        """(dry bulb, relative humidity) of 2022-07-19, from the file itself."""
        data = json.loads(gzip.open(WEATHER).read())
        begin = datetime.datetime(2022, 7, 19) + datetime.timedelta(seconds=data["utc_offset_seconds"])
        first = data["hourly"]["time"].index(begin.strftime("%Y-%m-%dT%H:%M"))
        return [(data["hourly"]["temperature_2m"][i], data["hourly"]["relative_humidity_2m"][i])
                for i in range(first, first + 24)]

    def test_a_day_by_hand(self):
        pue = 0.0
        for t, rh in self.hours():
            wet = wet_bulb(t, rh)
            share = min(max((wet - 20) / 6, 0), 1)
            pue += (1.1 + 0.3 * share + 0.02 * max(wet - 26, 0)) / 24
        got = self.summary(OWN)
        self.assertAlmostEqual(got["facility_energy_j"] / got["it_energy_j"], pue, delta=1e-9)
        self.assertGreater(pue, 1.2)

    def test_a_series_repeats_by_calendar_years(self):
        # 1 March 2024 is 1 March 2022, although a 29 February lies in between.
        day = [float(row["Carbon Intensity gCO₂eq/kWh (direct)"])
               for row in csv.DictReader(gzip.open(TEXAS, "rt", encoding="utf-8"))
               if row["Datetime (UTC)"].startswith("2022-03-01")]
        self.assertEqual(len(day), 24)
        text = SCENARIO.format(weather=WEATHER, curve=OWN).replace("2022-07-19", "2024-03-01")
        text = text.replace("2022-07-20", "2024-03-02").replace("400 gCO2e/kWh", f"{{file: {TEXAS}, beyond: repeat}}")
        text = text.replace(f"{{weather: {WEATHER}, curve: {OWN}}}", "1")
        self.write("later.yaml", text)
        got = json.loads(self.expect(0, "run", "later.yaml", "--json", "-o", "out.h5").stdout)
        self.assertAlmostEqual(got["carbon_g"], math.fsum(day), delta=1e-6)
        self.write("later.yaml", text.replace(", beyond: repeat", ""))
        self.assertIn("set beyond: hold or beyond: repeat", self.expect(2, "check", "later.yaml").stderr)

    def test_a_typical_year_stands_for_every_year(self):
        head = ["LOCATION,Here,-,ABC,TMY3,1,0,0,2.0,0", "DESIGN CONDITIONS", "TYPICAL/EXTREME PERIODS",
                "GROUND TEMPERATURES", "HOLIDAYS/DAYLIGHT SAVINGS", 'COMMENTS 1,a " alone', "COMMENTS 2", "DATA PERIODS"]
        first = datetime.datetime(2001, 1, 1)
        rows = []
        for hour in range(8760):
            day = first + datetime.timedelta(hours=hour)
            rows.append(f"{1990 + day.month},{day.month},{day.day},{day.hour + 1},0,x,{day.month + day.hour / 100},0,50,0")
        self.write("typical.epw", "\n".join(head + rows))
        # July at home begins two hours before the UTC day: dry bulb 7 + hour / 100, PUE 1 + that / 100.
        curve = "{driver: dry-bulb, free: {until: 0 °C, pue: 1}, chiller: {from: 100 °C, pue: 2}}"
        got = self.summary(curve, "typical.epw")
        expected = 1 + math.fsum(7 + ((hour + 2) % 24) / 100 for hour in range(24)) / 24 / 100
        self.assertAlmostEqual(got["facility_energy_j"] / got["it_energy_j"], expected, delta=1e-9)

    def test_presets(self):
        self.assertEqual({one["id"] for one in json.loads(self.expect(0, "list", "facilities", "--json").stdout)},
                         {"hyperscale-outside-air", "midsize-air", "lincoln"})
        pues = [self.summary(curve) for curve in ("hyperscale-outside-air", "midsize-air", "lincoln")]
        pues = [one["facility_energy_j"] / one["it_energy_j"] for one in pues]
        self.assertTrue(1.07 < pues[0] < pues[1] < pues[2] < 2.1, pues)

    def test_faults(self):
        for curve, text in (
                ("midsize-are", "weather.yaml:7:"), ("midsize-are", "did you mean 'midsize-air'?"),
                ("{driver: wet-bulb, free: {until: 20 °C, pue: 1.1}, chiller: {from: 10 °C, pue: 1.2}}",
                 "expected a temperature above free.until, got '10 °C'"),
                ("{driver: wet-bulb, free: {until: 20 K, pue: 1.1}, chiller: {from: 26 °C, pue: 1.2}}",
                 "expected a temperature such as '18 °C'")):
            self.write("weather.yaml", SCENARIO.format(weather=WEATHER, curve=curve))
            self.assertIn(text, self.expect(2, "check", "weather.yaml").stderr)
        self.write("weather.yaml", SCENARIO.format(weather=TEXAS, curve="midsize-air"))
        self.assertIn("column: expected direct or lifecycle, got 'wet-bulb'", self.expect(2, "check", "weather.yaml").stderr)

    def test_marginal_is_never_added_to_averages(self):
        points = ",".join(f'{{"point_time": "2022-10-03T{h:02}:00:00Z", "value": 900}}' for h in range(24))
        self.write("moer.json", '{"data": [' + points + '], "meta": {"region": "X", "signal_type": "co2_moer", '
                   '"units": "lbs_co2_per_mwh"}}')
        text = (self.folder / "three.yaml").read_text()
        text = text.replace("carbon: 400 gCO2e/kWh", "carbon: {file: moer.json, beyond: hold}")
        self.write("one.yaml", text)
        self.assertIn("marginal", self.expect(0, "run", "one.yaml", "-o", "out.h5").stdout)
        site = text[text.index("  - name: here"):text.index("workload:")].replace("here", "there")
        site = site.replace("{file: moer.json, beyond: hold}", "{file: " + str(TEXAS) + ", column: direct}")
        self.write("two.yaml", text.replace("workload:", site + "workload:"))
        self.assertIn("marginal intensities cannot be added to averages", self.expect(2, "check", "two.yaml").stderr)


if __name__ == "__main__":
    unittest.main()
