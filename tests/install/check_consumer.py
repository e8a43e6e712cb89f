"""Installs into a folder of its own, then builds and runs a small program against what is there:
by find_package and by pkg-config. Last, the installed program is moved and used."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(os.environ["NIGHTWATT_SOURCE_DIR"])
BINARY = pathlib.Path(os.environ["NIGHTWATT_BINARY_DIR"])


def run(*command, **options):
    done = subprocess.run([str(part) for part in command], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout}exit status {done.returncode}")
    return done.stdout


def library_folder(prefix):
    found = list(prefix.rglob("nightwatt.pc"))
    assert len(found) == 1, found
    return found[0].parent.parent


with tempfile.TemporaryDirectory() as folder:
    folder = pathlib.Path(folder)
    staged, prefix = folder / "staged", folder / "prefix"
    run("cmake", "--install", BINARY, "--prefix", staged)
    # What was installed must work wherever it is moved to.
    staged.rename(prefix)
    libraries = library_folder(prefix)

    for file in prefix.rglob("*"):
        if file.suffix in (".cmake", ".pc"):
            text = file.read_text(encoding="utf-8")
            for path in (str(BINARY), str(ROOT), str(staged)):
                assert path not in text, f"{file} names {path}"

    build = folder / "build"
    run("cmake", "-S", ROOT / "tests/install/consumer", "-B", build, "-G", "Ninja",
        f"-DCMAKE_PREFIX_PATH={prefix}", "-DCMAKE_BUILD_TYPE=Debug")
    run("cmake", "--build", build)
    by_package = run(build / "consumer")
    print(by_package, end="")
    assert by_package.startswith("energy 7.2 MJ"), by_package

    environment = dict(os.environ, PKG_CONFIG_PATH=str(libraries / "pkgconfig"))
    flags = run("pkg-config", "--cflags", "--libs", "nightwatt", env=environment).split()
    run("c++", ROOT / "tests/install/consumer/main.cpp", "-o", folder / "by_pkg_config", *flags,
        f"-Wl,-rpath,{libraries}")
    assert run(folder / "by_pkg_config") == by_package
    assert run("pkg-config", "--modversion", "nightwatt", env=environment).strip() in run(
        prefix / "bin/nightwatt", "--version")

    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    devices = run(prefix / "bin/nightwatt", "list", "devices", cwd=elsewhere)
    assert "v100-pcie-32gb" in devices, devices
    scenarios = prefix / "share/nightwatt/scenarios"
    shipped = sorted(scenarios.glob("*.yaml"))
    assert shipped, "no scenario was installed"
    for scenario in shipped:
        run(prefix / "bin/nightwatt", "check", scenario, cwd=elsewhere)
    leftovers = [file for file in prefix.rglob("*") if file.suffix == ".cpp"]
    assert not leftovers, leftovers
    print(f"installed, built twice, {len(shipped)} scenarios checked")
    shutil.rmtree(prefix)
