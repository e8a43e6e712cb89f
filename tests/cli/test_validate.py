"""`validate` and `calibrate` from outside."""

import json
import os
import unittest

from harness import ROOT, CliTest

CAPS = ROOT / "tests/data/measured/caps.csv"


class Validate(CliTest):
    def test_json_has_one_total_a_quantity_and_counts_what_is_not_covered(self):
        rows = json.loads(self.expect(0, "validate", CAPS, "--json").stdout)
        total = [row for row in rows if row["device"] == "*" and row["model"] == "*"]
        self.assertEqual(
            [row["quantity"] for row in total],
            ["time_at_cap", "energy_at_cap", "time_at_cap_one_reference",
             "energy_at_cap_one_reference"])
        for row in total:
            self.assertEqual(row["file"], str(CAPS))
            self.assertEqual(row["rows"], 12)
            self.assertEqual(row["rows_seen_by_fit"], 0)
            self.assertEqual(row["rows_not_covered"], 2)
            # Made with the equations of docs/models/caps.md and terms like those of a V100.
            self.assertLess(row["mape"], 0.1)
            self.assertLessEqual(row["median_ape"], row["p90_ape"])
        unknown = [row for row in rows if row["device"] == "X9000"]
        self.assertEqual(unknown[0]["rows"], 0)
        self.assertIsNone(unknown[0]["mape"])
        self.assertIn("X9000", self.expect(0, "validate", CAPS).stdout)

    def test_faults_of_all_files_are_shown_together(self):
        self.write("a.csv", "gpu,link,collective,num_gpus,message_bytes,latency_us\nA,b,c,2,1,x\n")
        self.write("b.csv", "time,value\n1,2\n")
        done = self.expect(2, "validate", "a.csv", "b.csv", "c.csv")
        self.assertIn("a.csv:2:11: error: latency_us: expected a number above 0, got 'x'",
                      done.stderr)
        self.assertIn("b.csv:1: error: header: expected the columns of a known kind", done.stderr)
        self.assertIn("c.csv", done.stderr)
        self.assertEqual(done.stdout, "")


class Calibrate(CliTest):
    def test_terms_are_written_read_and_equal_each_time(self):
        for folder in ("one", "two"):
            self.expect(0, "calibrate", CAPS, "-o", folder, "--report", folder + "/report.md")
        for name in ("terms/caps.yaml", "terms/seen/power-caps.txt", "report.md"):
            one = (self.folder / "one" / name).read_bytes()
            self.assertTrue(one)
            self.assertEqual(one, (self.folder / "two" / name).read_bytes(), name)
        environment = dict(os.environ,
                           NIGHTWATT_CATALOG=f"{self.folder}/one:{ROOT}/energy/catalog")
        rows = json.loads(self.expect(0, "validate", CAPS, "--json", env=environment).stdout)
        self.assertEqual(rows[0]["rows_seen_by_fit"], 12)
        self.assertLess(rows[0]["mape"], 0.01)

    def test_errors_that_an_estimate_tells_of_itself(self):
        # Two models on two GPUs, at half and at twice the time that the shipped terms give.
        rows = []
        for gpu, clock in (("A10", 900), ("A100-PCIE-40GB", 900)):
            for model, batch in (("bert,large", 8), ("bert,large", 16), ("opt,opt-1p3b", 4),
                                 ("opt,opt-1p3b", 8)):
                rows.append(f"x,{gpu},{model},bf16,{batch},512,prefill,eager,{clock},"
                            f"{batch * (20 if 'bert' in model else 30)},1,120,{clock},50\n")
        self.write("rows.csv",
                   "subset,gpu,model,config,precision,batch,seq_len,mode,attention,locked_sm_mhz,"
                   "time_ms_per_iter,gpu_energy_j_per_iter,avg_gpu_power_w,measured_sm_mhz,temp_c\n"
                   + "".join(rows))
        self.expect(0, "calibrate", "rows.csv", "-o", "mine")
        environment = dict(os.environ,
                           NIGHTWATT_CATALOG=f"{self.folder}/mine:{ROOT}/energy/catalog")
        question = ["estimate", "--model", "bert-large", "--gpu", "a10", "--batch", "8", "--json"]
        error = json.loads(self.expect(0, *question, env=environment).stdout)["error"]
        self.assertEqual(error["files"], ["rows.csv"])
        self.assertEqual(error["time"]["rows"], 8)
        # The bands of what was not calibrated are still the shipped ones.
        question[2:5] = ["llama-3.1-8b", "--gpu", "h100-sxm5-80gb"]
        error = json.loads(self.expect(0, *question, "--phase", "serving",
                                       env=environment).stdout)["error"]
        self.assertNotIn("rows.csv", error["files"])

    def test_each_row_beside_its_measurement(self):
        self.expect(0, "validate", CAPS, "--rows", "rows.csv")
        lines = (self.folder / "rows.csv").read_text().splitlines()
        self.assertEqual(lines[0], "file,line,device,model,phase,quantity,predicted,measured,"
                                   "seen_by_fit")
        self.assertEqual(len(lines), 1 + 4 * 12)
        self.assertEqual(lines[1].split(",")[1:6],
                         ["3", "v100-pcie-32gb", "bert_base_uncased", "training", "time_at_cap"])

    def test_nothing_to_fit(self):
        self.write("n.csv", "dataset,request_rate_per_s,n_runs,duration_s,"
                            "node_gpu4_plus_cpu_power_w,peak_power_w\na,1,1,10,500,600\n")
        done = self.expect(2, "calibrate", "n.csv", "-o", "out")
        self.assertIn("nothing to fit: the catalogue covers no row", done.stderr)
        self.write("i.csv", "gpu,sm_mhz,core_voltage_mv,idle_power_w_at_locked_clock\n"
                            "A10,210,700,20\n")
        done = self.expect(2, "calibrate", "i.csv", "-o", "out")
        self.assertIn("nothing to fit: expected files of a kind of", done.stderr)
        self.assertFalse((self.folder / "out").exists())


if __name__ == "__main__":
    unittest.main()
