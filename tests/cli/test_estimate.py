"""`nightwatt estimate`: one job's time, power and energy."""

import json
import os
import time
import unittest

from harness import ROOT, CliTest

BERT = ["estimate", "--model", "bert-large", "--gpu", "a100-pcie-40gb", "--batch", "16"]
SERVED = ["estimate", "--model", "llama-3.1-8b", "--gpu", "h100-sxm5-80gb", "--phase", "serving"]


class Estimate(CliTest):
    def answer(self, *words):
        return json.loads(self.expect(0, *words, "--json").stdout)

    def test_all_phases(self):
        for phase in ["training", "inference"]:
            self.assertGreater(self.answer(*BERT, "--phase", phase)["iteration_s"], 0)
        for phase in ["prefill", "decode", "serving", "training", "inference"]:
            answer = self.answer("estimate", "--model", "gpt2", "--gpu", "a10", "--phase", phase)
            self.assertGreater(answer["tokens_per_s"], 0, phase)
            self.assertGreater(answer["energy_per_token_j"], 0, phase)

    def test_numbers_agree_with_each_other(self):
        a = self.answer(*BERT, "--seq", "128", "--tokens", "1e6", "--gpus", "2")
        tokens = 16 * 128
        self.assertAlmostEqual(a["tokens_per_s"], tokens / a["iteration_s"])
        self.assertAlmostEqual(a["energy_j"], 2 * a["device_power_w"] * a["iteration_s"])
        self.assertAlmostEqual(a["energy_per_token_j"], a["energy_j"] / tokens)
        self.assertAlmostEqual(a["job"]["iterations"], 1e6 / tokens)
        self.assertAlmostEqual(a["job"]["time_s"], 1e6 / tokens * a["iteration_s"])
        self.assertAlmostEqual(sum(a["time_shares"].values()), 1, 6)
        self.assertGreater(a["node_power_w"], 2 * a["device_power_w"])

    def test_table(self):
        out = self.expect(0, *BERT).stdout
        for word in ["iteration", "device power", "energy a token", "clock", "limited by", "memory"]:
            self.assertIn(word, out)

    def test_cap_and_clock(self):
        free = self.answer(*BERT)
        capped = self.answer(*BERT, "--power-cap", "150")
        self.assertEqual(capped, self.answer(*BERT, "--power-cap", "0.15 kW"))
        for wrong in ["0", "150 V", "many"]:
            self.assertIn(f"expected a number above 0, got '{wrong}'",
                          self.expect(2, *BERT, "--power-cap", wrong).stderr)
        locked = self.answer(*BERT, "--clock", "900")
        both = self.answer(*BERT, "--power-cap", "150", "--clock", "600")
        self.assertLessEqual(capped["device_power_w"], 150)
        self.assertEqual(capped["limit"], "cap")
        self.assertGreater(capped["iteration_s"], free["iteration_s"])
        self.assertEqual(locked["clock_mhz"], 900)
        self.assertLessEqual(both["clock_mhz"], 600)
        self.assertLessEqual(both["device_power_w"], 150)

    def test_sweep_has_its_best_points(self):
        a = self.answer(*BERT, "--sweep-caps")
        caps = [p["power_cap_w"] for p in a["sweep"]]
        self.assertEqual(caps, sorted(caps))
        times = [p["iteration_s"] for p in a["sweep"]]
        self.assertEqual(times, sorted(times, reverse=True))
        best = min(a["sweep"], key=lambda p: p["energy_j"])
        self.assertEqual(a["least_energy_cap_w"], best["power_cap_w"])
        best = min(a["sweep"], key=lambda p: p["energy_j"] * p["iteration_s"])
        self.assertEqual(a["least_energy_delay_cap_w"], best["power_cap_w"])

    def test_more_devices(self):
        one = self.answer(*SERVED, "--batch", "64")
        four = self.answer(*SERVED, "--batch", "64", "--gpus", "4")
        self.assertEqual(four["parallelism"]["tensor"], 4)
        self.assertLess(four["iteration_s"], one["iteration_s"])
        self.assertGreater(four["iteration_s"], one["iteration_s"] / 4)
        self.assertLess(four["device_power_w"], one["device_power_w"])
        spread = self.answer(*BERT, "--phase", "training", "--gpus", "8", "--nodes", "8")
        self.assertEqual(spread["nodes"], 8)

    def test_illegal_cap_names_the_range(self):
        done = self.expect(2, *SERVED, "--power-cap", "150")
        self.assertIn("a cap of 150 W is not legal on h100-sxm5-80gb: its range is 200 to 700 W",
                      done.stderr)
        done = self.expect(2, *SERVED, "--clock", "5000")
        self.assertIn("its range is", done.stderr)

    def test_memory_says_by_how_much_and_what_would_fit(self):
        done = self.expect(2, "estimate", "--model", "llama-3.1-70b", "--gpu", "h100-sxm5-80gb",
                           "--phase", "decode", "--batch", "8")
        self.assertRegex(done.stderr, r"does not fit: it needs [\d.]+ GB on each .*, [\d.]+ GB too much")
        self.assertIn("would fit: --gpus 4 --tensor 4", done.stderr)
        done = self.expect(2, "estimate", "--model", "gpt2", "--gpu", "a10", "--phase", "training",
                           "--batch", "512")
        batch = done.stderr.split("--batch ")[1].split(",")[0].split()[0]
        self.expect(0, "estimate", "--model", "gpt2", "--gpu", "a10", "--phase", "training",
                    "--batch", batch)

    def test_did_you_mean(self):
        for option, word, hint in [("--model", "bert-larg", "bert-large"), ("--gpu", "a1000", "a100"),
                                   ("--phase", "servng", "serving"),
                                   ("--precision", "bf61", "bf16")]:
            words = {"--model": "gpt2", "--gpu": "a10", option: word}
            done = self.expect(2, "estimate", *[x for pair in words.items() for x in pair])
            self.assertIn("did you mean '" + hint, done.stderr)

    def test_what_a_model_has_not(self):
        done = self.expect(2, "estimate", "--model", "resnet50", "--gpu", "a10", "--phase", "serving")
        self.assertIn("resnet50 generates no text", done.stderr)
        done = self.expect(2, "estimate", "--model", "gpt2", "--gpu", "a10", "--precision", "fp8")
        self.assertIn("a10 has no fp8 units; it has", done.stderr)
        done = self.expect(2, *BERT, "--gpus", "4", "--tensor", "3")
        self.assertIn("expected data x tensor x pipeline", done.stderr)

    def test_band_of_the_kind_that_was_asked(self):
        served = self.answer(*SERVED)["error"]
        self.assertEqual((served["phase"], served["left_out"]), ("serving", "model"))
        self.assertTrue(served["device_measured"])
        self.assertTrue(served["files"])
        for quantity in ["time", "power", "energy"]:
            self.assertLess(0, served[quantity]["mean"])
            self.assertLess(served[quantity]["mean"], served[quantity]["p90"])
        # Both were measured in passes over prompts; of another GPU it is told what that costs.
        seen = self.answer(*BERT)["error"]
        other = self.answer("estimate", "--model", "bert-large", "--gpu", "a40")["error"]
        self.assertEqual((seen["phase"], seen["left_out"]), ("prefill", "model"))
        self.assertEqual((other["phase"], other["left_out"]), ("prefill", "GPU"))
        self.assertFalse(other["device_measured"])
        self.assertLess(seen["time"]["mean"], other["time"]["mean"])
        out = " ".join(self.expect(0, *BERT).stdout.split())
        self.assertRegex(out, r"mean error energy [\d.]+ %, power [\d.]+ %, time [\d.]+ %")
        self.assertIn("model left out of the fit", out)
        # Nobody measured training one model in BF16.
        self.assertIsNone(self.answer(*BERT, "--phase", "training")["error"])
        out = self.expect(0, *BERT, "--phase", "training").stdout
        self.assertRegex(out, r"mean error +not known: nobody measured training")

    def test_carbon(self):
        free = self.answer(*BERT, "--tokens", "1e6")
        self.assertNotIn("carbon_g", free)
        words = ["--tokens", "1e6", "--carbon", "420gCO2e/kWh", "--pue", "1.5"]
        a = self.answer(*BERT, *words)
        self.assertAlmostEqual(a["carbon_g"], a["node_energy_j"] / 3.6e6 * 1.5 * 420)
        self.assertAlmostEqual(a["job"]["carbon_g"], a["job"]["node_energy_j"] / 3.6e6 * 1.5 * 420)
        self.assertEqual((a["carbon_g_per_kwh"], a["pue"]), (420, 1.5))
        self.assertEqual(a, self.answer(*BERT, *words[:2], "--carbon", "0.42 kgCO2e/kWh", "--pue",
                                        "1.5"))
        self.assertEqual(self.answer(*BERT, "--carbon", "0")["carbon_g"], 0)
        out = " ".join(self.expect(0, *BERT, *words).stdout.split())
        self.assertRegex(out, r"carbon [\d.]+ \w+ CO2e an iteration, .* the whole job "
                              r"\(420 gCO2e/kWh, PUE 1.5\)")
        for wrong in ["-3", "420 W", "much"]:
            self.assertIn(f"expected a number of at least 0, got '{wrong}'",
                          self.expect(2, *BERT, "--carbon", wrong).stderr)
        self.expect(2, *BERT, "--pue", "1.2")
        self.expect(2, *BERT, "--carbon", "420", "--pue", "0.9")

    def test_only_files_that_are_named_are_read(self):
        # Faults in all others stay unseen.
        catalog = self.folder / "catalog"
        for kind, wanted in [("devices", "h100-sxm5-80gb"), ("models", "llama-3.1-8b"),
                             ("nodes", "dgx-h100"), ("terms", "engine")]:
            for file in (ROOT / "energy/catalog" / kind).glob("*.yaml"):
                named = file.stem in (wanted, "errors")
                (catalog / kind).mkdir(parents=True, exist_ok=True)
                self.write(f"catalog/{kind}/{file.name}", file.read_text() if named else "[")
        environment = dict(os.environ, NIGHTWATT_CATALOG=str(catalog))
        self.expect(0, *SERVED, env=environment)

    def test_it_takes_no_time(self):
        # 50 ms are asked for as a process; a loaded machine gets ten times that.
        least = 1.0
        for _ in range(5):
            start = time.perf_counter()
            self.expect(0, *SERVED)
            least = min(least, time.perf_counter() - start)
        self.assertLess(least, 0.5)


if __name__ == "__main__":
    unittest.main()
