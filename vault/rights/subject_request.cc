#include "vault/rights/subject_request.h"

#include <algorithm>
#include <string>
#include <utility>

#include "authz/right_rules.h"

namespace piivault::vault {
namespace {

using Refusal = SubjectRequestRow::Refusal;

template <typename Container>
bool Contains(const Container& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool IsRefused(const SubjectRequestRow& row, const SubjectUse& use, std::string_view field) {
  return std::any_of(row.refusals().begin(), row.refusals().end(), [&](const Refusal& refusal) {
    return Contains(refusal.fields(), field) && Holds(refusal, use);
  });
}

template <typename Rows, typename Which>
void EraseIf(Rows* rows, Which which) {
  rows->erase(std::remove_if(rows->begin(), rows->end(), which), rows->end());
}

}  // namespace

bool ContractStands(const SubjectUse& use) {
  return !use.contract_ended() && !use.termination_intended();
}

bool Holds(const Refusal& refusal, const SubjectUse& use) {
  return !authz::RestsOnContract(refusal.ground()) || ContractStands(use);
}

std::vector<std::string_view> OpenFields(const SubjectRequestRow& row, const SubjectUse& use) {
  std::vector<std::string_view> open;
  for (const std::string& field : row.fields()) {
    if (!Contains(row.done_fields(), field) && !IsRefused(row, use, field)) open.push_back(field);
  }
  return open;
}

RequestState StateOf(const SubjectRequestRow& row, const SubjectUse& use) {
  if (!OpenFields(row, use).empty()) return RequestState::kOpen;
  if (row.done_fields().empty()) return RequestState::kRefused;
  return row.done_fields_size() == row.fields_size() ? RequestState::kCompleted
                                                     : RequestState::kPartlyRefused;
}

SubjectRequestRow* FindRequest(SubjectUse* use, std::string_view id) {
  for (SubjectRequestRow& row : *use->mutable_requests()) {
    if (row.id() == id) return &row;
  }
  return nullptr;
}

bool AddRequest(SubjectRequestRow row, SubjectUse* use) {
  auto& rows = *use->mutable_requests();
  if (rows.size() >= kMaxRequests) {
    const auto closed = std::find_if(rows.begin(), rows.end(), [use](const auto& old) {
      return StateOf(old, *use) != RequestState::kOpen;
    });
    if (closed == rows.end()) return false;
    rows.erase(closed);
  }
  *rows.Add() = std::move(row);
  return true;
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
  for (const SubjectRequestRow& row : use.requests()) {
    if (!row.freezes()) continue;
    for (std::string_view field : OpenFields(row, use)) {
      if (!Contains(frozen, field)) frozen.push_back(field);
    }
  }
  return frozen;
}

}  // namespace piivault::vault
