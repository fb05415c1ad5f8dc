#include "vault/records/damage.h"

#include <string_view>

#include "absl/strings/str_cat.h"
#include "vault/crypto/sha256.h"
#include "vault/text.h"

namespace piivault::vault {
namespace {

// The length of an erasure's key: kind, tenant and subject; see storage/FORMAT.md.
constexpr size_t kErasureKey = 1 + 8 + 16;

// REQUIRES: 16 bytes.
std::string Text(std::string_view bytes) { return storage::Id128::FromBytes(bytes)->ToText(); }

std::string RecordText(std::string_view ids) {
  return absl::StrCat("subjects/", Text(ids.substr(0, 16)), "/records/", Text(ids.substr(16, 16)));
}

}  // namespace

std::string RowName(const storage::Key& row) {
  const std::string_view key = row.bytes;
  if (key.size() == storage::SharedKeySize(row.table)) {
    switch (row.table) {
      case storage::Table::kSubject:
        return absl::StrCat("row of subjects/", Text(key.substr(8)));
      case storage::Table::kRecord:
        return absl::StrCat("row of ", RecordText(key.substr(8)));
      case storage::Table::kWrap:
        return absl::StrCat("wrap of ", RecordText(key.substr(8)));
      default:
        break;
    }
  }
  if (row.table == storage::Table::kState && key.size() == kErasureKey &&
      static_cast<storage::StateKind>(key.front()) == storage::StateKind::kErasure) {
    return absl::StrCat("erasure of subjects/", Text(key.substr(9)));
  }
  return absl::StrCat("row of table ", static_cast<int>(row.table), " with SHA-256 of its key ",
                      ToHex(AsView(Sha256(key))));
}

}  // namespace piivault::vault
