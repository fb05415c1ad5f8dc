#include "vault/keys/sealed_row.h"

#include <optional>

#include "vault/keys/byte_io.h"

namespace piivault::vault {
namespace {

constexpr uint8_t kFormat = 1;

MemberList AssociatedData(const storage::Id128& vault_id, const storage::Key& key,
                          uint64_t version) {
  MemberList members("piivault sealed row");
  members.Add(vault_id.view())
      .AddU32(static_cast<uint32_t>(key.table))
      .Add(key.bytes)
      .AddU64(version);
  return members;
}

struct Parsed {
  uint32_t epoch = 0;
  uint64_t version = 0;
  std::string_view sealed;
};

std::optional<Parsed> Parse(std::string_view value) {
  if (TakeU8(&value) != kFormat) return std::nullopt;
  const std::optional<uint32_t> epoch = TakeU32(&value);
  const std::optional<uint64_t> version = TakeU64(&value);
  if (!version.has_value() || value.size() < XaesKey::kOverhead) return std::nullopt;
  return Parsed{*epoch, *version, value};
}

}  // namespace

std::string SealRowBytes(const KeySnapshot& keys, RandomSource& random, const storage::Key& key,
                         uint64_t version, std::string_view plaintext) {
  const EpochKeys& epoch = keys.active();
  std::string value;
  value.reserve(1 + sizeof(epoch.id) + sizeof(version) + XaesKey::kOverhead + plaintext.size());
  value.push_back(static_cast<char>(kFormat));
  AppendU32(epoch.id, &value);
  AppendU64(version, &value);
  epoch.state.Seal(random, AssociatedData(keys.vault_id(), key, version).view(), plaintext, &value);
  return value;
}

absl::StatusOr<RowPlaintext> OpenRowBytes(const KeySnapshot& keys, const storage::Key& key,
                                          std::string_view value) {
  const std::optional<Parsed> parsed = Parse(value);
  if (!parsed.has_value()) return DecryptionFailed();
  const EpochKeys* const epoch = keys.Epoch(parsed->epoch);
  if (epoch == nullptr) return DecryptionFailed();
  auto bytes = epoch->state.Open(AssociatedData(keys.vault_id(), key, parsed->version).view(),
                                 parsed->sealed);
  if (!bytes.ok()) return bytes.status();
  return RowPlaintext{parsed->epoch, parsed->version, *std::move(bytes)};
}

absl::StatusOr<std::string> ResealRow(const KeySnapshot& keys, RandomSource& random,
                                      const storage::Key& key, std::string_view value) {
  auto row = OpenRowBytes(keys, key, value);
  if (!row.ok()) return row.status();
  return SealRowBytes(keys, random, key, row->version, row->bytes.view());
}

absl::StatusOr<uint32_t> SealedRowEpoch(std::string_view value) {
  const std::optional<Parsed> parsed = Parse(value);
  if (!parsed.has_value()) return DecryptionFailed();
  return parsed->epoch;
}

SecretBytes SerializeSecret(const google::protobuf::MessageLite& message) {
  SecretBytes bytes(message.ByteSizeLong());
  message.SerializeWithCachedSizesToArray(bytes.span().data());
  return bytes;
}

}  // namespace piivault::vault
