#include "vault/state/index_pass.h"

#include <algorithm>
#include <utility>

#include "vault/keys/sealed_row.h"

namespace piivault::vault {

storage::Key IndexPassKey(std::string_view tenant) {
  return storage::StateKey(storage::StateKind::kIndexPass, tenant);
}

absl::StatusOr<std::optional<IndexPass>> ReadIndexPass(const storage::Engine& engine,
                                                       const KeySnapshot& keys,
                                                       std::string_view tenant) {
  const storage::Key key = IndexPassKey(tenant);
  const absl::StatusOr<std::string> value = engine.Get(key);
  if (absl::IsNotFound(value.status())) return std::nullopt;
  if (!value.ok()) return value.status();
  auto row = OpenRow<storage::v1::IndexPassRow>(keys, key, *value);
  if (!row.ok()) return row.status();
  return IndexPass{std::move(row->message), row->version};
}

std::optional<storage::RecordLocator> PlaceOf(const storage::v1::IndexPassRow& pass) {
  const auto subject = storage::Id128::FromBytes(pass.subject());
  const auto record = storage::Id128::FromBytes(pass.record());
  if (!subject.has_value() || !record.has_value()) return std::nullopt;
  return storage::RecordLocator{*subject, *record};
}

int PercentOf(const storage::v1::IndexPassRow& pass, const std::vector<std::string>& types) {
  if (types.empty() || pass.end_micros() != 0) return 100;
  const auto at = std::lower_bound(types.begin(), types.end(), pass.type());
  // In parts of a type, 65536 each.
  int64_t done = (at - types.begin()) * 65536;
  const auto place = PlaceOf(pass);
  if (place.has_value() && at != types.end() && *at == pass.type()) {
    done += place->subject.bytes[0] * 256 + place->subject.bytes[1];
  }
  return static_cast<int>(100 * done / (65536 * static_cast<int64_t>(types.size())));
}

}  // namespace piivault::vault
