#ifndef PIIVAULT_OPS_CLI_RESPONSE_RECORDER_H_
#define PIIVAULT_OPS_CLI_RESPONSE_RECORDER_H_

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <grpcpp/support/byte_buffer.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "ops/load/response_paths.h"

namespace piivault::ops {

// What a run of `bench` keeps of the responses: columns of all of them, the bytes of the first one,
// and how many items of batches failed.
//
// Does not: parse more than each 64th response where no columns are saved, so that the client
// leaves the processor to the server. Files have mode 0600. Thread-safe.
class ResponseRecorder {
 public:
  static constexpr int64_t kParseEvery = 64;

  // Empty paths leave the files out. INVALID_ARGUMENT for columns that the type does not have.
  [[nodiscard]] static absl::StatusOr<std::unique_ptr<ResponseRecorder>> Open(
      const google::protobuf::Descriptor& type, const std::string& columns_path,
      const std::vector<std::string>& columns, const std::string& first_path);

  void Record(const grpc::ByteBuffer& message);
  // Writes what is left. DATA_LOSS where a response to be saved did not parse; errors of the files.
  [[nodiscard]] absl::Status Close();

  int64_t failed_items() const { return failed_items_; }

 private:
  struct CloseFile {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };

  explicit ResponseRecorder(const google::protobuf::Descriptor& type) : type_(type) {}

  const google::protobuf::Descriptor& type_;
  std::string first_path_;
  std::optional<ResponsePaths> columns_;
  std::atomic<int64_t> messages_ = 0;
  std::atomic<int64_t> failed_items_ = 0;
  std::atomic<int64_t> unreadable_ = 0;
  absl::Mutex mutex_;
  std::unique_ptr<std::FILE, CloseFile> file_ ABSL_GUARDED_BY(mutex_);
  absl::Status error_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace piivault::ops

#endif  // PIIVAULT_OPS_CLI_RESPONSE_RECORDER_H_
