#include "vault/service/admin_call.h"

#include "absl/time/civil_time.h"
#include "vault/audit/entry_builder.h"
#include "vault/service/admin_convert.h"
#include "vault/service/break_glass.h"
#include "vault/text.h"

namespace piivault::vault {

storage::v1::EntryBody AdminCall::Entry(authz::Reason reason) const {
  storage::v1::EntryBody entry = session_.NewEntry(reason);
  entry.set_role(role_.data(), role_.size());
  entry.set_resource(resource_);
  entry.set_ticket(ticket_);
  AddBreakGlass(break_glass_, &entry);
  if (session_.tenant() != nullptr) {
    AddBreakGlass(BreakGlassOf(session_.caller()->row, session_.tenant()->name, role_, now()),
                  &entry);
  }
  if (reason == authz::Reason::kOk) {
    entry.set_proposal_sha256(proposal_sha256_);
    entry.set_single_operator(single_operator_);
    for (const auto& [name, value] : arguments_) (*entry.mutable_arguments())[name] = value;
  }
  return entry;
}

Plan AdminCall::Refuse(authz::Reason reason, std::vector<std::string> fields) {
  return session_.Refuse(reason, std::move(fields), Entry(reason));
}

Plan AdminCall::Refuse(const absl::Status& status) {
  return Refuse(ReasonOf(status), FieldsOf(status));
}

Plan AdminCall::Answer(google::protobuf::Message* response) {
  Plan plan = session_.Answer(response, Entry(authz::Reason::kOk));
  if (!change_.empty()) change_.MoveTo(&plan);
  for (storage::Mutation& write : writes_) plan.writes.push_back(std::move(write));
  return plan;
}

Plan AdminCall::Answer(google::protobuf::Message* response, std::function<void()> afterwards) {
  Plan plan = Answer(response);
  plan.applied = [first = std::move(plan.applied),
                  second = std::move(afterwards)](const storage::LogPosition& position) {
    if (first != nullptr) first(position);
    second();
  };
  return plan;
}

Plan AdminCall::AnswerAndCut(google::protobuf::Message* response, const std::string& principal,
                             const std::function<void(int)>& count) {
  // Now, to say how many; and again once it is durable, for those that began in between. A stream
  // that goes on nevertheless is refused with its next message.
  count(CutStreams(principal));
  return Answer(response, [cut = dependencies_.cut_streams, principal] {
    if (cut) cut([&principal](std::string_view whose) { return whose == principal; });
  });
}

absl::StatusOr<std::optional<RequestRecord>> AdminCall::FindRequest(std::string_view request_id) {
  if (request_id.empty()) return std::optional<RequestRecord>();
  auto record = RequestRecord::Find(dependencies_.engine, session_.keys(), caller(),
                                    context_.method.name, request_id, *context_.request, now());
  if (!record.ok()) return record.status();
  session_.AddRead(record->cell);
  return std::optional<RequestRecord>(*std::move(record));
}

void AdminCall::Remember(const RequestRecord& record, const google::protobuf::MessageLite& answer) {
  writes_.push_back(record.Remember(session_.keys(), session_.random(), answer, now()));
}

int AdminCall::CutStreams(const std::string& principal) {
  if (dependencies_.cut_streams) {
    kept_.cut_streams += dependencies_.cut_streams(
        [&principal](std::string_view whose) { return whose == principal; });
  }
  return kept_.cut_streams;
}

std::string NewestFirstKey(int64_t micros, std::string_view id) {
  const uint64_t inverted = ~static_cast<uint64_t>(micros);
  std::string key;
  for (int shift = 56; shift >= 0; shift -= 8) {
    key.push_back(static_cast<char>((inverted >> shift) & 0xff));
  }
  return key.append(id);
}

absl::Status CheckAdministrators(const AdminCall& call, const storage::v1::PrincipalRow& changed) {
  const int needed = call.state().single_operator() ? 1 : 2;
  const int before = call.state().CountAdministrators(call.now());
  const int after = call.state().CountAdministrators(call.now(), &changed);
  if (after < before && after < needed) return MakeError(authz::Reason::kLastAdministrators);
  return absl::OkStatus();
}

absl::StatusOr<int64_t> ValidUntil(AdminCall& call, const google::protobuf::Timestamp* time,
                                   const LastDay& day) {
  if (day.date.empty()) {
    if (time == nullptr) return 0;
    auto micros = MicrosOf(*time);
    if (!micros.has_value()) return BadArgument("attestation.valid_until");
    return *micros;
  }
  if (time != nullptr) return BadArgument(day.path);
  absl::CivilDay civil;
  if (day.date.size() != 10 || !absl::ParseCivilTime(day.date, &civil) ||
      absl::FormatCivilTime(civil) != day.date) {
    return BadArgument(day.path);
  }
  const TenantState* tenant = call.session().UseTenant(day.tenant);
  if (tenant == nullptr) return MakeError(authz::Reason::kTenantUnknown);
  if (tenant->policy_in_force() == nullptr) return MakeError(authz::Reason::kNoPolicy);
  return absl::ToUnixMicros(tenant->policy_in_force()->EndOfDay(civil));
}

bool IsText(std::string_view text, size_t max, size_t min) {
  size_t characters = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) return false;
    if ((byte & 0xc0) != 0x80) ++characters;
  }
  return min <= characters && characters <= max;
}

}  // namespace piivault::vault
