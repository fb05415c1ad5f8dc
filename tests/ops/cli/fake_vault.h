#ifndef PIIVAULT_TESTS_OPS_CLI_FAKE_VAULT_H_
#define PIIVAULT_TESTS_OPS_CLI_FAKE_VAULT_H_

#include <grpcpp/server.h>

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "piivault/v1/admin_service.grpc.pb.h"
#include "piivault/v1/audit_service.grpc.pb.h"
#include "piivault/v1/credential_service.grpc.pb.h"
#include "piivault/v1/rights_service.grpc.pb.h"
#include "piivault/v1/subject_service.grpc.pb.h"
#include "piivault/v1/vault_service.grpc.pb.h"
#include "tests/fakes/test_pki.h"
#include "tests/ops/cli/fake_retention.h"
#include "tests/ops/cli/fake_sharing.h"
#include "tests/ops/cli/scratch_folder.h"

namespace piivault::ops {

// Stands in for a vault: real gRPC over mutual TLS on a free port, answers that tests choose.
// Keeps the contract that a request id takes effect once. Thread-safe.
class FakeVault {
 public:
  FakeVault();
  ~FakeVault();

  std::string address() const;
  // Flags of a caller with a good certificate.
  std::vector<std::string> Flags() const;
  const ScratchFolder& folder() const { return folder_; }
  fakes::TestAuthority& authority() { return authority_; }

  // Called before each BatchCreateRecords; a status other than OK is the answer.
  using BatchHook = std::function<grpc::Status(const v1::BatchCreateRecordsRequest&)>;
  void OnBatch(BatchHook hook);
  // After storing, the answer is lost: UNAVAILABLE. So many times.
  void LoseAnswers(int times);
  // Rows with one of these refs are refused with VALUE_INVALID for `email`.
  void RefuseRefs(std::set<std::string> refs);
  // ref -> how often it was stored.
  std::map<std::string, int> stored() const;
  std::vector<v1::BatchCreateRecordsRequest> batches() const;

  // Policies that GetPolicy answers with, by hash; the first is in force for tenants/t7, and the
  // entries of the log were decided under it.
  void KnowPolicies(std::vector<std::pair<std::string, std::string>> yaml_by_hash);

  // Who the fake knows.
  static constexpr int kTenants = 2500;
  std::vector<v1::ApproveProposalRequest> approvals() const;
  // What AdminService was asked of break-glass roles and the history of policies, and what was
  // proposed, in text format behind the type's name.
  std::vector<std::string> administered() const;
  std::vector<v1::OpenMatterRequest> opened() const;
  std::vector<v1::UpdateSubjectRequest> updated() const;
  // What SubjectService, SubjectRightsService, CredentialService, RetentionService and
  // SharingService were asked, each request in text format behind its type's name.
  std::vector<std::string> said() const;
  FakeSharing& sharing() { return *sharing_; }

 private:
  class Admin;
  class Audit;
  class Credential;
  class Rights;
  class Subject;
  class Vault;

  grpc::Status Hear(const google::protobuf::Message& request);
  grpc::Status CreateBatch(const v1::BatchCreateRecordsRequest& request,
                           v1::BatchCreateRecordsResponse* response);

  ScratchFolder folder_;
  fakes::TestAuthority authority_;
  mutable absl::Mutex mutex_;
  BatchHook hook_ ABSL_GUARDED_BY(mutex_);
  int lost_answers_ ABSL_GUARDED_BY(mutex_) = 0;
  std::set<std::string> refused_refs_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, int> stored_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> administered_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, v1::BatchCreateRecordsResponse> by_request_id_ ABSL_GUARDED_BY(mutex_);
  std::vector<v1::BatchCreateRecordsRequest> batches_ ABSL_GUARDED_BY(mutex_);
  std::vector<v1::ApproveProposalRequest> approvals_ ABSL_GUARDED_BY(mutex_);
  std::vector<v1::OpenMatterRequest> opened_ ABSL_GUARDED_BY(mutex_);
  std::vector<v1::UpdateSubjectRequest> updated_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> said_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::pair<std::string, std::string>> policies_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<Admin> admin_;
  std::unique_ptr<Audit> audit_;
  std::unique_ptr<Credential> credential_;
  std::unique_ptr<Rights> rights_;
  std::unique_ptr<FakeRetention> retention_;
  std::unique_ptr<FakeSharing> sharing_;
  std::unique_ptr<Subject> subject_;
  std::unique_ptr<Vault> vault_;
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
};

// What one run of the program left.
struct CliResult {
  int code = 0;
  std::string out;
  std::string err;
};

// Runs the program in this process, with `input` on its standard input, an empty environment and a
// clock that stands.
CliResult RunPiivault(std::vector<std::string> arguments, const std::string& input = "",
                      const std::map<std::string, std::string>& environment = {});

}  // namespace piivault::ops

#endif  // PIIVAULT_TESTS_OPS_CLI_FAKE_VAULT_H_
