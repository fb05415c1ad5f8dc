#include "vault/service/entry_view.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/time/time.h"
#include "piivault/storage/v1/state.pb.h"
#include "storage/id.h"
#include "vault/audit/entry_terms.h"
#include "vault/keys/epoch_keys.h"
#include "vault/keys/record_codec.h"
#include "vault/keys/sealed_row.h"
#include "vault/service/errors.h"
#include "vault/service/resource_name.h"

namespace piivault::vault {
namespace {

constexpr int64_t kMicros = 1'000'000;

std::string Hex(const std::string& bytes) { return absl::BytesToHexString(bytes); }

std::string RefText(const std::string& bytes) {
  const std::optional<storage::Id128> id = storage::Id128::FromBytes(bytes);
  return id ? id->ToText() : "";
}

int64_t ToMicros(const google::protobuf::Timestamp& time) {
  // Saturates: whatever a client writes there is no overflow.
  return absl::ToUnixMicros(absl::FromUnixSeconds(time.seconds()) +
                            absl::Nanoseconds(time.nanos()));
}

absl::StatusOr<std::string> SubjectRef(const storage::Engine& engine, const StateSnapshot& state,
                                       std::string_view tenant_id, const storage::Id128& subject) {
  const TenantState* tenant = state.FindTenant(tenant_id);
  if (tenant == nullptr) return MakeError(authz::Reason::kNotFound);
  const storage::Key key = storage::SubjectKey(tenant->id, subject);
  const absl::StatusOr<std::string> value = engine.Get(key);
  if (absl::IsNotFound(value.status())) return MakeError(authz::Reason::kNotFound);
  if (!value.ok()) return value.status();
  const auto row = OpenRow<storage::v1::SubjectRow>(state.keys(), key, *value);
  if (!row.ok()) return row.status();
  if (row->message.subject_ref().empty()) return MakeError(authz::Reason::kNotFound);
  return row->message.subject_ref();
}

absl::StatusOr<std::string> RecordRef(const storage::Engine& engine, const StateSnapshot& state,
                                      const RecordName& name) {
  const TenantState* tenant = state.FindTenant(name.tenant);
  if (tenant == nullptr) return MakeError(authz::Reason::kNotFound);
  const RecordIdentity identity{tenant->id, name.subject, name.record};
  const absl::StatusOr<std::string> row =
      engine.Get(storage::RecordKey(tenant->id, name.subject, name.record));
  if (absl::IsNotFound(row.status())) return MakeError(authz::Reason::kNotFound);
  if (!row.ok()) return row.status();
  const absl::StatusOr<uint64_t> version = RecordReader::PeekVersion(*row);
  if (!version.ok()) return version.status();
  const absl::StatusOr<std::string> wrap =
      engine.Get(storage::WrapKey(tenant->id, name.subject, name.record, *version));
  if (absl::IsNotFound(wrap.status())) return MakeError(authz::Reason::kNotFound);
  if (!wrap.ok()) return wrap.status();
  const absl::StatusOr<RecordReader> reader =
      RecordReader::Open(state.keys(), identity, *row, *wrap);
  if (!reader.ok()) return reader.status();
  return reader->header().record_ref();
}

// `RevealRecord` or `piivault.v1.VaultService/RevealRecord`.
bool IsMethod(std::string_view method, std::string_view wanted) {
  if (method == wanted) return true;
  const size_t slash = method.rfind('/');
  return slash != std::string_view::npos && method.substr(slash + 1) == wanted;
}

// Whether the use of a break-glass role is one of the entry's.
bool Names(const storage::v1::EntryBody& body, std::string_view use) {
  const auto& further = body.further_break_glass();
  return body.break_glass() == use ||
         std::find(further.begin(), further.end(), use) != further.end();
}

}  // namespace

bool EntryQuery::Matches(const storage::v1::EntryBody& body) const {
  if (body.time_micros() < start_micros || body.time_micros() >= end_micros) return false;
  if (!principal.empty() && body.principal() != principal) return false;
  if (!tenant.empty() && body.tenant() != tenant) return false;
  if (!break_glass.empty() && !Names(body, break_glass)) return false;
  if (!method.empty() && !IsMethod(body.method(), method)) return false;
  if (decision != storage::v1::DECISION_UNSPECIFIED && body.decision() != decision) return false;
  if (subject_ref.empty() && record_ref.empty()) return true;
  bool subject = subject_ref.empty();
  bool record = record_ref.empty();
  for (const storage::v1::EntryItem& item : body.items()) {
    subject = subject || item.subject_ref() == subject_ref;
    record = record || item.record_ref() == record_ref;
  }
  return subject && record;
}

std::string EntryQuery::Term() const {
  if (!break_glass.empty()) return BreakGlassTerm(break_glass);
  if (!record_ref.empty()) return SubjectTerm(record_subject_ref);
  if (!subject_ref.empty()) return SubjectTerm(subject_ref);
  if (!principal.empty()) return PrincipalTerm(principal);
  return {};
}

absl::StatusOr<EntryQuery> ResolveFilter(const v1::EntryFilter& filter,
                                         const storage::Engine& engine,
                                         const StateSnapshot& state) {
  EntryQuery query;
  if (!filter.principal().empty()) {
    if (!ParsePrincipalName(filter.principal())) return BadArgument("filter.principal");
    query.principal = filter.principal();
  }
  if (!filter.tenant().empty()) {
    if (!ParseTenantName(filter.tenant())) return BadArgument("filter.tenant");
    query.tenant = filter.tenant();
  }
  if (!filter.break_glass().empty()) {
    if (!ParseBreakGlassName(filter.break_glass())) return BadArgument("filter.break_glass");
    query.break_glass = filter.break_glass();
  }
  if (!filter.subject().empty()) {
    const std::optional<SubjectName> name = ParseSubjectName(filter.subject());
    if (!name) return BadArgument("filter.subject");
    absl::StatusOr<std::string> ref = SubjectRef(engine, state, name->tenant, name->subject);
    if (!ref.ok()) return ref.status();
    query.subject_ref = *std::move(ref);
  }
  if (!filter.record().empty()) {
    const std::optional<RecordName> name = ParseRecordName(filter.record());
    if (!name || name->by_ref) return BadArgument("filter.record");
    // What an erasure has not removed yet is nobody's way to the entries any more.
    absl::StatusOr<std::string> person = SubjectRef(engine, state, name->tenant, name->subject);
    if (!person.ok()) return person.status();
    absl::StatusOr<std::string> ref = RecordRef(engine, state, *name);
    if (!ref.ok()) return ref.status();
    query.record_subject_ref = *std::move(person);
    query.record_ref = *std::move(ref);
  }
  if (!v1::EntryDecision_IsValid(filter.decision())) return BadArgument("filter.decision");
  query.decision = static_cast<storage::v1::Decision>(filter.decision());
  query.method = filter.method();
  if (filter.has_start_time()) query.start_micros = ToMicros(filter.start_time());
  if (filter.has_end_time()) query.end_micros = ToMicros(filter.end_time());
  return query;
}

void FillEntry(const storage::LogPosition& position, const storage::v1::EntryBody& body,
               v1::Entry* out) {
  out->mutable_position()->set_log(position.log);
  out->mutable_position()->set_generation(position.generation);
  out->mutable_position()->set_index(position.index);
  out->mutable_time()->set_seconds(body.time_micros() / kMicros);
  out->mutable_time()->set_nanos(static_cast<int32_t>(body.time_micros() % kMicros) * 1000);
  out->set_principal(body.principal());
  out->set_certificate_sha256(Hex(body.certificate_sha256()));
  out->set_method(body.method());
  out->set_tenant(body.tenant());
  out->set_purpose(body.purpose());
  out->set_ticket(body.ticket());
  out->set_decision(static_cast<v1::EntryDecision>(body.decision()));
  out->set_reason(body.reason());
  out->set_policy_sha256(Hex(body.policy_sha256()));
  out->set_role(body.role());
  out->set_attestation(body.attestation());
  out->set_peer(body.peer());
  out->set_resource(body.resource());
  out->set_count(body.count());
  out->set_single_operator(body.single_operator());
  out->mutable_arguments()->insert(body.arguments().begin(), body.arguments().end());
  out->set_on_behalf_of_ref(RefText(body.on_behalf_of_ref()));
  out->set_consent(body.consent());
  out->set_outcome(body.outcome());
  out->set_break_glass(body.break_glass());
  *out->mutable_further_break_glass() = body.further_break_glass();
  for (const storage::v1::EntryItem& item : body.items()) {
    v1::EntryItem* shown = out->add_items();
    shown->set_subject_ref(RefText(item.subject_ref()));
    shown->set_record_ref(RefText(item.record_ref()));
    shown->set_version(item.version());
    *shown->mutable_fields() = item.fields();
    *shown->mutable_denied_fields() = item.denied_fields();
    shown->set_reason(item.reason());
    *shown->mutable_grants() = item.grants();
    *shown->mutable_earlier_values() = item.earlier_values();
    shown->set_counted_records(item.counted_records());
    shown->set_role(item.role());
  }
}

}  // namespace piivault::vault
