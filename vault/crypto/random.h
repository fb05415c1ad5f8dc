#ifndef PIIVAULT_VAULT_CRYPTO_RANDOM_H_
#define PIIVAULT_VAULT_CRYPTO_RANDOM_H_

#include <cstddef>
#include <cstdint>

#include "absl/types/span.h"
#include "storage/id.h"
#include "vault/crypto/secret_bytes.h"

namespace piivault::vault {

// Where keys, nonces and ids come from. An interface so that golden files can be made with known
// bytes; the product has one implementation, SystemRandom().
class RandomSource {
 public:
  virtual ~RandomSource() = default;
  // Fills `out`. Cannot fail: a generator without entropy ends the process.
  virtual void Fill(absl::Span<uint8_t> out) = 0;

  SecretBytes Bytes(size_t size);
  storage::Id128 Id128();
  uint64_t UInt64();
};

// OpenSSL's CSPRNG, drawn in blocks per thread, because a draw costs about as much for 12 bytes as
// for some hundred.
//
// Guarantees: no byte is handed out twice, in the child of a fork neither; bytes are wiped from the
// block as they are handed out.
// Thread-safe: each thread has a block of its own.
RandomSource& SystemRandom();

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_CRYPTO_RANDOM_H_
