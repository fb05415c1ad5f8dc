#include "vault/ledger/token_sweep.h"

#include <cstdint>
#include <limits>
#include <optional>
#include <utility>

#include "authz/share_decision.h"
#include "vault/keys/sealed_row.h"
#include "vault/ledger/export_rows.h"

namespace piivault::vault {
namespace {

using storage::v1::ExportSubjectsRow;
using storage::v1::ExportTokenRow;

// Whether the ledger has a row, also one that does not open, of a use of the token.
absl::StatusOr<bool> IsInLedger(SweepStep* step, const ExportTokenRow& row) {
  // The last is the last to go.
  for (int i = row.taken_size() - 1; i >= 0; --i) {
    const storage::Key key =
        storage::DisclosureKey(step->scope.id(), RefOf(row.taken(i).disclosure()));
    ++step->looked_up;
    step->changes.Read(key);
    const absl::Status found = step->engine.Get(key).status();
    if (found.ok()) return true;
    if (!absl::IsNotFound(found)) return found;
  }
  return false;
}

// As many as a commit holds; `parts`: how many went before. Whether all are gone then.
bool DropPeople(SweepStep* step, const storage::Id128& token, const ExportTokenRow& row,
                int* parts) {
  for (; *parts < row.parts_size() && !step->full(); ++*parts) {
    const auto part = static_cast<uint32_t>(*parts);
    step->Drop("parts", storage::ExportSubjectsKey(step->scope.id(), token, part));
  }
  return *parts >= row.parts_size();
}

// Whether the step is done with the token: where it has many parts, it is not.
absl::StatusOr<bool> SweepToken(SweepStep* step, const storage::Key& key, ExportTokenRow row,
                                int* parts) {
  const absl::Time end = EndOfToken(row);
  if (step->now < end && row.rejected_by().empty()) return true;
  bool keep = step->now < end + kEndedTokenKept;
  if (!keep) {
    const absl::StatusOr<bool> found = IsInLedger(step, row);
    if (!found.ok()) return found.status();
    keep = *found;
  }
  if (keep && row.people_dropped()) return true;
  step->changes.Read(key);
  if (!row.people_dropped()) {
    if (!DropPeople(step, storage::IdSuffix(key.bytes), row, parts)) return false;
    row.set_people_dropped(true);
  }
  if (!keep) {
    step->Drop("tokens", key);
    return true;
  }
  row.set_version(row.version() + 1);
  PutVersioned(step->scope, step->random, key, row, &step->changes);
  return true;
}

// One row, at or behind `start`.
absl::StatusOr<std::optional<SweptRow>> RowAt(const storage::Engine& engine,
                                              const storage::Key& prefix, std::string_view start) {
  std::optional<SweptRow> found;
  const absl::Status scanned =
      engine.Scan(prefix, start, 1, [&](std::string_view key, std::string_view value) {
        found = SweptRow{{prefix.table, std::string(key)}, std::string(value)};
        return true;
      });
  if (!scanned.ok()) return scanned;
  return found;
}

void SweepStrayPart(SweepStep* step, const storage::Key& token, const SweptRow& part) {
  const auto row = OpenRow<ExportSubjectsRow>(step->scope.keys(), part.key, part.value);
  if (!row.ok()) {
    step->damaged.push_back(part.key);
    return;
  }
  const absl::Time made = absl::FromUnixMicros(row->message.create_micros());
  if (step->now < made + kStrayPartsKept) return;
  step->changes.Read(token);
  step->changes.Read(part.key);
  step->Drop("parts", part.key);
}

}  // namespace

absl::Time EndOfToken(const ExportTokenRow& row) {
  return row.expire_micros() != 0
             ? absl::FromUnixMicros(row.expire_micros())
             : absl::FromUnixMicros(row.create_micros()) + authz::kMaxTokenLifetime;
}

absl::Status SweepTokens(SweepStep* step, SweepPlace* place) {
  const storage::Key prefix =
      storage::SharingPrefix(storage::SharingKind::kToken, step->scope.id());
  SweepPlace next = *place;
  const absl::StatusOr<std::vector<SweptRow>> rows =
      NextRows(step->engine, prefix, step->rows, &next);
  if (!rows.ok()) return rows.status();
  for (const SweptRow& one : *rows) {
    if (place->next != one.key.bytes) *place = SweepPlace{.next = one.key.bytes};
    if (step->full()) return absl::OkStatus();
    auto row = OpenVersionedRow<ExportTokenRow>(step->scope.keys(), one.key, one.value);
    if (!row.ok()) {
      step->damaged.push_back(one.key);
      continue;
    }
    const absl::StatusOr<bool> done = SweepToken(step, one.key, *std::move(row), &place->parts);
    if (!done.ok()) return done.status();
    if (!*done) return absl::OkStatus();
  }
  *place = SweepPlace{.next = std::move(next.next), .at_end = next.at_end};
  return absl::OkStatus();
}

absl::Status SweepStrayParts(SweepStep* step, SweepPlace* place) {
  const storage::TenantId tenant = step->scope.id();
  const storage::Key prefix = storage::SharingPrefix(storage::SharingKind::kTokenSubjects, tenant);
  if (place->next.empty()) place->next = prefix.bytes;
  for (size_t i = 0; i < step->rows; ++i) {
    absl::StatusOr<std::optional<SweptRow>> row = RowAt(step->engine, prefix, place->next);
    if (!row.ok()) return row.status();
    if (!row->has_value()) {
      place->at_end = true;
      return absl::OkStatus();
    }
    const SweptRow& part = **row;
    place->next = part.key.bytes + '\0';
    const auto name = storage::ParseExportSubjectsKey(part.key.bytes);
    if (!name.has_value()) {
      step->damaged.push_back(part.key);
      continue;
    }
    const storage::Key token = storage::ExportTokenKey(tenant, name->token);
    const absl::Status found = step->engine.Get(token).status();
    if (found.ok()) {
      // All of the token's are passed over at once.
      constexpr uint32_t kLast = std::numeric_limits<uint32_t>::max();
      place->next = storage::ExportSubjectsKey(tenant, name->token, kLast).bytes + '\0';
    } else if (absl::IsNotFound(found)) {
      SweepStrayPart(step, token, part);
    } else {
      return found;
    }
  }
  return absl::OkStatus();
}

}  // namespace piivault::vault
