#ifndef PIIVAULT_TESTS_VAULT_SERVICE_SHARING_TESTING_H_
#define PIIVAULT_TESTS_VAULT_SERVICE_SHARING_TESTING_H_

#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "piivault/v1/sharing_service.pb.h"
#include "tests/vault/service/admin_testing.h"
#include "vault/service/sharing_service.h"

namespace piivault::vault {

inline constexpr char kSharingPolicy[] = R"(policy: sharing
timezone: Asia/Tokyo
types:
  customer:
    fields:
      name: person_name
      address: postal_address
purposes:
  delivery: {label: {en: Deliver}}
matters:
  option: {label: {en: Option}}
roles:
  clerk: {kind: staff, nda: none}
recipients:
  - {id: carriers, clause: 001-01, kind: carrier, fields: [customer.*], purposes: [delivery],
     basis: published_clause}
  - {id: owners, clause: 001-02, kind: controller, fields: [customer.*], purposes: [delivery],
     basis: instruction}
recipient_rules: {clause: 001-03, processors: allowed}
grants:
  - {id: clerk-export, role: clerk, may: [export], fields: [customer.*], for: [delivery]}
)";

// SharingService beside AdminService: `aoki` and `baba` administer, the policy above is in force,
// and recipients' certificates are those of callers in `outside_`.
class SharingTest : public AdminTest {
 protected:
  SharingTest() {
    EXPECT_TRUE(methods_.AddService("piivault.v1.SharingService").ok());
    EXPECT_TRUE(RegisterSharingService(sharing_, &methods_).ok());
    Activate(kSharingPolicy);
  }

  // A tenant with one of ops/policies in force, of the same name.
  void MakeOperator(const std::string& name) {
    dependencies_.sessions = {absl::Minutes(10), absl::Hours(12)};
    v1::CreateTenantRequest tenant;
    tenant.mutable_tenant()->set_name("tenants/" + name);
    EXPECT_TRUE(Call<v1::CreateTenantResponse>("aoki", "CreateTenant", tenant).ok());
    v1::CreatePolicyRequest load;
    load.set_yaml(ReadPolicy(name + ".yaml"));
    load.set_values_yaml(ReadPolicy(name + ".values.yaml"));
    const auto loaded = Call<v1::CreatePolicyResponse>("aoki", "CreatePolicy", load);
    ASSERT_TRUE(loaded.ok()) << authz::ReasonName(loaded.reason);
    v1::CreateProposalRequest request;
    auto* activate = request.mutable_proposal()->mutable_activate_policy();
    activate->set_tenant(tenant.tenant().name());
    activate->set_policy_sha256(loaded.response.policy().name().substr(9));
    const auto proposed = Propose("aoki", request);
    ASSERT_TRUE(proposed.ok()) << authz::ReasonName(proposed.reason);
    ASSERT_TRUE(Approve("baba", proposed.response.proposal()).ok());
  }
  static std::string ReadPolicy(const std::string& name) {
    std::ifstream file(std::string(PIIVAULT_SOURCE_DIR) + "/ops/policies/" + name);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }
  static std::string Name(const std::string& recipient) {
    return "tenants/default/recipients/" + recipient;
  }
  static v1::RegisterRecipientRequest RegisterRequest(const std::string& recipient,
                                                      const std::string& category = "carrier",
                                                      const std::string& tenant = "default") {
    v1::RegisterRecipientRequest request;
    request.mutable_recipient()->set_name("tenants/" + tenant + "/recipients/" + recipient);
    request.mutable_recipient()->set_display_name("Example Logistics");
    request.mutable_recipient()->set_category(category);
    request.mutable_recipient()->set_country("JP");
    request.add_identities("spiffe://example.test/" + recipient);
    return request;
  }
  Answer<v1::RegisterRecipientResponse> Register(const v1::RegisterRecipientRequest& request,
                                                 const std::string& caller = "aoki") {
    return Call<v1::RegisterRecipientResponse>(caller, "SharingService/RegisterRecipient", request);
  }
  // Expects to succeed; the recipient's certificate is one of a recipients' root from now on.
  void MakeRecipient(const std::string& recipient, const std::string& caller = "aoki") {
    const auto answer = Register(RegisterRequest(recipient), caller);
    EXPECT_TRUE(answer.ok()) << authz::ReasonName(answer.reason);
    outside_.insert(recipient);
  }
  Answer<v1::GetRecipientResponse> Get(const std::string& caller, const std::string& recipient) {
    v1::GetRecipientRequest request;
    request.set_name(Name(recipient));
    return Call<v1::GetRecipientResponse>(caller, "SharingService/GetRecipient", request);
  }
  v1::RecordRecipientAttestationRequest ContractRequest(const std::string& recipient) {
    v1::RecordRecipientAttestationRequest request;
    request.set_recipient(Name(recipient));
    v1::RecipientAttestation* contract = request.mutable_attestation();
    contract->set_kind("contract");
    contract->set_document_sha256(std::string(64, 'a'));
    contract->mutable_signed_at()->set_seconds(absl::ToUnixSeconds(vault_.now()) - 60);
    return request;
  }
  Answer<v1::RecordRecipientAttestationResponse> Record(
      const v1::RecordRecipientAttestationRequest& request, const std::string& caller = "aoki") {
    return Call<v1::RecordRecipientAttestationResponse>(
        caller, "SharingService/RecordRecipientAttestation", request);
  }
  const RecipientState* Recipient(const std::string& recipient) {
    held_.push_back(vault_.state());
    return held_.back()->FindRecipient("default", recipient);
  }
  const PrincipalState* PrincipalOf(const std::string& recipient) {
    held_.push_back(vault_.state());
    return held_.back()->FindPrincipal("default." + recipient);
  }

  // What EnrolCertificate finds in a certificate; null: nothing.
  std::shared_ptr<const CallerIdentity> examined_;
  int examinations_ = 0;
  bool proved_ = true;  // whether its key has signed
  std::unique_ptr<ValueRules> rules_ = *ValueRules::Create();
  UniqueCells unique_{SystemRandom()};
  VolumeBudgets budgets_;
  VaultDependencies data_{vault_.engine(), vault_.store(), *rules_,
                          unique_,         budgets_,       SystemRandom()};
  SharingDependencies sharing_{
      data_, dependencies_,
      [this](std::string_view, std::string_view) -> std::shared_ptr<const CallerIdentity> {
        ++examinations_;
        return examined_;
      },
      [this](std::string_view, std::string_view, std::string_view) { return proved_; }};

 private:
  std::vector<std::shared_ptr<const StateSnapshot>> held_;  // what tests point into
};

}  // namespace piivault::vault

#endif  // PIIVAULT_TESTS_VAULT_SERVICE_SHARING_TESTING_H_
