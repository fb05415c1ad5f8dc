#ifndef PIIVAULT_TESTS_VAULT_SHARING_EXPORT_TESTING_H_
#define PIIVAULT_TESTS_VAULT_SHARING_EXPORT_TESTING_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "vault/crypto/random.h"
#include "vault/keys/signing_keys.h"
#include "vault/sharing/export_token.h"

namespace piivault::vault {

// The same byte, always: for keys that a test knows.
class ConstantRandom : public RandomSource {
 public:
  explicit ConstantRandom(uint8_t byte) : byte_(byte) {}
  void Fill(absl::Span<uint8_t> out) override {
    for (uint8_t& byte : out) byte = byte_;
  }

 private:
  const uint8_t byte_;
};

inline storage::Id128 FilledId(uint8_t byte) {
  storage::Id128 id;
  id.bytes.fill(byte);
  return id;
}

// Ten o'clock of 2026-11-22, when the tokens of tests begin.
inline absl::Time TenOClock() {
  return absl::FromCivil(absl::CivilSecond(2026, 11, 22, 10, 0, 0), absl::UTCTimeZone());
}

// What is in the golden token.
inline ExportClaims TestClaims() {
  const storage::Id128 jti = FilledId(0x42);
  return {
      .aud = "tenants/acme/recipients/auditor",
      .exp = TenOClock() + absl::Hours(1),
      .fields = {"user.email", "user.name"},
      .gen = 3,
      .iat = TenOClock() - absl::Seconds(2),
      .iss = FilledId(0x21),
      .jti = jti,
      .nbf = TenOClock(),
      .purpose = "audit",
      .sub = SubjectsHash(jti, {{FilledId(0x51), std::nullopt}, {FilledId(0x51), FilledId(0x72)}}),
      .uses = 2};
}

// Their text, written by Python.
inline constexpr char kClaims[] =
    R"({"aud":"tenants/acme/recipients/auditor","exp":"2026-11-22T11:00:00Z",)"
    R"("fields":["user.email","user.name"],"gen":3,"iat":"2026-11-22T09:59:58Z",)"
    R"("iss":"piivault:eeqscijbeeqscijbeeqscijbee","jti":"ijbeeqscijbeeqscijbeeqscii",)"
    R"("nbf":"2026-11-22T10:00:00Z","purpose":"audit",)"
    R"("sub":"9b11d4ee265cfff51033e487a6dd2333ac13e8985d636b6d59ac2419afb68c89","uses":2})";

// The one answer to everything that is no token of ours.
inline bool Refused(const absl::StatusOr<ExportClaims>& claims) {
  return claims.status() == absl::InvalidArgumentError("export token");
}

}  // namespace piivault::vault

#endif  // PIIVAULT_TESTS_VAULT_SHARING_EXPORT_TESTING_H_
