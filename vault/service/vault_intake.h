#ifndef PIIVAULT_VAULT_SERVICE_VAULT_INTAKE_H_
#define PIIVAULT_VAULT_SERVICE_VAULT_INTAKE_H_

#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "authz/decision.h"
#include "piivault/v1/vault_service.pb.h"
#include "vault/records/record_writer.h"
#include "vault/service/vault_call.h"

namespace piivault::vault {

// What came in, judged. Views into the request.
struct Intake {
  // kOk, or why it is not stored; `field` where one is to blame.
  authz::Reason reason = authz::Reason::kOk;
  const authz::FieldSpec* field = nullptr;

  RecordDraft draft;
  FieldIds ids;  // in the order of draft.fields
  // Made without the person; made again with the person before anything is planned.
  authz::Decision decision;
  // The refusal is the decision's.
  bool denied() const { return reason != authz::Reason::kOk && reason == decision.reason; }
};

using NamedValues = std::vector<std::pair<std::string_view, std::string_view>>;

// A map of the wire; views into it, sorted by name.
template <typename Map>
NamedValues ValuesOf(const Map& map) {
  NamedValues values;
  values.reserve(map.size());
  for (const auto& [name, value] : map) values.emplace_back(name, value);
  std::sort(values.begin(), values.end());
  return values;
}

struct IntakeRequest {
  std::string_view type;
  std::string_view subject;  // resource name, or empty
  std::string_view ref;
  NamedValues fields;
  const v1::Provenance* provenance = nullptr;
  std::string_view controller = {};
  std::string_view birth_date = {};
};

// Judges a record to be stored: names, the decision for `verb` (before any look-up), then values,
// provenance and ref.
Intake JudgeIntake(const VaultCall& call, authz::Verb verb, const IntakeRequest& request);
IntakeRequest IntakeOf(const v1::NewRecord& record);
// What is asked by a record to be stored; `born` as it and its fields say.
authz::DecisionInput IntakeInput(const VaultCall& call, authz::Verb verb,
                                 const IntakeRequest& request, const Intake& intake);

// The decision about a record to be made, with the person it goes to, whom `writer` loads. Where
// there is no such person, the refusal says so.
[[nodiscard]] absl::StatusOr<PersonDecision> DecideIntake(VaultCall& call, authz::Verb verb,
                                                          const IntakeRequest& request,
                                                          const Intake& intake,
                                                          RecordWriter* writer);

// The parts of it, for updates.
// How values came in: as a call says, or as the record's did.
struct IntakeChannel {
  std::string_view name;
  authz::FrontHop front_hop = authz::FrontHop::kUnspecified;
};
// Whether it says anything; whether it says by which way values came, else it was the record's.
bool HasProvenance(const v1::Provenance& provenance);
bool SaysChannel(const v1::Provenance& provenance);
// Views into the argument.
IntakeChannel ChannelOf(const v1::Provenance& provenance);
IntakeChannel ChannelOf(const storage::v1::RecordHeader& header);
// Of a change of the record.
IntakeChannel ChannelOf(const v1::Provenance& stated, const storage::v1::RecordHeader& header);
// Before the record is known: as `provenance` says, or else what might be the record's.
IntakeChannel ChannelBeforeLookUp(const authz::Policy& policy, const v1::Provenance& provenance);
// When the data was given, as stated; InfiniteFuture where it was not, or not in a form that
// CheckProvenance() takes.
absl::Time CollectedAt(const v1::Provenance& provenance);
// The birthday that the values say; of several the latest: the younger, the more protected.
std::optional<absl::CivilDay> BornIn(const authz::Policy& policy, const NamedValues& values,
                                     absl::Span<const authz::FieldId> ids);
// A later notice never widens older data: kNoticeForbids where `next` names purposes that `before`
// did not, kNoticeUnknown for one that the policy does not know. An empty `next` keeps the old one.
authz::Reason CheckNoticeChange(const authz::Policy& policy, std::string_view before,
                                std::string_view next);
authz::Reason CheckProvenance(const VaultCall& call, const v1::Provenance& provenance,
                              storage::v1::Provenance* out);
// Why a value is not taken; kOk where it is.
authz::Reason ReasonOfVerdict(const ValueVerdict& verdict);
// Fills `*writes`, in the order of `values`; `ids` are their fields, all known. Credentials are set
// apart: kFieldOneWay.
authz::Reason CheckValues(const VaultCall& call, const NamedValues& values,
                          absl::Span<const authz::FieldId> ids, std::vector<FieldWrite>* writes,
                          const authz::FieldSpec** failed);
authz::FrontHop FrontHopOf(v1::FrontHop hop);

// Tokens of the fields that the caller wrote and that hold a value, by field name. Those of other
// fields are for the caller to ask for.
void FillTokens(const storage::v1::RecordHeader& header, const NamedValues& written,
                google::protobuf::Map<std::string, std::string>* tokens);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_SERVICE_VAULT_INTAKE_H_
