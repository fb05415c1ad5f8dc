// IssueExportToken.
#include "vault/service/sharing_issue.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "authz/vocabulary.h"
#include "vault/ledger/notice_survey.h"
#include "vault/ledger/token_sweep.h"
#include "vault/service/admin_convert.h"
#include "vault/service/message_pace.h"
#include "vault/service/resource_name.h"
#include "vault/service/sharing_ask.h"
#include "vault/service/sharing_handlers.h"
#include "vault/service/sharing_readers.h"
#include "vault/state/resource_id.h"
#include "vault/text.h"
#include "vault/values/detectors.h"

namespace piivault::vault {
namespace {

constexpr int kMaxExportSubjects = 100'000;
constexpr int kMaxExportFields = 100;
constexpr uint32_t kMaxUses = 1000;
// People, and records, decided in one message.
constexpr MessagePace::Sizes kPeoplePerMessage = {kExportPart, 100, 10};
constexpr int kMaxAssertions = 20;
constexpr size_t kMaxAssertionSize = 64;
constexpr absl::Duration kLongestIssue = absl::Hours(12);

std::optional<ExportItem> ParseItem(std::string_view name, std::string_view tenant) {
  if (const std::optional<SubjectName> subject = ParseSubjectName(name); subject.has_value()) {
    if (subject->tenant != tenant) return std::nullopt;
    return ExportItem{subject->subject, {}};
  }
  const std::optional<RecordName> record = ParseRecordName(name);
  if (!record.has_value() || record->by_ref || record->tenant != tenant ||
      record->record.is_zero()) {
    return std::nullopt;
  }
  return ExportItem{record->subject, record->record};
}

bool HasRepetition(const google::protobuf::RepeatedPtrField<std::string>& list) {
  std::vector<std::string_view> sorted(list.begin(), list.end());
  std::sort(sorted.begin(), sorted.end());
  return std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end();
}

// Names in order, each once. False where one is empty or comes twice.
bool SortNames(const google::protobuf::RepeatedPtrField<std::string>& from,
               google::protobuf::RepeatedPtrField<std::string>* to) {
  std::vector<std::string> sorted(from.begin(), from.end());
  std::sort(sorted.begin(), sorted.end());
  if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end()) return false;
  if (!sorted.empty() && sorted.front().empty()) return false;
  to->Assign(sorted.begin(), sorted.end());
  return true;
}

class IssueExportTokenHandler : public Handler {
 public:
  explicit IssueExportTokenHandler(const VaultDependencies& deps) : deps_(deps) {}

  Plan Next(CallContext& context) override {
    const auto& request = RequestAs<v1::IssueExportTokenRequest>(context);
    VaultCall call(context, deps_);
    if (auto refused = call.Open(request.parent(), &request.usage())) return *std::move(refused);
    if (token_id_.is_zero()) token_id_ = deps_.random.Id128();
    ExportTokenState token{token_id_, {}};
    if (auto refused = Draft(call, request, &token.row)) return *std::move(refused);

    const RecipientState* recipient =
        call.session().state().FindRecipient(call.tenant_id(), token.row.recipient());
    call.session().AddRead(RecipientCell(call.tenant_id(), token.row.recipient()));
    ExportAsk ask;
    if (const authz::Reason reason = ExportAsk::Make(call.policy(), token.row, &ask);
        reason != authz::Reason::kOk) {
      return call.Refuse(reason);
    }
    const authz::DecisionInput issuer = call.Input(authz::Verb::kExport);
    authz::ShareInput input =
        ask.Input(issuer, recipient == nullptr ? nullptr : &recipient->recipient);
    input.single_operator = call.session().state().single_operator();
    // What has to be approved is asked for first.
    input.approvals = kEnoughApprovals;
    input.issued_at = call.now();
    if (auto refused = DecideWhole(call, recipient, input, &token.row)) return *std::move(refused);
    DescribeToken(call, token);
    DescribeTerms(call, token.row);

    // Its first people are kept for kStrayPartsKept without a token that names them.
    if (place_.index == 0) began_ = call.now();
    if (call.now() >= began_ + kLongestIssue) return call.Refuse(authz::Reason::kConflict);
    next_ = place_;
    notices_.clear();
    auto* response = NewResponse<v1::IssueExportTokenResponse>(context);
    v1::IssueExportTokenResponse before;
    // Before people are gone over who were gone over already.
    if (auto refused = call.FindRequest(request.request_id(), &before)) return *std::move(refused);
    if (call.replayed()) return IssueAgain(call, before, response);
    if (auto refused =
            LoadOpenNotices(call, request.notices(), RefOf(recipient->row.ref()), &notices_)) {
      return *std::move(refused);
    }
    if (place_.index == 0) {
      for (const OpenNotice& notice : notices_) next_.unanswered.insert(notice.row.handle());
    }
    std::vector<ExportItem> part;
    if (auto refused = DecidePeople(call, request, ask, input, recipient->row, &part)) {
      return *std::move(refused);
    }
    response->set_decided(static_cast<uint32_t>(next_.index));
    response->set_skipped(next_.skipped);
    if (!part.empty()) {
      PutExportPart(call.scope(), deps_.random, token.id, static_cast<uint32_t>(next_.parts.size()),
                    part, call.now(), &call.changes());
      next_.parts.push_back(static_cast<uint32_t>(part.size()));
      next_.items.insert(next_.items.end(), part.begin(), part.end());
    }
    next_.at_end = next_.index >= static_cast<size_t>(request.subjects_size());
    if (!next_.at_end) {
      call.ForgetRequest();
      return call.Finish(response);
    }
    return Issue(call, *token_rule_, &token, response);
  }

  void Committed(const storage::LogPosition*) override {
    place_ = std::move(next_);
    pace_.Committed();
  }
  bool HasMore() const override { return !place_.at_end; }

 private:
  // Where the call stands; moves when a message is durable.
  struct Place {
    size_t index = 0;
    uint32_t skipped = 0;
    std::vector<uint32_t> parts;
    std::vector<ExportItem> items;     // of all parts
    std::set<std::string> unanswered;  // handles of the notices whose people were not seen yet
    bool at_end = false;
  };

  // The row as the request says it, but for what only the decision knows. A refusal, or nothing.
  std::optional<Plan> Draft(VaultCall& call, const v1::IssueExportTokenRequest& request,
                            storage::v1::ExportTokenRow* row) {
    const auto malformed = [&call](std::string_view argument) {
      return call.Refuse(authz::Reason::kMalformedRequest, {std::string(argument)});
    };
    const std::optional<RecipientName> recipient = ParseRecipientName(request.recipient());
    if (!recipient.has_value() || recipient->tenant != call.tenant_id()) {
      return malformed("recipient");
    }
    if (!IsPolicyIdentifier(request.rule())) return malformed("rule");
    if (request.usage().purpose().empty()) return call.Refuse(authz::Reason::kPurposeMissing);
    if (!request.usage().on_behalf_of().empty()) return malformed("usage.on_behalf_of");
    if (request.fields().empty()) return call.Refuse(authz::Reason::kFieldMissing);
    if (request.fields_size() > kMaxExportFields || request.requested_size() > kMaxExportFields ||
        request.subjects_size() > kMaxExportSubjects ||
        request.assertions_size() > kMaxAssertions) {
      return call.Refuse(authz::Reason::kBatchTooLarge);
    }
    if (request.subjects().empty()) return malformed("subjects");
    if (place_.index == 0 && HasRepetition(request.subjects())) return malformed("subjects");
    if (!SortNames(request.fields(), row->mutable_fields())) return malformed("fields");
    if (!SortNames(request.requested(), row->mutable_requested())) return malformed("requested");
    for (const auto& [name, value] : request.assertions()) {
      const bool known =
          std::find(authz::vocabulary::kAssertions.begin(), authz::vocabulary::kAssertions.end(),
                    name) != authz::vocabulary::kAssertions.end();
      if (!known) return malformed("assertions");
      if (value.size() > kMaxAssertionSize || !authz::IsValidTicket(value)) {
        return call.Refuse(authz::Reason::kAssertionInvalid, {name});
      }
      if (DetectProhibited(value).any()) return call.Refuse(authz::Reason::kProhibitedType, {name});
      (*call.entry().mutable_arguments())[name] = value;
    }
    const int64_t lifetime = request.lifetime_seconds();
    if (lifetime < 0 || lifetime > absl::ToInt64Seconds(authz::kMaxTokenLifetime)) {
      return malformed("lifetime_seconds");
    }
    if (request.uses() > kMaxUses) return malformed("uses");
    if (request.has_not_before()) {
      const std::optional<int64_t> micros = MicrosOf(request.not_before());
      const absl::Time latest = call.now() + authz::kMaxTokenLifetime;
      const absl::Duration stated =
          lifetime == 0 ? authz::kDefaultTokenLifetime : absl::Seconds(lifetime);
      if (!micros.has_value() || *micros <= 0) return malformed("not_before");
      // Its end is no later than that of one that begins at once can be.
      if (absl::FromUnixMicros(*micros) + stated > latest) {
        return call.Refuse(authz::Reason::kTokenTerms, {"not_before"});
      }
      row->set_not_before_micros(*micros);
    }
    row->set_recipient(std::string(recipient->recipient));
    row->set_rule(request.rule());
    row->set_purpose(request.usage().purpose());
    row->set_ticket(request.usage().ticket());
    row->set_role(request.usage().role());
    *row->mutable_arguments() = request.usage().arguments();
    *row->mutable_assertions() = request.assertions();
    row->set_subjects(static_cast<uint32_t>(request.subjects_size()));
    row->set_uses(std::max(request.uses(), 1u));
    row->set_lifetime_seconds(static_cast<uint32_t>(lifetime));
    row->set_issuer(std::string(call.session().principal_name()));
    row->set_issuer_person(call.session().caller()->row.person());
    row->set_create_micros(absl::ToUnixMicros(call.now()));
    return std::nullopt;
  }

  // What is not about one person. A refusal, or nothing.
  std::optional<Plan> DecideWhole(VaultCall& call, const RecipientState* recipient,
                                  authz::ShareInput& input, storage::v1::ExportTokenRow* row) {
    const authz::RecipientSpec* rule = call.policy().FindRecipient(row->rule());
    if (rule != nullptr && row->lifetime_seconds() == 0) {
      const absl::Duration lifetime =
          std::min(authz::kDefaultTokenLifetime, authz::LifetimeOf(*rule));
      row->set_lifetime_seconds(static_cast<uint32_t>(absl::ToInt64Seconds(lifetime)));
      input.lifetime = lifetime;
    }
    input.users_notified = true;
    authz::ShareDecision decision = authz::DecideShare(call.policy(), input);
    if (!decision.granted()) return RefuseShare(call, decision);
    // Before all people are gone over, it is certain that nothing else is in the way.
    if (auto waits =
            CheckNotified(call, NoticeOf(call, *decision.rule, recipient->row), true, &survey_)) {
      return waits;
    }
    token_rule_ = decision.rule;
    DescribeShare(call, decision);
    row->set_basis(decision.rule->basis);
    row->set_approvals_needed(
        call.session().state().single_operator() ? 0 : authz::ApprovalsOf(*decision.rule));
    return std::nullopt;
  }

  // How often, how long and from when, as it is asked for.
  static void DescribeTerms(VaultCall& call, const storage::v1::ExportTokenRow& row) {
    auto& arguments = *call.entry().mutable_arguments();
    arguments["uses"] = std::to_string(row.uses());
    arguments["lifetime"] = absl::StrCat(row.lifetime_seconds(), "s");
    if (row.not_before_micros() == 0) return;
    arguments["not_before"] = absl::FormatTime(
        absl::RFC3339_sec, absl::FromUnixMicros(row.not_before_micros()), absl::UTCTimeZone());
  }

  // The next people of the request, as many as a part and an entry hold. A refusal, or nothing.
  std::optional<Plan> DecidePeople(VaultCall& call, const v1::IssueExportTokenRequest& request,
                                   const ExportAsk& ask, const authz::ShareInput& input,
                                   const storage::v1::RecipientRow& recipient,
                                   std::vector<ExportItem>* part) {
    const storage::Id128 ref = RefOf(recipient.ref());
    const size_t most = pace_.Next(call.session().context().attempt);
    const size_t end = std::min(static_cast<size_t>(request.subjects_size()), place_.index + most);
    size_t records = 0;
    while (next_.index < end && records < most) {
      std::vector<ExportItem> items;
      for (size_t i = next_.index; i < std::min(end, next_.index + kSlicePeople); ++i) {
        const std::optional<ExportItem> item =
            ParseItem(request.subjects(static_cast<int>(i)), call.tenant_id());
        if (!item.has_value()) {
          return call.Refuse(authz::Reason::kMalformedRequest, {"subjects"});
        }
        items.push_back(*item);
      }
      absl::StatusOr<std::vector<ExportPerson>> people = LoadExportPeople(
          deps_.engine, call.scope(), items, ask.type_names(), ref, &call.changes());
      if (!people.ok()) return call.Refuse(people.status());
      for (size_t i = 0; i < people->size() && records < most; ++i) {
        call.Yield();
        records += std::max<size_t>((*people)[i].records.size(), 1);
        if (auto refused = DecidePerson(call, request, ask, input, (*people)[i], items[i], part)) {
          return refused;
        }
        ++next_.index;
      }
    }
    return std::nullopt;
  }

  std::optional<Plan> DecidePerson(VaultCall& call, const v1::IssueExportTokenRequest& request,
                                   const ExportAsk& ask, const authz::ShareInput& input,
                                   const ExportPerson& person, const ExportItem& item,
                                   std::vector<ExportItem>* part) {
    authz::Reason reason = person.reason;
    auto& entries = *call.entry().mutable_items();
    const int entries_before = entries.size();
    const std::vector<authz::FieldId> held = HeldBy(call.policy(), person);
    for (const std::unique_ptr<LoadedRecord>& record : person.records) {
      const RecordShare share = DecideRecord(call, ask, input, held, *record);
      if (!share.decision.granted()) {
        if (!request.skip_denied()) return RefuseShare(call, share.decision, &person);
        reason = share.decision.reason;
        break;
      }
      storage::v1::EntryItem* entry = call.AddItem(record.get());
      for (const authz::FieldId id : ask.Find(call.policy().FindType(record->type()))->fields) {
        entry->add_fields(call.policy().field(id).full_name);
      }
      if (!share.consent_id.empty()) call.DescribeConsent(share.consent_id);
      if (share.decision.grant != nullptr) entry->add_grants(share.decision.grant->id);
      if (share.decision.role != nullptr) call.DescribeRole(*share.decision.role, entry);
    }
    if (reason == authz::Reason::kOk) {
      part->push_back(item);
      next_.unanswered.erase(person.holding.handle());
      return std::nullopt;
    }
    entries.DeleteSubrange(entries_before, entries.size() - entries_before);
    if (reason == authz::Reason::kDataLoss || !request.skip_denied()) {
      if (reason != authz::Reason::kSubjectErased) return call.Refuse(reason);
      // That somebody was here and is no more is for the log alone.
      call.AddFailedItem(reason);
      return call.Refuse(authz::Reason::kNotFound);
    }
    ++next_.skipped;
    storage::v1::EntryItem& left_out = *call.entry().add_items();
    if (person.ok()) left_out.set_subject_ref(person.subject().row.subject_ref());
    const std::string_view name = authz::ReasonName(reason);
    left_out.set_reason(name.data(), name.size());
    call.entry().set_decision(storage::v1::DECISION_PARTIAL);
    return std::nullopt;
  }

  Plan Issue(VaultCall& call, const authz::RecipientSpec& rule, ExportTokenState* token,
             v1::IssueExportTokenResponse* response) {
    if (next_.items.empty()) return call.Refuse(authz::Reason::kNotFound);
    // Nobody is offered somebody else's values as those of the person who was corrected.
    if (!next_.unanswered.empty()) {
      return call.Refuse(authz::Reason::kMalformedRequest, {"notices"});
    }
    std::vector<ExportSubject> subjects;
    subjects.reserve(next_.items.size());
    for (const ExportItem& item : next_.items) {
      subjects.push_back({item.subject, item.whole_person()
                                            ? std::nullopt
                                            : std::optional<storage::Id128>(item.record)});
    }
    // What was revoked while this was decided, or a moment before, is not issued behind it.
    call.session().AddRead(ExportRevocationsCell(call.tenant_id()));
    if (IsRevoked(call.session().state().revocations(call.tenant_id()), *token)) {
      return call.Refuse(authz::Reason::kTokenRevoked);
    }
    const Sha256Digest digest = SubjectsHash(token->id, subjects);
    token->row.set_version(1);
    token->row.set_subjects(static_cast<uint32_t>(next_.items.size()));
    token->row.set_subjects_sha256(digest.data(), digest.size());
    token->row.mutable_parts()->Assign(next_.parts.begin(), next_.parts.end());

    StateChange change = deps_.store.NewChange(call.session().shared_state());
    absl::StatusOr<std::string> text = std::string();
    if (token->row.approvals_needed() == 0) {
      text = StartToken(call, token, &change);
      if (!text.ok()) return call.Refuse(text.status());
    }
    PutExportToken(call.scope(), deps_.random, *token, &call.changes());
    for (OpenNotice& notice : notices_) {
      const absl::StatusOr<bool> better = OffersBetter(call, notice.row, token->row);
      if (!better.ok()) return call.Refuse(better.status());
      if (*better) continue;
      notice.row.set_token(token->id.bytes.data(), storage::Id128::kSize);
      notice.row.set_version(notice.row.version() + 1);
      PutVersioned(call.scope(), deps_.random, std::move(notice.key), notice.row, &call.changes());
    }
    FillDescription(call, *token, response->mutable_description());
    if (rule.basis == "published_purpose") response->add_warnings("BASIS_PUBLISHED_PURPOSE");
    Plan plan = call.Finish(response);
    // Behind what is remembered of the call: the vault keeps no token.
    response->set_token(*std::move(text));
    if (!change.empty()) change.MoveTo(&plan);
    return plan;
  }

  // Whether the notice has a token that can be redeemed for longer.
  static absl::StatusOr<bool> OffersBetter(VaultCall& call,
                                           const storage::v1::CorrectionNoticeRow& notice,
                                           const storage::v1::ExportTokenRow& token) {
    if (notice.token().empty()) return false;
    const auto there =
        LoadExportToken(call.deps().engine, call.scope(), RefOf(notice.token()), &call.changes());
    if (absl::IsDataLoss(there.status())) return false;
    if (!there.ok()) return there.status();
    return there->has_value() && StateNow(call, **there) == v1::EXPORT_TOKEN_STATE_ACTIVE &&
           (*there)->row.expire_micros() >= token.expire_micros();
  }

  // The answer of the call before, whose token this is.
  Plan IssueAgain(VaultCall& call, const v1::IssueExportTokenResponse& before,
                  v1::IssueExportTokenResponse* response) {
    const std::optional<TenantIdName> name = ParseExportTokenName(before.description().name());
    if (!name.has_value()) return call.Refuse(authz::Reason::kDataLoss);
    absl::StatusOr<std::optional<ExportTokenState>> token =
        LoadExportToken(deps_.engine, call.scope(), name->id, &call.changes());
    if (!token.ok()) return call.Refuse(token.status());
    if (!token->has_value()) return call.Refuse(authz::Reason::kDataLoss);
    next_.at_end = true;
    response->set_decided(before.decided());
    response->set_skipped(before.skipped());
    DescribeToken(call, **token);
    call.session().AddRead(ExportRevocationsCell(call.tenant_id()));
    FillDescription(call, **token, response->mutable_description());
    StateChange change = deps_.store.NewChange(call.session().shared_state());
    absl::StatusOr<std::string> text = std::string();
    if (response->description().state() == v1::EXPORT_TOKEN_STATE_ACTIVE) {
      text = SignToken(call, **token, &change);
      if (!text.ok()) return call.Refuse(text.status());
    }
    Plan plan = call.Finish(response);
    response->set_token(*std::move(text));
    if (!change.empty()) change.MoveTo(&plan);
    return plan;
  }

  const VaultDependencies& deps_;
  storage::Id128 token_id_;
  absl::Time began_;                                  // with the first people
  const authz::RecipientSpec* token_rule_ = nullptr;  // of the message at hand
  std::vector<OpenNotice> notices_;                   // of the message at hand
  NoticeSurvey survey_;
  MessagePace pace_{kPeoplePerMessage};
  Place place_;
  Place next_;
};

}  // namespace

std::optional<NoticeToAll> NoticeOf(const VaultCall& call, const authz::RecipientSpec& rule,
                                    const storage::v1::RecipientRow& recipient) {
  const auto gate = authz::NoticeGateOf(call.policy(), rule, call.now());
  if (!gate.has_value()) return std::nullopt;
  NoticeToAll notice{call.policy().matters()[gate->matter].name, {}, gate->told_before};
  for (const auto& matter : recipient.matters()) {
    if (matter.kind() == notice.kind) notice.ids.push_back(matter.id());
  }
  return notice;
}

std::optional<Plan> CheckNotified(VaultCall& call, const std::optional<NoticeToAll>& notice,
                                  bool counted, NoticeSurvey* survey) {
  constexpr size_t kPeopleAtATime = 200;
  constexpr int kStepsAtATime = 10;
  if (!notice.has_value()) return std::nullopt;
  survey->Ask(*notice);
  for (int step = 0; step < kStepsAtATime && !survey->done(); ++step) {
    const absl::Status status = survey->Step(call.deps().engine, call.scope(), kPeopleAtATime);
    if (!status.ok()) return call.Refuse(status);
    call.Yield();
  }
  if (!survey->done()) {
    Plan again;
    again.idle = absl::ZeroDuration();
    return again;
  }
  if (survey->untold() == 0) return std::nullopt;
  if (!counted) return call.Refuse(authz::Reason::kUsersNotNotified);
  return call.Refuse(authz::Reason::kUsersNotNotified,
                     {Concat({"people=", std::to_string(survey->untold())})});
}

std::unique_ptr<Handler> NewIssueExportToken(const VaultDependencies& dependencies) {
  return std::make_unique<IssueExportTokenHandler>(dependencies);
}

}  // namespace piivault::vault
