"""The folder order and the libraries each room may use, read from the #include lines.

Fails with file:line of each include that points the wrong way.
"""

import os
import pathlib
import re
import sys

ROOT = pathlib.Path(os.environ["NIGHTWATT_SOURCE_DIR"])

# A room may include itself and the rooms before it.
ROOMS = ["energy", "traces", "policies", "sim/engine", "sim", "sim/timeline", "scenarios", "analysis",
         "cli"]
# The engine knows quantities only.
NARROWED = {"sim/engine": ["energy", "sim/engine"]}

# Libraries by their include paths; each with the rooms (or their .cpp files) that may use it.
LIBRARIES = {
    r"simgrid/|xbt/": ["sim/engine/*.cpp"],
    r"hdf5|H5\w*\.h|hdf5_hl": ["sim/timeline/*.cpp"],
    r"libdeflate": ["sim/timeline/*.cpp", "traces/*.cpp"],
    r"yaml-cpp/": ["scenarios/*.cpp"],
    r"CLI/": ["cli/*"],
    r"spdlog/": ["sim/*", "cli/*"],
    r"simdjson": ["traces/*"],
    r"nlohmann/": ["traces/*.cpp", "scenarios/*.cpp", "analysis/*", "cli/*"],
    r"openssl/": ["traces/*.cpp"],
    r"date/": ["traces/*", "scenarios/*", "analysis/*"],
    r"fmt/": ["traces/*", "policies/*", "sim/*", "scenarios/*", "analysis/*", "cli/*"],
    r"(zlib|bzlib|zstd)\.h": ["traces/*.cpp"],
    r"boost/graph|boost/property_map": ["traces/*.cpp", "policies/*.cpp", "sim/*.cpp"],
}


def room_of(path):
    """The longest room that the path lies in, or None."""
    inside = [room for room in ROOMS if path.startswith(room + "/")]
    return max(inside, key=len) if inside else None


def may_use(path, allowed):
    for pattern in allowed:
        folder, last = pattern.rsplit("/", 1)
        if path.startswith(folder + "/") and (last == "*" or path.endswith(last[1:])):
            return True
    return False


def main():
    faults, includes = [], 0
    for room in {room.split("/")[0] for room in ROOMS}:
        for file in sorted((ROOT / room).rglob("*")):
            if file.suffix not in (".hpp", ".cpp", ".h"):
                continue
            path = file.relative_to(ROOT).as_posix()
            here = room_of(path)
            allowed = NARROWED.get(here, ROOMS[:ROOMS.index(here) + 1])
            for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
                match = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
                if not match:
                    continue
                includes += 1
                kind, target = match.groups()
                where = f"{path}:{number}"
                if kind == '"':
                    there = room_of(target)
                    if there is None or not (ROOT / target).is_file():
                        faults.append(f"{where}: '{target}' is no header of a room")
                    elif there not in allowed:
                        faults.append(f"{where}: {here} may not include {there} ('{target}')")
                    continue
                libraries = [key for key in LIBRARIES if re.match(key, target)]
                if libraries:
                    if not all(may_use(path, LIBRARIES[key]) for key in libraries):
                        faults.append(f"{where}: <{target}> is not for this room")
                elif "/" in target and not target.startswith("sys/"):
                    faults.append(f"{where}: <{target}> belongs to no library that the layout names")
    print("\n".join(faults))
    print(f"{includes} includes, {len(faults)} against the layout")
    # Without includes the scan has looked in the wrong place.
    return 1 if faults or includes < 50 else 0


sys.exit(main())
