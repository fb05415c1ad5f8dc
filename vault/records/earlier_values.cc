#include "vault/records/earlier_values.h"

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <utility>

#include "vault/records/record_writer.h"

namespace piivault::vault {
namespace {

using storage::v1::EarlierValue;
using storage::v1::FieldHeader;

// One earlier value while it is planned.
struct Candidate {
  EarlierValue header;
  const authz::FieldSpec* field = nullptr;
  uint32_t keeps = 0;    // how many of them the field keeps
  bool added = false;    // by this change
  bool probe = false;    // of a field that is set to what it has: takes room, and is not kept
  bool dropped = false;  // not in the next version
  std::optional<SecretBytes> value = std::nullopt;

  bool droppable() const { return !dropped && keeps != authz::kAllEarlierValues; }
};

class Planner {
 public:
  Planner(const authz::Policy& policy, LoadedRecord* record, const RecordChange& change,
          absl::Time now)
      : policy_(policy), record_(*record), change_(change), now_(absl::ToUnixMicros(now)) {}

  absl::StatusOr<EarlierValues> Plan();

 private:
  // Of the record's type; null for a field that the policy knows no more.
  const authz::FieldSpec* FieldNamed(std::string_view name) const;
  bool Stays(const EarlierValue& earlier) const;
  uint32_t KeptOf(const authz::FieldSpec& field) const {
    return change_.Holds(field.name) ? authz::kAllEarlierValues : field.history;
  }
  absl::Status AddReplaced(const FieldWrite& write);
  void KeepNumbers();
  void KeepBound();
  absl::Status Open();
  // Drops the oldest that may go; false where none may.
  bool DropOldest();
  EarlierValues Result();

  const authz::Policy& policy_;
  LoadedRecord& record_;
  const RecordChange& change_;
  const int64_t now_;
  std::vector<Candidate> candidates_;  // oldest first
  EarlierValues result_;
};

const authz::FieldSpec* Planner::FieldNamed(std::string_view name) const {
  const authz::FieldId id = policy_.FindField(policy_.FindType(record_.type()), name);
  return id == authz::kNoField ? nullptr : &policy_.field(id);
}

bool Planner::Stays(const EarlierValue& earlier) const {
  return !change_.Clears(earlier.name()) && FieldNamed(earlier.name()) != nullptr;
}

absl::Status Planner::AddReplaced(const FieldWrite& write) {
  if (KeptOf(*write.field) == 0) return absl::OkStatus();
  const FieldHeader* const old = record_.reader->FindField(write.field->name);
  // A credential is shown to nobody, whatever the policy says by now.
  if (old == nullptr || old->absent() || old->one_way()) return absl::OkStatus();
  absl::StatusOr<SecretBytes> value = record_.reader->DecryptField(*old);
  if (!value.ok()) return value.status();
  Candidate candidate;
  candidate.field = write.field;
  candidate.keeps = KeptOf(*write.field);
  candidate.added = true;
  if (ConstantTimeEquals(value->view(), write.value)) {
    result_.unchanged.push_back(old->name());
    // Whether there is room must not tell whoever may write that the value was guessed.
    if (candidate.keeps != authz::kAllEarlierValues) return absl::OkStatus();
    candidate.probe = true;
  }
  candidate.value = *std::move(value);
  EarlierValue& header = candidate.header;
  header.set_name(old->name());
  header.set_flagged(old->flagged());
  header.set_important(old->important());
  const uint64_t version = record_.reader->version();
  if (old->since_version() != 0 || version != 1) {
    header.set_first_version(old->since_version());
    header.set_set_micros(old->since_micros());
  } else {
    // It came with the record, whatever the policy said then.
    header.set_first_version(1);
    header.set_set_micros(record_.header().created_micros());
  }
  header.set_last_version(version);
  header.set_replaced_micros(now_);
  header.set_replaced_by(change_.author.data(), change_.author.size());
  candidates_.push_back(std::move(candidate));
  return absl::OkStatus();
}

// Of each field no more than its policy says, which may be none by now, counted from the youngest.
void Planner::KeepNumbers() {
  std::map<const authz::FieldSpec*, uint32_t> kept;
  for (size_t i = candidates_.size(); i-- > 0;) {
    Candidate& candidate = candidates_[i];
    candidate.dropped = kept[candidate.field]++ >= candidate.keeps;
  }
}

bool Planner::DropOldest() {
  // Those of fields that are written first: who may write one field does not do away with the past
  // of the others.
  auto oldest = std::find_if(candidates_.begin(), candidates_.end(), [this](const Candidate& c) {
    return c.droppable() && change_.WriteOf(c.field->name) != nullptr;
  });
  if (oldest == candidates_.end()) {
    oldest = std::find_if(candidates_.begin(), candidates_.end(),
                          [](const Candidate& c) { return c.droppable(); });
  }
  if (oldest == candidates_.end()) return false;
  oldest->dropped = true;
  return true;
}

absl::Status Planner::Open() {
  for (Candidate& candidate : candidates_) {
    if (candidate.dropped || candidate.value.has_value()) continue;
    absl::StatusOr<SecretBytes> value = record_.reader->DecryptEarlier(candidate.header);
    if (!value.ok()) return value.status();
    candidate.value = *std::move(value);
  }
  return absl::OkStatus();
}

// REQUIRES: those that are not dropped are open.
void Planner::KeepBound() {
  const auto fits = [&](const std::function<bool(const Candidate&)>& counts) {
    size_t count = 0;
    size_t bytes = 0;
    for (const Candidate& candidate : candidates_) {
      if (candidate.dropped || !counts(candidate)) continue;
      ++count;
      bytes += candidate.value->size();
    }
    return count <= kMaxEarlierValues && bytes <= kMaxEarlierBytes;
  };
  if (!fits([](const Candidate& c) { return !c.droppable(); })) {
    result_.reason = authz::Reason::kHistoryFull;
    for (const Candidate& candidate : candidates_) {
      if (candidate.added && !candidate.droppable()) result_.field = candidate.field;
    }
    return;
  }
  for (Candidate& candidate : candidates_) candidate.dropped |= candidate.probe;
  while (!fits([](const Candidate&) { return true; })) DropOldest();
}

EarlierValues Planner::Result() {
  for (Candidate& candidate : candidates_) {
    if (candidate.dropped || !result_.ok()) continue;
    // It is written anew: under the class that the field has by now, never under a lesser one.
    candidate.header.set_important(candidate.header.important() || candidate.field->important);
    result_.headers.push_back(std::move(candidate.header));
    result_.values.push_back(*std::move(candidate.value));
  }
  return std::move(result_);
}

absl::StatusOr<EarlierValues> Planner::Plan() {
  for (const EarlierValue& earlier : record_.header().earlier()) {
    if (!Stays(earlier)) continue;
    Candidate candidate;
    candidate.header = earlier;
    candidate.field = FieldNamed(earlier.name());
    candidate.keeps = KeptOf(*candidate.field);
    candidates_.push_back(std::move(candidate));
  }
  for (const FieldWrite& write : change_.set) {
    if (absl::Status status = AddReplaced(write); !status.ok()) return status;
  }
  KeepNumbers();
  if (absl::Status status = Open(); !status.ok()) return status;
  KeepBound();
  return Result();
}

}  // namespace

absl::StatusOr<EarlierValues> PlanEarlierValues(const authz::Policy& policy, LoadedRecord* record,
                                                const RecordChange& change, absl::Time now) {
  return Planner(policy, record, change, now).Plan();
}

}  // namespace piivault::vault
