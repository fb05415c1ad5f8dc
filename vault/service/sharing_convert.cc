#include "vault/service/sharing_convert.h"

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/ascii.h"
#include "authz/decision.h"
#include "vault/service/admin_call.h"
#include "vault/service/admin_convert.h"
#include "vault/service/errors.h"
#include "vault/service/resource_name.h"
#include "vault/state/sharing_state.h"
#include "vault/text.h"
#include "vault/values/detectors.h"

namespace piivault::vault {
namespace {

using storage::v1::RecipientRow;

constexpr size_t kMaxName = 200;
constexpr size_t kMaxAddress = 400;
constexpr int kMaxMatters = 100;
constexpr std::string_view kControllerKind = "controller";

bool IsCountry(std::string_view text) {
  return text.size() == 2 && std::all_of(text.begin(), text.end(), [](char c) {
           return absl::ascii_isupper(static_cast<unsigned char>(c));
         });
}

absl::Status CheckText(std::string_view text, size_t max, std::string_view path) {
  if (!IsText(text, max)) return BadArgument(path);
  if (DetectProhibited(text).any()) return MakeError(authz::Reason::kProhibitedType, path);
  return absl::OkStatus();
}

// Whose data it may have back is said of a controller, and of nobody else.
absl::Status CheckController(const std::string& controller, std::string_view category) {
  const bool wanted = category == kControllerKind;
  if (wanted == controller.empty() || (wanted && !IsPolicyIdentifier(controller))) {
    return BadArgument("recipient.controller");
  }
  return CheckText(controller, kMaxName, "recipient.controller");
}

absl::Status FillMatters(const v1::Recipient& from, const authz::Policy& policy,
                         RecipientRow* row) {
  row->clear_matters();
  if (from.matters_size() > kMaxMatters) return BadArgument("recipient.matters");
  std::set<std::pair<std::string_view, std::string_view>> seen;
  for (const v1::RecipientMatter& matter : from.matters()) {
    if (policy.FindMatter(matter.kind()) == nullptr) {
      return MakeError(authz::Reason::kMatterUnknown, "recipient.matters.kind");
    }
    if (!authz::IsValidTicket(matter.id()) || !seen.emplace(matter.kind(), matter.id()).second) {
      return BadArgument("recipient.matters.id");
    }
    if (absl::Status status = CheckText(matter.id(), kMaxName, "recipient.matters.id");
        !status.ok()) {
      return status;
    }
    RecipientRow::Matter* to = row->add_matters();
    to->set_kind(matter.kind());
    to->set_id(matter.id());
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status FillRecipientRow(const v1::Recipient& from, const authz::Policy& policy,
                              RecipientRow* row) {
  if (!IsCountry(from.country())) return BadArgument("recipient.country");
  absl::Status status = CheckText(from.display_name(), kMaxName, "recipient.display_name");
  if (status.ok()) status = CheckText(from.address(), kMaxAddress, "recipient.address");
  if (status.ok()) {
    status = CheckText(from.representative(), kMaxName, "recipient.representative");
  }
  if (status.ok()) status = CheckController(from.controller(), row->category());
  if (status.ok()) status = FillMatters(from, policy, row);
  if (!status.ok()) return status;
  row->set_display_name(from.display_name());
  row->set_country(from.country());
  row->set_address(from.address());
  row->set_representative(from.representative());
  row->set_controller(from.controller());
  return absl::OkStatus();
}

void FillRecipientAttestation(const RecipientRow& recipient, const RecipientRow::Attestation& from,
                              v1::RecipientAttestation* attestation) {
  attestation->set_name(
      MakeRecipientAttestationName(recipient.tenant(), recipient.name(), from.id()));
  attestation->set_kind(from.kind());
  attestation->set_document_sha256(ToHex(from.document_sha256()));
  FillTime(from.signed_micros(), attestation->mutable_signed_at());
  if (from.valid_until_micros() != 0) {
    FillTime(from.valid_until_micros(), attestation->mutable_valid_until());
  }
  if (from.revoked_micros() != 0) {
    FillTime(from.revoked_micros(), attestation->mutable_revoke_time());
  }
  *attestation->mutable_fields() = from.fields();
  *attestation->mutable_purposes() = from.purposes();
  attestation->set_recorded_by(PrincipalName(from.recorded_by()));
}

void FillRecipient(const RecipientRow& from, v1::Recipient* recipient) {
  recipient->set_name(RecipientResource(from.tenant(), from.name()));
  recipient->set_display_name(from.display_name());
  recipient->set_category(from.category());
  recipient->set_country(from.country());
  recipient->set_address(from.address());
  recipient->set_representative(from.representative());
  recipient->set_controller(from.controller());
  for (const RecipientRow::Matter& matter : from.matters()) {
    v1::RecipientMatter* to = recipient->add_matters();
    to->set_kind(matter.kind());
    to->set_id(matter.id());
  }
  for (const RecipientRow::Attestation& attestation : from.attestations()) {
    FillRecipientAttestation(from, attestation, recipient->add_attestations());
  }
  recipient->set_principal(PrincipalName(from.principal()));
  recipient->set_registered_by(PrincipalName(from.registered_by()));
  FillTime(from.create_time_micros(), recipient->mutable_create_time());
  if (from.disable_time_micros() != 0) {
    FillTime(from.disable_time_micros(), recipient->mutable_disable_time());
  }
}

}  // namespace piivault::vault
