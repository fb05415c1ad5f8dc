// Rows that were planted or damaged stop no list, and are reported.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "tests/vault/service/vault_damage_fixture.h"
#include "vault/records/damage.h"

namespace piivault::vault {
namespace {

using Result = VaultFixture::Result;

class StrayRowTest : public VaultDamageTest {
 protected:
  StrayRowTest() {
    for (int i = 0; i < 5; ++i) {
      made_.insert(vault_.Create({{"email", std::to_string(i) + "@example.jp"}}).record().name());
    }
  }

  void Plant(const storage::Id128& subject, const storage::Id128& record) {
    vault_.engine().Tamper(storage::TypeIndexKey(Tenant(), "customer", subject, record), "");
  }

  // All pages of the type; each record is in one of them.
  std::multiset<std::string> Listed() {
    std::multiset<std::string> seen;
    v1::ListRecordsRequest request;
    request.set_parent("tenants/default");
    request.set_type("customer");
    request.set_page_size(2);
    int pages = 0;
    do {
      const Result page = vault_.Call("shop", "ListRecords", request);
      EXPECT_TRUE(page.ok()) << page.name();
      if (!page.ok()) break;
      const auto& response = page.As<v1::ListRecordsResponse>();
      for (const auto& record : response.records()) seen.insert(record.name());
      request.set_page_token(response.next_page_token());
      // Every page but the last is full, as if nothing had been passed over.
      if (!request.page_token().empty()) {
        EXPECT_EQ(response.records_size(), 2);
      }
    } while (!request.page_token().empty() && ++pages < 20);
    return seen;
  }

  template <typename Response, typename Request>
  std::multiset<std::string> Streamed(const std::string& who, const std::string& method,
                                      const Request& request) {
    std::multiset<std::string> seen;
    for (const Result& message : vault_.Stream(who, method, request)) {
      EXPECT_TRUE(message.ok()) << message.name();
      if (!message.ok()) break;
      for (const auto& record : message.template As<Response>().records()) {
        seen.insert(record.name());
      }
    }
    return seen;
  }

  void ExpectAllLists() {
    const std::multiset<std::string> all(made_.begin(), made_.end());
    ASSERT_EQ(Listed(), all);
    v1::StreamRevealRecordsRequest stream;
    stream.set_parent("tenants/default");
    stream.add_fields("email");
    *stream.mutable_usage() = UsageFor("shop");
    stream.mutable_selector()->set_type("customer");
    EXPECT_EQ(Streamed<v1::StreamRevealRecordsResponse>("shop", "StreamRevealRecords", stream),
              all);
    v1::DownloadRecordsRequest download;
    download.set_parent("tenants/default");
    download.set_type("customer");
    *download.mutable_usage() = UsageFor("owner");
    EXPECT_EQ(Streamed<v1::DownloadRecordsResponse>("owner", "DownloadRecords", download), all);
  }

  std::set<std::string> made_;
};

TEST_F(StrayRowTest, PlantedRowsAreInNoListAndStopNone) {
  const RecordName known = *ParseRecordName(*made_.begin());
  Plant(IdOf(0), IdOf(0));
  Plant(IdOf(0xff), IdOf(0xff));
  Plant(known.subject, IdOf(9));  // a person who is there, a record that is not
  v1::CreateRecordRequest mail;
  mail.set_parent("tenants/default");
  mail.mutable_record()->set_type("mail");
  (*mail.mutable_record()->mutable_fields())["body"] = "Dear all";
  *mail.mutable_usage() = UsageFor("shop");
  const Result other_type = vault_.Call("shop", "CreateRecord", mail);
  ASSERT_TRUE(other_type.ok()) << other_type.name();
  const RecordName letter =
      *ParseRecordName(other_type.As<v1::CreateRecordResponse>().record().name());
  Plant(letter.subject, letter.record);
  v1::CreateRecordRequest create = VaultFixture::NewCustomer({{"email", "x@example.jp"}});
  create.set_parent("tenants/other");
  const Result other_tenant = vault_.Call("other-shop", "CreateRecord", create);
  ASSERT_TRUE(other_tenant.ok()) << other_tenant.name();
  const RecordName stranger =
      *ParseRecordName(other_tenant.As<v1::CreateRecordResponse>().record().name());
  Plant(stranger.subject, stranger.record);
  ExpectAllLists();
  // Three lists came upon five rows each; a page looks again at what the one before saw last.
  EXPECT_GE(vault_.stray_rows, 15);
}

TEST_F(StrayRowTest, KeysOfAnotherLengthAreNoPlaceToGoOnFrom) {
  const storage::Key prefix = storage::TypeIndexPrefix(Tenant(), "customer");
  std::vector<std::string> rests = {"", "\xff\xff", std::string(31, '\0'), std::string(33, '\x40')};
  // More than one look takes, behind the place that a key without ids would be.
  for (int i = 0; i < 1000; ++i) {
    rests.push_back({'\0', '\0', '\1', static_cast<char>(i / 256), static_cast<char>(i % 256)});
  }
  for (const std::string& rest : rests) {
    vault_.engine().Tamper({storage::Table::kIndex, prefix.bytes + rest}, "");
  }
  ExpectAllLists();
}

TEST_F(StrayRowTest, ARecordThatIsDamagedIsAnError) {
  const std::string name = *made_.begin();
  for (const storage::Key& key : {RowOf(name), WrapOf(name), SubjectRowOf(name)}) {
    Garble(key);
    v1::ListRecordsRequest request;
    request.set_parent("tenants/default");
    request.set_type("customer");
    EXPECT_EQ(vault_.Call("shop", "ListRecords", request).name(), "DATA_LOSS");
    v1::BatchRevealRecordsRequest batch;
    batch.set_parent("tenants/default");
    for (const std::string& each : made_) batch.add_names(each);
    batch.add_fields("email");
    *batch.mutable_usage() = UsageFor("shop");
    const Result result = vault_.Call("shop", "BatchRevealRecords", batch);
    ASSERT_TRUE(result.ok()) << result.name();
    const auto& items = result.As<v1::BatchRevealRecordsResponse>().results();
    EXPECT_EQ(items[0].failure().reason(), "DATA_LOSS");
    for (int i = 1; i < items.size(); ++i) EXPECT_TRUE(items[i].has_record()) << i;
    PutBack();
  }
}

TEST(RowNameTest, HasIdsAndNoTokens) {
  const storage::Id128 id = IdOf(1);
  const std::string record = "subjects/" + id.ToText() + "/records/" + id.ToText();
  EXPECT_EQ(RowName(storage::WrapKey(1, id, id, 3)), "wrap of " + record);
  EXPECT_EQ(RowName(storage::RecordKey(1, id, id)), "row of " + record);
  EXPECT_EQ(RowName(storage::SubjectKey(1, id)), "row of subjects/" + id.ToText());
  EXPECT_EQ(RowName(storage::ErasureKey(1, id)), "erasure of subjects/" + id.ToText());
  for (const storage::Key& key :
       {storage::TokenHandleKey(1, *storage::TokenHandle::FromBytes(id.view().substr(4))),
        storage::DeterministicTokenKey(1, id, id, id),
        storage::StateKey(storage::StateKind::kPerson, "sato"),
        storage::Key{storage::Table::kWrap, "short"}, storage::Key{storage::Table::kState, ""}}) {
    const std::string name = RowName(key);
    EXPECT_THAT(name, testing::HasSubstr("SHA-256")) << name;
    EXPECT_THAT(name, testing::Not(testing::HasSubstr(id.ToText())));
    EXPECT_THAT(name, testing::Not(testing::HasSubstr("sato")));
  }
}

}  // namespace
}  // namespace piivault::vault
