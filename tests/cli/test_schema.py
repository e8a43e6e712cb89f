"""The JSON Schema accepts the gallery and refuses what the loader refuses; docs/scenario.md has its keys.

To renew the table in docs/scenario.md: run with NIGHTWATT_RENEW_DOCS=1.
"""

import copy
import json
import os
import re
import subprocess
import unittest

import jsonschema
import yaml

from harness import PROGRAM, ROOT


class Loader(yaml.SafeLoader):
    """YAML as editors read it: dates stay text, keys are text."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
Loader.add_constructor("tag:yaml.org,2002:map", lambda loader, node: {
    str(key): value for key, value in loader.construct_pairs(node, deep=True)})

# What a text may look like, shown for the first that its pattern takes.
SAMPLES = ["30 min", "350 W", "420 gCO2e/kWh", "60 USD/MWh", "25 GB/s", "40 %", "18 °C",
           "2022-10-03T00:00:00Z", "0.06 kWh/GB", "500 GB", "1.8 L/kWh", "318 kgCO2e", "15 USD/kW"]


def load_schema(of="scenario"):
    run = subprocess.run([PROGRAM, "schema", of], check=True, capture_output=True, text=True)
    return json.loads(run.stdout)


def value_text(schema):
    """What a value may be, in a few words."""
    if "anyOf" in schema and "type" not in schema:
        return " or ".join(dict.fromkeys(value_text(one) for one in schema["anyOf"]))
    if "enum" in schema:
        return ", ".join(f"`{choice}`" for choice in schema["enum"])
    kind = schema.get("type")
    if kind == "array":
        return "list of " + value_text(schema["items"])
    if kind == "string":
        pattern = schema.get("pattern")
        fits = [s for s in SAMPLES if pattern and re.search(pattern, s)]
        return f"`{fits[0]}`" if len(fits) == 1 else "text"
    return {"object": "mapping", "boolean": "`true`, `false`", "integer": "whole number"}.get(kind, kind)


def rows(schema, path=""):
    """One row for each key below `path`; what several alternatives share is told once."""
    out = []
    for one in schema.get("anyOf", []):
        out += rows(one, path)
    if "items" in schema:
        out += rows(schema["items"], path + "[]")
    for name, property in schema.get("properties", {}).items():
        key = f"{path}.{name}" if path else name
        if "description" in property:
            default = property.get("default")
            shown = ""
            if name in schema.get("required", []):
                shown = "**required**"
            elif default is not None and not isinstance(default, dict):
                shown = f"`{default if isinstance(default, str) else json.dumps(default)}`"
            out.append(f"| `{key}` | {value_text(property)} | {shown} | {property['description']} |")
        out += rows(property, key)
    return out


class Schema(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.schema = load_schema()
        cls.validator = jsonschema.Draft202012Validator(cls.schema)

    def test_is_a_schema(self):
        jsonschema.Draft202012Validator.check_schema(self.schema)

    def test_accepts_the_gallery(self):
        files = sorted((ROOT / "scenarios").glob("*.yaml"))
        self.assertGreater(len(files), 5)
        for file in files:
            with self.subTest(file.name):
                self.validator.validate(yaml.load(file.read_text(), Loader))

    def test_of_studies(self):
        schema = load_schema("study")
        jsonschema.Draft202012Validator.check_schema(schema)
        validator = jsonschema.Draft202012Validator(schema)
        files = sorted((ROOT / "scenarios" / "studies").glob("*.yaml"))
        self.assertGreater(len(files), 0)
        for file in files:
            study = yaml.load(file.read_text(), Loader)
            validator.validate(study)
            # What it changes is there to be changed.
            subprocess.run([PROGRAM, "study", file, "--list"], check=True, capture_output=True)
            for wrong in ({"grid": [1]}, {"grid": {"policies.cap": []}}, {"seeds": 0}, {"seed": 3}, {"scenario": None}):
                self.assertFalse(validator.is_valid({**study, **wrong}), wrong)

    def test_accepts_its_own_defaults(self):
        checked = 0

        def walk(node):
            nonlocal checked
            for value in node.get("properties", {}).values():
                if "default" in value:
                    jsonschema.Draft202012Validator(value).validate(value["default"])
                    checked += 1
                walk(value)
            for inner in node.get("anyOf", []):
                walk(inner)
            if "items" in node:
                walk(node["items"])
        walk(self.schema)
        self.assertGreater(checked, 40)

    def test_refuses(self):
        good = yaml.load((ROOT / "scenarios/minimal.yaml").read_text(), Loader)
        missing = object()
        partition = ["sites", 0, "partitions", 0]
        for path, value in [
            (["sede"], 3),
            (["name"], missing),
            (["seed"], -1),
            (["drain"], "yes"),
            (["period", "start"], "2022-10-03"),
            (["period", "start"], "2022-10-03T00:00:00"),
            (["limits"], "scale"),
            (["contention"], 2),
            (partition + ["nodes"], 0),
            (partition + ["nodes"], "4"),
            (partition + ["gpu_per_node"], 8),
            (partition + ["device"], {"idle": "30 W", "busy": 350}),
            (["sites", 0, "carbon"], 380),
            (["sites", 0, "carbon"], "380 W"),
            (["sites", 0, "price"], "90 EUR"),
            (["sites", 0, "price"], {"demand_charge": "15 EUR/kW"}),
            (["sites", 0, "price"], {"constant": "90 EUR/MWh", "demand_charge": "15 EUR"}),
            (["sites", 0, "carbon"], {"series": {"average": "380 g/kWh"}, "decide_by": "average"}),
            (["network"], {"j_per_gb": 5}),
            (["sites", 0, "facility", "pue"], 0.9),
            (["sites"], []),
            (["policies"], {"order": "fifo"}),
            (["policies"], {"order": {"fair-share": {"half_live": "3 days"}}}),
            (["policies"], {"order": {"fair-share": {"half_life": 3}}}),
            (["output"], {"timeline": "5"}),
            (["workload", "synthetic", "gpus"], {"x": 1}),
            (["workload", "shift"], {"from": "2022-10-03"}),
        ]:
            scenario = copy.deepcopy(good)
            at = scenario
            for key in path[:-1]:
                at = at[key]
            if value is missing:
                del at[path[-1]]
            else:
                at[path[-1]] = value
            with self.subTest(path=path):
                self.assertFalse(self.validator.is_valid(scenario))


class Reference(unittest.TestCase):
    def test_is_up_to_date(self):
        file = ROOT / "docs/scenario.md"
        before, rest = file.read_text().split("<!-- keys: begin -->\n")
        table, after = rest.split("<!-- keys: end -->")
        made = "\n".join(["| key | value | default | meaning |", "| --- | --- | --- | --- |",
                          *rows(load_schema())]) + "\n"
        if os.environ.get("NIGHTWATT_RENEW_DOCS"):
            file.write_text(f"{before}<!-- keys: begin -->\n{made}<!-- keys: end -->{after}")
        else:
            self.assertEqual(table, made)


if __name__ == "__main__":
    unittest.main()
