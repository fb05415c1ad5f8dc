#include "vault/service/resource_name.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "vault/text.h"

namespace piivault::vault {
namespace {

constexpr size_t kMaxRefBytes = 512;

bool IsLowerOrDigit(char c) { return absl::ascii_islower(c) || absl::ascii_isdigit(c); }

// `collection` ends with a slash; what follows must satisfy `valid`.
template <typename Valid>
std::optional<std::string_view> ParseIn(std::string_view name, std::string_view collection,
                                        Valid valid) {
  if (!ConsumePrefix(&name, collection) || !valid(name)) return std::nullopt;
  return name;
}

bool IsPrincipalId(std::string_view id) {
  const size_t dot = id.find('.');
  if (dot == std::string_view::npos) return IsResourceId(id);
  return IsResourceId(id.substr(0, dot)) && IsResourceId(id.substr(dot + 1));
}

bool IsIdText(std::string_view text) { return storage::Id128::FromText(text).has_value(); }

// Cuts `name` at the first slash; what is before it comes back.
std::string_view TakeSegment(std::string_view* name) {
  const size_t slash = std::min(name->find('/'), name->size());
  const std::string_view segment = name->substr(0, slash);
  name->remove_prefix(std::min(slash + 1, name->size()));
  return segment;
}

// `ref:{type}:{ref}`; the type holds no colon, the ref may.
bool ParseRef(std::string_view text, RecordName* record) {
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0) return false;
  record->by_ref = true;
  record->type = text.substr(0, colon);
  record->ref = text.substr(colon + 1);
  return !record->ref.empty() && record->ref.size() <= kMaxRefBytes &&
         std::all_of(record->type.begin(), record->type.end(),
                     [](char c) { return IsLowerOrDigit(c) || c == '_' || c == '-'; });
}

// `tenants/{tenant}/{collection}{id}`; `collection` ends with a slash.
std::optional<TenantIdName> ParseTenantId(std::string_view name, std::string_view collection) {
  if (!ConsumePrefix(&name, "tenants/")) return std::nullopt;
  const std::string_view tenant = TakeSegment(&name);
  if (!IsResourceId(tenant) || !ConsumePrefix(&name, collection)) return std::nullopt;
  const std::optional<storage::Id128> id = storage::Id128::FromText(name);
  if (!id.has_value()) return std::nullopt;
  return TenantIdName{tenant, *id};
}

std::string MakeTenantId(std::string_view tenant, std::string_view collection,
                         const storage::Id128& id) {
  return Concat({"tenants/", tenant, "/", collection, id.ToText()});
}

constexpr std::string_view kExportTokens = "exportTokens/";
constexpr std::string_view kDisclosures = "disclosures/";
constexpr std::string_view kDestructions = "destructions/";
constexpr std::string_view kCorrectionNotices = "correctionNotices/";

}  // namespace

std::optional<std::string_view> ParseTenantName(std::string_view name) {
  return ParseIn(name, "tenants/", IsResourceId);
}

std::optional<std::string_view> ParsePersonName(std::string_view name) {
  return ParseIn(name, "persons/", IsResourceId);
}

std::optional<std::string_view> ParsePrincipalName(std::string_view name) {
  return ParseIn(name, "principals/", IsPrincipalId);
}

std::optional<std::string_view> ParsePolicyName(std::string_view name) {
  return ParseIn(name, "policies/", IsSha256Hex);
}

std::optional<std::string_view> ParseProposalName(std::string_view name) {
  return ParseIn(name, "proposals/", IsIdText);
}

std::optional<std::string_view> ParseBreakGlassName(std::string_view name) {
  return ParseIn(name, "breakGlassUses/", IsIdText);
}

std::optional<AttestationName> ParseAttestationName(std::string_view name) {
  if (!ConsumePrefix(&name, "persons/")) return std::nullopt;
  AttestationName parsed;
  parsed.person = TakeSegment(&name);
  if (!IsResourceId(parsed.person)) return std::nullopt;
  auto id = ParseIn(name, "attestations/", IsIdText);
  if (!id.has_value()) return std::nullopt;
  parsed.attestation = *id;
  return parsed;
}

std::optional<RecipientName> ParseRecipientName(std::string_view name) {
  if (!ConsumePrefix(&name, "tenants/")) return std::nullopt;
  RecipientName parsed;
  parsed.tenant = TakeSegment(&name);
  const auto recipient = ParseIn(name, "recipients/", IsResourceId);
  if (!IsResourceId(parsed.tenant) || !recipient.has_value()) return std::nullopt;
  parsed.recipient = *recipient;
  return parsed;
}

std::optional<RecipientAttestationName> ParseRecipientAttestationName(std::string_view name) {
  constexpr std::string_view kCollection = "/attestations/";
  const size_t at = name.find(kCollection);
  if (at == std::string_view::npos) return std::nullopt;
  const auto recipient = ParseRecipientName(name.substr(0, at));
  const auto attestation = ParseIn(name.substr(at), kCollection, IsIdText);
  if (!recipient.has_value() || !attestation.has_value()) return std::nullopt;
  return RecipientAttestationName{*recipient, *attestation};
}

std::optional<SubjectName> ParseSubjectName(std::string_view name) {
  if (!ConsumePrefix(&name, "tenants/")) return std::nullopt;
  SubjectName parsed;
  parsed.tenant = TakeSegment(&name);
  if (!IsResourceId(parsed.tenant) || !ConsumePrefix(&name, "subjects/")) {
    return std::nullopt;
  }
  auto subject = storage::Id128::FromText(name);
  if (!subject.has_value()) return std::nullopt;
  parsed.subject = *subject;
  return parsed;
}

std::optional<SubjectRequestName> ParseSubjectRequestName(std::string_view name) {
  constexpr std::string_view kCollection = "/requests/";
  const size_t at = name.find(kCollection);
  if (at == std::string_view::npos) return std::nullopt;
  const auto subject = ParseSubjectName(name.substr(0, at));
  const auto request = ParseIn(name.substr(at), kCollection, IsIdText);
  if (!subject.has_value() || !request.has_value()) return std::nullopt;
  return SubjectRequestName{*subject, *request};
}

std::optional<RecordName> ParseRecordName(std::string_view name) {
  if (!ConsumePrefix(&name, "tenants/")) return std::nullopt;
  RecordName parsed;
  parsed.tenant = TakeSegment(&name);
  if (!IsResourceId(parsed.tenant)) return std::nullopt;
  if (ConsumePrefix(&name, "records/ref:")) {
    if (!ParseRef(name, &parsed)) return std::nullopt;
    return parsed;
  }
  if (!ConsumePrefix(&name, "subjects/")) return std::nullopt;
  auto subject = storage::Id128::FromText(TakeSegment(&name));
  if (!subject.has_value() || !ConsumePrefix(&name, "records/")) return std::nullopt;
  auto record = storage::Id128::FromText(name);
  if (!record.has_value()) return std::nullopt;
  parsed.subject = *subject;
  parsed.record = *record;
  return parsed;
}

std::optional<TenantIdName> ParseExportTokenName(std::string_view name) {
  return ParseTenantId(name, kExportTokens);
}
std::optional<TenantIdName> ParseDisclosureName(std::string_view name) {
  return ParseTenantId(name, kDisclosures);
}
std::optional<TenantIdName> ParseDestructionName(std::string_view name) {
  return ParseTenantId(name, kDestructions);
}
std::optional<TenantIdName> ParseCorrectionNoticeName(std::string_view name) {
  return ParseTenantId(name, kCorrectionNotices);
}

std::string MakeExportTokenName(std::string_view tenant, const storage::Id128& token) {
  return MakeTenantId(tenant, kExportTokens, token);
}
std::string MakeDisclosureName(std::string_view tenant, const storage::Id128& disclosure) {
  return MakeTenantId(tenant, kDisclosures, disclosure);
}
std::string MakeDestructionName(std::string_view tenant, const storage::Id128& destruction) {
  return MakeTenantId(tenant, kDestructions, destruction);
}
std::string MakeCorrectionNoticeName(std::string_view tenant, const storage::Id128& notice) {
  return MakeTenantId(tenant, kCorrectionNotices, notice);
}

std::string TenantName(std::string_view id) { return Concat({"tenants/", id}); }
std::string PersonName(std::string_view id) { return Concat({"persons/", id}); }
std::string PrincipalName(std::string_view id) { return Concat({"principals/", id}); }
std::string PolicyName(std::string_view hex) { return Concat({"policies/", hex}); }
std::string ProposalName(std::string_view id) { return Concat({"proposals/", id}); }
std::string BreakGlassName(std::string_view id) { return Concat({"breakGlassUses/", id}); }

std::string MakeAttestationName(std::string_view person, std::string_view attestation) {
  return Concat({"persons/", person, "/attestations/", attestation});
}

std::string MakeRecipientAttestationName(std::string_view tenant, std::string_view recipient,
                                         std::string_view attestation) {
  return Concat({"tenants/", tenant, "/recipients/", recipient, "/attestations/", attestation});
}

std::string MakeSubjectName(std::string_view tenant, const storage::Id128& subject) {
  return Concat({"tenants/", tenant, "/subjects/", subject.ToText()});
}

std::string MakeSubjectRequestName(std::string_view tenant, const storage::Id128& subject,
                                   std::string_view request) {
  return Concat({MakeSubjectName(tenant, subject), "/requests/", request});
}

std::string MakeRecordName(std::string_view tenant, const storage::Id128& subject,
                           const storage::Id128& record) {
  return Concat({"tenants/", tenant, "/subjects/", subject.ToText(), "/records/", record.ToText()});
}

}  // namespace piivault::vault
