#ifndef PIIVAULT_VAULT_SERVICE_IDENTITY_H_
#define PIIVAULT_VAULT_SERVICE_IDENTITY_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "vault/service/handler.h"

namespace piivault::vault {

// A certificate authority whose clients are let in, and the names it may give them.
struct ClientRoot {
  std::string label;  // for entries and logs
  std::string pem;    // one or more root certificates
  // Which identities it may name: exact (`spiffe://example/reader-api`), every name below a prefix
  // (`spiffe://example/*`), or one label in front of a DNS name (`dns:*.internal.example`).
  // Empty: none.
  std::vector<std::string> identities;
  // Of recipients outside: it names them alone, and no other root names any.
  bool recipients = false;
};

// Whether a pattern of ClientRoot::identities admits an identity.
bool IdentityMatches(std::string_view pattern, std::string_view identity);

// Says who a client certificate stands for.
//
// Guarantees: a name comes only from a chain that verifies to one of the configured roots and only
// if that root is allowed to give it; so one root cannot speak for another's clients although TLS
// trusts both. Whether the root is one of recipients comes with the name, and a chain that leads to
// both kinds of roots, by authorities that have certified each other, names nobody. Does not look
// at the dates of certificates: the handshake did, and the transport compares
// CallerIdentity::not_after with vault time on every call. Remembers up to kCacheSize chains.
// Callers' loads live as long as a chain or a call has them, and survive SetRoots() with the calls.
// Thread-safe.
class IdentityResolver {
 public:
  static constexpr size_t kCacheSize = 4096;

  // INVALID_ARGUMENT for a root that does not parse, an empty or a doubled label, or a certificate
  // authority (by its key) that is given both for recipients and for others.
  static absl::StatusOr<std::unique_ptr<IdentityResolver>> Create(
      const std::vector<ClientRoot>& roots);
  ~IdentityResolver();

  // `leaf_pem` is the client's certificate; `chain_pem` may hold it and intermediates, or be empty.
  // Never null: see CallerIdentity::problem.
  std::shared_ptr<const CallerIdentity> Resolve(std::string_view leaf_pem,
                                                std::string_view chain_pem);

  // The same of a certificate that nobody calls with: nothing is remembered, and it has no load.
  std::shared_ptr<const CallerIdentity> Examine(std::string_view leaf_pem,
                                                std::string_view chain_pem);

  // Takes other roots from now on, for calls on connections that stand as well. Unchanged on error.
  [[nodiscard]] absl::Status SetRoots(const std::vector<ClientRoot>& roots);

 private:
  struct Root;
  using Roots = std::vector<std::unique_ptr<Root>>;
  struct Known {
    std::string chain_pem;
    std::shared_ptr<const CallerIdentity> identity;
  };

  explicit IdentityResolver(std::shared_ptr<const Roots> roots);
  static absl::StatusOr<std::shared_ptr<const Roots>> Load(const std::vector<ClientRoot>& roots);
  static std::shared_ptr<CallerIdentity> Identify(const Roots& roots, std::string_view leaf_pem,
                                                  std::string_view chain_pem);
  std::shared_ptr<CallerLoad> LoadOf(const CallerIdentity& identity)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  absl::Mutex mu_;
  // Shared with lookups under way while SetRoots() puts others in place.
  std::shared_ptr<const Roots> roots_ ABSL_GUARDED_BY(mu_);
  // By the leaf, which alone does not name a chain: two roots may be issuers of the same bytes.
  absl::flat_hash_map<std::string, std::vector<Known>> cache_ ABSL_GUARDED_BY(mu_);
  size_t cached_ ABSL_GUARDED_BY(mu_) = 0;
  absl::flat_hash_map<std::string, std::weak_ptr<CallerLoad>> loads_ ABSL_GUARDED_BY(mu_);
  const std::shared_ptr<CallerLoad> outsiders_ = std::make_shared<CallerLoad>();
};

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_SERVICE_IDENTITY_H_
