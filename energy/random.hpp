#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <string_view>

namespace nightwatt {

/// One block of the counter-based generator Philox4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel
/// random numbers: as easy as 1, 2, 3", SC 2011): 128 bits that depend on counter and key only.
constexpr std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter,
                                              std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t{0xD2511F53U} * counter[0];
    const std::uint64_t b = std::uint64_t{0xCD9E8D57U} * counter[2];
    counter = {
        static_cast<std::uint32_t>(b >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(b),
        static_cast<std::uint32_t>(a >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(a)};
    key[0] += 0x9E3779B9U;
    key[1] += 0xBB67AE85U;
  }
  return counter;
}

/// The x at which the normal distribution function is p, 0 < p < 1, relative error about 1e-15.
/// Source: Wichura 1988, "Algorithm AS 241", routine PPND16.
double normal_quantile(double p);
/// The normal distribution function at x.
inline double normal_probability(double x) { return 0.5 * std::erfc(-x * 0.70710678118654752440); }

/// Random draws by name: each is a function of (seed, stream, index, counter) alone, so it does not
/// depend on what else was drawn, or when. `index` is as a rule the number of a job, `counter` the
/// number of the draw for it.
///
///     const RandomStream runs(seed, "run");
///     const double z = runs.normal(job);
class RandomStream {
 public:
  RandomStream(std::uint64_t seed, std::string_view name) : key_(make_key(seed, name)) {}

  /// 64 random bits.
  [[nodiscard]] std::uint64_t bits(std::uint64_t index, std::uint64_t counter = 0) const {
    const auto block =
        philox({static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(index >> 32),
                static_cast<std::uint32_t>(counter), static_cast<std::uint32_t>(counter >> 32)},
               key_);
    return block[0] | std::uint64_t{block[1]} << 32;
  }
  /// Uniform in [0, 1), a multiple of 2^-53.
  [[nodiscard]] double uniform(std::uint64_t index, std::uint64_t counter = 0) const {
    return static_cast<double>(bits(index, counter) >> 11) * 0x1p-53;
  }
  /// Uniform in (0, 1): the middles of 2^52 equal parts, for logarithms and quantiles.
  [[nodiscard]] double uniform_open(std::uint64_t index, std::uint64_t counter = 0) const {
    return (static_cast<double>(bits(index, counter) >> 12) + 0.5) * 0x1p-52;
  }
  /// Standard normal.
  [[nodiscard]] double normal(std::uint64_t index, std::uint64_t counter = 0) const {
    return normal_quantile(uniform_open(index, counter));
  }
  /// Exponential with mean 1.
  [[nodiscard]] double exponential(std::uint64_t index, std::uint64_t counter = 0) const {
    return -std::log(uniform_open(index, counter));
  }
  /// Uniform among 0 .. n-1, n > 0; the shares differ by less than n / 2^64.
  [[nodiscard]] std::uint64_t below(std::uint64_t n, std::uint64_t index,
                                    std::uint64_t counter = 0) const {
    __extension__ using Wide = unsigned __int128;
    return static_cast<std::uint64_t>((Wide{bits(index, counter)} * n) >> 64);
  }

 private:
  static constexpr std::array<std::uint32_t, 2> make_key(std::uint64_t seed,
                                                         std::string_view name) {
    std::uint64_t hash = 0xCBF29CE484222325U;  // FNV-1a of the name ...
    for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
    hash += (seed + 1) * 0x9E3779B97F4A7C15U;  // ... and the seed, mixed as in SplitMix64
    hash = (hash ^ (hash >> 30)) * 0xBF58476D1CE4E5B9U;
    hash = (hash ^ (hash >> 27)) * 0x94D049BB133111EBU;
    hash ^= hash >> 31;
    return {static_cast<std::uint32_t>(hash), static_cast<std::uint32_t>(hash >> 32)};
  }

  std::array<std::uint32_t, 2> key_;
};

}  // namespace nightwatt
