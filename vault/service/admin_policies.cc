#include <utility>

#include "authz/policy.h"
#include "vault/service/admin_call.h"
#include "vault/service/admin_convert.h"
#include "vault/service/resource_name.h"
#include "vault/text.h"

namespace piivault::vault {
namespace {

// Places named in an error; all findings come with validate_only.
constexpr size_t kMaxPlaces = 20;

void FillDiagnostics(const authz::Diagnostics& from, piivault::v1::CreatePolicyResponse* response) {
  for (const authz::Diagnostic& finding : from.items()) {
    piivault::v1::Diagnostic* to = response->add_diagnostics();
    to->set_line(finding.line);
    to->set_column(finding.column);
    to->set_error(finding.severity == authz::Severity::kError);
    to->set_message(finding.hint.empty() ? finding.message
                                         : Concat({finding.message, " (", finding.hint, ")"}));
  }
}

// `policy.yaml:12:5` of the errors: no text of the policy goes into an error.
std::vector<std::string> Places(const authz::Diagnostics& from) {
  std::vector<std::string> places;
  for (const authz::Diagnostic& finding : from.items()) {
    if (finding.severity != authz::Severity::kError) continue;
    if (places.size() == kMaxPlaces) break;
    places.push_back(Concat(
        {finding.file, ":", std::to_string(finding.line), ":", std::to_string(finding.column)}));
  }
  return places;
}

storage::v1::PolicyRow NewRow(AdminCall& call, const authz::Policy& policy) {
  storage::v1::PolicyRow row;
  row.set_yaml(policy.text().yaml);
  row.set_values_yaml(policy.text().values_yaml);
  row.set_create_time_micros(call.now_micros());
  row.set_created_by(call.caller());
  row.set_id(policy.id());
  row.set_missing_documents(static_cast<int32_t>(policy.missing_documents()));
  return row;
}

// Fields with a promise that this version does not keep: to be under the keys for important data
// alone where the person's row has the value too, for decisions by age.
// Such a policy is refused, because accepting it would make the promise.
std::vector<std::string> FieldsPromisedTooMuch(const authz::Policy& policy) {
  std::vector<std::string> fields;
  for (const authz::FieldSpec& field : policy.fields()) {
    const bool copied = field.semantic == authz::SemanticType::kBirthDate;
    if (field.important && copied) fields.push_back(field.full_name);
  }
  return fields;
}

}  // namespace

Plan AdminCreatePolicy(AdminCall& call) {
  const auto& request = call.request<piivault::v1::CreatePolicyRequest>();
  if (request.yaml().empty()) return call.Refuse(BadArgument("yaml"));
  if (request.yaml().size() > authz::Policy::kMaxBytes) {
    return call.Refuse(authz::Reason::kValueTooLarge, {"yaml"});
  }
  if (request.values_yaml().size() > authz::Policy::kMaxBytes) {
    return call.Refuse(authz::Reason::kValueTooLarge, {"values_yaml"});
  }
  AdminKept& kept = call.kept();
  if (!std::exchange(kept.loaded, true)) {
    authz::PolicyText text;
    text.yaml = request.yaml();
    text.values_yaml = request.values_yaml();
    kept.policy = authz::Policy::Load(text, &kept.diagnostics);
  }
  const authz::Diagnostics& diagnostics = kept.diagnostics;
  const std::shared_ptr<const authz::Policy>& policy = kept.policy;
  if (policy == nullptr && !request.validate_only()) {
    return call.Refuse(authz::Reason::kPolicyInvalid, Places(diagnostics));
  }
  if (policy != nullptr) {
    std::vector<std::string> unkept = FieldsPromisedTooMuch(*policy);
    if (!unkept.empty()) return call.Refuse(authz::Reason::kPolicyInvalid, std::move(unkept));
  }
  auto* response = call.response<piivault::v1::CreatePolicyResponse>();
  FillDiagnostics(diagnostics, response);
  if (policy == nullptr) return call.Answer(response);

  call.set_resource(PolicyName(policy->hash_hex()));
  const PolicyState* there = call.state().FindPolicy(policy->hash_hex());
  const storage::v1::PolicyRow row = there != nullptr ? there->row : NewRow(call, *policy);
  if (!request.validate_only() && there == nullptr) {
    call.change().PutPolicy(policy->hash_hex(), row, policy);
  }
  FillPolicy(policy->hash_hex(), row, call.state(), response->mutable_policy());
  return call.Answer(response);
}

Plan AdminGetPolicy(AdminCall& call) {
  const auto& request = call.request<piivault::v1::GetPolicyRequest>();
  auto hex = ParsePolicyName(request.name());
  if (!hex.has_value()) return call.Refuse(BadArgument("name"));
  call.set_resource(request.name());
  const PolicyState* policy = call.state().FindPolicy(*hex);
  if (policy == nullptr) return call.Refuse(authz::Reason::kNotFound);
  auto* response = call.response<piivault::v1::GetPolicyResponse>();
  FillPolicy(*hex, policy->row, call.state(), response->mutable_policy());
  response->set_yaml(policy->row.yaml());
  response->set_values_yaml(policy->row.values_yaml());
  return call.Answer(response);
}

Plan AdminListPolicies(AdminCall& call) {
  const auto& request = call.request<piivault::v1::ListPoliciesRequest>();
  std::vector<std::pair<std::string, const PolicyState*>> items;
  for (const auto& [hex, policy] : call.state().policies()) {
    items.emplace_back(NewestFirstKey(policy->row.create_time_micros(), hex), policy.get());
  }
  auto page = PageOf(call, request, std::move(items));
  if (!page.ok()) return call.Refuse(page.status());
  auto* response = call.response<piivault::v1::ListPoliciesResponse>();
  for (const PolicyState* policy : page->items) {
    FillPolicy(policy->hex, policy->row, call.state(), response->add_policies());
  }
  response->set_next_page_token(page->next_page_token);
  return call.Answer(response);
}

}  // namespace piivault::vault
