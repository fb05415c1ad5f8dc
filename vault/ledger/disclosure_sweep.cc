#include "vault/ledger/disclosure_sweep.h"

#include <map>
#include <optional>
#include <utility>

#include "absl/types/span.h"
#include "authz/share_decision.h"
#include "vault/keys/sealed_row.h"
#include "vault/ledger/export_rows.h"

namespace piivault::vault {
namespace {

using storage::v1::CorrectionNoticeRow;
using storage::v1::DisclosedRow;
using storage::v1::DisclosureRow;
using storage::v1::HoldingRow;

// What recipients hold, as far as a step changes it: several disclosures may be of one person to
// one recipient.
class StagedHoldings {
 public:
  explicit StagedHoldings(SweepStep* step) : step_(*step) {}

  // Loads what is not there yet. Their cells go to the read set.
  absl::Status Load(absl::Span<const storage::Key> keys) {
    std::vector<storage::Key> wanted;
    for (const storage::Key& key : keys) {
      if (staged_.try_emplace(key.bytes).second) wanted.push_back(key);
    }
    absl::StatusOr<std::vector<std::optional<std::string>>> values = step_.engine.MultiGet(wanted);
    if (!values.ok()) return values.status();
    for (size_t i = 0; i < wanted.size(); ++i) {
      step_.changes.Read(wanted[i]);
      if (!(*values)[i].has_value()) continue;
      auto row = OpenVersionedRow<HoldingRow>(step_.scope.keys(), wanted[i], *(*values)[i]);
      // One that counts fewer disclosures than there are was not written by us.
      if (!row.ok() || row->disclosures() == 0) {
        step_.damaged.push_back(std::move(wanted[i]));
      } else {
        staged_[wanted[i].bytes].row = *std::move(row);
      }
    }
    return absl::OkStatus();
  }

  // One disclosure less. One that is not there, or does not open, stays as it is.
  void Release(const storage::Key& key) {
    Staged& staged = staged_.at(key.bytes);
    if (!staged.row.has_value()) return;
    staged.changed = true;
    if (staged.row->disclosures() > 0) staged.row->set_disclosures(staged.row->disclosures() - 1);
  }

  void Finish() {
    for (auto& [bytes, staged] : staged_) {
      if (!staged.changed) continue;
      storage::Key key{storage::Table::kSharing, bytes};
      if (staged.row->disclosures() == 0) {
        step_.Drop("holdings", std::move(key));
        continue;
      }
      staged.row->set_version(staged.row->version() + 1);
      PutVersioned(step_.scope, step_.random, std::move(key), *staged.row, &step_.changes);
    }
  }

 private:
  struct Staged {
    std::optional<HoldingRow> row;
    bool changed = false;
  };

  SweepStep& step_;
  std::map<std::string, Staged> staged_;  // by key bytes
};

// One that is over, and to whom it was.
struct Doomed {
  storage::Id128 id;
  storage::Id128 recipient_ref;
  uint64_t start_micros = 0;
};

// Plans that the disclosure's next people go, `limit` at most; how many rows were looked at. Moves
// `place->person`, which is empty at the end.
absl::StatusOr<size_t> DropPeople(SweepStep* step, const Doomed& doomed, size_t limit,
                                  StagedHoldings* holdings, SweepPlace* place) {
  const storage::TenantId tenant = step->scope.id();
  SweepPlace people;
  people.next = place->person;
  absl::StatusOr<std::vector<SweptRow>> rows =
      NextRows(step->engine, storage::DisclosedPrefix(tenant, doomed.id), limit, &people);
  if (!rows.ok()) return rows.status();
  std::vector<storage::Key> held;
  std::vector<storage::Key> gone;
  for (SweptRow& one : *rows) {
    if (!OpenVersionedRow<DisclosedRow>(step->scope.keys(), one.key, one.value).ok()) {
      step->damaged.push_back(std::move(one.key));
      place->keeps_people = true;
      continue;
    }
    held.push_back(
        storage::HoldingKey(tenant, storage::IdSuffix(one.key.bytes), doomed.recipient_ref));
    gone.push_back(std::move(one.key));
  }
  if (absl::Status loaded = holdings->Load(held); !loaded.ok()) return loaded;
  for (size_t i = 0; i < gone.size(); ++i) {
    holdings->Release(held[i]);
    step->changes.Read(gone[i]);
    step->changes.Delete(storage::DisclosureOfSubjectKey(tenant, storage::IdSuffix(gone[i].bytes),
                                                         doomed.start_micros, doomed.id));
    step->Drop("people", std::move(gone[i]));
  }
  place->person = people.at_end ? std::string() : people.next;
  return rows->size();
}

// Where the row says that it is over, what dropping it takes. Nothing for one that stays.
std::optional<Doomed> DoomedOf(SweepStep* step, const SweptRow& one) {
  const auto row = OpenVersionedRow<DisclosureRow>(step->scope.keys(), one.key, one.value);
  if (!row.ok()) {
    step->damaged.push_back(one.key);
    return std::nullopt;
  }
  if (!IsOver(*row, step->now)) return std::nullopt;
  const RecipientState* recipient = step->state.FindRecipient(step->tenant.name, row->recipient());
  if (recipient == nullptr) {
    step->damaged.push_back(one.key);
    return std::nullopt;
  }
  return Doomed{storage::IdSuffix(one.key.bytes), RefOf(recipient->row.ref()),
                static_cast<uint64_t>(row->start_micros())};
}

// An acknowledged notice, and the key of what it is about.
struct ClosedNotice {
  storage::Key key;
  storage::Key holding;
  std::string handle;
};

std::optional<ClosedNotice> ClosedOf(SweepStep* step, SweptRow one) {
  auto row = OpenVersionedRow<CorrectionNoticeRow>(step->scope.keys(), one.key, one.value);
  if (!row.ok()) {
    step->damaged.push_back(std::move(one.key));
    return std::nullopt;
  }
  const auto subject_ref = storage::Id128::FromBytes(row->subject_ref());
  if (row->acknowledge_micros() == 0 || !subject_ref.has_value()) return std::nullopt;
  const storage::Id128 recipient_ref = storage::LocatorSuffix(one.key.bytes).subject;
  return ClosedNotice{std::move(one.key),
                      storage::HoldingKey(step->scope.id(), *subject_ref, recipient_ref),
                      std::move(*row->mutable_handle())};
}

// Whether the holding that a notice was about is gone, for good: there is none, or a later one, by
// which the recipient calls the person otherwise. One that does not open is there.
bool IsGone(const SweepStep& step, const ClosedNotice& notice,
            const std::optional<std::string>& holding) {
  if (!holding.has_value()) return true;
  const auto row = OpenVersionedRow<HoldingRow>(step.scope.keys(), notice.holding, *holding);
  return row.ok() && row->handle() != notice.handle;
}

}  // namespace

bool IsOver(const DisclosureRow& row, absl::Time now) {
  return row.keep_micros() != 0 && now >= absl::FromUnixMicros(row.keep_micros()) &&
         now >= absl::FromUnixMicros(row.start_micros()) + authz::kMaxTokenLifetime;
}

absl::Status SweepDisclosures(SweepStep* step, SweepPlace* place) {
  const storage::Key prefix =
      storage::SharingPrefix(storage::SharingKind::kDisclosure, step->scope.id());
  SweepPlace next = *place;
  const absl::StatusOr<std::vector<SweptRow>> rows =
      NextRows(step->engine, prefix, step->rows, &next);
  if (!rows.ok()) return rows.status();
  StagedHoldings holdings(step);
  size_t left = step->rows;  // people to look at
  for (const SweptRow& one : *rows) {
    const std::optional<Doomed> doomed = DoomedOf(step, one);
    if (!doomed.has_value()) continue;
    if (place->next != one.key.bytes) *place = SweepPlace{.next = one.key.bytes};
    if (left == 0) {
      holdings.Finish();
      return absl::OkStatus();
    }
    step->changes.Read(one.key);
    const absl::StatusOr<size_t> seen = DropPeople(step, *doomed, left, &holdings, place);
    if (!seen.ok()) return seen.status();
    left -= *seen;
    if (!place->person.empty()) {
      holdings.Finish();
      return absl::OkStatus();
    }
    if (place->keeps_people) continue;
    step->changes.Delete(storage::DisclosureToRecipientKey(step->scope.id(), doomed->recipient_ref,
                                                           doomed->start_micros, doomed->id));
    step->Drop("disclosures", one.key);
  }
  holdings.Finish();
  *place = SweepPlace{.next = std::move(next.next), .at_end = next.at_end};
  return absl::OkStatus();
}

absl::Status SweepNotices(SweepStep* step, SweepPlace* place) {
  const storage::Key prefix =
      storage::SharingPrefix(storage::SharingKind::kNotice, step->scope.id());
  absl::StatusOr<std::vector<SweptRow>> rows = NextRows(step->engine, prefix, step->rows, place);
  if (!rows.ok()) return rows.status();
  std::vector<ClosedNotice> closed;
  std::vector<storage::Key> holdings;
  for (SweptRow& one : *rows) {
    std::optional<ClosedNotice> notice = ClosedOf(step, std::move(one));
    if (!notice.has_value()) continue;
    holdings.push_back(notice->holding);
    closed.push_back(*std::move(notice));
  }
  const auto values = step->engine.MultiGet(holdings);
  if (!values.ok()) return values.status();
  for (size_t i = 0; i < closed.size(); ++i) {
    if (!IsGone(*step, closed[i], (*values)[i])) continue;
    step->changes.Read(closed[i].key);
    step->Drop("notices", std::move(closed[i].key));
  }
  return absl::OkStatus();
}

}  // namespace piivault::vault
