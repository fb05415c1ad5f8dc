#include "vault/audit/entry_terms.h"

#include "absl/container/inlined_vector.h"
#include "vault/wire_reader.h"

namespace piivault::vault {
namespace {

using storage::v1::EntryBody;
using storage::v1::EntryItem;

constexpr char kPrincipalKind = 'p';
constexpr char kSubjectKind = 's';
constexpr char kBreakGlassKind = 'b';

// Writes kind ‖ ':' ‖ value.
template <typename Text>
void MakeTerm(char kind, std::string_view value, Text* term) {
  term->clear();
  term->reserve(2 + value.size());
  term->push_back(kind);
  term->push_back(':');
  term->insert(term->end(), value.begin(), value.end());
}

std::string TermText(char kind, std::string_view value) {
  std::string term;
  MakeTerm(kind, value, &term);
  return term;
}

}  // namespace

std::string PrincipalTerm(std::string_view principal) {
  return TermText(kPrincipalKind, principal);
}
std::string SubjectTerm(std::string_view subject_ref) {
  return TermText(kSubjectKind, subject_ref);
}

std::string BreakGlassTerm(std::string_view name) { return TermText(kBreakGlassKind, name); }

void TermsOf(const storage::StoredEntry& entry, storage::LogIndex::TermSink take) {
  absl::InlinedVector<char, 128> term;
  const auto take_term = [&](char kind, std::string_view value) {
    if (value.empty()) return;
    MakeTerm(kind, value, &term);
    take({term.data(), term.size()});
  };
  WireReader body(entry.entry.body);
  while (body.Next()) {
    if (body.number() == EntryBody::kPrincipalFieldNumber) take_term(kPrincipalKind, body.bytes());
    if (body.number() == EntryBody::kBreakGlassFieldNumber ||
        body.number() == EntryBody::kFurtherBreakGlassFieldNumber) {
      take_term(kBreakGlassKind, body.bytes());
    }
    if (body.number() != EntryBody::kItemsFieldNumber) continue;
    WireReader item(body.bytes());  // its fields are in the order of their numbers
    if (item.Next() && item.number() == EntryItem::kSubjectRefFieldNumber) {
      take_term(kSubjectKind, item.bytes());
    }
  }
}

absl::StatusOr<storage::v1::EntryBody> ParseBody(const storage::StoredEntry& entry) {
  storage::v1::EntryBody body;
  if (!body.ParseFromString(entry.entry.body)) {
    return absl::DataLossError("an entry's body cannot be read");
  }
  return body;
}

}  // namespace piivault::vault
