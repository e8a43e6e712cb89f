"""Same input and seed, same bytes: wherever it runs, whatever the order of the rows of the trace."""

import gzip
import random
import shutil
import unittest

import netCDF4
import numpy as np
import yaml

from harness import ROOT, CliTest

# Everything that a file may hold.
ALL = ["--set", "output.nodes=true", "--set", "output.events=true"]

# More jobs than fit, so that ties, backfilling and estimates matter.
BUSY = """name: busy
period: {start: 2022-01-01T00:00:00Z, end: 2022-01-08T00:00:00Z}
sites:
  - name: here
    partitions: [{name: cores, nodes: 32, cores_per_node: 8, device: generic-cpu-core}]
workload: {trace: jobs.swf, format: swf}
shape: any
"""


class Reproducible(CliTest):
    def run_to(self, name, scenario, *arguments, **options):
        self.expect(0, "--quiet", "run", scenario, "-o", self.folder / name, *arguments, **options)
        return self.folder / name

    def jobs(self, path):
        """The columns of /jobs, rows in order of the id."""
        with netCDF4.Dataset(path) as file:
            file.set_auto_mask(False)
            columns = {name: column[...] for name, column in file["jobs"].variables.items()}
        order = np.argsort(columns["job_id"], kind="stable")
        return {name: column[order] for name, column in columns.items()}

    def assert_equal_jobs(self, one, other):
        self.assertEqual(one.keys(), other.keys())
        for name in one:
            np.testing.assert_array_equal(one[name], other[name], err_msg=name)

    def busy(self):
        """A week of the Lublin trace, whose jobs queue; its lines."""
        self.write("busy.yaml", BUSY)
        with gzip.open(ROOT / "traces/samples/lublin_256.swf.gz", "rt") as file:
            lines = file.read().splitlines(keepends=True)
        self.write("jobs.swf", "".join(lines))
        return lines

    def test_folder_and_path_do_not_matter(self):
        (self.folder / "elsewhere").mkdir()
        copy = self.folder / "copy"
        shutil.copytree(ROOT / "scenarios", copy / "scenarios")
        shutil.copytree(ROOT / "traces/samples", copy / "traces/samples")
        for name in ("synthetic-week", "philly-deadlines"):
            with self.subTest(name):
                runs = [self.run_to("1.h5", f"scenarios/{name}.yaml", *ALL, cwd=ROOT),
                        self.run_to("2.h5", ROOT / f"scenarios/{name}.yaml", *ALL,
                                    cwd=self.folder / "elsewhere"),
                        self.run_to("3.h5", f"{name}.yaml", *ALL, cwd=copy / "scenarios")]
                first, *others = (path.read_bytes() for path in runs)
                for other in others:
                    self.assertTrue(first == other, "the files differ")

    def test_order_of_the_rows_does_not_matter(self):
        lines = self.busy()
        before = self.jobs(self.run_to("before.h5", "busy.yaml"))
        self.assertGreater(before["wait_s"].max(), 3600)
        head = [line for line in lines if line.startswith(";")]
        rows = [line for line in lines if not line.startswith(";")]
        for seed in (1, 2):
            random.Random(seed).shuffle(rows)
            self.write("jobs.swf", "".join(head + rows))
            self.assert_equal_jobs(before, self.jobs(self.run_to("after.h5", "busy.yaml")))

    def test_order_of_rows_without_ids_does_not_matter(self):
        # Philly has no ids and duplicate rows: jobs are numbered after a sort by all their fields.
        text = yaml.safe_load((ROOT / "scenarios/philly-texas.yaml").read_text())
        trace = (ROOT / "scenarios" / text["workload"]["trace"]).resolve()
        text["workload"]["trace"] = "philly.csv"
        del text["sites"][0]["carbon"], text["sites"][0]["price"]
        self.write("philly.yaml", yaml.safe_dump(text).replace("+00:00", "Z"))
        with gzip.open(trace, "rt") as file:
            head, *rows = file.read().splitlines()
        rows = [row for row in rows if row]

        def run():
            self.write("philly.csv", "\n".join([head, *rows]) + "\n")
            return self.jobs(self.run_to("philly.h5", "philly.yaml"))

        before = run()
        self.assertGreater(before["wait_s"].max(), 3600)
        random.Random(1).shuffle(rows)
        self.assert_equal_jobs(before, run())

    def test_the_seed_changes_what_is_drawn_and_is_stored(self):
        self.busy()
        runs = {}
        for seed in (3, 4):
            path = self.run_to("out.h5", "busy.yaml", "--seed", seed, "--set",
                               "estimates={from: noisy, sigma: 1}")
            with netCDF4.Dataset(path) as file:
                self.assertEqual(file.seed, seed)
                self.assertIn(f"seed: {seed}\n", str(file["scenario_yaml"][...]))
            runs[seed] = self.jobs(path)
        # The jobs are those of the trace; what the scheduler believed of them is drawn.
        for name in ("job_id", "submit_time", "reference_run_s", "gpus"):
            np.testing.assert_array_equal(runs[3][name], runs[4][name], err_msg=name)
        self.assertTrue(np.any(runs[3]["start_time"] != runs[4]["start_time"]))
        again = self.jobs(self.run_to("again.h5", "busy.yaml", "--seed", 3, "--set",
                                      "estimates={from: noisy, sigma: 1}"))
        self.assert_equal_jobs(runs[3], again)

    def test_the_seed_changes_nothing_where_nothing_is_drawn(self):
        self.busy()
        self.assert_equal_jobs(self.jobs(self.run_to("3.h5", "busy.yaml", "--seed", 3)),
                               self.jobs(self.run_to("4.h5", "busy.yaml", "--seed", 4)))

    def test_another_seed_is_another_synthetic_week(self):
        week = ROOT / "scenarios/synthetic-week.yaml"
        one, other, same = (self.jobs(self.run_to(f"{i}.h5", week, "--seed", seed))
                            for i, seed in enumerate((1, 2, 1)))
        self.assert_equal_jobs(one, same)
        self.assertNotEqual(len(one["job_id"]), len(other["job_id"]))


if __name__ == "__main__":
    unittest.main()
