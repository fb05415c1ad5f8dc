#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "authz/policy.h"
#include "storage/commit_and_wait.h"
#include "tests/fakes/memory_engine.h"
#include "tests/vault/keys/key_fixture.h"
#include "vault/keys/data_key_wrap.h"
#include "vault/keys/tokens.h"
#include "vault/records/record_finder.h"
#include "vault/records/record_loader.h"
#include "vault/records/record_writer.h"
#include "vault/records/tenant_scope.h"

namespace piivault::vault {
namespace {

constexpr std::string_view kPolicy = R"(policy: test
timezone: Asia/Tokyo
types:
  customer:
    fields:
      email: {type: email_address, unique: true, index: domain}
      phone: {type: phone_number, index: true, token: deterministic, audience: crm}
      note: free_text
  payee:
    fields:
      name: person_name
      account: {type: bank_account_number, unique: true, token: deterministic, audience: crm, key_class: important}
purposes: {order: {label: {en: Orders}}}
roles: {shop: {kind: service}}
grants:
  - {id: w, role: shop, may: [create], fields: [customer.*], for: [order]}
)";

class RecordsTest : public testing::Test {
 protected:
  RecordsTest() : rules_(ValueRules::Create().value()), unique_(fixture_.random()) {
    authz::PolicyText text;
    text.yaml = kPolicy;
    policy_ = authz::Policy::Load(text).value();
    indexes_ = indexes_.Under(*policy_, [](std::string_view) { return true; });
  }
  ~RecordsTest() override { engine_.Shutdown(); }

  const authz::FieldSpec& Field(std::string_view full_name) {
    return policy_->field(policy_->FindField(full_name));
  }
  TenantScope Scope(const KeySnapshot& keys, storage::TenantId tenant = KeyFixture::kTenant) {
    return TenantScope::Create(tenant, keys, indexes_).value();
  }
  std::vector<FieldTerm> Terms(std::string_view field, std::string_view value,
                               KeyClass key_class = KeyClass::kNormal) {
    return IndexTerms(*rules_, field, indexes_.Find(field), value, key_class);
  }
  RecordDraft Draft(std::string_view email) {
    RecordDraft draft;
    draft.type = &policy_->type(0);
    draft.fields = {{&Field("customer.email"), email, false},
                    {&Field("customer.note"), "a note", false}};
    return draft;
  }
  RecordWriter::Deps Deps() { return {engine_, *rules_, unique_, fixture_.random()}; }
  // Under the tenant's keys of that class, where the account's index row would be.
  storage::Key IndexOf(const WriteResult& stored, std::string_view account, KeyClass key_class) {
    const auto keys = fixture_.keys();
    const TenantKeys& under = *keys->ActiveTenant(KeyFixture::kTenant);
    const storage::IndexDigest digest =
        Terms("payee.account", account, key_class).front().Digest(under);
    return storage::BlindIndexKey(KeyFixture::kTenant, under.epoch, digest, stored.identity.subject,
                                  stored.identity.record);
  }
  bool Commit(uint64_t as_of, ChangeSet changes) {
    auto commit = std::make_unique<storage::Commit>();
    commit->as_of = as_of;
    commit->decided_at = absl::Now();
    commit->reads = std::move(changes.reads);
    commit->touches = std::move(changes.touches);
    commit->writes = std::move(changes.writes);
    return storage::CommitOrError(engine_, std::move(commit)).ok();
  }
  WriteResult Store(std::string_view email) { return Store(Draft(email)); }
  WriteResult StorePayee(std::string_view account) {
    RecordDraft draft;
    draft.type = &policy_->type(1);
    draft.fields = {{&Field("payee.name"), "Hanako", false},
                    {&Field("payee.account"), account, false}};
    return Store(draft);
  }
  WriteResult Store(const RecordDraft& draft) {
    const auto keys = fixture_.keys();
    const TenantScope scope = Scope(*keys);
    ChangeSet changes;
    const uint64_t as_of = engine_.AppliedSequence();
    RecordWriter writer(Deps(), scope, *policy_, kTestTime, &changes);
    WriteResult result = writer.Create(draft).value();
    writer.Finish();
    EXPECT_TRUE(result.ok());
    EXPECT_TRUE(Commit(as_of, std::move(changes)));
    return result;
  }

  KeyFixture fixture_;
  fakes::MemoryEngine engine_;
  std::unique_ptr<ValueRules> rules_;
  UniqueCells unique_;
  std::shared_ptr<const authz::Policy> policy_;
  TenantIndexes indexes_;
};

TEST_F(RecordsTest, UniqueCellsTellTenantFieldAndValueApart) {
  const auto term = [&](std::string_view field, std::string_view value) {
    return std::move(Terms(field, value).front());
  };
  const uint64_t cell = unique_.Value(1, term("customer.email", "a@example.jp"));
  EXPECT_EQ(cell, unique_.Value(1, term("customer.email", "Ａ@EXAMPLE.jp")));
  EXPECT_NE(cell, unique_.Value(2, term("customer.email", "a@example.jp")));
  EXPECT_NE(cell, unique_.Value(1, term("customer.email", "b@example.jp")));
  EXPECT_NE(cell, unique_.Value(1, term("customer.phone", "a@example.jp")));
  EXPECT_NE(unique_.Ref(1, "ab", "c"), unique_.Ref(1, "a", "bc"));
  // Says nothing outside of this process.
  EXPECT_NE(cell, UniqueCells(fixture_.random()).Value(1, term("customer.email", "a@example.jp")));
}

TEST_F(RecordsTest, TermsAreOfValueAndDomain) {
  const std::vector<FieldTerm> terms = Terms("customer.email", "a@Example.jp");
  ASSERT_EQ(terms.size(), 2u);
  EXPECT_EQ(terms[0].index, "customer.email");
  EXPECT_EQ(terms[1].index, "customer.email@domain");
  EXPECT_EQ(terms[1].normalised.view(), "example.jp");
  EXPECT_TRUE(Terms("customer.note", "x").empty());
  const auto keys = fixture_.keys();
  const TenantScope scope = Scope(*keys);
  const TenantScope other = Scope(*keys, KeyFixture::kOtherTenant);
  EXPECT_NE(terms[0].Digest(scope.active()), terms[1].Digest(scope.active()));
  EXPECT_NE(terms[0].Digest(scope.active()), terms[0].Digest(other.active()));
  // An index that the policy has dropped since is removed all the same.
  FieldIndex dropped = *indexes_.Find("customer.email");
  dropped.Want({});
  EXPECT_TRUE(
      IndexTerms(*rules_, "customer.email", &dropped, "a@example.jp", KeyClass::kNormal).empty());
  EXPECT_EQ(
      RemovalTerms(*rules_, "customer.email", &dropped, "a@example.jp", KeyClass::kNormal).size(),
      2u);
}

TEST_F(RecordsTest, ScopeProbesOldEpochsFirst) {
  fixture_.Rotate();
  fixture_.Rotate();
  const auto keys = fixture_.keys();
  const TenantScope scope = Scope(*keys);
  std::vector<uint32_t> epochs;
  for (const TenantKeys* tenant : scope.indexed()) epochs.push_back(tenant->epoch);
  EXPECT_THAT(epochs, testing::ElementsAre(1, 2, 3));
  EXPECT_TRUE(absl::IsUnavailable(TenantScope::Create(99, *keys, indexes_).status()));
}

TEST_F(RecordsTest, StaleKeysMakeAConflictAndNotALoss) {
  const WriteResult stored = Store("a@example.jp");
  const auto old_keys = fixture_.keys();
  const uint64_t as_of = engine_.AppliedSequence();
  // Meanwhile another epoch comes and takes the wrap over.
  fixture_.Rotate();
  const auto new_keys = fixture_.keys();
  const storage::RecordLocator at{stored.identity.subject, stored.identity.record};
  const storage::Key wrap = storage::WrapKey(KeyFixture::kTenant, at.subject, at.record, 1);
  ChangeSet rewrap;
  rewrap.Put(wrap, ReWrapDataKey(*new_keys, fixture_.random(), KeyFixture::kTenant, at.subject,
                                 at.record, 1, engine_.Get(wrap).value())
                       .value());
  ASSERT_TRUE(Commit(as_of, std::move(rewrap)));

  ChangeSet changes;
  const TenantScope scope = Scope(*old_keys);
  const LoadResult loaded = LoadRecord(engine_, scope, at, &changes).value();
  EXPECT_EQ(loaded.reason, authz::Reason::kDataLoss);
  EXPECT_FALSE(Commit(as_of, std::move(changes)));
  // Decided anew it is there.
  ChangeSet again;
  const TenantScope fresh = Scope(*new_keys);
  EXPECT_TRUE(LoadRecord(engine_, fresh, at, &again).value().ok());
}

TEST_F(RecordsTest, PlansOfOneMomentConflictAcrossEpochs) {
  const uint64_t as_of = engine_.AppliedSequence();
  const auto old_keys = fixture_.keys();
  fixture_.Rotate();
  const auto new_keys = fixture_.keys();
  std::vector<ChangeSet> plans;
  for (const KeySnapshot* keys : {old_keys.get(), new_keys.get()}) {
    const TenantScope scope = Scope(*keys);
    plans.emplace_back();
    RecordWriter writer(Deps(), scope, *policy_, kTestTime, &plans.back());
    ASSERT_TRUE(writer.Create(Draft("same@example.jp")).value().ok());
    writer.Finish();
  }
  EXPECT_TRUE(Commit(as_of, std::move(plans[0])));
  EXPECT_FALSE(Commit(as_of, std::move(plans[1])));
}

TEST_F(RecordsTest, UpdateReencryptsEverythingUnderOneNewWrap) {
  const WriteResult stored = Store("a@example.jp");
  const storage::RecordLocator at{stored.identity.subject, stored.identity.record};
  const auto keys = fixture_.keys();
  const TenantScope scope = Scope(*keys);
  ChangeSet changes;
  LoadResult loaded = LoadRecord(engine_, scope, at, &changes).value();
  ASSERT_TRUE(loaded.ok());
  RecordChange change;
  change.set = {{&Field("customer.phone"), "090-1111-2222", false}};
  change.clear = {"note"};
  RecordWriter writer(Deps(), scope, *policy_, kTestTime, &changes);
  const WriteResult updated = writer.Update(loaded.record.get(), change).value();
  ASSERT_TRUE(updated.ok());
  EXPECT_EQ(updated.header.version(), 2u);
  int wraps_put = 0;
  int wraps_deleted = 0;
  for (const storage::Mutation& write : changes.writes) {
    if (write.key.table != storage::Table::kWrap) continue;
    ++(write.value.has_value() ? wraps_put : wraps_deleted);
  }
  EXPECT_EQ(wraps_put, 1);
  EXPECT_EQ(wraps_deleted, 1);
  writer.Finish();
  ASSERT_TRUE(Commit(engine_.AppliedSequence(), std::move(changes)));
  ChangeSet again;
  LoadResult fresh = LoadRecord(engine_, scope, at, &again).value();
  ASSERT_TRUE(fresh.ok());
  RecordReader& reader = *fresh.record->reader;
  EXPECT_EQ(reader.DecryptField(*reader.FindField("email"))->view(), "a@example.jp");
  EXPECT_EQ(reader.DecryptField(*reader.FindField("phone"))->view(), "090-1111-2222");
  EXPECT_TRUE(absl::IsNotFound(reader.DecryptField(*reader.FindField("note")).status()));
}

TEST_F(RecordsTest, ImportantValuesHaveKeyIndexAndTokenOfTheirOwn) {
  const WriteResult stored = StorePayee("0123456");
  const auto& [tenant, subject, record] = stored.identity;
  EXPECT_FALSE(stored.header.fields(0).important());
  EXPECT_TRUE(stored.header.fields(1).important());
  const std::string wrap = engine_.Get(storage::WrapKey(tenant, subject, record, 1)).value();
  EXPECT_TRUE(HasImportantKey(wrap));
  EXPECT_TRUE(engine_.Get(IndexOf(stored, "0123456", KeyClass::kImportant)).ok());
  EXPECT_FALSE(engine_.Get(IndexOf(stored, "0123456", KeyClass::kNormal)).ok());
  const auto keys = fixture_.keys();
  const TenantKeys& under = *keys->ActiveTenant(tenant);
  const auto token_of = [&](KeyClass key_class) {
    const SecretBytes normalised =
        rules_->NormalizeForSearch(Field("payee.account").semantic, "0123456").value();
    return DeterministicToken(under, "crm", "payee.account", normalised.view(), key_class);
  };
  EXPECT_EQ(stored.header.fields(1).token(), token_of(KeyClass::kImportant).view());
  EXPECT_NE(stored.header.fields(1).token(), token_of(KeyClass::kNormal).view());
  const RecordIdentity plain = Store("a@example.jp").identity;
  EXPECT_FALSE(HasImportantKey(
      engine_.Get(storage::WrapKey(plain.tenant, plain.subject, plain.record, 1)).value()));
}

TEST_F(RecordsTest, AClearedImportantValueTakesItsKeyAlong) {
  const WriteResult stored = StorePayee("0123456");
  const storage::RecordLocator at{stored.identity.subject, stored.identity.record};
  const auto keys = fixture_.keys();
  const TenantScope scope = Scope(*keys);
  for (const char* cleared : {"name", "account"}) {
    ChangeSet changes;
    LoadResult loaded = LoadRecord(engine_, scope, at, &changes).value();
    ASSERT_TRUE(loaded.ok());
    const uint64_t version = loaded.record->reader->version();
    RecordChange change;
    change.clear = {cleared};
    RecordWriter writer(Deps(), scope, *policy_, kTestTime, &changes);
    ASSERT_TRUE(writer.Update(loaded.record.get(), change).value().ok());
    writer.Finish();
    ASSERT_TRUE(Commit(engine_.AppliedSequence(), std::move(changes)));
    const auto wrap = [&](uint64_t of) {
      return engine_.Get(storage::WrapKey(KeyFixture::kTenant, at.subject, at.record, of));
    };
    EXPECT_FALSE(wrap(version).ok());
    EXPECT_EQ(HasImportantKey(wrap(version + 1).value()), cleared == std::string_view("name"));
  }
  EXPECT_FALSE(engine_.Get(IndexOf(stored, "0123456", KeyClass::kImportant)).ok());
}

TEST_F(RecordsTest, NothingOfADeletedImportantValueIsLeft) {
  const WriteResult stored = StorePayee("0123456");
  const storage::RecordLocator at{stored.identity.subject, stored.identity.record};
  const auto keys = fixture_.keys();
  const TenantScope scope = Scope(*keys);
  ChangeSet changes;
  LoadResult loaded = LoadRecord(engine_, scope, at, &changes).value();
  RecordWriter writer(Deps(), scope, *policy_, kTestTime, &changes);
  ASSERT_TRUE(writer.Delete(loaded.record.get()).ok());
  writer.Finish();
  ASSERT_TRUE(Commit(engine_.AppliedSequence(), std::move(changes)));
  for (const storage::Table table :
       {storage::Table::kRecord, storage::Table::kWrap, storage::Table::kIndex}) {
    EXPECT_TRUE(engine_.Dump(table).empty());
  }
}

// The field was not important when the value was stored.
TEST_F(RecordsTest, UniqueHoldsAcrossClasses) {
  const auto keys = fixture_.keys();
  const TenantScope scope = Scope(*keys);
  authz::FieldSpec before = Field("payee.account");
  before.important = false;
  EXPECT_FALSE(indexes_.Find("payee.account")->normal);
  storage::v1::IndexFormsRow row = indexes_.ToRow("default");
  for (auto& field : *row.mutable_fields()) field.set_normal(true);
  indexes_ = TenantIndexes::FromRow(row).value();
  RecordDraft draft;
  draft.type = &policy_->type(1);
  draft.fields = {{&before, "0123456", false}};
  const WriteResult stored = Store(draft);
  EXPECT_FALSE(stored.header.fields(0).important());
  EXPECT_TRUE(engine_.Get(IndexOf(stored, "0123456", KeyClass::kNormal)).ok());
  draft.fields[0].field = &Field("payee.account");
  ChangeSet changes;
  RecordWriter writer(Deps(), scope, *policy_, kTestTime, &changes);
  EXPECT_EQ(writer.Create(draft).value().reason, authz::Reason::kAlreadyExists);
}

TEST_F(RecordsTest, ErasedAndLivingAreTakenForEachOtherByNobody) {
  const WriteResult stored = Store("a@example.jp");
  const storage::RecordLocator at{stored.identity.subject, stored.identity.record};
  const auto keys = fixture_.keys();
  const TenantScope scope = Scope(*keys);
  ChangeSet changes;
  // The worker's way does not open the records of a living person.
  EXPECT_EQ(LoadRecords(engine_, scope, {at}, &changes, Persons::kErased)->front().reason,
            authz::Reason::kDataLoss);
  SubjectState subject = *LoadSubject(engine_, scope, at.subject, &changes).value();
  subject.row.set_erased(true);
  subject.row.set_version(subject.row.version() + 1);
  ChangeSet tombstone;
  PutSubject(scope, fixture_.random(), subject, &tombstone);
  ASSERT_TRUE(Commit(engine_.AppliedSequence(), std::move(tombstone)));
  EXPECT_EQ(LoadRecord(engine_, scope, at, &changes)->reason, authz::Reason::kSubjectErased);
  EXPECT_TRUE(LoadRecords(engine_, scope, {at}, &changes, Persons::kErased)->front().ok());
}

}  // namespace
}  // namespace piivault::vault
