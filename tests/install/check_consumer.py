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


def documented(language):
    """The example of docs/extending.md."""
    text = (ROOT / "docs/extending.md").read_text(encoding="utf-8")
    block = text.split(f"```{language} plug-in\n", 1)[1]
    return block.split("```", 1)[0]


def check_plugins(folder, prefix, flags):
    """Builds the documented plug-in and some bad ones, and runs them with the installed program."""
    source = folder / "plugin"
    source.mkdir()
    (source / "mine.cpp").write_text(documented("cpp"), encoding="utf-8")
    (source / "CMakeLists.txt").write_text(documented("cmake"), encoding="utf-8")
    run("cmake", "-S", source, "-B", source / "build", "-G", "Ninja",
        f"-DCMAKE_PREFIX_PATH={prefix}", "-DCMAKE_BUILD_TYPE=Debug")
    run("cmake", "--build", source / "build")
    mine = source / "build/libmine.so"
    program = prefix / "bin/nightwatt"
    assert "smallest-first" in run(program, "--plugin", mine, "list", "policies")
    scenario = prefix / "share/nightwatt/scenarios/minimal.yaml"
    summary = run(program, "--plugin", mine, "run", scenario, "-o", folder / "mine.h5",
                  "--set", "policies.order=smallest-first")
    assert "timeline:" in summary, summary

    kept = folder / "kept.h5"
    kept.write_text("older", encoding="utf-8")
    for path in sorted((ROOT / "tests/install/plugins").glob("*.cpp")):
        library = folder / f"lib{path.stem}.so"
        run("c++", "-shared", "-fPIC", path, "-o", library, *flags)
        expected = path.read_text(encoding="utf-8").split("// expected: ", 1)[1].splitlines()[0]
        question, policy = path.read_text(encoding="utf-8").split("// policy: ", 1)[1].split()[:2]
        done = subprocess.run([program, "--plugin", library, "run", scenario, "-o", kept, "--set",
                               f"policies.{question}={policy}"], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert done.returncode == 2, (path, done.returncode, done.stdout)
        assert expected in done.stdout and library.name in done.stdout, (path, done.stdout)
        assert kept.read_text(encoding="utf-8") == "older", path
    print("plug-ins: the documented one runs, bad ones are named")


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
    check_plugins(folder, prefix, flags)
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
