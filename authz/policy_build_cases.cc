// Test cases: made-up calls with what must come of them.

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "authz/policy_builder.h"
#include "authz/policy_cases.h"
#include "authz/vocabulary.h"

namespace piivault::authz {
namespace {

constexpr std::string_view kDefaultNow = "2025-01-01T00:00:00Z";
constexpr std::string_view kPerson = "persons/case";
constexpr std::string_view kOther = "persons/other";
constexpr std::string_view kSelf = "self";
constexpr std::string_view kNever = "never";
constexpr int64_t kMostHolders = 100'000;
constexpr std::string_view kOtherDocument = "of another text";

constexpr auto kNdaStates = std::to_array<std::string_view>(
    {"valid", "missing", "expired", "revoked", "wrong_signatory", "not_yet"});
constexpr auto kAcknowledgedStates =
    std::to_array<std::string_view>({"valid", "missing", "expired", "other_document"});
constexpr auto kGlassStates = std::to_array<std::string_view>({"active", "idle", "over"});
constexpr auto kFrontHops = std::to_array<std::string_view>({"tls", "plain"});

PrincipalKind KindFor(RoleKind kind) {
  switch (kind) {
    case RoleKind::kStaff:
    case RoleKind::kProcessor:
      return PrincipalKind::kStaff;
    case RoleKind::kService:
    case RoleKind::kSubject:
      return PrincipalKind::kService;
    case RoleKind::kTenant:
      return PrincipalKind::kTenant;
    case RoleKind::kRecipient:
      return PrincipalKind::kRecipient;
  }
  return PrincipalKind::kUnspecified;
}

Attestation MakeAttestation(AttestationKind kind, absl::Time now) {
  Attestation a;
  a.id = absl::StrCat("attestations/", std::string(AttestationKindName(kind)));
  a.kind = kind;
  a.signatory = std::string(kPerson);
  a.signed_at = now - absl::Hours(24 * 30);
  a.valid_until = now + absl::Hours(24 * 365);
  return a;
}

void SetState(Attestation& a, const std::string& state, absl::Time now) {
  if (state == "expired") a.valid_until = now - absl::Seconds(1);
  if (state == "revoked") a.revoked_at = now - absl::Seconds(1);
  if (state == "wrong_signatory") a.signatory = std::string(kOther);
  if (state == "not_yet") a.signed_at = now + absl::Seconds(1);
}

std::string TenantName(const std::string& name) { return absl::StrCat("tenants/", name); }

}  // namespace

absl::Time PolicyBuilder::ReadTime(const YamlNode& node, bool end_of_day) {
  absl::CivilDay day;
  absl::Time time;
  if (node.is_scalar() && node.scalar.size() == 10 && absl::ParseCivilTime(node.scalar, &day)) {
    return end_of_day ? policy_->EndOfDay(day) : absl::FromCivil(day, policy_->timezone_);
  }
  std::string error;
  if (node.is_scalar() && absl::ParseTime(absl::RFC3339_full, node.scalar, &time, &error)) {
    return time;
  }
  diagnostics_->Error(node.place, "not a time", "2025-04-01 or 2025-04-01T12:00:00+09:00");
  return absl::UnixEpoch();
}

void PolicyBuilder::ReadCases(MapReader& root) {
  const YamlNode* node = root.Get("cases");
  if (node == nullptr) return;
  if (!node->is_sequence()) {
    diagnostics_->Error(node->place, "'cases': a list is needed");
    return;
  }
  for (const YamlNode& item : node->items) ReadCase(item);
}

void PolicyBuilder::ReadCase(const YamlNode& node) {
  MapReader reader(node, "case", diagnostics_);
  if (!node.is_map()) return;
  PolicyCase c;
  c.origin = reader.ReadOrigin();
  c.name = reader.String("name");
  const YamlNode* at = reader.Get("at");
  YamlNode fallback;
  fallback.kind = YamlNode::Kind::kScalar;
  fallback.scalar = std::string(kDefaultNow);
  c.now = ReadTime(at != nullptr ? *at : fallback, false);
  c.tenant = TenantName(reader.String("tenant", "default"));
  ReadCaseCaller(c, reader);
  reader.Require("does");
  std::vector<std::string_view> verbs = {"admit"};
  for (const VerbInfo& verb : kVerbs) verbs.push_back(verb.name);
  const std::string verb = reader.Word("does", verbs);
  c.admission = verb == "admit";
  if (const std::optional<Verb> found = FindVerb(verb); found.has_value()) c.verb = *found;
  c.type = reader.String("type");
  for (const YamlNode* item : reader.Scalars("fields")) {
    // Names may be unknown on purpose.
    c.fields.push_back(item->scalar);
    if (c.type.empty()) c.type = item->scalar.substr(0, item->scalar.find('.'));
  }
  c.purpose = reader.String("for");
  c.ticket = reader.String("ticket");
  ReadCaseArguments(c, reader);
  c.matters = ReadCaseMatters(reader);
  ReadCaseIntake(c, reader);
  const std::string wanted = reader.Word("view", vocabulary::kViews, "plain");
  c.wanted = wanted == "masked" ? View::kMasked : wanted == "token" ? View::kToken : View::kPlain;
  c.on_behalf_of = reader.String("on_behalf_of");
  if (c.on_behalf_of == kSelf) c.on_behalf_of = std::string(kCaseSubject);
  ReadCaseSubject(c, reader);
  ReadCaseShare(c, reader);
  ReadCaseExpectation(c, reader);
  reader.Finish();
  if (c.name.empty()) c.name = absl::StrCat("case in line ", node.place.line);
  policy_->cases_.push_back(std::move(c));
}

// `with: [name]` brings the value X-1; `with: {name: value}` says which.
void PolicyBuilder::ReadCaseArguments(PolicyCase& c, MapReader& reader) {
  const YamlNode* with = reader.Get("with");
  if (with != nullptr && with->is_map()) {
    for (const YamlNode::Entry& entry : with->entries) {
      if (!IsIdentifier(entry.first.scalar) || !entry.second.is_scalar() ||
          entry.second.scalar.empty()) {
        diagnostics_->Error(entry.first.place, "a name and a value are needed",
                            "with: {order: O-17}");
        continue;
      }
      c.arguments.emplace_back(entry.first.scalar, entry.second.scalar);
    }
    return;
  }
  for (std::string& name : reader.IdentifierList("with")) {
    c.arguments.emplace_back(std::move(name), kCaseValue);
  }
}

void PolicyBuilder::ReadCaseIntake(PolicyCase& c, MapReader& reader) {
  c.channel = reader.String("channel");
  const std::string hop = reader.Word("front_hop", kFrontHops);
  c.front_hop = hop == "tls"     ? FrontHop::kTls
                : hop == "plain" ? FrontHop::kPlain
                                 : FrontHop::kUnspecified;
  c.tenant_allows_plain = reader.Bool("tenant_allows_plain");
  c.notice = reader.String("notice");
  if (const YamlNode* node = reader.Get("collected_at")) c.collected_at = ReadTime(*node, false);
  c.born = ReadDay(reader, "born");
  for (const YamlNode* node : reader.Scalars("clear")) c.cleared.push_back(node->scalar);
}

void PolicyBuilder::ReadCaseCaller(PolicyCase& c, MapReader& reader) {
  const YamlNode* as = reader.Require("as");
  c.principal.name = "principals/case";
  if (as == nullptr) return;
  std::optional<MapReader> caller;
  std::string role_name;
  if (as->is_map()) {
    caller.emplace(*as, "as", diagnostics_);
    caller->Require("role");
    role_name = RoleOr(*caller, "role", {"none"});
  } else {
    role_name = RoleOr(reader, "as", {"none"});
  }
  static const RoleSpec kNoRole;
  const RoleSpec* role = policy_->FindRole(role_name);
  c.principal.kind = role != nullptr ? KindFor(role->kind) : PrincipalKind::kStaff;
  if (c.principal.kind == PrincipalKind::kTenant) c.principal.tenant = c.tenant;
  if (role != nullptr) {
    RoleBinding binding;
    binding.role = role->name;
    binding.tenant = c.tenant;
    binding.justification = "CASE";
    binding.not_after = c.now + absl::Hours(24 * 365);
    if (role->break_glass != absl::ZeroDuration()) {
      binding.active_until = c.now + absl::Seconds(1);
    }
    c.principal.bindings.push_back(std::move(binding));
  }
  ReadCaseEvidence(c, role != nullptr ? *role : kNoRole, caller.has_value() ? &*caller : nullptr);
  if (!caller.has_value()) return;
  if (const YamlNode* kind = caller->Get("kind"); kind != nullptr) {
    const std::optional<PrincipalKind> found = FindPrincipalKind(kind->scalar);
    if (found.has_value()) {
      c.principal.kind = *found;
    } else {
      diagnostics_->Error(kind->place, "unknown kind of principal",
                          "staff, service, tenant, recipient");
    }
  }
  for (const YamlNode* node : caller->Scalars("fields")) {
    if (Select(*node).empty()) continue;
    for (RoleBinding& binding : c.principal.bindings) binding.fields.push_back(node->scalar);
  }
  c.principal.disabled = caller->Bool("disabled");
  if (const std::string tenant = caller->String("tenant"); !tenant.empty()) {
    if (c.principal.kind == PrincipalKind::kTenant) c.principal.tenant = TenantName(tenant);
    for (RoleBinding& binding : c.principal.bindings) binding.tenant = TenantName(tenant);
  }
  if (const YamlNode* until = caller->Get("role_until"); until != nullptr) {
    const bool never = until->is_scalar() && until->scalar == kNever;
    const absl::Time end = never ? absl::InfiniteFuture() : ReadTime(*until, true);
    for (RoleBinding& binding : c.principal.bindings) binding.not_after = end;
  }
  c.other_holders = static_cast<uint32_t>(caller->Int("other_holders", 0, kMostHolders, 0));
  if (caller->Get("break_glass") != nullptr) {
    const std::string state = caller->Word("break_glass", kGlassStates);
    if (role == nullptr || role->break_glass == absl::ZeroDuration()) {
      diagnostics_->Error(caller->PlaceOf("break_glass"), "the role is not a break-glass role");
    }
    for (RoleBinding& binding : c.principal.bindings) {
      if (state == "idle") binding.active_until = absl::InfinitePast();
      if (state == "over") binding.active_until = c.now;
    }
  }
  caller->Finish();
}

void PolicyBuilder::ReadCaseEvidence(PolicyCase& c, const RoleSpec& role, MapReader* reader) {
  Person person;
  person.name = std::string(kPerson);
  person.employment = role.employment.empty() ? Employment::kFullTime : role.employment.front();
  person.duties = role.duties;
  person.department = role.department.empty() ? "case" : role.department;
  person.justification = "CASE";
  person.justification_until = c.now + absl::Hours(24 * 365);
  if (reader != nullptr) {
    if (const YamlNode* node = reader->Get("employment"); node != nullptr) {
      const std::optional<Employment> employment = FindEmployment(node->scalar);
      if (!employment.has_value()) diagnostics_->Error(node->place, "unknown employment");
      person.employment = employment.value_or(Employment::kUnspecified);
    }
    if (reader->Get("duty") != nullptr) person.duties = reader->IdentifierList("duty");
    person.department = reader->String("department", person.department);
    if (const YamlNode* node = reader->Get("justified_until"); node != nullptr) {
      person.justification_until = ReadTime(*node, true);
    }
    if (!reader->Bool("justified", true)) {
      person.justification.clear();
      for (RoleBinding& binding : c.principal.bindings) binding.justification.clear();
    }
  }
  c.principal.person = person.name;
  c.person = std::move(person);
  ReadCaseNda(c, role, reader);
  ReadCaseAttested(c, role, reader);
}

void PolicyBuilder::ReadCaseNda(PolicyCase& c, const RoleSpec& role, MapReader* reader) {
  AttestationKind kind = role.nda.empty() ? AttestationKind::kUnspecified : role.nda.front();
  const YamlNode* nda = reader == nullptr ? nullptr : reader->Get("nda");
  if (nda != nullptr && nda->is_map()) {
    MapReader inner(*nda, "nda", diagnostics_);
    if (const YamlNode* node = inner.Get("kind"); node != nullptr) {
      const std::optional<AttestationKind> found = FindAttestationKind(node->scalar);
      if (!found.has_value()) diagnostics_->Error(node->place, "unknown kind of attestation");
      kind = found.value_or(AttestationKind::kUnspecified);
    }
    Attestation given = MakeAttestation(kind, c.now);
    if (const YamlNode* node = inner.Get("signed")) given.signed_at = ReadTime(*node, false);
    if (const YamlNode* node = inner.Get("until")) given.valid_until = ReadTime(*node, true);
    if (const YamlNode* node = inner.Get("revoked")) given.revoked_at = ReadTime(*node, false);
    SetState(given, inner.Word("state", kNdaStates, "valid"), c.now);
    inner.Finish();
    c.attestations.push_back(std::move(given));
    return;
  }
  const std::string state = nda == nullptr ? "valid" : reader->Word("nda", kNdaStates, "valid");
  if (kind == AttestationKind::kUnspecified || state == "missing") return;
  c.attestations.push_back(MakeAttestation(kind, c.now));
  SetState(c.attestations.back(), state, c.now);
}

void PolicyBuilder::ReadCaseAttested(PolicyCase& c, const RoleSpec& role, MapReader* reader) {
  const bool none = reader == nullptr;
  const std::string others = none ? "valid" : reader->Word("attested", kNdaStates, "valid");
  const std::string acknowledged =
      none ? "valid" : reader->Word("acknowledged", kAcknowledgedStates, "valid");
  for (AttestationKind needed : role.attested) {
    const bool text = needed == AttestationKind::kAcknowledgement;
    const std::string& state = text ? acknowledged : others;
    if (state == "missing") continue;
    Attestation a = MakeAttestation(needed, c.now);
    SetState(a, state, c.now);
    if (text && policy_->acknowledgement() != nullptr) {
      a.document_sha256 = state == "other_document" ? std::string(kOtherDocument)
                                                    : policy_->acknowledgement()->document_sha256;
    }
    c.attestations.push_back(std::move(a));
  }
}

void PolicyBuilder::ReadCaseExpectation(PolicyCase& c, MapReader& reader) {
  const YamlNode* node = reader.Require("expect");
  if (node == nullptr) return;
  std::vector<std::string_view> words = {"granted", "masked", "token"};
  for (size_t i = 1; i < ReasonCount(); ++i) words.push_back(ReasonName(static_cast<Reason>(i)));
  const std::string word = reader.Word("expect", words);
  if (word == "masked") {
    c.expect_view = View::kMasked;
  } else if (word == "token") {
    c.expect_view = View::kToken;
  } else if (!word.empty() && word != "granted") {
    c.expect = *FindReason(word);
  }
}

}  // namespace piivault::authz
