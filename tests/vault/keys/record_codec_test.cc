#include "vault/keys/record_codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/vault/keys/key_fixture.h"
#include "tests/vault/keys/record_parts.h"
#include "vault/keys/data_key_wrap.h"

namespace piivault::vault {
namespace {

using absl::StatusCode;
using storage::v1::FieldHeader;
using storage::v1::RecordHeader;

const RecordIdentity kIdentity = {KeyFixture::kTenant, IdOf(0x51), IdOf(0x72)};
constexpr uint64_t kVersion = 3;

FieldHeader Field(std::string_view name, uint8_t token = 0) {
  FieldHeader field;
  field.set_name(std::string(name));
  if (token != 0) {
    field.set_token(std::string(IdOf(token).view()));
    field.set_token_kind(storage::v1::TOKEN_KIND_RANDOM);
  }
  return field;
}

RecordHeader Header() {
  RecordHeader header;
  header.set_type("reader");
  header.set_record_ref(std::string(IdOf(0x5f).view()));
  header.set_ref("17");
  *header.add_fields() = Field("email", 1);
  *header.add_fields() = Field("phone", 2);
  *header.add_fields() = Field("note");
  return header;
}

const std::vector<std::string_view> kValues = {"hanako@example.jp", "03-0000-0000", ""};

EncryptedRecord Encrypt(const KeySnapshot& keys, RandomSource& random = SystemRandom(),
                        const RecordIdentity& identity = kIdentity, uint64_t version = kVersion,
                        const RecordHeader& header = Header()) {
  return EncryptRecordOf(keys, random, identity, version, header, kValues).value();
}

TEST(RecordCodecTest, GivesBackHeaderAndValues) {
  KeyFixture fixture;
  const auto keys = fixture.keys();
  const EncryptedRecord record = Encrypt(*keys);
  EXPECT_EQ(record.epoch, 1u);
  EXPECT_EQ(record.digest, Sha256(record.row));
  EXPECT_EQ(RecordReader::PeekVersion(record.row).value(), kVersion);
  auto reader = RecordReader::Open(*keys, kIdentity, record.row, record.wrap_row);
  ASSERT_TRUE(reader.ok());
  EXPECT_EQ(reader->version(), kVersion);
  EXPECT_EQ(reader->header().type(), "reader");
  EXPECT_EQ(reader->header().ref(), "17");
  ASSERT_EQ(reader->header().fields_size(), 3);
  for (int i = 0; i < 3; ++i) {
    const FieldHeader& field = reader->header().fields(i);
    EXPECT_EQ(field.ordinal(), static_cast<uint32_t>(i + 1));
    EXPECT_EQ(reader->DecryptField(field)->view(), kValues[static_cast<size_t>(i)]);
    EXPECT_EQ(reader->FindField(field.name()), &field);
  }
  EXPECT_EQ(reader->FindField("unknown"), nullptr);
  for (std::string_view value : kValues) {
    if (!value.empty()) {
      EXPECT_EQ(record.row.find(value), std::string::npos);
    }
  }
}

TEST(RecordCodecTest, AbsentFieldsHaveNoCiphertext) {
  KeyFixture fixture;
  const auto keys = fixture.keys();
  RecordHeader header = Header();
  header.mutable_fields(1)->set_absent(true);
  const EncryptedRecord record =
      EncryptRecordOf(*keys, SystemRandom(), kIdentity, 1, header, kValues).value();
  EXPECT_EQ(RecordParts(record.row).parts.size(), 3u);
  auto reader = RecordReader::Open(*keys, kIdentity, record.row, record.wrap_row).value();
  EXPECT_EQ(reader.header().fields(1).ordinal(), 0u);
  EXPECT_EQ(reader.DecryptField(reader.header().fields(1)).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(reader.header().fields(2).ordinal(), 2u);
  EXPECT_EQ(reader.DecryptField(reader.header().fields(2))->view(), "");
  EXPECT_EQ(reader.DecryptField(reader.header().fields(0))->view(), kValues[0]);
}

TEST(RecordCodecTest, LengthsAreRoundedUp) {
  KeyFixture fixture;
  const auto size_of = [&](size_t length) {
    const std::string value(length, 'v');
    return RecordParts(EncryptRecordOf(*fixture.keys(), SystemRandom(), kIdentity, 1, Header(),
                                       {value, "", ""})
                           ->row)
        .parts[1]
        .size();
  };
  EXPECT_EQ(size_of(0), 16 + kGcmTagSize);
  EXPECT_EQ(size_of(15), 16 + kGcmTagSize);
  EXPECT_EQ(size_of(16), 32 + kGcmTagSize);
  EXPECT_EQ(size_of(31), 32 + kGcmTagSize);
}

TEST(RecordCodecTest, ValuesComeBackExactly) {
  KeyFixture fixture;
  const auto keys = fixture.keys();
  for (const std::string& value :
       {std::string("\x80"), std::string("a\0\0", 3), std::string(16, '\0'),
        std::string("\x80\0\0", 3), std::string(100'000, '\x80')}) {
    const EncryptedRecord record =
        EncryptRecordOf(*keys, SystemRandom(), kIdentity, 1, Header(), {value, "", ""}).value();
    auto reader = RecordReader::Open(*keys, kIdentity, record.row, record.wrap_row).value();
    EXPECT_EQ(reader.DecryptField(reader.header().fields(0))->view(), value);
  }
}

TEST(RecordCodecTest, RefusesWritesThatCannotBeDescribed) {
  KeyFixture fixture;
  const auto keys = fixture.keys();
  const auto code_with = [&](const RecordHeader& header, size_t count = 3) {
    const std::vector<std::string_view> values(count);
    return EncryptRecordOf(*keys, SystemRandom(), kIdentity, 1, header, values).status().code();
  };
  EXPECT_EQ(code_with(Header()), StatusCode::kOk);
  EXPECT_EQ(code_with(Header(), 2), StatusCode::kInvalidArgument);
  RecordHeader header = Header();
  header.mutable_fields(0)->set_name("");
  EXPECT_EQ(code_with(header), StatusCode::kInvalidArgument);
  header = Header();
  header.mutable_fields(0)->set_token("short");
  EXPECT_EQ(code_with(header), StatusCode::kInvalidArgument);
  header.clear_fields();
  for (int i = 0; i < 65535; ++i) *header.add_fields() = Field("f");
  EXPECT_EQ(code_with(header, 65535), StatusCode::kInvalidArgument);
  header.mutable_fields()->RemoveLast();
  EXPECT_EQ(code_with(header, 65534), StatusCode::kOk);
  RecordIdentity unknown = kIdentity;
  unknown.tenant = 99;
  EXPECT_EQ(EncryptRecordOf(*keys, SystemRandom(), unknown, 1, RecordHeader(), {}).status().code(),
            StatusCode::kFailedPrecondition);
}

TEST(RecordCodecTest, EachVersionHasAKeyOfItsOwn) {
  KeyFixture fixture;
  const auto keys = fixture.keys();
  const EncryptedRecord first = Encrypt(*keys);
  const EncryptedRecord second = Encrypt(*keys);
  for (size_t i = 0; i < 4; ++i)
    EXPECT_NE(RecordParts(first.row).parts[i], RecordParts(second.row).parts[i]);
  EXPECT_EQ(RecordReader::Open(*keys, kIdentity, first.row, second.wrap_row).status(),
            DecryptionFailed());
}

// Two records under one data key, which never happens outside a test, and which leaves the
// associated data alone to tell their parts apart. `change` makes the second record differ in one
// member.
class RecordSpliceTest : public testing::Test {
 protected:
  EncryptedRecord SameKey(const RecordIdentity& identity = kIdentity, uint64_t version = kVersion,
                          const RecordHeader& header = Header()) {
    FixedRandom random("data key");
    return Encrypt(*fixture_.keys(), random, identity, version, header);
  }

  // Expects that part `part` of `other` is refused in the place of the record's own.
  void ExpectRefused(const EncryptedRecord& other, size_t part) {
    const EncryptedRecord own = SameKey();
    RecordParts row(own.row);
    ASSERT_NE(row.parts[part], RecordParts(other.row).parts[part]);
    row.parts[part] = RecordParts(other.row).parts[part];
    const std::string spliced = row.Join();
    auto reader = RecordReader::Open(*fixture_.keys(), kIdentity, spliced, own.wrap_row);
    if (part == 0) {
      EXPECT_EQ(reader.status(), DecryptionFailed());
      return;
    }
    ASSERT_TRUE(reader.ok());
    const FieldHeader& field = reader->header().fields(static_cast<int>(part) - 1);
    EXPECT_EQ(reader->DecryptField(field).status(), DecryptionFailed());
  }

  KeyFixture fixture_;
};

TEST_F(RecordSpliceTest, TheSamePartsAreAccepted) {
  EXPECT_EQ(SameKey().row, SameKey().row);
  const EncryptedRecord own = SameKey();
  const std::string joined = RecordParts(own.row).Join();
  EXPECT_EQ(joined, own.row);
}

TEST_F(RecordSpliceTest, AnotherVault) {
  KeyFixture twin("seed", IdOf(0xbb));
  FixedRandom random("data key");
  const EncryptedRecord other = Encrypt(*twin.keys(), random);
  ExpectRefused(other, 0);
  ExpectRefused(other, 1);
  EXPECT_EQ(RecordReader::Open(*fixture_.keys(), kIdentity, other.row, other.wrap_row).status(),
            DecryptionFailed());
}

TEST_F(RecordSpliceTest, AnotherTenant) {
  RecordIdentity identity = kIdentity;
  identity.tenant = KeyFixture::kOtherTenant;
  ExpectRefused(SameKey(identity), 0);
  ExpectRefused(SameKey(identity), 1);
}

TEST_F(RecordSpliceTest, AnotherSubject) {
  RecordIdentity identity = kIdentity;
  identity.subject = IdOf(0x99);
  ExpectRefused(SameKey(identity), 0);
  ExpectRefused(SameKey(identity), 1);
}

TEST_F(RecordSpliceTest, AnotherRecord) {
  RecordIdentity identity = kIdentity;
  identity.record = IdOf(0x99);
  ExpectRefused(SameKey(identity), 0);
  ExpectRefused(SameKey(identity), 1);
}

TEST_F(RecordSpliceTest, AnotherVersion) {
  ExpectRefused(SameKey(kIdentity, kVersion + 1), 0);
  ExpectRefused(SameKey(kIdentity, kVersion + 1), 1);
}

TEST_F(RecordSpliceTest, AnotherType) {
  RecordHeader header = Header();
  header.set_type("svc");
  ExpectRefused(SameKey(kIdentity, kVersion, header), 1);
}

TEST_F(RecordSpliceTest, AnotherFieldName) {
  RecordHeader header = Header();
  header.mutable_fields(0)->set_name("mail");
  ExpectRefused(SameKey(kIdentity, kVersion, header), 1);
}

TEST_F(RecordSpliceTest, AnotherToken) {
  RecordHeader header = Header();
  header.mutable_fields(0)->set_token(std::string(IdOf(9).view()));
  ExpectRefused(SameKey(kIdentity, kVersion, header), 1);
  header.mutable_fields(0)->clear_token();
  ExpectRefused(SameKey(kIdentity, kVersion, header), 1);
}

TEST_F(RecordSpliceTest, AnotherOrdinal) {
  // Two fields that agree in name and token, so that the nonce alone tells them apart.
  RecordHeader header = Header();
  *header.mutable_fields(1) = header.fields(0);
  const EncryptedRecord record = SameKey(kIdentity, kVersion, header);
  RecordParts row(record.row);
  std::swap(row.parts[1], row.parts[2]);
  const std::string swapped = row.Join();
  auto reader = RecordReader::Open(*fixture_.keys(), kIdentity, swapped, record.wrap_row).value();
  EXPECT_EQ(reader.DecryptField(reader.header().fields(0)).status(), DecryptionFailed());
  EXPECT_EQ(reader.DecryptField(reader.header().fields(1)).status(), DecryptionFailed());
}

TEST_F(RecordSpliceTest, PartsThatTheHeaderDoesNotDescribe) {
  const EncryptedRecord own = SameKey();
  const auto refused = [&](const RecordParts& row) {
    return RecordReader::Open(*fixture_.keys(), kIdentity, row.Join(), own.wrap_row).status() ==
           DecryptionFailed();
  };
  RecordParts row(own.row);
  row.parts.pop_back();
  EXPECT_TRUE(refused(row));
  row.parts.push_back(row.parts[1]);
  row.parts.push_back(row.parts[1]);
  EXPECT_TRUE(refused(row));
  row.parts.clear();
  EXPECT_TRUE(refused(row));
  row = RecordParts(own.row);
  row.parts[1].swap(row.parts[0]);
  EXPECT_TRUE(refused(row));
}

TEST_F(RecordSpliceTest, FieldHeadersFromElsewhere) {
  const EncryptedRecord own = SameKey();
  auto reader = RecordReader::Open(*fixture_.keys(), kIdentity, own.row, own.wrap_row).value();
  FieldHeader field = reader.header().fields(0);
  field.set_ordinal(2);
  EXPECT_EQ(reader.DecryptField(field).status(), DecryptionFailed());
  field.set_ordinal(4);
  EXPECT_EQ(reader.DecryptField(field).status(), DecryptionFailed());
  field.set_ordinal(0);
  EXPECT_EQ(reader.DecryptField(field).status(), DecryptionFailed());
}

TEST(RecordTamperTest, WholeRowsWorkNowhereElse) {
  KeyFixture fixture;
  const auto keys = fixture.keys();
  const EncryptedRecord record = Encrypt(*keys);
  const auto refused = [&](RecordIdentity identity) {
    return RecordReader::Open(*keys, identity, record.row, record.wrap_row).status() ==
           DecryptionFailed();
  };
  EXPECT_FALSE(refused(kIdentity));
  EXPECT_TRUE(refused({KeyFixture::kOtherTenant, kIdentity.subject, kIdentity.record}));
  EXPECT_TRUE(refused({99, kIdentity.subject, kIdentity.record}));
  EXPECT_TRUE(refused({kIdentity.tenant, IdOf(1), kIdentity.record}));
  EXPECT_TRUE(refused({kIdentity.tenant, kIdentity.subject, IdOf(1)}));
  EXPECT_TRUE(refused({kIdentity.tenant, kIdentity.record, kIdentity.subject}));
}

TEST(RecordTamperTest, EveryDamageOfRowAndWrapIsRefused) {
  KeyFixture fixture;
  const auto keys = fixture.keys();
  const EncryptedRecord record = Encrypt(*keys);
  const auto reads_all = [&](const std::string& row, const std::string& wrap) {
    auto reader = RecordReader::Open(*keys, kIdentity, row, wrap);
    if (!reader.ok()) {
      EXPECT_EQ(reader.status(), DecryptionFailed());
      return false;
    }
    for (const FieldHeader& field : reader->header().fields()) {
      if (!reader->DecryptField(field).ok()) return false;
    }
    return true;
  };
  ASSERT_TRUE(reads_all(record.row, record.wrap_row));
  ForEachDamage(record.row,
                [&](const std::string& row) { EXPECT_FALSE(reads_all(row, record.wrap_row)); });
  ForEachDamage(record.wrap_row,
                [&](const std::string& wrap) { EXPECT_FALSE(reads_all(record.row, wrap)); });
}

class DataKeyWrapTest : public testing::Test {
 protected:
  absl::StatusOr<SecretBytes> Unwrap(std::string_view row, const RecordIdentity& identity,
                                     uint64_t version) {
    return UnwrapDataKey(*fixture_.keys(), identity.tenant, identity.subject, identity.record,
                         version, row);
  }

  KeyFixture fixture_;
  SecretBytes data_key_ = SystemRandom().Bytes(32);
};

TEST_F(DataKeyWrapTest, EachMemberOfTheAssociatedDataCounts) {
  const auto keys = fixture_.keys();
  const TenantKeys& tenant = *keys->Tenant(1, 1);
  const auto wrap = [&](const storage::Id128& vault, const RecordIdentity& identity,
                        uint64_t version) {
    return WrapDataKey(vault, tenant, SystemRandom(), identity.subject, identity.record, version,
                       data_key_);
  };
  const storage::Id128 vault = keys->vault_id();
  const std::string row = wrap(vault, kIdentity, kVersion);
  EXPECT_EQ(row.size(), 77u);
  EXPECT_TRUE(Unwrap(row, kIdentity, kVersion).value() == data_key_);
  EXPECT_FALSE(Unwrap(wrap(IdOf(0xbb), kIdentity, kVersion), kIdentity, kVersion).ok());
  EXPECT_FALSE(Unwrap(row, {1, IdOf(1), kIdentity.record}, kVersion).ok());
  EXPECT_FALSE(Unwrap(row, {1, kIdentity.subject, IdOf(1)}, kVersion).ok());
  EXPECT_FALSE(Unwrap(row, kIdentity, kVersion + 1).ok());
  EXPECT_FALSE(Unwrap(row, {2, kIdentity.subject, kIdentity.record}, kVersion).ok());
}

TEST_F(DataKeyWrapTest, TheTenantCountsEvenUnderOneKey) {
  // A tenant's keys as the fixture's random source makes them, claimed by another tenant.
  FixedRandom random("tenant");
  const TenantKeyRow row = fixture_.hierarchy().MakeTenantKey(8, 1, random).value();
  ASSERT_TRUE(fixture_.hierarchy().InstallTenantKeys({row}).ok());
  FixedRandom again("tenant");
  const SecretBytes normal = again.Bytes(64);
  const SecretBytes important = again.Bytes(64);
  const TenantKeys same(8, 1, normal.view(), important.view());
  const TenantKeys twin(9, 1, normal.view(), important.view());
  const RecordIdentity identity = {8, kIdentity.subject, kIdentity.record};
  const auto wrap = [&](const TenantKeys& tenant) {
    return WrapDataKey(fixture_.keys()->vault_id(), tenant, SystemRandom(), identity.subject,
                       identity.record, 1, data_key_);
  };
  EXPECT_TRUE(Unwrap(wrap(same), identity, 1).ok());
  EXPECT_FALSE(Unwrap(wrap(twin), identity, 1).ok());
}

TEST_F(DataKeyWrapTest, ReWrappingMovesTheKeyToTheActiveEpoch) {
  const std::string old =
      WrapDataKey(fixture_.keys()->vault_id(), *fixture_.keys()->Tenant(1, 1), SystemRandom(),
                  kIdentity.subject, kIdentity.record, kVersion, data_key_);
  fixture_.Rotate();
  const auto keys = fixture_.keys();
  const auto row =
      ReWrapDataKey(*keys, SystemRandom(), 1, kIdentity.subject, kIdentity.record, kVersion, old);
  ASSERT_TRUE(row.ok());
  EXPECT_EQ(WrapEpoch(old).value(), 1u);
  EXPECT_EQ(WrapEpoch(*row).value(), 2u);
  EXPECT_TRUE(Unwrap(old, kIdentity, kVersion).ok());
  fixture_.Destroy(1);
  EXPECT_EQ(Unwrap(old, kIdentity, kVersion).status(), DecryptionFailed());
  EXPECT_TRUE(Unwrap(*row, kIdentity, kVersion).value() == data_key_);
  // Nothing is re-wrapped that does not open.
  EXPECT_EQ(ReWrapDataKey(*fixture_.keys(), SystemRandom(), 1, kIdentity.subject, kIdentity.record,
                          kVersion, old)
                .status(),
            DecryptionFailed());
  EXPECT_EQ(ReWrapDataKey(*fixture_.keys(), SystemRandom(), 1, kIdentity.subject, kIdentity.record,
                          kVersion + 1, *row)
                .status(),
            DecryptionFailed());
  EXPECT_EQ(ReWrapDataKey(*fixture_.keys(), SystemRandom(), 99, kIdentity.subject, kIdentity.record,
                          kVersion, *row)
                .status()
                .code(),
            StatusCode::kFailedPrecondition);
}

// Two fields, and what they held before.
RecordHeader EarlierHeader() {
  RecordHeader header;
  header.set_type("payee");
  header.set_record_ref(std::string(IdOf(0x5f).view()));
  *header.add_fields() = Field("name");
  *header.add_fields() = Field("account");
  header.add_earlier()->set_name("name");
  header.add_earlier()->set_name("name");
  header.add_earlier()->set_name("account");
  return header;
}

EncryptedRecord EncryptEarlier(const KeySnapshot& keys, RecordHeader header) {
  return EncryptRecord(keys, SystemRandom(), kIdentity, kVersion, &header, {"now", "17"},
                       {"first", "second", "16"})
      .value();
}

TEST(RecordCodecTest, GivesBackEarlierValues) {
  KeyFixture fixture;
  const auto keys = fixture.keys();
  for (const bool important : {false, true}) {
    RecordHeader header = EarlierHeader();
    header.mutable_earlier(2)->set_important(important);
    const EncryptedRecord record = EncryptEarlier(*keys, header);
    EXPECT_EQ(HasImportantKey(record.wrap_row), important);
    auto reader = RecordReader::Open(*keys, kIdentity, record.row, record.wrap_row).value();
    EXPECT_EQ(reader.DecryptField(*reader.Field("name"))->view(), "now");
    EXPECT_EQ(reader.field_count(), 2u);
    EXPECT_EQ(reader.DecryptEarlier(reader.header().earlier(0))->view(), "first");
    EXPECT_EQ(reader.DecryptEarlier(reader.header().earlier(1))->view(), "second");
    EXPECT_EQ(reader.DecryptEarlier(reader.header().earlier(2))->view(), "16");
  }
}

TEST(RecordCodecTest, AnEarlierValueIsNoPresentOneNorTheOtherWayRound) {
  KeyFixture fixture;
  const auto keys = fixture.keys();
  const EncryptedRecord record = EncryptEarlier(*keys, EarlierHeader());
  auto reader = RecordReader::Open(*keys, kIdentity, record.row, record.wrap_row).value();
  const auto read = [&](uint32_t ordinal, bool earlier) {
    RecordField field;
    field.name = "name";
    field.ordinal = ordinal;
    field.earlier = earlier;
    return reader.DecryptField(field).status().code();
  };
  EXPECT_EQ(read(1, false), StatusCode::kOk);
  EXPECT_EQ(read(1, true), StatusCode::kDataLoss);
  EXPECT_EQ(read(3, true), StatusCode::kOk);
  EXPECT_EQ(read(3, false), StatusCode::kDataLoss);
  EXPECT_EQ(read(5, true), StatusCode::kDataLoss);  // Of the other field.
}

TEST(RecordCodecTest, EarlierValuesCannotBeMovedAddedOrLeftOut) {
  KeyFixture fixture;
  const auto keys = fixture.keys();
  const EncryptedRecord record = EncryptEarlier(*keys, EarlierHeader());
  const RecordParts parts(record.row);
  ASSERT_EQ(parts.parts.size(), 6u);
  RecordParts swapped = parts;
  std::swap(swapped.parts[3], swapped.parts[4]);
  const std::string swapped_row = swapped.Join();
  auto reader = RecordReader::Open(*keys, kIdentity, swapped_row, record.wrap_row).value();
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(reader.DecryptEarlier(reader.header().earlier(i)).status().code(),
              StatusCode::kDataLoss);
  }
  RecordParts shorter = parts;
  shorter.parts.pop_back();
  RecordParts longer = parts;
  longer.parts.push_back(parts.parts.back());
  for (const RecordParts& other : {shorter, longer}) {
    EXPECT_EQ(RecordReader::Open(*keys, kIdentity, other.Join(), record.wrap_row).status().code(),
              StatusCode::kDataLoss);
  }
}

TEST(RecordCodecTest, EarlierValuesNeedANameAndAHeader) {
  KeyFixture fixture;
  const auto keys = fixture.keys();
  RecordHeader header = Header();
  EXPECT_EQ(EncryptRecord(*keys, SystemRandom(), kIdentity, kVersion, &header, kValues, {"x"})
                .status()
                .code(),
            StatusCode::kInvalidArgument);
  header.add_earlier();
  EXPECT_EQ(EncryptRecord(*keys, SystemRandom(), kIdentity, kVersion, &header, kValues, {"x"})
                .status()
                .code(),
            StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace piivault::vault
