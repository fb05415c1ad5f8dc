#ifndef PIIVAULT_VAULT_AUDIT_COUNTED_ENTRY_H_
#define PIIVAULT_VAULT_AUDIT_COUNTED_ENTRY_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/container/flat_hash_set.h"
#include "absl/time/time.h"
#include "piivault/storage/v1/entry.pb.h"

namespace piivault::vault {

// One entry that stands for many calls.
//
// Guarantees: its count is that of the calls, exactly. What else it says holds for every one of
// them: where they differ (another purpose, another tenant) the field is left out. Items that are
// alike are in it once; what is beyond kMaxItems or kMaxItemBytes is counted only.
// Does not: look at time; Finish() sets it. Thread-compatible.
class CountedEntry {
 public:
  static constexpr int kMaxItems = 1000;
  static constexpr size_t kMaxItemBytes = size_t{64} << 10;

  // `body` stands for body.count() calls, for one where that is 0.
  void Add(const storage::v1::EntryBody& body);

  uint64_t count() const { return body_.count(); }
  const storage::v1::EntryBody& body() const { return body_; }
  // The entry as of `time` (vault time).
  storage::v1::EntryBody Finish(absl::Time time) const;

 private:
  void AddItem(const storage::v1::EntryItem& item);

  storage::v1::EntryBody body_;
  absl::flat_hash_set<std::string> items_;  // those in it, serialized
  size_t item_bytes_ = 0;
};

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_AUDIT_COUNTED_ENTRY_H_
