#include "analysis/calibrate.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "analysis/measurements/caps.hpp"
#include "analysis/measurements/study.hpp"
#include "analysis/validate.hpp"
#include "energy/terms.hpp"

namespace nightwatt {
namespace {

namespace fs = std::filesystem;

const std::string shipped = NIGHTWATT_SOURCE_DIR "/energy/catalog";
const std::string fixture = NIGHTWATT_TEST_DATA "/measured/caps.csv";

struct Folder {
  Folder() {
    static int count = 0;
    path = fs::temp_directory_path() / fmt::format("nightwatt-terms-{}-{}", ::getpid(), count++);
  }
  ~Folder() { fs::remove_all(path); }
  fs::path path;
};

std::string text(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

TEST(CapStudy, RowsBecomeJobs) {
  Catalog catalog({shipped});
  const MeasuredFile file = MeasuredFile::read(fixture);
  const CapFile caps = cap_file(file, catalog);
  ASSERT_EQ(caps.groups.size(), 2u);
  const CapGroup& bert = caps.groups[0];
  EXPECT_EQ(bert.key(), "v100-pcie-32gb/bert_base_uncased/squad/adamw");
  ASSERT_EQ(bert.jobs.size(), 2u);
  EXPECT_EQ(bert.jobs[0].batch, 16);
  EXPECT_EQ(bert.jobs[0].uncapped.cap_w, 250);
  EXPECT_TRUE(bert.meets_a_cap());
  EXPECT_FALSE(caps.groups[1].meets_a_cap());
  // The lowest mean power of the file is that of a waiting device.
  EXPECT_EQ(to_watts(bert.device.waiting), 40);
  EXPECT_EQ(to_watts(bert.device.highest_cap), 250);
  // Nothing acts on NCF: its reference is the median of all rows.
  EXPECT_EQ(caps.groups[1].jobs[0].reference.time, 30);
  ASSERT_EQ(caps.not_covered.size(), 2u);
  EXPECT_EQ(caps.not_covered[0].why, "the job has no row at the device's highest cap");
  EXPECT_NE(caps.not_covered[1].why.find("X9000"), std::string::npos) << caps.not_covered[1].why;
}

TEST(CapStudy, TheReferenceIsTheMedianWhereNothingActs) {
  Catalog catalog({shipped});
  Input input = Input::from_memory("m.csv",
                                   "gpu,dataset,network,batch_size,optimizer,power_limit_w,"
                                   "time_per_epoch_s,avg_gpu_power_w,gpu_energy_per_epoch_j\n"
                                   "V100,d,n,8,o,250,10,100,1000\n"   // uncapped
                                   "V100,d,n,8,o,200,12,100,1200\n"   // 200 W >= 1.35 · 100 W
                                   "V100,d,n,8,o,150,11,100,1100\n"   // 150 W, too
                                   "V100,d,n,8,o,125,20,90,1800\n");  // acts, or may
  const MeasuredFile file = MeasuredFile::read(input);
  const CapFile caps = cap_file(file, catalog);
  EXPECT_EQ(caps.groups.at(0).jobs.at(0).reference.time, 11);
  EXPECT_EQ(caps.groups.at(0).jobs.at(0).reference.energy, 1100);
}

TEST(CapStudy, FindsTheTermsThatMadeTheRows) {
  Catalog catalog({shipped});
  const MeasuredFile file = MeasuredFile::read(fixture);
  const CapFile caps = cap_file(file, catalog);
  const CapFit fit = fit_caps(caps.groups, {});
  // Four digits in the file, and ridges towards other values: the predictions agree within 1 %,
  // whatever combination of terms makes them.
  for (const Prediction& p : predict_caps(caps.groups, fit, CapReference::median)) {
    EXPECT_NEAR(p.predicted / p.measured, 1.0, 0.01) << p.quantity << " row " << p.row;
  }
}

TEST(CapStudy, TermsReadBackAsTheyWereWritten) {
  Catalog catalog({shipped});
  const MeasuredFile file = MeasuredFile::read(fixture);
  const CapFit fit = fit_caps(cap_file(file, catalog).groups, {});
  const CapFit back = cap_fit_of(terms_of(fit));
  EXPECT_NEAR(back.shared.busy_share, fit.shared.busy_share, 1e-6);
  EXPECT_NEAR(back.unseen.knee, fit.unseen.knee, 1e-6);
  ASSERT_EQ(back.devices.size(), 1u);
  EXPECT_NEAR(back.devices.at("v100-pcie-32gb").static_share,
              fit.devices.at("v100-pcie-32gb").static_share, 1e-6);
  ASSERT_EQ(back.workloads.size(), fit.workloads.size());
  for (const auto& [key, own] : fit.workloads) {
    EXPECT_NEAR(back.workloads.at(key).clock_shift, own.clock_shift, 1e-5);
  }
}

TEST(Calibrate, WritesTermsThatTheProgramReadsAndTheSameBytesTwice) {
  Folder folder;
  const std::string one = folder.path / "one", two = folder.path / "two";
  std::vector<MeasuredFile> files;
  files.push_back(MeasuredFile::read(fixture));
  for (const std::string& to : {one, two}) {
    Catalog catalog({shipped});
    write_calibration(calibrate(files, catalog), catalog, to);
  }
  const std::string terms = text(fs::path(one) / "terms/caps.yaml");
  EXPECT_EQ(terms, text(fs::path(two) / "terms/caps.yaml"));
  EXPECT_NE(terms.find("file: caps.csv"), std::string::npos);
  EXPECT_NE(terms.find(files.front().sha256()), std::string::npos);

  Catalog catalog({one, shipped});
  const FileValidation after = validate_file(fixture, catalog);
  ASSERT_FALSE(after.errors.empty());
  const ErrorRow& all = after.errors.front();
  EXPECT_EQ(all.quantity, "time_at_cap");
  EXPECT_EQ(all.device, "*");
  EXPECT_EQ(all.errors.rows, 12u);
  EXPECT_EQ(all.errors.seen, 12u);
  EXPECT_EQ(all.errors.not_covered, 2u);
  EXPECT_LT(all.errors.mape, 0.01);
  // The shipped terms have not seen these rows.
  Catalog plain({shipped});
  EXPECT_EQ(validate_file(fixture, plain).errors.front().errors.seen, 0u);
}

TEST(Calibrate, FiguresByHand) {
  std::vector<Prediction> predictions(4);
  const double predicted[] = {110, 90, 100, 140};
  std::vector<const Prediction*> all;
  for (std::size_t i = 0; i < 4; ++i) {
    predictions[i].predicted = predicted[i];
    predictions[i].measured = 100;
    predictions[i].seen = i == 0;
    all.push_back(&predictions[i]);
  }
  const ErrorFigures f = figures_of(all);
  EXPECT_NEAR(f.mape, 0.15, 1e-12);
  EXPECT_NEAR(f.bias, 0.10, 1e-12);
  EXPECT_NEAR(f.median, 0.10, 1e-12);
  EXPECT_NEAR(f.p90, 0.31, 1e-12);  // 0.1 + 0.7 · 0.3
  EXPECT_EQ(f.seen, 1u);
  EXPECT_TRUE(std::isnan(figures_of({}).mape));
}

TEST(Validate, JsonHasTheKeysOfTheTable) {
  Catalog catalog({shipped});
  std::vector<FileValidation> files;
  files.push_back(validate_file(fixture, catalog));
  const std::string json = validation_json(files);
  for (const char* key :
       {"file", "device", "model", "phase", "quantity", "rows", "rows_seen_by_fit",
        "rows_not_covered", "mape", "median_ape", "p90_ape", "bias"}) {
    EXPECT_NE(json.find("\"" + std::string(key) + "\""), std::string::npos) << key;
  }
  const std::string table = validation_table(files);
  EXPECT_NE(table.find("X9000"), std::string::npos);
}

TEST(Anchor, ThreeRowsScaleTheTermsOfANewDevice) {
  // Rows of a device without terms, made by the model itself, 1.25 times slower and at 1.1 times
  // the power: the anchor has to find both.
  Folder folder;
  Catalog catalog({shipped});
  const std::string header =
      "subset,gpu,model,config,precision,batch,seq_len,mode,attention,locked_sm_mhz,"
      "time_ms_per_iter,gpu_energy_j_per_iter,avg_gpu_power_w,measured_sm_mhz,temp_c\n";
  const auto rows = [&](double time_factor, double power_factor) {
    std::string out = header;
    const std::string asked = header +
                              "x,A40,bert,large,bf16,16,512,prefill,eager,1200,1,1,1,1200,50\n" +
                              "x,A40,opt,opt-1p3b,bf16,8,512,prefill,eager,1200,1,1,1,1200,50\n" +
                              "x,A40,bert,large,fp32,8,512,prefill,eager,1200,1,1,1,1200,50\n";
    Input probe = Input::from_memory("p.csv", asked);
    const MeasuredFile file = MeasuredFile::read(probe);
    double time[3] = {}, power[3] = {};
    for (const Prediction& p : evaluate_eager(file, catalog).predictions) {
      if (p.quantity == "time") time[p.row] = p.predicted;
      if (p.quantity == "power") power[p.row] = p.predicted;
    }
    const char* what[3] = {"bert,large,bf16,16", "opt,opt-1p3b,bf16,8", "bert,large,fp32,8"};
    for (int i = 0; i < 3; ++i) {
      out += "x,A40," + std::string(what[i]) + ",512,prefill,eager,1200," +
             std::to_string(1e3 * time[i] * time_factor) + ",1," +
             std::to_string(power[i] * power_factor) + ",1200,50\n";
    }
    return out;
  };
  const std::string text_of_rows = rows(1.25, 1.1);
  Input input = Input::from_memory("anchor.csv", text_of_rows);
  std::vector<MeasuredFile> anchors;
  anchors.push_back(MeasuredFile::read(input));
  const auto before = evaluate_eager(anchors.front(), catalog).predictions;
  EXPECT_NEAR(before.front().predicted / before.front().measured, 0.8, 1e-3);
  write_calibration(calibrate({}, catalog, anchors), catalog, folder.path);
  Catalog with({folder.path, shipped});
  for (const Prediction& p : evaluate_eager(anchors.front(), with).predictions) {
    if (p.quantity == "energy") continue;  // the file's is not that of time and power
    EXPECT_NEAR(p.predicted / p.measured, 1.0, 0.03) << p.quantity << " row " << p.row;
  }
  // The rows that made the scaled terms stay known.
  EXPECT_EQ(seen_rows({folder.path}, "eager-endtoend").size(),
            seen_rows({shipped}, "eager-endtoend").size() + 3);
}

Prediction prediction(const char* device, const char* phase, const char* quantity, double predicted,
                      double measured) {
  return {0, device, "m", phase, quantity, predicted, measured, false};
}

TEST(ErrorBands, AreTheErrorsByPhaseAndQuantity) {
  Calibration calibration;
  calibration.cross_validation.push_back(
      {"f.csv",
       "model",
       {prediction("b", "prefill", "time", 1.1, 1.0), prediction("a", "prefill", "time", 1.4, 2.0),
        prediction("a", "prefill", "power", 90.0, 100.0),
        prediction("a", "inference", "time", 1.0, 1.0)},
       "",
       "eager",
       "model",
       {{"f.csv", "12ab", 4}}});
  // Without a name of terms it is for the report only.
  calibration.cross_validation.push_back(
      {"f.csv", "dense", {prediction("a", "prefill", "time", 9.0, 1.0)}});
  const std::vector<ErrorBand> bands = calibration.bands();
  ASSERT_EQ(bands.size(), 2u);
  EXPECT_EQ(bands[0].phase, "inference");
  const ErrorBand& prefill = bands[1];
  EXPECT_EQ(prefill.terms, "eager");
  EXPECT_EQ(prefill.left_out, "model");
  EXPECT_EQ(prefill.devices, (std::vector<std::string>{"a", "b"}));
  ASSERT_EQ(prefill.errors.size(), 2u);
  EXPECT_EQ(prefill.errors[0], (BandError{"power", 0.1, 0.1, -0.1, 1}));
  // +10 % and -30 %.
  EXPECT_EQ(prefill.errors[1], (BandError{"time", 0.2, 0.28, -0.1, 2}));
}

TEST(ErrorBands, AreWrittenBesideThoseOfOtherTerms) {
  const Folder first, second;
  fs::create_directories(first.path / "terms");
  const ErrorBand old_eager{"eager", "prefill", "model", {"a"}, {{"o.csv", "1", 1}}, {}};
  const ErrorBand engine{"engine", "serving",           "model",
                         {"a"},    {{"o.csv", "1", 1}}, {{"time", 0.5, 0.6, 0.0, 3}}};
  write_text(first.path / "terms/errors.yaml", write_error_bands({old_eager, engine}));
  EXPECT_EQ(error_bands({first.path}), (std::vector<ErrorBand>{old_eager, engine}));

  Calibration calibration;
  calibration.cross_validation.push_back({"f.csv",
                                          "GPU",
                                          {prediction("b", "prefill", "time", 1.1, 1.0)},
                                          "",
                                          "eager",
                                          "GPU",
                                          {{"f.csv", "12ab", 1}}});
  Catalog catalog({first.path, shipped});
  write_calibration(calibration, catalog, second.path);
  EXPECT_EQ(error_bands({second.path}),
            (std::vector<ErrorBand>{engine, calibration.bands().front()}));
}

/// A device file with other terms reads back with them, and with all else as it was.
TEST(WriteCalibration, PutsTermsIntoDeviceFiles) {
  const Folder first, second;
  const fs::path file = first.path / "devices/x1.yaml";
  const std::string before = "summary: made up\nidle: 50 W\ntdp: 300 W\n";
  const std::string after = "# what follows stays\nassumed: [idle, tdp]\n";
  write_text(file, before + "terms:\n  launch_us: {value: 3, data: old.csv}\n\n" +
                       "  feed: {value: 20, data: old.csv}\n" + after);
  Calibration calibration;
  calibration.devices["x1"]["launch_us"] = {4.5, "new.csv"};
  calibration.devices["x1"]["engine.tensor_gemm"] = {0.7, "new.csv"};
  Catalog catalog({first.path, shipped});
  write_calibration(calibration, catalog, second.path);

  const std::string written = text(second.path / "devices/x1.yaml");
  EXPECT_EQ(written, before +
                         "terms:\n  engine.tensor_gemm: {value: 0.7, data: \"new.csv\"}\n"
                         "  feed: {value: 20, data: \"old.csv\"}\n"
                         "  launch_us: {value: 4.5, data: \"new.csv\"}\n" +
                         after);
  Catalog with({second.path, shipped});
  const Device& device = with.device("x1").device;
  EXPECT_EQ(to_watts(device.tdp), 300);
  EXPECT_EQ(terms_for({}, "engine", device)[TermId::tensor_gemm], 0.7);
  EXPECT_EQ(terms_for({}, "eager", device)[TermId::launch_us], 4.5);
  EXPECT_EQ(terms_for({}, "eager", device)[TermId::feed], 20);

  // Twice the same; and a file without terms gets them at its end.
  Catalog again({second.path, shipped});
  write_calibration(calibration, again, second.path);
  EXPECT_EQ(text(second.path / "devices/x1.yaml"), written);
  write_text(file, before + "assumed: [idle, tdp]");
  Catalog bare({first.path, shipped});
  write_calibration(calibration, bare, first.path);
  EXPECT_EQ(terms_for({}, "eager", Catalog({first.path}).device("x1").device)[TermId::launch_us],
            4.5);
}

}  // namespace
}  // namespace nightwatt
