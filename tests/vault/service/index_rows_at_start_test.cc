// What is stored of the indexes: loaded at the start, refused where it cannot be right.
#include "tests/vault/service/index_rebuild_testing.h"
#include "vault/keys/sealed_row.h"

namespace piivault::vault {
namespace {

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
