// RedeemExportToken.
#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "authz/policy_change.h"
#include "vault/ledger/disclosure_ledger.h"
#include "vault/ledger/notice_survey.h"
#include "vault/service/admin_convert.h"
#include "vault/service/errors.h"
#include "vault/service/message_pace.h"
#include "vault/service/resource_name.h"
#include "vault/service/sharing_ask.h"
#include "vault/service/sharing_handlers.h"
#include "vault/service/sharing_issue.h"
#include "vault/service/sharing_package.h"
#include "vault/text.h"

namespace piivault::vault {
namespace {

using Response = v1::RedeemExportTokenResponse;

// A message ends with the person who brings it over this.
constexpr size_t kMessageBytes = size_t{1} << 20;
// Records, which are the items of an entry; one person may have some more.
constexpr MessagePace::Sizes kRecordsPerMessage = {1000, 100, 10};
// How often one use can be taken up.
constexpr uint32_t kMaxOpenings = 16;
// And how long after all of it was given: for whom the end did not reach.
constexpr absl::Duration kReopenAfterEnd = absl::Minutes(10);
constexpr size_t kMaxRequestId = 64;

bool IsRequestId(std::string_view id) {
  return !id.empty() && id.size() <= kMaxRequestId &&
         std::all_of(id.begin(), id.end(), [](unsigned char c) { return absl::ascii_isgraph(c); });
}

std::string RequestDigest(const std::string& recipient, std::string_view request_id) {
  const Sha256Digest digest =
      Sha256(Concat({"piivault redemption v1", recipient, "\n", request_id}));
  return std::string(AsView(digest).substr(0, storage::Id128::kSize));
}

// Of the n-th use of a token, so that one whose row was put back on the disk is not taken again.
storage::Id128 DisclosureIdOf(const storage::Id128& token, int use) {
  const Sha256Digest digest =
      Sha256(Concat({"piivault disclosure v1", token.view(), std::to_string(use)}));
  return *storage::Id128::FromBytes(AsView(digest).substr(0, storage::Id128::kSize));
}

// Whether a successor gets the data, who goes on with what binds the operator.
bool Succeeds(const storage::v1::ExportTokenRow& row) {
  return row.basis() == "succession" || row.basis() == "business_transfer";
}

class RedeemExportTokenHandler : public Handler {
 public:
  explicit RedeemExportTokenHandler(const VaultDependencies& deps) : deps_(deps) {}

  Plan Next(CallContext& context) override {
    const auto& request = RequestAs<v1::RedeemExportTokenRequest>(context);
    VaultCall call(context, deps_);
    const RecipientState* recipient = nullptr;
    if (auto refused = OpenForRecipient(call, &recipient)) return *std::move(refused);
    Redemption now;
    if (auto refused = FindToken(call, request, *recipient, &now)) return *std::move(refused);
    const v1::Usage usage = UsageOf(now.token.row);
    if (auto refused = call.State(usage)) return *std::move(refused);
    DescribeToken(call, now.token);
    if (auto refused = TakeUse(call, request, *recipient, &now)) return *std::move(refused);

    ExportAsk ask;
    if (const authz::Reason reason = ExportAsk::Make(call.policy(), now.token.row, &ask);
        reason != authz::Reason::kOk) {
      return call.Refuse(reason);
    }
    authz::ShareInput input = ask.Input(IssuerOf(call, now.token.row), &recipient->recipient);
    input.single_operator = call.session().state().single_operator();
    input.approvals =
        input.single_operator ? kEnoughApprovals : ApprovalsThatHold(call, now.token.row);
    input.users_notified = true;
    const authz::ShareDecision decision = authz::DecideShare(call.policy(), input);
    if (!decision.granted()) return RefuseShare(call, decision);
    // A rule of that name on another legal basis is not the one that it was issued by.
    if (decision.rule->basis != now.token.row.basis()) {
      return call.Refuse(authz::Reason::kSharingRuleUnknown);
    }
    now.notice = NoticeOf(call, *decision.rule, recipient->row);
    if (auto waits = CheckNotified(call, now.notice, false, &survey_)) return *std::move(waits);
    DescribeShare(call, decision);
    (*call.entry().mutable_arguments())["issuer"] = now.token.row.issuer();

    next_ = place_;
    now.records = pace_.Next(context.attempt);
    WireWriter encoded;
    if (!place_.tagged)
      AddPurposeTag(call, *recipient, decision, now.token.row, now.disclosure, &encoded);
    next_.tagged = true;
    if (auto refused = GivePeople(call, ask, input, *recipient, &now, &encoded)) {
      return *std::move(refused);
    }
    return Store(call, *recipient, &now, std::move(encoded));
  }

  void Committed(const storage::LogPosition*) override {
    place_ = next_;
    pace_.Committed();
  }
  bool HasMore() const override { return !place_.at_end; }

 private:
  // Where the call stands; moves when a message is durable.
  struct Place {
    bool begun = false;   // this call has taken a use up
    bool tagged = false;  // and said what it is for
    uint32_t index = 0;   // in the token's people
    storage::Id128 disclosure;
    bool at_end = false;
  };
  // What one message works on.
  struct Redemption {
    ExportTokenState token;
    DisclosureState disclosure;
    std::optional<NoticeToAll> notice;  // that each person has to have had
    bool new_use = false;
    bool opening = false;  // of this call, also of a use that was taken before
    // Of this message.
    size_t records = 0;  // that it may have
    uint32_t people = 0;
    uint32_t new_people = 0;
    uint32_t omitted = 0;
    uint32_t newly_omitted = 0;  // whom no message has gone through before
  };

  // The token that the request brings, if it is good now. A refusal, or nothing.
  std::optional<Plan> FindToken(VaultCall& call, const v1::RedeemExportTokenRequest& request,
                                const RecipientState& recipient, Redemption* now) {
    const StateSnapshot& state = call.session().state();
    if (!IsRequestId(request.request_id())) {
      return call.Refuse(authz::Reason::kMalformedRequest, {"request_id"});
    }
    const absl::StatusOr<ExportClaims> claims =
        OpenExportToken(request.token(), state.signing_keys(), RefOf(state.vault_id()),
                        recipient.recipient.name, call.now());
    if (!claims.ok()) return call.Refuse(authz::Reason::kExportTokenInvalid);
    // Of a history that a recovery has ended.
    if (claims->gen != deps_.engine.LogEnd().generation) {
      return call.Refuse(authz::Reason::kExportTokenInvalid);
    }
    absl::StatusOr<std::optional<ExportTokenState>> token =
        LoadExportToken(deps_.engine, call.scope(), claims->jti, &call.changes());
    if (!token.ok()) return call.Refuse(token.status());
    if (!token->has_value() || (*token)->row.start_micros() == 0 ||
        ClaimsOf(call.tenant_id(), state.vault_id(), **token) != *claims) {
      return call.Refuse(authz::Reason::kExportTokenInvalid);
    }
    now->token = **std::move(token);
    DescribeToken(call, now->token);
    if (call.now() < claims->nbf) return call.Refuse(authz::Reason::kTokenNotYetValid);
    if (call.now() >= claims->exp) return call.Refuse(authz::Reason::kTokenExpired);
    call.session().AddRead(ExportRevocationsCell(call.tenant_id()));
    if (IsRevoked(state.revocations(call.tenant_id()), now->token)) {
      return call.Refuse(authz::Reason::kTokenRevoked);
    }
    return std::nullopt;
  }

  // The use that the request takes, or goes on with. A refusal, or nothing.
  std::optional<Plan> TakeUse(VaultCall& call, const v1::RedeemExportTokenRequest& request,
                              const RecipientState& recipient, Redemption* now) {
    storage::v1::ExportTokenRow& row = now->token.row;
    const std::string digest = RequestDigest(recipient.recipient.name, request.request_id());
    storage::v1::ExportTokenRow::Use* use = nullptr;
    for (storage::v1::ExportTokenRow::Use& taken : *row.mutable_taken()) {
      if (taken.request() == digest) use = &taken;
    }
    now->opening = !place_.begun;
    if (use == nullptr) {
      // A use that this call has taken is in the row for good.
      if (place_.begun) return call.Refuse(authz::Reason::kDataLoss);
      if (static_cast<uint32_t>(row.taken_size()) >= row.uses()) {
        return call.Refuse(authz::Reason::kTokenExhausted);
      }
      if (request.resume_from() != 0) {
        return call.Refuse(authz::Reason::kMalformedRequest, {"resume_from"});
      }
      now->disclosure.id = DisclosureIdOf(now->token.id, row.taken_size());
      use = row.add_taken();
      use->set_request(digest);
      now->new_use = true;
      const auto taken =
          LoadDisclosure(deps_.engine, call.scope(), now->disclosure.id, &call.changes());
      if (!taken.ok()) return call.Refuse(taken.status());
      if (taken->has_value()) return call.Refuse(authz::Reason::kDataLoss);
      use->set_disclosure(now->disclosure.id.bytes.data(), storage::Id128::kSize);
      BeginDisclosure(call, recipient, now);
    } else {
      const auto id = storage::Id128::FromBytes(use->disclosure());
      if (!id.has_value()) return call.Refuse(authz::Reason::kDataLoss);
      absl::StatusOr<std::optional<DisclosureState>> disclosure =
          LoadDisclosure(deps_.engine, call.scope(), *id, &call.changes());
      if (!disclosure.ok()) return call.Refuse(disclosure.status());
      if (!disclosure->has_value()) return call.Refuse(authz::Reason::kDataLoss);
      now->disclosure = **std::move(disclosure);
    }
    if (now->opening) {
      const int64_t end = now->disclosure.row.end_micros();
      const bool over = end != 0 && call.now() >= absl::FromUnixMicros(end) + kReopenAfterEnd;
      if (over || use->openings() >= kMaxOpenings) {
        return call.Refuse(authz::Reason::kTokenExhausted);
      }
      use->set_openings(use->openings() + 1);
      // Nobody goes on behind what was given.
      if (request.resume_from() > now->disclosure.row.position()) {
        return call.Refuse(authz::Reason::kMalformedRequest, {"resume_from"});
      }
      place_.index = std::min(request.resume_from(), row.subjects());
    }
    place_.disclosure = now->disclosure.id;
    (*call.entry().mutable_arguments())["disclosure"] = now->disclosure.id.ToText();
    return std::nullopt;
  }

  static void BeginDisclosure(const VaultCall& call, const RecipientState& recipient,
                              Redemption* now) {
    const storage::v1::ExportTokenRow& token = now->token.row;
    storage::v1::DisclosureRow& row = now->disclosure.row;
    row.set_recipient(token.recipient());
    row.set_recipient_address(recipient.row.address());
    row.set_recipient_representative(recipient.row.representative());
    row.set_recipient_country(recipient.row.country());
    row.set_rule(token.rule());
    row.set_basis(token.basis());
    row.set_purpose(token.purpose());
    row.set_token(now->token.id.bytes.data(), storage::Id128::kSize);
    row.set_issuer(token.issuer());
    *row.mutable_fields() = token.fields();
    *row.mutable_assertions() = token.assertions();
    row.set_start_micros(absl::ToUnixMicros(call.now()));
  }

  // The question of the token, asked of its issuer as it is today.
  static authz::DecisionInput IssuerOf(VaultCall& call, const storage::v1::ExportTokenRow& row) {
    Session& session = call.session();
    authz::DecisionInput input = call.Input(authz::Verb::kExport);
    input.principal = nullptr;
    input.person = nullptr;
    input.attestations = {};
    session.AddRead(PrincipalCell(row.issuer()));
    const PrincipalState* issuer = session.state().FindPrincipal(row.issuer());
    if (issuer == nullptr) return input;
    input.principal = &issuer->principal;
    if (issuer->row.person().empty()) return input;
    session.AddRead(PersonCell(issuer->row.person()));
    if (const PersonState* person = session.state().FindPerson(issuer->row.person());
        person != nullptr) {
      input.person = &person->person;
      input.attestations = person->attestations;
    }
    return input;
  }

  // The next people, each by a decision of its own, as many as a message holds. A refusal, or
  // nothing.
  std::optional<Plan> GivePeople(VaultCall& call, const ExportAsk& ask,
                                 const authz::ShareInput& input, const RecipientState& recipient,
                                 Redemption* now, WireWriter* out) {
    const storage::v1::ExportTokenRow& row = now->token.row;
    const storage::Id128 ref = RefOf(recipient.row.ref());
    uint32_t first = 0;
    uint32_t part = 0;
    const auto parts = static_cast<uint32_t>(row.parts_size());
    while (part < parts && first + row.parts(static_cast<int>(part)) <= place_.index) {
      first += row.parts(static_cast<int>(part++));
    }
    if (part == parts) {
      next_.at_end = true;
      return std::nullopt;
    }
    absl::StatusOr<std::vector<ExportItem>> items =
        LoadExportPart(deps_.engine, call.scope(), now->token.id, part);
    if (!items.ok()) return call.Refuse(items.status());
    if (items->size() != row.parts(static_cast<int>(part))) {
      return call.Refuse(authz::Reason::kDataLoss);
    }
    DisclosureLedger ledger(deps_.engine, call.scope(), deps_.random, call.now(),
                            {row.recipient(), ref}, now->disclosure, &call.changes());
    const auto full = [&] {
      return out->size() >= kMessageBytes ||
             static_cast<size_t>(call.entry().items_size()) >= now->records;
    };
    while (next_.index - first < items->size() && !full()) {
      const auto slice = absl::MakeConstSpan(*items).subspan(next_.index - first, now->records);
      absl::StatusOr<std::vector<ExportPerson>> people = LoadExportPeople(
          deps_.engine, call.scope(), slice, ask.type_names(), ref, &call.changes());
      if (!people.ok()) return call.Refuse(people.status());
      if (absl::Status status = ledger.Load(*people); !status.ok()) return call.Refuse(status);
      for (ExportPerson& person : *people) {
        if (full()) break;
        call.Yield();
        if (auto refused = GivePerson(call, ask, input, &person, now, &ledger, out)) return refused;
        ++next_.index;
      }
    }
    next_.at_end = next_.index >= row.subjects();
    // Where nobody may be given, there is nothing to take a use for.
    // Why is the people's business: it stands in the entry's items, and nobody outside is told.
    if (next_.at_end && place_.index == 0 && now->people == 0) {
      return call.Refuse(authz::Reason::kExportWithheld);
    }
    now->new_people = ledger.new_people();
    ledger.Finish();
    return std::nullopt;
  }

  std::optional<Plan> GivePerson(VaultCall& call, const ExportAsk& ask,
                                 const authz::ShareInput& input, ExportPerson* person,
                                 Redemption* now, DisclosureLedger* ledger, WireWriter* out) {
    if (person->reason == authz::Reason::kDataLoss) return call.RefuseAll(person->reason);
    const size_t before = out->size();
    const size_t subject = out->Open(Response::kSubjectsFieldNumber);
    std::vector<GivenRecord> given;
    std::vector<std::string> consents;
    consents.reserve(person->records.size());
    authz::Reason reason = person->reason;
    if (person->ok() && now->notice.has_value() &&
        !WasTold(person->subject().row.use(), *now->notice)) {
      reason = authz::Reason::kUsersNotNotified;
    }
    std::vector<std::string> denied;
    const std::vector<authz::FieldId> held = HeldBy(call.policy(), *person);
    for (const std::unique_ptr<LoadedRecord>& record : person->records) {
      if (reason == authz::Reason::kUsersNotNotified) break;
      const RecordShare share = DecideRecord(call, ask, input, held, *record);
      if (!share.decision.granted()) {
        if (reason == authz::Reason::kOk) {
          reason = share.decision.reason;
          for (const authz::FieldId id : share.decision.denied) {
            if (id != authz::kNoField) denied.push_back(call.policy().field(id).full_name);
          }
        }
        continue;
      }
      GivenRecord one{record.get(), {}, {}};
      absl::StatusOr<bool> any = ReleaseRecord(call, ask, record.get(), &one.fields, out);
      if (!any.ok()) return call.RefuseAll(ReasonOf(any.status()));
      if (!*any) continue;
      consents.push_back(share.consent_id);
      one.consent = consents.back();
      if (!share.consent_id.empty()) call.DescribeConsent(share.consent_id);
      AddItem(call, share, one);
      given.push_back(std::move(one));
    }
    if (given.empty()) {
      out->Truncate(before);
      if (next_.index >= now->disclosure.row.position()) ++now->newly_omitted;
      Omit(call, *person, reason == authz::Reason::kOk ? authz::Reason::kNotFound : reason,
           std::move(denied), now);
      return std::nullopt;
    }
    const std::string_view handle = ledger->Give(*person, given);
    out->AddBytes(v1::DisclosedSubject::kHandleFieldNumber, RefOf(handle).ToText());
    if (Succeeds(now->token.row)) AddWhatBinds(call, *person, given, out);
    out->Close(subject);
    ++now->people;
    return std::nullopt;
  }

  static void AddItem(VaultCall& call, const RecordShare& share, const GivenRecord& one) {
    storage::v1::EntryItem* item = call.AddItem(one.record);
    for (std::string_view field : one.fields) {
      item->add_fields(Concat({one.record->type(), ".", field}));
    }
    if (share.decision.grant != nullptr) item->add_grants(share.decision.grant->id);
  }

  static void Omit(VaultCall& call, const ExportPerson& person, authz::Reason reason,
                   std::vector<std::string> denied, Redemption* now) {
    ++now->omitted;
    storage::v1::EntryItem& item = *call.entry().add_items();
    if (!person.records.empty()) item.set_subject_ref(person.subject().row.subject_ref());
    const std::string_view name = authz::ReasonName(reason);
    item.set_reason(name.data(), name.size());
    for (std::string& field : denied) item.add_denied_fields(std::move(field));
    call.entry().set_decision(storage::v1::DECISION_PARTIAL);
  }

  // The rows of use and disclosure, and the answer.
  Plan Store(VaultCall& call, const RecipientState& recipient, Redemption* now,
             WireWriter encoded) {
    storage::v1::DisclosureRow& row = now->disclosure.row;
    if (now->new_use) {
      call.changes().Put(storage::DisclosureToRecipientKey(
                             call.scope().id(), RefOf(recipient.row.ref()),
                             static_cast<uint64_t>(row.start_micros()), now->disclosure.id),
                         "");
    }
    if (now->opening) {
      now->token.row.set_version(now->token.row.version() + 1);
      PutExportToken(call.scope(), deps_.random, now->token, &call.changes());
    }
    row.set_version(row.version() + 1);
    row.set_subjects(row.subjects() + now->new_people);
    row.set_omitted(row.omitted() + now->newly_omitted);
    row.set_position(std::max(row.position(), next_.index));
    if (next_.at_end && row.end_micros() == 0) row.set_end_micros(absl::ToUnixMicros(call.now()));
    row.set_keep_micros(absl::ToUnixMicros(authz::AddDuration(
        call.now(), call.policy().recipient_rules().keep, call.policy().timezone())));
    row.set_policy_sha256(call.policy().hash());
    PutDisclosure(call.scope(), deps_.random, now->disclosure, &call.changes());

    encoded.AddVarint(Response::kPositionFieldNumber, next_.index);
    encoded.AddVarint(Response::kOmittedFieldNumber, now->omitted);
    encoded.AddVarint(Response::kCompleteFieldNumber, next_.at_end ? 1 : 0);
    next_.begun = true;
    return call.Finish(std::move(encoded));
  }

  const VaultDependencies& deps_;
  NoticeSurvey survey_;
  MessagePace pace_{kRecordsPerMessage};
  Place place_;
  Place next_;
};

}  // namespace

std::unique_ptr<Handler> NewRedeemExportToken(const VaultDependencies& dependencies) {
  return std::make_unique<RedeemExportTokenHandler>(dependencies);
}

}  // namespace piivault::vault
