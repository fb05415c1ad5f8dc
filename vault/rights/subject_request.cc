#include "vault/rights/subject_request.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "authz/right_rules.h"

namespace piivault::vault {
namespace {

using Refusal = SubjectRequestRow::Refusal;

template <typename Container>
bool Contains(const Container& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Whether nothing can open it again.
bool IsClosedForGood(const SubjectRequestRow& row, const SubjectUse& use) {
  return StateOf(row, use) != RequestState::kOpen &&
         (row.withdraw_micros() != 0 ||
          std::none_of(row.refusals().begin(), row.refusals().end(), [&use](const auto& refusal) {
            return authz::RestsOnContract(refusal.ground()) && Holds(refusal, use);
          }));
}

bool IntendsToEnd(const SubjectUse& use) {
  return std::any_of(use.requests().begin(), use.requests().end(), [](const auto& row) {
    return row.kind() == kTerminate && row.withdraw_micros() == 0 &&
           row.done_fields_size() < row.fields_size();
  });
}

template <typename Rows, typename Which>
void EraseIf(Rows* rows, Which which) {
  rows->erase(std::remove_if(rows->begin(), rows->end(), which), rows->end());
}

}  // namespace

bool ContractStands(const SubjectUse& use) { return !use.contract_ended() && !IntendsToEnd(use); }

bool Holds(const Refusal& refusal, const SubjectUse& use) {
  if (refusal.lapsed()) return false;
  return !authz::RestsOnContract(refusal.ground()) || ContractStands(use);
}

void LapseRefusals(SubjectUse* use) {
  for (SubjectRequestRow& row : *use->mutable_requests()) {
    for (Refusal& refusal : *row.mutable_refusals()) {
      if (authz::RestsOnContract(refusal.ground())) refusal.set_lapsed(true);
    }
  }
}

std::vector<std::string_view> OpenFields(const SubjectRequestRow& row, const SubjectUse& use) {
  std::vector<std::string_view> open;
  if (row.withdraw_micros() != 0) return open;
  absl::flat_hash_set<std::string_view> closed(row.done_fields().begin(), row.done_fields().end());
  for (const Refusal& refusal : row.refusals()) {
    if (Holds(refusal, use)) closed.insert(refusal.fields().begin(), refusal.fields().end());
  }
  for (const std::string& field : row.fields()) {
    if (!closed.contains(field)) open.push_back(field);
  }
  return open;
}

RequestState StateOf(const SubjectRequestRow& row, const SubjectUse& use) {
  if (row.withdraw_micros() != 0) return RequestState::kWithdrawn;
  if (!OpenFields(row, use).empty()) return RequestState::kOpen;
  if (row.done_fields().empty()) return RequestState::kRefused;
  return row.done_fields_size() == row.fields_size() ? RequestState::kCompleted
                                                     : RequestState::kPartlyRefused;
}

Proof ProofOf(std::string_view kind) {
  if (kind == "erase") return Proof::kErased;
  if (kind == "stop_use" || kind == "stop_processing") return Proof::kStopped;
  if (kind == "unsubscribe") return Proof::kUnsubscribed;
  if (kind == "correct" || kind == "change") return Proof::kWritten;
  if (kind == kTerminate) return Proof::kEnded;
  return Proof::kNone;
}

SubjectRequestRow* FindRequest(SubjectUse* use, std::string_view id) {
  for (SubjectRequestRow& row : *use->mutable_requests()) {
    if (row.id() == id) return &row;
  }
  return nullptr;
}

bool AddRequest(SubjectRequestRow row, SubjectUse* use) {
  auto& rows = *use->mutable_requests();
  *rows.Add() = std::move(row);
  while (rows.size() > kMaxRequests || !RequestsFit(*use)) {
    const auto closed = std::find_if(rows.begin(), rows.end(),
                                     [use](const auto& old) { return IsClosedForGood(old, *use); });
    if (closed == rows.end()) return false;
    rows.erase(closed);
  }
  return true;
}

bool RequestsFit(const SubjectUse& use) {
  size_t bytes = 0;
  for (const SubjectRequestRow& row : use.requests()) bytes += row.ByteSizeLong();
  return bytes <= kMaxRequestBytes;
}

void AddRefusal(Refusal refusal, SubjectRequestRow* row) {
  auto& refusals = *row->mutable_refusals();
  for (Refusal& old : refusals) {
    EraseIf(old.mutable_fields(),
            [&refusal](const std::string& field) { return Contains(refusal.fields(), field); });
  }
  EraseIf(&refusals, [](const Refusal& old) { return old.fields().empty(); });
  *refusals.Add() = std::move(refusal);
}

void MarkDone(absl::Span<const std::string_view> fields, int64_t now_micros,
              SubjectRequestRow* row) {
  for (std::string_view field : fields) row->add_done_fields(std::string(field));
  row->set_complete_micros(now_micros);
}

std::vector<std::string_view> FrozenFields(const SubjectUse& use) {
  std::vector<std::string_view> frozen;
  absl::flat_hash_set<std::string_view> known;
  for (const SubjectRequestRow& row : use.requests()) {
    if (!row.freezes()) continue;
    for (std::string_view field : OpenFields(row, use)) {
      if (known.insert(field).second) frozen.push_back(field);
    }
  }
  return frozen;
}

}  // namespace piivault::vault
