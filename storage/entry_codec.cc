#include "storage/entry_codec.h"

#include <openssl/sha.h>

#include <cstring>

#include "storage/varint.h"

namespace piivault::storage {
namespace {

constexpr char kEntryFormat = 1;

}  // namespace

EntryHead EncodeEntryHead(const EntryDraft& entry) {
  EntryHead head;
  head.bytes[0] = kEntryFormat;
  head.size = 1 + PutVarint(entry.retained.size(), head.bytes.data() + 1);
  return head;
}

std::string EncodeEntry(const EntryDraft& entry) {
  const EntryHead head = EncodeEntryHead(entry);
  std::string row;
  row.reserve(head.size + entry.retained.size() + entry.salt.size() + entry.body.size());
  row.append(head.view());
  row.append(entry.retained);
  row.append(reinterpret_cast<const char*>(entry.salt.data()), entry.salt.size());
  row.append(entry.body);
  return row;
}

std::optional<EntryDraft> DecodeEntry(std::string_view row) {
  if (row.empty() || row[0] != kEntryFormat) return std::nullopt;
  row.remove_prefix(1);
  const std::optional<uint64_t> length = TakeVarint(&row);
  EntryDraft entry;
  if (!length || *length > row.size() || row.size() - *length < entry.salt.size()) {
    return std::nullopt;
  }
  entry.retained = row.substr(0, *length);
  row.remove_prefix(*length);
  std::memcpy(entry.salt.data(), row.data(), entry.salt.size());
  entry.body = row.substr(entry.salt.size());
  return entry;
}

LeafDigest LeafHash(const EntryDraft& entry) {
  // The one-shot SHA-256 of short inputs: an entry is a few hundred bytes.
  std::string inner(reinterpret_cast<const char*>(entry.salt.data()), entry.salt.size());
  inner.append(entry.body);
  LeafDigest body_digest;
  SHA256(reinterpret_cast<const uint8_t*>(inner.data()), inner.size(), body_digest.data());

  std::string leaf;
  leaf.reserve(1 + entry.retained.size() + body_digest.size());
  leaf.push_back('\0');
  leaf.append(entry.retained);
  leaf.append(reinterpret_cast<const char*>(body_digest.data()), body_digest.size());
  LeafDigest digest;
  SHA256(reinterpret_cast<const uint8_t*>(leaf.data()), leaf.size(), digest.data());
  return digest;
}

}  // namespace piivault::storage
