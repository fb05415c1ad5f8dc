// What was given to recipients and is destroyed here is withdrawn from them: they are told of each
// field that went, whatever took it.
#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "piivault/v1/retention_service.pb.h"
#include "tests/vault/disclosures/disclosure_testing.h"

namespace piivault::vault {
namespace {

using Result = VaultFixture::Result;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr std::string_view kGrants = R"(grants:
  - {id: shop-tells, role: shop, may: [update_subject]}
  - {id: clerk-selects, role: clerk, may: [select_destruction], for: [legal]}
  - {id: boss-destroys, role: boss, may: [approve_destruction], for: [legal]}
)";
constexpr std::string_view kRetention = R"(laws: [Tax]
retention:
  - {id: phones, fields: [customer.phone], trigger: purpose_complete, keep: 0, then: destroy}
  - {id: addresses, fields: [customer.address], trigger: purpose_complete, keep: 0, then: destroy, approval: boss}
  - {id: names, hold: Tax, fields: [customer.name], trigger: cancelled, keep: 30d, then: destroy}
)";

// A carrier has the name, the address and the phone number of a person.
class RetentionNoticeTest : public testing::Test {
 protected:
  RetentionNoticeTest() {
    std::string policy(kSharingPolicy);
    policy.replace(policy.find("grants:\n"), 8, kGrants);
    vault_.SetPolicy("default", policy + std::string(kRetention));
    parcel_ = vault_.NewParcel();
    EXPECT_TRUE(vault_.Redeem("yamato", parcel_.token).ok());
    EXPECT_THAT(Withdrawn(), IsEmpty());
  }

  void ChangePerson(bool contract_active, const std::vector<std::string>& events) {
    v1::UpdateSubjectRequest request;
    request.set_subject(parcel_.person);
    request.set_contract_active(contract_active);
    request.mutable_events()->Assign(events.begin(), events.end());
    EXPECT_EQ(vault_.Call("shop", "UpdateSubject", request).name(), "OK");
  }
  void Erase() {
    v1::DeleteSubjectRequest request;
    request.set_name(parcel_.person);
    request.set_keep_held(true);
    EXPECT_EQ(vault_.Call("shop", "DeleteSubject", request).name(), "OK");
  }
  // Fields of what the carrier was told, but of what it has acknowledged by then.
  std::vector<std::string> Withdrawn() {
    std::vector<std::string> fields;
    const Result listed = vault_.Notices("yamato");
    EXPECT_EQ(listed.name(), "OK");
    v1::AcknowledgeCorrectionNoticesRequest acknowledge;
    for (const auto& notice : SharingVault::Noticed(listed).notices()) {
      EXPECT_EQ(notice.kind(), v1::CORRECTION_KIND_WITHDRAWN);
      fields.insert(fields.end(), notice.fields().begin(), notice.fields().end());
      acknowledge.add_names(notice.name());
    }
    if (acknowledge.names_size() > 0) {
      EXPECT_EQ(vault_.Call("yamato", "AcknowledgeCorrectionNotices", acknowledge).name(), "OK");
    }
    return fields;
  }

  SharingVault vault_;
  SharingVault::Parcel parcel_;
};

TEST_F(RetentionNoticeTest, WhatGoesByItselfIsWithdrawn) {
  ChangePerson(true, {"purpose_complete"});
  EXPECT_EQ(vault_.Sweep(), 1u);
  EXPECT_THAT(Withdrawn(), ElementsAre("customer.phone"));
  const Result held = vault_.Disclosures("officer", parcel_.person);
  ASSERT_EQ(held.name(), "OK");
  EXPECT_THAT(SharingVault::Listed(held).disclosures(0).records(0).outdated_fields(),
              ElementsAre("phone"));
}

TEST_F(RetentionNoticeTest, WhatIsDestroyedWithApprovalIsWithdrawn) {
  ChangePerson(true, {"purpose_complete"});
  v1::SelectDestructionRequest select;
  select.set_parent("tenants/default");
  select.mutable_usage()->set_purpose("legal");
  const Result selected = vault_.Call("clerk", "SelectDestruction", select);
  ASSERT_EQ(selected.name(), "OK");
  v1::ApproveDestructionRequest approve;
  approve.set_name(selected.As<v1::SelectDestructionResponse>().destruction().name());
  approve.set_sha256(selected.As<v1::SelectDestructionResponse>().destruction().sha256());
  approve.mutable_usage()->set_purpose("legal");
  ASSERT_EQ(vault_.Call("boss", "ApproveDestruction", approve).name(), "OK");
  EXPECT_THAT(Withdrawn(), ElementsAre("customer.address"));
}

TEST_F(RetentionNoticeTest, AnErasureThatKeepsSomethingWithdrawsTheRestAndThenThat) {
  Erase();
  EXPECT_THAT(Withdrawn(), UnorderedElementsAre("customer.address", "customer.phone"));
  ChangePerson(false, {});
  EXPECT_EQ(vault_.Sweep(), 0u);
  EXPECT_THAT(Withdrawn(), IsEmpty());
  vault_.now += absl::Hours(24 * 31);
  vault_.Sweep();
  EXPECT_THAT(Withdrawn(), testing::Contains("customer.name"));
}

// A row of the ledger that does not open keeps nothing here.
TEST_F(RetentionNoticeTest, WhatIsDueGoesWhateverBecameOfTheLedger) {
  storage::Key all = storage::HoldingPrefix(vault_.TenantNumber("default"), storage::Id128());
  all.bytes.resize(all.bytes.size() - storage::Id128::kSize);
  for (const auto& [key, value] : vault_.engine().Dump(storage::Table::kSharing)) {
    if (!key.starts_with(all.bytes)) continue;
    std::string damaged = value;
    damaged.back() = static_cast<char>(damaged.back() ^ 1);
    vault_.engine().Tamper({storage::Table::kSharing, key}, damaged);
  }
  ChangePerson(true, {"purpose_complete"});
  EXPECT_EQ(vault_.Sweep(), 1u);
  EXPECT_THAT(Withdrawn(), IsEmpty());
}

// What goes of another record of the same person was given to nobody.
TEST_F(RetentionNoticeTest, WhatWasNotGivenIsNotWithdrawn) {
  const std::string other = vault_.Customer({{"phone", "03-1234-5678"}}, parcel_.person);
  v1::OpenMatterRequest open;
  open.set_parent(parcel_.person);
  open.mutable_matter()->set_kind("shipment");
  open.mutable_matter()->set_id("P-2");
  open.mutable_matter()->add_records(other);
  ASSERT_EQ(vault_.Call("shop", "OpenMatter", open).name(), "OK");
  v1::UpdateMatterRequest tell;
  tell.set_parent(parcel_.person);
  tell.set_kind("shipment");
  tell.set_id("P-2");
  tell.add_events("purpose_complete");
  ASSERT_EQ(vault_.Call("shop", "UpdateMatter", tell).name(), "OK");
  EXPECT_EQ(vault_.Sweep(), 1u);
  EXPECT_THAT(Withdrawn(), IsEmpty());
}

}  // namespace
}  // namespace piivault::vault
