#include "traces/input.hpp"

#include <bzlib.h>
#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

#include <cstdio>
#include <cstring>
#include <vector>

#include "tests/unit/traces/read_text.hpp"

namespace nightwatt {
namespace {

using testing::TemporaryFile;
using namespace std::string_literals;

std::string gzip(std::string_view text) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string zstd(std::string_view text) {
  // With the check sum that the zstd program writes, too.
  ZSTD_CCtx* context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress2(context, out.data(), out.size(), text.data(), text.size()));
  ZSTD_freeCCtx(context);
  return out;
}

std::string bzip2(std::string_view text) {
  std::string out(text.size() + text.size() / 100 + 700, '\0');
  auto size = static_cast<unsigned>(out.size());
  EXPECT_EQ(BZ2_bzBuffToBuffCompress(out.data(), &size, const_cast<char*>(text.data()),
                                     static_cast<unsigned>(text.size()), 9, 0, 0),
            BZ_OK);
  out.resize(size);
  return out;
}

std::string tar_member(const std::string& name, std::string_view content, char type = '0') {
  std::string block(512, '\0');
  std::memcpy(block.data(), name.data(), name.size());
  std::snprintf(block.data() + 100, 8, "%07o", 0644);
  std::snprintf(block.data() + 124, 12, "%011o", static_cast<unsigned>(content.size()));
  std::memset(block.data() + 148, ' ', 8);
  block[156] = type;
  std::memcpy(block.data() + 257, "ustar\00000", 8);
  unsigned sum = 0;
  for (const char c : block) sum += static_cast<unsigned char>(c);
  std::snprintf(block.data() + 148, 8, "%06o", sum);
  block += content;
  block.resize((block.size() + 511) / 512 * 512, '\0');
  return block;
}

std::string tar_end() { return std::string(1024, '\0'); }

std::string read(std::string_view bytes) { return Input::from_memory("f", bytes).read_all(); }

std::string fault(std::string_view bytes) {
  try {
    read(bytes);
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

std::string lines_of(std::string_view text) {
  Input input = Input::from_memory("f", text);
  LineReader lines(input);
  std::string out;
  while (lines.next()) {
    out += std::to_string(lines.number()) + "[" + std::string(lines.line()) + "]";
  }
  return out;
}

std::string line_fault(std::string_view text) {
  try {
    lines_of(text);
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

/// A text larger than the chunks in which inputs are read.
std::string long_text() {
  std::string text;
  for (std::uint64_t i = 0; i < 400'000; ++i) text += std::to_string(i * 7919 % 100'003) + ",x\n";
  return text;
}

TEST(Input, ReadsWhatIsThere) {
  EXPECT_EQ(read("abc\n"), "abc\n");
  EXPECT_EQ(read(""), "");
  const std::string text = long_text();
  EXPECT_EQ(read(text), text);
}

TEST(Input, RecognisesCompressionByContent) {
  const std::string text = long_text();
  EXPECT_EQ(read(gzip(text)), text);
  EXPECT_EQ(read(zstd(text)), text);
  EXPECT_EQ(read(bzip2(text)), text);
  EXPECT_EQ(read(gzip("")), "");
  EXPECT_EQ(read(zstd("")), "");
  EXPECT_EQ(read(bzip2("")), "");
}

TEST(Input, ReadsAllMembersOfACompressedFile) {
  EXPECT_EQ(read(gzip("one\n") + gzip("") + gzip("two\n")), "one\ntwo\n");
  EXPECT_EQ(read(zstd("one\n") + zstd("") + zstd("two\n")), "one\ntwo\n");
  EXPECT_EQ(read(bzip2("one\n") + bzip2("two\n")), "one\ntwo\n");
  EXPECT_EQ(read(gzip("one\n") + std::string(3000, '\0')), "one\n");  // padding, as tape has it
}

TEST(Input, ZstdSkippableFramesAreSkipped) {
  const std::string frame("\x50\x2A\x4D\x18\x03\x00\x00\x00xyz", 11);
  EXPECT_EQ(read(frame + zstd("one\n")), "one\n");
}

TEST(Input, FindsEveryTruncation) {
  const std::string text = "submit,run\n1,2\n3,4\n5,6\n";
  // Below 10 bytes a bzip2 file is not told from text.
  for (const auto& [bytes, least] :
       {std::pair{gzip(text), 2}, std::pair{zstd(text), 4}, std::pair{bzip2(text), 10},
        std::pair{gzip(text) + gzip(text), 2}, std::pair{zstd(text) + zstd(text), 4}}) {
    const std::string whole = read(bytes);
    for (std::size_t size = static_cast<std::size_t>(least); size < bytes.size(); ++size) {
      const std::string_view part = std::string_view(bytes).substr(0, size);
      if (2 * size == bytes.size() && whole.size() > text.size()) continue;  // the first member
      EXPECT_NE(fault(part), "") << size << " of " << bytes.size();
    }
  }
  // How much of the content those bytes give is up to zlib.
  EXPECT_EQ(fault(gzip(text).substr(0, 10)),
            "f: error: the gzip data ends too early, after 0 bytes of content (is the file "
            "complete?)");
}

TEST(Input, FindsDamage) {
  const std::string text = long_text();
  for (std::string bytes : {gzip(text), zstd(text), bzip2(text)}) {
    bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 0x10);
    EXPECT_NE(fault(bytes).find("data is damaged after"), std::string::npos) << fault(bytes);
  }
  std::string wrong_sum = gzip("abc\n");
  wrong_sum[wrong_sum.size() - 8] = static_cast<char>(wrong_sum[wrong_sum.size() - 8] ^ 1);
  EXPECT_EQ(fault(wrong_sum),
            "f: error: the gzip data is damaged after 4 bytes of content (incorrect data check)");
}

TEST(Input, RefusesOtherBytesBehindCompressedData) {
  EXPECT_EQ(fault(gzip("abc\n") + "more"),
            "f: error: bytes that are not gzip data follow the compressed content");
  EXPECT_EQ(fault(bzip2("abc\n") + "more"),
            "f: error: bytes that are not bzip2 data follow the compressed content");
  EXPECT_NE(fault(zstd("abc\n") + "more"), "");
}

TEST(Input, UnpacksAnArchiveWithOneFile) {
  const std::string text(700, 'x');
  EXPECT_EQ(read(tar_member("a.csv", text) + tar_end()), text);
  EXPECT_EQ(read(gzip(tar_member("a.csv", text) + tar_end())), text);
  EXPECT_EQ(read(tar_member("folder/", "", '5') + tar_member("folder/._a.csv", "meta") +
                 tar_member("folder/a.csv", text) + tar_end()),
            text);
}

TEST(Input, RefusesOtherArchives) {
  const std::string one = tar_member("a.csv", "1\n");
  EXPECT_EQ(fault(one + tar_member("b.csv", "2\n") + tar_end()),
            "f: error: the tar archive holds more than one file; unpack it and name the one to "
            "read");
  EXPECT_EQ(fault(tar_member("folder/", "", '5') + tar_end()),
            "f: error: the tar archive holds no file");
  EXPECT_EQ(fault(tar_member("a.csv", std::string(2000, 'x')).substr(0, 1000)),
            "f: error: the tar archive ends inside its file (is it complete?)");
  EXPECT_EQ(fault(one + std::string(512, 'x')), "f: error: the tar archive is damaged");
}

TEST(Input, SkipsAByteOrderMarkAndRefusesUtf16) {
  EXPECT_EQ(read("\xEF\xBB\xBFsubmit,run\n"), "submit,run\n");
  EXPECT_EQ(read(gzip("\xEF\xBB\xBFsubmit")), "submit");
  EXPECT_EQ(fault(std::string("\xFF\xFEs\0u\0", 6)),
            "f: error: the text is UTF-16; save it as UTF-8");
}

TEST(Input, NamesThePlaceOfANulByte) {
  using namespace std::string_view_literals;
  EXPECT_EQ(fault("one\ntw\0o\n"sv), "f:2:3: error: NUL byte: this is not a text file");
  EXPECT_EQ(line_fault("one\ntw\0o\n"sv), "f:2:3: error: NUL byte: this is not a text file");
  EXPECT_EQ(line_fault("\0"sv), "f:1:1: error: NUL byte: this is not a text file");
  EXPECT_EQ(line_fault(long_text() + "x"s + '\0'),
            "f:400001:2: error: NUL byte: this is not a text file");
}

TEST(Input, PeeksWithoutReading) {
  const std::string text = long_text();
  const std::string bytes = gzip(text);
  Input input = Input::from_memory("f", bytes);
  EXPECT_EQ(input.peek(), text.substr(0, peek_bytes));
  EXPECT_EQ(input.read_all(), text);
}

TEST(Input, HashesTheBytesOnDisk) {
  // FIPS 180-2, appendix B.1
  constexpr const char* abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  Input unread = Input::from_memory("f", "abc");
  EXPECT_EQ(unread.sha256(), abc);
  Input read_first = Input::from_memory("f", "abc");
  read_first.read_all();
  EXPECT_EQ(read_first.sha256(), abc);
  EXPECT_EQ(read_first.sha256(), abc);
  const TemporaryFile file("t", "abc");
  EXPECT_EQ(Input::open("t", file.path()).sha256(), abc);
}

TEST(Input, SaysWhyAFileCannotBeOpened) {
  const auto open_fault = [](const std::string& path) {
    try {
      Input::open("trace.csv", path);
    } catch (const InputError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_EQ(open_fault("/no/such/file"), "trace.csv: error: the file does not exist");
  EXPECT_EQ(open_fault(::testing::TempDir()), "trace.csv: error: this is a folder, not a file");
  EXPECT_EQ(open_fault("/proc/self/mem").find("trace.csv: error: cannot read the file: "), 0U);
  const TemporaryFile file("t", "abc");
  EXPECT_EQ(open_fault(file.path() + "/below"),
            "trace.csv: error: cannot open the file: Not a directory");
}

TEST(LineReader, NumbersLinesWhateverEndsThem) {
  EXPECT_EQ(lines_of("a\nb\n"), "1[a]2[b]");
  EXPECT_EQ(lines_of("a\r\nb\r\n"), "1[a]2[b]");
  EXPECT_EQ(lines_of("a\nb"), "1[a]2[b]");
  EXPECT_EQ(lines_of("a\n\nb\n\n"), "1[a]2[]3[b]4[]");
  EXPECT_EQ(lines_of(""), "");
  EXPECT_EQ(lines_of("\n"), "1[]");
  EXPECT_EQ(lines_of("\r"), "1[]");
}

TEST(LineReader, KeepsLinesThatCrossChunks) {
  std::string text;
  std::string expected;
  std::size_t count = 0;
  for (std::size_t size : {1'048'575, 3, 1'048'576, 2'500'000, 1}) {
    const std::string line(size, static_cast<char>('a' + count));
    text += line + "\n";
    expected += std::to_string(++count) + "[" + line + "]";
  }
  EXPECT_TRUE(lines_of(text) == expected);
}

TEST(LineReader, JoinsLines) {
  Input input = Input::from_memory("f", "a\r\nb\nc");
  LineReader lines(input);
  ASSERT_TRUE(lines.next());
  ASSERT_TRUE(lines.extend());
  EXPECT_EQ(lines.line(), "a\r\nb");
  EXPECT_EQ(lines.number(), 1U);
  ASSERT_TRUE(lines.next());
  EXPECT_EQ(lines.line(), "c");
  EXPECT_EQ(lines.number(), 3U);
  EXPECT_FALSE(lines.extend());
  EXPECT_EQ(lines.line(), "c");
  EXPECT_FALSE(lines.next());
}

TEST(LineReader, RefusesALineAboveTheLimitWithoutKeepingIt) {
  std::string bytes;
  {
    const std::string line(std::size_t{256} << 20, 'x');
    bytes = gzip("short\n" + line);
  }
  EXPECT_EQ(line_fault(bytes), "f:2: error: the line is longer than 16 MiB, the limit");
  EXPECT_EQ(line_fault(std::string(max_line_bytes, 'x') + "\n"), "");
  EXPECT_EQ(line_fault(std::string(max_line_bytes + 1, 'x') + "\nshort\n"),
            "f:1: error: the line is longer than 16 MiB, the limit");
}

TEST(Input, ReadsTheMachineListOfPai) {
  const char* data = std::getenv("NIGHTWATT_DATA");
  if (data == nullptr) GTEST_SKIP() << "NIGHTWATT_DATA does not name the folder of traces";
  Input input = Input::open("m", std::string(data) + "/gpu-traces/pai_machine_spec.tar.gz");
  const std::string text = input.read_all();
  EXPECT_EQ(text.size(), 73'311U);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1897);
}

}  // namespace
}  // namespace nightwatt
