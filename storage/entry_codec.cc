#include "storage/entry_codec.h"

#include <openssl/sha.h>

#include <cstring>

namespace piivault::storage {
namespace {

constexpr char kEntryFormat = 1;

// Reads the shortest-form varint at the front of `*in` and moves past it.
std::optional<uint64_t> TakeVarint(std::string_view* in) {
  uint64_t value = 0;
  for (size_t i = 0; i < in->size() && i < 9; ++i) {
    const auto byte = static_cast<uint8_t>((*in)[i]);
    value |= uint64_t{byte & 0x7fu} << (7 * i);
    if (byte < 0x80) {
      if (byte == 0 && i > 0) return std::nullopt;  // not the shortest form
      in->remove_prefix(i + 1);
      return value;
    }
  }
  return std::nullopt;
}

}  // namespace

EntryHead EncodeEntryHead(const EntryDraft& entry) {
  EntryHead head;
  head.bytes[0] = kEntryFormat;
  head.size = 1;
  uint64_t length = entry.retained.size();
  while (length >= 0x80) {
    head.bytes[head.size++] = static_cast<char>(length | 0x80);
    length >>= 7;
  }
  head.bytes[head.size++] = static_cast<char>(length);
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
