// What the tests of values share. Seeds are fixed: a failure comes back.
#ifndef PIIVAULT_TESTS_VAULT_VALUES_VALUES_TESTING_H_
#define PIIVAULT_TESTS_VAULT_VALUES_VALUES_TESTING_H_

#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "authz/semantic_type.h"
#include "vault/values/value_rules.h"

namespace piivault::vault {

class Dice {
 public:
  explicit Dice(uint64_t seed) : engine_(seed) {}

  // 0 .. n-1.
  size_t Below(size_t n) { return std::uniform_int_distribution<size_t>(0, n - 1)(engine_); }
  char Digit() { return static_cast<char>('0' + Below(10)); }
  std::string Digits(size_t n) {
    std::string out;
    for (size_t i = 0; i < n; ++i) out += Digit();
    return out;
  }
  template <typename T>
  const T& Pick(const std::vector<T>& from) {
    return from[Below(from.size())];
  }

 private:
  std::mt19937_64 engine_;
};

// ASCII digits as full-width ones; everything else stays.
inline std::string FullWidthDigits(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c >= '0' && c <= '9') {
      out += "\xEF\xBC";
      out += static_cast<char>(0x90 + (c - '0'));
    } else {
      out += c;
    }
  }
  return out;
}

// The normal form as text.
inline std::string Normal(const ValueRules& rules, authz::SemanticType type,
                          std::string_view value) {
  const absl::StatusOr<SecretBytes> normal = rules.NormalizeForSearch(type, value);
  return normal.ok() ? std::string(normal->view()) : "error: " + normal.status().ToString();
}

}  // namespace piivault::vault

#endif  // PIIVAULT_TESTS_VAULT_VALUES_VALUES_TESTING_H_
