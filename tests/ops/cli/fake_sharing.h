#ifndef PIIVAULT_TESTS_OPS_CLI_FAKE_SHARING_H_
#define PIIVAULT_TESTS_OPS_CLI_FAKE_SHARING_H_

#include <functional>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "piivault/v1/sharing_service.grpc.pb.h"

namespace piivault::ops {

// A status as the vault makes it: code, ErrorInfo with reason, receipt 0/1/7 and fields.
grpc::Status Refusal(grpc::StatusCode code, const std::string& reason,
                     const std::string& fields = "");

// The part of FakeVault that shares: one token, for kPeople people, and what is said of it.
// Thread-safe.
class FakeSharing : public v1::SharingService::Service {
 public:
  static constexpr uint32_t kPeople = 10;
  static constexpr char kToken[] = "v4.public.claims.footer";
  static constexpr char kSha256[] = "abc123";
  // Beyond what one page holds.
  static constexpr int kNotices = 1500;

  using Hear = std::function<grpc::Status(const google::protobuf::Message&)>;
  explicit FakeSharing(Hear hear) : hear_(std::move(hear)) {}

  // What is issued waits for two approvals.
  void Wait();
  // There is no signing key yet, and no token that could be revoked.
  void BeNew();
  // So many calls of Redeem end with `status` behind `messages` messages, of two people each.
  void BreakRedemptions(int calls, int messages, grpc::Status status);

 private:
  using Status = grpc::Status;
  using Context = grpc::ServerContext;

  v1::ExportToken Described(const std::string& name) const;
  bool IsNew() const;
  // Whether this redemption breaks, and behind how many messages.
  bool Breaks(int* messages, Status* status);

  Status RegisterRecipient(Context*, const v1::RegisterRecipientRequest* request,
                           v1::RegisterRecipientResponse* response) override;
  Status GetRecipient(Context*, const v1::GetRecipientRequest* request,
                      v1::GetRecipientResponse* response) override;
  Status ListRecipients(Context*, const v1::ListRecipientsRequest* request,
                        v1::ListRecipientsResponse* response) override;
  Status UpdateRecipient(Context*, const v1::UpdateRecipientRequest* request,
                         v1::UpdateRecipientResponse* response) override;
  Status DisableRecipient(Context*, const v1::DisableRecipientRequest* request,
                          v1::DisableRecipientResponse* response) override;
  Status RecordRecipientAttestation(Context*, const v1::RecordRecipientAttestationRequest* request,
                                    v1::RecordRecipientAttestationResponse* response) override;
  Status RevokeRecipientAttestation(Context*, const v1::RevokeRecipientAttestationRequest* request,
                                    v1::RevokeRecipientAttestationResponse* response) override;
  Status EnrolCertificate(Context*, const v1::EnrolCertificateRequest* request,
                          v1::EnrolCertificateResponse* response) override;
  Status GetExportToken(Context*, const v1::GetExportTokenRequest* request,
                        v1::GetExportTokenResponse* response) override;
  Status ApproveExportToken(Context*, const v1::ApproveExportTokenRequest* request,
                            v1::ApproveExportTokenResponse* response) override;
  Status RejectExportToken(Context*, const v1::RejectExportTokenRequest* request,
                           v1::RejectExportTokenResponse* response) override;
  Status RevokeExportTokens(Context*, const v1::RevokeExportTokensRequest* request,
                            v1::RevokeExportTokensResponse* response) override;
  Status ListExportTokens(Context*, const v1::ListExportTokensRequest* request,
                          v1::ListExportTokensResponse* response) override;
  Status ListSigningKeys(Context*, const v1::ListSigningKeysRequest* request,
                         v1::ListSigningKeysResponse* response) override;
  Status RotateSigningKey(Context*, const v1::RotateSigningKeyRequest* request,
                          v1::RotateSigningKeyResponse* response) override;
  Status ListDisclosures(Context*, const v1::ListDisclosuresRequest* request,
                         v1::ListDisclosuresResponse* response) override;
  Status ListCorrectionNotices(Context*, const v1::ListCorrectionNoticesRequest* request,
                               v1::ListCorrectionNoticesResponse* response) override;
  Status AcknowledgeCorrectionNotices(Context*,
                                      const v1::AcknowledgeCorrectionNoticesRequest* request,
                                      v1::AcknowledgeCorrectionNoticesResponse* response) override;
  Status IssueExportToken(Context*, const v1::IssueExportTokenRequest* request,
                          grpc::ServerWriter<v1::IssueExportTokenResponse>* writer) override;
  Status RedeemExportToken(Context*, const v1::RedeemExportTokenRequest* request,
                           grpc::ServerWriter<v1::RedeemExportTokenResponse>* writer) override;
  Status StreamDisclosedRecords(
      Context*, const v1::StreamDisclosedRecordsRequest* request,
      grpc::ServerWriter<v1::StreamDisclosedRecordsResponse>* writer) override;

  const Hear hear_;
  mutable absl::Mutex mutex_;
  bool waits_ ABSL_GUARDED_BY(mutex_) = false;
  bool new_ ABSL_GUARDED_BY(mutex_) = false;
  int breaks_ ABSL_GUARDED_BY(mutex_) = 0;
  int messages_ ABSL_GUARDED_BY(mutex_) = 0;
  grpc::Status broken_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace piivault::ops

#endif  // PIIVAULT_TESTS_OPS_CLI_FAKE_SHARING_H_
