#include "vault/retention/record_times.h"

#include <algorithm>

namespace piivault::vault {
namespace {

absl::Time TimeOrNever(int64_t micros) {
  return micros == 0 ? absl::InfiniteFuture() : absl::FromUnixMicros(micros);
}

}  // namespace

RecordTimes::Events RecordTimes::EventsOf(
    const google::protobuf::RepeatedPtrField<storage::v1::EventRow>& rows) {
  Events events;
  events.reserve(static_cast<size_t>(rows.size()));
  for (const storage::v1::EventRow& row : rows) {
    events.push_back({row.event(), TimeOrNever(row.time_micros())});
  }
  return events;
}

RecordTimes::RecordTimes(const authz::Policy& policy, const storage::v1::SubjectUse& use,
                         const storage::Id128& record, const storage::v1::RecordHeader& header)
    : policy_(policy) {
  times_.made = absl::FromUnixMicros(header.created_micros());
  if (use.contract_ended()) times_.contract_ended = TimeOrNever(use.contract_end_micros());
  times_.erased = TimeOrNever(use.erase_micros());
  events_ = EventsOf(use.events());
  times_.events = events_;
  matter_events_.reserve(static_cast<size_t>(use.matters_size()));
  for (const storage::v1::MatterRow& row : use.matters()) {
    authz::MatterTimes& matter = matters_.emplace_back();
    matter.of_record = std::any_of(row.records().begin(), row.records().end(),
                                   [&record](const auto& id) { return id == record.view(); });
    matter.disputed = authz::IsDisputed(row.type());
    matter.of_none = row.records().empty();
    // Of a kind that the policy has given up nobody knows whether it is over.
    const bool known = policy.FindMatter(row.kind()) != nullptr;
    if (known && IsOver(policy, row)) matter.closed = TimeOrNever(row.update_micros());
    matter.events = matter_events_.emplace_back(EventsOf(row.events()));
  }
  times_.matters = matters_;
}

bool IsOver(const authz::Policy& policy, const storage::v1::MatterRow& row) {
  const authz::MatterSpec* spec = policy.FindMatter(row.kind());
  return spec == nullptr || (spec->states.size() > 1 && row.state() == spec->states.back());
}

int64_t MicrosOrZero(absl::Time time) {
  return time == absl::InfiniteFuture() || time == absl::InfinitePast() ? 0
                                                                        : absl::ToUnixMicros(time);
}

}  // namespace piivault::vault
