#include "vault/keys/signing_keys.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/status/status.h"
#include "vault/crypto/secret_bytes.h"
#include "vault/crypto/sha256.h"
#include "vault/text.h"

namespace piivault::vault {
namespace {

using storage::v1::SigningKeyRow;

absl::Status Damaged() { return absl::DataLossError("a signing key's row"); }

// The private key of a row that signs; nothing where the row is damaged.
std::optional<Ed25519PrivateKey> PrivateKeyOf(const SigningKeyRow& row) {
  if (row.seed().size() != Ed25519PrivateKey::kSeedSize) return std::nullopt;
  Ed25519PrivateKey key(SecretBytes::CopyOf(row.seed()));
  if (key.PublicKey().bytes() != row.public_key()) return std::nullopt;
  return key;
}

absl::StatusOr<SigningKey> Load(const SigningKeyRow& row) {
  std::optional<Ed25519PublicKey> public_key = Ed25519PublicKey::FromBytes(row.public_key());
  if (!public_key.has_value()) return Damaged();
  const storage::Id128 kid = KidOf(*public_key);
  if (kid.ToText() != row.kid()) return Damaged();
  SigningKey key = {kid, *std::move(public_key), std::nullopt,
                    absl::FromUnixMicros(row.create_micros()), absl::InfiniteFuture()};
  if (row.retire_micros() != 0) {
    if (!row.seed().empty()) return Damaged();
    key.retired = absl::FromUnixMicros(row.retire_micros());
    return key;
  }
  key.private_key = PrivateKeyOf(row);
  if (!key.private_key.has_value()) return Damaged();
  return key;
}

}  // namespace

storage::Id128 KidOf(const Ed25519PublicKey& key) {
  const Sha256Digest digest = Sha256("piivault signing key", key.bytes());
  storage::Id128 kid;
  std::copy_n(digest.begin(), kid.bytes.size(), kid.bytes.begin());
  return kid;
}

std::string FooterOf(const storage::Id128& kid) {
  return Concat({R"({"kid":")", kid.ToText(), R"("})"});
}

absl::StatusOr<SigningKeys> SigningKeys::Create(absl::Span<const SigningKeyRow> rows) {
  SigningKeys keys;
  for (const SigningKeyRow& row : rows) {
    absl::StatusOr<SigningKey> key = Load(row);
    if (!key.ok()) return key.status();
    const std::string footer = FooterOf(key->kid);
    const auto [it, added] = keys.by_footer_.emplace(footer, *std::move(key));
    if (!added) return Damaged();
    if (!it->second.private_key.has_value()) continue;
    if (keys.active_ != nullptr) return Damaged();
    keys.active_ = &it->second;
  }
  return keys;
}

const Ed25519PublicKey* SigningKeys::FindByFooter(std::string_view footer, absl::Time now) const {
  const auto it = by_footer_.find(footer);
  if (it == by_footer_.end() || now >= it->second.retired + kMaxExportTokenLife) return nullptr;
  return &it->second.public_key;
}

std::vector<const SigningKey*> SigningKeys::Usable(absl::Time now) const {
  std::vector<const SigningKey*> keys;
  if (active_ != nullptr) keys.push_back(active_);
  for (const auto& [footer, key] : by_footer_) {
    if (&key != active_ && now < key.retired + kMaxExportTokenLife) keys.push_back(&key);
  }
  return keys;
}

bool SigningKeys::NeedsNewKey(absl::Time now) const {
  return active_ == nullptr || now >= active_->created + kSigningKeyLife;
}

SigningKeyRow NewSigningKey(RandomSource& random, absl::Time now) {
  const SecretBytes seed = random.Bytes(Ed25519PrivateKey::kSeedSize);
  const Ed25519PublicKey public_key = Ed25519PrivateKey(seed).PublicKey();
  SigningKeyRow row;
  row.set_kid(KidOf(public_key).ToText());
  row.set_public_key(std::string(public_key.bytes()));
  row.set_seed(std::string(seed.view()));
  row.set_create_micros(absl::ToUnixMicros(now));
  return row;
}

void RetireSigningKey(absl::Time now, SigningKeyRow* row) {
  Wipe(row->mutable_seed());
  row->set_retire_micros(absl::ToUnixMicros(now));
}

}  // namespace piivault::vault
