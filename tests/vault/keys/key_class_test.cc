// The two key classes: what is under the keys for important data does not follow from the others.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/vault/keys/key_fixture.h"
#include "tests/vault/keys/record_parts.h"
#include "vault/crypto/aead.h"
#include "vault/keys/byte_io.h"
#include "vault/keys/data_key_wrap.h"
#include "vault/keys/padding.h"
#include "vault/keys/record_codec.h"

namespace piivault::vault {
namespace {

using absl::StatusCode;
using storage::v1::FieldHeader;
using storage::v1::RecordHeader;

const RecordIdentity kIdentity = {KeyFixture::kTenant, IdOf(0x51), IdOf(0x72)};
constexpr uint64_t kVersion = 3;
constexpr size_t kOneKeySize = 77;
constexpr size_t kTwoKeysSize = 149;
const std::vector<std::string_view> kValues = {"Hanako Yamada", "0123456"};

RecordHeader Header() {
  RecordHeader header;
  header.set_type("payee");
  header.add_fields()->set_name("name");
  header.add_fields()->set_name("account");
  header.mutable_fields(1)->set_important(true);
  return header;
}

// What a generator that is broken gives: all keys are one.
class ConstantRandom : public RandomSource {
 public:
  void Fill(absl::Span<uint8_t> out) override { std::fill(out.begin(), out.end(), 0x11); }
};

class KeyClassTest : public testing::Test {
 protected:
  EncryptedRecord Encrypt(const RecordHeader& header = Header(),
                          RandomSource& random = SystemRandom(), uint64_t version = kVersion) {
    return EncryptRecordOf(*fixture_.keys(), random, kIdentity, version, header, kValues).value();
  }
  absl::StatusOr<SecretBytes> First(std::string_view wrap, uint64_t version = kVersion) {
    return UnwrapDataKey(*fixture_.keys(), kIdentity.tenant, kIdentity.subject, kIdentity.record,
                         version, wrap);
  }
  absl::StatusOr<SecretBytes> Second(std::string_view wrap, uint64_t version = kVersion) {
    return UnwrapImportantKey(*fixture_.keys(), kIdentity.tenant, kIdentity.subject,
                              kIdentity.record, version, wrap);
  }
  absl::StatusOr<std::string> ReWrap(std::string_view wrap) {
    return ReWrapDataKey(*fixture_.keys(), SystemRandom(), kIdentity.tenant, kIdentity.subject,
                         kIdentity.record, kVersion, wrap);
  }
  std::string Wrap(const SecretBytes& data_key, const SecretBytes* important_key) {
    return WrapDataKey(fixture_.keys()->vault_id(), *fixture_.keys()->ActiveTenant(1),
                       SystemRandom(), kIdentity.subject, kIdentity.record, kVersion, data_key,
                       important_key);
  }
  // The keys must live as long as the reader.
  static absl::StatusOr<RecordReader> Open(const KeySnapshot& keys, const EncryptedRecord& record,
                                           std::string_view wrap) {
    return RecordReader::Open(keys, kIdentity, record.row, wrap);
  }
  bool Refused(const EncryptedRecord& record, std::string_view wrap) {
    const auto keys = fixture_.keys();
    return Open(*keys, record, wrap).status() == DecryptionFailed();
  }
  static absl::Status Read(RecordReader& reader, std::string_view field) {
    return reader.DecryptField(*reader.Field(field)).status();
  }

  KeyFixture fixture_;
};

// Of the tenant, in epoch 1, made of these secrets.
TenantKeyRow RowOf(const KeySnapshot& keys, std::string_view normal, std::string_view important) {
  TenantKeyRow row{KeyFixture::kTenant, 1, std::string("\x02\0\0\0\x01", 5)};
  const auto context = [&](std::string_view label) {
    return MemberList(label).Add(keys.vault_id().view()).AddU64(row.tenant).AddU32(row.epoch);
  };
  std::string sealed;
  keys.Epoch(1)->tenant_wrap.Seal(SystemRandom(), context("piivault tenant key").view(), normal,
                                  &sealed);
  row.row += sealed;
  keys.Epoch(1)->important_wrap.Seal(SystemRandom(),
                                     context("piivault tenant important key").Add(sealed).view(),
                                     important, &row.row);
  return row;
}

// 001-52: given the keys of one class leak, the other's fields do not decrypt.
TEST_F(KeyClassTest, TheKeysOfOneClassOpenNothingOfTheOther) {
  const std::string normal(64, 'n');
  const std::string important(64, 'i');
  const std::string other(64, 'o');
  const auto install = [&](const std::string& normal_secret, const std::string& important_secret) {
    const auto row = RowOf(*fixture_.keys(), normal_secret, important_secret);
    ASSERT_TRUE(fixture_.hierarchy().InstallTenantKeys({row}).ok());
  };
  install(normal, important);
  const EncryptedRecord record = Encrypt();
  const SecretBytes data_key = First(record.wrap_row).value();
  const SecretBytes important_key = Second(record.wrap_row).value();

  install(normal, other);
  {
    const auto keys = fixture_.keys();
    auto reader = Open(*keys, record, record.wrap_row);
    ASSERT_TRUE(reader.ok());
    EXPECT_EQ(reader->DecryptField(*reader->Field("name"))->view(), kValues[0]);
    EXPECT_EQ(Read(*reader, "account"), DecryptionFailed());
    EXPECT_TRUE(First(record.wrap_row).value() == data_key);
    EXPECT_EQ(Second(record.wrap_row).status(), DecryptionFailed());
    EXPECT_EQ(ReWrap(record.wrap_row).status(), DecryptionFailed());
  }
  install(other, important);
  EXPECT_TRUE(Refused(record, record.wrap_row)) << "the header is under the normal key";
  EXPECT_EQ(First(record.wrap_row).status(), DecryptionFailed());
  EXPECT_TRUE(Second(record.wrap_row).value() == important_key);

  // By hand, without what a reader checks.
  const auto opens = [&](const SecretBytes& key, uint32_t part, std::string_view field) {
    for (const KeyClass key_class : {KeyClass::kNormal, KeyClass::kImportant}) {
      PartContext context(fixture_.keys()->vault_id(), kIdentity);
      auto value =
          AesGcmKey(key.view())
              .Open(OrdinalNonce(part), context.Of("payee", field, kVersion, "", key_class),
                    RecordParts(record.row).parts[part]);
      if (value.ok() && Unpad(&*value) && value->view() == kValues[part - 1]) return true;
    }
    return false;
  };
  EXPECT_TRUE(opens(data_key, 1, "name"));
  EXPECT_TRUE(opens(important_key, 2, "account"));
  EXPECT_FALSE(opens(data_key, 2, "account"));
  EXPECT_FALSE(opens(important_key, 1, "name"));
}

// 001-52: nor does the epoch's key for one class's secrets.
TEST_F(KeyClassTest, TheEpochsWrapKeysAreApartToo) {
  const auto keys = fixture_.keys();
  const EpochKeys& epoch = *keys->Epoch(1);
  const std::string secret(64, 's');
  const TenantKeyRow row = RowOf(*keys, secret, secret);
  const std::string first = row.row.substr(5, 104);
  const std::string second = row.row.substr(5 + 104);
  for (const std::string_view label : {"piivault tenant key", "piivault tenant important key"}) {
    MemberList context(label);
    context.Add(keys->vault_id().view()).AddU64(row.tenant).AddU32(row.epoch);
    EXPECT_EQ(epoch.important_wrap.Open(context.view(), first).status(), DecryptionFailed());
    EXPECT_EQ(epoch.tenant_wrap.Open(context.Add(first).view(), second).status(),
              DecryptionFailed());
  }
}

TEST_F(KeyClassTest, ValuesComeBackAndHaveKeysOfTheirOwn) {
  const auto keys = fixture_.keys();
  const EncryptedRecord record = Encrypt();
  EXPECT_EQ(record.wrap_row.size(), kTwoKeysSize);
  EXPECT_TRUE(HasImportantKey(record.wrap_row));
  EXPECT_EQ(WrapEpoch(record.wrap_row).value(), 1u);
  auto reader = Open(*keys, record, record.wrap_row).value();
  EXPECT_EQ(reader.Field("name")->key_class, KeyClass::kNormal);
  EXPECT_EQ(reader.Field("account")->key_class, KeyClass::kImportant);
  for (int i = 0; i < 2; ++i) {  // the second time with a key that is there already
    for (const FieldHeader& field : reader.header().fields()) {
      EXPECT_EQ(reader.DecryptField(field)->view(), kValues[field.ordinal() - 1]);
    }
  }
  // A reader that has moved, with its key and before it has one.
  RecordReader moved = std::move(reader);
  EXPECT_EQ(moved.DecryptField(*moved.Field("account"))->view(), kValues[1]);
  RecordReader fresh = Open(*keys, record, record.wrap_row).value();
  RecordReader later = std::move(fresh);
  EXPECT_EQ(later.DecryptField(*later.Field("account"))->view(), kValues[1]);

  const EncryptedRecord again = Encrypt();
  EXPECT_FALSE(First(record.wrap_row).value() == Second(record.wrap_row).value());
  EXPECT_FALSE(Second(again.wrap_row).value() == Second(record.wrap_row).value());
}

TEST_F(KeyClassTest, WithoutImportantValuesThereIsOneKey) {
  const auto keys = fixture_.keys();
  RecordHeader header = Header();
  header.mutable_fields(1)->set_absent(true);
  const EncryptedRecord cleared = Encrypt(header);
  EXPECT_EQ(cleared.wrap_row.size(), kOneKeySize);
  EXPECT_FALSE(HasImportantKey(cleared.wrap_row));
  EXPECT_EQ(Second(cleared.wrap_row).status(), DecryptionFailed());
  auto reader = Open(*keys, cleared, cleared.wrap_row).value();
  EXPECT_EQ(reader.DecryptField(*reader.Field("name"))->view(), kValues[0]);
  EXPECT_TRUE(absl::IsNotFound(Read(reader, "account")));
}

TEST_F(KeyClassTest, TheSecondKeyIsUnwrappedForNothingElse) {
  const auto keys = fixture_.keys();
  EncryptedRecord record = Encrypt();
  record.wrap_row.back() = static_cast<char>(record.wrap_row.back() ^ 1);
  auto reader = Open(*keys, record, record.wrap_row);
  ASSERT_TRUE(reader.ok());
  EXPECT_EQ(reader->DecryptField(*reader->Field("name"))->view(), kValues[0]);
  EXPECT_EQ(Read(*reader, "account"), DecryptionFailed());
  EXPECT_EQ(Read(*reader, "account"), DecryptionFailed()) << "each time";
  EXPECT_EQ(ReWrap(record.wrap_row).status(), DecryptionFailed());
}

TEST_F(KeyClassTest, EveryDamageOfRowAndWrapIsRefused) {
  const auto keys = fixture_.keys();
  const EncryptedRecord record = Encrypt();
  const auto reads_all = [&](const std::string& row, const std::string& wrap) {
    auto reader = RecordReader::Open(*keys, kIdentity, row, wrap);
    if (!reader.ok()) {
      EXPECT_EQ(reader.status(), DecryptionFailed());
      return false;
    }
    for (size_t i = 0; i < reader->field_count(); ++i) {
      if (!reader->DecryptField(reader->FieldAt(i)).ok()) return false;
    }
    return true;
  };
  ASSERT_TRUE(reads_all(record.row, record.wrap_row));
  ForEachDamage(record.row,
                [&](const std::string& row) { EXPECT_FALSE(reads_all(row, record.wrap_row)); });
  ForEachDamage(record.wrap_row, [&](const std::string& wrap) {
    EXPECT_FALSE(reads_all(record.row, wrap));
    EXPECT_FALSE(ReWrap(wrap).ok());
  });
}

TEST_F(KeyClassTest, NoKeyIsLeftOutOrAdded) {
  const EncryptedRecord record = Encrypt();
  // The first key alone, as if it were all.
  std::string cut = record.wrap_row.substr(0, kOneKeySize);
  cut[0] = 1;
  EXPECT_EQ(WrapEpoch(cut).value(), 1u);
  EXPECT_EQ(First(cut).status(), DecryptionFailed());
  EXPECT_TRUE(Refused(record, cut));
  EXPECT_EQ(ReWrap(cut).status(), DecryptionFailed());
  // Rows that are in order, but are not of such a record.
  const SecretBytes data_key = First(record.wrap_row).value();
  const SecretBytes important_key = Second(record.wrap_row).value();
  EXPECT_FALSE(Refused(record, Wrap(data_key, &important_key)));
  EXPECT_TRUE(Refused(record, Wrap(data_key, nullptr)));
  RecordHeader plain = Header();
  plain.mutable_fields(1)->clear_important();
  const EncryptedRecord normal = Encrypt(plain);
  EXPECT_FALSE(Refused(normal, normal.wrap_row));
  const SecretBytes normal_key = First(normal.wrap_row).value();
  EXPECT_TRUE(Refused(normal, Wrap(normal_key, &important_key)));
  // One key with bytes behind it.
  EXPECT_EQ(WrapEpoch(normal.wrap_row + record.wrap_row.substr(kOneKeySize)).status(),
            DecryptionFailed());
}

TEST_F(KeyClassTest, WrapsAreNotPutTogetherFromTwo) {
  const EncryptedRecord record = Encrypt();
  const EncryptedRecord other = Encrypt();
  const auto mixed = [&](std::string_view first, std::string_view second) {
    return std::string(first.substr(0, kOneKeySize)) + std::string(second.substr(kOneKeySize));
  };
  // Of another write of this version, as a restored database and its successor have them; and of
  // the very same keys, wrapped again.
  const std::string again = ReWrap(record.wrap_row).value();
  EXPECT_TRUE(Second(again).value() == Second(record.wrap_row).value());
  for (const std::string& second : {other.wrap_row, again}) {
    const std::string row = mixed(record.wrap_row, second);
    EXPECT_TRUE(First(row).ok());
    EXPECT_EQ(Second(row).status(), DecryptionFailed());
    EXPECT_EQ(ReWrap(row).status(), DecryptionFailed());
  }
  // The two in each other's places.
  const std::string swapped = record.wrap_row.substr(0, 5) + record.wrap_row.substr(kOneKeySize) +
                              record.wrap_row.substr(5, kOneKeySize - 5);
  EXPECT_EQ(First(swapped).status(), DecryptionFailed());
  EXPECT_EQ(Second(swapped).status(), DecryptionFailed());
}

TEST_F(KeyClassTest, EachMemberOfTheSecondKeysContextCounts) {
  const std::string row = Encrypt().wrap_row;
  const auto unwrap = [&](const RecordIdentity& identity, uint64_t version) {
    return UnwrapImportantKey(*fixture_.keys(), identity.tenant, identity.subject, identity.record,
                              version, row)
        .ok();
  };
  EXPECT_TRUE(unwrap(kIdentity, kVersion));
  EXPECT_FALSE(unwrap({1, IdOf(1), kIdentity.record}, kVersion));
  EXPECT_FALSE(unwrap({1, kIdentity.subject, IdOf(1)}, kVersion));
  EXPECT_FALSE(unwrap({2, kIdentity.subject, kIdentity.record}, kVersion));
  EXPECT_FALSE(unwrap({99, kIdentity.subject, kIdentity.record}, kVersion));
  EXPECT_FALSE(unwrap(kIdentity, kVersion + 1));
}

// All keys are one here, so that the associated data alone tells the classes apart.
TEST_F(KeyClassTest, NoValueMovesBetweenClasses) {
  ConstantRandom random;
  RecordHeader plain = Header();
  plain.mutable_fields(1)->clear_important();
  const auto keys = fixture_.keys();
  const EncryptedRecord important = Encrypt(Header(), random);
  const EncryptedRecord normal = Encrypt(plain, random);
  for (const auto& [to, from] : {std::pair(important, normal), std::pair(normal, important)}) {
    RecordParts parts(to.row);
    EXPECT_EQ(parts.parts[1], RecordParts(from.row).parts[1]) << "the keys are the same";
    parts.parts[2] = RecordParts(from.row).parts[2];
    const std::string spliced = parts.Join();
    auto reader = RecordReader::Open(*keys, kIdentity, spliced, to.wrap_row).value();
    EXPECT_EQ(reader.DecryptField(*reader.Field("name"))->view(), kValues[0]);
    EXPECT_EQ(Read(reader, "account"), DecryptionFailed());
  }
  // Asked for as if it were of the other class.
  auto reader = Open(*keys, important, important.wrap_row).value();
  for (RecordField field : {*reader.Field("name"), *reader.Field("account")}) {
    const bool was_important = field.key_class == KeyClass::kImportant;
    field.key_class = KeyClassOf(!was_important);
    EXPECT_EQ(reader.DecryptField(field).status(), DecryptionFailed());
  }
  auto one_key = Open(*keys, normal, normal.wrap_row).value();
  RecordField field = *one_key.Field("account");
  field.key_class = KeyClass::kImportant;
  EXPECT_EQ(one_key.DecryptField(field).status(), DecryptionFailed());
}

TEST_F(KeyClassTest, ReWrappingMovesBothKeys) {
  const EncryptedRecord record = Encrypt();
  const SecretBytes data_key = First(record.wrap_row).value();
  const SecretBytes important_key = Second(record.wrap_row).value();
  fixture_.Rotate();
  const auto row = ReWrap(record.wrap_row);
  ASSERT_TRUE(row.ok());
  EXPECT_EQ(row->size(), kTwoKeysSize);
  EXPECT_EQ(WrapEpoch(*row).value(), 2u);
  fixture_.Destroy(1);
  EXPECT_EQ(First(record.wrap_row).status(), DecryptionFailed());
  EXPECT_EQ(Second(record.wrap_row).status(), DecryptionFailed());
  EXPECT_TRUE(First(*row).value() == data_key);
  EXPECT_TRUE(Second(*row).value() == important_key);
  const auto keys = fixture_.keys();
  auto reader = Open(*keys, record, *row).value();
  EXPECT_EQ(reader.DecryptField(*reader.Field("account"))->view(), kValues[1]);
}

}  // namespace
}  // namespace piivault::vault
