#include "vault/retention/destruction_list.h"

#include <limits>
#include <utility>

#include "vault/keys/sealed_row.h"
#include "vault/text.h"

namespace piivault::vault {

storage::Key DestructionKey(std::string_view tenant, const storage::Id128& id) {
  return storage::StateKey(storage::StateKind::kDestruction, Concat({tenant, "/", id.view()}));
}

absl::StatusOr<std::optional<DestructionRow>> LoadDestruction(const storage::Engine& engine,
                                                              const KeySnapshot& keys,
                                                              std::string_view tenant,
                                                              const storage::Id128& id,
                                                              ChangeSet* changes) {
  const storage::Key key = DestructionKey(tenant, id);
  changes->Read(key);
  const absl::StatusOr<std::string> value = engine.Get(key);
  if (absl::IsNotFound(value.status())) return std::nullopt;
  if (!value.ok()) return value.status();
  absl::StatusOr<DestructionRow> row = OpenVersionedRow<DestructionRow>(keys, key, *value);
  if (!row.ok()) return row.status();
  return *std::move(row);
}

absl::StatusOr<std::vector<DestructionRow>> ListDestructions(const storage::Engine& engine,
                                                             const KeySnapshot& keys,
                                                             std::string_view tenant,
                                                             bool waiting) {
  storage::Key prefix = DestructionKey(tenant, storage::Id128());
  prefix.bytes.resize(prefix.bytes.size() - storage::Id128::kSize);
  std::vector<DestructionRow> rows;
  const absl::Status scanned =
      engine.Scan(prefix, prefix.bytes, std::numeric_limits<size_t>::max(),
                  [&](std::string_view key, std::string_view value) {
                    absl::StatusOr<DestructionRow> row = OpenVersionedRow<DestructionRow>(
                        keys, {prefix.table, std::string(key)}, value);
                    if (row.ok() && (!waiting || row->decide_micros() == 0))
                      rows.push_back(*std::move(row));
                    return rows.size() < kMaxDestructionsListed;
                  });
  if (!scanned.ok()) return scanned;
  return rows;
}

storage::Id128 NewDestructionId(absl::Time now, RandomSource& random) {
  storage::Id128 id = random.Id128();
  const uint64_t order =
      std::numeric_limits<uint64_t>::max() - static_cast<uint64_t>(absl::ToUnixMicros(now));
  for (size_t i = 0; i < sizeof(order); ++i) {
    id.bytes[i] = static_cast<uint8_t>(order >> (8 * (sizeof(order) - 1 - i)));
  }
  return id;
}

void PutDestruction(const KeySnapshot& keys, RandomSource& random, std::string_view tenant,
                    DestructionRow* row, ChangeSet* changes) {
  row->set_version(row->version() + 1);
  storage::Key key =
      DestructionKey(tenant, storage::Id128::FromBytes(row->id()).value_or(storage::Id128()));
  std::string value = SealRow(keys, random, key, row->version(), *row);
  changes->Put(std::move(key), std::move(value));
}

Sha256Digest DestructionHash(std::string_view tenant, const DestructionRow& row) {
  DestructionRow selected;
  selected.set_id(row.id());
  selected.set_policy_sha256(row.policy_sha256());
  selected.set_selector(row.selector());
  selected.set_selector_person(row.selector_person());
  selected.set_select_micros(row.select_micros());
  for (const DestructionRow::Item& item : row.items()) {
    // Names of person and record are gone from a list that is decided; what entries call them
    // stays.
    DestructionRow::Item& same = *selected.add_items();
    same = item;
    same.clear_subject();
    same.clear_record();
    same.clear_kept();
  }
  return Sha256(Concat({"piivault destruction v1", tenant, "/", selected.SerializeAsString()}));
}

}  // namespace piivault::vault
