#ifndef PIIVAULT_STORAGE_KEYS_H_
#define PIIVAULT_STORAGE_KEYS_H_

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "storage/id.h"

namespace piivault::storage {

// The tables. Values are part of the format.
enum class Table : uint8_t {
  kMeta = 0,      // format stamp, vault header, watermarks
  kState = 1,     // sealed rows that decide: tenants, persons, principals, policies, ...
  kRecord = 2,    // record rows: sealed header and field ciphertexts
  kWrap = 3,      // data-key wraps, one for each record version
  kIndex = 4,     // token handles, tokens, blind indexes, references, idempotency rows
  kLog = 5,       // entries
  kLogIndex = 6,  // where terms are in the entries: derived from them
  kSubject = 7,   // sealed rows of subjects, which decide, too
  kSharing = 8,   // sealed rows of export tokens and of the ledger of what was given to whom
};
inline constexpr int kTableCount = 9;
// The table whose place on disk a table shares. A subject's row, records and wraps are read
// together: there they are neighbours, ordered by their keys, whose lengths tell them apart.
constexpr Table HomeOf(Table table) {
  return table == Table::kSubject || table == Table::kWrap ? Table::kRecord : table;
}
// Bytes of the keys of a table that shares its place, 0 for any number.
constexpr size_t SharedKeySize(Table table) {
  switch (table) {
    case Table::kSubject:
      return 24;
    case Table::kRecord:
      return 40;
    case Table::kWrap:
      return 48;
    default:
      return 0;
  }
}
// Whether rows of the table are cells that a decision can rest on, so that engines watch them.
constexpr bool HoldsCells(Table table) { return table != Table::kLog && table != Table::kLogIndex; }

// The kinds of rows in Table::kState; the first byte of the key.
enum class StateKind : uint8_t {
  kTenant = 1,
  kPerson = 2,
  kPrincipal = 3,
  kPolicy = 4,
  kPolicyInForce = 5,
  kProposal = 6,
  kEpoch = 7,
  kTenantKey = 8,
  // 9 was a subject's row, before subjects had a table of their own: not to be used again.
  kVault = 10,
  kDenylist = 11,
  kErasure = 12,
  kMatter = 13,
  kBreakGlass = 14,
  kIndexForms = 15,
  kIndexPass = 16,
  kRecipient = 17,
  kExportRevocation = 18,
  kSigningKey = 19,
  kDestruction = 20,
  kHeldErasure = 21,
};

// Whether rows of the table may have keys of this size.
constexpr bool FitsTable(Table table, size_t key_size) {
  return SharedKeySize(table) == 0 || SharedKeySize(table) == key_size;
}

struct Key {
  Table table = Table::kMeta;
  std::string bytes;
  bool operator==(const Key&) const = default;
};

// A 64-bit fingerprint of a cell for read sets. Collisions cost a second decision, never safety.
uint64_t CellFingerprint(const Key& key);

// Key layout. All integers are big-endian, so that byte order is numeric order; `tenant` is the
// tenant's 64-bit random id; the shapes are in storage/FORMAT.md.
using TenantId = uint64_t;

Key MetaKey(std::string_view name);
// Global state: a name (tenant, person or principal name, policy hash, ...) within its kind.
// Names are length-prefixed: rows of one kind are ordered by length, then by name.
// REQUIRES (here and wherever a name or term goes into a key): at most 65,535 bytes; kind is none
// of kTenantKey, kErasure, kHeldErasure and kMatter, which have the shapes below.
Key StateKey(StateKind kind, std::string_view name);
Key StatePrefix(StateKind kind);
// The name within the bytes of a StateKey() row; empty where there is none.
std::string_view StateKeyName(std::string_view key_bytes);
// `epoch` of Table::kState/kTenantKey.
Key TenantKeyKey(TenantId tenant, uint32_t epoch);
// What the bytes of a TenantKeyKey() say. REQUIRES: `key_bytes` came from such a row.
struct TenantKeyName {
  TenantId tenant = 0;
  uint32_t epoch = 0;
};
TenantKeyName ParseTenantKeyKey(std::string_view key_bytes);
Key SubjectKey(TenantId tenant, const Id128& subject);
Key SubjectPrefix(TenantId tenant);
// What is left to remove of an erased person: a row for each person, until all is gone.
Key ErasureKey(TenantId tenant, const Id128& subject);
Key ErasurePrefix();
// What the bytes of an ErasureKey() say. REQUIRES: `key_bytes` came from such a row.
struct ErasureName {
  TenantId tenant = 0;
  Id128 subject;
};
ErasureName ParseErasureKey(std::string_view key_bytes);

// Of a person who was erased but for what a law keeps: a row for each, until it keeps nothing.
Key HeldErasureKey(TenantId tenant, const Id128& subject);
Key HeldErasurePrefix();
Key HeldErasurePrefix(TenantId tenant);
// The person, of the bytes of a HeldErasureKey().
Id128 HeldErasureSubject(std::string_view key_bytes);

// A matter of the tenant's, by its kind and the caller's id.
Key MatterKey(TenantId tenant, std::string_view kind, std::string_view id);
// What the bytes of a MatterKey() say; views into them.
struct MatterName {
  TenantId tenant = 0;
  std::string_view kind;
  std::string_view id;
};
// Nothing for bytes of another shape.
std::optional<MatterName> ParseMatterKey(std::string_view key_bytes);

Key RecordKey(TenantId tenant, const Id128& subject, const Id128& record);
Key RecordPrefix(TenantId tenant);
Key RecordPrefix(TenantId tenant, const Id128& subject);
Key WrapKey(TenantId tenant, const Id128& subject, const Id128& record, uint64_t version);
Key WrapPrefix(TenantId tenant);
Key WrapPrefix(TenantId tenant, const Id128& subject);
Key WrapPrefix(TenantId tenant, const Id128& subject, const Id128& record);
Key WrapPrefixAll();

// Which record, among a tenant's.
struct RecordLocator {
  Id128 subject;
  Id128 record;
};

// What the random tokens of one record have in common: 96 random bits, from which and a number each
// of them is made (vault/keys/tokens.h). One row for all of them.
struct TokenHandle {
  static constexpr size_t kSize = 12;

  std::array<uint8_t, kSize> bytes{};

  std::string_view view() const {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  auto operator<=>(const TokenHandle&) const = default;

  // Exactly 12 raw bytes.
  static std::optional<TokenHandle> FromBytes(std::string_view raw);
};
Key TokenHandleKey(TenantId tenant, const TokenHandle& handle);
// The row's value: subject ‖ record, in the clear. It leads to a record, and says nothing of it.
std::string TokenHandleValue(const RecordLocator& record);
// Nothing for a value of another length.
std::optional<RecordLocator> ParseTokenHandleValue(std::string_view value);
// Deterministic token: a set of rows, one for each record that holds the value.
Key DeterministicTokenKey(TenantId tenant, const Id128& token, const Id128& subject,
                          const Id128& record);
Key DeterministicTokenPrefix(TenantId tenant, const Id128& token);
// Blind index: `digest` is an HMAC truncated to 16 bytes; the field is inside the HMAC's input.
using IndexDigest = std::array<uint8_t, 16>;
Key BlindIndexKey(TenantId tenant, uint32_t epoch, const IndexDigest& digest, const Id128& subject,
                  const Id128& record);
Key BlindIndexPrefix(TenantId tenant, uint32_t epoch, const IndexDigest& digest);
Key BlindIndexPrefix(TenantId tenant, uint32_t epoch);
// Records of one type, in creation order of their random ids; `type` is the policy's name for it.
Key TypeIndexKey(TenantId tenant, std::string_view type, const Id128& subject, const Id128& record);
Key TypeIndexPrefix(TenantId tenant, std::string_view type);
// Idempotency row: digest of (principal, method, request id).
Key RequestKey(const IndexDigest& digest);
Key RequestPrefix();

// Sharing: export tokens and the ledger. `token`, `disclosure` and `notice` are random ids;
// `subject_ref` and `recipient_ref` are random, too, and stand in the person's and the recipient's
// row.
enum class SharingKind : uint8_t {
  kToken = 1,
  kTokenSubjects = 2,
  kDisclosure = 3,
  kDisclosed = 4,
  kHolding = 5,
  kBySubject = 6,
  kByRecipient = 7,
  kNotice = 8,
};
Key SharingPrefix(SharingKind kind, TenantId tenant);
Key ExportTokenKey(TenantId tenant, const Id128& token);
// The `part`-th of the people that a token names.
Key ExportSubjectsKey(TenantId tenant, const Id128& token, uint32_t part);
// What the bytes of an ExportSubjectsKey() say.
struct ExportPartName {
  Id128 token;
  uint32_t part = 0;
};
// Nothing for bytes of another length.
std::optional<ExportPartName> ParseExportSubjectsKey(std::string_view key_bytes);
Key DisclosureKey(TenantId tenant, const Id128& disclosure);
Key DisclosedKey(TenantId tenant, const Id128& disclosure, const Id128& subject_ref);
Key DisclosedPrefix(TenantId tenant, const Id128& disclosure);
Key HoldingKey(TenantId tenant, const Id128& subject_ref, const Id128& recipient_ref);
Key HoldingPrefix(TenantId tenant, const Id128& subject_ref);
// Lead from a person and from a recipient to disclosures, by their beginning; empty values.
Key DisclosureOfSubjectKey(TenantId tenant, const Id128& subject_ref, uint64_t micros,
                           const Id128& disclosure);
Key DisclosureOfSubjectPrefix(TenantId tenant, const Id128& subject_ref);
Key DisclosureToRecipientKey(TenantId tenant, const Id128& recipient_ref, uint64_t micros,
                             const Id128& disclosure);
Key DisclosureToRecipientPrefix(TenantId tenant, const Id128& recipient_ref);
Key NoticeKey(TenantId tenant, const Id128& recipient_ref, const Id128& notice);
Key NoticePrefix(TenantId tenant, const Id128& recipient_ref);
// The last 16 bytes as an id; zeros where there are fewer.
Id128 IdSuffix(std::string_view key_bytes);

// Entry `index` of (log, generation).
Key EntryKey(uint32_t log, uint64_t generation, uint64_t index);
Key EntryPrefix(uint32_t log, uint64_t generation);
// Derived index: some of the entries that carry `term` (e.g. "p:principals/x"), by the index of the
// first of them.
Key EntryTermKey(std::string_view term, uint64_t generation, uint64_t index);
Key EntryTermPrefix(std::string_view term, uint64_t generation);

// The last 8 bytes as a number: the index of an entry or term row, the version of a wrap row.
// REQUIRES: key_bytes.size() >= 8.
uint64_t IndexSuffix(std::string_view key_bytes);

// What the suffix (subject ‖ record) of an index, deterministic token or type row holds: the last
// 32 bytes of `key_bytes`; zeros, which are no record, where there are fewer.
RecordLocator LocatorSuffix(std::string_view key_bytes);

}  // namespace piivault::storage

#endif  // PIIVAULT_STORAGE_KEYS_H_
