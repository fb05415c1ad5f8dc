#include "vault/service/identity.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "vault/service/certificate.h"

namespace piivault::vault {
namespace {

struct StoreDeleter {
  void operator()(X509_STORE* store) const { X509_STORE_free(store); }
};
struct StoreContextDeleter {
  void operator()(X509_STORE_CTX* context) const { X509_STORE_CTX_free(context); }
};
struct StackDeleter {
  void operator()(STACK_OF(X509) * stack) const { sk_X509_free(stack); }
};

}  // namespace

struct IdentityResolver::Root {
  std::string label;
  std::vector<std::string> identities;
  bool recipients = false;
  std::vector<X509Ptr> certificates;
  std::unique_ptr<X509_STORE, StoreDeleter> store;

  // By the key: another certificate of it vouches for the same leaves.
  bool SharesAnAuthority(const Root& other) const {
    for (const X509Ptr& one : certificates) {
      for (const X509Ptr& two : other.certificates) {
        EVP_PKEY* const key = X509_get0_pubkey(one.get());
        if (key == nullptr || EVP_PKEY_eq(key, X509_get0_pubkey(two.get())) == 1) return true;
      }
    }
    return false;
  }

  bool MayName(std::string_view identity) const {
    return std::any_of(identities.begin(), identities.end(), [&](const std::string& pattern) {
      return IdentityMatches(pattern, identity);
    });
  }

  bool Issued(X509* leaf, STACK_OF(X509) * intermediates) const {
    std::unique_ptr<X509_STORE_CTX, StoreContextDeleter> context(X509_STORE_CTX_new());
    if (context == nullptr ||
        X509_STORE_CTX_init(context.get(), store.get(), leaf, intermediates) != 1) {
      return false;
    }
    X509_STORE_CTX_set_flags(context.get(), X509_V_FLAG_NO_CHECK_TIME);
    X509_STORE_CTX_set_purpose(context.get(), X509_PURPOSE_SSL_CLIENT);
    const bool issued = X509_verify_cert(context.get()) == 1;
    ERR_clear_error();
    return issued;
  }
};

bool IdentityMatches(std::string_view pattern, std::string_view identity) {
  constexpr std::string_view kAnyLabel = "dns:*.";
  constexpr std::string_view kDns = "dns:";
  if (pattern.starts_with(kAnyLabel)) {
    if (!identity.starts_with(kDns)) return false;
    const std::string_view host = identity.substr(kDns.size());
    const size_t dot = host.find('.');
    return dot != std::string_view::npos && dot > 0 &&
           host.substr(dot + 1) == pattern.substr(kAnyLabel.size());
  }
  if (pattern.ends_with('*')) {
    pattern.remove_suffix(1);
    return identity.size() > pattern.size() && identity.starts_with(pattern);
  }
  return identity == pattern;
}

IdentityResolver::IdentityResolver(std::shared_ptr<const Roots> roots) : roots_(std::move(roots)) {}
IdentityResolver::~IdentityResolver() = default;

absl::StatusOr<std::unique_ptr<IdentityResolver>> IdentityResolver::Create(
    const std::vector<ClientRoot>& roots) {
  absl::StatusOr<std::shared_ptr<const Roots>> loaded = Load(roots);
  if (!loaded.ok()) return loaded.status();
  return std::unique_ptr<IdentityResolver>(new IdentityResolver(*std::move(loaded)));
}

absl::Status IdentityResolver::SetRoots(const std::vector<ClientRoot>& roots) {
  absl::StatusOr<std::shared_ptr<const Roots>> loaded = Load(roots);
  if (!loaded.ok()) return loaded.status();
  absl::MutexLock lock(&mu_);
  roots_ = *std::move(loaded);
  cache_.clear();
  cached_ = 0;
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<const IdentityResolver::Roots>> IdentityResolver::Load(
    const std::vector<ClientRoot>& roots) {
  auto loaded = std::make_shared<Roots>();
  for (const ClientRoot& given : roots) {
    const auto same = [&](const auto& root) { return root->label == given.label; };
    if (given.label.empty() || std::any_of(loaded->begin(), loaded->end(), same)) {
      return absl::InvalidArgumentError("client roots need labels, each its own");
    }
    absl::StatusOr<std::vector<X509Ptr>> certificates = ParseCertificates(given.pem);
    if (!certificates.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("client root ", given.label, ": ", certificates.status().message()));
    }
    auto root = std::make_unique<Root>();
    root->label = given.label;
    root->identities = given.identities;
    root->recipients = given.recipients;
    root->certificates = *std::move(certificates);
    root->store.reset(X509_STORE_new());
    for (const X509Ptr& certificate : root->certificates) {
      X509_STORE_add_cert(root->store.get(), certificate.get());
    }
    for (const std::unique_ptr<Root>& other : *loaded) {
      if (root->recipients != other->recipients && root->SharesAnAuthority(*other)) {
        return absl::InvalidArgumentError(
            absl::StrCat("client roots ", other->label, " and ", root->label,
                         ": one authority cannot be for recipients and for others"));
      }
    }
    loaded->push_back(std::move(root));
  }
  return loaded;
}

std::shared_ptr<const CallerIdentity> IdentityResolver::Resolve(std::string_view leaf_pem,
                                                                std::string_view chain_pem) {
  const absl::string_view leaf(leaf_pem.data(), leaf_pem.size());
  std::shared_ptr<const Roots> roots;
  {
    absl::MutexLock lock(&mu_);
    if (const auto found = cache_.find(leaf); found != cache_.end()) {
      for (const Known& known : found->second) {
        if (known.chain_pem == chain_pem) return known.identity;
      }
    }
    roots = roots_;
  }
  std::shared_ptr<CallerIdentity> identity = Identify(*roots, leaf_pem, chain_pem);
  absl::MutexLock lock(&mu_);
  identity->load = LoadOf(*identity);
  if (roots == roots_) {
    if (cached_ >= kCacheSize) {
      cache_.clear();
      cached_ = 0;
    }
    cache_[leaf].push_back({std::string(chain_pem), identity});
    ++cached_;
  }
  return identity;
}

std::shared_ptr<const CallerIdentity> IdentityResolver::Examine(std::string_view leaf_pem,
                                                                std::string_view chain_pem) {
  std::shared_ptr<const Roots> roots;
  {
    absl::MutexLock lock(&mu_);
    roots = roots_;
  }
  return Identify(*roots, leaf_pem, chain_pem);
}

std::shared_ptr<CallerLoad> IdentityResolver::LoadOf(const CallerIdentity& identity) {
  if (loads_.size() >= 2 * kCacheSize) {
    absl::erase_if(loads_, [](const auto& entry) { return entry.second.expired(); });
  }
  // A recipients' root that gives out an insider's name must not take up the insider's places.
  std::weak_ptr<CallerLoad>& known =
      loads_[identity.name.empty()
                 ? identity.certificate_sha256
                 : absl::StrCat(identity.of_recipients_root ? "outside:" : "", identity.name)];
  std::shared_ptr<CallerLoad> load = known.lock();
  if (load == nullptr) {
    known = load = std::make_shared<CallerLoad>();
    if (identity.of_recipients_root) load->outsiders = outsiders_;
  }
  return load;
}

std::shared_ptr<CallerIdentity> IdentityResolver::Identify(const Roots& roots,
                                                           std::string_view leaf_pem,
                                                           std::string_view chain_pem) {
  auto caller = std::make_shared<CallerIdentity>();
  caller->problem = authz::Reason::kCertificateInvalid;
  absl::StatusOr<std::vector<X509Ptr>> leaf = ParseCertificates(leaf_pem);
  if (!leaf.ok() || leaf->size() != 1) return caller;
  caller->certificate_sha256 = CertificateSha256(*leaf->front());
  caller->not_after = CertificateNotAfter(*leaf->front());

  std::vector<X509Ptr> chain;
  if (absl::StatusOr<std::vector<X509Ptr>> parsed = ParseCertificates(chain_pem); parsed.ok()) {
    chain = *std::move(parsed);
  }
  std::unique_ptr<STACK_OF(X509), StackDeleter> intermediates(sk_X509_new_null());
  for (const X509Ptr& certificate : chain) sk_X509_push(intermediates.get(), certificate.get());

  absl::StatusOr<std::string> name = CertificateIdentity(*leaf->front());
  if (!name.ok()) return caller;
  const Root* issuer = nullptr;
  for (const std::unique_ptr<Root>& root : roots) {
    if (issuer != nullptr && issuer->recipients == root->recipients) continue;
    if (!root->MayName(*name) || !root->Issued(leaf->front().get(), intermediates.get())) continue;
    if (issuer != nullptr) return caller;
    issuer = root.get();
  }
  if (issuer == nullptr) return caller;
  caller->problem = authz::Reason::kOk;
  caller->name = *std::move(name);
  caller->client_root = issuer->label;
  caller->of_recipients_root = issuer->recipients;
  return caller;
}

}  // namespace piivault::vault
