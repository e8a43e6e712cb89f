"""Options, help and what every subcommand has in common."""

import json
import subprocess
import unittest

from harness import PROGRAM, CliTest

SUBCOMMANDS = [["run"], ["check"], ["trace"], ["trace", "info"], ["trace", "convert"], ["list"],
               ["list", "devices"], ["list", "nodes"], ["list", "policies"], ["list", "formats"],
               ["list", "models"], ["estimate"],
               ["schema"], ["completion"], ["man"]]


class Usage(CliTest):
    def test_help_of_each_subcommand_has_an_example(self):
        for words in [[], *SUBCOMMANDS]:
            done = self.expect(0, *words, "--help")
            self.assertIn("Example:\n  nightwatt " + " ".join(words), done.stdout)
            self.assertEqual(done.stderr, "")
            for line in done.stdout.splitlines():
                self.assertLessEqual(len(line), 140, line)

    def test_version_names_the_engines(self):
        self.assertRegex(self.expect(0, "--version").stdout,
                         r"^nightwatt \d+\.\d+\.\d+ \(SimGrid \d+\.\d+.*, HDF5 \d+\.\d+.*\)\n$")

    def test_mistyped_subcommand(self):
        done = self.expect(2, "rnu", "three.yaml")
        self.assertIn("did you mean 'run'?", done.stderr)
        self.assertIn("see: nightwatt --help", done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertIn("did you mean 'convert'?", self.expect(2, "trace", "covert", "x").stderr)

    def test_mistyped_option(self):
        done = self.expect(2, "run", "three.yaml", "--jsn")
        self.assertIn("did you mean '--json'?", done.stderr)
        self.assertIn("see: nightwatt run --help", done.stderr)
        self.assertEqual(self.files(), ["jobs.swf", "three.yaml"])

    def test_missing_subcommand_and_argument(self):
        self.assertIn("subcommand", self.expect(2).stderr)
        self.assertIn("SCENARIO", self.expect(2, "run").stderr)
        self.expect(2, "list")

    def test_bad_values_of_options(self):
        self.assertIn("--seed", self.expect(2, "run", "three.yaml", "--seed", "many").stderr)
        self.assertIn("--seed", self.expect(2, "run", "three.yaml", "--seed=-1").stderr)
        self.assertIn("loud", self.expect(2, "--log-level", "loud", "schema").stderr)

    def test_global_options_stand_anywhere(self):
        for arguments in (["--quiet", "check", "three.yaml"], ["check", "three.yaml", "--quiet"]):
            done = self.expect(0, *arguments)
            self.assertEqual((done.stdout, done.stderr), ("", ""))

    def test_full_standard_output_is_an_error(self):
        with open("/dev/full", "w") as full:
            for words in (["schema"], ["list", "devices"], ["--version"], ["--help"],
                          ["run", "three.yaml", "--json"]):
                done = self.expect(2, *words, stdout=full)
                self.assertIn("standard output cannot be written", done.stderr)

    def test_closed_pipe_ends_quietly(self):
        done = subprocess.run(["bash", "-c", f"'{PROGRAM}' schema | head -c 1"], text=True,
                              capture_output=True, timeout=60)
        self.assertEqual((done.stdout, done.stderr), ("{", ""))


class Lists(CliTest):
    def test_devices(self):
        devices = json.loads(self.expect(0, "list", "devices", "--json").stdout)
        by_id = {device["id"]: device for device in devices}
        self.assertEqual(list(by_id), sorted(by_id))
        v100 = by_id["v100-pcie-32gb"]
        self.assertGreater(v100["busy_power_w"], v100["idle_power_w"])
        self.assertIn("v100-pcie-32gb", self.expect(0, "list", "devices").stdout)
        a100 = by_id["a100-pcie-40gb"]
        self.assertEqual(a100["peak_per_s"]["tf32"], 156e12)
        self.assertEqual(a100["clocks_mhz"]["boost"], 1410)
        self.assertEqual(a100["power_cap_range_w"], [150, 250])
        self.assertIsNone(by_id["tpu-v4"]["power_cap_range_w"])
        self.assertIn("V100", v100["aliases_by_source"]["zeus"])

    def test_nodes(self):
        nodes = {node["id"]: node for node in
                 json.loads(self.expect(0, "list", "nodes", "--json").stdout)}
        self.assertEqual(list(nodes), sorted(nodes))
        self.assertEqual(nodes["dgx-a100"]["devices"], 8)
        self.assertEqual(nodes["dgx-a100"]["supply_efficiency_by_load"][0], [0.1, 0.9])
        self.assertIn("8 x a100-sxm4-80gb", self.expect(0, "list", "nodes").stdout)

    def test_policies(self):
        policies = json.loads(self.expect(0, "list", "policies", "--json").stdout)
        names = {(policy["question"], policy["name"]) for policy in policies}
        self.assertGreaterEqual(
            names, {("order", "fcfs"), ("order", "replay"), ("backfill", "easy"),
                    ("backfill", "conservative"), ("placement", "topology"), ("site", "home")})
        for policy in policies:
            self.assertTrue(policy["summary"], policy)
        table = self.expect(0, "list", "policies").stdout
        self.assertIn("conservative", table)
        self.assertLessEqual(max(map(len, table.splitlines())), 100)

    def test_formats(self):
        formats = json.loads(self.expect(0, "list", "formats", "--json").stdout)
        names = {entry["name"] for entry in formats if entry["of"] == "workload"}
        self.assertGreaterEqual(names, {"swf", "helios", "philly-json", "philly-csv", "pai", "openb",
                                        "acme", "sacct", "batsim-json", "csv"})
        self.assertIn("electricity-maps",
                      {entry["name"] for entry in formats if entry["of"] == "signal"})
        table = self.expect(0, "list", "formats").stdout
        self.assertIn("not yet seen in the wild", table)
        self.assertLessEqual(max(map(len, table.splitlines())), 100)

    def test_models(self):
        self.assertIsInstance(json.loads(self.expect(0, "list", "models", "--json").stdout), list)

    def test_schema_is_a_json_schema_that_takes_the_scenario(self):
        import jsonschema
        import yaml
        schema = json.loads(self.expect(0, "schema").stdout)
        jsonschema.Draft202012Validator.check_schema(schema)

        class Loader(yaml.SafeLoader):
            """Dates stay text, as an editor sees them."""
        Loader.yaml_implicit_resolvers = {
            key: [pair for pair in pairs if pair[0] != "tag:yaml.org,2002:timestamp"]
            for key, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()}
        scenario = yaml.load((self.folder / "three.yaml").read_text(), Loader)
        jsonschema.validate(scenario, schema)
        scenario["sites"][0]["gpu_per_node"] = 3
        with self.assertRaises(jsonschema.ValidationError):
            jsonschema.validate(scenario, schema)


if __name__ == "__main__":
    unittest.main()
