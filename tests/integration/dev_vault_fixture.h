#ifndef PIIVAULT_TESTS_INTEGRATION_DEV_VAULT_FIXTURE_H_
#define PIIVAULT_TESTS_INTEGRATION_DEV_VAULT_FIXTURE_H_

#include <google/protobuf/message.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "ops/server/daemon/dev_vault.h"
#include "piivault/v1/admin_service.pb.h"
#include "piivault/v1/audit_service.pb.h"
#include "piivault/v1/credential_service.pb.h"
#include "piivault/v1/retention_service.pb.h"
#include "piivault/v1/rights_service.pb.h"
#include "piivault/v1/sharing_service.pb.h"
#include "piivault/v1/subject_service.pb.h"
#include "piivault/v1/vault_service.pb.h"

namespace piivault::integration {

inline constexpr char kTenant[] = "tenants/default";
inline constexpr absl::Duration kPatience = absl::Seconds(25);

// How a call ended.
struct Outcome {
  grpc::StatusCode code = grpc::StatusCode::OK;
  std::string reason;                           // of ErrorInfo; empty where it has none
  std::string domain;                           // of ErrorInfo
  std::map<std::string, std::string> metadata;  // of ErrorInfo
  std::string text;                             // message and details, raw: all that a client sees

  bool ok() const { return code == grpc::StatusCode::OK; }
  // "OK", "PERMISSION_DENIED NDA_MISSING".
  std::string ToString() const;
};
std::ostream& operator<<(std::ostream& out, const Outcome& outcome);

// A server-streaming call under way. For one thread.
class Stream {
 public:
  Stream(grpc::GenericStub& stub, const std::string& path, const google::protobuf::Message& request,
         absl::Duration timeout);
  ~Stream();
  // False at the end.
  bool Read(google::protobuf::Message* message);
  Outcome Finish();
  void Cancel() { context_.TryCancel(); }

 private:
  bool Await();

  grpc::ClientContext context_;
  grpc::CompletionQueue queue_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call_;
  bool finished_ = false;
};

// One caller on a connection of its own. The method is told by the request's type, so that neither
// stubs nor method names are needed. Thread-safe.
class Client {
 public:
  Client(const std::string& address, const std::string& ca_file,
         const ops::DevCredential& credential);

  // `response` may be null.
  Outcome Call(const google::protobuf::Message& request,
               google::protobuf::Message* response = nullptr, absl::Duration timeout = kPatience);
  // So many of the same call at once; their outcomes in any order.
  std::vector<Outcome> CallAtOnce(const google::protobuf::Message& request, int calls,
                                  absl::Duration timeout = kPatience);
  // Each of them once.
  std::vector<Outcome> CallAtOnce(const std::vector<const google::protobuf::Message*>& requests,
                                  absl::Duration timeout = kPatience);
  // With a request of any bytes.
  Outcome CallRaw(const std::string& path, const std::string& request,
                  google::protobuf::Message* response = nullptr,
                  absl::Duration timeout = kPatience);
  // A stream whose messages the server cannot send much ahead of their being read.
  std::unique_ptr<Stream> Open(const google::protobuf::Message& request,
                               absl::Duration timeout = kPatience);

 private:
  grpc::GenericStub stub_;
};

// `/piivault.v1.VaultService/RevealRecord` for a RevealRecordRequest.
std::string PathOf(const google::protobuf::Message& request);

// A development vault in a directory of its own, with clients for its callers.
class DevVaultFixture : public testing::Test {
 protected:
  DevVaultFixture();
  ~DevVaultFixture() override;

  // Starts the vault; fails the test where it does not.
  void Start(ops::ServerHooks hooks = {});

  ops::DevVault& vault() { return *vault_; }
  // The one client of a caller that has a credential.
  Client& As(const std::string& who);
  // Calls that have to succeed.
  template <typename Response>
  Response Must(const std::string& who, const google::protobuf::Message& request) {
    Response response;
    const Outcome outcome = As(who).Call(request, &response);
    EXPECT_TRUE(outcome.ok()) << who << " " << PathOf(request) << ": " << outcome;
    return response;
  }

  // A certificate of the vault's authority; `spiffe://vault.example/{name}`.
  void AddCredential(const std::string& name, absl::Time not_before, absl::Time not_after);
  // Registers a person and a principal with this name and a credential; grants the role unless it
  // is empty (`tenant` is empty for a system role). Returns the index of the grant's entry.
  uint64_t Register(const std::string& name, v1::PrincipalKind kind, const std::string& role,
                    const std::string& tenant = kTenant);
  // The person and the principal alone, without certificate or role.
  void RegisterWithoutRole(const std::string& name, v1::PrincipalKind kind,
                           const std::string& tenant);
  // Proposed by admin-1, approved by admin-2; the index of the approval's entry.
  uint64_t Agree(const v1::Proposal& proposal);
  static v1::Proposal GrantRole(const std::string& principal, const std::string& role,
                                const std::string& tenant);
  // Loads a policy and puts it in force; the index of that entry.
  uint64_t Activate(const std::string& sha256, const std::string& tenant);
  // Returns its SHA-256.
  std::string LoadPolicy(const std::string& yaml);
  // Records an NDA, signed after those before it and valid until `valid_until`.
  v1::RecordAttestationResponse RecordNda(const std::string& person, absl::Time valid_until);

  // A record that shop makes for one new person.
  v1::CreateRecordResponse NewCustomer(const std::map<std::string, std::string>& fields = {});
  // What shop's ListRecords says there is.
  int CountRecords();
  // All entries, as the auditor lists them.
  std::vector<v1::Entry> ReadLog();

  static v1::Usage UsageFor(const std::string& purpose, const std::string& ticket = "");
  static v1::CreateRecordRequest CreateRequest(const std::map<std::string, std::string>& fields);
  // Of `fields` for technical work.
  static v1::RevealRecordRequest RevealRequest(const std::string& name,
                                               const std::vector<std::string>& fields = {"email"});

 private:
  const std::string directory_;
  int ndas_ = 0;
  std::unique_ptr<ops::DevVault> vault_;
  std::map<std::string, ops::DevCredential> credentials_;
  std::map<std::string, std::unique_ptr<Client>> clients_;
};

}  // namespace piivault::integration

#endif  // PIIVAULT_TESTS_INTEGRATION_DEV_VAULT_FIXTURE_H_
