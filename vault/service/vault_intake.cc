#include "vault/service/vault_intake.h"

#include <algorithm>

#include "vault/keys/tokens.h"
#include "vault/values/dates.h"
#include "vault/values/detectors.h"

namespace piivault::vault {
namespace {

constexpr size_t kMaxRefCharacters = 128;
constexpr size_t kMaxChannelSize = 32;
constexpr size_t kMaxNoticeSize = 64;
constexpr size_t kMaxControllerSize = 64;
constexpr int64_t kFirstSecond = -2'208'988'800;  // of the year 1900
// How far the clock of a caller may be ahead of the vault's.
constexpr absl::Duration kClockSkew = absl::Seconds(5);

// Letters, digits and -_.: only: names of channels and notices, which are not personal data.
bool IsIdentifier(std::string_view text, size_t max_size) {
  return text.size() <= max_size && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '_' || c == '.' || c == ':';
         });
}

// A ref may be anything that is not a payment card; the wire has made sure of UTF-8.
authz::Reason CheckRef(std::string_view ref) {
  size_t characters = 0;
  for (char c : ref) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return authz::Reason::kMalformedRequest;
    if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) ++characters;
  }
  if (characters > kMaxRefCharacters) return authz::Reason::kValueTooLarge;
  return DetectProhibited(ref).any() ? authz::Reason::kProhibitedType : authz::Reason::kOk;
}

authz::Reason CheckController(std::string_view controller) {
  if (!IsIdentifier(controller, kMaxControllerSize)) return authz::Reason::kMalformedRequest;
  return DetectProhibited(controller).any() ? authz::Reason::kProhibitedType : authz::Reason::kOk;
}

// A field that the type asks for and the request does not bring.
const authz::FieldSpec* MissingField(const authz::Policy& policy, authz::TypeId type,
                                     absl::Span<const authz::FieldId> ids) {
  for (authz::FieldId id : policy.type(type).fields) {
    if (policy.field(id).required && std::find(ids.begin(), ids.end(), id) == ids.end()) {
      return &policy.field(id);
    }
  }
  return nullptr;
}

}  // namespace

authz::Reason ReasonOfVerdict(const ValueVerdict& verdict) {
  switch (verdict.outcome) {
    case ValueOutcome::kOk:
    case ValueOutcome::kFlagged:
      return authz::Reason::kOk;
    case ValueOutcome::kInvalid:
      return authz::Reason::kValueInvalid;
    case ValueOutcome::kTooLarge:
      return authz::Reason::kValueTooLarge;
    case ValueOutcome::kNotUtf8:
      return authz::Reason::kValueNotUtf8;
    case ValueOutcome::kProhibited:
      return authz::Reason::kProhibitedType;
  }
  return authz::Reason::kValueInvalid;
}

bool SaysChannel(const v1::Provenance& provenance) {
  return !provenance.channel().empty() || provenance.front_hop() != v1::FRONT_HOP_UNSPECIFIED;
}

bool HasProvenance(const v1::Provenance& provenance) {
  return SaysChannel(provenance) || !provenance.notice().empty() || provenance.has_collected_at();
}

IntakeChannel ChannelOf(const v1::Provenance& provenance) {
  return {provenance.channel(), FrontHopOf(provenance.front_hop())};
}

IntakeChannel ChannelOf(const storage::v1::RecordHeader& header) {
  IntakeChannel channel{header.provenance().channel()};
  if (header.provenance().front_hop_tls() == storage::v1::FRONT_HOP_TLS_YES) {
    channel.front_hop = authz::FrontHop::kTls;
  } else if (header.provenance().front_hop_tls() == storage::v1::FRONT_HOP_TLS_NO) {
    channel.front_hop = authz::FrontHop::kPlain;
  }
  return channel;
}

IntakeChannel ChannelOf(const v1::Provenance& stated, const storage::v1::RecordHeader& header) {
  return SaysChannel(stated) ? ChannelOf(stated) : ChannelOf(header);
}

IntakeChannel ChannelBeforeLookUp(const authz::Policy& policy, const v1::Provenance& provenance) {
  IntakeChannel channel = ChannelOf(provenance);
  if (SaysChannel(provenance)) return channel;
  channel.front_hop = authz::FrontHop::kTls;
  if (!policy.channels().empty()) channel.name = policy.channels().front();
  if (channel.name.empty()) channel.name = "any";
  return channel;
}

authz::FrontHop FrontHopOf(v1::FrontHop hop) {
  switch (hop) {
    case v1::FRONT_HOP_TLS:
      return authz::FrontHop::kTls;
    case v1::FRONT_HOP_PLAIN:
      return authz::FrontHop::kPlain;
    default:
      return authz::FrontHop::kUnspecified;
  }
}

absl::Time CollectedAt(const v1::Provenance& provenance) {
  if (!provenance.has_collected_at()) return absl::InfiniteFuture();
  const google::protobuf::Timestamp& at = provenance.collected_at();
  if (at.nanos() < 0 || at.nanos() > 999'999'999 || at.seconds() < kFirstSecond) {
    return absl::InfiniteFuture();
  }
  return absl::FromUnixSeconds(at.seconds()) + absl::Nanoseconds(at.nanos());
}

std::optional<absl::CivilDay> BornIn(const authz::Policy& policy, const NamedValues& values,
                                     absl::Span<const authz::FieldId> ids) {
  std::optional<absl::CivilDay> born;
  for (size_t i = 0; i < values.size(); ++i) {
    if (ids[i] == authz::kNoField) continue;
    if (policy.field(ids[i]).semantic != authz::SemanticType::kBirthDate) continue;
    const std::optional<absl::CivilDay> day = ParseDay(values[i].second);
    if (day.has_value() && (!born.has_value() || *born < *day)) born = day;
  }
  return born;
}

authz::Reason CheckNoticeChange(const authz::Policy& policy, std::string_view before,
                                std::string_view next) {
  if (next.empty() || next == before || policy.collection_notices().empty()) {
    return authz::Reason::kOk;
  }
  const authz::CollectionNoticeSpec* to = policy.FindCollectionNotice(next);
  if (to == nullptr) return authz::Reason::kNoticeUnknown;
  // What came in without a notice was not collected under this one: it would widen what is granted
  // to data under it.
  if (before.empty()) return authz::Reason::kNoticeForbids;
  const authz::CollectionNoticeSpec* from = policy.FindCollectionNotice(before);
  for (authz::PurposeId purpose : to->purposes) {
    const bool named = from != nullptr && std::find(from->purposes.begin(), from->purposes.end(),
                                                    purpose) != from->purposes.end();
    if (!named) return authz::Reason::kNoticeForbids;
  }
  return authz::Reason::kOk;
}

authz::Reason CheckProvenance(const VaultCall& call, const v1::Provenance& provenance,
                              storage::v1::Provenance* out) {
  if (!IsIdentifier(provenance.channel(), kMaxChannelSize) ||
      !IsIdentifier(provenance.notice(), kMaxNoticeSize) ||
      !v1::FrontHop_IsValid(provenance.front_hop())) {
    return authz::Reason::kMalformedRequest;
  }
  if (DetectProhibited(provenance.channel()).any() || DetectProhibited(provenance.notice()).any()) {
    return authz::Reason::kProhibitedType;
  }
  absl::Time collected = call.now();
  if (provenance.has_collected_at()) {
    collected = CollectedAt(provenance);
    if (collected > call.now() + kClockSkew) return authz::Reason::kMalformedRequest;
  }
  out->set_channel(provenance.channel());
  out->set_collected_micros(absl::ToUnixMicros(collected));
  switch (provenance.front_hop()) {
    case v1::FRONT_HOP_TLS:
      out->set_front_hop_tls(storage::v1::FRONT_HOP_TLS_YES);
      break;
    case v1::FRONT_HOP_PLAIN:
      out->set_front_hop_tls(storage::v1::FRONT_HOP_TLS_NO);
      break;
    default:
      break;
  }
  return authz::Reason::kOk;
}

authz::Reason CheckValues(const VaultCall& call, const NamedValues& values,
                          absl::Span<const authz::FieldId> ids, std::vector<FieldWrite>* writes,
                          const authz::FieldSpec** failed) {
  writes->reserve(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    const authz::FieldSpec& field = call.policy().field(ids[i]);
    *failed = &field;
    if (field.one_way) return authz::Reason::kFieldOneWay;
    const ValueVerdict verdict = call.deps().rules.Validate(field, values[i].second);
    if (!verdict.accepted()) return ReasonOfVerdict(verdict);
    writes->push_back({&field, values[i].second, verdict.flagged()});
  }
  *failed = nullptr;
  return authz::Reason::kOk;
}

IntakeRequest IntakeOf(const v1::NewRecord& record) {
  return {record.type(),        record.subject(),    record.ref(),       ValuesOf(record.fields()),
          &record.provenance(), record.controller(), record.birth_date()};
}

authz::DecisionInput IntakeInput(const VaultCall& call, authz::Verb verb,
                                 const IntakeRequest& request, const Intake& intake) {
  const authz::Policy& policy = call.policy();
  authz::DecisionInput input = call.Input(verb);
  input.type = policy.FindType(request.type);
  input.fields = intake.ids;
  input.channel = request.provenance->channel();
  input.front_hop = FrontHopOf(request.provenance->front_hop());
  input.notice = request.provenance->notice();
  input.collected_at = CollectedAt(*request.provenance);
  input.born = BornIn(policy, request.fields, intake.ids);
  const std::optional<absl::CivilDay> stated = ParseDay(request.birth_date);
  if (stated.has_value()) input.born = std::max(input.born.value_or(*stated), *stated);
  return input;
}

Intake JudgeIntake(const VaultCall& call, authz::Verb verb, const IntakeRequest& request) {
  Intake intake;
  const authz::Policy& policy = call.policy();
  const authz::TypeId type = policy.FindType(request.type);
  for (const auto& [name, value] : request.fields) {
    intake.ids.push_back(type == authz::kNoType ? authz::kNoField : policy.FindField(type, name));
  }
  const authz::DecisionInput input = IntakeInput(call, verb, request, intake);
  intake.decision = authz::DecideWithoutSubject(policy, input);
  intake.reason = intake.decision.reason;
  if (intake.reason != authz::Reason::kOk) {
    for (const authz::FieldDecision& field : intake.decision.fields) {
      if (field.view != authz::View::kDenied || field.field == authz::kNoField) continue;
      intake.field = &policy.field(field.field);
      break;
    }
    return intake;
  }

  RecordDraft& draft = intake.draft;
  draft.type = &policy.type(type);
  draft.ref = request.ref;
  draft.notice = request.provenance->notice();
  draft.controller = request.controller;
  draft.born = input.born;
  if (!request.birth_date.empty() && !ParseDay(request.birth_date).has_value()) {
    intake.reason = authz::Reason::kMalformedRequest;
    return intake;
  }
  if (!request.subject.empty()) {
    const std::optional<SubjectName> subject = ParseSubjectName(request.subject);
    if (!subject.has_value() || subject->tenant != call.tenant_id()) {
      intake.reason = authz::Reason::kMalformedRequest;
      return intake;
    }
    draft.subject = subject->subject;
  }
  intake.field = MissingField(policy, type, intake.ids);
  if (intake.field != nullptr || request.fields.empty()) {
    intake.reason = authz::Reason::kFieldMissing;
    return intake;
  }
  intake.reason = CheckProvenance(call, *request.provenance, &draft.provenance);
  if (intake.reason == authz::Reason::kOk) intake.reason = CheckController(request.controller);
  if (intake.reason == authz::Reason::kOk) intake.reason = CheckRef(request.ref);
  if (intake.reason == authz::Reason::kOk) {
    intake.reason = CheckValues(call, request.fields, intake.ids, &draft.fields, &intake.field);
  }
  return intake;
}

absl::StatusOr<PersonDecision> DecideIntake(VaultCall& call, authz::Verb verb,
                                            const IntakeRequest& request, const Intake& intake,
                                            RecordWriter* writer) {
  const authz::DecisionInput input = IntakeInput(call, verb, request, intake);
  if (!intake.draft.subject.has_value()) {
    PersonFacts nobody;
    nobody.set_controller(request.controller);
    return call.Decide(input, nobody);
  }
  PersonDecision refusal;
  const absl::StatusOr<const SubjectState*> subject =
      writer->Person(*intake.draft.subject, &refusal.reason);
  if (!subject.ok()) return subject.status();
  if (*subject == nullptr) return refusal;
  PersonFacts person(call.tenant_id(), **subject);
  person.set_controller(request.controller);
  return call.Decide(input, person);
}

void FillTokens(const storage::v1::RecordHeader& header, const NamedValues& written,
                google::protobuf::Map<std::string, std::string>* tokens) {
  for (const storage::v1::FieldHeader& field : header.fields()) {
    const bool wrote = std::any_of(written.begin(), written.end(), [&field](const auto& value) {
      return value.first == field.name();
    });
    if (field.absent() || !wrote) continue;
    const std::optional<storage::Id128> token = storage::Id128::FromBytes(field.token());
    if (token.has_value()) (*tokens)[field.name()] = FormatToken(*token);
  }
}

}  // namespace piivault::vault
