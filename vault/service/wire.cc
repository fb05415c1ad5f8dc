#include "vault/service/wire.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/map_field.h>
#include <grpcpp/support/proto_buffer_reader.h>
#include <openssl/crypto.h>

#include <array>
#include <cstdlib>
#include <new>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "vault/service/method_table.h"

// Reflection keeps iteration over the map's own storage (not a copy of it) to its friends; this one
// is left for its users to define.
namespace google::protobuf::expr {
class CelMapReflectionFriend {
 public:
  template <typename Visitor>
  static void ForEachValue(Message* message, const FieldDescriptor* field, Visitor visitor) {
    const Reflection* reflection = message->GetReflection();
    const MapIterator end = reflection->MapEnd(message, field);
    for (MapIterator it = reflection->MapBegin(message, field); it != end; ++it) {
      visitor(it.MutableValueRef());
    }
  }
};
}  // namespace google::protobuf::expr

namespace piivault::vault {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using google::protobuf::io::CodedOutputStream;

void WipeAndFree(void* memory, size_t size) {
  OPENSSL_cleanse(memory, size);
  std::free(memory);
}

void* Allocate(size_t size) {
  void* memory = std::malloc(size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

void WipeText(const std::string& text) {
  // The capacity's rest too: a string that shrank has left bytes there.
  if (!text.empty()) OPENSSL_cleanse(const_cast<char*>(text.data()), text.capacity());
}

void WipeMap(Message* message, const FieldDescriptor* field) {
  const FieldDescriptor* value = field->message_type()->map_value();
  google::protobuf::expr::CelMapReflectionFriend::ForEachValue(
      message, field, [value](google::protobuf::MapValueRef* ref) {
        if (value->cpp_type() == FieldDescriptor::CPPTYPE_STRING) WipeText(ref->GetStringValue());
        if (value->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
          WipeMessage(ref->MutableMessageValue());
        }
      });
}

void WipeField(Message* message, const Reflection& reflection, const FieldDescriptor* field) {
  const bool text = field->cpp_type() == FieldDescriptor::CPPTYPE_STRING;
  if (!text && field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) return;
  if (field->is_map()) return WipeMap(message, field);
  std::string scratch;
  if (!field->is_repeated()) {
    if (text) return WipeText(reflection.GetStringReference(*message, field, &scratch));
    return WipeMessage(reflection.MutableMessage(message, field));
  }
  const int size = reflection.FieldSize(*message, field);
  for (int i = 0; i < size; ++i) {
    if (text) {
      WipeText(reflection.GetRepeatedStringReference(*message, field, i, &scratch));
    } else {
      WipeMessage(reflection.MutableRepeatedMessage(message, field, i));
    }
  }
}

absl::Duration DefaultRetry(authz::Reason reason) {
  switch (reason) {
    case authz::Reason::kQueueFull:
    case authz::Reason::kConflict:
      return absl::Milliseconds(100);
    case authz::Reason::kRateLimited:
    case authz::Reason::kLogUnavailable:
    case authz::Reason::kStorageUnavailable:
    case authz::Reason::kOutcomeUnknown:
    case authz::Reason::kKeysUnavailable:
    case authz::Reason::kShuttingDown:
      return absl::Seconds(1);
    case authz::Reason::kIndexBuilding:
      return absl::Seconds(10);
    default:
      return absl::ZeroDuration();
  }
}

}  // namespace

bool ParseRequest(grpc::ByteBuffer* buffer, Message* message) {
  grpc::ProtoBufferReader reader(buffer);
  return reader.status().ok() && message->ParseFromZeroCopyStream(&reader);
}

void WipeBuffer(grpc::ByteBuffer* buffer) {
  std::vector<grpc::Slice> slices;
  if (buffer->Valid() && buffer->Dump(&slices).ok()) {
    // The slices share the received bytes, which belong to this message alone; gRPC reads them no
    // more. (Very short ones are copies and stay.)
    for (const grpc::Slice& slice : slices) {
      OPENSSL_cleanse(const_cast<uint8_t*>(slice.begin()), slice.size());
    }
  }
  buffer->Clear();
}

void WipeMessage(Message* message) {
  const Reflection& reflection = *message->GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(*message, &fields);
  for (const FieldDescriptor* field : fields) WipeField(message, reflection, field);
}

google::protobuf::ArenaOptions WipingArena() {
  google::protobuf::ArenaOptions options;
  options.start_block_size = 1024;
  options.block_alloc = &Allocate;
  options.block_dealloc = &WipeAndFree;
  return options;
}

grpc::Slice SerializeMessage(const Message& message) {
  const size_t size = message.ByteSizeLong();
  if (size == 0) return grpc::Slice();
  void* memory = Allocate(size);
  message.SerializeWithCachedSizesToArray(static_cast<uint8_t*>(memory));
  return grpc::Slice(memory, size, &WipeAndFree);
}

grpc::Slice ReceiptField(const storage::LogPosition& position) {
  constexpr uint8_t kLengthDelimited = 2;
  std::array<uint8_t, 32> body{};
  uint8_t* end = body.data();
  const auto number = [&end](uint8_t field, uint64_t value) {
    if (value == 0) return;
    *end++ = static_cast<uint8_t>(field << 3);
    end = CodedOutputStream::WriteVarint64ToArray(value, end);
  };
  number(1, position.log);
  number(2, position.generation);
  number(3, position.index);
  const auto size = static_cast<uint8_t>(end - body.data());
  std::array<uint8_t, 34> field{};
  field[0] = kReceiptField << 3 | kLengthDelimited;
  field[1] = size;
  std::copy(body.data(), end, field.data() + 2);
  return grpc::Slice(field.data(), size + 2u);
}

grpc::Status ErrorStatus(const ErrorDetails& error) {
  const authz::ReasonInfo& known = authz::GetReason(error.reason);
  google::rpc::ErrorInfo info;
  info.set_reason(std::string(known.name));
  info.set_domain("piivault");
  auto& metadata = *info.mutable_metadata();
  if (error.receipt != nullptr) {
    metadata["log"] = absl::StrCat(error.receipt->log);
    metadata["generation"] = absl::StrCat(error.receipt->generation);
    metadata["index"] = absl::StrCat(error.receipt->index);
  }
  if (!error.fields.empty()) metadata["fields"] = absl::StrJoin(error.fields, ",");

  google::rpc::Status status;
  status.set_code(static_cast<int>(known.code));
  status.set_message(std::string(known.meaning));
  status.add_details()->PackFrom(info);
  const absl::Duration retry =
      error.retry_after > absl::ZeroDuration() ? error.retry_after : DefaultRetry(error.reason);
  if (retry > absl::ZeroDuration()) {
    google::rpc::RetryInfo retry_info;
    const int64_t nanos = absl::ToInt64Nanoseconds(retry);
    retry_info.mutable_retry_delay()->set_seconds(nanos / 1000000000);
    retry_info.mutable_retry_delay()->set_nanos(static_cast<int32_t>(nanos % 1000000000));
    status.add_details()->PackFrom(retry_info);
  }
  return grpc::Status(static_cast<grpc::StatusCode>(known.code), status.message(),
                      status.SerializeAsString());
}

}  // namespace piivault::vault
