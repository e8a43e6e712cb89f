#include "sim/timeline/run_deflate.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <utility>

namespace nightwatt::timeline {

namespace {

// RFC 1951, 3.2.5 to 3.2.7.
constexpr std::size_t end_of_block = 256;
constexpr std::size_t symbol_count = 286;  ///< bytes, the end of a block, lengths of runs
constexpr int longest_code = 15;
constexpr std::size_t shortest_run = 3, longest_run = 258;
constexpr std::size_t length_symbol_count = 19;
constexpr int longest_length_code = 7;
constexpr std::array<std::uint8_t, length_symbol_count> length_symbol_order = {
    16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
constexpr std::size_t longest_stored_part = 65535;
constexpr std::size_t stored_part_overhead = 5;

/// A token is a byte, or 256 and how much longer a run is than the shortest one.
constexpr std::size_t token_count = 512;
constexpr std::uint16_t first_run_token = 256;

/// The symbol of a run's length, and the bits behind it.
struct RunSymbol {
  std::uint32_t extra;
  std::uint16_t symbol;
  std::uint8_t extra_bits;
};

constexpr RunSymbol run_symbol(std::uint32_t more) {
  if (more == longest_run - shortest_run) return {0, symbol_count - 1, 0};
  const int bits = std::max(static_cast<int>(std::bit_width(more)) - 3, 0);
  return {more & ((1U << bits) - 1),
          static_cast<std::uint16_t>(257 + 4 * bits + static_cast<int>(more >> bits)),
          static_cast<std::uint8_t>(bits)};
}

/// Writes bits from the lowest of each byte on. Up to 8 bytes behind the last may be overwritten.
class Bits {
 public:
  explicit Bits(std::byte* out) : out_(out) {}

  /// At most 56 bits between two flushes.
  void put(std::uint64_t value, int count) {
    held_ |= value << used_;
    used_ += count;
  }
  void flush() {
    std::memcpy(out_, &held_, sizeof held_);
    out_ += used_ >> 3;
    held_ >>= used_ & ~7;
    used_ &= 7;
  }
  /// Fills the byte up with zeros.
  std::byte* align() {
    used_ = (used_ + 7) & ~7;
    flush();
    return out_;
  }
  void move_to(std::byte* out) { out_ = out; }

 private:
  std::byte* out_;
  std::uint64_t held_ = 0;
  int used_ = 0;
};

template <std::size_t N>
using Lengths = std::array<std::uint8_t, N>;

/// Lengths in bits of a Huffman code of at most `limit` bits; 0 for what does not occur. At least
/// one symbol occurs.
template <std::size_t N>
Lengths<N> code_lengths(const std::array<std::uint32_t, N>& frequency, int limit) {
  std::array<std::pair<std::uint32_t, std::uint32_t>, N> used;  // by frequency, then by symbol
  std::size_t count = 0;
  for (std::uint32_t s = 0; s < N; ++s) {
    if (frequency[s] > 0) used[count++] = {frequency[s], s};
  }
  std::sort(used.begin(), used.begin() + count);
  Lengths<N> lengths{};
  if (count == 1) {
    lengths[used[0].second] = 1;
    return lengths;
  }
  // Joined nodes are made in order of weight: the two lightest nodes are each at the front of the
  // symbols or of the joined nodes not yet taken.
  std::array<std::uint32_t, 2 * N> parent{}, depth{};
  std::array<std::uint64_t, N> weight{};
  std::size_t symbol = 0, joined = 0;
  const std::size_t joins = count - 1;
  for (std::size_t made = 0; made < joins; ++made) {
    for (int child = 0; child < 2; ++child) {
      const bool take_symbol =
          symbol < count && (joined == made || used[symbol].first <= weight[joined]);
      weight[made] += take_symbol ? used[symbol].first : weight[joined];
      parent[take_symbol ? symbol++ : count + joined++] = static_cast<std::uint32_t>(count + made);
    }
  }
  std::array<std::uint32_t, longest_code + 1> of_length{};  // deeper ones are cut
  for (std::size_t node = count + joins - 1; node-- > 0;) {
    depth[node] = depth[parent[node]] + 1;
    if (node < count)
      ++of_length[std::min<std::size_t>(depth[node], static_cast<std::size_t>(limit))];
  }
  // Codes cut to the limit are too many for it: each turn makes room for one of them by lengthening
  // a shorter code, which takes that one's place beside it.
  const auto top = static_cast<std::size_t>(limit);
  std::uint64_t taken = 0;
  for (std::size_t l = 1; l <= top; ++l) taken += std::uint64_t{of_length[l]} << (top - l);
  for (; taken > std::uint64_t{1} << top; --taken) {
    std::size_t shorter = top - 1;
    while (of_length[shorter] == 0) --shorter;
    --of_length[top];
    --of_length[shorter];
    of_length[shorter + 1] += 2;
  }
  std::size_t next = 0;
  for (std::size_t l = top; l > 0; --l) {
    for (std::uint32_t i = 0; i < of_length[l]; ++i) {
      lengths[used[next++].second] = static_cast<std::uint8_t>(l);
    }
  }
  return lengths;
}

/// The codes of the lengths (RFC 1951, 3.2.2), their first bit lowest.
template <std::size_t N>
std::array<std::uint16_t, N> codes_of(const Lengths<N>& lengths) {
  std::array<std::uint32_t, longest_code + 2> next{};
  for (const std::uint8_t length : lengths) next[length + 1U] += length > 0;
  for (std::size_t l = 1; l < next.size(); ++l) next[l] = (next[l] + next[l - 1]) << 1;
  std::array<std::uint16_t, N> codes{};
  for (std::size_t s = 0; s < N; ++s) {
    std::uint32_t code = lengths[s] > 0 ? next[lengths[s]]++ : 0;
    for (int bit = 0; bit < lengths[s]; ++bit, code >>= 1) {
      codes[s] = static_cast<std::uint16_t>(codes[s] << 1 | (code & 1));
    }
  }
  return codes;
}

/// The lengths of a block's codes as its header tells them: a length, or a run of zeros.
class Header {
 public:
  explicit Header(const Lengths<symbol_count>& lengths) {
    symbols_ = symbol_count;
    while (lengths[symbols_ - 1] == 0) --symbols_;
    for (std::size_t s = 0; s < symbols_;) {
      std::size_t zeros = 0;
      while (s + zeros < symbols_ && lengths[s + zeros] == 0) ++zeros;
      if (zeros >= 11) {
        zeros = std::min<std::size_t>(zeros, 138);
        add(18, zeros - 11, 7);
      } else if (zeros >= 3) {
        add(17, zeros - 3, 3);
      } else {
        zeros = 1;
        add(lengths[s], 0, 0);
      }
      s += zeros;
    }
    add(1, 0, 0);  // the only distance, 1
    lengths_ = code_lengths(frequency_, longest_length_code);
    told_ = length_symbol_count;
    while (told_ > 4 && lengths_[length_symbol_order[told_ - 1]] == 0) --told_;
  }

  [[nodiscard]] std::size_t bits() const {
    std::size_t sum = 5 + 5 + 4 + 3 * told_;
    for (std::size_t i = 0; i < count_; ++i) {
      sum += lengths_[entries_[i].symbol] + std::size_t{entries_[i].extra_bits};
    }
    return sum;
  }

  void write(Bits& bits) const {
    bits.put(symbols_ - 257, 5);
    bits.put(0, 5);
    bits.put(told_ - 4, 4);
    bits.flush();
    for (std::size_t i = 0; i < told_; ++i) {
      bits.put(lengths_[length_symbol_order[i]], 3);
      bits.flush();
    }
    const auto codes = codes_of(lengths_);
    for (std::size_t i = 0; i < count_; ++i) {
      bits.put(codes[entries_[i].symbol], lengths_[entries_[i].symbol]);
      bits.put(entries_[i].extra, entries_[i].extra_bits);
      bits.flush();
    }
  }

 private:
  struct Entry {
    std::uint8_t symbol, extra, extra_bits;
  };

  void add(std::size_t symbol, std::size_t extra, int extra_bits) {
    entries_[count_++] = {static_cast<std::uint8_t>(symbol), static_cast<std::uint8_t>(extra),
                          static_cast<std::uint8_t>(extra_bits)};
    ++frequency_[symbol];
  }

  std::array<Entry, symbol_count + 1> entries_{};
  std::array<std::uint32_t, length_symbol_count> frequency_{};
  Lengths<length_symbol_count> lengths_{};
  std::size_t symbols_ = 0, count_ = 0, told_ = 0;
};

/// Whether a sample says that a code would not gain an eighth. Two bytes drawn from a source of
/// `h` bits each are equal with probability 2^-h at least (Jensen): of bytes that 7 bits would
/// hold, twice as often as of random ones.
bool looks_random(std::span<const std::byte> bytes) {
  constexpr std::size_t stretches = 32, stretch = 64, sampled = stretches * stretch;
  if (bytes.size() < 2 * sampled) return false;
  std::array<std::uint32_t, 256> occurs{};
  for (std::size_t i = 0; i < stretches; ++i) {
    const std::size_t first = i * (bytes.size() - stretch) / (stretches - 1);
    for (const std::byte b : bytes.subspan(first, stretch))
      ++occurs[std::to_integer<std::size_t>(b)];
  }
  std::uint64_t equal = 0;
  for (const std::uint64_t n : occurs) equal += n * n - n;
  constexpr std::uint64_t of_random = sampled * (sampled - 1) / 256;
  return equal < of_random + of_random / 2;
}

/// How often the byte in front of `at` comes again from there on.
std::size_t repeats(const std::byte* at, const std::byte* end) {
  const std::byte* const first = at;
  const std::uint64_t same = 0x0101010101010101U * std::to_integer<std::uint64_t>(at[-1]);
  for (; end - at >= 8; at += 8) {
    std::uint64_t eight = 0;
    std::memcpy(&eight, at, sizeof eight);
    if (eight != same) {
      return static_cast<std::size_t>(at - first) +
             static_cast<std::size_t>(std::countr_zero(eight ^ same)) / 8;
    }
  }
  while (at < end && *at == first[-1]) ++at;
  return static_cast<std::size_t>(at - first);
}

/// @return the end of the tokens
std::uint16_t* tokens_of(std::span<const std::byte> bytes, std::uint16_t* token) {
  const std::byte* at = bytes.data();
  const std::byte* const end = at + bytes.size();
  while (at < end) {
    *token++ = std::to_integer<std::uint16_t>(*at++);
    if (end - at < static_cast<std::ptrdiff_t>(shortest_run)) continue;
    std::uint32_t four = 0;
    std::memcpy(&four, at - 1, sizeof four);
    if (four != 0x01010101U * (four & 0xFF)) continue;
    for (std::size_t left = repeats(at, end); left >= shortest_run;) {
      const std::size_t run = std::min(left, longest_run);
      *token++ = static_cast<std::uint16_t>(first_run_token + run - shortest_run);
      at += run;
      left -= run;
    }
  }
  return token;
}

/// The bytes as they are, in parts that may be as long as deflate allows.
void put_stored(std::span<const std::byte> bytes, Bits& bits) {
  while (!bytes.empty()) {
    const std::span part = bytes.first(std::min(bytes.size(), longest_stored_part));
    bits.put(0b000, 3);
    std::byte* out = bits.align();
    const auto length = static_cast<std::uint16_t>(part.size());
    const auto complement = static_cast<std::uint16_t>(~length);
    std::memcpy(out, &length, sizeof length);
    std::memcpy(out + 2, &complement, sizeof complement);
    bits.move_to(std::copy(part.begin(), part.end(), out + 4));
    bytes = bytes.subspan(part.size());
  }
}

std::size_t stored_size(std::size_t count) {
  return count + (count + longest_stored_part - 1) / longest_stored_part * stored_part_overhead;
}

void put_block(std::span<const std::byte> bytes, std::span<const std::uint16_t> tokens,
               Bits& bits) {
  std::array<std::uint32_t, token_count> occurs{};
  for (const std::uint16_t token : tokens) ++occurs[token];
  std::array<std::uint32_t, symbol_count> frequency{};
  std::copy_n(occurs.begin(), first_run_token, frequency.begin());
  frequency[end_of_block] = 1;
  for (std::uint32_t run = 0; run < token_count - first_run_token; ++run) {
    frequency[run_symbol(run).symbol] += occurs[first_run_token + run];
  }
  const Lengths<symbol_count> lengths = code_lengths(frequency, longest_code);
  const std::array<std::uint16_t, symbol_count> codes = codes_of(lengths);
  const Header header(lengths);

  struct Code {
    std::uint32_t bits;
    std::int32_t count;
  };
  std::array<Code, token_count> code;
  std::size_t packed_bits = 3 + header.bits() + lengths[end_of_block];
  for (std::size_t t = 0; t < token_count; ++t) {
    if (t < first_run_token) {
      code[t] = {codes[t], lengths[t]};
    } else {
      const RunSymbol run = run_symbol(static_cast<std::uint32_t>(t - first_run_token));
      const int length = lengths[run.symbol];
      // Behind it the distance, the single bit 0.
      code[t] = {codes[run.symbol] | run.extra << length, length + run.extra_bits + 1};
    }
    packed_bits += std::size_t{occurs[t]} * static_cast<std::size_t>(code[t].count);
  }
  if (packed_bits > stored_size(bytes.size()) * 7) {
    put_stored(bytes, bits);
    return;
  }
  bits.put(0b100, 3);
  header.write(bits);
  std::size_t i = 0;
  for (; i + 2 <= tokens.size(); i += 2) {
    for (const std::uint16_t token : {tokens[i], tokens[i + 1]}) {
      bits.put(code[token].bits, code[token].count);
    }
    bits.flush();
  }
  if (i < tokens.size()) bits.put(code[tokens[i]].bits, code[tokens[i]].count);
  bits.put(codes[end_of_block], lengths[end_of_block]);
  bits.flush();
}

}  // namespace

std::size_t RunDeflate::bound(std::size_t count, std::size_t block) {
  const std::size_t blocks = count / block + 1;
  // A byte to fill up in front of each stored part, the end of the stream, room for whole words.
  return stored_size(count) + blocks * (stored_part_overhead + 1) + 16;
}

std::size_t RunDeflate::pack(std::span<const std::byte> bytes, std::size_t block,
                             std::span<std::byte> out) {
  if (tokens_.size() < block) tokens_.resize(block);
  Bits bits(out.data());
  for (std::size_t first = 0; first < bytes.size(); first += block) {
    const std::span part = bytes.subspan(first, std::min(block, bytes.size() - first));
    if (looks_random(part)) {
      put_stored(part, bits);
      continue;
    }
    const std::uint16_t* end = tokens_of(part, tokens_.data());
    put_block(part, {tokens_.data(), end}, bits);
  }
  bits.put(0b011, 3);  // the last block: of the fixed codes, empty
  bits.put(0, 7);
  return static_cast<std::size_t>(bits.align() - out.data());
}

}  // namespace nightwatt::timeline
