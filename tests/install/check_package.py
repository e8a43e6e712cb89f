"""Builds the Debian packages from the build tree, looks at what is in them and what they depend on,
unpacks them and runs the program from there. With NIGHTWATT_CHROOT, a folder with a fresh Debian 12
(mmdebstrap bookworm FOLDER), it installs them there as a user would; that needs root."""

import gzip
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(os.environ["NIGHTWATT_SOURCE_DIR"])
BINARY = pathlib.Path(os.environ["NIGHTWATT_BINARY_DIR"])
SKIP = 77
# What lintian says of these packages that stays as it is.
ACCEPTED = {
    "initial-upload-closes-no-bugs",  # it is no upload to Debian's archive
    "maintscript-calls-ldconfig",  # by CPack, beside the trigger
    "package-name-doesnt-match-sonames",  # the library is the program's; plug-ins are built for it
}


def run(*command, **options):
    settings = dict(stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                    text=True)
    done = subprocess.run([str(part) for part in command], **{**settings, **options})
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout}exit status {done.returncode}")
    return done.stdout


def field(package, name):
    return run("dpkg-deb", "--field", package, name).strip()


def names(depends):
    """The packages of a field of dependencies, without versions."""
    return {re.sub(r"[ (:].*", "", part.strip()) for part in depends.split(",")}


def check_contents(program, development):
    libraries = cached("CMAKE_INSTALL_LIBDIR")
    for file in ("usr/bin/nightwatt", "usr/lib/nightwatt/simgrid.so",
                 "usr/share/nightwatt/scenarios/minimal.yaml",
                 "usr/share/nightwatt/catalog/devices/v100-pcie-32gb.yaml",
                 "usr/share/nightwatt/traces/samples/lublin_256.swf.gz",
                 "usr/share/man/man1/nightwatt.1.gz",
                 "usr/share/bash-completion/completions/nightwatt",
                 "usr/share/zsh/vendor-completions/_nightwatt", "usr/share/doc/nightwatt/NOTICE"):
        assert (program / file).is_file(), file
    for file in ("usr/include/nightwatt/policies/plugin.hpp", f"usr/{libraries}/libnightwatt-sim.a",
                 f"usr/{libraries}/cmake/nightwatt/nightwattConfig.cmake",
                 f"usr/{libraries}/pkgconfig/nightwatt.pc"):
        assert (development / file).is_file(), file
    assert list((program / "usr" / libraries).glob("libnightwatt-policy.so.*"))
    assert (development / "usr" / libraries / "libnightwatt-policy.so").is_symlink()
    for folder, package in ((program, "nightwatt"), (development, "libnightwatt-dev")):
        doc = folder / "usr/share/doc" / package
        copyright = (doc / "copyright").read_text(encoding="utf-8")
        assert copyright.startswith("Format: https://www.debian.org/doc/packaging-manuals/copyright")
        with gzip.open(doc / "changelog.Debian.gz", "rt") as changelog:
            assert changelog.read().startswith("nightwatt (")
        assert (doc / "changelog.gz").is_file()
    # Each of the shipped files that are not ours has its paragraph.
    copyright = (program / "usr/share/doc/nightwatt/copyright").read_text(encoding="utf-8")
    for folder in ("scenarios/data", "traces/samples"):
        for file in (program / "usr/share/nightwatt" / folder).iterdir():
            named = f"usr/share/nightwatt/{folder}/{file.name}"
            assert file.name == "README.md" or named in copyright, named
    for folder in (program, development):
        for file in folder.rglob("*"):
            if file.suffix in (".cmake", ".pc"):
                text = file.read_text(encoding="utf-8")
                assert str(BINARY) not in text and str(ROOT) not in text, file
            assert file.suffix != ".cpp", file


def cached(name):
    text = (BINARY / "CMakeCache.txt").read_text(encoding="utf-8")
    return re.search(rf"^{name}:[A-Z]+=(.*)$", text, re.MULTILINE).group(1)


def check_dependencies(program, development, unpacked):
    depends = names(field(program, "Depends"))
    # The engine's module is loaded by name: its library must have been found all the same.
    assert any(name.startswith("libsimgrid") for name in depends), depends
    assert any(name.startswith("libhdf5") for name in depends), depends
    assert {"libc6", "libstdc++6"} <= depends, depends
    of_development = field(development, "Depends")
    assert f"nightwatt (= {field(program, 'Version')})" in of_development, of_development
    listed = (ROOT / "scripts/packages.txt").read_text(encoding="utf-8")
    listed = {line.split()[0] for line in listed.splitlines() if line.strip()}
    assert names(of_development) - {"nightwatt"} <= listed, names(of_development) - listed
    for file in ("usr/bin/nightwatt", "usr/lib/nightwatt/simgrid.so"):
        headers = run("objdump", "-p", unpacked / file)
        assert "RUNPATH" not in headers and "RPATH" not in headers, file


def check_run(unpacked, folder):
    library = unpacked / "usr" / cached("CMAKE_INSTALL_LIBDIR")
    # dpkg would have put the library where the loader looks.
    options = dict(cwd=folder, env=dict(os.environ, LD_LIBRARY_PATH=str(library)))
    program = unpacked / "usr/bin/nightwatt"
    print(run(program, "--version", **options), end="")
    scenario = unpacked / "usr/share/nightwatt/scenarios/minimal.yaml"
    assert "timeline: minimal.h5" in run(program, "run", scenario, **options)
    for other in sorted(scenario.parent.glob("*.yaml")):
        run(program, "--quiet", "check", other, **options)
    if cached("NIGHTWATT_REPORT") == "ON":
        run(program, "report", "minimal.h5", **options)
        assert "echarts" in (folder / "report.html").read_text(encoding="utf-8").lower()


def check_installed(packages, root):
    """In a fresh Debian: apt finds all that is needed."""
    for package in packages:
        shutil.copy(package, root / "tmp")
    shutil.copytree(ROOT / "tests/install/consumer", root / "tmp/consumer", dirs_exist_ok=True)
    # The program looks for its folder there.
    run("mount", "-t", "proc", "proc", root / "proc")
    try:
        for commands in (
                "apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y"
                " --no-install-recommends g++ cmake ninja-build pkg-config /tmp/*.deb",
                "cd /tmp && nightwatt run /usr/share/nightwatt/scenarios/minimal.yaml"
                " && nightwatt report minimal.h5 && nightwatt --version",
                "cd /tmp/consumer && cmake -G Ninja -S . -B build && cmake --build build"
                " && build/consumer && c++ main.cpp $(pkg-config --cflags --libs nightwatt)"
                " && ./a.out",
                "apt-get purge -y nightwatt libnightwatt-dev && ! test -e /usr/share/nightwatt"):
            print(run("chroot", root, "/bin/sh", "-ec", commands).splitlines()[-1])
    finally:
        run("umount", root / "proc")


for tool in ("cpack", "dpkg-deb", "dpkg-shlibdeps"):
    if shutil.which(tool) is None:
        print(f"skipped: {tool} is not installed (package dpkg-dev)")
        sys.exit(SKIP)
if cached("NIGHTWATT_SANITIZE") or cached("NIGHTWATT_COVERAGE") == "ON":
    print("skipped: this build is for tests, not for packages")
    sys.exit(SKIP)
with tempfile.TemporaryDirectory() as folder:
    folder = pathlib.Path(folder)
    run("cpack", "--config", BINARY / "CPackConfig.cmake", "-B", folder / "made",
        "-D", "CPACK_DEBIAN_COMPRESSION_TYPE=gzip")  # xz takes long
    packages = sorted((folder / "made").glob("*.deb"))
    assert [re.sub("_.*", "", package.name) for package in packages] == [
        "libnightwatt-dev", "nightwatt"], packages
    development, program = packages
    for package in packages:
        run("dpkg-deb", "-x", package, folder / package.stem)
    check_contents(folder / program.stem, folder / development.stem)
    check_dependencies(program, development, folder / program.stem)
    if shutil.which("lintian"):
        said = run("lintian", "--fail-on", "none", *packages)
        faults = [line for line in said.splitlines()
                  if line[:2] in ("E:", "W:") and line.split()[2] not in ACCEPTED]
        assert not faults, "\n".join(faults)
    else:
        print("lintian is not installed: its checks are left out")
    check_run(folder / program.stem, folder)
    if "NIGHTWATT_CHROOT" in os.environ:
        check_installed(packages, pathlib.Path(os.environ["NIGHTWATT_CHROOT"]))
    print("packages: " + ", ".join(package.name for package in packages))
