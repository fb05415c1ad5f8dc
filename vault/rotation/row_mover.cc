#include "vault/rotation/row_mover.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "piivault/storage/v1/erasure.pb.h"
#include "vault/keys/blind_index.h"
#include "vault/keys/data_key_wrap.h"
#include "vault/keys/record_codec.h"
#include "vault/keys/sealed_row.h"
#include "vault/records/field_rows.h"
#include "vault/records/record_loader.h"
#include "vault/records/subject_rows.h"
#include "vault/records/tenant_scope.h"

namespace piivault::vault {
namespace {

// Of one table, for the rows of one step.
constexpr size_t kMaxRunRows = 5'000;
constexpr size_t kMaxRunBytes = size_t{2} << 20;

absl::Status Damaged() { return absl::DataLossError("a row does not open"); }

// The rows of a table between two keys: look-ups that are as near to each other as those of a step
// cost less as one scan.
class RowRun {
 public:
  absl::Status Fill(const storage::Engine& engine, const storage::Key& prefix,
                    const std::string& first, const std::string& last) {
    size_t bytes = 0;
    return engine.Scan(prefix, first, kMaxRunRows,
                       [&](std::string_view key, std::string_view value) {
                         if (key > last) return false;
                         rows_.emplace_back(key, value);
                         bytes += value.size();
                         cut_ = rows_.size() == kMaxRunRows || bytes >= kMaxRunBytes;
                         return !cut_;
                       });
  }

  // Whether it is known what stands at the key. The first one is.
  bool Knows(const std::string& key) const { return !cut_ || key <= rows_.back().first; }
  const std::string* Find(const std::string& key) const {
    const auto at = std::lower_bound(
        rows_.begin(), rows_.end(), key,
        [](const auto& row, const std::string& other) { return row.first < other; });
    return at == rows_.end() || at->first != key ? nullptr : &at->second;
  }

 private:
  std::vector<std::pair<std::string, std::string>> rows_;
  bool cut_ = false;
};

// What a wrap's key says.
struct WrapName {
  storage::RecordLocator record;
  uint64_t version = 0;
};

// REQUIRES: a key of Table::kWrap, all of which have one size.
WrapName ParseWrapKey(std::string_view key) {
  const uint64_t version = storage::IndexSuffix(key);
  return {storage::LocatorSuffix(key.substr(0, key.size() - sizeof(version))), version};
}

}  // namespace

// One step's.
class RowMover::Work {
 public:
  Work(const RowMover& parts, const EpochRange& range, const StateSnapshot& state, Moves* moves)
      : engine_(parts.engine_),
        rules_(parts.rules_),
        random_(parts.random_),
        range_(range),
        keys_(state.keys()),
        moves_(*moves) {
    for (const auto& [name, tenant] : state.tenants()) {
      if (tenant->id != range.tenant || range.kind == EpochRange::Kind::kSealed) continue;
      indexes_ = tenant->indexes;
      // Index rows are brought to the form that is wanted, and no other.
      Read(storage::StateKey(storage::StateKind::kIndexForms, name));
    }
  }

  absl::Status MoveWraps(std::vector<OldRow>& rows);
  absl::Status MoveIndex(std::vector<OldRow>& rows);
  absl::Status MoveSealed(std::vector<OldRow>& rows);

 private:
  void Read(const storage::Key& key) { moves_.reads.push_back(storage::CellFingerprint(key)); }
  void Put(storage::Key key, std::string value) {
    moves_.writes.push_back({std::move(key), std::move(value)});
  }
  storage::Key PersonKey(const WrapName& name) const {
    return storage::SubjectKey(range_.tenant, name.record.subject);
  }
  storage::Key RecordKey(const WrapName& name) const {
    return storage::RecordKey(range_.tenant, name.record.subject, name.record.record);
  }
  // Counts what became of the row. An error that is not the row's own comes back.
  absl::Status Settle(OldRow& row, const absl::Status& status);

  absl::Status MoveWrap(const TenantScope& scope, const WrapName& name, const RowRun& persons,
                        const RowRun& records, OldRow& row);
  absl::StatusOr<bool> IsErased(const TenantScope& scope, const storage::Id128& subject,
                                const storage::Key& key, const std::string* value);
  absl::Status MendErasure(const storage::Id128& subject);
  absl::Status MoveIndexOf(const TenantScope& scope, const storage::RecordLocator& locator,
                           RecordReader& reader);

  const storage::Engine& engine_;
  const ValueRules& rules_;
  RandomSource& random_;
  const EpochRange& range_;
  const KeySnapshot& keys_;
  std::shared_ptr<const TenantIndexes> indexes_ = std::make_shared<const TenantIndexes>();
  Moves& moves_;
  std::optional<SubjectState> person_;  // who was opened last
};

absl::Status RowMover::Work::Settle(OldRow& row, const absl::Status& status) {
  if (absl::IsDataLoss(status)) {
    moves_.damaged.push_back(std::move(row));
    return absl::OkStatus();
  }
  return status;
}

absl::Status RowMover::Work::MoveSealed(std::vector<OldRow>& rows) {
  moves_.looked_at = rows.size();
  for (OldRow& row : rows) {
    Read(row.key);
    absl::StatusOr<std::string> value = Damaged();
    if (row.epoch.has_value()) value = ResealRow(keys_, random_, row.key, row.value);
    if (value.ok()) {
      ++moves_.moved;
      Put(std::move(row.key), *std::move(value));
    } else if (absl::Status status = Settle(row, value.status()); !status.ok()) {
      return status;
    }
  }
  return absl::OkStatus();
}

absl::Status RowMover::Work::MoveWraps(std::vector<OldRow>& rows) {
  const absl::StatusOr<TenantScope> scope = TenantScope::Create(range_.tenant, keys_, *indexes_);
  if (!scope.ok()) return scope.status();
  std::vector<WrapName> names;
  names.reserve(rows.size());
  for (const OldRow& row : rows) names.push_back(ParseWrapKey(row.key.bytes));
  RowRun persons;
  absl::Status status = persons.Fill(engine_, storage::SubjectPrefix(range_.tenant),
                                     PersonKey(names.front()).bytes, PersonKey(names.back()).bytes);
  if (!status.ok()) return status;
  RowRun records;
  status = records.Fill(engine_, storage::RecordPrefix(range_.tenant),
                        RecordKey(names.front()).bytes, RecordKey(names.back()).bytes);
  if (!status.ok()) return status;
  for (size_t i = 0; i < rows.size(); ++i) {
    if (!persons.Knows(PersonKey(names[i]).bytes) || !records.Knows(RecordKey(names[i]).bytes)) {
      moves_.next = std::move(rows[i].key.bytes);
      break;
    }
    ++moves_.looked_at;
    status = Settle(rows[i], MoveWrap(*scope, names[i], persons, records, rows[i]));
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> RowMover::Work::IsErased(const TenantScope& scope,
                                              const storage::Id128& subject,
                                              const storage::Key& key, const std::string* value) {
  if (!person_.has_value() || person_->id.bytes != subject.bytes) {
    person_.reset();
    Read(key);
    // Without its person's row nobody can say whether the wrap may live on.
    if (value == nullptr) return Damaged();
    absl::StatusOr<SubjectState> opened = OpenSubject(scope, subject, *value);
    if (!opened.ok()) return opened.status();
    person_ = *std::move(opened);
  }
  return person_->erased();
}

absl::Status RowMover::Work::MoveWrap(const TenantScope& scope, const WrapName& name,
                                      const RowRun& persons, const RowRun& records, OldRow& row) {
  Read(row.key);
  const auto& [subject, record] = name.record;
  if (!row.epoch.has_value()) return Damaged();
  const storage::Key person_key = PersonKey(name);
  const absl::StatusOr<bool> erased =
      IsErased(scope, subject, person_key, persons.Find(person_key.bytes));
  if (!erased.ok()) return erased.status();
  if (*erased) return MendErasure(subject);
  absl::StatusOr<std::string> value =
      ReWrapDataKey(keys_, random_, range_.tenant, subject, record, name.version, row.value);
  if (!value.ok()) return value.status();

  const storage::Key record_key = RecordKey(name);
  Read(record_key);
  const std::string* const bytes = records.Find(record_key.bytes);
  if (bytes != nullptr && RecordReader::PeekVersion(*bytes).value_or(0) == name.version) {
    auto reader = RecordReader::Open(keys_, {range_.tenant, subject, record}, *bytes, row.value);
    // A record that does not open keeps its index rows: they are counted when it is their turn.
    if (reader.ok()) {
      const absl::Status status = MoveIndexOf(scope, name.record, *reader);
      if (!status.ok() && !absl::IsDataLoss(status)) return status;
    }
  }
  ++moves_.moved;
  Put(std::move(row.key), *std::move(value));
  return absl::OkStatus();
}

// Puts a note of the erasure there where none is: without it ErasureWorker would never come.
absl::Status RowMover::Work::MendErasure(const storage::Id128& subject) {
  const storage::Key note = storage::ErasureKey(range_.tenant, subject);
  Read(note);
  const absl::Status noted = engine_.Get(note).status();
  if (!absl::IsNotFound(noted)) return noted;
  ++moves_.moved;
  Put(note, SealRow(keys_, random_, note, 1, storage::v1::ErasureRow()));
  return absl::OkStatus();
}

// All index rows of a record: under the active epoch, and under no older one.
absl::Status RowMover::Work::MoveIndexOf(const TenantScope& scope,
                                         const storage::RecordLocator& locator,
                                         RecordReader& reader) {
  std::vector<storage::Mutation> writes;
  const auto add = [&](const auto& digest_under) {
    for (const TenantKeys* const keys : scope.indexed()) {
      storage::Key key = storage::BlindIndexKey(range_.tenant, keys->epoch, digest_under(*keys),
                                                locator.subject, locator.record);
      const bool stays = keys == &scope.active();
      writes.push_back(
          {std::move(key), stays ? std::optional<std::string>("") : std::optional<std::string>()});
    }
  };
  if (const std::string& ref = reader.header().ref(); !ref.empty()) {
    add([&](const TenantKeys& keys) { return RefIndexDigest(keys, reader.type(), ref); });
  }
  const absl::Status planned = PlanFieldRows(
      rules_, scope, locator, reader, [](const FieldIndex&) { return true; },
      [](const FieldIndex&, const FieldTerm&) {}, &writes);
  if (!planned.ok()) return planned;
  moves_.gone += writes.size() / scope.indexed().size() * (scope.indexed().size() - 1);
  std::move(writes.begin(), writes.end(), std::back_inserter(moves_.writes));
  return absl::OkStatus();
}

// Rows that did not go along with their record's wrap. One that leads nowhere, or to a value that
// is not there any more, is removed.
absl::Status RowMover::Work::MoveIndex(std::vector<OldRow>& rows) {
  const absl::StatusOr<TenantScope> scope = TenantScope::Create(range_.tenant, keys_, *indexes_);
  if (!scope.ok()) return scope.status();
  std::vector<storage::RecordLocator> locators;
  std::map<std::string, size_t> places;  // of those, by their bytes
  std::vector<size_t> place_of_row;
  for (const OldRow& row : rows) {
    const storage::RecordLocator locator = storage::LocatorSuffix(row.key.bytes);
    const auto [at, is_new] = places.try_emplace(
        std::string(locator.subject.view()) + std::string(locator.record.view()), locators.size());
    if (is_new) locators.push_back(locator);
    place_of_row.push_back(at->second);
  }
  ChangeSet changes;
  auto records = LoadRecords(engine_, *scope, locators, &changes);
  std::move(changes.reads.begin(), changes.reads.end(), std::back_inserter(moves_.reads));
  if (!records.ok()) return records.status();

  std::vector<absl::Status> outcomes;
  for (size_t i = 0; i < locators.size(); ++i) {
    LoadResult& loaded = (*records)[i];
    absl::Status status;
    if (loaded.reason == authz::Reason::kDataLoss) status = Damaged();
    if (loaded.ok()) status = MoveIndexOf(*scope, locators[i], *loaded.record->reader);
    loaded.record.reset();
    outcomes.push_back(std::move(status));
  }
  moves_.looked_at = rows.size();
  moves_.gone = 0;  // they are among these, or will be
  for (size_t i = 0; i < rows.size(); ++i) {
    Read(rows[i].key);
    const absl::Status& outcome = outcomes[place_of_row[i]];
    if (outcome.ok()) {
      ++moves_.moved;
      moves_.writes.push_back({std::move(rows[i].key), std::nullopt});
    } else if (absl::Status status = Settle(rows[i], outcome); !status.ok()) {
      return status;
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<RowMover::Moves> RowMover::Plan(const EpochRange& range, const StateSnapshot& state,
                                               std::vector<OldRow> rows) const {
  Moves moves;
  if (rows.empty()) return moves;
  Work work(*this, range, state, &moves);
  absl::Status status;
  switch (range.kind) {
    case EpochRange::Kind::kWraps:
      status = work.MoveWraps(rows);
      break;
    case EpochRange::Kind::kIndex:
      status = work.MoveIndex(rows);
      break;
    case EpochRange::Kind::kSealed:
      status = work.MoveSealed(rows);
      break;
  }
  if (!status.ok()) return status;
  return moves;
}

}  // namespace piivault::vault
