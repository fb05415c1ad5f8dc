#include "vault/service/rights_call.h"

#include <algorithm>

#include "vault/service/admin_convert.h"
#include "vault/service/field_pattern.h"
#include "vault/text.h"

namespace piivault::vault {
namespace {

using authz::Reason;

constexpr authz::Verb kVerb = authz::Verb::kRightsRequest;

bool AnyGranted(const authz::Decision& decision) {
  return std::any_of(decision.fields.begin(), decision.fields.end(),
                     [](const auto& field) { return field.view != authz::View::kDenied; });
}

v1::SubjectRequestState WireState(RequestState state) {
  switch (state) {
    case RequestState::kOpen:
      return v1::SUBJECT_REQUEST_STATE_OPEN;
    case RequestState::kCompleted:
      return v1::SUBJECT_REQUEST_STATE_COMPLETED;
    case RequestState::kPartlyRefused:
      return v1::SUBJECT_REQUEST_STATE_PARTLY_REFUSED;
    case RequestState::kRefused:
      return v1::SUBJECT_REQUEST_STATE_REFUSED;
    case RequestState::kWithdrawn:
      return v1::SUBJECT_REQUEST_STATE_WITHDRAWN;
  }
  return v1::SUBJECT_REQUEST_STATE_UNSPECIFIED;
}

// Adds those of the names that may be seen.
void AddVisible(absl::Span<const std::string_view> names, const std::set<std::string_view>* visible,
                google::protobuf::RepeatedPtrField<std::string>* out) {
  for (std::string_view name : names) {
    if (visible == nullptr || visible->contains(name)) *out->Add() = std::string(name);
  }
}

void FillRefusal(const SubjectRequestRow::Refusal& row, const SubjectUse& use,
                 v1::RequestRefusal* refusal) {
  refusal->set_ground(row.ground());
  refusal->set_law(row.law());
  refusal->set_article(row.article());
  refusal->set_document_sha256(ToHex(row.document_sha256()));
  FillTime(row.time_micros(), refusal->mutable_refuse_time());
  refusal->set_lapsed(!Holds(row, use));
}

}  // namespace

std::optional<Plan> ExpandFields(VaultCall& call,
                                 const google::protobuf::RepeatedPtrField<std::string>& patterns,
                                 std::string_view argument, std::vector<std::string_view>* names) {
  for (const std::string& pattern : patterns) {
    const std::vector<TypeFields> named = FieldsOfPattern(call.policy(), pattern);
    if (pattern.empty() || !IsKnown(named)) {
      return call.Refuse(Reason::kFieldUnknown, {std::string(argument)});
    }
    for (authz::FieldId id : named.front().fields) {
      const std::string_view name = call.policy().field(id).full_name;
      if (std::find(names->begin(), names->end(), name) == names->end()) names->push_back(name);
    }
  }
  return std::nullopt;
}

std::optional<Plan> RightsCall::OpenPerson(std::string_view name, const v1::Usage& usage) {
  return Open(ParseSubjectName(name), usage);
}

std::optional<Plan> RightsCall::OpenRequest(std::string_view name, const v1::Usage& usage) {
  const std::optional<SubjectRequestName> parsed = ParseSubjectRequestName(name);
  if (!parsed.has_value()) return Open(std::nullopt, usage);
  request_id_ = std::string(parsed->request);
  return Open(parsed->subject, usage);
}

std::optional<Plan> RightsCall::Open(const std::optional<SubjectName>& subject,
                                     const v1::Usage& usage) {
  if (auto refused =
          call_.OpenTenant(subject.has_value() ? subject->tenant : std::string_view(), &usage)) {
    return refused;
  }
  person_id_ = subject->subject;
  return DecideAny([this](const authz::TypeSpec& type) {
    authz::DecisionInput input = call_.Input(kVerb);
    input.type = type.id;
    input.fields = type.fields;
    return authz::DecideWithoutSubject(call_.policy(), input);
  });
}

std::optional<Plan> RightsCall::DecideAny(
    absl::FunctionRef<authz::Decision(const authz::TypeSpec& type)> decide) {
  std::optional<authz::Decision> first;
  for (const authz::TypeSpec& type : call_.policy().types()) {
    authz::Decision decision = decide(type);
    if (AnyGranted(decision)) {
      call_.Describe(decision);
      return std::nullopt;
    }
    if (!first.has_value()) first = std::move(decision);
  }
  return first.has_value() ? call_.Refuse(*first) : call_.Refuse(Reason::kOperationNotGranted);
}

std::optional<Plan> RightsCall::LoadPerson() {
  absl::StatusOr<std::optional<SubjectState>> loaded =
      LoadSubject(call_.deps().engine, call_.scope(), person_id_, &call_.changes());
  if (!loaded.ok()) return call_.Refuse(loaded.status());
  if (!loaded->has_value()) return call_.Refuse(Reason::kNotFound);
  person_ = **std::move(loaded);
  const PersonFacts facts(call_.tenant_id(), person_);
  return DecideAny([&](const authz::TypeSpec& type) -> authz::Decision {
    return call_.Decide(kVerb, type.id, type.fields, facts);
  });
}

std::optional<Plan> RightsCall::LoadRequest() {
  if (auto refused = LoadPerson()) return refused;
  request_ = FindRequest(&use(), request_id_);
  if (request_ == nullptr) return Refuse(Reason::kNotFound);
  std::vector<std::string_view> known;
  for (const std::string& name : request_->fields()) {
    if (IsKnown(FieldsOfPattern(call_.policy(), name))) known.push_back(name);
  }
  // What no policy in force says anything of, nobody decides on.
  if (known.empty()) return Refuse(Reason::kFieldUnknown);
  if (auto refused = Decide(known, nullptr)) return refused;
  Describe(*request_);
  return std::nullopt;
}

std::optional<Plan> RightsCall::LoadToAnswer() {
  if (auto refused = LoadRequest()) return refused;
  if (!answers_) return Refuse(Reason::kOperationNotGranted);
  return std::nullopt;
}

std::optional<Plan> RightsCall::Decide(absl::Span<const std::string_view> names,
                                       std::vector<authz::FieldId>* ids) {
  const PersonFacts facts(call_.tenant_id(), person_);
  storage::v1::EntryItem item;
  item.set_subject_ref(person_.row.subject_ref());
  for (std::string_view name : names) {
    for (const TypeFields& of_type : FieldsOfPattern(call_.policy(), name)) {
      const PersonDecision decision = call_.Decide(kVerb, of_type.type, of_type.fields, facts);
      if (!decision.granted()) {
        call_.Describe(decision);
        return Refuse(decision.reason, call_.DeniedFields(decision));
      }
      call_.Describe(decision, &item);
      call_.AddFields(decision, &item);
      if (role_ == nullptr) role_ = decision.role;
      const authz::RoleKind kind = decision.role->kind;
      asks_ = asks_ && kind == authz::RoleKind::kSubject;
      answers_ = answers_ && (kind == authz::RoleKind::kStaff || kind == authz::RoleKind::kService);
      if (ids != nullptr) ids->insert(ids->end(), of_type.fields.begin(), of_type.fields.end());
    }
  }
  *call_.entry().add_items() = std::move(item);
  return std::nullopt;
}

std::set<std::string_view> RightsCall::VisibleFields(const SubjectRequestRow& row) {
  const PersonFacts facts(call_.tenant_id(), person_);
  std::set<std::string_view> visible;
  for (const std::string& name : row.fields()) {
    for (const TypeFields& of_type : FieldsOfPattern(call_.policy(), name)) {
      if (call_.Decide(kVerb, of_type.type, of_type.fields, facts).granted()) visible.insert(name);
    }
  }
  return visible;
}

Plan RightsCall::Refuse(Reason reason, std::vector<std::string> fields) {
  call_.entry().clear_items();
  call_.entry().add_items()->set_subject_ref(person_.row.subject_ref());
  return call_.Refuse(reason, std::move(fields));
}

bool RightsCall::ByThePerson() const {
  return role_ != nullptr && asks_ && call_.on_behalf_of() == call_.SubjectNameOf(person_.id);
}

void RightsCall::Note(std::string_view argument, const std::string& value) {
  if (!value.empty()) (*call_.entry().mutable_arguments())[std::string(argument)] = value;
}

void RightsCall::Describe(const SubjectRequestRow& row) {
  Note("request", row.id());
  Note("request.right", row.right());
  Note("request.kind", row.kind());
}

void RightsCall::FillRequest(const SubjectRequestRow& row, v1::SubjectRequest* request,
                             const std::set<std::string_view>* visible) {
  request->set_name(MakeSubjectRequestName(call_.tenant_id(), person_.id, row.id()));
  request->set_right(row.right());
  request->set_kind(row.kind());
  request->set_ground(row.ground());
  request->set_state(WireState(StateOf(row, use())));
  request->set_checked_by_vault(ProofOf(row.kind()) != Proof::kNone);
  AddVisible(ViewsOf(row.fields()), visible, request->mutable_fields());
  AddVisible(OpenFields(row, use()), visible, request->mutable_open_fields());
  AddVisible(ViewsOf(row.done_fields()), visible, request->mutable_done_fields());
  for (const SubjectRequestRow::Refusal& one : row.refusals()) {
    v1::RequestRefusal refusal;
    AddVisible(ViewsOf(one.fields()), visible, refusal.mutable_fields());
    // The ground of what is not to be seen is not either.
    if (refusal.fields().empty()) continue;
    FillRefusal(one, use(), &refusal);
    *request->add_refusals() = std::move(refusal);
  }
  if (row.has_identity()) {
    v1::IdentityEvidence& identity = *request->mutable_identity();
    identity.set_method(row.identity().method());
    identity.set_document_sha256(ToHex(row.identity().document_sha256()));
    FillTime(row.identity().time_micros(), identity.mutable_confirm_time());
  }
  FillTime(row.open_micros(), request->mutable_open_time());
  if (row.complete_micros() != 0) {
    FillTime(row.complete_micros(), request->mutable_complete_time());
  }
}

}  // namespace piivault::vault
