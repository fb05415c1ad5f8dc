// Recipients and revocations of export tokens: rows that decide.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/vault/state/vault_fixture.h"
#include "vault/keys/sealed_row.h"
#include "vault/state/sharing_state.h"

namespace piivault::vault {
namespace {

using storage::StateKey;
using storage::StateKind;
using storage::v1::ExportRevocationRow;
using storage::v1::PrincipalRow;
using storage::v1::RecipientRow;
using testing::ElementsAre;
using testing::IsEmpty;

RecipientRow Recipient(const std::string& name, const std::string& tenant = "default") {
  RecipientRow row;
  row.set_tenant(tenant);
  row.set_name(name);
  row.set_ref(std::string(16, 'r'));
  row.set_category("carrier");
  row.set_country("JP");
  row.set_principal(tenant + "." + name);
  row.set_registered_by("aoki");
  row.set_registered_by_person("aoki");
  return row;
}

PrincipalRow PrincipalOf(const RecipientRow& recipient) {
  PrincipalRow row;
  row.set_name(recipient.principal());
  row.set_kind(4);
  row.set_recipient(recipient.tenant() + "/" + recipient.name());
  row.add_identities()->set_uri("dns:" + recipient.name() + ".example.test");
  return row;
}

class SharingRowsTest : public testing::Test {
 protected:
  SharingRowsTest() {
    StateChange change = vault_.NewChange();
    storage::v1::TenantRow tenant;
    tenant.set_name("other");
    tenant.set_id(7);
    change.PutTenant(tenant);
    EXPECT_TRUE(vault_.Commit(std::move(change)).ok());
  }

  void Register(const RecipientRow& row) {
    StateChange change = vault_.NewChange();
    change.PutRecipient(row);
    change.PutPrincipal(PrincipalOf(row));
    EXPECT_TRUE(vault_.Commit(std::move(change)).ok());
  }
  std::string Revoke(const std::string& tenant, uint64_t as_of = 0) {
    const std::string id = SystemRandom().Id128().ToText();
    ExportRevocationRow row;
    row.set_tenant(tenant);
    row.set_rule("carriers");
    row.set_time_micros(absl::ToUnixMicros(vault_.now()));
    StateChange change = vault_.NewChange();
    change.PutExportRevocation(id, row);
    EXPECT_TRUE(vault_.Commit(std::move(change), as_of).ok());
    return id;
  }
  std::vector<std::string> Revocations(const std::string& tenant) {
    std::vector<std::string> ids;
    for (const auto& one : vault_.state()->revocations(tenant)) ids.push_back(one->id);
    return ids;
  }
  absl::Status Read(uint64_t cell, uint64_t as_of) {
    auto commit = std::make_unique<storage::Commit>();
    commit->as_of = as_of;
    commit->decided_at = vault_.now();
    commit->reads.push_back(cell);
    return storage::CommitOrError(vault_.engine(), std::move(commit)).status();
  }
  // Writes a row that is sealed right: only a faulty program writes what contradicts others.
  void Plant(const storage::Key& key, const google::protobuf::MessageLite& row) {
    vault_.engine().Tamper(
        key, SealRowBytes(vault_.state()->keys(), SystemRandom(), key, 1, row.SerializeAsString()));
  }
  void ExpectDamage(const storage::Key& key) {
    EXPECT_TRUE(absl::IsDataLoss(vault_.Open()));
    vault_.engine().Tamper(key, std::nullopt);
    EXPECT_TRUE(vault_.Open().ok());
  }
  // As somebody who writes to the disk but has no keys.
  void Copy(const storage::Key& from, const storage::Key& to) {
    for (const auto& [key, value] : vault_.engine().Dump(storage::Table::kState)) {
      if (key == from.bytes) vault_.engine().Tamper(to, value);
    }
  }

  TestVault vault_;
};

TEST_F(SharingRowsTest, RecipientsAreSeenAtOnceAndAfterARestartEachOfItsTenant) {
  RecipientRow row = Recipient("yamato");
  Register(row);
  Register(Recipient("yamato", "other"));
  row.set_country("KR");
  StateChange change = vault_.NewChange();
  change.PutRecipient(row);
  ASSERT_TRUE(vault_.Commit(std::move(change)).ok());
  for (int restart = 0; restart < 2; ++restart) {
    const RecipientState* state = vault_.state()->FindRecipient("default", "yamato");
    ASSERT_NE(state, nullptr);
    EXPECT_EQ(state->version, 2u);
    EXPECT_EQ(state->cell, RecipientCell("default", "yamato"));
    EXPECT_EQ(state->recipient.name, "tenants/default/recipients/yamato");
    EXPECT_EQ(state->recipient.country, "KR");
    EXPECT_EQ(vault_.state()->FindRecipient("other", "yamato")->recipient.country, "JP");
    EXPECT_EQ(vault_.state()->FindRecipient("default", "sagawa"), nullptr);
    EXPECT_EQ(vault_.state()->recipients().size(), 2u);
    ASSERT_TRUE(vault_.Open().ok());
  }
}

TEST_F(SharingRowsTest, ARowIsTakenAsTheDecisionWantsIt) {
  RecipientRow row = Recipient("yamato");
  row.set_controller("partner-9");
  row.add_changed_by_persons("baba");
  row.add_matters()->set_kind("option");
  row.mutable_matters(0)->set_id("O-17");
  RecipientRow::Attestation* contract = row.add_attestations();
  contract->set_id("one");
  contract->set_kind("contract");
  contract->set_signed_micros(1'000'000);
  contract->add_fields("pi.*");
  contract->add_purposes("delivery");
  contract->set_recorded_by_person("baba");
  RecipientRow::Attestation* review = row.add_attestations();
  review->set_kind("a kind of a later version");
  review->set_signed_micros(1'000'000);
  review->set_valid_until_micros(3'000'000);
  review->set_revoked_micros(2'000'000);

  const authz::Recipient recipient = ToRecipient(row);
  EXPECT_EQ(recipient.category, "carrier");
  EXPECT_EQ(recipient.controller, "partner-9");
  EXPECT_FALSE(recipient.disabled);
  EXPECT_EQ(recipient.registered_by_person, "persons/aoki");
  EXPECT_THAT(recipient.changed_by_persons, ElementsAre("persons/baba"));
  ASSERT_EQ(recipient.matters.size(), 1u);
  EXPECT_EQ(recipient.matters[0].kind + " " + recipient.matters[0].id, "option O-17");
  ASSERT_EQ(recipient.attestations.size(), 2u);
  EXPECT_EQ(recipient.attestations[0].id, "tenants/default/recipients/yamato/attestations/one");
  EXPECT_EQ(recipient.attestations[0].kind, authz::AttestationKind::kContract);
  EXPECT_EQ(recipient.attestations[0].signed_at, absl::FromUnixSeconds(1));
  EXPECT_EQ(recipient.attestations[0].valid_until, absl::InfiniteFuture());
  EXPECT_EQ(recipient.attestations[0].revoked_at, absl::InfiniteFuture());
  EXPECT_EQ(recipient.attestations[0].recorded_by_person, "persons/baba");
  EXPECT_THAT(recipient.attestations[0].fields, ElementsAre("pi.*"));
  EXPECT_THAT(recipient.attestations[0].purposes, ElementsAre("delivery"));
  EXPECT_EQ(recipient.attestations[1].kind, authz::AttestationKind::kUnspecified);
  EXPECT_EQ(recipient.attestations[1].valid_until, absl::FromUnixSeconds(3));
  EXPECT_EQ(recipient.attestations[1].revoked_at, absl::FromUnixSeconds(2));
  row.set_disable_time_micros(1);
  EXPECT_TRUE(ToRecipient(row).disabled);
}

TEST_F(SharingRowsTest, OfTwoChangesOfARecipientTheSecondConflicts) {
  const uint64_t as_of = vault_.engine().AppliedSequence();
  StateChange first = vault_.NewChange();
  StateChange second = vault_.NewChange();
  for (StateChange* change : {&first, &second}) change->PutRecipient(Recipient("yamato"));
  ASSERT_TRUE(vault_.Commit(std::move(first), as_of).ok());
  EXPECT_TRUE(absl::IsAborted(vault_.Commit(std::move(second), as_of)));
  EXPECT_TRUE(absl::IsAborted(Read(RecipientCell("default", "yamato"), as_of)));
  EXPECT_TRUE(Read(RecipientCell("default", "sagawa"), as_of).ok());
}

TEST_F(SharingRowsTest, AnAlteredOrMovedRowIsDamage) {
  Register(Recipient("yamato"));
  Revoke("default");
  const storage::Key recipient = StateKey(StateKind::kRecipient, "default/yamato");
  const storage::Key revocation = StateKey(StateKind::kExportRevocation, Revocations("default")[0]);
  const storage::Key to_recipient = StateKey(StateKind::kRecipient, "default/sagawa");
  Copy(recipient, to_recipient);
  ExpectDamage(to_recipient);
  const storage::Key to_revocation =
      StateKey(StateKind::kExportRevocation, SystemRandom().Id128().ToText());
  Copy(revocation, to_revocation);
  ExpectDamage(to_revocation);
  for (const storage::Key& key : {recipient, revocation}) {
    for (auto& [name, value] : vault_.engine().Dump(storage::Table::kState)) {
      if (name != key.bytes) continue;
      std::string altered = value;
      altered.back() = static_cast<char>(altered.back() ^ 1);
      vault_.engine().Tamper(key, altered);
      EXPECT_TRUE(absl::IsDataLoss(vault_.Open()));
      vault_.engine().Tamper(key, value);
    }
  }
  EXPECT_TRUE(vault_.Open().ok());
}

TEST_F(SharingRowsTest, ARowThatContradictsItsKeyOrHasNoTenantIsDamage) {
  Register(Recipient("yamato"));
  const storage::Key sagawa = StateKey(StateKind::kRecipient, "default/sagawa");
  Plant(sagawa, Recipient("yamato"));
  ExpectDamage(sagawa);
  const storage::Key nowhere = StateKey(StateKind::kRecipient, "gone/yamato");
  Plant(StateKey(StateKind::kPrincipal, "gone.yamato"), PrincipalOf(Recipient("yamato", "gone")));
  Plant(nowhere, Recipient("yamato", "gone"));
  EXPECT_TRUE(absl::IsDataLoss(vault_.Open()));
  vault_.engine().Tamper(StateKey(StateKind::kPrincipal, "gone.yamato"), std::nullopt);
  ExpectDamage(nowhere);
  ExportRevocationRow revocation;
  revocation.set_tenant("default");
  const storage::Key no_id = StateKey(StateKind::kExportRevocation, "no id");
  Plant(no_id, revocation);
  ExpectDamage(no_id);
  revocation.set_tenant("gone");
  const storage::Key id = StateKey(StateKind::kExportRevocation, SystemRandom().Id128().ToText());
  Plant(id, revocation);
  ExpectDamage(id);
}

TEST_F(SharingRowsTest, ARecipientAndItsPrincipalAreThereTogetherOrItIsDamage) {
  const RecipientRow row = Recipient("yamato");
  const storage::Key recipient = StateKey(StateKind::kRecipient, "default/yamato");
  const storage::Key principal = StateKey(StateKind::kPrincipal, "default.yamato");
  Plant(recipient, row);
  EXPECT_TRUE(absl::IsDataLoss(vault_.Open()));
  PrincipalRow other = PrincipalOf(row);
  other.set_kind(1);
  Plant(principal, other);
  EXPECT_TRUE(absl::IsDataLoss(vault_.Open()));
  other = PrincipalOf(row);
  other.set_recipient("other/yamato");
  Plant(principal, other);
  EXPECT_TRUE(absl::IsDataLoss(vault_.Open()));
  Plant(principal, PrincipalOf(row));
  EXPECT_TRUE(vault_.Open().ok());
  // A second principal that claims to be the recipient's.
  const storage::Key second = StateKey(StateKind::kPrincipal, "second");
  other = PrincipalOf(row);
  other.set_name("second");
  Plant(second, other);
  ExpectDamage(second);
  // Whoever takes the recipient's row away takes nothing of what is known of its principal.
  vault_.engine().Tamper(recipient, std::nullopt);
  EXPECT_TRUE(absl::IsDataLoss(vault_.Open()));
}

TEST_F(SharingRowsTest, RevocationsAreSeenOldestFirstByTheirTenant) {
  EXPECT_THAT(Revocations("default"), IsEmpty());
  const std::string first = Revoke("default");
  const std::string of_other = Revoke("other");
  vault_.Pass(absl::Seconds(1));
  const std::string second = Revoke("default");
  vault_.Pass(absl::Seconds(1));
  const std::string third = Revoke("default");
  for (int restart = 0; restart < 2; ++restart) {
    EXPECT_THAT(Revocations("default"), ElementsAre(first, second, third));
    EXPECT_THAT(Revocations("other"), ElementsAre(of_other));
    EXPECT_EQ(vault_.state()->revocations("default")[0]->row.rule(), "carriers");
    ASSERT_TRUE(vault_.Open().ok());
  }
}

TEST_F(SharingRowsTest, ARevocationOvertakesWhoeverDecidedWithoutIt) {
  const uint64_t as_of = vault_.engine().AppliedSequence();
  Revoke("default");
  EXPECT_TRUE(absl::IsAborted(Read(ExportRevocationsCell("default"), as_of)));
  EXPECT_TRUE(Read(ExportRevocationsCell("other"), as_of).ok());
}

TEST_F(SharingRowsTest, ARevocationGoesWhenNoTokenIsSoOld) {
  // It may wait so long, and then live so long.
  EXPECT_GT(kExportRevocationKept, 2 * authz::kMaxTokenLifetime);
  const auto before = vault_.state();
  const std::string first = Revoke("default");
  const std::string of_other = Revoke("other");
  vault_.Pass(absl::Hours(48));
  const std::string second = Revoke("default");
  EXPECT_THAT(Revocations("default"), ElementsAre(first, second));
  vault_.Pass(absl::Hours(1) + absl::Microseconds(1));
  const std::string third = Revoke("default");
  for (int restart = 0; restart < 2; ++restart) {
    EXPECT_THAT(Revocations("default"), ElementsAre(second, third));
    EXPECT_THAT(Revocations("other"), ElementsAre(of_other));
    ASSERT_TRUE(vault_.Open().ok());
  }
  EXPECT_THAT(before->revocations("default"), IsEmpty());
}

}  // namespace
}  // namespace piivault::vault
