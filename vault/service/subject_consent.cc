// RecordConsent, WithdrawConsent, ListConsents.
#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "piivault/v1/subject_service.pb.h"
#include "vault/service/admin_convert.h"
#include "vault/service/errors.h"
#include "vault/service/field_pattern.h"
#include "vault/service/subject_change.h"
#include "vault/service/subject_handlers.h"
#include "vault/service/subject_view.h"
#include "vault/state/resource_id.h"
#include "vault/text.h"
#include "vault/values/detectors.h"

namespace piivault::vault {
namespace {

using authz::Reason;
using storage::v1::ConsentRow;
using storage::v1::SubjectUse;

constexpr authz::Verb kRecord[] = {authz::Verb::kRecordConsent};
constexpr authz::Verb kRead[] = {authz::Verb::kReadSubject};
constexpr int kMaxConsents = 200;
constexpr int kMaxConsentFields = 64;
// Of all that is kept of a person's consents, stops, mandates and matters: each read opens it.
constexpr size_t kMaxUseBytes = size_t{48} << 10;

const authz::ConsentSpec* FindConsent(const authz::Policy& policy, std::string_view id) {
  for (const authz::ConsentSpec& spec : policy.consent()) {
    if (spec.id == id) return &spec;
  }
  return nullptr;
}

// Whether the consent is about all the fields that a pattern means.
bool Covers(const authz::ConsentSpec& spec, const std::vector<TypeFields>& meant) {
  if (!IsKnown(meant)) return false;
  if (spec.fields.empty()) return true;
  for (const TypeFields& of_type : meant) {
    for (authz::FieldId id : of_type.fields) {
      if (std::find(spec.fields.begin(), spec.fields.end(), id) == spec.fields.end()) return false;
    }
  }
  return true;
}

// A word that goes into the row as it came: an identifier that hides nothing prohibited.
absl::Status CheckWord(std::string_view word, bool required, std::string_view argument) {
  if (word.empty() && !required) return absl::OkStatus();
  if (!IsPolicyIdentifier(word)) return BadArgument(argument);
  if (DetectProhibited(word).any()) return MakeError(Reason::kProhibitedType, argument);
  return absl::OkStatus();
}

bool IsOf(const authz::ConsentSpec& spec, std::string_view event) {
  return std::find(spec.event.begin(), spec.event.end(), event) != spec.event.end();
}

// A consent to giving data away is one to giving it to somebody.
absl::Status CheckRecipient(const authz::ConsentSpec& spec, const v1::Consent& consent,
                            std::string_view tenant) {
  constexpr std::string_view kArgument = "consent.recipient";
  if (consent.recipient().empty()) {
    const bool of_nothing_else = spec.event.size() == 1 && IsOf(spec, "third_party");
    return of_nothing_else ? BadArgument(kArgument) : absl::OkStatus();
  }
  const std::optional<RecipientName> name = ParseRecipientName(consent.recipient());
  const bool named = name.has_value() && name->tenant == tenant;
  return named && IsOf(spec, "third_party") ? absl::OkStatus() : BadArgument(kArgument);
}

absl::Status CheckFields(const authz::Policy& policy, const authz::ConsentSpec& spec,
                         const v1::Consent& consent) {
  constexpr std::string_view kArgument = "consent.fields";
  if (consent.fields_size() > kMaxConsentFields) return MakeError(Reason::kBatchTooLarge);
  const bool to_recipient = !consent.recipient().empty();
  // Consent to a purpose is to all that it needs: one to some fields would count as one to all.
  const bool of_purpose = IsOf(spec, "purpose_extension") || IsOf(spec, "policy_change");
  if (of_purpose && !to_recipient && !consent.fields().empty()) return BadArgument(kArgument);
  // What leaves is named.
  if (to_recipient && consent.fields().empty()) return BadArgument(kArgument);
  // Where only what was agreed on one by one counts, a consent to nothing in particular is none.
  if (consent.fields().empty() && spec.scope == "agreed_items") return BadArgument(kArgument);
  std::set<std::string_view> named;
  for (const std::string& field : consent.fields()) {
    if (field.empty() || !named.insert(field).second) return BadArgument(kArgument);
    if (!Covers(spec, FieldsOfPattern(policy, field))) return BadArgument(kArgument);
  }
  return absl::OkStatus();
}

absl::Status CheckGuardian(const authz::ConsentSpec& spec, const v1::Consent& consent) {
  if (!consent.has_guardian()) {
    return spec.who == "guardian" ? BadArgument("consent.guardian") : absl::OkStatus();
  }
  absl::Status status = CheckWord(consent.guardian().relation(), true, "consent.guardian.relation");
  if (!status.ok()) return status;
  if (!IsSha256Hex(consent.guardian().document_sha256())) {
    return BadArgument("consent.guardian.document_sha256");
  }
  return absl::OkStatus();
}

// What can be said of it without any look-up.
absl::Status CheckConsent(const authz::Policy& policy, const v1::Consent& consent,
                          std::string_view tenant) {
  const authz::ConsentSpec* spec = FindConsent(policy, consent.consent());
  if (spec == nullptr) return BadArgument("consent.consent");
  if (!consent.purpose().empty() && policy.FindPurpose(consent.purpose()) == nullptr) {
    return BadArgument("consent.purpose");
  }
  const auto& channels = policy.channels();
  if (!consent.channel().empty() && !channels.empty() &&
      std::find(channels.begin(), channels.end(), consent.channel()) == channels.end()) {
    return BadArgument("consent.channel");
  }
  absl::Status status = CheckRecipient(*spec, consent, tenant);
  if (status.ok()) status = CheckFields(policy, *spec, consent);
  if (status.ok()) status = CheckWord(consent.wording(), true, "consent.wording");
  if (status.ok()) status = CheckWord(consent.channel(), false, "consent.channel");
  if (status.ok()) status = CheckWord(consent.basis(), false, "consent.basis");
  if (status.ok()) status = CheckGuardian(*spec, consent);
  return status;
}

ConsentRow MakeRow(const v1::Consent& consent, RandomSource& random, absl::Time now) {
  ConsentRow row;
  row.set_id(random.Id128().ToText());
  row.set_consent(consent.consent());
  row.set_purpose(consent.purpose());
  *row.mutable_fields() = consent.fields();
  row.set_wording(consent.wording());
  row.set_channel(consent.channel());
  if (consent.has_guardian()) {
    row.set_guardian_relation(consent.guardian().relation());
    row.set_guardian_document_sha256(FromHex(consent.guardian().document_sha256()));
  }
  row.set_basis(consent.basis());
  if (const auto recipient = ParseRecipientName(consent.recipient()); recipient.has_value()) {
    row.set_recipient(std::string(recipient->recipient));
  }
  row.set_give_micros(absl::ToUnixMicros(now));
  return row;
}

// Makes room for one more; the oldest that were withdrawn are no longer needed. False: there is
// none. Failures to verify credentials and requests have bounds of their own: neither wrong guesses
// nor what somebody asks for push a consent out.
bool MakeRoom(const ConsentRow& next, SubjectUse* use) {
  google::protobuf::RepeatedPtrField<storage::v1::CredentialFailuresRow> failures;
  google::protobuf::RepeatedPtrField<storage::v1::SubjectRequestRow> requests;
  failures.Swap(use->mutable_credential_failures());
  requests.Swap(use->mutable_requests());
  auto& rows = *use->mutable_consents();
  const auto fits = [&] {
    return rows.size() < kMaxConsents && use->ByteSizeLong() + next.ByteSizeLong() <= kMaxUseBytes;
  };
  bool room = fits();
  while (!room) {
    const auto withdrawn = std::find_if(
        rows.begin(), rows.end(), [](const ConsentRow& row) { return row.withdraw_micros() != 0; });
    if (withdrawn == rows.end()) break;
    rows.erase(withdrawn);
    room = fits();
  }
  failures.Swap(use->mutable_credential_failures());
  requests.Swap(use->mutable_requests());
  return room;
}

class RecordConsentHandler : public Handler {
 public:
  explicit RecordConsentHandler(const VaultDependencies& deps) : deps_(deps) {}

  Plan Next(CallContext& context) override {
    const auto& request = RequestAs<v1::RecordConsentRequest>(context);
    VaultCall call(context, deps_);
    if (auto refused = call.Open(request.parent(), &request.usage())) return *std::move(refused);
    if (auto refused = DecideOneOf(call, kRecord)) return *std::move(refused);
    std::optional<SubjectName> name;
    if (!request.subject().empty()) {
      name = ParseSubjectName(request.subject());
      if (!name.has_value() || name->tenant != call.tenant_id()) {
        return call.Refuse(Reason::kMalformedRequest, {"subject"});
      }
    }
    absl::Status status = CheckConsent(call.policy(), request.consent(), call.tenant_id());
    if (!status.ok()) return call.Refuse(status);
    auto* response = NewResponse<v1::RecordConsentResponse>(context);
    if (auto refused = call.FindRequest(request.request_id(), response)) {
      return *std::move(refused);
    }
    if (call.replayed()) return Replay(call, response);

    SubjectState person = NewSubject(deps_.random, call.now());
    if (auto refused = name.has_value() ? LoadPerson(call, name->subject, kRecord, &person)
                                        : DecideNewPerson(call, person)) {
      return *std::move(refused);
    }
    if (person.row.use().erase_micros() != 0) return call.Refuse(Reason::kSubjectErased);
    ConsentRow made = MakeRow(request.consent(), deps_.random, call.now());
    if (!MakeRoom(made, person.row.mutable_use())) return call.Refuse(Reason::kBatchTooLarge);
    const ConsentRow& row = *person.row.mutable_use()->add_consents() = std::move(made);
    StorePerson(call, &person);
    call.DescribeConsent(row.id());
    response->set_subject(call.SubjectNameOf(person.id));
    // The rest is not remembered with the response: the person's row has it.
    response->mutable_consent()->set_id(row.id());
    Plan plan = call.Finish(response);
    FillConsent(call.tenant_id(), row, response->mutable_consent());
    return plan;
  }

 private:
  static std::optional<Plan> DecideNewPerson(VaultCall& call, const SubjectState& person) {
    const PersonDecision decision =
        call.Decide(authz::Verb::kRecordConsent, authz::kNoType, {}, PersonFacts());
    if (!decision.granted()) return call.Refuse(decision);
    call.Describe(decision);
    storage::v1::EntryItem& item = *call.entry().add_items();
    item.set_subject_ref(person.row.subject_ref());
    call.AddFields(decision, &item);
    return std::nullopt;
  }

  // The call took effect before: decided anew, answered by what the row says now.
  static Plan Replay(VaultCall& call, v1::RecordConsentResponse* response) {
    const std::optional<SubjectName> name = ParseSubjectName(response->subject());
    if (!name.has_value()) return call.Refuse(Reason::kDataLoss);
    SubjectState person;
    if (auto refused = LoadPerson(call, name->subject, kRecord, &person)) {
      return *std::move(refused);
    }
    call.DescribeConsent(response->consent().id());
    for (const ConsentRow& row : person.row.use().consents()) {
      if (row.id() == response->consent().id())
        FillConsent(call.tenant_id(), row, response->mutable_consent());
    }
    return call.Finish(response);
  }

  const VaultDependencies& deps_;
};

class WithdrawConsentHandler : public Handler {
 public:
  explicit WithdrawConsentHandler(const VaultDependencies& deps) : deps_(deps) {}

  Plan Next(CallContext& context) override {
    const auto& request = RequestAs<v1::WithdrawConsentRequest>(context);
    VaultCall call(context, deps_);
    const std::optional<SubjectName> name = ParseSubjectName(request.subject());
    if (auto refused = call.OpenTenant(name.has_value() ? name->tenant : std::string_view(),
                                       &request.usage())) {
      return *std::move(refused);
    }
    if (auto refused = DecideOneOf(call, kRecord)) return *std::move(refused);
    // Either this one, or all of a kind; what the policy knows no more can be taken back as well.
    const bool of_kind = !request.consent().empty();
    if (request.id().empty() != of_kind || (!of_kind && !request.purpose().empty())) {
      return call.Refuse(Reason::kMalformedRequest, {of_kind ? "consent" : "id"});
    }
    SubjectState person;
    if (auto refused = LoadPerson(call, name->subject, kRecord, &person)) {
      return *std::move(refused);
    }
    auto* response = NewResponse<v1::WithdrawConsentResponse>(context);
    bool found = false;
    for (ConsentRow& row : *person.row.mutable_use()->mutable_consents()) {
      if (!IsMeant(request, row)) continue;
      found = true;
      if (row.withdraw_micros() != 0) continue;
      row.set_withdraw_micros(absl::ToUnixMicros(call.now()));
      call.DescribeConsent(row.id());
      FillConsent(call.tenant_id(), row, response->add_consents());
    }
    if (!found && !of_kind) return call.Refuse(Reason::kNotFound);
    if (!response->consents().empty()) StorePerson(call, &person);
    return call.Finish(response);
  }

 private:
  static bool IsMeant(const v1::WithdrawConsentRequest& request, const ConsentRow& row) {
    if (!request.id().empty()) return row.id() == request.id();
    return row.consent() == request.consent() &&
           (request.purpose().empty() || row.purpose() == request.purpose());
  }

  const VaultDependencies& deps_;
};

class ListConsentsHandler : public Handler {
 public:
  explicit ListConsentsHandler(const VaultDependencies& deps) : deps_(deps) {}

  Plan Next(CallContext& context) override {
    const auto& request = RequestAs<v1::ListConsentsRequest>(context);
    VaultCall call(context, deps_);
    const std::optional<SubjectName> name = ParseSubjectName(request.subject());
    if (auto refused = call.OpenTenant(name.has_value() ? name->tenant : std::string_view(),
                                       &request.usage())) {
      return *std::move(refused);
    }
    if (auto refused = DecideOneOf(call, kRead)) return *std::move(refused);
    SubjectState person;
    if (auto refused = LoadPerson(call, name->subject, kRead, &person)) {
      return *std::move(refused);
    }
    auto* response = NewResponse<v1::ListConsentsResponse>(context);
    for (const ConsentRow& row : person.row.use().consents()) {
      FillConsent(call.tenant_id(), row, response->add_consents());
    }
    FillStops(person.row.use(), response->mutable_stops());
    response->set_unsubscribed(person.row.use().unsubscribed());
    return call.Finish(response);
  }

 private:
  const VaultDependencies& deps_;
};

}  // namespace

std::unique_ptr<Handler> NewRecordConsent(const VaultDependencies& dependencies) {
  return std::make_unique<RecordConsentHandler>(dependencies);
}
std::unique_ptr<Handler> NewWithdrawConsent(const VaultDependencies& dependencies) {
  return std::make_unique<WithdrawConsentHandler>(dependencies);
}
std::unique_ptr<Handler> NewListConsents(const VaultDependencies& dependencies) {
  return std::make_unique<ListConsentsHandler>(dependencies);
}

}  // namespace piivault::vault
