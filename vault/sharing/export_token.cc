#include "vault/sharing/export_token.h"

#include <google/protobuf/util/json_util.h>

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "piivault/storage/v1/sharing.pb.h"
#include "vault/keys/byte_io.h"
#include "vault/state/resource_id.h"
#include "vault/text.h"

namespace piivault::vault {
namespace {

constexpr char kTimeFormat[] = "%Y-%m-%dT%H:%M:%SZ";
constexpr std::string_view kIssuer = "piivault:";

absl::Status Invalid() { return absl::InvalidArgumentError("export token"); }

bool IsRecipientName(std::string_view name) {
  constexpr std::string_view kRecipients = "/recipients/";
  if (!ConsumePrefix(&name, "tenants/")) return false;
  const size_t end = name.find(kRecipients);
  return end != std::string_view::npos && IsResourceId(name.substr(0, end)) &&
         IsResourceId(name.substr(end + kRecipients.size()));
}

bool IsFieldName(std::string_view name) {
  const size_t dot = name.find('.');
  return dot != std::string_view::npos && dot == name.rfind('.') &&
         IsPolicyIdentifier(name.substr(0, dot)) && IsPolicyIdentifier(name.substr(dot + 1));
}

bool IsAscending(const std::vector<std::string>& names) {
  return std::adjacent_find(names.begin(), names.end(), std::greater_equal<>()) == names.end();
}

bool IsWholeSecond(absl::Time time) {
  static const absl::Time kEnd = absl::FromCivil(absl::CivilYear(10'000), absl::UTCTimeZone());
  return time >= absl::UnixEpoch() && time < kEnd &&
         absl::FromUnixSeconds(absl::ToUnixSeconds(time)) == time;
}

// All that is written is of characters that JSON has no escapes for.
bool HasText(const ExportClaims& claims) {
  return IsRecipientName(claims.aud) && IsPolicyIdentifier(claims.purpose) &&
         !claims.fields.empty() && IsAscending(claims.fields) &&
         std::all_of(claims.fields.begin(), claims.fields.end(), IsFieldName) &&
         IsWholeSecond(claims.exp) && IsWholeSecond(claims.iat) && IsWholeSecond(claims.nbf) &&
         claims.nbf < claims.exp && claims.exp - claims.nbf <= kMaxExportTokenLife &&
         claims.gen <= kMaxClaimNumber && claims.uses >= 1 && claims.uses <= kMaxClaimNumber;
}

bool ParseTimeText(const std::string& text, absl::Time* time) {
  return absl::ParseTime(kTimeFormat, text, absl::UTCTimeZone(), time, nullptr);
}

}  // namespace

std::string ClaimTime(absl::Time time) {
  return absl::FormatTime(kTimeFormat, time, absl::UTCTimeZone());
}

absl::StatusOr<std::string> EncodeClaims(const ExportClaims& claims) {
  if (!HasText(claims)) return Invalid();
  std::string fields;
  for (const std::string& field : claims.fields) {
    absl::StrAppend(&fields, fields.empty() ? "" : ",", "\"", field, "\"");
  }
  std::string text = absl::StrCat(
      R"({"aud":")", claims.aud, R"(","exp":")", ClaimTime(claims.exp), R"(","fields":[)", fields,
      R"(],"gen":)", claims.gen, R"(,"iat":")", ClaimTime(claims.iat), R"(","iss":")",
      AbslView(kIssuer), claims.iss.ToText(), R"(","jti":")", claims.jti.ToText(), R"(","nbf":")",
      ClaimTime(claims.nbf), R"(","purpose":")", claims.purpose, R"(","sub":")",
      ToHex(AsView(claims.sub)), R"(","uses":)", claims.uses, "}");
  if (text.size() > kMaxClaimsSize) return Invalid();
  return text;
}

absl::StatusOr<ExportClaims> ParseClaims(std::string_view text) {
  if (text.size() > kMaxClaimsSize) return Invalid();
  storage::v1::ExportTokenClaims message;
  if (!google::protobuf::util::JsonStringToMessage(
           google::protobuf::StringPiece(text.data(), text.size()), &message)
           .ok()) {
    return Invalid();
  }
  std::string_view issuer = message.iss();
  if (!ConsumePrefix(&issuer, kIssuer)) return Invalid();
  const std::optional<storage::Id128> iss = storage::Id128::FromText(issuer);
  const std::optional<storage::Id128> jti = storage::Id128::FromText(message.jti());
  ExportClaims claims;
  if (!iss.has_value() || !jti.has_value() || !IsSha256Hex(message.sub()) ||
      !ParseTimeText(message.exp(), &claims.exp) || !ParseTimeText(message.iat(), &claims.iat) ||
      !ParseTimeText(message.nbf(), &claims.nbf)) {
    return Invalid();
  }
  claims.aud = message.aud();
  claims.fields.assign(message.fields().begin(), message.fields().end());
  claims.gen = message.gen();
  claims.iss = *iss;
  claims.jti = *jti;
  claims.purpose = message.purpose();
  const std::string sub = FromHex(message.sub());
  std::copy(sub.begin(), sub.end(), claims.sub.begin());
  claims.uses = message.uses();

  // The reader is lenient (order, white space, escapes, numbers, members twice); this is not.
  const absl::StatusOr<std::string> again = EncodeClaims(claims);
  if (!again.ok() || *again != text) return Invalid();
  return claims;
}

Sha256Digest SubjectsHash(const storage::Id128& jti, absl::Span<const ExportSubject> subjects) {
  MemberList list("piivault export subjects");
  list.Add(jti.view());
  for (const ExportSubject& subject : subjects) {
    list.Add(subject.subject.view());
    list.Add(subject.record.has_value() ? subject.record->view() : std::string_view());
  }
  return Sha256(list.view());
}

std::string ImplicitAssertion(const storage::Id128& vault_id, std::string_view recipient) {
  MemberList list("piivault export token");
  list.Add(vault_id.view()).Add(recipient);
  return std::string(list.view());
}

absl::StatusOr<std::string> SealExportToken(const ExportClaims& claims, const SigningKey& key,
                                            const storage::Id128& vault_id) {
  const absl::StatusOr<std::string> text = EncodeClaims(claims);
  if (!text.ok() || claims.iss != vault_id || !key.private_key.has_value()) return Invalid();
  return SignPaseto(*key.private_key, *text, FooterOf(key.kid),
                    ImplicitAssertion(vault_id, claims.aud));
}

absl::StatusOr<ExportClaims> OpenExportToken(std::string_view text, const SigningKeys& keys,
                                             const storage::Id128& vault_id,
                                             std::string_view recipient, absl::Time now) {
  const std::optional<std::string> message = OpenPaseto(
      text, [&](std::string_view footer) { return keys.FindByFooter(footer, now); },
      ImplicitAssertion(vault_id, recipient));
  if (!message.has_value()) return Invalid();
  absl::StatusOr<ExportClaims> claims = ParseClaims(*message);
  // The implicit assertion has said so already, of all that we have signed.
  if (!claims.ok() || claims->iss != vault_id || claims->aud != recipient) return Invalid();
  return claims;
}

absl::StatusOr<ExportClaims> InspectExportToken(std::string_view text, PasetoKeyLookup lookup) {
  const std::optional<std::string> message = OpenPasetoOffline(
      text, lookup, [](std::string_view unverified) -> std::optional<std::string> {
        const absl::StatusOr<ExportClaims> claims = ParseClaims(unverified);
        if (!claims.ok()) return std::nullopt;
        return ImplicitAssertion(claims->iss, claims->aud);
      });
  if (!message.has_value()) return Invalid();
  return ParseClaims(*message);
}

}  // namespace piivault::vault
