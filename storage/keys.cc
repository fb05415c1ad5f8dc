#include "storage/keys.h"

#include <cassert>
#include <cstring>

#include "absl/hash/hash.h"

namespace piivault::storage {
namespace {

// The first byte of a key in the tables that hold several kinds of rows. Part of the format.
enum class IndexKind : char {
  kTokenHandle = 1,
  kDeterministicToken = 2,
  kBlindIndex = 3,
  kType = 4,
  kRequest = 5,
};
enum class LogKind : char {
  kEntry = 1,
};

// Appends the parts of one key; the size is known beforehand, so there is one allocation at most.
class KeyBuilder {
 public:
  KeyBuilder(Table table, size_t size) {
    key_.table = table;
    key_.bytes.reserve(size);
  }
  KeyBuilder& Kind(StateKind kind) { return Byte(static_cast<char>(kind)); }
  KeyBuilder& Kind(IndexKind kind) { return Byte(static_cast<char>(kind)); }
  KeyBuilder& Kind(SharingKind kind) { return Byte(static_cast<char>(kind)); }
  KeyBuilder& Kind(LogKind kind) { return Byte(static_cast<char>(kind)); }
  KeyBuilder& U32(uint32_t value) { return BigEndian(value, 4); }
  KeyBuilder& U64(uint64_t value) { return BigEndian(value, 8); }
  KeyBuilder& Id(const Id128& id) {
    key_.bytes.append(id.view());
    return *this;
  }
  KeyBuilder& Handle(const TokenHandle& handle) {
    key_.bytes.append(handle.view());
    return *this;
  }
  KeyBuilder& Digest(const IndexDigest& digest) {
    key_.bytes.append(reinterpret_cast<const char*>(digest.data()), digest.size());
    return *this;
  }
  // Two bytes of length first, so that no name's rows lie under another name's prefix.
  KeyBuilder& Name(std::string_view name) {
    assert(name.size() <= 0xffff);
    BigEndian(name.size(), 2);
    key_.bytes.append(name);
    return *this;
  }
  Key Build() { return std::move(key_); }

 private:
  KeyBuilder& Byte(char c) {
    key_.bytes.push_back(c);
    return *this;
  }
  KeyBuilder& BigEndian(uint64_t value, int size) {
    for (int shift = 8 * (size - 1); shift >= 0; shift -= 8) {
      key_.bytes.push_back(static_cast<char>((value >> shift) & 0xff));
    }
    return *this;
  }

  Key key_;
};

uint64_t NumberIn(std::string_view bytes) {
  uint64_t value = 0;
  for (char c : bytes) value = (value << 8) | static_cast<uint8_t>(c);
  return value;
}

Id128 IdAt(std::string_view bytes, size_t offset) {
  Id128 id;
  std::memcpy(id.bytes.data(), bytes.data() + offset, Id128::kSize);
  return id;
}

}  // namespace

uint64_t CellFingerprint(const Key& key) {
  // Seeded by the address space layout, so that the value differs from process to process.
  return absl::HashOf(static_cast<uint8_t>(key.table), std::string_view(key.bytes));
}

Key MetaKey(std::string_view name) {
  return KeyBuilder(Table::kMeta, 2 + name.size()).Name(name).Build();
}

Key StateKey(StateKind kind, std::string_view name) {
  // These have keys of their own shape.
  assert(kind != StateKind::kTenantKey && kind != StateKind::kErasure &&
         kind != StateKind::kHeldErasure && kind != StateKind::kMatter);
  return KeyBuilder(Table::kState, 3 + name.size()).Kind(kind).Name(name).Build();
}

Key StatePrefix(StateKind kind) { return KeyBuilder(Table::kState, 1).Kind(kind).Build(); }

std::string_view StateKeyName(std::string_view key_bytes) {
  // Rows that somebody else put there have keys of any length.
  return key_bytes.size() < 3 ? std::string_view() : key_bytes.substr(3);
}

Key TenantKeyKey(TenantId tenant, uint32_t epoch) {
  return KeyBuilder(Table::kState, 13).Kind(StateKind::kTenantKey).U64(tenant).U32(epoch).Build();
}

TenantKeyName ParseTenantKeyKey(std::string_view key_bytes) {
  if (key_bytes.size() != 13) return {};  // no tenant's, of no epoch
  return {NumberIn(key_bytes.substr(1, 8)), static_cast<uint32_t>(NumberIn(key_bytes.substr(9)))};
}

Key SubjectKey(TenantId tenant, const Id128& subject) {
  return KeyBuilder(Table::kSubject, 24).U64(tenant).Id(subject).Build();
}

Key SubjectPrefix(TenantId tenant) { return KeyBuilder(Table::kSubject, 8).U64(tenant).Build(); }

Key ErasureKey(TenantId tenant, const Id128& subject) {
  return KeyBuilder(Table::kState, 25).Kind(StateKind::kErasure).U64(tenant).Id(subject).Build();
}

Key ErasurePrefix() { return KeyBuilder(Table::kState, 1).Kind(StateKind::kErasure).Build(); }

ErasureName ParseErasureKey(std::string_view key_bytes) {
  if (key_bytes.size() != 25) return {};  // no tenant's
  ErasureName name;
  name.tenant = NumberIn(key_bytes.substr(1, 8));
  name.subject = IdAt(key_bytes, 9);
  return name;
}

Key HeldErasureKey(TenantId tenant, const Id128& subject) {
  return KeyBuilder(Table::kState, 25)
      .Kind(StateKind::kHeldErasure)
      .U64(tenant)
      .Id(subject)
      .Build();
}

Key HeldErasurePrefix() {
  return KeyBuilder(Table::kState, 1).Kind(StateKind::kHeldErasure).Build();
}

Key HeldErasurePrefix(TenantId tenant) {
  return KeyBuilder(Table::kState, 9).Kind(StateKind::kHeldErasure).U64(tenant).Build();
}

Id128 HeldErasureSubject(std::string_view key_bytes) {
  return key_bytes.size() == 25 ? IdAt(key_bytes, 9) : Id128();
}

Key MatterKey(TenantId tenant, std::string_view kind, std::string_view id) {
  return KeyBuilder(Table::kState, 13 + kind.size() + id.size())
      .Kind(StateKind::kMatter)
      .U64(tenant)
      .Name(kind)
      .Name(id)
      .Build();
}

std::optional<MatterName> ParseMatterKey(std::string_view key_bytes) {
  constexpr size_t kHead = 9;
  if (key_bytes.size() < kHead || key_bytes.front() != static_cast<char>(StateKind::kMatter)) {
    return std::nullopt;
  }
  MatterName name;
  name.tenant = NumberIn(key_bytes.substr(1, 8));
  key_bytes.remove_prefix(kHead);
  for (std::string_view* part : {&name.kind, &name.id}) {
    if (key_bytes.size() < 2) return std::nullopt;
    const uint64_t size = NumberIn(key_bytes.substr(0, 2));
    if (key_bytes.size() - 2 < size) return std::nullopt;
    *part = key_bytes.substr(2, size);
    key_bytes.remove_prefix(2 + size);
  }
  return key_bytes.empty() ? std::optional(name) : std::nullopt;
}

Key RecordKey(TenantId tenant, const Id128& subject, const Id128& record) {
  return KeyBuilder(Table::kRecord, 40).U64(tenant).Id(subject).Id(record).Build();
}

Key RecordPrefix(TenantId tenant) { return KeyBuilder(Table::kRecord, 8).U64(tenant).Build(); }

Key RecordPrefix(TenantId tenant, const Id128& subject) {
  return KeyBuilder(Table::kRecord, 24).U64(tenant).Id(subject).Build();
}

Key WrapKey(TenantId tenant, const Id128& subject, const Id128& record, uint64_t version) {
  return KeyBuilder(Table::kWrap, 48).U64(tenant).Id(subject).Id(record).U64(version).Build();
}

Key WrapPrefix(TenantId tenant) { return KeyBuilder(Table::kWrap, 8).U64(tenant).Build(); }

Key WrapPrefix(TenantId tenant, const Id128& subject) {
  return KeyBuilder(Table::kWrap, 24).U64(tenant).Id(subject).Build();
}

Key WrapPrefix(TenantId tenant, const Id128& subject, const Id128& record) {
  return KeyBuilder(Table::kWrap, 40).U64(tenant).Id(subject).Id(record).Build();
}

Key WrapPrefixAll() { return KeyBuilder(Table::kWrap, 0).Build(); }

std::optional<TokenHandle> TokenHandle::FromBytes(std::string_view raw) {
  if (raw.size() != kSize) return std::nullopt;
  TokenHandle handle;
  std::memcpy(handle.bytes.data(), raw.data(), kSize);
  return handle;
}

Key TokenHandleKey(TenantId tenant, const TokenHandle& handle) {
  return KeyBuilder(Table::kIndex, 21)
      .Kind(IndexKind::kTokenHandle)
      .U64(tenant)
      .Handle(handle)
      .Build();
}

std::string TokenHandleValue(const RecordLocator& record) {
  std::string value;
  value.reserve(2 * Id128::kSize);
  value.append(record.subject.view()).append(record.record.view());
  return value;
}

std::optional<RecordLocator> ParseTokenHandleValue(std::string_view value) {
  if (value.size() != 2 * Id128::kSize) return std::nullopt;
  return LocatorSuffix(value);
}

Key DeterministicTokenKey(TenantId tenant, const Id128& token, const Id128& subject,
                          const Id128& record) {
  return KeyBuilder(Table::kIndex, 57)
      .Kind(IndexKind::kDeterministicToken)
      .U64(tenant)
      .Id(token)
      .Id(subject)
      .Id(record)
      .Build();
}

Key DeterministicTokenPrefix(TenantId tenant, const Id128& token) {
  return KeyBuilder(Table::kIndex, 25)
      .Kind(IndexKind::kDeterministicToken)
      .U64(tenant)
      .Id(token)
      .Build();
}

Key BlindIndexKey(TenantId tenant, uint32_t epoch, const IndexDigest& digest, const Id128& subject,
                  const Id128& record) {
  return KeyBuilder(Table::kIndex, 61)
      .Kind(IndexKind::kBlindIndex)
      .U64(tenant)
      .U32(epoch)
      .Digest(digest)
      .Id(subject)
      .Id(record)
      .Build();
}

Key BlindIndexPrefix(TenantId tenant, uint32_t epoch, const IndexDigest& digest) {
  return KeyBuilder(Table::kIndex, 29)
      .Kind(IndexKind::kBlindIndex)
      .U64(tenant)
      .U32(epoch)
      .Digest(digest)
      .Build();
}

Key BlindIndexPrefix(TenantId tenant, uint32_t epoch) {
  return KeyBuilder(Table::kIndex, 13).Kind(IndexKind::kBlindIndex).U64(tenant).U32(epoch).Build();
}

Key TypeIndexKey(TenantId tenant, std::string_view type, const Id128& subject,
                 const Id128& record) {
  return KeyBuilder(Table::kIndex, 43 + type.size())
      .Kind(IndexKind::kType)
      .U64(tenant)
      .Name(type)
      .Id(subject)
      .Id(record)
      .Build();
}

Key TypeIndexPrefix(TenantId tenant, std::string_view type) {
  return KeyBuilder(Table::kIndex, 11 + type.size())
      .Kind(IndexKind::kType)
      .U64(tenant)
      .Name(type)
      .Build();
}

Key RequestKey(const IndexDigest& digest) {
  return KeyBuilder(Table::kIndex, 17).Kind(IndexKind::kRequest).Digest(digest).Build();
}

Key RequestPrefix() { return KeyBuilder(Table::kIndex, 1).Kind(IndexKind::kRequest).Build(); }

Key SharingPrefix(SharingKind kind, TenantId tenant) {
  return KeyBuilder(Table::kSharing, 9).Kind(kind).U64(tenant).Build();
}

namespace {

KeyBuilder SharingRow(SharingKind kind, TenantId tenant) {
  KeyBuilder builder(Table::kSharing, 49);
  builder.Kind(kind).U64(tenant);
  return builder;
}

// What leads to a disclosure, by its beginning.
Key DisclosureBy(SharingKind kind, TenantId tenant, const Id128& whose, uint64_t micros,
                 const Id128& disclosure) {
  return SharingRow(kind, tenant).Id(whose).U64(micros).Id(disclosure).Build();
}

}  // namespace

Key ExportTokenKey(TenantId tenant, const Id128& token) {
  return SharingRow(SharingKind::kToken, tenant).Id(token).Build();
}

Key ExportSubjectsKey(TenantId tenant, const Id128& token, uint32_t part) {
  return SharingRow(SharingKind::kTokenSubjects, tenant).Id(token).U32(part).Build();
}

std::optional<ExportPartName> ParseExportSubjectsKey(std::string_view key_bytes) {
  constexpr size_t kHead = 1 + 8;
  if (key_bytes.size() != kHead + Id128::kSize + sizeof(uint32_t)) return std::nullopt;
  return ExportPartName{*Id128::FromBytes(key_bytes.substr(kHead, Id128::kSize)),
                        static_cast<uint32_t>(NumberIn(key_bytes.substr(kHead + Id128::kSize)))};
}

Key DisclosureKey(TenantId tenant, const Id128& disclosure) {
  return SharingRow(SharingKind::kDisclosure, tenant).Id(disclosure).Build();
}

Key DisclosedKey(TenantId tenant, const Id128& disclosure, const Id128& subject_ref) {
  return SharingRow(SharingKind::kDisclosed, tenant).Id(disclosure).Id(subject_ref).Build();
}

Key DisclosedPrefix(TenantId tenant, const Id128& disclosure) {
  return SharingRow(SharingKind::kDisclosed, tenant).Id(disclosure).Build();
}

Key HoldingKey(TenantId tenant, const Id128& subject_ref, const Id128& recipient_ref) {
  return SharingRow(SharingKind::kHolding, tenant).Id(subject_ref).Id(recipient_ref).Build();
}

Key HoldingPrefix(TenantId tenant, const Id128& subject_ref) {
  return SharingRow(SharingKind::kHolding, tenant).Id(subject_ref).Build();
}

Key DisclosureOfSubjectKey(TenantId tenant, const Id128& subject_ref, uint64_t micros,
                           const Id128& disclosure) {
  return DisclosureBy(SharingKind::kBySubject, tenant, subject_ref, micros, disclosure);
}

Key DisclosureOfSubjectPrefix(TenantId tenant, const Id128& subject_ref) {
  return SharingRow(SharingKind::kBySubject, tenant).Id(subject_ref).Build();
}

Key DisclosureToRecipientKey(TenantId tenant, const Id128& recipient_ref, uint64_t micros,
                             const Id128& disclosure) {
  return DisclosureBy(SharingKind::kByRecipient, tenant, recipient_ref, micros, disclosure);
}

Key DisclosureToRecipientPrefix(TenantId tenant, const Id128& recipient_ref) {
  return SharingRow(SharingKind::kByRecipient, tenant).Id(recipient_ref).Build();
}

Key NoticeKey(TenantId tenant, const Id128& recipient_ref, const Id128& notice) {
  return SharingRow(SharingKind::kNotice, tenant).Id(recipient_ref).Id(notice).Build();
}

Key NoticePrefix(TenantId tenant, const Id128& recipient_ref) {
  return SharingRow(SharingKind::kNotice, tenant).Id(recipient_ref).Build();
}

Id128 IdSuffix(std::string_view key_bytes) {
  if (key_bytes.size() < Id128::kSize) return {};
  return IdAt(key_bytes, key_bytes.size() - Id128::kSize);
}

Key EntryKey(uint32_t log, uint64_t generation, uint64_t index) {
  return KeyBuilder(Table::kLog, 21)
      .Kind(LogKind::kEntry)
      .U32(log)
      .U64(generation)
      .U64(index)
      .Build();
}

Key EntryPrefix(uint32_t log, uint64_t generation) {
  return KeyBuilder(Table::kLog, 13).Kind(LogKind::kEntry).U32(log).U64(generation).Build();
}

Key EntryTermKey(std::string_view term, uint64_t generation, uint64_t index) {
  return KeyBuilder(Table::kLogIndex, 18 + term.size())
      .Name(term)
      .U64(generation)
      .U64(index)
      .Build();
}

Key EntryTermPrefix(std::string_view term, uint64_t generation) {
  return KeyBuilder(Table::kLogIndex, 10 + term.size()).Name(term).U64(generation).Build();
}

uint64_t IndexSuffix(std::string_view key_bytes) {
  assert(key_bytes.size() >= 8);
  return NumberIn(key_bytes.substr(key_bytes.size() - 8));
}

RecordLocator LocatorSuffix(std::string_view key_bytes) {
  if (key_bytes.size() < 2 * Id128::kSize) return {};  // leads nowhere
  const size_t offset = key_bytes.size() - 2 * Id128::kSize;
  return {IdAt(key_bytes, offset), IdAt(key_bytes, offset + Id128::kSize)};
}

}  // namespace piivault::storage
