#include "vault/service/certificate.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <ctime>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace piivault::vault {
namespace {

bool IsPlain(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return absl::ascii_isgraph(static_cast<unsigned char>(c));
  });
}

std::string_view View(const ASN1_STRING* text) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
          static_cast<size_t>(ASN1_STRING_length(text))};
}

struct NamesDeleter {
  void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
};

}  // namespace

absl::StatusOr<std::vector<X509Ptr>> ParseCertificates(std::string_view pem) {
  std::unique_ptr<BIO, decltype(&BIO_free_all)> bio(
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free_all);
  std::vector<X509Ptr> certificates;
  for (;;) {
    X509Ptr certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
    if (certificate == nullptr) break;
    certificates.push_back(std::move(certificate));
  }
  const unsigned long error = ERR_peek_last_error();
  const bool at_end =
      ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (certificates.empty() || !at_end) {
    return absl::InvalidArgumentError("not a PEM text of certificates");
  }
  return certificates;
}

std::string CertificateSha256(const X509& certificate) {
  std::string digest(32, '\0');
  if (X509_digest(&certificate, EVP_sha256(), reinterpret_cast<unsigned char*>(digest.data()),
                  nullptr) != 1) {
    return {};
  }
  return digest;
}

absl::StatusOr<std::string> CertificateIdentity(const X509& certificate) {
  std::unique_ptr<GENERAL_NAMES, NamesDeleter> names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(&certificate, NID_subject_alt_name, nullptr, nullptr)));
  std::vector<std::string> uris;
  std::vector<std::string> hosts;
  const int count = names == nullptr ? 0 : sk_GENERAL_NAME_num(names.get());
  for (int i = 0; i < count; ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == GEN_URI) uris.emplace_back(View(name->d.uniformResourceIdentifier));
    if (name->type == GEN_DNS) hosts.emplace_back(View(name->d.dNSName));
  }
  std::string identity;
  if (uris.size() == 1) {
    identity = uris.front();
    // `dns:` is ours: a URI must not pass for a DNS name.
    if (absl::AsciiStrToLower(identity.substr(0, 4)) == "dns:") {
      return absl::InvalidArgumentError("certificate's URI has a reserved scheme");
    }
  } else if (uris.empty() && hosts.size() == 1) {
    if (hosts.front().find('*') != std::string::npos) {
      return absl::InvalidArgumentError("certificate's DNS name is a wildcard");
    }
    identity = absl::StrCat("dns:", absl::AsciiStrToLower(hosts.front()));
  } else {
    return absl::InvalidArgumentError("certificate does not have exactly one name");
  }
  if (!IsPlain(identity))
    return absl::InvalidArgumentError("certificate's name is not plain ASCII");
  return identity;
}

absl::Time CertificateNotAfter(const X509& certificate) {
  std::tm civil{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(&certificate), &civil) != 1) return absl::InfinitePast();
  return absl::FromTM(civil, absl::UTCTimeZone());
}

}  // namespace piivault::vault
