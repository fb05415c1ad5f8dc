// Indexes that another policy wants: what is found, refused and removed, and by whom.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "piivault/storage/v1/entry.pb.h"
#include "storage/commit_and_wait.h"
#include "tests/vault/service/vault_fixture.h"
#include "vault/keys/sealed_row.h"
#include "vault/service/resource_name.h"
#include "vault/state/index_pass.h"
#include "vault/text.h"

namespace piivault::vault {
namespace {

using Result = VaultFixture::Result;

class IndexRebuildTest : public testing::Test {
 protected:
  // A policy with these fields of `customer`, besides a note.
  void SetFields(std::string_view fields, std::string_view find = "customer.code",
                 std::string_view more_types = "") {
    vault_.SetPolicy(
        "default",
        Concat({R"(policy: test
timezone: Asia/Tokyo
types:
  customer:
    fields:
      note: free_text
)",
                fields, more_types, R"(
purposes: {order: {label: {en: Orders}}}
roles: {shop: {kind: service}}
forbidden_employment: [outsourced]
grants:
  - {id: write, role: shop, may: [create, update], fields: [customer.*], for: [order]}
  - {id: tidy, role: shop, may: [delete, delete_subject], types: [customer]}
)",
                find.empty()
                    ? ""
                    : Concat({R"(  - {id: find, role: shop, may: [search, lookup], fields: [)",
                              find, "], for: [order]}\n"})}));
  }
  std::string Create(const std::string& code) {
    return vault_.Create({{"note", "n"}, {"code", code}}).record().name();
  }
  Result Update(const std::string& name, const std::string& code) {
    v1::UpdateRecordRequest request;
    request.set_name(name);
    (*request.mutable_fields())["code"] = code;
    *request.mutable_usage() = UsageFor("shop");
    return vault_.Call("shop", "UpdateRecord", request);
  }
  // Names of the records that a search finds; or the reason of a refusal alone.
  std::vector<std::string> Find(const std::string& code) {
    const Result result = vault_.Search("shop", "code", code);
    if (!result.ok()) return {std::string(result.name())};
    std::vector<std::string> names;
    for (const auto& record : result.As<v1::SearchRecordsResponse>().records()) {
      names.push_back(record.name());
    }
    return names;
  }
  IndexBuilder Builder(size_t step_records) {
    return IndexBuilder({vault_.engine(), vault_.store(), vault_.rules(), SystemRandom(),
                         [this] { return vault_.now; },
                         [this](const storage::Key& row) { vault_.damaged.push_back(row); },
                         step_records});
  }
  storage::v1::IndexPassRow Pass() {
    const auto pass = ReadIndexPass(vault_.engine(), vault_.store().snapshot()->keys(), "default");
    return pass.ok() && pass->has_value() ? (*pass)->row : storage::v1::IndexPassRow();
  }
  const TenantIndexes& Indexes() {
    state_ = vault_.store().snapshot();
    return *state_->FindTenant("default")->indexes;
  }
  // Rows of the tenant's blind index.
  size_t Rows() {
    const std::string any =
        storage::BlindIndexPrefix(vault_.TenantNumber("default"), 0, {}).bytes.substr(0, 9);
    size_t rows = 0;
    for (const auto& [key, value] : vault_.engine().Dump(storage::Table::kIndex)) {
      rows += key.compare(0, any.size(), any) == 0;
    }
    return rows;
  }

  void Write(const storage::Key& key, std::optional<std::string> value) {
    auto commit = std::make_unique<storage::Commit>();
    commit->as_of = vault_.engine().AppliedSequence();
    commit->decided_at = vault_.now;
    commit->writes.push_back({key, std::move(value)});
    EXPECT_TRUE(storage::CommitOrError(vault_.engine(), std::move(commit)).ok());
  }

  VaultFixture vault_;
  std::shared_ptr<const StateSnapshot> state_;
};

constexpr std::string_view kPlain = "      code: number_code\n";
constexpr std::string_view kIndexed = "      code: {type: number_code, index: true}\n";
constexpr std::string_view kUnique = "      code: {type: number_code, unique: true}\n";
constexpr std::string_view kExact = "      code: {type: external_account_id, index: true}\n";
constexpr std::string_view kUniqueExact = "      code: {type: external_account_id, unique: true}\n";
constexpr std::string_view kImportant =
    "      code: {type: number_code, index: true, key_class: important}\n";

TEST_F(IndexRebuildTest, AnIndexThatIsAddedAnswersWhenItIsBuilt) {
  SetFields(kPlain, "");
  const std::string old = Create("K-1");
  SetFields(kIndexed);
  EXPECT_THAT(Find("K1"), testing::ElementsAre("INDEX_BUILDING"));
  EXPECT_EQ(vault_.Lookup("shop", "code", "K1", {}).name(), "INDEX_BUILDING");
  const std::string young = Create("K 1");  // found by its row, but not alone
  EXPECT_THAT(Find("K1"), testing::ElementsAre("INDEX_BUILDING"));
  vault_.BuildIndexes();
  EXPECT_THAT(Find("K1"), testing::UnorderedElementsAre(old, young));
  EXPECT_EQ(Rows(), 2u);
}

TEST_F(IndexRebuildTest, ATypeThatIsNewIsFoundAtOnce) {
  SetFields(kIndexed, "customer.code",
            "  order:\n    fields: {number: {type: number_code, index: true}}\n");
  EXPECT_FALSE(Indexes().Find("order.number")->rebuilding());
  EXPECT_TRUE(Indexes().Find("customer.code")->rebuilding());  // the fixture's policy had the type
}

TEST_F(IndexRebuildTest, ATypeThatComesBackWithItsRecordsIsBuilt) {
  SetFields(kPlain, "");
  const std::string old = Create("K-1");
  vault_.SetPolicy(
      "default",
      "policy: other\ntimezone: Asia/Tokyo\ntypes:\n  x: {fields: {y: free_text}}\n"
      "purposes: {order: {label: {en: Orders}}}\nroles: {shop: {kind: service}}\n"
      "grants:\n  - {id: w, role: shop, may: [create], fields: [x.y], for: [order]}\n");
  SetFields(kIndexed);
  EXPECT_THAT(Find("K1"), testing::ElementsAre("INDEX_BUILDING"));
  vault_.BuildIndexes();
  EXPECT_THAT(Find("K1"), testing::ElementsAre(old));
}

TEST_F(IndexRebuildTest, AnIndexThatIsDroppedLeavesNoRows) {
  SetFields(kIndexed);
  vault_.BuildIndexes();
  Create("K-1");
  Create("K-2");
  ASSERT_EQ(Rows(), 2u);
  SetFields(kPlain, "");
  EXPECT_TRUE(Indexes().rebuilding());
  vault_.BuildIndexes();
  EXPECT_EQ(Rows(), 0u);
  EXPECT_EQ(Indexes().Find("customer.code"), nullptr);
}

// By the old form and the new one; what is the same by the old one only is no answer.
TEST_F(IndexRebuildTest, BothFormsAreLookedAtMeanwhile) {
  SetFields(kIndexed);
  vault_.BuildIndexes();
  const std::string dash = Create("K-1");
  const std::string plain = Create("K1");
  SetFields(kExact);
  EXPECT_THAT(Find("K1"), testing::ElementsAre(plain));
  EXPECT_THAT(Find("K-1"), testing::ElementsAre(dash));
  const std::string young = Create("K1");
  EXPECT_THAT(Find("K1"), testing::UnorderedElementsAre(plain, young));
  EXPECT_EQ(vault_.Lookup("shop", "code", "K-1", {}).name(), "OK");
  vault_.BuildIndexes();
  EXPECT_THAT(Find("K1"), testing::UnorderedElementsAre(plain, young));
  EXPECT_THAT(Find("k1"), testing::ElementsAre());
  EXPECT_EQ(Rows(), 3u);
}

// A row of the old form that a write left behind would make a search fail.
TEST_F(IndexRebuildTest, WritesRemoveRowsOfEveryForm) {
  SetFields(kExact);
  vault_.BuildIndexes();
  const std::string name = Create("K-1");
  SetFields(kIndexed);
  ASSERT_TRUE(Update(name, "L-1").ok());
  EXPECT_EQ(Rows(), 1u);
  SetFields(kExact);
  EXPECT_THAT(Find("K-1"), testing::ElementsAre());
  EXPECT_THAT(Find("L-1"), testing::ElementsAre(name));
}

TEST_F(IndexRebuildTest, GoesOnWhereItWasCutOff) {
  SetFields(kPlain, "");
  std::vector<std::string> names;
  for (int i = 0; i < 7; ++i) names.push_back(Create("K-1"));
  SetFields(kIndexed);
  for (const int64_t records : {3, 6}) {
    ASSERT_TRUE(*Builder(3).Step());
    EXPECT_EQ(Pass().records(), static_cast<uint64_t>(records));
    EXPECT_EQ(Rows(), static_cast<size_t>(records));
    EXPECT_EQ(Pass().end_micros(), 0);
  }
  EXPECT_THAT(Find("K1"), testing::ElementsAre("INDEX_BUILDING"));
  ASSERT_TRUE(*Builder(3).Step());
  EXPECT_FALSE(*Builder(3).Step());
  EXPECT_EQ(Pass().records(), 7u);
  EXPECT_NE(Pass().end_micros(), 0);
  EXPECT_THAT(Find("K1"), testing::UnorderedElementsAreArray(names));
}

TEST_F(IndexRebuildTest, AnotherPolicyBeginsItAnew) {
  SetFields(kPlain, "");
  std::vector<std::string> names;
  for (int i = 0; i < 4; ++i) names.push_back(Create("K-1"));
  SetFields(kIndexed);
  ASSERT_TRUE(*Builder(3).Step());
  SetFields(kExact);
  ASSERT_TRUE(*Builder(3).Step());
  EXPECT_EQ(Pass().records(), 3u);
  vault_.BuildIndexes();
  EXPECT_THAT(Find("K-1"), testing::UnorderedElementsAreArray(names));
  EXPECT_EQ(Rows(), 4u);
}

// A policy that comes while a step is planned: the step does not take effect, neither the last one
// of a pass nor one before.
TEST_F(IndexRebuildTest, AStepRestsOnTheFormsItWasPlannedBy) {
  for (const size_t step : {1u, 64u}) {
    SetFields(kPlain, "");
    vault_.BuildIndexes();
    const std::string name = Create("K-1");
    Create("L-1");
    SetFields(kIndexed);
    const size_t before = Rows();
    bool once = false;
    IndexBuilder builder({vault_.engine(),
                          vault_.store(),
                          vault_.rules(),
                          SystemRandom(),
                          [&] {
                            // The second time: between the step's view and its commit.
                            if (!std::exchange(once, true)) SetFields(kExact);
                            return vault_.now;
                          },
                          {},
                          step});
    ASSERT_TRUE(*builder.Step());
    EXPECT_EQ(Rows(), before);
    while (*builder.Step()) {
    }
    EXPECT_THAT(Find("K-1"), testing::Contains(name));
  }
}

TEST_F(IndexRebuildTest, AStepRestsOnTheRecordsItWasPlannedBy) {
  SetFields(kPlain, "");
  const std::string name = Create("K-1");
  SetFields(kIndexed);
  bool once = false;
  IndexBuilder builder({vault_.engine(), vault_.store(), vault_.rules(), SystemRandom(), [&] {
                          if (!std::exchange(once, true)) {
                            EXPECT_TRUE(Update(name, "L-1").ok());
                          }
                          return vault_.now;
                        }});
  while (*builder.Step()) {
  }
  EXPECT_THAT(Find("L1"), testing::ElementsAre(name));
  EXPECT_THAT(Find("K1"), testing::ElementsAre());
  EXPECT_EQ(Rows(), 1u);
}

// As a rotation brings records to the form that is wanted, too.
TEST_F(IndexRebuildTest, ARotationRestsOnTheFormsItWasPlannedBy) {
  SetFields(kIndexed);
  vault_.BuildIndexes();
  const auto at = ParseRecordName(Create("K-1"));
  const storage::Key wrap =
      storage::WrapKey(vault_.TenantNumber("default"), at->subject, at->record, 1);
  const std::string before = vault_.engine().Get(wrap).value();
  EpochRotation::Parts parts = vault_.RotationParts();
  bool armed = false;
  parts.now = [&] {
    if (std::exchange(armed, false)) SetFields(kExact);
    return vault_.now;
  };
  EpochRotation rotation(parts);
  ASSERT_TRUE(rotation.Begin().ok());
  armed = true;
  // The first step with rows plans, the next one sees that it was no use.
  while (armed) ASSERT_TRUE(*rotation.Step());
  ASSERT_TRUE(*rotation.Step());
  EXPECT_EQ(vault_.engine().Get(wrap).value(), before);
  while (*rotation.Step()) {
  }
  EXPECT_NE(vault_.engine().Get(wrap).value(), before);
}

TEST_F(IndexRebuildTest, CountsValuesThatSeveralRecordsHave) {
  SetFields(kIndexed);
  vault_.BuildIndexes();
  for (const char* code : {"A1", "A-1", "B1", "a1"}) Create(code);
  SetFields(kUnique);
  // Known already.
  EXPECT_EQ(
      vault_
          .Call("shop", "CreateRecord", VaultFixture::NewCustomer({{"note", "n"}, {"code", "b 1"}}))
          .name(),
      "ALREADY_EXISTS");
  vault_.BuildIndexes();
  EXPECT_EQ(Pass().duplicates(), 3u);
  EXPECT_EQ(vault_.Lookup("shop", "code", "A1", {}).name(), "AMBIGUOUS");
  EXPECT_EQ(vault_.Lookup("shop", "code", "B1", {}).name(), "OK");
}

TEST_F(IndexRebuildTest, CountsValuesThatOnlyTheNewTypeTakesForTheSame) {
  SetFields(kUniqueExact);
  vault_.BuildIndexes();
  Create("K-1");
  Create("L-1");
  SetFields(kUnique);
  Create("K1");  // nobody knows yet that it is the same
  vault_.BuildIndexes();
  EXPECT_EQ(Pass().duplicates(), 1u);
}

TEST_F(IndexRebuildTest, CountsValuesThatRecordsHaveUnderOtherKeys) {
  SetFields(kIndexed);
  vault_.BuildIndexes();
  Create("A1");
  SetFields(kImportant);
  Create("A1");
  SetFields(kUnique);
  vault_.BuildIndexes();
  EXPECT_EQ(Pass().duplicates(), 2u);
}

TEST_F(IndexRebuildTest, ManyValuesThatWereTheSameOnceAreNoAnswer) {
  SetFields(kIndexed);
  vault_.BuildIndexes();
  for (int i = 0; i < 300; ++i) Create("n/a1");
  SetFields(kUniqueExact);
  const auto create = [&](const std::string& code) {
    const Result result = vault_.Call("shop", "CreateRecord",
                                      VaultFixture::NewCustomer({{"note", "n"}, {"code", code}}));
    return std::string(result.name());
  };
  EXPECT_EQ(create("N/A1"), "INDEX_BUILDING");
  EXPECT_EQ(create("n/a1"), "ALREADY_EXISTS");
  EXPECT_EQ(vault_.Lookup("shop", "code", "N/A1", {}).name(), "NOT_FOUND");
  vault_.BuildIndexes();
  EXPECT_EQ(create("N/A1"), "OK");

  // So many that not all are looked at.
  SetFields(kIndexed);
  vault_.BuildIndexes();
  for (int i = 0; i < 4000; ++i) Create("n/a1");
  SetFields(kExact);
  EXPECT_EQ(vault_.Lookup("shop", "code", "N/a1", {}).name(), "INDEX_BUILDING");
  vault_.BuildIndexes();
  EXPECT_EQ(vault_.Lookup("shop", "code", "N/a1", {}).name(), "NOT_FOUND");
}

// By its new form a value may be where another one's old form is looked for.
TEST_F(IndexRebuildTest, RowsOfAnotherFormAreNoDamage) {
  SetFields(kIndexed);
  vault_.BuildIndexes();
  SetFields(kExact);
  const std::string name = Create("k1");  // by its exact form where K-1 is by its number
  EXPECT_THAT(Find("K-1"), testing::ElementsAre());
  EXPECT_THAT(Find("k1"), testing::ElementsAre(name));
  ASSERT_TRUE(Update(name, "K1").ok());
  EXPECT_THAT(Find("K-1"), testing::ElementsAre());
}

TEST_F(IndexRebuildTest, AStepEndsWhereRecordsAreLarge) {
  SetFields("      large: mail_body\n      code: number_code\n", "");
  for (int i = 0; i < 20; ++i) {
    vault_.Create({{"note", "n"}, {"code", "K-1"}, {"large", std::string(400'000, 'x')}});
  }
  SetFields(
      "      large: mail_body\n      code: {type: number_code, index: "
      "true}\n");
  IndexBuilder builder = Builder(64);
  ASSERT_TRUE(*builder.Step());
  EXPECT_EQ(Pass().records(), 8u);
  while (*builder.Step()) {
  }
  EXPECT_EQ(Pass().records(), 20u);
  EXPECT_EQ(Rows(), 20u);
}

class DuplicatesTest : public IndexRebuildTest, public testing::WithParamInterface<size_t> {};

TEST_P(DuplicatesTest, AreCountedWithinOneStepAndAcrossSteps) {
  SetFields(kPlain, "");
  for (const char* code : {"A1", "A-1", "B1"}) Create(code);
  SetFields(kUnique);
  while (*Builder(GetParam()).Step()) {
  }
  EXPECT_EQ(Pass().duplicates(), 1u);
}

INSTANTIATE_TEST_SUITE_P(Steps, DuplicatesTest, testing::Values(1, 64));

TEST_F(IndexRebuildTest, ErasedPersonsRecordsLoseTheirRows) {
  SetFields(kIndexed);
  vault_.BuildIndexes();
  const std::string name = Create("K-1");
  const std::string subject = name.substr(0, name.find("/records/"));
  // So many that the worker has something to remove later.
  for (size_t i = 0; i < kErasureBatch; ++i) {
    v1::CreateRecordRequest request =
        VaultFixture::NewCustomer({{"note", "n"}, {"code", Concat({"C", std::to_string(i)})}});
    request.mutable_record()->set_subject(subject);
    ASSERT_TRUE(vault_.Call("shop", "CreateRecord", request).ok());
  }
  ASSERT_EQ(Rows(), kErasureBatch + 1);
  v1::DeleteSubjectRequest erase;
  erase.set_name(subject);
  *erase.mutable_usage() = UsageFor("shop");
  ASSERT_TRUE(vault_.Call("shop", "DeleteSubject", erase).ok());
  SetFields(kExact);
  vault_.BuildIndexes();
  EXPECT_EQ(Rows(), 0u);
}

TEST_F(IndexRebuildTest, ARecordThatDoesNotOpenIsPassedOverAndReported) {
  SetFields(kPlain, "");
  const std::string bad = Create("K-1");
  const std::string good = Create("K-1");
  const auto at = ParseRecordName(bad);
  const storage::Key key =
      storage::RecordKey(vault_.TenantNumber("default"), at->subject, at->record);
  std::string row = vault_.engine().Get(key).value();
  // The values' tags; the header still opens.
  row.back() ^= 1;
  row[row.size() - 40] ^= 1;
  Write(key, row);
  SetFields(kIndexed);
  vault_.BuildIndexes();
  EXPECT_THAT(vault_.damaged, testing::ElementsAre(key));
  EXPECT_EQ(Pass().damaged(), 1u);
  EXPECT_THAT(Find("K1"), testing::ElementsAre(good));
}

// Values keep the class of keys that they were written under.
TEST_F(IndexRebuildTest, ValuesOfBothClassesAreFound) {
  SetFields(kIndexed);
  vault_.BuildIndexes();
  const std::string normal = Create("K-1");
  SetFields(kImportant);
  EXPECT_FALSE(Indexes().rebuilding());
  const std::string important = Create("K-1");
  EXPECT_THAT(Find("K1"), testing::UnorderedElementsAre(normal, important));
  SetFields(kIndexed);
  const std::string again = Create("K-1");
  EXPECT_THAT(Find("K1"), testing::UnorderedElementsAre(normal, important, again));
}

TEST_F(IndexRebuildTest, StepsHaveEntriesThatNameTheTenant) {
  SetFields(kPlain, "");
  Create("K-1");
  SetFields(kIndexed);
  const uint64_t before = vault_.engine().LogEnd().index;
  vault_.BuildIndexes();
  const auto entries = vault_.engine().ReadEntries(before, 10);
  ASSERT_EQ(entries->size(), 1u);
  storage::v1::EntryBody body;
  ASSERT_TRUE(body.ParseFromString(entries->front().entry.body));
  EXPECT_EQ(body.method(), "piivaultd/RebuildIndex");
  EXPECT_EQ(body.tenant(), "tenants/default");
  EXPECT_EQ(body.count(), 1u);
}

// The other tenant's records are nobody else's.
TEST_F(IndexRebuildTest, TenantsAreBuiltInTurn) {
  SetFields(kPlain, "");
  for (int i = 0; i < 3; ++i) Create("K-1");
  SetFields(kIndexed);
  vault_.SetPolicy("other", R"(policy: other
timezone: Asia/Tokyo
types: {customer: {fields: {email: {type: email_address, index: true}}}}
purposes: {order: {label: {en: Orders}}}
roles: {shop: {kind: service}}
grants:
  - {id: w, role: shop, may: [create], fields: [customer.email], for: [order]}
)");
  IndexBuilder builder = Builder(1);
  ASSERT_TRUE(*builder.Step());
  ASSERT_TRUE(*builder.Step());
  EXPECT_EQ(Pass().records(), 1u);
  EXPECT_FALSE(vault_.store().snapshot()->FindTenant("other")->indexes->rebuilding());
}

class IndexRowsAtStartTest : public IndexRebuildTest {
 protected:
  absl::Status LoadAfter(const storage::Key& key, std::optional<std::string> value) {
    Write(key, std::move(value));
    return StateStore::Load(vault_.engine(), vault_.hierarchy(), SystemRandom()).status();
  }
  storage::Key Forms(std::string_view tenant = "default") {
    return storage::StateKey(storage::StateKind::kIndexForms, tenant);
  }
  std::string Sealed(const storage::v1::IndexFormsRow& row, std::string_view tenant = "default") {
    return SealRow(vault_.store().snapshot()->keys(), SystemRandom(), Forms(tenant), 9, row);
  }
};

TEST_F(IndexRowsAtStartTest, AreLoadedAsTheyWere) {
  SetFields(kIndexed);
  ASSERT_TRUE(Indexes().rebuilding());
  const auto loaded = StateStore::Load(vault_.engine(), vault_.hierarchy(), SystemRandom());
  ASSERT_TRUE(loaded.ok());
  EXPECT_TRUE(*(*loaded)->snapshot()->FindTenant("default")->indexes == Indexes());
}

TEST_F(IndexRowsAtStartTest, MustBeThere) {
  EXPECT_TRUE(absl::IsDataLoss(LoadAfter(Forms(), std::nullopt)));
}

TEST_F(IndexRowsAtStartTest, MustFitThePolicyInForce) {
  storage::v1::IndexFormsRow row = Indexes().ToRow("default");
  row.mutable_fields()->DeleteSubrange(0, 1);
  EXPECT_TRUE(absl::IsDataLoss(LoadAfter(Forms(), Sealed(row))));
}

TEST_F(IndexRowsAtStartTest, MustBeOfTheirTenant) {
  const std::string other = vault_.engine().Get(Forms("other")).value();
  EXPECT_TRUE(absl::IsDataLoss(LoadAfter(Forms(), other)));
  EXPECT_TRUE(absl::IsDataLoss(LoadAfter(Forms(), Sealed(Indexes().ToRow("other")))));
}

TEST_F(IndexRowsAtStartTest, OfANewerNormaliserAreRefused) {
  storage::v1::IndexFormsRow row = Indexes().ToRow("default");
  row.mutable_fields(0)->mutable_forms(0)->set_normaliser(kNormaliserVersion + 1);
  EXPECT_TRUE(absl::IsFailedPrecondition(LoadAfter(Forms(), Sealed(row))));
}

TEST_F(IndexRowsAtStartTest, OfANormaliserThatIsGoneAreRefused) {
  storage::v1::IndexFormsRow row = Indexes().ToRow("default");
  row.mutable_fields(0)->mutable_forms(0)->set_normaliser(kOldestNormaliserVersion - 1);
  EXPECT_TRUE(absl::IsFailedPrecondition(LoadAfter(Forms(), Sealed(row))));
}

// Without rows there is nothing that a normaliser has made.
TEST_F(IndexRowsAtStartTest, OfNoIndexAreOfNoNormaliser) {
  SetFields(kIndexed);
  vault_.BuildIndexes();
  SetFields(kPlain, "");
  storage::v1::IndexFormsRow row = Indexes().ToRow("default");
  int plain = 0;
  for (auto& field : *row.mutable_fields()) {
    for (auto& form : *field.mutable_forms()) {
      if (form.whole()) continue;
      form.set_normaliser(kNormaliserVersion + 1);
      ++plain;
    }
  }
  EXPECT_EQ(plain, 1);
  EXPECT_TRUE(LoadAfter(Forms(), Sealed(row)).ok());
}

// Nothing is served before it is written down what the program wants.
TEST_F(IndexRowsAtStartTest, WhatAnotherNormaliserWantsIsWrittenDownOnce) {
  SetFields(kIndexed);
  const auto read = [&] {
    return OpenRow<storage::v1::IndexFormsRow>(vault_.store().snapshot()->keys(), Forms(),
                                               vault_.engine().Get(Forms()).value())
        ->message;
  };
  const std::string wanted = Indexes().ToRow("default").SerializeAsString();
  Write(Forms(), Sealed(Indexes().Rebuilt().ToRow("default")));
  ASSERT_NE(read().SerializeAsString(), wanted);
  ASSERT_TRUE(vault_.NewIndexBuilder().Begin().ok());
  EXPECT_EQ(read().SerializeAsString(), wanted);
  const uint64_t sequence = vault_.engine().AppliedSequence();
  ASSERT_TRUE(vault_.NewIndexBuilder().Begin().ok());
  EXPECT_EQ(vault_.engine().AppliedSequence(), sequence);
}

TEST_F(IndexRowsAtStartTest, AnotherNormaliserIsAnotherForm) {
  SetFields(kIndexed);
  vault_.BuildIndexes();
  const TenantIndexes newer = Indexes().WithNormaliser(kNormaliserVersion + 1);
  const FieldIndex& code = *newer.Find("customer.code");
  ASSERT_EQ(code.forms.size(), 2u);
  EXPECT_EQ(code.wanted().normaliser, kNormaliserVersion + 1);
  EXPECT_TRUE(code.covers(&IndexForm::whole));
  EXPECT_TRUE(Indexes().WithNormaliser(kNormaliserVersion) == Indexes());
}

TEST(PercentOfTest, CountsTypesAndThePlaceInOne) {
  storage::v1::IndexPassRow pass;
  EXPECT_EQ(PercentOf(pass, {"a", "b"}), 0);
  pass.set_type("b");
  EXPECT_EQ(PercentOf(pass, {"a", "b"}), 50);
  pass.set_subject(std::string("\x80", 1) + std::string(15, '\0'));
  pass.set_record(std::string(16, '\0'));
  EXPECT_EQ(PercentOf(pass, {"a", "b"}), 75);
  EXPECT_EQ(PercentOf(pass, {"b"}), 50);
  EXPECT_EQ(PercentOf(pass, {}), 100);
  pass.set_end_micros(1);
  EXPECT_EQ(PercentOf(pass, {"a", "b"}), 100);
}

}  // namespace
}  // namespace piivault::vault
