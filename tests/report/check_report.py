"""Opens reports in headless Chromium. Skipped where Chromium or the packages to drive it are not there."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

PROGRAM = os.environ["NIGHTWATT"]
ROOT = pathlib.Path(os.environ["NIGHTWATT_SOURCE_DIR"])
MODULES = pathlib.Path(os.environ["NIGHTWATT_BINARY_DIR"]) / "report" / "node_modules"


def skip(word):
    print(f"skipped: {word}")
    sys.exit(77)


NODE = shutil.which("node") or shutil.which("nodejs")
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
if BROWSER is None:
    skip("no Chromium (scripts/setup.sh test installs it)")
if NODE is None or not (MODULES / "playwright-core").is_dir():
    skip("no playwright-core in the build tree (it comes with NIGHTWATT_REPORT=ON and npm)")

# A name that would run if it were taken for markup anywhere. Sites, partitions and classes take letters only.
EVIL = '</script><img src=x onerror="globalThis.hacked=1"><b onclick=hacked()>&amp;'
YAML_EVIL = "'" + EVIL.replace("'", "''") + "'"

EVIL_SCENARIO = f"""name: {YAML_EVIL}
period: {{start: 2022-10-03T00:00:00Z, end: 2022-10-04T00:00:00Z}}
sites:
  - name: here
    partitions: [{{name: gpus, nodes: 2, gpus_per_node: 8, device: {{idle: 50 W, busy: 250 W}}}}]
workload:
  trace: jobs.csv
  format: csv
  columns: {{id: job, submit: submit, run: run, gpus: gpus, user: user}}
"""
EVIL_JOBS = "job,submit,run,gpus,user\n" + "".join(
    f'"{EVIL.replace(chr(34), chr(34) * 2)} {i}",2022-10-03T0{i}:00:00Z,3600,{i + 1},'
    f'"{EVIL.replace(chr(34), chr(34) * 2)}"\n' for i in range(6))

# Half a minute a bin: more bins than a picture has pixels.
WEEK = """name: a week of drawn jobs
period: {start: 2022-10-03T00:00:00Z, end: 2022-10-10T00:00:00Z}
sites:
  - name: berlin
    timezone: Europe/Berlin
    partitions:
      - {name: v100, nodes: 4, gpus_per_node: 8, device: v100-pcie-32gb}
      - {name: a100, nodes: 2, gpus_per_node: 8, device: a100-sxm4-80gb}
    facility: {pue: 1.3}
    carbon: {file: DE.csv.gz, format: electricity-maps, column: direct}
    price: 90 EUR/MWh
  - name: dallas
    timezone: America/Chicago
    partitions: [{name: v100, nodes: 4, gpus_per_node: 8, device: v100-pcie-32gb}]
    carbon: {file: TX.csv.gz, format: electricity-maps, column: direct}
    price: 100 EUR/MWh
workload:
  reference_device: v100-pcie-32gb
  synthetic: {load: 70 %, gpus: {1: 6, 2: 2, 4: 1}, users: 7, daily_amplitude: 0.6}
  profiles: [{name: half, utilization: 0.5}, {name: full, utilization: 1}]
  classes: [{name: half, match: {share: 0.5}, profile: half, slack: 6 h}, {name: full, match: {}, profile: full}]
output: {timeline: 30 s, nodes: true}
policies: {site: least-queue}
"""

STUDY = f"""name: {YAML_EVIL}
scenario: evil.yaml
grid:
  sites[0].facility.pue: [1.1, 1.5, 2]
  {YAML_EVIL}:
    {YAML_EVIL}: {{}}
    slow: {{policies.backfill: none}}
seeds: 2
"""


def run(*arguments, folder):
    done = subprocess.run([PROGRAM, *arguments], cwd=folder, stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=120)
    if done.returncode != 0:
        print(f"{arguments}: status {done.returncode}\n{done.stderr}")
        sys.exit(1)


with tempfile.TemporaryDirectory() as scratch:
    folder = pathlib.Path(scratch)
    (folder / "evil.yaml").write_text(EVIL_SCENARIO)
    (folder / "jobs.csv").write_text(EVIL_JOBS)
    (folder / "week.yaml").write_text(WEEK)
    for short, name in (("DE", "DE-LU_2022_hourly.csv.gz"), ("TX", "US-TEX-ERCO_2022_hourly.csv.gz")):
        (folder / f"{short}.csv.gz").symlink_to(ROOT / "scenarios" / "data" / name)
    run("--quiet", "run", "evil.yaml", "-o", "a<img src=x onerror=hacked()>.h5", folder=folder)
    run("--quiet", "run", "week.yaml", "-o", "free.h5", folder=folder)
    run("--quiet", "run", "week.yaml", "-o", "capped.h5", "--set", "policies.cap={fixed: {limit: 150 W}}", folder=folder)
    run("report", "a<img src=x onerror=hacked()>.h5", "-o", "evil.html", folder=folder)
    run("report", "free.h5", "-o", "one.html", folder=folder)
    run("report", "free.h5", "capped.h5", "-o", "two.html", folder=folder)
    (folder / "grid.yaml").write_text(STUDY)
    run("--quiet", "study", "grid.yaml", "-o", "grid", folder=folder)
    run("report", "grid/study.h5", "-o", "study.html", folder=folder)
    done = subprocess.run([NODE, ROOT / "tests" / "report" / "check_page.mjs", MODULES, BROWSER, folder], timeout=880)
    sys.exit(done.returncode)
