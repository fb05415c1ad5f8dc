#ifndef PIIVAULT_TESTS_VAULT_SERVICE_ADMIN_TESTING_H_
#define PIIVAULT_TESTS_VAULT_SERVICE_ADMIN_TESTING_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "piivault/storage/v1/entry.pb.h"
#include "piivault/v1/admin_service.pb.h"
#include "tests/vault/state/vault_fixture.h"
#include "vault/crypto/sha256.h"
#include "vault/service/admin_service.h"

namespace piivault::vault {

class FakeRotator : public KeyRotator {
 public:
  absl::StatusOr<uint32_t> NextEpoch() const override {
    if (running) return absl::FailedPreconditionError("running");
    return 2;
  }
  void StartRotation() override { ++started; }
  uint64_t backlog() const override { return 17; }
  std::optional<uint64_t> LiveRows(uint32_t) const override { return 5; }
  absl::Status CheckDestroy(uint32_t epoch) const override {
    if (epoch == 1) return absl::FailedPreconditionError("active");
    return epoch == 2 ? absl::OkStatus() : absl::NotFoundError("epoch");
  }
  void StartDestroy(uint32_t epoch) override { destroyed.push_back(epoch); }

  bool running = false;
  int started = 0;
  std::vector<uint32_t> destroyed;
};

// How a call ended.
template <typename Response>
struct Answer {
  authz::Reason reason = authz::Reason::kInternal;
  std::vector<std::string> fields;
  Response response;  // where reason is kOk
  storage::v1::EntryBody entry;
  bool ok() const { return reason == authz::Reason::kOk; }
};

// AdminService over a memory engine, called as the transport calls it.
class AdminTest : public testing::Test {
 protected:
  explicit AdminTest(bool single_operator = false)
      : vault_(single_operator),
        dependencies_{vault_.engine(),
                      vault_.store(),
                      vault_.keys(),
                      vault_.keyring(),
                      rotator_,
                      SystemRandom(),
                      "1.2.3",
                      [this](const std::function<bool(std::string_view)>& whose) {
                        int cut = 0;
                        for (const std::string& stream : streams_) cut += whose(stream) ? 1 : 0;
                        return cut;
                      },
                      [] {
                        return AdminDependencies::Mirrors{1, 2};
                      }} {
    EXPECT_TRUE(methods_.AddService("piivault.v1.AdminService").ok());
    EXPECT_TRUE(RegisterAdminService(dependencies_, &methods_).ok());
  }

  // Calls `method`, of AdminService where it names no service, with the certificate of `caller` (an
  // identity's last part), committing the plan and deciding again after conflicts. `between` runs
  // between decision and commit.
  template <typename Response>
  Answer<Response> Call(const std::string& caller, const std::string& method,
                        const google::protobuf::Message& request,
                        const std::function<void()>& between = nullptr) {
    Answer<Response> answer;
    const MethodInfo* info = methods_.Find(
        "piivault.v1." + (method.find('/') == std::string::npos ? "AdminService/" : std::string()) +
        method);
    EXPECT_NE(info, nullptr) << method;
    std::unique_ptr<Handler> handler = info->factory();
    google::protobuf::Arena arena;
    CallContext context{.method = *info,
                        .caller = Certificate(caller),
                        .peer = "ipv4:192.0.2.77:4711",
                        .deadline = absl::InfiniteFuture()};
    context.arena = &arena;
    context.request = &request;
    for (context.attempt = 1; context.attempt <= kMaxAttempts; ++context.attempt) {
      context.now = vault_.now();
      context.as_of = vault_.engine().AppliedSequence();
      Plan plan = handler->Next(context);
      EXPECT_TRUE(plan.entry.has_value());
      if (!plan.entry.has_value()) return answer;
      answer.entry.ParseFromString(plan.entry->body);
      answer.fields = plan.denied_fields;
      if (between != nullptr && context.attempt == 1) between();
      auto commit = std::make_unique<storage::Commit>();
      commit->as_of = context.as_of;
      commit->decided_at = context.now;
      commit->reads = plan.reads;
      commit->touches = plan.touches;
      commit->writes = plan.writes;
      commit->entry = plan.entry;
      commit->applied = plan.applied;
      auto position = storage::CommitOrError(vault_.engine(), std::move(commit));
      if (absl::IsAborted(position.status())) continue;
      EXPECT_TRUE(position.ok()) << position.status();
      handler->Committed(&*position);
      answer.reason = plan.reason;
      if (plan.reason == authz::Reason::kOk) {
        answer.response.CopyFrom(*plan.response);
      }
      return answer;
    }
    answer.reason = authz::Reason::kConflict;
    return answer;
  }

  std::shared_ptr<const CallerIdentity> Certificate(const std::string& caller) {
    auto identity = std::make_shared<CallerIdentity>();
    identity->name = "spiffe://example.test/" + caller;
    identity->certificate_sha256 = AsView(Sha256(caller));
    identity->not_after = absl::InfiniteFuture();
    identity->of_recipients_root = outside_.contains(caller);
    identity->client_root = identity->of_recipients_root ? "partners" : "staff";
    return identity;
  }

  // What most tests begin with. Each expects to succeed.
  void MakePerson(const std::string& name,
                  piivault::v1::Employment employment = piivault::v1::EMPLOYMENT_FULL_TIME) {
    piivault::v1::CreatePersonRequest request;
    request.mutable_person()->set_name("persons/" + name);
    request.mutable_person()->set_employment(employment);
    EXPECT_TRUE(Call<piivault::v1::CreatePersonResponse>("aoki", "CreatePerson", request).ok());
  }
  void MakePrincipal(const std::string& name, const std::string& person,
                     piivault::v1::PrincipalKind kind = piivault::v1::PRINCIPAL_KIND_STAFF) {
    piivault::v1::CreatePrincipalRequest request;
    request.mutable_principal()->set_name("principals/" + name);
    request.mutable_principal()->set_kind(kind);
    request.mutable_principal()->set_person("persons/" + person);
    request.mutable_principal()->add_identities()->set_uri("spiffe://example.test/" + name);
    EXPECT_TRUE(
        Call<piivault::v1::CreatePrincipalResponse>("aoki", "CreatePrincipal", request).ok());
  }
  void MakeStaff(const std::string& name) {
    MakePerson(name);
    MakePrincipal(name, name);
  }

  static piivault::v1::CreateProposalRequest GrantRequest(const std::string& principal,
                                                          const std::string& role,
                                                          const std::string& tenant = "") {
    piivault::v1::CreateProposalRequest request;
    auto* grant = request.mutable_proposal()->mutable_grant_role();
    grant->set_principal("principals/" + principal);
    grant->mutable_binding()->set_role(role);
    grant->mutable_binding()->set_tenant(tenant);
    return request;
  }
  Answer<piivault::v1::CreateProposalResponse> Propose(
      const std::string& caller, const piivault::v1::CreateProposalRequest& request) {
    return Call<piivault::v1::CreateProposalResponse>(caller, "CreateProposal", request);
  }
  Answer<piivault::v1::ApproveProposalResponse> Approve(
      const std::string& caller, const piivault::v1::Proposal& proposal,
      const std::function<void()>& between = nullptr) {
    piivault::v1::ApproveProposalRequest request;
    request.set_name(proposal.name());
    request.set_sha256(proposal.sha256());
    return Call<piivault::v1::ApproveProposalResponse>(caller, "ApproveProposal", request, between);
  }
  // Proposed by aoki, approved by baba.
  void Grant(const std::string& principal, const std::string& role,
             const std::string& tenant = "") {
    auto proposed = Propose("aoki", GrantRequest(principal, role, tenant));
    ASSERT_TRUE(proposed.ok()) << authz::ReasonName(proposed.reason);
    auto approved = Approve("baba", proposed.response.proposal());
    ASSERT_TRUE(approved.ok()) << authz::ReasonName(approved.reason);
  }

  // `default`, as it is listed.
  v1::Tenant TheTenant() {
    const auto listed =
        Call<v1::ListTenantsResponse>("aoki", "ListTenants", v1::ListTenantsRequest());
    for (const v1::Tenant& tenant : listed.response.tenants()) {
      if (tenant.name() == "tenants/default") return tenant;
    }
    return {};
  }
  // Loads a shipped policy, and puts it in force for tenants/default; its hash.
  std::string Activate(const std::string& yaml) {
    piivault::v1::CreatePolicyRequest load;
    load.set_yaml(yaml);
    auto loaded = Call<piivault::v1::CreatePolicyResponse>("aoki", "CreatePolicy", load);
    EXPECT_TRUE(loaded.ok()) << authz::ReasonName(loaded.reason);
    piivault::v1::CreateProposalRequest request;
    auto* activate = request.mutable_proposal()->mutable_activate_policy();
    activate->set_tenant("tenants/default");
    const std::string hash = loaded.response.policy().name().substr(9);
    activate->set_policy_sha256(hash);
    auto proposed = Propose("aoki", request);
    EXPECT_TRUE(proposed.ok());
    EXPECT_TRUE(Approve("baba", proposed.response.proposal()).ok());
    return hash;
  }

  piivault::v1::RecordAttestationRequest NdaRequest(const std::string& person) {
    piivault::v1::RecordAttestationRequest request;
    request.set_person("persons/" + person);
    request.mutable_attestation()->set_kind("nda_contract");
    request.mutable_attestation()->set_document_sha256(std::string(64, 'a'));
    request.mutable_attestation()->set_signatory("persons/" + person);
    request.mutable_attestation()->mutable_signed_at()->set_seconds(
        absl::ToUnixSeconds(vault_.now()) - 60);
    return request;
  }

  TestVault vault_;
  FakeRotator rotator_;
  std::vector<std::string> streams_;  // principals of running streams
  std::set<std::string> outside_;     // callers with a certificate of a recipients' root
  AdminDependencies dependencies_;
  MethodTable methods_;
};

}  // namespace piivault::vault

#endif  // PIIVAULT_TESTS_VAULT_SERVICE_ADMIN_TESTING_H_
