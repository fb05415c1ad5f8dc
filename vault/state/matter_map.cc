#include "vault/state/matter_map.h"

#include <utility>

#include "absl/hash/hash.h"
#include "vault/text.h"

namespace piivault::vault {
namespace {

// No kind holds a slash, so that no two matters have one name.
std::string NameOf(std::string_view kind, std::string_view id) { return Concat({kind, "/", id}); }

}  // namespace

uint64_t MatterCell(storage::TenantId tenant, std::string_view kind, std::string_view id) {
  return storage::CellFingerprint(storage::MatterKey(tenant, kind, id));
}

size_t MatterMap::PartOf(std::string_view name) { return absl::HashOf(AbslView(name)) % kParts; }

const MatterState* MatterMap::Find(std::string_view kind, std::string_view id) const {
  const std::string name = NameOf(kind, id);
  const Part* part = parts_[PartOf(name)].get();
  if (part == nullptr) return nullptr;
  const auto it = part->find(name);
  return it == part->end() ? nullptr : it->second.get();
}

MatterMap::Part& MatterMap::Own(size_t index) {
  std::shared_ptr<const Part>& part = parts_[index];
  if (!owned_[index]) {
    part = part == nullptr ? std::make_shared<Part>() : std::make_shared<Part>(*part);
    owned_.set(index);
  }
  // Made above as a Part that is not const.
  return const_cast<Part&>(*part);
}

void MatterMap::Put(std::shared_ptr<const MatterState> matter) {
  std::string name = NameOf(matter->row.kind(), matter->row.id());
  Part& part = Own(PartOf(name));
  if (part.insert_or_assign(std::move(name), std::move(matter)).second) ++size_;
}

void MatterMap::Remove(std::string_view kind, std::string_view id) {
  const std::string name = NameOf(kind, id);
  size_ -= Own(PartOf(name)).erase(name);
}

}  // namespace piivault::vault
