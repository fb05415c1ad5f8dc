// Parts of ValueRules that its own source files share. Not for others.
#ifndef PIIVAULT_VAULT_VALUES_VALUE_RULES_IMPL_H_
#define PIIVAULT_VAULT_VALUES_VALUE_RULES_IMPL_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "vault/values/folding.h"
#include "vault/values/phone_numbers.h"
#include "vault/values/value_rules.h"

namespace re2 {
class RE2;
}  // namespace re2

namespace piivault::vault {

// Patterns of policies, compiled once. Bounded: it starts anew when policies have left too many.
class PatternCache {
 public:
  PatternCache();
  ~PatternCache();

  // Whether the whole value matches. A pattern that does not compile matches nothing; the policy
  // linter refuses it before.
  bool Matches(const std::string& pattern, std::string_view value) const;

 private:
  static constexpr size_t kMaxPatterns = 4096;

  mutable absl::Mutex mutex_;
  // Shared: a match may go on while the cache starts anew.
  mutable absl::flat_hash_map<std::string, std::shared_ptr<const re2::RE2>> patterns_
      ABSL_GUARDED_BY(mutex_);
};

struct ValueRules::Impl {
  std::unique_ptr<Folder> folder;
  PhoneNumbers phones;
  PatternCache patterns;
};

// IPv4 or IPv6 text in canonical form (RFC 5952); IPv4-mapped IPv6 as IPv4.
struct IpAddress {
  bool v4 = false;
  uint8_t bytes[16] = {};
};
std::optional<IpAddress> ParseIp(std::string_view text);
std::string FormatIp(const IpAddress& address);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_VALUES_VALUE_RULES_IMPL_H_
