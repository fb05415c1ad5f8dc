#include "vault/rotation/old_rows.h"

#include <algorithm>
#include <memory>
#include <string_view>
#include <utility>

#include "vault/keys/data_key_wrap.h"
#include "vault/keys/sealed_row.h"

namespace piivault::vault {
namespace {

using Kind = EpochRange::Kind;

// Rows and bytes looked at in one go, when most of them are done already.
constexpr size_t kMaxSeen = 5'000;
constexpr size_t kMaxBytes = size_t{2} << 20;

constexpr storage::StateKind kSealedKinds[] = {storage::StateKind::kTenant,
                                               storage::StateKind::kPerson,
                                               storage::StateKind::kPrincipal,
                                               storage::StateKind::kPolicy,
                                               storage::StateKind::kPolicyInForce,
                                               storage::StateKind::kProposal,
                                               storage::StateKind::kEpoch,
                                               storage::StateKind::kVault,
                                               storage::StateKind::kDenylist,
                                               storage::StateKind::kMatter,
                                               storage::StateKind::kBreakGlass,
                                               storage::StateKind::kIndexForms,
                                               storage::StateKind::kIndexPass,
                                               storage::StateKind::kRecipient,
                                               storage::StateKind::kExportRevocation,
                                               storage::StateKind::kSigningKey,
                                               storage::StateKind::kDestruction};

constexpr storage::SharingKind kSealedSharingKinds[] = {
    storage::SharingKind::kToken,      storage::SharingKind::kTokenSubjects,
    storage::SharingKind::kDisclosure, storage::SharingKind::kDisclosed,
    storage::SharingKind::kHolding,    storage::SharingKind::kNotice};

absl::StatusOr<uint32_t> EpochOf(const EpochRange& range, std::string_view value) {
  switch (range.kind) {
    case Kind::kWraps:
      return WrapEpoch(value);
    case Kind::kSealed:
      return SealedRowEpoch(value);
    case Kind::kIndex:
      break;
  }
  return range.epoch;
}

// Which part of the ids from 0 on is not above the one that begins `id`.
double PartUpTo(std::string_view id) {
  double part = 0;
  double unit = 1;
  for (const char byte : id.substr(0, sizeof(uint64_t))) {
    unit /= 256;
    part += static_cast<unsigned char>(byte) * unit;
  }
  return part + unit;
}

}  // namespace

std::vector<EpochRange> AllEpochRanges(const StateSnapshot& state, const KeySnapshot& keys) {
  std::vector<EpochRange> ranges;
  for (const auto& [name, tenant] : state.tenants()) {
    ranges.push_back({Kind::kWraps, tenant->id, 0, storage::WrapPrefix(tenant->id)});
    for (uint32_t epoch = 1; epoch < keys.active().id; ++epoch) {
      if (keys.Tenant(tenant->id, epoch) == nullptr) continue;
      ranges.push_back(
          {Kind::kIndex, tenant->id, epoch, storage::BlindIndexPrefix(tenant->id, epoch)});
    }
    ranges.push_back({Kind::kSealed, tenant->id, 0, storage::SubjectPrefix(tenant->id)});
    for (const storage::SharingKind kind : kSealedSharingKinds) {
      ranges.push_back({Kind::kSealed, tenant->id, 0, storage::SharingPrefix(kind, tenant->id)});
    }
  }
  for (const storage::StateKind kind : kSealedKinds) {
    ranges.push_back({Kind::kSealed, 0, 0, storage::StatePrefix(kind)});
  }
  ranges.push_back({Kind::kSealed, 0, 0, storage::ErasurePrefix()});
  ranges.push_back({Kind::kSealed, 0, 0, storage::HeldErasurePrefix()});
  ranges.push_back({Kind::kSealed, 0, 0, storage::RequestPrefix()});
  return ranges;
}

absl::StatusOr<std::vector<OldRow>> CollectOldRows(const storage::Engine& engine,
                                                   const EpochRange& range, uint32_t active,
                                                   size_t limit, std::string* start) {
  std::vector<OldRow> rows;
  size_t seen = 0;
  size_t bytes = 0;
  bool full = false;
  std::string last;
  storage::Key part = range.prefix;
  if (start->empty()) *start = part.bytes;
  if (range.kind == Kind::kIndex) {
    if (start->size() == part.bytes.size()) start->push_back('\0');
    part.bytes.push_back((*start)[part.bytes.size()]);
  }
  const absl::Status scanned =
      engine.Scan(part, *start, kMaxSeen, [&](std::string_view key, std::string_view value) {
        ++seen;
        bytes += value.size();
        const absl::StatusOr<uint32_t> epoch = EpochOf(range, value);
        if (!epoch.ok() || *epoch != active) {
          OldRow& row = rows.emplace_back();
          row.key = {range.prefix.table, std::string(key)};
          row.value = value;
          if (epoch.ok()) row.epoch = *epoch;
        }
        full = seen == kMaxSeen || rows.size() == limit || bytes >= kMaxBytes;
        if (full) last = key;
        return !full;
      });
  if (!scanned.ok()) return scanned;
  if (full) {
    *start = last + '\0';
  } else if (range.kind == Kind::kIndex && part.bytes.back() != '\xff') {
    ++part.bytes.back();
    *start = part.bytes;
  } else {
    start->clear();
  }
  return rows;
}

uint64_t EstimateOldRows(const storage::Engine& engine, const EpochRange& range, uint32_t active) {
  uint64_t old_rows = 0;
  size_t seen = 0;
  std::string last;
  const absl::Status scanned = engine.Scan(range.prefix, range.prefix.bytes, kMaxSeen,
                                           [&](std::string_view key, std::string_view value) {
                                             const auto epoch = EpochOf(range, value);
                                             if (!epoch.ok() || *epoch != active) ++old_rows;
                                             if (++seen == kMaxSeen) last = key;
                                             return true;
                                           });
  // Names are not spread as ids are; where there is no tenant, the rows are not of persons.
  if (!scanned.ok() || last.empty() || range.tenant == 0) return old_rows;
  const double part = PartUpTo(std::string_view(last).substr(range.prefix.bytes.size()));
  return static_cast<uint64_t>(static_cast<double>(old_rows) / std::min(part, 1.0));
}

}  // namespace piivault::vault
