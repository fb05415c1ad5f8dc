// The stored formats, byte by byte: what an earlier version wrote must open, and what this version
// writes must be what an earlier one opens. tests/vectors/stored_formats.txt holds `name hex`
// lines, made with FixedRandom; PIIVAULT_WRITE_VECTORS=1 writes them anew, which is right only
// together with a new format number.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <string>

#include "absl/strings/escaping.h"
#include "piivault/storage/v1/record.pb.h"
#include "tests/vault/keys/key_fixture.h"
#include "vault/keys/blind_index.h"
#include "vault/keys/page_token.h"
#include "vault/keys/record_codec.h"
#include "vault/keys/sealed_row.h"
#include "vault/keys/tokens.h"

namespace piivault::vault {
namespace {

using storage::v1::RecordHeader;

constexpr std::string_view kFile = PIIVAULT_SOURCE_DIR "/tests/vectors/stored_formats.txt";

const RecordIdentity kIdentity = {KeyFixture::kTenant, IdOf(0x51), IdOf(0x72)};
const storage::Key kRowKey = {storage::Table::kState, "\x09key"};
const PageTokenBinding kBinding = {"principals/sato", "piivault.v1.VaultService/ListRecords",
                                   Sha256("request")};

using Vectors = std::map<std::string, std::string>;

template <typename Bytes>
std::string Text(const Bytes& bytes) {
  return {bytes.begin(), bytes.end()};
}

RecordHeader Header() {
  RecordHeader header;
  header.set_type("reader");
  header.set_record_ref(std::string(IdOf(0x5f).view()));
  header.set_ref("17");
  header.set_notice("notice-2");
  header.mutable_provenance()->set_channel("web_form");
  header.mutable_provenance()->set_collected_micros(1'700'000'000'000'000);
  header.mutable_provenance()->set_front_hop_tls(storage::v1::FRONT_HOP_TLS_YES);
  header.set_controller("example");
  header.set_created_micros(1'700'000'000'000'001);
  header.set_updated_micros(1'700'000'000'000'002);
  auto* email = header.add_fields();
  email->set_name("email");
  email->set_token(std::string(IdOf(0x70).view()));
  email->set_token_kind(storage::v1::TOKEN_KIND_RANDOM);
  email->set_flagged(true);
  auto* phone = header.add_fields();
  phone->set_name("phone");
  phone->set_absent(true);
  header.add_fields()->set_name("note");
  return header;
}

RecordHeader ImportantHeader() {
  RecordHeader header;
  header.set_type("payee");
  header.set_record_ref(std::string(IdOf(0x60).view()));
  header.add_fields()->set_name("name");
  header.add_fields()->set_name("account");
  header.mutable_fields(1)->set_important(true);
  return header;
}

RecordHeader EarlierHeader() {
  RecordHeader header;
  header.set_type("payee");
  header.set_record_ref(std::string(IdOf(0x61).view()));
  auto* name = header.add_fields();
  name->set_name("name");
  name->set_since_version(5);
  name->set_since_micros(1'700'000'000'000'003);
  header.add_fields()->set_name("account");
  for (const char* field : {"name", "account"}) {
    auto* earlier = header.add_earlier();
    earlier->set_name(field);
    earlier->set_flagged(true);
    earlier->set_important(field == std::string_view("account"));
    earlier->set_first_version(2);
    earlier->set_last_version(4);
    earlier->set_set_micros(1'700'000'000'000'001);
    earlier->set_replaced_micros(1'700'000'000'000'002);
    earlier->set_replaced_by("sato");
  }
  return header;
}

RandomTokenName TokenName() {
  return {*storage::TokenHandle::FromBytes(IdOf(0x8a).view().substr(0, 12)), 299};
}

Vectors Make() {
  KeyFixture fixture("golden", IdOf(0xaa));
  EXPECT_TRUE(
      fixture.keyring()
          .AddSlot({SlotKind::kCredential, SecretBytes::CopyOf("a credential file")}, {}, kTestTime)
          .ok());
  Vectors vectors;
  vectors["keyring"] = ReadKeyFile(fixture.paths().primary).value();
  FixedRandom tenant_random("golden rows");
  vectors["tenant_key_row"] =
      fixture.hierarchy().MakeTenantKey(KeyFixture::kTenant, 1, tenant_random)->row;
  // The rows below are under the key in that row.
  EXPECT_TRUE(fixture.hierarchy()
                  .InstallTenantKeys({{KeyFixture::kTenant, 1, vectors["tenant_key_row"]}})
                  .ok());
  const auto keys = fixture.keys();
  // As it was behind the first format of tenant keys, so that vectors did not change with that one.
  FixedRandom random("golden rows");
  random.Bytes(64 + XaesKey::kNonceSize);
  vectors["sealed_row"] = SealRow(*keys, random, kRowKey, 5, Header());
  const EncryptedRecord record =
      EncryptRecordOf(*keys, random, kIdentity, 3, Header(), {"hanako@example.jp", "", "a note"})
          .value();
  vectors["record_row"] = record.row;
  vectors["wrap_row"] = record.wrap_row;
  const TenantKeys& under = *keys->ActiveTenant(KeyFixture::kTenant);
  vectors["blind_index"] =
      Text(BlindIndexDigest(under, 1, "reader.email", "hanako@example.jp", KeyClass::kNormal));
  vectors["ref_index"] = Text(RefIndexDigest(under, "reader", "17"));
  vectors["deterministic_token"] =
      Text(DeterministicToken(under, "svc", "reader.email", "hanako@example.jp", KeyClass::kNormal)
               .bytes);
  vectors["random_token"] = Text(RandomTokenOf(under, TokenName()).bytes);
  vectors["page_token"] =
      SealPageToken(*keys, random, kBinding, "cursor", kTestTime + absl::Hours(1));
  vectors["recovery_key"] = FormatRecoveryKey(NewRecoveryKey(random)).view();
  const EncryptedRecord two_keys =
      EncryptRecordOf(*keys, random, kIdentity, 4, ImportantHeader(), {"Hanako Yamada", "0123456"})
          .value();
  vectors["important_record_row"] = two_keys.row;
  vectors["important_wrap_row"] = two_keys.wrap_row;
  vectors["important_blind_index"] =
      Text(BlindIndexDigest(under, 1, "payee.account", "0123456", KeyClass::kImportant));
  vectors["important_deterministic_token"] = Text(
      DeterministicToken(under, "svc", "payee.account", "0123456", KeyClass::kImportant).bytes);
  RecordHeader with_earlier = EarlierHeader();
  const EncryptedRecord earlier =
      EncryptRecord(*keys, random, kIdentity, 5, &with_earlier, {"Hanako Sato", "6543210"},
                    {"Hanako Yamada", "0123456"})
          .value();
  vectors["earlier_record_row"] = earlier.row;
  vectors["earlier_wrap_row"] = earlier.wrap_row;
  return vectors;
}

Vectors Load() {
  Vectors vectors;
  std::ifstream in{std::string(kFile)};
  std::string name, hex;
  while (in >> name >> hex) vectors[name] = absl::HexStringToBytes(hex);
  return vectors;
}

TEST(GoldenTest, TheSameBytesAreWritten) {
  const Vectors made = Make();
  if (std::getenv("PIIVAULT_WRITE_VECTORS") != nullptr) {
    std::ofstream out{std::string(kFile)};
    for (const auto& [name, bytes] : made) {
      out << name << " " << absl::BytesToHexString(bytes) << "\n";
    }
  }
  const Vectors stored = Load();
  ASSERT_FALSE(stored.empty());
  for (const auto& [name, bytes] : made) {
    ASSERT_TRUE(stored.contains(name)) << name;
    EXPECT_EQ(absl::BytesToHexString(bytes), absl::BytesToHexString(stored.at(name))) << name;
  }
  EXPECT_EQ(made.size(), stored.size());
}

// From the stored bytes and a passphrase alone.
TEST(GoldenTest, StoredBytesOpen) {
  Vectors stored = Load();
  TemporaryFolder folder;
  const KeyringPaths paths = {folder.File("keyring"), {}};
  ASSERT_TRUE(ReplaceKeyFile(paths.primary, stored["keyring"]).ok());
  for (const SlotKind kind : {SlotKind::kPassphrase, SlotKind::kCredential}) {
    const SlotSecret secret = kind == SlotKind::kPassphrase
                                  ? TestPassphrase()
                                  : SlotSecret{kind, SecretBytes::CopyOf("a credential file")};
    auto keyring = Keyring::Open(paths, secret, {}, SystemRandom(), nullptr);
    ASSERT_TRUE(keyring.ok()) << keyring.status();
    auto hierarchy = KeyHierarchy::FromKeyring(**keyring, 1).value();
    ASSERT_TRUE(
        hierarchy->InstallTenantKeys({{KeyFixture::kTenant, 1, stored["tenant_key_row"]}}).ok());
    const auto keys = hierarchy->Current();

    const auto row = OpenRow<RecordHeader>(*keys, kRowKey, stored["sealed_row"]);
    ASSERT_TRUE(row.ok());
    EXPECT_EQ(row->version, 5u);
    EXPECT_EQ(row->message.SerializeAsString(), Header().SerializeAsString());

    auto reader =
        RecordReader::Open(*keys, kIdentity, stored["record_row"], stored["wrap_row"]).value();
    EXPECT_EQ(reader.version(), 3u);
    EXPECT_EQ(reader.header().notice(), "notice-2");
    EXPECT_EQ(reader.DecryptField(*reader.FindField("email"))->view(), "hanako@example.jp");
    EXPECT_EQ(reader.DecryptField(*reader.FindField("note"))->view(), "a note");

    auto two_keys = RecordReader::Open(*keys, kIdentity, stored["important_record_row"],
                                       stored["important_wrap_row"])
                        .value();
    EXPECT_EQ(two_keys.version(), 4u);
    EXPECT_EQ(two_keys.DecryptField(*two_keys.FindField("name"))->view(), "Hanako Yamada");
    EXPECT_EQ(two_keys.DecryptField(*two_keys.FindField("account"))->view(), "0123456");

    auto earlier = RecordReader::Open(*keys, kIdentity, stored["earlier_record_row"],
                                      stored["earlier_wrap_row"])
                       .value();
    EXPECT_EQ(earlier.DecryptField(*earlier.FindField("name"))->view(), "Hanako Sato");
    ASSERT_EQ(earlier.header().earlier_size(), 2);
    EXPECT_EQ(earlier.DecryptEarlier(earlier.header().earlier(0))->view(), "Hanako Yamada");
    EXPECT_EQ(earlier.DecryptEarlier(earlier.header().earlier(1))->view(), "0123456");
    EXPECT_EQ(earlier.header().earlier(1).replaced_by(), "sato");

    const TenantKeys& under = *keys->ActiveTenant(KeyFixture::kTenant);
    const auto token = storage::Id128::FromBytes(stored["random_token"]);
    ASSERT_TRUE(token.has_value());
    EXPECT_EQ(NameOfRandomToken(under, *token), TokenName());
    EXPECT_EQ(OpenPageToken(*keys, kBinding, stored["page_token"], kTestTime).value(), "cursor");
  }
  EXPECT_TRUE(ParseRecoveryKey(stored["recovery_key"]).ok());
}

}  // namespace
}  // namespace piivault::vault
