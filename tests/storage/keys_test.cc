#include "storage/keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "tests/storage/golden.h"

namespace piivault::storage {
namespace {

constexpr TenantId kTenant = 0x0102030405060708;

Id128 Ascending(uint8_t first) {
  Id128 id;
  for (auto& byte : id.bytes) byte = first++;
  return id;
}
const Id128 kSubject = Ascending(0x10);
const Id128 kRecord = Ascending(0x20);
const Id128 kToken = Ascending(0x30);
const TokenHandle kHandle = *TokenHandle::FromBytes(kToken.view().substr(0, 12));
const Id128 kOther = Ascending(0x50);
const IndexDigest kDigest = Ascending(0x40).bytes;

std::map<std::string, Key> EveryKey() {
  return {
      {"format", MetaKey("format")},
      {"tenant", StateKey(StateKind::kTenant, "tenants/default")},
      {"person", StateKey(StateKind::kPerson, "persons/sato")},
      {"principal", StateKey(StateKind::kPrincipal, "principals/sato")},
      {"policy", StateKey(StateKind::kPolicy, "p")},
      {"policy-in-force", StateKey(StateKind::kPolicyInForce, "")},
      {"proposal", StateKey(StateKind::kProposal, "p")},
      {"epoch", StateKey(StateKind::kEpoch, "1")},
      {"tenant-key", TenantKeyKey(kTenant, 5)},
      {"subject", SubjectKey(kTenant, kSubject)},
      {"subject-prefix", SubjectPrefix(kTenant)},
      {"vault", StateKey(StateKind::kVault, "")},
      {"denylist", StateKey(StateKind::kDenylist, "d")},
      {"break-glass", StateKey(StateKind::kBreakGlass, "u")},
      {"erasure", ErasureKey(kTenant, kSubject)},
      {"erasure-prefix", ErasurePrefix()},
      {"matter", MatterKey(kTenant, "consultation", "C-17")},
      {"record", RecordKey(kTenant, kSubject, kRecord)},
      {"record-prefix", RecordPrefix(kTenant)},
      {"record-prefix-subject", RecordPrefix(kTenant, kSubject)},
      {"wrap", WrapKey(kTenant, kSubject, kRecord, 9)},
      {"wrap-prefix", WrapPrefix(kTenant)},
      {"wrap-prefix-subject", WrapPrefix(kTenant, kSubject)},
      {"wrap-prefix-record", WrapPrefix(kTenant, kSubject, kRecord)},
      {"wrap-prefix-all", WrapPrefixAll()},
      {"token-handle", TokenHandleKey(kTenant, kHandle)},
      {"deterministic-token", DeterministicTokenKey(kTenant, kToken, kSubject, kRecord)},
      {"deterministic-token-prefix", DeterministicTokenPrefix(kTenant, kToken)},
      {"blind-index", BlindIndexKey(kTenant, 5, kDigest, kSubject, kRecord)},
      {"blind-index-prefix", BlindIndexPrefix(kTenant, 5, kDigest)},
      {"blind-index-prefix-epoch", BlindIndexPrefix(kTenant, 5)},
      {"type", TypeIndexKey(kTenant, "reader", kSubject, kRecord)},
      {"type-prefix", TypeIndexPrefix(kTenant, "reader")},
      {"request", RequestKey(kDigest)},
      {"request-prefix", RequestPrefix()},
      {"recipient", StateKey(StateKind::kRecipient, "default/yamato")},
      {"export-revocation", StateKey(StateKind::kExportRevocation, "r")},
      {"signing-key", StateKey(StateKind::kSigningKey, "k")},
      {"sharing-prefix", SharingPrefix(SharingKind::kNotice, kTenant)},
      {"export-token", ExportTokenKey(kTenant, kToken)},
      {"export-subjects", ExportSubjectsKey(kTenant, kToken, 7)},
      {"disclosure", DisclosureKey(kTenant, kRecord)},
      {"disclosed", DisclosedKey(kTenant, kRecord, kSubject)},
      {"disclosed-prefix", DisclosedPrefix(kTenant, kRecord)},
      {"holding", HoldingKey(kTenant, kSubject, kOther)},
      {"holding-prefix", HoldingPrefix(kTenant, kSubject)},
      {"disclosure-of-subject", DisclosureOfSubjectKey(kTenant, kSubject, 9, kRecord)},
      {"disclosure-of-subject-prefix", DisclosureOfSubjectPrefix(kTenant, kSubject)},
      {"disclosure-to-recipient", DisclosureToRecipientKey(kTenant, kOther, 9, kRecord)},
      {"disclosure-to-recipient-prefix", DisclosureToRecipientPrefix(kTenant, kOther)},
      {"notice", NoticeKey(kTenant, kOther, kToken)},
      {"notice-prefix", NoticePrefix(kTenant, kOther)},
      {"entry", EntryKey(1, 2, 3)},
      {"entry-prefix", EntryPrefix(1, 2)},
      {"term", EntryTermKey("p:principals/sato", 2, 3)},
      {"term-prefix", EntryTermPrefix("p:principals/sato", 2)},
  };
}

TEST(KeysTest, BytesAreThoseOnDisk) {
  const std::map<std::string, Key> keys = EveryKey();
  const auto golden = ReadGolden("keys.txt");
  EXPECT_EQ(golden.size(), keys.size());
  for (const auto& row : golden) {
    ASSERT_EQ(row.size(), 3u);
    const auto it = keys.find(row[0]);
    ASSERT_NE(it, keys.end()) << row[0];
    EXPECT_EQ(std::to_string(static_cast<int>(it->second.table)), row[1]) << row[0];
    EXPECT_EQ(ToHex(it->second.bytes), row[2]) << row[0];
  }
}

bool Covers(const Key& prefix, const Key& key) {
  return prefix.table == key.table && key.bytes.starts_with(prefix.bytes);
}

TEST(KeysTest, PrefixesCoverTheirRowsAndNoOthers) {
  const std::map<std::string, std::set<std::string>> covered = {
      {"subject-prefix", {"subject"}},
      {"record-prefix", {"record"}},
      {"record-prefix-subject", {"record"}},
      {"wrap-prefix", {"wrap"}},
      {"wrap-prefix-subject", {"wrap"}},
      {"wrap-prefix-record", {"wrap"}},
      {"wrap-prefix-all", {"wrap"}},
      {"deterministic-token-prefix", {"deterministic-token"}},
      {"blind-index-prefix", {"blind-index"}},
      {"blind-index-prefix-epoch", {"blind-index"}},
      {"type-prefix", {"type"}},
      {"request-prefix", {"request"}},
      {"entry-prefix", {"entry"}},
      {"term-prefix", {"term"}},
  };
  const std::map<std::string, Key> keys = EveryKey();
  for (const auto& [prefix, rows] : covered) {
    for (const auto& [name, key] : keys) {
      if (name.find("-prefix") != std::string::npos) continue;
      EXPECT_EQ(Covers(keys.at(prefix), key), rows.count(name) > 0) << prefix << " over " << name;
    }
  }
}

TEST(KeysTest, NoRowIsAPrefixOfAnother) {
  std::vector<Key> rows;
  for (const auto& [name, key] : EveryKey()) {
    if (name.find("-prefix") == std::string::npos) rows.push_back(key);
  }
  for (const char* name : {"a", "ab", "abc", "b"}) {
    rows.push_back(MetaKey(name));
    rows.push_back(StateKey(StateKind::kPerson, name));
    rows.push_back(TypeIndexKey(kTenant, name, kSubject, kRecord));
    rows.push_back(EntryTermKey(name, 0, 0));
  }
  for (size_t i = 0; i < rows.size(); ++i) {
    for (size_t j = 0; j < rows.size(); ++j) {
      if (i == j) continue;
      EXPECT_FALSE(Covers(rows[i], rows[j])) << ToHex(rows[i].bytes) << " " << ToHex(rows[j].bytes);
    }
  }
}

TEST(KeysTest, NamesDoNotRunIntoEachOther) {
  EXPECT_FALSE(
      Covers(TypeIndexPrefix(kTenant, "read"), TypeIndexKey(kTenant, "reader", kSubject, kRecord)));
  EXPECT_FALSE(Covers(EntryTermPrefix("p:sato", 0), EntryTermKey("p:satoh", 0, 0)));
  EXPECT_EQ(StateKeyName(StateKey(StateKind::kPerson, "persons/x").bytes), "persons/x");
  EXPECT_EQ(StateKeyName(StateKey(StateKind::kVault, "").bytes), "");
}

TEST(KeysTest, MatterKeysAreReadBackAndTellKindFromId) {
  const Key key = MatterKey(kTenant, "consultation", "C-17");
  const std::optional<MatterName> name = ParseMatterKey(key.bytes);
  ASSERT_TRUE(name.has_value());
  EXPECT_EQ(name->tenant, kTenant);
  EXPECT_EQ(name->kind, "consultation");
  EXPECT_EQ(name->id, "C-17");
  EXPECT_NE(MatterKey(kTenant, "ab", "c").bytes, MatterKey(kTenant, "a", "bc").bytes);
  for (size_t size = 0; size < key.bytes.size(); ++size) {
    EXPECT_FALSE(ParseMatterKey(key.bytes.substr(0, size)).has_value()) << size;
  }
  EXPECT_FALSE(ParseMatterKey(key.bytes + "x").has_value());
  EXPECT_FALSE(ParseMatterKey(StateKey(StateKind::kPerson, "somebody-with-a-name").bytes));
}

TEST(KeysTest, KeysOfATokensPeopleSayWhoseTheyAre) {
  const Key key = ExportSubjectsKey(kTenant, kToken, 0x01020304);
  const std::optional<ExportPartName> name = ParseExportSubjectsKey(key.bytes);
  ASSERT_TRUE(name.has_value());
  EXPECT_EQ(name->token, kToken);
  EXPECT_EQ(name->part, 0x01020304u);
  EXPECT_FALSE(ParseExportSubjectsKey(key.bytes + "x").has_value());
  EXPECT_FALSE(ParseExportSubjectsKey(ExportTokenKey(kTenant, kToken).bytes).has_value());
}

TEST(KeysTest, OneTenantsRowsAreNeverUnderAnothersPrefix) {
  for (const TenantId other : {kTenant + 1, kTenant << 8, kTenant >> 8, TenantId{0}}) {
    EXPECT_FALSE(Covers(RecordPrefix(kTenant), RecordKey(other, kSubject, kRecord)));
    EXPECT_FALSE(Covers(WrapPrefix(kTenant), WrapKey(other, kSubject, kRecord, 1)));
    EXPECT_FALSE(Covers(SubjectPrefix(kTenant), SubjectKey(other, kSubject)));
    EXPECT_FALSE(
        Covers(BlindIndexPrefix(kTenant, 1), BlindIndexKey(other, 1, kDigest, kSubject, kRecord)));
  }
}

TEST(KeysTest, ByteOrderIsNumericOrder) {
  const std::vector<uint64_t> numbers = {
      0,         1, 127, 128, 255, 256, 65'535, 65'536, 0xffffffff, 0x100000000, UINT64_MAX - 1,
      UINT64_MAX};
  for (size_t i = 1; i < numbers.size(); ++i) {
    const uint64_t low = numbers[i - 1];
    const uint64_t high = numbers[i];
    EXPECT_LT(EntryKey(0, 0, low).bytes, EntryKey(0, 0, high).bytes);
    EXPECT_LT(EntryKey(0, low, UINT64_MAX).bytes, EntryKey(0, high, 0).bytes);
    EXPECT_LT(EntryTermKey("t", 0, low).bytes, EntryTermKey("t", 0, high).bytes);
    EXPECT_LT(WrapKey(1, kSubject, kRecord, low).bytes, WrapKey(1, kSubject, kRecord, high).bytes);
    EXPECT_EQ(IndexSuffix(EntryKey(0, 7, high).bytes), high);
  }
}

TEST(KeysTest, TokenHandleHasOneSizeAndItsRowTheRecord) {
  EXPECT_EQ(kHandle.view(), kToken.view().substr(0, 12));
  for (size_t size : {0, 11, 13, 16}) {
    EXPECT_FALSE(TokenHandle::FromBytes(std::string(size, 'h')).has_value()) << size;
  }
  const std::string value = TokenHandleValue({kSubject, kRecord});
  EXPECT_EQ(ToHex(value), "101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f");
  ASSERT_TRUE(ParseTokenHandleValue(value).has_value());
  EXPECT_EQ(ParseTokenHandleValue(value)->subject, kSubject);
  EXPECT_EQ(ParseTokenHandleValue(value)->record, kRecord);
  for (size_t size = 0; size < value.size(); ++size) {
    EXPECT_FALSE(ParseTokenHandleValue(value.substr(0, size)).has_value()) << size;
  }
  EXPECT_FALSE(ParseTokenHandleValue(value + '\0').has_value());
}

TEST(KeysTest, LocatorComesBack) {
  for (const Key& key : {TypeIndexKey(kTenant, "reader", kSubject, kRecord),
                         BlindIndexKey(kTenant, 1, kDigest, kSubject, kRecord),
                         DeterministicTokenKey(kTenant, kToken, kSubject, kRecord),
                         RecordKey(kTenant, kSubject, kRecord)}) {
    EXPECT_EQ(LocatorSuffix(key.bytes).subject, kSubject);
    EXPECT_EQ(LocatorSuffix(key.bytes).record, kRecord);
  }
}

TEST(KeysTest, FingerprintsTellCellsApart) {
  std::set<uint64_t> seen;
  for (uint64_t i = 0; i < 20'000; ++i) {
    seen.insert(CellFingerprint(WrapKey(i, kSubject, kRecord, i / 7)));
  }
  for (int table = 0; table < kTableCount; ++table) {
    seen.insert(CellFingerprint(Key{static_cast<Table>(table), "same"}));
  }
  EXPECT_EQ(seen.size(), 20'000u + kTableCount);
  EXPECT_EQ(CellFingerprint(MetaKey("a")), CellFingerprint(MetaKey("a")));
}

}  // namespace
}  // namespace piivault::storage
