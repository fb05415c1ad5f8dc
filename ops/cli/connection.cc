#include "ops/cli/connection.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "ops/pki/files.h"
#include "ops/pki/x509.h"

namespace piivault::ops {
namespace {

constexpr size_t kMaxPem = size_t{1} << 20;
constexpr int kMaxMessage = 64 << 20;

absl::Status Missing(const char* what, const char* flag, const char* variable) {
  return absl::FailedPreconditionError(absl::StrCat("no ", what, ": give ", flag, ", set ",
                                                    variable, ", or run `piivault context set`"));
}

absl::StatusOr<std::string> ReadPem(const std::string& path, const char* what) {
  absl::StatusOr<std::string> pem = ReadFile(path, kMaxPem);
  if (pem.ok()) return pem;
  return absl::FailedPreconditionError(absl::StrCat("the ", what, ": ", pem.status().message()));
}

// Of files that do not belong together gRPC would only say that it cannot connect.
absl::Status CheckPair(const Profile& profile, const std::string& certificate_pem,
                       const std::string& key_pem) {
  const absl::StatusOr<X509Ptr> certificate = CertificateFromPem(certificate_pem);
  if (!certificate.ok()) {
    return absl::FailedPreconditionError(
        absl::StrCat(profile.certificate, ": ", certificate.status().message()));
  }
  const absl::StatusOr<PkeyPtr> key = KeyFromPem(key_pem);
  if (!key.ok()) {
    return absl::FailedPreconditionError(absl::StrCat(profile.key, ": ", key.status().message()));
  }
  if (IsKeyOf(key->get(), certificate->get())) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat(profile.key, " is not the key of the certificate in ", profile.certificate));
}

}  // namespace

absl::StatusOr<std::shared_ptr<grpc::Channel>> OpenChannel(const Profile& profile,
                                                           grpc::ChannelArguments arguments) {
  if (profile.address.empty()) return Missing("address", "--address", "PIIVAULT_ADDRESS");
  if (profile.ca.empty()) return Missing("certificate authority", "--ca", "PIIVAULT_CA");
  if (profile.certificate.empty()) return Missing("certificate", "--cert", "PIIVAULT_CERT");
  if (profile.key.empty()) return Missing("key", "--key", "PIIVAULT_KEY");

  absl::StatusOr<std::string> roots = ReadPem(profile.ca, "certificate authority");
  if (!roots.ok()) return roots.status();
  absl::StatusOr<std::string> certificate = ReadPem(profile.certificate, "certificate");
  if (!certificate.ok()) return certificate.status();
  absl::StatusOr<std::string> key = ReadPem(profile.key, "key");
  if (!key.ok()) return key.status();

  if (absl::Status status = CheckPair(profile, *certificate, *key); !status.ok()) return status;

  grpc::SslCredentialsOptions options;
  options.pem_root_certs = *std::move(roots);
  options.pem_cert_chain = *std::move(certificate);
  options.pem_private_key = *std::move(key);
  arguments.SetMaxReceiveMessageSize(kMaxMessage);
  if (!profile.server_name.empty()) arguments.SetSslTargetNameOverride(profile.server_name);
  return grpc::CreateCustomChannel(profile.address, grpc::SslCredentials(options), arguments);
}

absl::StatusOr<std::unique_ptr<Connection>> Connection::Open(const Profile& profile,
                                                             absl::Duration timeout) {
  absl::StatusOr<std::shared_ptr<grpc::Channel>> channel = OpenChannel(profile, {});
  if (!channel.ok()) return channel.status();
  return std::unique_ptr<Connection>(new Connection(*std::move(channel), timeout));
}

Connection::Connection(std::shared_ptr<grpc::Channel> channel, absl::Duration timeout)
    : vault_(v1::VaultService::NewStub(channel)),
      subject_(v1::SubjectService::NewStub(channel)),
      credential_(v1::CredentialService::NewStub(channel)),
      admin_(v1::AdminService::NewStub(channel)),
      rights_(v1::SubjectRightsService::NewStub(channel)),
      retention_(v1::RetentionService::NewStub(channel)),
      sharing_(v1::SharingService::NewStub(channel)),
      audit_(v1::AuditService::NewStub(channel)),
      timeout_(timeout) {}

void Connection::SetDeadline(grpc::ClientContext* context) const {
  context->set_deadline(std::chrono::system_clock::now() + absl::ToChronoMilliseconds(timeout_));
}

}  // namespace piivault::ops
