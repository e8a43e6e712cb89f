"""Every tracked C++ file is as clang-format would write it. Skipped where clang-format is not there."""

import os
import shutil
import subprocess
import sys

ROOT = os.environ["NIGHTWATT_SOURCE_DIR"]

if shutil.which("clang-format") is None:
    print("skipped: no clang-format (scripts/setup.sh develop installs it)")
    sys.exit(77)
try:
    tracked = subprocess.run(["git", "ls-files", "*.cpp", "*.hpp"], cwd=ROOT, check=True,
                             capture_output=True, text=True).stdout.split()
except (OSError, subprocess.CalledProcessError):
    print("skipped: not a git checkout")
    sys.exit(77)
files = [file for file in tracked if os.path.exists(os.path.join(ROOT, file))]
assert files
done = subprocess.run(["clang-format", "--dry-run", "-Werror", *files], cwd=ROOT)
sys.exit(1 if done.returncode else 0)
