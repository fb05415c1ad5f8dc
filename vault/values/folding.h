#ifndef PIIVAULT_VAULT_VALUES_FOLDING_H_
#define PIIVAULT_VAULT_VALUES_FOLDING_H_

#include <memory>
#include <string_view>

#include "absl/status/statusor.h"
#include "vault/crypto/secret_bytes.h"

namespace piivault::vault {

// The foldings of text that normalisation is made of, over ICU objects fetched once.
//
// Guarantees: each is idempotent and linear; the buffers it makes are wiped. Pure ASCII never
// enters ICU.
// Does not: check its input. REQUIRES everywhere: storable UTF-8 (IsStorableUtf8).
// Thread-safe.
class Folder {
 public:
  static absl::StatusOr<std::unique_ptr<Folder>> Create();
  ~Folder();

  // NFKC_Casefold of Unicode.
  SecretBytes CaseFold(std::string_view text) const;

  enum class Hyphens { kAsText, kJoin };  // kJoin: no blanks around '-'.
  // Case, width, blanks and hyphens: see ValueRules::NormalizeForSearch, "text".
  SecretBytes FoldText(std::string_view text, Hyphens hyphens) const;

  // FoldText without any blank or hyphen: for codes and numbers of any shape.
  SecretBytes FoldCompact(std::string_view text) const;

  // The whole address, or the domain of it alone.
  SecretBytes FoldEmail(std::string_view text) const;
  // An empty result: there is no domain.
  SecretBytes FoldEmailDomain(std::string_view text) const;

 private:
  struct Icu;
  explicit Folder(std::unique_ptr<Icu> icu);
  // A-label form of a case-folded domain; the domain itself if it has none.
  SecretBytes ToALabels(std::string_view domain) const;

  std::unique_ptr<const Icu> icu_;
};

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_VALUES_FOLDING_H_
