#ifndef PIIVAULT_VAULT_SERVICE_WIRE_H_
#define PIIVAULT_VAULT_SERVICE_WIRE_H_

#include <google/protobuf/arena.h>
#include <google/protobuf/message.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/slice.h>
#include <grpcpp/support/status.h>

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "authz/reason.h"
#include "storage/engine.h"

// What goes over the wire, and what is left of it in memory afterwards. Only the transport includes
// this.
namespace piivault::vault {

// Parses a whole request; false where it is malformed (invalid UTF-8 included).
bool ParseRequest(grpc::ByteBuffer* buffer, google::protobuf::Message* message);

// Overwrites the bytes of a received buffer and lets go of it.
void WipeBuffer(grpc::ByteBuffer* buffer);

// Overwrites every string and bytes field, to any depth. The message is of no use afterwards.
void WipeMessage(google::protobuf::Message* message);

// Options of an arena whose blocks are overwritten before they are freed.
google::protobuf::ArenaOptions WipingArena();

// The message's bytes, in memory that is overwritten when gRPC is done with it.
grpc::Slice SerializeMessage(const google::protobuf::Message& message);

// The field `piivault.v1.Receipt receipt = 15` by itself: appended to a serialized response it is a
// field of that response.
grpc::Slice ReceiptField(const storage::LogPosition& position);

struct ErrorDetails {
  authz::Reason reason;
  const storage::LogPosition* receipt = nullptr;  // null where nothing was recorded
  std::vector<std::string> fields = {};           // policy names
  // Zero for the reason's default: none, or a delay for what passes by itself.
  absl::Duration retry_after = absl::ZeroDuration();
};

// Code, message and grpc-status-details-bin, all from the reason.
grpc::Status ErrorStatus(const ErrorDetails& error);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_SERVICE_WIRE_H_
