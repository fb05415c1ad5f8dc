#ifndef PIIVAULT_VAULT_STATE_MATTER_MAP_H_
#define PIIVAULT_VAULT_STATE_MATTER_MAP_H_

#include <array>
#include <bitset>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "piivault/storage/v1/state.pb.h"
#include "storage/keys.h"

namespace piivault::vault {

// The cell of a tenant's matter, for read sets: of one that may not be there, too.
uint64_t MatterCell(storage::TenantId tenant, std::string_view kind, std::string_view id);

// A case, order or instruction of a tenant.
struct MatterState {
  storage::v1::MatterRow row;
  uint64_t version = 0;
};

// The matters of one tenant, by kind and id. A tenant may have thousands, and a snapshot is made
// for each change of one: so a copy shares all but the part that changes.
// Thread-compatible; copies may be used by several threads.
class MatterMap {
 public:
  MatterMap() = default;
  MatterMap(const MatterMap& other)
      : parts_(other.parts_), size_(other.size_) {}  // no part of it is its own yet
  MatterMap& operator=(const MatterMap&) = delete;

  size_t size() const { return size_; }
  // Null where there is none. Valid as long as some copy holds it.
  const MatterState* Find(std::string_view kind, std::string_view id) const;

  // In the place of the one of this kind and id.
  void Put(std::shared_ptr<const MatterState> matter);
  void Remove(std::string_view kind, std::string_view id);

  // `use(const MatterState&)` for each, in no order.
  template <typename Use>
  void ForEach(Use use) const {
    for (const auto& part : parts_) {
      if (part == nullptr) continue;
      for (const auto& [name, matter] : *part) use(*matter);
    }
  }

 private:
  using Part = std::map<std::string, std::shared_ptr<const MatterState>, std::less<>>;
  static constexpr size_t kParts = 64;

  static size_t PartOf(std::string_view name);
  // The part to change; a copy at the first time.
  Part& Own(size_t index);

  std::array<std::shared_ptr<const Part>, kParts> parts_;  // null: empty
  std::bitset<kParts> owned_;                              // made by this object
  size_t size_ = 0;
};

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_STATE_MATTER_MAP_H_
