#include "vault/service/wire_writer.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "piivault/v1/vault_service.pb.h"
#include "vault/wire_reader.h"

namespace piivault::vault {
namespace {

namespace v1 = piivault::v1;
using Result = v1::BatchRevealRecordsResponse::Result;

std::string TextOf(size_t size, std::mt19937& random) {
  std::string text(size, ' ');
  for (char& c : text) c = static_cast<char>('a' + random() % 26);
  return text;
}

// Sizes around those where a length takes one more byte.
size_t SizeOf(std::mt19937& random) {
  constexpr size_t kEdges[] = {0, 1, 20, 120, 127, 128, 200, 16380, 16384, 20000};
  return kEdges[random() % std::size(kEdges)];
}

TEST(WireWriterTest, ProtobufReadsWhatWasWritten) {
  std::mt19937 random(11);
  for (int round = 0; round < 300; ++round) {
    v1::BatchRevealRecordsResponse expected;
    WireWriter writer;
    for (size_t results = random() % 4; results > 0; --results) {
      Result& result = *expected.add_results();
      const size_t begin = writer.size();
      const size_t outer = writer.Open(1);
      result.set_name(TextOf(SizeOf(random), random));
      writer.AddBytes(Result::kNameFieldNumber, result.name());
      const size_t inner = writer.Open(Result::kRecordFieldNumber);
      v1::RevealedRecord& record = *result.mutable_record();
      record.set_version(random() % 3 == 0 ? 0 : uint64_t{1} << (random() % 64));
      writer.AddVarint(v1::RevealedRecord::kVersionFieldNumber, record.version());
      const size_t kept = writer.size();
      writer.AddBytes(v1::RevealedRecord::kTypeFieldNumber, "taken back");
      writer.Truncate(kept);
      record.set_type(TextOf(SizeOf(random), random));
      writer.AddBytes(v1::RevealedRecord::kTypeFieldNumber, record.type());
      writer.Close(inner);
      writer.Close(outer);
      if (random() % 2 == 0) {
        const Result copy = result;
        *expected.add_results() = copy;
        writer.Repeat(begin, writer.size());
      }
    }
    v1::BatchRevealRecordsResponse parsed;
    ASSERT_TRUE(parsed.ParseFromArray(writer.view().data(), static_cast<int>(writer.size())));
    EXPECT_EQ(parsed.SerializeAsString(), expected.SerializeAsString());
  }
}

TEST(WireWriterTest, NothingOfWhatIsTakenBackStays) {
  WireWriter writer;
  writer.AddBytes(1, "kept");
  const size_t kept = writer.size();
  writer.AddBytes(2, "a canary value");
  const char* const behind = writer.view().data() + kept;
  const size_t size = writer.size() - kept;
  writer.Truncate(kept);
  EXPECT_EQ(std::string(behind, size), std::string(size, '\0'));
  EXPECT_EQ(writer.size(), kept);
}

TEST(WireWriterTest, WhatIsReleasedIsNoLongerItsOwn) {
  WireWriter writer;
  writer.AddBytes(1, "value");
  WireWriter moved = std::move(writer);
  const auto [data, size] = moved.Release();
  EXPECT_EQ(size, 7u);
  EXPECT_EQ(moved.size(), 0u);
  moved.AddBytes(1, "next");
  EXPECT_EQ(moved.size(), 6u);
  WireWriter::WipeAndFree(data, size);
}

// Against protobuf's own parser: the same fields of what is well-formed, and no more than it takes.
TEST(WireReaderTest, ReadsWhatProtobufWritesAndRefusesWhatItRefuses) {
  std::mt19937 random(12);
  for (int round = 0; round < 2000; ++round) {
    v1::Failure message;
    message.set_reason(TextOf(random() % 150, random));
    message.set_code(static_cast<int32_t>(random() % 100000));
    for (size_t i = random() % 3; i > 0; --i) message.add_fields(TextOf(1 + random() % 9, random));
    std::string bytes = message.SerializeAsString();
    if (round % 2 == 1 && !bytes.empty()) {
      bytes[random() % bytes.size()] = static_cast<char>(random() & 0x7f);  // always UTF-8
      if (random() % 2 == 0) bytes.resize(random() % bytes.size());
    }
    v1::Failure seen;
    WireReader reader(bytes);
    bool other = false;  // fields of other types or numbers, which a schema decides about
    while (reader.Next()) {
      const bool text = reader.bytes().data() != nullptr;
      if (reader.number() == 1 && text) {
        seen.set_reason(std::string(reader.bytes()));
      } else if (reader.number() == 2 && !text) {
        seen.set_code(static_cast<int32_t>(reader.varint()));
      } else if (reader.number() == 3 && text) {
        seen.add_fields(std::string(reader.bytes()));
      } else {
        other = true;
      }
    }
    v1::Failure parsed;
    const bool well_formed = parsed.ParseFromString(bytes);
    if (round % 2 == 0) {
      ASSERT_TRUE(reader.ok());
    }
    if (reader.ok() && well_formed && !other) {
      EXPECT_EQ(seen.SerializeAsString(), parsed.SerializeAsString());
    }
  }
}

TEST(WireReaderTest, StopsAtWhatIsNoField) {
  for (const std::string& bytes :
       {std::string("\x08", 1), std::string("\x0a\x05xy", 4), std::string("\x00\x01", 2),
        std::string("\x0d\x01\x02\x03\x04", 5), std::string(11, '\xff')}) {
    WireReader reader(bytes);
    while (reader.Next()) {
    }
    EXPECT_FALSE(reader.ok());
    EXPECT_FALSE(reader.Next());
  }
}

}  // namespace
}  // namespace piivault::vault
