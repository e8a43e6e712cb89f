"""What the tests of the program share: a scratch folder with a small scenario, and a way to run."""

import os
import pathlib
import subprocess
import tempfile
import unittest

PROGRAM = os.environ["NIGHTWATT"]
ROOT = pathlib.Path(os.environ["NIGHTWATT_SOURCE_DIR"])

# Submitted on 2022-10-03: 8 GPUs for an hour at 0 h, 16 GPUs for two hours at 0:30, which wait for
# the first to end, and one GPU at 0:40, which may run beside the first.
JOBS = """; Version: 2.2
; UnixStartTime: 1664755200
1 0 -1 3600 8 -1 -1 8 7200 -1 1 1 1 -1 1 -1 -1 -1
2 1800 -1 7200 16 -1 -1 16 7200 -1 1 2 1 -1 1 -1 -1 -1
3 2400 -1 600 1 -1 -1 1 600 -1 1 1 1 -1 1 -1 -1 -1
"""

SCENARIO = """name: three jobs
period: {start: 2022-10-03T00:00:00Z, end: 2022-10-04T00:00:00Z}
sites:
  - name: here
    timezone: UTC
    partitions:
      - name: gpus
        nodes: 2
        gpus_per_node: 8
        device: {idle: 50 W, busy: 250 W}
    facility: {pue: 1.2}
    carbon: 400 gCO2e/kWh
    price: 50 EUR/MWh
workload: {trace: jobs.swf, format: swf}
"""


class CliTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)
        self.write("jobs.swf", JOBS)
        self.write("three.yaml", SCENARIO)

    def write(self, name, text):
        (self.folder / name).write_text(text, encoding="utf-8")

    def run_program(self, *arguments, **options):
        """The finished process; its streams as text."""
        settings = dict(cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                        stderr=subprocess.PIPE, text=True, timeout=120)
        settings.update(options)
        return subprocess.run([PROGRAM, *map(str, arguments)], **settings)

    def expect(self, status, *arguments, **options):
        done = self.run_program(*arguments, **options)
        self.assertEqual(done.returncode, status,
                         f"{arguments}\nstdout: {done.stdout}\nstderr: {done.stderr}")
        return done

    def files(self):
        return sorted(path.name for path in self.folder.iterdir())
