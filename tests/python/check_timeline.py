"""Reads a timeline file as a user of Debian's python3-xarray and python3-netcdf4 would.

    check_timeline.py OUT.h5...

Every group must open without a warning, and hold the datasets, types, units and dimensions that
docs/timeline.md lists, no more and no fewer. What follows from other columns must follow. Prints
/jobs as xarray shows it and ends with status 1 and the faults if there are any.
"""

import pathlib
import re
import sys
import warnings

warnings.simplefilter("error")
# xarray 2023.01 with numpy 1.24 says this of every time that is missing (NaT).
warnings.filterwarnings("ignore", message="invalid value encountered in cast")

import netCDF4  # noqa: E402
import numpy as np  # noqa: E402
import xarray  # noqa: E402

DOCUMENT = pathlib.Path(__file__).parents[2] / "docs" / "timeline.md"
faults = []


def fault(*what):
    faults.append(" ".join(str(word) for word in what))


def expect(condition, *what):
    if not condition:
        fault(*what)


# Datasets that a file has only where the run has something to put there.
FOOTPRINT = {"water_l", "embodied_carbon_g"}
OPTIONAL = {
    "/tables": {"event", "reason"},
    "/jobs": FOOTPRINT | {"data_gb"},
    "/sites/NAME/totals": FOOTPRINT,
    "/summary": FOOTPRINT | {"jobs_water_l", "jobs_embodied_carbon_g", "regret_carbon_g",
                             "regret_cost"},
}


def documented():
    """{group: {dataset: (type, units, dimensions)}} of the tables in docs/timeline.md."""
    groups, current = {}, None
    for line in DOCUMENT.read_text(encoding="utf-8").splitlines():
        if match := re.match(r"#+ `(/[^`]*)`", line):
            current = groups.setdefault(match[1], {})
        elif match := re.match(r"\| `(\w+)` \| ([^|]+) \| ([^|]+) \| ([^|]+) \|", line):
            kind, units, dimensions = (cell.strip() for cell in match.groups()[1:])
            current[match[1]] = (kind, units, "" if dimensions == "-" else dimensions)
    return groups


def documented_name(group):
    """/sites/dallas/tail -> /sites/NAME/tail"""
    parts = group.path.split("/")
    if len(parts) > 2 and parts[1] in ("sites", "nodes"):
        parts[2] = "NAME"
    return "/".join(parts)


def kind_of(variable):
    if variable.dtype is str:
        return "text"
    if "table" in variable.ncattrs():
        expect(variable.dtype == np.int32, variable.name, "is an index of type", variable.dtype)
        return "index"
    if "flag_meanings" in variable.ncattrs():
        values, meanings = variable.flag_values, variable.flag_meanings.split()
        expect(variable.dtype == values.dtype == np.int8, variable.name, "is no int8 flag")
        expect(list(np.atleast_1d(values)) == list(range(len(meanings))), variable.name, "flags")
        return "flag"
    return str(variable.dtype)


def units_of(variable, money):
    units = variable.units
    if units.startswith("seconds since "):
        expect(re.fullmatch(r"seconds since \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", units), units)
        return "time"
    if "cost" in variable.name or "price" in variable.name:
        return re.sub(rf"^{re.escape(money)}", "money", units)
    return units


def check_group(group, tables, document, money):
    """Names, types, units and dimensions against the document; indices against their tables."""
    name = documented_name(group)
    if not group.variables:
        return
    if name not in document:
        fault(name, "is not documented")
        return
    expected = document[name]
    optional = OPTIONAL.get(name, set())
    expect(set(expected) - optional <= set(group.variables), name, "lacks",
           set(expected) - set(group.variables))
    for variable in group.variables.values():
        where = f"{group.path}/{variable.name}"
        if variable.name not in expected:
            fault(where, "is not documented")
            continue
        expect(variable.long_name, where, "has no long_name")
        kind, units, dimensions = expected[variable.name]
        expect(kind_of(variable) in kind.split(" or "), where, "is", kind_of(variable), "not", kind)
        expect(units_of(variable, money) == units, where, "is in", variable.units, "not", units)
        expect(", ".join(variable.dimensions) == dimensions, where, "has", variable.dimensions)
        if variable.dtype in (np.float32, np.float64) and variable.name not in group.dimensions:
            expect(np.isnan(variable._FillValue), where, "has no NaN as _FillValue")
        values = variable[...]
        if "table" in variable.ncattrs():
            strings = tables[variable.table.rsplit("/", 1)[1]]
            expect(variable.table.startswith("/tables/"), where, "table", variable.table)
            expect(np.all(values >= -1) and np.all(values < len(strings)), where, "index too large")
        elif kind == "flag":
            expect(np.all(np.isin(values, variable.flag_values)), where, "unknown flag")


def walk(group):
    yield group
    for child in group.groups.values():
        yield from walk(child)


def check_jobs(path, dataset):
    """What follows from other columns."""
    jobs = xarray.open_dataset(path, group="jobs", decode_times=False).load()
    np.testing.assert_allclose(jobs.held_s + jobs.queue_s, jobs.wait_s, rtol=1e-12, atol=1e-6)
    np.testing.assert_array_equal(jobs.start_time - jobs.submit_time, jobs.wait_s)
    started = jobs.isel(job=np.flatnonzero(jobs.end_time.notnull()))
    tau = jobs.bounded_slowdown.tau_s
    expect(tau == dataset.slowdown_tau_s, "tau_s", tau)
    jct = started.end_time - started.submit_time
    slowdown = np.maximum(1, jct / np.maximum(started.reference_run_s, tau))
    np.testing.assert_allclose(started.bounded_slowdown, slowdown, rtol=1e-6)
    ran = jobs.isel(job=np.flatnonzero(jobs.run_s > 0))
    np.testing.assert_allclose(ran.mean_power_w * ran.run_s, ran.it_energy_j, rtol=1e-6)
    expect(np.all(np.isin(jobs.state[np.isnan(jobs.start_time)], (2, 3))), "not started, but ended")

    site_names = list(dataset["tables/site"][:])
    for group in dataset["sites"].groups.values():
        totals = group["totals"]
        mine = jobs.site.values == site_names.index(group.getncattr("name"))
        for name, unit in (("it_energy", "_j"), ("facility_energy", "_j"), ("carbon", "_g"),
                           ("cost", "")):
            full = jobs[f"{name}_full{unit}"].values[mine].sum()
            rest = totals[f"unattributed_{name}{unit}"][...]
            np.testing.assert_allclose(full + rest, totals[f"{name}{unit}"][1], rtol=1e-12,
                                       err_msg=f"{group.path} {name}")


def check(path, document):
    with netCDF4.Dataset(path) as dataset:
        dataset.set_auto_mask(False)
        expect(dataset.Conventions == "CF-1.10", "Conventions", dataset.Conventions)
        for name in ("title", "source", "schema_version", "seed", "scenario_sha256"):
            expect(name in dataset.ncattrs(), "no attribute", name)
        tables = {name: list(values[:]) for name, values in dataset["tables"].variables.items()}
        for name, strings in tables.items():
            encoded = [text.encode() for text in strings]
            expect(encoded == sorted(set(encoded)), "/tables/" + name, "is not sorted")
        money = dataset["jobs/cost"].units
        groups = list(walk(dataset))
        for group in groups:
            check_group(group, tables, document, money)
        for group in groups:
            opened = xarray.open_dataset(path, group=group.path)
            opened.load()
            for name, column in opened.variables.items():
                if name.endswith("_time") or name == "time":
                    expect(np.issubdtype(column.dtype, np.datetime64), group.path, name,
                           column.dtype)
                elif name.endswith("_s"):  # spans stay numbers
                    expect(column.dtype == np.float64, group.path, name, column.dtype)
        if dataset["jobs"].dimensions["job"].size > 0:
            check_jobs(path, dataset)
    print(xarray.open_dataset(path, group="jobs"))


def main():
    document = documented()
    for path in sys.argv[1:]:
        check(path, document)
    for text in faults:
        print("fault:", text)
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
