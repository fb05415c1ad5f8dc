#include "vault/service/told_events.h"

#include <algorithm>
#include <string_view>

#include "absl/strings/str_join.h"
#include "authz/retention.h"
#include "vault/service/admin_convert.h"

namespace piivault::vault {
namespace {

constexpr int kMaxEvents = 8;
constexpr int kMaxTellings = 8;  // of one event
constexpr const char* kArgument = "events";

// Whether a rule of the policy counts from it, also one that leaves the end to its operator.
bool CountsFrom(const authz::Policy& policy, std::string_view event) {
  return std::any_of(policy.retention().begin(), policy.retention().end(),
                     [event](const authz::RetentionSpec& rule) {
                       return std::find(rule.triggers.begin(), rule.triggers.end(), event) !=
                              rule.triggers.end();
                     });
}

}  // namespace

std::optional<Plan> CheckEvents(VaultCall& call, const EventNames& events) {
  if (events.empty()) return std::nullopt;
  if (events.size() > kMaxEvents) return call.Refuse(authz::Reason::kBatchTooLarge, {kArgument});
  for (auto event = events.begin(); event != events.end(); ++event) {
    if (!authz::IsToldEvent(*event) || !CountsFrom(call.policy(), *event) ||
        std::find(events.begin(), event, *event) != event) {
      return call.Refuse(authz::Reason::kMalformedRequest, {kArgument});
    }
  }
  (*call.entry().mutable_arguments())[kArgument] = absl::StrJoin(events, ",");
  return std::nullopt;
}

void TellEvents(const EventNames& events, absl::Time now, EventRows* rows) {
  for (const std::string& event : events) {
    const bool before =
        std::any_of(rows->begin(), rows->end(),
                    [&event](const storage::v1::EventRow& row) { return row.event() == event; });
    if (before) continue;
    storage::v1::EventRow& row = *rows->Add();
    row.set_event(event);
    row.set_time_micros(absl::ToUnixMicros(now));
  }
}

void TellEventsAgain(const EventNames& events, absl::Time now, EventRows* rows) {
  const int64_t now_micros = absl::ToUnixMicros(now);
  for (const std::string& event : events) {
    storage::v1::EventRow* last = nullptr;
    int count = 0;
    for (storage::v1::EventRow& row : *rows) {
      if (row.event() != event) continue;
      last = &row;
      ++count;
    }
    if (last != nullptr && last->time_micros() >= now_micros) continue;
    if (count < kMaxTellings) {
      last = rows->Add();
      last->set_event(event);
    }
    last->set_time_micros(now_micros);
  }
}

void FillEvents(const EventRows& rows, google::protobuf::RepeatedPtrField<v1::Event>* events) {
  for (const storage::v1::EventRow& row : rows) {
    v1::Event& event = *events->Add();
    event.set_event(row.event());
    FillTime(row.time_micros(), event.mutable_time());
  }
}

}  // namespace piivault::vault
