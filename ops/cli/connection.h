#ifndef PIIVAULT_OPS_CLI_CONNECTION_H_
#define PIIVAULT_OPS_CLI_CONNECTION_H_

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/support/channel_arguments.h>

#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "ops/cli/failure.h"
#include "ops/cli/profile.h"
#include "piivault/v1/admin_service.grpc.pb.h"
#include "piivault/v1/audit_service.grpc.pb.h"
#include "piivault/v1/credential_service.grpc.pb.h"
#include "piivault/v1/retention_service.grpc.pb.h"
#include "piivault/v1/rights_service.grpc.pb.h"
#include "piivault/v1/sharing_service.grpc.pb.h"
#include "piivault/v1/subject_service.grpc.pb.h"
#include "piivault/v1/vault_service.grpc.pb.h"

namespace piivault::ops {

// A mutual-TLS channel with the profile's certificate, and with more arguments. Reads the files the
// profile names; connects with the first call. FAILED_PRECONDITION with what to set where the
// profile is not complete.
[[nodiscard]] absl::StatusOr<std::shared_ptr<grpc::Channel>> OpenChannel(
    const Profile& profile, grpc::ChannelArguments arguments);

// The vault's services over one mutual-TLS channel.
//
// Guarantees: mutual TLS with the profile's certificate; nothing is sent in the clear. Does not:
// retry; choose the version of TLS, which is the process's matter (vault::RequireTls13() in main).
// Ownership: owns channel and stubs. Thread-safe.
class Connection {
 public:
  // As OpenChannel().
  [[nodiscard]] static absl::StatusOr<std::unique_ptr<Connection>> Open(const Profile& profile,
                                                                        absl::Duration timeout);

  v1::VaultService::Stub& vault() { return *vault_; }
  v1::SubjectService::Stub& subject() { return *subject_; }
  v1::CredentialService::Stub& credential() { return *credential_; }
  v1::AdminService::Stub& admin() { return *admin_; }
  v1::SubjectRightsService::Stub& rights() { return *rights_; }
  v1::RetentionService::Stub& retention() { return *retention_; }
  v1::SharingService::Stub& sharing() { return *sharing_; }
  v1::AuditService::Stub& audit() { return *audit_; }
  absl::Duration timeout() const { return timeout_; }

  // Calls a unary method and waits for it, `timeout` at most.
  template <typename Stub, typename Request, typename Response>
  [[nodiscard]] absl::StatusOr<Response> Call(
      Stub& stub, grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
      const Request& request) {
    grpc::ClientContext context;
    SetDeadline(&context);
    Response response;
    const grpc::Status status = (stub.*method)(&context, request, &response);
    if (!status.ok()) return FromGrpc(status);
    return response;
  }

 private:
  Connection(std::shared_ptr<grpc::Channel> channel, absl::Duration timeout);
  void SetDeadline(grpc::ClientContext* context) const;

  std::unique_ptr<v1::VaultService::Stub> vault_;
  std::unique_ptr<v1::SubjectService::Stub> subject_;
  std::unique_ptr<v1::CredentialService::Stub> credential_;
  std::unique_ptr<v1::AdminService::Stub> admin_;
  std::unique_ptr<v1::SubjectRightsService::Stub> rights_;
  std::unique_ptr<v1::RetentionService::Stub> retention_;
  std::unique_ptr<v1::SharingService::Stub> sharing_;
  std::unique_ptr<v1::AuditService::Stub> audit_;
  const absl::Duration timeout_;
};

}  // namespace piivault::ops

#endif  // PIIVAULT_OPS_CLI_CONNECTION_H_
