#ifndef PIIVAULT_TESTS_FAKES_TEST_PKI_H_
#define PIIVAULT_TESTS_FAKES_TEST_PKI_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace piivault::fakes {

// A certificate with its private key, as PEM.
struct TestCertificate {
  std::string certificate_pem;
  std::string key_pem;
  std::string sha256;  // 32 raw bytes, over the DER form
};

// What a certificate is to say. Dates are fixed, so that no test depends on today's.
struct TestCertificateSpec {
  std::string common_name = "test";
  std::vector<std::string> uris;  // subject alternative names
  std::vector<std::string> dns;
  std::vector<std::string> ips;
  absl::Time not_before = absl::FromUnixSeconds(946684800);  // 2000
  absl::Time not_after = absl::FromUnixSeconds(4070908800);  // 2099
};

// A certificate authority made for one test: real X.509 with P-256 keys from OpenSSL.
// Aborts on any error of OpenSSL. Not thread-safe.
class TestAuthority {
 public:
  explicit TestAuthority(const std::string& common_name = "Test CA");
  ~TestAuthority();
  TestAuthority(const TestAuthority&) = delete;
  TestAuthority& operator=(const TestAuthority&) = delete;

  const std::string& certificate_pem() const { return certificate_pem_; }

  // PEM: that another authority's name and key are those of an authority, signed by this one.
  std::string CrossCertify(const TestAuthority& other) const;
  // PEM: another certificate of its own name and key.
  std::string CertifyAgain() const { return CrossCertify(*this); }

  TestCertificate Issue(const TestCertificateSpec& spec);
  // A leaf with this one URI name, valid from 2000 to 2099.
  TestCertificate IssueForUri(const std::string& uri);
  // A leaf with this one DNS name.
  TestCertificate IssueForDns(const std::string& dns);
  // For servers on loopback: DNS `localhost`, IP 127.0.0.1 and ::1.
  TestCertificate IssueServer();
  // Valid in 2000 only.
  TestCertificate IssueExpired(const std::string& uri);
  // Valid from 2098 on.
  TestCertificate IssueNotYetValid(const std::string& uri);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
  std::string certificate_pem_;
};

// SHA-256 of the certificate's DER form, 32 raw bytes.
std::string TestCertificateSha256(const std::string& certificate_pem);

}  // namespace piivault::fakes

#endif  // PIIVAULT_TESTS_FAKES_TEST_PKI_H_
