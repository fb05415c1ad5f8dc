#include "vault/service/admin_convert.h"

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "authz/decision.h"
#include "vault/service/admin_call.h"
#include "vault/service/errors.h"
#include "vault/service/resource_name.h"
#include "vault/state/index_pass.h"
#include "vault/text.h"

namespace piivault::vault {
namespace {

constexpr size_t kMaxDisplayName = 200;
constexpr size_t kMaxJustification = 500;
constexpr int kMaxDuties = 50;
constexpr int kMaxBindingFields = 256;
constexpr int64_t kEndOfTimeSeconds = 253402300799;  // 9999-12-31T23:59:59Z

// A time that may be left out.
absl::Status FillMicros(bool given, const google::protobuf::Timestamp& time, std::string_view path,
                        int64_t* micros) {
  if (!given) return absl::OkStatus();
  auto value = MicrosOf(time);
  if (!value.has_value()) return BadArgument(path);
  *micros = *value;
  return absl::OkStatus();
}

}  // namespace

std::optional<int64_t> MicrosOf(const google::protobuf::Timestamp& time) {
  if (time.seconds() < 0 || time.seconds() > kEndOfTimeSeconds || time.nanos() < 0 ||
      time.nanos() > 999'999'999) {
    return std::nullopt;
  }
  const int64_t micros = time.seconds() * 1'000'000 + time.nanos() / 1000;
  if (micros == 0) return std::nullopt;  // rows say "absent" so
  return micros;
}

absl::Status FillPerson(const piivault::v1::Person& from, storage::v1::PersonRow* row) {
  using piivault::v1::Employment;
  if (!IsText(from.display_name(), kMaxDisplayName)) return BadArgument("person.display_name");
  if (!piivault::v1::Employment_IsValid(from.employment()) ||
      from.employment() == piivault::v1::EMPLOYMENT_UNSPECIFIED) {
    return BadArgument("person.employment");
  }
  if (!from.department().empty() && !IsPolicyIdentifier(from.department())) {
    return BadArgument("person.department");
  }
  if (from.duties_size() > kMaxDuties) return BadArgument("person.duties");
  for (const std::string& duty : from.duties()) {
    if (!IsPolicyIdentifier(duty)) return BadArgument("person.duties");
  }
  if (!IsText(from.justification(), kMaxJustification)) return BadArgument("person.justification");
  if (from.employment() == piivault::v1::EMPLOYMENT_EQUIVALENT) {
    if (from.justification().empty()) return BadArgument("person.justification");
    if (!from.has_justification_end_time()) return BadArgument("person.justification_end_time");
  }
  row->clear_justification_end_micros();
  int64_t end = 0;
  if (absl::Status status =
          FillMicros(from.has_justification_end_time(), from.justification_end_time(),
                     "person.justification_end_time", &end);
      !status.ok()) {
    return status;
  }
  row->set_justification_end_micros(end);
  row->set_display_name(from.display_name());
  row->set_employment(from.employment());
  row->set_department(from.department());
  *row->mutable_duties() = from.duties();
  row->set_justification(from.justification());
  return absl::OkStatus();
}

absl::Status FillIdentity(const piivault::v1::Identity& from, storage::v1::IdentityRow* row) {
  if (!IsIdentityUri(from.uri())) return BadArgument("identity.uri");
  row->set_uri(from.uri());
  int64_t begin = 0;
  int64_t end = 0;
  absl::Status status =
      FillMicros(from.has_not_before(), from.not_before(), "identity.not_before", &begin);
  if (!status.ok()) return status;
  status = FillMicros(from.has_not_after(), from.not_after(), "identity.not_after", &end);
  if (!status.ok()) return status;
  if (end != 0 && end <= begin) return BadArgument("identity.not_after");
  row->set_not_before_micros(begin);
  row->set_not_after_micros(end);
  return absl::OkStatus();
}

absl::Status FillBinding(const piivault::v1::RoleBinding& from, storage::v1::RoleBindingRow* row) {
  if (!IsPolicyIdentifier(from.role())) return BadArgument("binding.role");
  row->set_role(from.role());
  if (!from.tenant().empty()) {
    auto tenant = ParseTenantName(from.tenant());
    if (!tenant.has_value()) return BadArgument("binding.tenant");
    row->set_tenant(std::string(*tenant));
  }
  int64_t begin = 0;
  int64_t end = 0;
  absl::Status status =
      FillMicros(from.has_not_before(), from.not_before(), "binding.not_before", &begin);
  if (!status.ok()) return status;
  status = FillMicros(from.has_not_after(), from.not_after(), "binding.not_after", &end);
  if (!status.ok()) return status;
  if (end != 0 && end <= begin) return BadArgument("binding.not_after");
  row->set_not_before_micros(begin);
  row->set_not_after_micros(end);
  if (!from.justification().empty() && !authz::IsValidTicket(from.justification())) {
    return BadArgument("binding.justification");
  }
  row->set_justification(from.justification());
  if (from.fields_size() > kMaxBindingFields) return BadArgument("binding.fields");
  std::set<std::string_view> fields;
  for (const std::string& field : from.fields()) {
    std::string_view name = field;
    if (name.ends_with(".*")) name.remove_suffix(2);
    if (!IsPolicyIdentifier(name) || !fields.insert(field).second) {
      return BadArgument("binding.fields");
    }
  }
  *row->mutable_fields() = from.fields();
  return absl::OkStatus();
}

void FillTime(int64_t micros, google::protobuf::Timestamp* time) {
  time->set_seconds(micros / 1'000'000);
  time->set_nanos(static_cast<int32_t>(micros % 1'000'000) * 1000);
}

void FillTenant(const storage::v1::TenantRow& from, piivault::v1::Tenant* tenant) {
  tenant->set_name(TenantName(from.name()));
  tenant->set_display_name(from.display_name());
  tenant->set_policy_sha256(ToHex(from.policy_sha256()));
  tenant->set_intake_plain_allowed(from.intake_plain_allowed());
  FillTime(from.create_time_micros(), tenant->mutable_create_time());
  for (const storage::v1::JobRow& row : from.jobs()) {
    piivault::v1::PlannedJob& job = *tenant->add_jobs();
    job.set_id(row.id());
    job.set_principal(PrincipalName(row.principal()));
    job.set_purpose(row.purpose());
    FillTime(row.start_micros(), job.mutable_start_time());
    FillTime(row.end_micros(), job.mutable_end_time());
    job.set_records(static_cast<int64_t>(row.records()));
  }
}

void FillIndexRebuild(const TenantState& from, const storage::v1::IndexPassRow* pass,
                      piivault::v1::Tenant* tenant) {
  const bool rebuilding = from.indexes->rebuilding();
  if (!rebuilding && pass == nullptr) return;
  piivault::v1::IndexRebuild& to = *tenant->mutable_index_rebuild();
  for (const auto& [name, index] : from.indexes->fields()) {
    if (index.rebuilding()) to.add_fields(name);
  }
  // What another policy made necessary says nothing of this one.
  const bool under_way = pass != nullptr && pass->forms_version() == from.indexes_version;
  if (rebuilding && !under_way) return;
  to.set_percent(PercentOf(*pass, from.indexes->TypesToRebuild()));
  to.set_records(static_cast<int64_t>(pass->records()));
  to.set_duplicates(static_cast<int64_t>(pass->duplicates()));
  to.set_damaged_records(static_cast<int64_t>(pass->damaged()));
  FillTime(pass->start_micros(), to.mutable_start_time());
  if (pass->end_micros() != 0) FillTime(pass->end_micros(), to.mutable_end_time());
}

void FillAttestation(std::string_view person, const storage::v1::AttestationRow& from,
                     piivault::v1::Attestation* attestation) {
  attestation->set_name(MakeAttestationName(person, from.id()));
  attestation->set_kind(from.kind());
  attestation->set_document_sha256(ToHex(from.document_sha256()));
  attestation->set_signatory(PersonName(from.signatory()));
  FillTime(from.signed_micros(), attestation->mutable_signed_at());
  if (from.valid_until_micros() != 0) {
    FillTime(from.valid_until_micros(), attestation->mutable_valid_until());
  }
  if (from.revoked_micros() != 0) {
    FillTime(from.revoked_micros(), attestation->mutable_revoked_at());
  }
  attestation->set_recorded_by(PrincipalName(from.recorded_by()));
}

void FillPersonMessage(const storage::v1::PersonRow& from, piivault::v1::Person* person) {
  person->set_name(PersonName(from.name()));
  person->set_display_name(from.display_name());
  person->set_employment(static_cast<piivault::v1::Employment>(from.employment()));
  person->set_department(from.department());
  *person->mutable_duties() = from.duties();
  person->set_justification(from.justification());
  if (from.justification_end_micros() != 0) {
    FillTime(from.justification_end_micros(), person->mutable_justification_end_time());
  }
  for (auto it = from.attestations().rbegin(); it != from.attestations().rend(); ++it) {
    FillAttestation(from.name(), *it, person->add_attestations());
  }
}

void FillPrincipal(const storage::v1::PrincipalRow& from, piivault::v1::Principal* principal) {
  principal->set_name(PrincipalName(from.name()));
  principal->set_kind(static_cast<piivault::v1::PrincipalKind>(from.kind()));
  if (!from.person().empty()) principal->set_person(PersonName(from.person()));
  if (!from.tenant().empty()) principal->set_tenant(TenantName(from.tenant()));
  for (const storage::v1::IdentityRow& row : from.identities()) {
    piivault::v1::Identity* identity = principal->add_identities();
    identity->set_uri(row.uri());
    identity->set_enrolled_by(row.ancestor());
    if (row.not_before_micros() != 0) {
      FillTime(row.not_before_micros(), identity->mutable_not_before());
    }
    if (row.not_after_micros() != 0) {
      FillTime(row.not_after_micros(), identity->mutable_not_after());
    }
  }
  for (const storage::v1::RoleBindingRow& row : from.bindings()) {
    piivault::v1::RoleBinding* binding = principal->add_bindings();
    binding->set_role(row.role());
    if (!row.tenant().empty()) binding->set_tenant(TenantName(row.tenant()));
    if (row.not_before_micros() != 0) {
      FillTime(row.not_before_micros(), binding->mutable_not_before());
    }
    if (row.not_after_micros() != 0) {
      FillTime(row.not_after_micros(), binding->mutable_not_after());
    }
    binding->set_justification(row.justification());
    *binding->mutable_fields() = row.fields();
    binding->set_break_glass(row.given_for_emergencies());
    if (row.active_until_micros() != 0) {
      FillTime(row.active_until_micros(), binding->mutable_active_until_time());
    }
  }
  principal->set_disabled(from.disabled());
}

void FillPolicy(std::string_view hex, const storage::v1::PolicyRow& from,
                const StateSnapshot& state, piivault::v1::Policy* policy) {
  policy->set_name(PolicyName(hex));
  policy->set_id(from.id());
  const std::string sha256 = FromHex(hex);
  for (const auto& [name, tenant] : state.tenants()) {
    if (tenant->row.policy_sha256() == sha256) policy->add_tenants(TenantName(name));
  }
  FillTime(from.create_time_micros(), policy->mutable_create_time());
  policy->set_incomplete_sources(from.missing_documents());
}

}  // namespace piivault::vault
