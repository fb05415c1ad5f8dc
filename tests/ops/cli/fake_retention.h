#ifndef PIIVAULT_TESTS_OPS_CLI_FAKE_RETENTION_H_
#define PIIVAULT_TESTS_OPS_CLI_FAKE_RETENTION_H_

#include <functional>
#include <string>
#include <utility>

#include "piivault/v1/retention_service.grpc.pb.h"

namespace piivault::ops {

// The part of FakeVault that destroys: three pages of records, of which the first and the last have
// something that is due. Thread-safe.
class FakeRetention : public v1::RetentionService::Service {
 public:
  // Of the lists that are selected; of others an approval is refused.
  static std::string Sha256() { return std::string(64, 'a'); }

  using Hear = std::function<grpc::Status(const google::protobuf::Message&)>;
  explicit FakeRetention(Hear hear) : hear_(std::move(hear)) {}

 private:
  using Status = grpc::Status;
  using Context = grpc::ServerContext;

  // A field under a law that has an end, one under a law whose period has not begun, and one that
  // is due by a rule.
  Status GetRetention(Context*, const v1::GetRetentionRequest* request,
                      v1::GetRetentionResponse* response) override;
  // Pages p2 and p3 follow the first. Of `empty` nothing is due; of `damaged` two do not open.
  Status SelectDestruction(Context*, const v1::SelectDestructionRequest* request,
                           v1::SelectDestructionResponse* response) override;
  Status ListDestructions(Context*, const v1::ListDestructionsRequest* request,
                          v1::ListDestructionsResponse* response) override;
  // Of d1 all is destroyed, of d2 one record is kept.
  Status ApproveDestruction(Context*, const v1::ApproveDestructionRequest* request,
                            v1::ApproveDestructionResponse* response) override;
  Status RejectDestruction(Context*, const v1::RejectDestructionRequest* request,
                           v1::RejectDestructionResponse* response) override;

  const Hear hear_;
};

}  // namespace piivault::ops

#endif  // PIIVAULT_TESTS_OPS_CLI_FAKE_RETENTION_H_
