#include "analysis/measurements/measured_file.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "traces/diagnostics.hpp"

namespace nightwatt {
namespace {

MeasuredFile read(const std::string& text) {
  Input input = Input::from_memory("m.csv", text);
  return MeasuredFile::read(input);
}
std::string faults(const std::string& text) {
  try {
    (void)read(text);
  } catch (const InputError& error) {
    return error.what();
  }
  return "none";
}

const std::string header =
    "gpu,dataset,network,batch_size,optimizer,power_limit_w,time_per_epoch_s,avg_gpu_power_w,"
    "gpu_energy_per_epoch_j\n";

TEST(MeasuredFile, TheHeaderDecidesTheKind) {
  const MeasuredFile file = read(header + "V100,squad,bert,8,adam,250,10,200,2000\n");
  EXPECT_EQ(file.kind().name, "power-caps");
  EXPECT_EQ(file.rows(), 1u);
  EXPECT_EQ(file.text("network")[0], "bert");
  EXPECT_EQ(file.number("power_limit_w")[0], 250.0);
  EXPECT_EQ(file.position(0).line, 2u);
  EXPECT_THROW((void)file.number("network"), std::logic_error);
}

TEST(MeasuredFile, OtherColumnsAndOrdersAreWelcome) {
  const MeasuredFile file = read(
      "\xEF\xBB\xBFnote,latency_us,message_bytes,num_gpus,collective,link,gpu\r\n"
      "\"a, b\",5.5,1024,2,all_reduce,NVLink4,H100\r\n");
  EXPECT_EQ(file.kind().name, "collectives");
  EXPECT_EQ(file.number("latency_us")[0], 5.5);
  EXPECT_EQ(file.text("gpu")[0], "H100");
}

TEST(MeasuredFile, TheKindWithMostColumnsWins) {
  const std::string latency = "gpu,dtype,m,n,k,latency_ms";
  EXPECT_EQ(read(latency + "\nA,bf16,1,2,3,0.1\n").kind().name, "gemm-latency");
  const MeasuredFile power = read(latency +
                                  ",mean_gpu_power_w,power_limit_w,nominal_power_window_s"
                                  "\nA,bf16,1,2,3,0.1,300,700,\n");
  EXPECT_EQ(power.kind().name, "gemm-power");
  EXPECT_TRUE(std::isnan(power.number("nominal_power_window_s")[0]));
}

TEST(MeasuredFile, EveryBadCellIsNamedWithItsPlace) {
  EXPECT_EQ(faults(header + "V100,squad,bert,0,adam,250,10,200,2000\n"
                            "V100,,bert,8,adam,-250,ten,,2000\n"),
            "m.csv:2:17: error: batch_size: expected a whole number from 1 to 1000000000, got '0'\n"
            "m.csv:3:6: error: dataset: expected a text, got nothing\n"
            "m.csv:3:19: error: power_limit_w: expected a number above 0, got '-250'\n"
            "m.csv:3:24: error: time_per_epoch_s: expected a number above 0, got 'ten'\n"
            "m.csv:3:28: error: avg_gpu_power_w: expected a number above 0, got nothing");
  EXPECT_EQ(faults(header + "V100,squad,bert,1e10,adam,250,10,200,2000\n"),
            "m.csv:2:17: error: batch_size: expected a whole number from 1 to 1000000000, got "
            "'1e10'");
}

TEST(MeasuredFile, AHeaderOfNoKind) {
  EXPECT_EQ(faults("gpu,link,collective,num_gpu,message_bytes,latency_us\n"),
            "m.csv:1: error: header: expected a column 'num_gpus' of kind collectives, got none; "
            "did you mean 'num_gpu'?");
  const std::string none = faults("a,b\n1,2\n");
  EXPECT_EQ(none.substr(0, 70),
            "m.csv:1: error: header: expected the columns of a known kind of measur")
      << none;
  EXPECT_NE(faults("").find("m.csv:1: error: header"), std::string::npos);
}

TEST(MeasuredFile, NoRowsTooManyFieldsAndDoubleColumns) {
  EXPECT_EQ(faults(header), "m.csv: error: expected at least one row of measurements, got none");
  EXPECT_EQ(faults("gpu,link,collective,num_gpus,message_bytes,latency_us\nA,b,c,2,1,1,9\n"),
            "m.csv:2:13: error: expected 6 fields as in the header, got 7");
  EXPECT_EQ(faults("gpu,gpu,link,collective,num_gpus,message_bytes,latency_us\n"),
            "m.csv:1: error: header: the column 'gpu' stands there twice");
}

TEST(MeasuredFile, AFingerprintIsOfTheMeasurementNotOfTheLayout) {
  const MeasuredFile a = read(
      "gpu,link,collective,num_gpus,message_bytes,latency_us\n"
      "A,b,c,2,1024,1.50\nA,b,c,2,1024,1.51\n");
  const MeasuredFile b = read(
      "latency_us,x,message_bytes,num_gpus,collective,link,gpu\n"
      "1.5,,1.024e3,2,c,b,A\n");
  EXPECT_EQ(a.fingerprint(0), b.fingerprint(0));
  EXPECT_NE(a.fingerprint(0), a.fingerprint(1));
}

TEST(MeasurementKinds, NamesAndColumnsAreUnique) {
  for (const MeasurementKind& kind : measurement_kinds()) {
    for (const MeasurementKind& other : measurement_kinds()) {
      if (&kind != &other) {
        EXPECT_NE(kind.name, other.name);
      }
    }
    for (std::size_t i = 0; i < kind.columns.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) EXPECT_NE(kind.columns[i].name, kind.columns[j].name);
    }
  }
}

}  // namespace
}  // namespace nightwatt
