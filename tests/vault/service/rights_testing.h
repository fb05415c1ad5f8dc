// Calls about people's requests, under any policy.
#ifndef PIIVAULT_TESTS_VAULT_SERVICE_RIGHTS_TESTING_H_
#define PIIVAULT_TESTS_VAULT_SERVICE_RIGHTS_TESTING_H_

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_join.h"
#include "piivault/v1/admin_service.pb.h"
#include "piivault/v1/rights_service.pb.h"
#include "piivault/v1/subject_service.pb.h"
#include "tests/vault/service/vault_fixture.h"
#include "vault/text.h"

namespace piivault::vault {

inline const std::string kRightsDocument(64, 'd');

class RightsTestBase : public testing::Test {
 protected:
  using Result = VaultFixture::Result;
  using Fields = std::vector<std::string>;

  // A principal of that name in the role of the same name. Staff belongs to Ito, whose documents
  // are in order.
  // In the role of that name; staff is Ito, or that person.
  void PutPrincipal(const std::string& name, int kind, const std::string& person = "ito") {
    vault_.Put([&](StateChange& change) {
      storage::v1::PrincipalRow row;
      row.set_name(name);
      row.set_kind(kind);
      if (kind == v1::PRINCIPAL_KIND_STAFF) row.set_person(person);
      row.add_identities()->set_uri("spiffe://test/" + name);
      row.add_bindings()->set_role(name);
      row.mutable_bindings(0)->set_tenant("default");
      change.PutPrincipal(row);
    });
  }
  // Ito, or that person, has signed and learned all that a role may ask for.
  void PutPapers(const std::vector<std::string>& kinds, const std::string& document = "",
                 const std::string& name = "ito") {
    vault_.Put([&](StateChange& change) {
      storage::v1::PersonRow person;
      person.set_name(name);
      person.set_employment(v1::EMPLOYMENT_FULL_TIME);
      for (const std::string& kind : kinds) {
        storage::v1::AttestationRow& row = *person.add_attestations();
        row.set_id(SystemRandom().Id128().ToText());
        row.set_kind(kind);
        row.set_document_sha256(document.empty() ? std::string(32, 'd') : document);
        row.set_signatory(name);
        row.set_signed_micros(absl::ToUnixMicros(vault_.now - absl::Hours(24)));
      }
      change.PutPerson(person);
    });
  }

  // Staff who is somebody else than Ito.
  void PutOfficer(const std::string& name, const std::string& person = "kuroda",
                  const std::vector<std::string>& papers = {}) {
    PutPapers(papers, "", person);
    PutPrincipal(name, v1::PRINCIPAL_KIND_STAFF, person);
  }

  v1::Usage Use(std::string_view caller, const std::string& person) const {
    v1::Usage usage;
    usage.set_purpose(purpose_);
    if (speak_for_.contains(std::string(caller))) usage.set_on_behalf_of(person);
    return usage;
  }
  static std::string PersonOf(const std::string& name) {
    const size_t subjects = name.find("/subjects/") + 10;
    return name.substr(0, name.find('/', subjects));
  }

  Result Open(std::string_view caller, const std::string& person, const std::string& right,
              const std::string& kind, const Fields& fields, const std::string& ground = "") {
    v1::OpenRequestRequest request;
    request.set_subject(person);
    request.mutable_request()->set_right(right);
    request.mutable_request()->set_kind(kind);
    request.mutable_request()->set_ground(ground);
    for (const std::string& field : fields) request.mutable_request()->add_fields(field);
    *request.mutable_usage() = Use(caller, person);
    return vault_.Call(caller, "OpenRequest", request);
  }
  // The name of a request that has to be taken.
  std::string Asked(std::string_view caller, const std::string& person, const std::string& right,
                    const std::string& kind, const Fields& fields, const std::string& ground = "") {
    const Result result = Open(caller, person, right, kind, fields, ground);
    EXPECT_EQ(result.name(), "OK") << absl::StrJoin(result.denied_fields, ",");
    return result.ok() ? result.As<v1::OpenRequestResponse>().request().name() : "";
  }
  Result Confirm(std::string_view caller, const std::string& name,
                 const std::string& method = "passport") {
    v1::ConfirmIdentityRequest request;
    request.set_name(name);
    request.mutable_evidence()->set_method(method);
    *request.mutable_usage() = Use(caller, PersonOf(name));
    return vault_.Call(caller, "ConfirmIdentity", request);
  }
  static v1::RequestRefusal Because(const std::string& ground, const Fields& fields = {},
                                    const std::string& law = "", const std::string& article = "") {
    v1::RequestRefusal refusal;
    refusal.set_ground(ground);
    refusal.set_law(law);
    refusal.set_article(article);
    for (const std::string& field : fields) refusal.add_fields(field);
    if (ground == "harm_to_others") refusal.set_document_sha256(kRightsDocument);
    return refusal;
  }
  Result Refuse(std::string_view caller, const std::string& name,
                const v1::RequestRefusal& refusal) {
    v1::RefuseRequestRequest request;
    request.set_name(name);
    *request.mutable_refusal() = refusal;
    *request.mutable_usage() = Use(caller, PersonOf(name));
    return vault_.Call(caller, "RefuseRequest", request);
  }
  Result Complete(std::string_view caller, const std::string& name) {
    v1::CompleteRequestRequest request;
    request.set_name(name);
    *request.mutable_usage() = Use(caller, PersonOf(name));
    return vault_.Call(caller, "CompleteRequest", request);
  }
  Result Withdraw(std::string_view caller, const std::string& name) {
    v1::WithdrawRequestRequest request;
    request.set_name(name);
    *request.mutable_usage() = Use(caller, PersonOf(name));
    return vault_.Call(caller, "WithdrawRequest", request);
  }
  Result List(std::string_view caller, const std::string& person, bool open_only = false) {
    v1::ListRequestsRequest request;
    request.set_subject(person);
    request.set_open_only(open_only);
    *request.mutable_usage() = Use(caller, person);
    return vault_.Call(caller, "ListRequests", request);
  }
  // How the request stands, as the caller sees it; without a name where it is not shown.
  v1::SubjectRequest Seen(std::string_view caller, const std::string& name) {
    const Result result = List(caller, PersonOf(name));
    EXPECT_EQ(result.name(), "OK");
    if (result.ok()) {
      for (const auto& request : result.As<v1::ListRequestsResponse>().requests()) {
        if (request.name() == name) return request;
      }
    }
    return {};
  }
  v1::SubjectRequestState StateOf(std::string_view caller, const std::string& name) {
    return Seen(caller, name).state();
  }

  VaultFixture vault_;
  std::string purpose_ = "R0";
  std::set<std::string> speak_for_;  // callers who act for the person
};

}  // namespace piivault::vault

#endif  // PIIVAULT_TESTS_VAULT_SERVICE_RIGHTS_TESTING_H_
