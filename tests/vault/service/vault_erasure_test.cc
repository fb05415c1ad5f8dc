// Erasure on every path, and rows that were moved or altered.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/vault/service/vault_fixture.h"
#include "vault/service/resource_name.h"

namespace piivault::vault {
namespace {

using Result = VaultFixture::Result;

std::string SubjectOf(const std::string& record) {
  return record.substr(0, record.find("/records/"));
}

Result Erase(VaultFixture& vault, const std::string& record) {
  v1::DeleteSubjectRequest request;
  request.set_name(SubjectOf(record));
  *request.mutable_usage() = UsageFor("shop");
  return vault.Call("shop", "DeleteSubject", request);
}

// No path yields anything of this person.
void ExpectGone(VaultFixture& vault, const v1::CreateRecordResponse& record,
                const std::string& email, const std::string& phone, const std::string& ref) {
  const std::string& name = record.record().name();
  EXPECT_EQ(vault.Reveal("shop", name, {"email"}).name(), "NOT_FOUND");
  EXPECT_EQ(vault.Reveal("owner", name, {"email"}).name(), "NOT_FOUND");
  EXPECT_EQ(vault.Reveal("shop", "tenants/default/records/ref:customer:" + ref, {"email"}).name(),
            "NOT_FOUND");
  const Result tokens =
      vault.Detokenize("shop", {record.tokens().at("email"), record.tokens().at("phone")});
  ASSERT_TRUE(tokens.ok()) << tokens.name();
  for (const auto& item : tokens.As<v1::DetokenizeResponse>().results()) {
    EXPECT_EQ(item.failure().reason(), "TOKEN_INVALID");
    EXPECT_FALSE(item.has_value());
  }
  EXPECT_EQ(vault.Lookup("shop", "email", email, {"email"}).name(), "NOT_FOUND");
  const Result search = vault.Search("shop", "phone", phone);
  ASSERT_TRUE(search.ok()) << search.name();
  EXPECT_EQ(search.As<v1::SearchRecordsResponse>().records_size(), 0);

  v1::GetRecordRequest get;
  get.set_name(name);
  EXPECT_EQ(vault.Call("shop", "GetRecord", get).name(), "NOT_FOUND");
  v1::GetSubjectRequest subject;
  subject.set_name(SubjectOf(name));
  EXPECT_EQ(vault.Call("shop", "GetSubject", subject).name(), "SUBJECT_ERASED");
  v1::ListRecordsRequest list;
  list.set_parent("tenants/default");
  list.set_type("customer");
  list.set_page_size(1000);
  const Result page = vault.Call("shop", "ListRecords", list);
  ASSERT_TRUE(page.ok()) << page.name();
  for (const auto& listed : page.As<v1::ListRecordsResponse>().records()) {
    EXPECT_NE(SubjectOf(listed.name()), SubjectOf(name));
  }
  v1::BatchRevealRecordsRequest batch;
  batch.set_parent("tenants/default");
  batch.add_names(name);
  batch.add_fields("email");
  *batch.mutable_usage() = UsageFor("shop");
  const Result items = vault.Call("shop", "BatchRevealRecords", batch);
  EXPECT_EQ(items.As<v1::BatchRevealRecordsResponse>().results(0).failure().reason(), "NOT_FOUND");
  v1::UpdateRecordRequest update;
  update.set_name(name);
  (*update.mutable_fields())["name"] = "X";
  *update.mutable_usage() = UsageFor("shop");
  EXPECT_EQ(vault.Call("shop", "UpdateRecord", update).name(), "NOT_FOUND");
  v1::CreateRecordRequest create = VaultFixture::NewCustomer({{"name", "X"}});
  create.mutable_record()->set_subject(SubjectOf(name));
  EXPECT_EQ(vault.Call("shop", "CreateRecord", create).name(), "SUBJECT_ERASED");

  v1::StreamRevealRecordsRequest stream;
  stream.set_parent("tenants/default");
  stream.add_fields("email");
  *stream.mutable_usage() = UsageFor("shop");
  const auto expect_not_streamed = [&] {
    for (const Result& message : vault.Stream("shop", "StreamRevealRecords", stream)) {
      ASSERT_TRUE(message.ok()) << message.name();
      for (const auto& r : message.As<v1::StreamRevealRecordsResponse>().records()) {
        EXPECT_NE(SubjectOf(r.name()), SubjectOf(name));
      }
    }
  };
  stream.mutable_names()->add_names(name);
  expect_not_streamed();
  stream.mutable_tokens()->add_tokens(record.tokens().at("email"));
  expect_not_streamed();
  stream.mutable_selector()->set_type("customer");
  expect_not_streamed();
  v1::DownloadRecordsRequest download;
  download.set_parent("tenants/default");
  download.set_type("customer");
  *download.mutable_usage() = UsageFor("owner");
  for (const Result& message : vault.Stream("owner", "DownloadRecords", download)) {
    ASSERT_TRUE(message.ok()) << message.name();
    for (const auto& r : message.As<v1::DownloadRecordsResponse>().records()) {
      EXPECT_NE(SubjectOf(r.name()), SubjectOf(name));
    }
  }
}

TEST(VaultErasureTest, SmallPersonGoesAtOnceAndOnEveryPath) {
  VaultFixture vault;
  vault.Create({{"email", "kept@example.jp"}});
  const size_t index_rows = vault.engine().Dump(storage::Table::kIndex).size();
  const v1::CreateRecordResponse record =
      vault.Create({{"email", "g@example.jp"}, {"phone", "090-1111-2222"}}, "gone");
  vault.Create({{"email", "h@example.jp"}}, "", SubjectOf(record.record().name()));
  const Result erased = Erase(vault, record.record().name());
  ASSERT_TRUE(erased.ok()) << erased.name();
  EXPECT_EQ(erased.As<v1::DeleteSubjectResponse>().records(), 2);
  EXPECT_EQ(erased.retained.items_size(), 3);
  EXPECT_EQ(vault.erasures_pending(), 0);
  EXPECT_EQ(vault.engine().Dump(storage::Table::kWrap).size(), 1u);
  EXPECT_EQ(vault.engine().Dump(storage::Table::kRecord).size(), 1u);
  EXPECT_EQ(vault.engine().Dump(storage::Table::kIndex).size(), index_rows);
  ExpectGone(vault, record, "g@example.jp", "09011112222", "gone");
  EXPECT_EQ(Erase(vault, record.record().name()).name(), "SUBJECT_ERASED");
  ErasureWorker worker = vault.NewErasureWorker();
  EXPECT_EQ(worker.Step().value(), false);
}

TEST(VaultErasureTest, LargePersonIsGoneAtOnceAndRemovedInResumableBatches) {
  VaultFixture vault;
  vault.Create({{"email", "kept@example.jp"}});
  const size_t index_rows = vault.engine().Dump(storage::Table::kIndex).size();
  const v1::CreateRecordResponse record =
      vault.Create({{"email", "g@example.jp"}, {"phone", "090-1111-2222"}}, "gone");
  v1::BatchCreateRecordsRequest batch;
  batch.set_parent("tenants/default");
  *batch.mutable_usage() = UsageFor("shop");
  for (int i = 0; i < 449; ++i) {
    *batch.add_records() = VaultFixture::NewCustomer({{"note", "n" + std::to_string(i)}}).record();
    batch.mutable_records(i)->set_subject(SubjectOf(record.record().name()));
  }
  ASSERT_TRUE(vault.Call("shop", "BatchCreateRecords", batch).ok());
  // Planned before the tombstone, which is all that the erasure changes of this record.
  v1::RevealRecordRequest reveal;
  reveal.set_name(record.record().name());
  reveal.add_fields("email");
  *reveal.mutable_usage() = UsageFor("shop");
  VaultFixture::Open early(vault, "shop", "RevealRecord", reveal);
  early.Next();
  const Result erased = Erase(vault, record.record().name());
  EXPECT_TRUE(early.Commit().conflict);
  ASSERT_TRUE(erased.ok()) << erased.name();
  EXPECT_EQ(erased.As<v1::DeleteSubjectResponse>().records(), 450);
  EXPECT_EQ(vault.erasures_pending(), 1);
  EXPECT_EQ(vault.engine().Dump(storage::Table::kWrap).size(), 451u);
  ExpectGone(vault, record, "g@example.jp", "09011112222", "gone");
  // The ref and the unique value are free although rows of them are left.
  vault.Create({{"email", "g@example.jp"}}, "gone");

  {
    ErasureWorker worker = vault.NewErasureWorker();
    EXPECT_EQ(worker.Step().value(), true);
    EXPECT_EQ(vault.engine().Dump(storage::Table::kWrap).size(), 252u);
  }
  // Another process goes on.
  ErasureWorker worker = vault.NewErasureWorker();
  int steps = 0;
  while (worker.Step().value()) ++steps;
  EXPECT_EQ(steps, 2);
  EXPECT_EQ(vault.engine().Dump(storage::Table::kWrap).size(), 2u);
  EXPECT_EQ(vault.engine().Dump(storage::Table::kRecord).size(), 2u);
  // The rows of the one kept and of the one made anew: handle, index (twice), type; and its ref.
  EXPECT_EQ(vault.engine().Dump(storage::Table::kIndex).size(), 2 * index_rows + 1);
  const auto again = vault.Lookup("shop", "email", "g@example.jp", {"email"});
  EXPECT_TRUE(again.ok()) << again.name();
}

TEST(VaultErasureTest, MovedNoteErasesNobody) {
  VaultFixture vault;
  const v1::CreateRecordResponse kept = vault.Create({{"email", "kept@example.jp"}});
  const RecordName name = *ParseRecordName(kept.record().name());
  vault.engine().Tamper(storage::ErasureKey(vault.TenantNumber("default"), name.subject), "note");
  ErasureWorker worker = vault.NewErasureWorker();
  EXPECT_EQ(worker.Step().value(), true);
  EXPECT_EQ(worker.failing(), 1u);
  EXPECT_EQ(worker.Step().value(), false);
  EXPECT_TRUE(vault.Reveal("shop", kept.record().name(), {"email"}).ok());
}

TEST(VaultErasureTest, DamagedRecordsDoNotKeepAPersonFromGoing) {
  VaultFixture vault;
  const v1::CreateRecordResponse record = vault.Create({{"email", "g@example.jp"}}, "gone");
  const auto row = vault.engine().Dump(storage::Table::kRecord).front();
  std::string damaged = row.second;
  damaged.back() = static_cast<char>(damaged.back() ^ 1);
  vault.engine().Tamper({storage::Table::kRecord, row.first}, damaged);
  EXPECT_EQ(vault.Reveal("shop", record.record().name(), {"email"}).name(), "DATA_LOSS");
  EXPECT_TRUE(Erase(vault, record.record().name()).ok());
  EXPECT_TRUE(vault.engine().Dump(storage::Table::kWrap).empty());
  EXPECT_TRUE(vault.engine().Dump(storage::Table::kRecord).empty());
  EXPECT_EQ(vault.Lookup("shop", "email", "g@example.jp", {"email"}).name(), "NOT_FOUND");
  vault.Create({{"email", "g@example.jp"}}, "gone");
}

// Two records of two persons, and one of the other tenant, whose rows are put in each other's
// place.
class VaultSwapTest : public testing::Test {
 protected:
  void SetUp() override {
    a_ = vault_.Create({{"email", "a@example.jp"}, {"phone", "090-0000-0001"}}, "ref-a");
    b_ = vault_.Create({{"email", "b@example.jp"}, {"phone", "090-0000-0002"}}, "ref-b");
    v1::CreateRecordRequest request =
        VaultFixture::NewCustomer({{"email", "c@example.jp"}, {"phone", "090-0000-0003"}}, "ref-c");
    request.set_parent("tenants/other");
    const Result made = vault_.Call("other-shop", "CreateRecord", request);
    ASSERT_TRUE(made.ok()) << made.name();
    c_ = made.As<v1::CreateRecordResponse>();
  }

  std::string Value(const storage::Key& key) { return vault_.engine().Get(key).value(); }
  void Move(const storage::Key& from, const storage::Key& to) {
    vault_.engine().Tamper(to, Value(from));
  }
  storage::TenantId TenantOf(const v1::CreateRecordResponse& record) {
    return vault_.TenantNumber(std::string(ParseRecordName(record.record().name())->tenant));
  }
  storage::Key Row(const v1::CreateRecordResponse& record) {
    const RecordName name = *ParseRecordName(record.record().name());
    return storage::RecordKey(TenantOf(record), name.subject, name.record);
  }
  storage::Key Wrap(const v1::CreateRecordResponse& record) {
    const RecordName name = *ParseRecordName(record.record().name());
    return storage::WrapKey(TenantOf(record), name.subject, name.record, 1);
  }
  storage::Key Subject(const v1::CreateRecordResponse& record) {
    const RecordName name = *ParseRecordName(record.record().name());
    return storage::SubjectKey(TenantOf(record), name.subject);
  }
  std::string RevealB() {
    return std::string(vault_.Reveal("shop", b_.record().name(), {"email"}).name());
  }

  VaultFixture vault_;
  v1::CreateRecordResponse a_, b_, c_;
};

TEST_F(VaultSwapTest, RecordWrapAndPersonRows) {
  for (const v1::CreateRecordResponse* source : {&a_, &c_}) {
    const std::string row = Value(Row(b_));
    const std::string wrap = Value(Wrap(b_));
    const std::string subject = Value(Subject(b_));
    Move(Row(*source), Row(b_));
    EXPECT_EQ(RevealB(), "DATA_LOSS");
    Move(Wrap(*source), Wrap(b_));
    EXPECT_EQ(RevealB(), "DATA_LOSS");
    Move(Subject(*source), Subject(b_));
    EXPECT_EQ(RevealB(), "DATA_LOSS");
    vault_.engine().Tamper(Row(b_), row);
    EXPECT_EQ(RevealB(), "DATA_LOSS");
    vault_.engine().Tamper(Wrap(b_), wrap);
    EXPECT_EQ(RevealB(), "DATA_LOSS");
    vault_.engine().Tamper(Subject(b_), subject);
    EXPECT_EQ(RevealB(), "OK");
  }
  vault_.engine().Tamper(Wrap(b_), std::nullopt);
  EXPECT_EQ(RevealB(), "DATA_LOSS");
}

TEST_F(VaultSwapTest, OlderVersions) {
  const std::string old_row = Value(Row(b_));
  const std::string old_wrap = Value(Wrap(b_));
  v1::UpdateRecordRequest update;
  update.set_name(b_.record().name());
  (*update.mutable_fields())["email"] = "b2@example.jp";
  *update.mutable_usage() = UsageFor("shop");
  ASSERT_TRUE(vault_.Call("shop", "UpdateRecord", update).ok());
  // The row of version 1 comes back; its wrap is gone for good.
  vault_.engine().Tamper(Row(b_), old_row);
  EXPECT_EQ(RevealB(), "DATA_LOSS");
  const RecordName name = *ParseRecordName(b_.record().name());
  vault_.engine().Tamper(storage::WrapKey(TenantOf(b_), name.subject, name.record, 2), old_wrap);
  EXPECT_EQ(RevealB(), "DATA_LOSS");
}

TEST_F(VaultSwapTest, DeterministicTokenRows) {
  const storage::TenantId tenant = TenantOf(a_);
  const storage::Id128 phone_a = *storage::Id128::FromText(a_.tokens().at("phone").substr(4));
  const RecordName b = *ParseRecordName(b_.record().name());
  const RecordName a = *ParseRecordName(a_.record().name());
  vault_.engine().Tamper(storage::DeterministicTokenKey(tenant, phone_a, a.subject, a.record),
                         std::nullopt);
  vault_.engine().Tamper(storage::DeterministicTokenKey(tenant, phone_a, b.subject, b.record), "");
  const Result result = vault_.Detokenize("shop", {a_.tokens().at("phone")});
  EXPECT_EQ(result.As<v1::DetokenizeResponse>().results(0).failure().reason(), "DATA_LOSS");
}

TEST_F(VaultSwapTest, IndexRows) {
  // Every index row of record a, made to point to record b.
  const RecordName a = *ParseRecordName(a_.record().name());
  const RecordName b = *ParseRecordName(b_.record().name());
  const std::string from = std::string(a.subject.view()) + std::string(a.record.view());
  const std::string to = std::string(b.subject.view()) + std::string(b.record.view());
  for (const auto& [key, value] : vault_.engine().Dump(storage::Table::kIndex)) {
    const size_t at = key.rfind(from);
    if (at == std::string::npos) continue;
    vault_.engine().Tamper({storage::Table::kIndex, key}, std::nullopt);
    vault_.engine().Tamper({storage::Table::kIndex, key.substr(0, at) + to}, value);
  }
  EXPECT_EQ(vault_.Lookup("shop", "email", "a@example.jp", {"email"}).name(), "DATA_LOSS");
  EXPECT_EQ(vault_.Search("shop", "phone", "090-0000-0001").name(), "DATA_LOSS");
  EXPECT_EQ(vault_.Reveal("shop", "tenants/default/records/ref:customer:ref-a", {"email"}).name(),
            "DATA_LOSS");
  EXPECT_EQ(vault_.Lookup("shop", "email", "b@example.jp", {"email"}).name(), "OK");
}

TEST(VaultRotationTest, FindsAndKeepsUniqueAcrossEpochs) {
  VaultFixture vault;
  const v1::CreateRecordResponse old = vault.Create({{"email", "a@example.jp"}}, "ref-a");
  // A second epoch, not re-indexed yet.
  vault.Rotate();
  EXPECT_EQ(vault.Lookup("shop", "email", "a@example.jp", {"email"}).name(), "OK");
  EXPECT_EQ(vault.Reveal("shop", "tenants/default/records/ref:customer:ref-a", {"email"}).name(),
            "OK");
  EXPECT_EQ(
      vault.Call("shop", "CreateRecord", VaultFixture::NewCustomer({{"email", "A@example.jp"}}))
          .name(),
      "ALREADY_EXISTS");
  EXPECT_EQ(vault
                .Call("shop", "CreateRecord",
                      VaultFixture::NewCustomer({{"email", "b@example.jp"}}, "ref-a"))
                .name(),
            "ALREADY_EXISTS");
  EXPECT_TRUE(vault.Detokenize("shop", {old.tokens().at("email")}).ok());
  vault.Create({{"email", "c@example.jp"}}, "ref-c");
  vault.ReWrapAll();
  for (const char* email : {"a@example.jp", "c@example.jp"}) {
    EXPECT_EQ(vault.Lookup("shop", "email", email, {"email"}).name(), "OK");
  }
  EXPECT_EQ(vault.Reveal("shop", "tenants/default/records/ref:customer:ref-a", {"email"}).name(),
            "OK");
}

TEST(VaultRotationTest, DeletionReachesTheOldEpoch) {
  VaultFixture vault;
  const v1::CreateRecordResponse old = vault.Create({{"email", "a@example.jp"}}, "ref-a");
  vault.Rotate();
  // A record that was indexed under the old epoch leaves no row of it behind.
  const size_t index_rows = vault.engine().Dump(storage::Table::kIndex).size();
  v1::DeleteRecordRequest remove;
  remove.set_name(old.record().name());
  *remove.mutable_usage() = UsageFor("shop");
  ASSERT_TRUE(vault.Call("shop", "DeleteRecord", remove).ok());
  EXPECT_EQ(index_rows, 5u);
  EXPECT_TRUE(vault.engine().Dump(storage::Table::kIndex).empty());
}

}  // namespace
}  // namespace piivault::vault
