// Indexes that another policy wants: what is found, refused and removed, and by whom.
#include "piivault/storage/v1/entry.pb.h"
#include "tests/vault/service/index_rebuild_testing.h"
#include "vault/service/resource_name.h"

namespace piivault::vault {
namespace {

using Result = VaultFixture::Result;

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
  // Or both, where the older one is gone over first.
  EXPECT_THAT(Pass().duplicates(), testing::AnyOf(1u, 2u));
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

}  // namespace
}  // namespace piivault::vault
