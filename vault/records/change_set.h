#ifndef PIIVAULT_VAULT_RECORDS_CHANGE_SET_H_
#define PIIVAULT_VAULT_RECORDS_CHANGE_SET_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "piivault/storage/v1/entry.pb.h"
#include "storage/engine.h"
#include "storage/id.h"
#include "storage/keys.h"
#include "vault/crypto/sha256.h"

namespace piivault::vault {

// What one message of a call rests on and what it wants to change, collected while it is planned.
//
// Every row that was looked at is in `reads`, absent ones too. So a view of the rows that no moment
// ever had (a record from before an update, its wrap from after) may be answered as if it were real
// (DATA_LOSS, say): the commit finds the cell changed, and the message is planned again.
// Does not: take `as_of`; whoever plans takes it before the first read.
// Thread-compatible.
struct ChangeSet {
  std::vector<uint64_t> reads;
  std::vector<uint64_t> touches;
  std::vector<storage::Mutation> writes;
  storage::v1::EntryRetained retained;  // one item for each record written

  void Read(const storage::Key& key) { reads.push_back(storage::CellFingerprint(key)); }
  void Put(storage::Key key, std::string value) {
    writes.push_back({std::move(key), std::move(value)});
  }
  void Delete(storage::Key key) { writes.push_back({std::move(key), std::nullopt}); }

  // One link of the chain of a record's digests. `digest` and `previous` may be null.
  void Retain(std::string_view subject_ref, std::string_view record_ref, uint64_t version,
              const Sha256Digest* digest, const Sha256Digest* previous);
};

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_RECORDS_CHANGE_SET_H_
