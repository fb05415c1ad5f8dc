#include "ops/pki/certificate_authority.h"

#include <arpa/inet.h>
#include <openssl/err.h>

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "ops/pki/x509.h"

namespace piivault::ops {
namespace {

// Host names and trust domains: no wildcard, nothing that OpenSSL's notation reads.
bool IsHostName(std::string_view name) {
  return !name.empty() && name.size() <= 253 && name.front() != '.' && name.front() != '-' &&
         name.back() != '.' && name.find("..") == std::string_view::npos &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return absl::ascii_islower(static_cast<unsigned char>(c)) ||
                  absl::ascii_isdigit(static_cast<unsigned char>(c)) || c == '.' || c == '-';
         });
}

bool IsAddress(const std::string& text) {
  std::array<unsigned char, 16> out{};
  return inet_pton(AF_INET, text.c_str(), out.data()) == 1 ||
         inet_pton(AF_INET6, text.c_str(), out.data()) == 1;
}

// SPIFFE-ID: a trust domain and a path of letters, digits, `-`, `_` and `.`.
bool IsSpiffeId(std::string_view uri) {
  constexpr std::string_view kScheme = "spiffe://";
  if (!uri.starts_with(kScheme)) return false;
  uri.remove_prefix(kScheme.size());
  const size_t slash = uri.find('/');
  if (slash == std::string_view::npos || uri.size() > 2000) return false;
  const std::string_view path = uri.substr(slash);
  return IsHostName(uri.substr(0, slash)) && path.size() > 1 && path.back() != '/' &&
         path.find("//") == std::string_view::npos &&
         std::all_of(path.begin(), path.end(), [](char c) {
           return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '/' || c == '-' ||
                  c == '_' || c == '.';
         });
}

absl::Status CheckLeaf(const LeafRequest& request) {
  if (request.common_name.empty() || request.common_name.size() > 64) {
    return absl::InvalidArgumentError("the common name must have 1 to 64 bytes");
  }
  if (!request.uri.empty() && !IsSpiffeId(request.uri)) {
    return absl::InvalidArgumentError("the URI must look like spiffe://example.org/name");
  }
  for (const std::string& dns : request.dns) {
    if (!IsHostName(dns)) {
      return absl::InvalidArgumentError("a DNS name must be lower-case letters, digits, - and .");
    }
  }
  for (const std::string& ip : request.ips) {
    if (!IsAddress(ip)) return absl::InvalidArgumentError("an IP name must be an IP address");
  }
  if (request.uri.empty() && request.dns.empty() && request.ips.empty()) {
    return absl::InvalidArgumentError("a certificate needs a URI, a DNS name or an IP address");
  }
  if (!request.server && (request.uri.empty() ? 0 : 1) + request.dns.size() != 1) {
    return absl::InvalidArgumentError(
        "a caller's certificate names exactly one URI or one DNS name");
  }
  if (request.not_after <= request.not_before) {
    return absl::InvalidArgumentError("the certificate would end before it begins");
  }
  return absl::OkStatus();
}

std::string AlternativeNames(const LeafRequest& request) {
  std::vector<std::string> names;
  if (!request.uri.empty()) names.push_back(absl::StrCat("URI:", request.uri));
  for (const std::string& dns : request.dns) names.push_back(absl::StrCat("DNS:", dns));
  for (const std::string& ip : request.ips) names.push_back(absl::StrCat("IP:", ip));
  return absl::StrJoin(names, ",");
}

using Extension = std::pair<int, std::string>;

absl::Status AddAndSign(X509* certificate, X509* issuer, EVP_PKEY* key,
                        const std::vector<Extension>& extensions) {
  for (const auto& [nid, value] : extensions) {
    if (absl::Status status = AddExtension(certificate, issuer, nid, value); !status.ok()) {
      return status;
    }
  }
  return X509_sign(certificate, key, EVP_sha256()) > 0 ? absl::OkStatus() : OpensslError("sign");
}

// The authority's own constraint, so that nobody hands out what no server takes.
absl::Status CheckConstraints(X509* certificate, X509* issuer) {
  std::unique_ptr<NAME_CONSTRAINTS, OpensslDeleter<NAME_CONSTRAINTS_free>> constraints(
      static_cast<NAME_CONSTRAINTS*>(
          X509_get_ext_d2i(issuer, NID_name_constraints, nullptr, nullptr)));
  if (constraints == nullptr) return absl::OkStatus();
  // Makes OpenSSL read the certificate's names, which the check takes from its cache.
  X509_check_purpose(certificate, -1, 0);
  if (NAME_CONSTRAINTS_check(certificate, constraints.get()) == X509_V_OK) return absl::OkStatus();
  return absl::InvalidArgumentError("this authority may not certify that name");
}

std::string CommonNameOf(X509* certificate) {
  std::array<char, 256> buffer{};
  X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, buffer.data(),
                            static_cast<int>(buffer.size()));
  return buffer.data();
}

std::string AddressText(const ASN1_OCTET_STRING* address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const int size = ASN1_STRING_length(address);
  if (size != 4 && size != 16) return "";
  inet_ntop(size == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(address), text.data(),
            static_cast<socklen_t>(text.size()));
  return text.data();
}

void ReadAlternativeNames(X509* certificate, CertificateInfo* info) {
  GeneralNamesPtr names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; names != nullptr && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == GEN_IPADD) {
      info->ips.push_back(AddressText(name->d.iPAddress));
    } else if (name->type == GEN_URI || name->type == GEN_DNS) {
      const ASN1_IA5STRING* text = name->d.ia5;
      (name->type == GEN_URI ? info->uris : info->dns)
          .emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                        static_cast<size_t>(ASN1_STRING_length(text)));
    }
  }
}

absl::StatusOr<CertificateInfo> Describe(X509* certificate) {
  CertificateInfo info;
  info.common_name = CommonNameOf(certificate);
  ReadAlternativeNames(certificate, &info);
  info.server = (X509_get_extended_key_usage(certificate) & XKU_SSL_SERVER) != 0;
  info.not_before = FromAsn1Time(X509_get0_notBefore(certificate));
  info.not_after = FromAsn1Time(X509_get0_notAfter(certificate));
  std::string digest(32, '\0');
  if (X509_digest(certificate, EVP_sha256(), reinterpret_cast<unsigned char*>(digest.data()),
                  nullptr) != 1) {
    return OpensslError("digest");
  }
  info.sha256 = absl::BytesToHexString(digest);
  return info;
}

}  // namespace

struct CertificateAuthority::Impl {
  PkeyPtr key;
  X509Ptr certificate;
};

CertificateAuthority::CertificateAuthority(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
CertificateAuthority::CertificateAuthority(CertificateAuthority&&) noexcept = default;
CertificateAuthority& CertificateAuthority::operator=(CertificateAuthority&&) noexcept = default;
CertificateAuthority::~CertificateAuthority() = default;

absl::StatusOr<CertificateAuthority> CertificateAuthority::Create(const AuthorityRequest& request) {
  if (request.common_name.empty() || request.common_name.size() > 64) {
    return absl::InvalidArgumentError("the authority's name must have 1 to 64 bytes");
  }
  if (!request.trust_domain.empty() && !IsHostName(request.trust_domain)) {
    return absl::InvalidArgumentError("the trust domain must look like example.org");
  }
  if (request.not_after <= request.not_before) {
    return absl::InvalidArgumentError("the authority would end before it begins");
  }
  auto impl = std::make_unique<Impl>();
  impl->key.reset(EVP_EC_gen("P-256"));
  if (impl->key == nullptr) return OpensslError("new key");
  absl::StatusOr<X509Ptr> certificate = NewCertificate(
      request.common_name, nullptr, impl->key.get(), request.not_before, request.not_after);
  if (!certificate.ok()) return certificate.status();
  std::vector<Extension> extensions = {
      {NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
      {NID_key_usage, "critical,keyCertSign,cRLSign"},
      {NID_subject_key_identifier, "hash"},
  };
  if (!request.trust_domain.empty()) {
    extensions.emplace_back(NID_name_constraints,
                            absl::StrCat("critical,permitted;URI:", request.trust_domain));
  }
  X509* raw = certificate->get();
  if (absl::Status status = AddAndSign(raw, raw, impl->key.get(), extensions); !status.ok()) {
    return status;
  }
  impl->certificate = *std::move(certificate);
  return CertificateAuthority(std::move(impl));
}

absl::StatusOr<CertificateAuthority> CertificateAuthority::Load(const CertifiedKey& pem) {
  absl::StatusOr<X509Ptr> certificate = CertificateFromPem(pem.certificate_pem);
  if (!certificate.ok()) return certificate.status();
  absl::StatusOr<PkeyPtr> key = KeyFromPem(pem.key_pem);
  if (!key.ok()) return key.status();
  if (!IsKeyOf(key->get(), certificate->get())) {
    return absl::InvalidArgumentError("certificate and key do not belong together");
  }
  if (X509_check_ca(certificate->get()) != 1) {
    return absl::InvalidArgumentError("the certificate is not an authority's");
  }
  auto impl = std::make_unique<Impl>();
  impl->certificate = *std::move(certificate);
  impl->key = *std::move(key);
  return CertificateAuthority(std::move(impl));
}

absl::StatusOr<CertifiedKey> CertificateAuthority::ToPem() const {
  absl::StatusOr<std::string> certificate = CertificateToPem(impl_->certificate.get());
  if (!certificate.ok()) return certificate.status();
  absl::StatusOr<std::string> key = KeyToPem(impl_->key.get());
  if (!key.ok()) return key.status();
  return CertifiedKey{*std::move(certificate), *std::move(key)};
}

absl::StatusOr<CertifiedKey> CertificateAuthority::Issue(const LeafRequest& request) const {
  if (absl::Status status = CheckLeaf(request); !status.ok()) return status;
  X509* issuer = impl_->certificate.get();
  const absl::Time end = std::min(request.not_after, FromAsn1Time(X509_get0_notAfter(issuer)));
  PkeyPtr key(EVP_EC_gen("P-256"));
  if (key == nullptr) return OpensslError("new key");
  absl::StatusOr<X509Ptr> certificate = NewCertificate(
      request.common_name, X509_get_subject_name(issuer), key.get(), request.not_before, end);
  if (!certificate.ok()) return certificate.status();
  absl::Status status =
      AddAndSign(certificate->get(), issuer, impl_->key.get(),
                 {{NID_basic_constraints, "critical,CA:FALSE"},
                  {NID_key_usage, "critical,digitalSignature"},
                  {NID_ext_key_usage, request.server ? "serverAuth,clientAuth" : "clientAuth"},
                  {NID_subject_key_identifier, "hash"},
                  {NID_authority_key_identifier, "keyid"},
                  {NID_subject_alt_name, AlternativeNames(request)}});
  if (!status.ok()) return status;
  if (absl::Status named = CheckConstraints(certificate->get(), issuer); !named.ok()) return named;
  absl::StatusOr<std::string> certificate_pem = CertificateToPem(certificate->get());
  if (!certificate_pem.ok()) return certificate_pem.status();
  absl::StatusOr<std::string> key_pem = KeyToPem(key.get());
  if (!key_pem.ok()) return key_pem.status();
  return CertifiedKey{*std::move(certificate_pem), *std::move(key_pem)};
}

absl::StatusOr<CertifiedKey> CertificateAuthority::Renew(const std::string& certificate_pem,
                                                         absl::Time now) const {
  absl::StatusOr<X509Ptr> old = CertificateFromPem(certificate_pem);
  if (!old.ok()) return old.status();
  const bool ours = X509_verify(old->get(), impl_->key.get()) == 1;
  ERR_clear_error();
  if (!ours) return absl::PermissionDeniedError("this authority did not issue that certificate");
  absl::StatusOr<CertificateInfo> info = Describe(old->get());
  if (!info.ok()) return info.status();
  LeafRequest request;
  request.common_name = info->common_name;
  if (!info->uris.empty()) request.uri = info->uris.front();
  request.dns = info->dns;
  request.ips = info->ips;
  request.server = info->server;
  request.not_before = now;
  request.not_after = now + (info->not_after - info->not_before);
  return Issue(request);
}

absl::StatusOr<std::string> IdentityOf(const CertificateInfo& info) {
  if (info.uris.size() == 1) return info.uris.front();
  if (info.uris.empty() && info.dns.size() == 1) return absl::StrCat("dns:", info.dns.front());
  return absl::InvalidArgumentError("the certificate does not name exactly one URI or DNS name");
}

absl::StatusOr<CertificateInfo> DescribeCertificate(const std::string& certificate_pem) {
  absl::StatusOr<X509Ptr> certificate = CertificateFromPem(certificate_pem);
  if (!certificate.ok()) return certificate.status();
  return Describe(certificate->get());
}

}  // namespace piivault::ops
