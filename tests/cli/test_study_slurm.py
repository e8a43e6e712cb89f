"""`nightwatt study --on slurm` against a real slurmctld and slurmd, which this test starts for itself on this machine:
own configuration, own munged, no systemd, no cgroups. Skipped where they are not installed or cannot be started."""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

from harness import PROGRAM, CliTest
import test_study


def skip(word):
    print(f"skipped: {word}")
    sys.exit(77)


PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
TOOLS = {name: shutil.which(name, path=PATH) for name in ("munged", "slurmctld", "slurmd", "sbatch", "squeue")}
if missing := [name for name, path in TOOLS.items() if path is None]:
    skip(f"{', '.join(missing)} not installed (scripts/setup.sh test installs them)")
if os.geteuid() != 0:
    skip("a slurmd of its own needs root")


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


class Cluster:
    """One node with the cores of this machine; arrays of at most seven tasks."""

    def __init__(self):
        self.scratch = tempfile.TemporaryDirectory(prefix="nw-slurm-")
        self.folder = pathlib.Path(self.scratch.name)
        self.folder.chmod(0o755)
        for name in ("state", "spool", "munge"):
            (self.folder / name).mkdir(mode=0o755)
        key = self.folder / "munge" / "key"
        key.write_bytes(os.urandom(256))
        key.chmod(0o600)
        host = socket.gethostname().split(".")[0]
        controller, node = free_ports(2)
        self.conf = self.folder / "slurm.conf"
        self.conf.write_text(f"""ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmdPort={node}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={self.folder}/munge/socket
StateSaveLocation={self.folder}/state
SlurmdSpoolDir={self.folder}/spool
SlurmctldPidFile={self.folder}/slurmctld.pid
SlurmdPidFile={self.folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=sched_interval=1,bf_interval=1
ReturnToService=2
MaxArraySize=7
MinJobAge=5
NodeName={host} NodeAddr=127.0.0.1 CPUs={os.cpu_count()} State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP OverSubscribe=NO
""")
        self.env = {**os.environ, "PATH": PATH, "SLURM_CONF": str(self.conf)}
        self.processes = []
        munge = self.folder / "munge"
        self.start("munged", "--foreground", "--force", f"--socket={munge}/socket", f"--key-file={key}",
                   f"--pid-file={munge}/pid", f"--log-file={munge}/log", f"--seed-file={munge}/seed")
        self.wait_for(lambda: (munge / "socket").exists(), "munged")
        self.start("slurmctld", "-D", "-f", self.conf)
        self.wait_for(lambda: self.ask("scontrol", "ping").returncode == 0, "slurmctld")
        self.start("slurmd", "-D", "-f", self.conf, "-N", host)
        self.wait_for(lambda: "idle" in self.ask("sinfo", "-h", "-o", "%T").stdout, "slurmd")

    def start(self, name, *arguments):
        with open(self.folder / f"{name}.log", "w") as log:
            self.processes.append(subprocess.Popen([TOOLS[name], *map(str, arguments)], env=self.env, stdout=log,
                                                   stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL))

    def ask(self, *command):
        return subprocess.run(command, env=self.env, capture_output=True, text=True, timeout=60)

    def wait_for(self, holds, what):
        deadline = time.monotonic() + 40
        while time.monotonic() < deadline:
            if holds():
                return
            time.sleep(0.2)
        said = (self.folder / f"{what}.log").read_text()[-2000:]
        self.stop()
        skip(f"{what} does not start here: {said}")

    def stop(self):
        for process in reversed(self.processes):
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.scratch.cleanup()


class Slurm(CliTest):
    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster()
        cls.addClassCleanup(cls.cluster.stop)

    def setUp(self):
        super().setUp()
        self.write("work.yaml", test_study.WORK)
        self.write("w.yaml", test_study.WORK_STUDY)

    def study(self, status, *arguments):
        return self.expect(status, "study", *arguments, "--on", "slurm", env=self.cluster.env)

    def test_gives_what_a_local_study_gives(self):
        # 16 runs in arrays of 7.
        self.study(0, "w.yaml", "-o", "slurm")
        self.expect(0, "study", "w.yaml", "-o", "local")
        self.assertEqual(test_study.contents(self.folder / "slurm"),
                         test_study.contents(self.folder / "local"))

    def test_goes_on_waiting_and_submits_nothing_twice(self):
        process = subprocess.Popen([PROGRAM, "study", "w.yaml", "-o", "out", "--on", "slurm"], cwd=self.folder, text=True,
                                   env=self.cluster.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        arrays = self.folder / "out" / "slurm" / "arrays.txt"
        self.cluster.wait_for(lambda: arrays.exists() and len(arrays.read_text().splitlines()) == 3, "slurmctld")
        submitted = arrays.read_text()
        process.send_signal(signal.SIGINT)
        errors = process.communicate(timeout=60)[1]
        self.assertEqual(process.returncode, 130, errors)
        self.assertIn("the same command goes on to wait for the others, which Slurm still runs", errors)
        self.assertEqual(arrays.read_text(), submitted)
        done = self.study(0, "w.yaml", "-o", "out")
        self.assertIn("16 runs", done.stdout)
        # Each task has a number of its own in the end: the next job follows the 16 of the first start, or
        # one of Slurm's own. Tasks that were submitted again would be many more.
        ids = [int(line.split()[0]) for line in submitted.splitlines()]
        following = self.cluster.ask("sbatch", "--parsable", "--output=/dev/null", "--wrap=true")
        self.assertLess(int(following.stdout), min(ids) + 16 + 4)
        self.assertFalse((self.folder / "out" / "slurm").exists())

    def test_failures_are_told(self):
        self.write("s.yaml", test_study.Failing.FAILING)
        done = self.study(2, "s.yaml", "-o", "out")
        self.assertIn("failed: none.csv: error: the file does not exist", done.stderr)
        self.assertIn("4 runs, 4 failed, in", done.stdout)

    def test_what_slurm_refuses(self):
        done = self.study(2, "w.yaml", "-o", "out", "--sbatch=--partition=none")
        self.assertIn("slurm: sbatch refused: ", done.stderr)
        self.assertIn("invalid partition", done.stderr)


if __name__ == "__main__":
    unittest.main()
