// Tokens are taken back: whatever else there is, and by nobody whose they are not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "storage/keys.h"
#include "tests/vault/disclosures/disclosure_testing.h"
#include "vault/sharing/export_token.h"

namespace piivault::vault {
namespace {

using testing::SizeIs;

class RevocationTest : public SharingVault, public testing::Test {
 protected:
  storage::Key TokenKey(const std::string& token) {
    const auto vault = *storage::Id128::FromBytes(store().snapshot()->vault_id());
    const ExportClaims claims = *OpenExportToken(token, store().snapshot()->signing_keys(), vault,
                                                 "tenants/default/recipients/yamato", now);
    return storage::ExportTokenKey(TenantNumber("default"), claims.jti);
  }
  v1::RevokeExportTokensRequest Of(const std::string& recipient, const std::string& issuer = "") {
    v1::RevokeExportTokensRequest request;
    request.set_parent("tenants/default");
    if (!recipient.empty()) request.set_recipient("tenants/default/recipients/" + recipient);
    if (!issuer.empty()) request.set_issuer("principals/" + issuer);
    return request;
  }
  size_t Rows() { return store().snapshot()->revocations("default").size(); }
};

TEST_F(RevocationTest, OneDamagedTokenKeepsNoOtherFromBeingTakenBack) {
  Parcel broken = NewParcel();
  Parcel whole = NewParcel();
  // The one that is come upon first.
  if (TokenKey(whole.token).bytes < TokenKey(broken.token).bytes) std::swap(broken, whole);
  const storage::Key row = TokenKey(broken.token);
  std::string value = *engine().Get(row);
  value.back() = static_cast<char>(value.back() ^ 1);
  engine().Tamper(row, value);
  v1::ListExportTokensRequest list;
  list.set_parent("tenants/default");
  const Result listed = Call("officer", "ListExportTokens", list);
  ASSERT_TRUE(listed.ok()) << listed.name();
  ASSERT_THAT(listed.As<v1::ListExportTokensResponse>().tokens(), SizeIs(1));
  const Result revoked = Call("officer", "RevokeExportTokens", Of("yamato"));
  ASSERT_TRUE(revoked.ok()) << revoked.name();
  EXPECT_EQ(revoked.As<v1::RevokeExportTokensResponse>().revoked(), 1);
  EXPECT_EQ(revoked.entry.arguments().at("damaged"), "1");
  EXPECT_EQ(Redeem("yamato", whole.token).name(), "TOKEN_REVOKED");
  EXPECT_EQ(Redeem("yamato", broken.token).name(), "DATA_LOSS");
}

TEST_F(RevocationTest, ARecipientTakesNothingBackAndWritesNothing) {
  const Parcel parcel = NewParcel();
  const size_t rows = Rows();
  v1::RevokeExportTokensRequest of_one;
  of_one.set_parent("tenants/default");
  v1::ListExportTokensRequest list;
  list.set_parent("tenants/default");
  of_one.set_token(Call("officer", "ListExportTokens", list)
                       .As<v1::ListExportTokensResponse>()
                       .tokens(0)
                       .name());
  for (const auto& request : {Of("yamato"), Of("", "yamato"), of_one}) {
    EXPECT_EQ(Call("yamato", "RevokeExportTokens", request).name(), "PRINCIPAL_KIND_NOT_ADMITTED");
  }
  EXPECT_EQ(Rows(), rows);
  EXPECT_TRUE(Redeem("yamato", parcel.token).ok());
}

TEST_F(RevocationTest, WhoIssuedTakesTheOwnBackWhereverTheyStand) {
  const Parcel parcel = NewParcel();
  const size_t rows = Rows();
  EXPECT_EQ(Call("clerk", "RevokeExportTokens", Of("yamato")).name(), "SYSTEM_ROLE_REQUIRED");
  EXPECT_TRUE(Call("clerk", "RevokeExportTokens", Of("", "clerk")).ok());  // has none
  EXPECT_EQ(Rows(), rows);
  const Result revoked = Call("sender", "RevokeExportTokens", Of("", "sender"));
  ASSERT_TRUE(revoked.ok()) << revoked.name();
  EXPECT_EQ(revoked.As<v1::RevokeExportTokensResponse>().revoked(), 1);
  EXPECT_EQ(Rows(), rows + 1);
  EXPECT_EQ(Redeem("yamato", parcel.token).name(), "TOKEN_REVOKED");
}

TEST_F(RevocationTest, TokensThatAreIssuedMeanwhileAreTakenBackToo) {
  const std::string person = NewParcel().person;
  const auto revocation = Of("yamato");
  Open revoking(*this, "officer", "RevokeExportTokens", revocation);
  ASSERT_EQ(revoking.Next().reason, authz::Reason::kOk);
  now += absl::Milliseconds(900);
  const std::string token = Token("sender", ForCarrier(person));
  ASSERT_TRUE(revoking.Commit().ok());
  EXPECT_EQ(Redeem("yamato", token).name(), "TOKEN_REVOKED");
}

TEST_F(RevocationTest, NoTokenIsIssuedBehindARevocationThatItDidNotKnowOf) {
  const std::string person = NewParcel().person;
  const auto request = ForCarrier(person);
  Open issuing(*this, "sender", "IssueExportToken", request);
  ASSERT_EQ(issuing.Next().reason, authz::Reason::kOk);
  ASSERT_TRUE(Call("officer", "RevokeExportTokens", Of("yamato")).ok());
  EXPECT_TRUE(issuing.Commit().conflict);
  EXPECT_EQ(issuing.Next().reason, authz::Reason::kTokenRevoked);
  now += absl::Seconds(1);
  EXPECT_EQ(Issue("sender", request).name(), "TOKEN_REVOKED");
  now += absl::Microseconds(1);
  EXPECT_TRUE(Issue("sender", request).ok());
}

}  // namespace
}  // namespace piivault::vault
