#ifndef PIIVAULT_STORAGE_ENTRY_CODEC_H_
#define PIIVAULT_STORAGE_ENTRY_CODEC_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "storage/engine.h"

namespace piivault::storage {

// The row of an entry (FORMAT.md, "Entry rows"):
//   format (1 byte, 1) ‖ varint length of retained ‖ retained ‖ salt (16) ‖ body
//
// The parts before retained are the head, so that a writer need not copy the rest.
struct EntryHead {
  std::array<char, 11> bytes;
  size_t size;
  std::string_view view() const { return {bytes.data(), size}; }
};
EntryHead EncodeEntryHead(const EntryDraft& entry);

std::string EncodeEntry(const EntryDraft& entry);

// Absent for anything that EncodeEntry() does not make.
std::optional<EntryDraft> DecodeEntry(std::string_view row);

// SHA-256(0x00 ‖ retained ‖ SHA-256(salt ‖ body)): RFC 6962 section 2.1's leaf hash of the entry.
using LeafDigest = std::array<uint8_t, 32>;
LeafDigest LeafHash(const EntryDraft& entry);

}  // namespace piivault::storage

#endif  // PIIVAULT_STORAGE_ENTRY_CODEC_H_
