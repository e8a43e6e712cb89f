"""The folder order and the libraries each room may use, read from the #include lines.

Fails with file:line of each include that points the wrong way. Looks at a made-up tree with known
faults first, so that a scan that sees nothing cannot pass.
"""

import os
import pathlib
import re
import sys
import tempfile

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
    r"Eigen/|unsupported/Eigen/": ["analysis/*.cpp"],
    r"boost/math/": ["analysis/*.cpp"],
    r"lemon/": ["analysis/bounds/*.cpp"],
    r"emmintrin\.h": ["traces/*.cpp"],  # SSE2, with a plain form beside it
    r"boost/graph|boost/property_map": ["traces/*.cpp", "policies/*.cpp", "sim/*.cpp"],
}
# The standard library has no suffix; of C and POSIX only these.
SYSTEM = r"[a-z_]+|sys/\w+\.h|(dlfcn|fcntl|locale|poll|pthread|signal|unistd)\.h"


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


def check(root):
    """Faults of the tree at `root`, and how many includes were read."""
    faults, includes = [], 0
    for room in sorted({room.split("/")[0] for room in ROOMS}):
        for file in sorted((root / room).rglob("*")):
            if file.suffix not in (".hpp", ".cpp", ".h"):
                continue
            path = file.relative_to(root).as_posix()
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
                    if there is None or not (root / target).is_file():
                        faults.append(f"{where}: '{target}' is no header of a room")
                    elif there not in allowed:
                        faults.append(f"{where}: {here} may not include {there} ('{target}')")
                    continue
                libraries = [key for key in LIBRARIES if re.match(key, target)]
                if libraries:
                    if not all(may_use(path, LIBRARIES[key]) for key in libraries):
                        faults.append(f"{where}: <{target}> is not for this room")
                elif not re.fullmatch(SYSTEM, target):
                    faults.append(f"{where}: <{target}> belongs to no library that the layout names")
    return faults, includes


# What a fault looks like: file, its text, and what must be said of its first line (None: nothing).
EXAMPLES = [
    ("energy/a.hpp", "#include <vector>", None),
    ("energy/b.cpp", "#include <fmt/format.h>", "<fmt/format.h> is not for this room"),
    ("energy/c.cpp", '#include "traces/a.hpp"', "energy may not include traces ('traces/a.hpp')"),
    ("energy/d.cpp", "#include <curl.h>", "<curl.h> belongs to no library that the layout names"),
    ("traces/a.hpp", '#include "energy/a.hpp"', None),
    ("traces/b.cpp", "  #  include <eigen3/Eigen/Dense>",
     "<eigen3/Eigen/Dense> belongs to no library that the layout names"),
    ("policies/a.hpp", "#include <boost/graph/graph_traits.hpp>",
     "<boost/graph/graph_traits.hpp> is not for this room"),
    ("policies/a.cpp", "#include <boost/graph/graph_traits.hpp>", None),
    ("policies/b.cpp", '#include "sim/a.hpp"', "policies may not include sim ('sim/a.hpp')"),
    ("sim/a.hpp", "#include <simgrid/s4u.hpp>", "<simgrid/s4u.hpp> is not for this room"),
    ("sim/b.cpp", "#include <xbt/log.h>", "<xbt/log.h> is not for this room"),
    ("sim/c.cpp", "#include <hdf5.h>", "<hdf5.h> is not for this room"),
    ("sim/d.cpp", '#include "energy/missing.hpp"', "'energy/missing.hpp' is no header of a room"),
    ("sim/e.cpp", '#include "sim/engine/a.hpp"', None),
    ("sim/engine/a.hpp", "#include <simgrid/s4u.hpp>", "<simgrid/s4u.hpp> is not for this room"),
    ("sim/engine/a.cpp", "#include <simgrid/s4u.hpp>", None),
    ("sim/engine/b.cpp", '#include "traces/a.hpp"',
     "sim/engine may not include traces ('traces/a.hpp')"),
    ("sim/timeline/a.cpp", "#include <hdf5.h>", None),
    ("scenarios/a.cpp", "#include <CLI/CLI.hpp>", "<CLI/CLI.hpp> is not for this room"),
    ("analysis/a.cpp", "#include <yaml-cpp/yaml.h>", "<yaml-cpp/yaml.h> is not for this room"),
    ("cli/a.cpp", '#include "analysis/a.cpp"', None),
]


def check_itself():
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for path, text, _ in EXAMPLES:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text + "\n", encoding="utf-8")
        faults, includes = check(root)
    expected = [f"{path}:1: {fault}" for path, _, fault in EXAMPLES if fault]
    assert sorted(faults) == sorted(expected), set(faults) ^ set(expected)
    assert includes == len(EXAMPLES)


def main():
    check_itself()
    faults, includes = check(pathlib.Path(os.environ["NIGHTWATT_SOURCE_DIR"]))
    print("\n".join(faults))
    print(f"{includes} includes, {len(faults)} against the layout")
    # Without includes the scan has looked in the wrong place.
    return 1 if faults or includes < 50 else 0


sys.exit(main())
