#include "vault/records/damage.h"

#include <string_view>

#include "absl/strings/str_cat.h"
#include "vault/crypto/sha256.h"
#include "vault/text.h"

namespace piivault::vault {
namespace {

// Lengths of the keys that hold nothing but a kind, ids and numbers; see storage/FORMAT.md.
constexpr size_t kSubjectKey = 1 + 8 + 16;
constexpr size_t kRecordKey = 8 + 16 + 16;
constexpr size_t kWrapKey = kRecordKey + 8;

// REQUIRES: 16 bytes.
std::string Text(std::string_view bytes) { return storage::Id128::FromBytes(bytes)->ToText(); }

std::string RecordText(std::string_view ids) {
  return absl::StrCat("subjects/", Text(ids.substr(0, 16)), "/records/", Text(ids.substr(16, 16)));
}

}  // namespace

std::string RowName(const storage::Key& row) {
  const std::string_view key = row.bytes;
  if (row.table == storage::Table::kWrap && key.size() == kWrapKey) {
    return absl::StrCat("wrap of ", RecordText(key.substr(8)));
  }
  if (row.table == storage::Table::kRecord && key.size() == kRecordKey) {
    return absl::StrCat("row of ", RecordText(key.substr(8)));
  }
  if (row.table == storage::Table::kState && key.size() == kSubjectKey) {
    const auto kind = static_cast<storage::StateKind>(key.front());
    if (kind == storage::StateKind::kSubject) {
      return absl::StrCat("row of subjects/", Text(key.substr(9)));
    }
    if (kind == storage::StateKind::kErasure) {
      return absl::StrCat("erasure of subjects/", Text(key.substr(9)));
    }
  }
  return absl::StrCat("row of table ", static_cast<int>(row.table), " with SHA-256 of its key ",
                      ToHex(AsView(Sha256(key))));
}

}  // namespace piivault::vault
