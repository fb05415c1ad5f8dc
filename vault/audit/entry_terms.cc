#include "vault/audit/entry_terms.h"

#include <algorithm>
#include <set>

namespace piivault::vault {
namespace {

std::string Term(char kind, std::string_view value) {
  std::string term(1, kind);
  term += ':';
  term += value;
  return term;
}

}  // namespace

std::string PrincipalTerm(std::string_view principal) { return Term('p', principal); }
std::string SubjectTerm(std::string_view subject_ref) { return Term('s', subject_ref); }
std::string RecordTerm(std::string_view record_ref) { return Term('r', record_ref); }

std::vector<std::string> TermsOf(const storage::StoredEntry& entry) {
  const absl::StatusOr<storage::v1::EntryBody> body = ParseBody(entry);
  if (!body.ok()) return {};
  std::set<std::string> terms;
  if (!body->principal().empty()) terms.insert(PrincipalTerm(body->principal()));
  for (const storage::v1::EntryItem& item : body->items()) {
    if (!item.subject_ref().empty()) terms.insert(SubjectTerm(item.subject_ref()));
    if (!item.record_ref().empty()) terms.insert(RecordTerm(item.record_ref()));
  }
  return {terms.begin(), terms.end()};
}

absl::StatusOr<storage::v1::EntryBody> ParseBody(const storage::StoredEntry& entry) {
  storage::v1::EntryBody body;
  if (!body.ParseFromString(entry.entry.body)) {
    return absl::DataLossError("an entry's body cannot be read");
  }
  return body;
}

}  // namespace piivault::vault
