#include "ops/cli/response_recorder.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "ops/pki/files.h"

namespace piivault::ops {
namespace {

using google::protobuf::Message;
using google::protobuf::MessageFactory;

std::string BytesOf(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string bytes;
  if (!buffer.Dump(&slices).ok()) return bytes;
  for (const grpc::Slice& slice : slices) {
    bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return bytes;
}

}  // namespace

absl::StatusOr<std::unique_ptr<ResponseRecorder>> ResponseRecorder::Open(
    const google::protobuf::Descriptor& type, const std::string& columns_path,
    const std::vector<std::string>& columns, const std::string& first_path) {
  if (columns_path.empty() != columns.empty()) {
    return absl::InvalidArgumentError("--save and --column go together");
  }
  std::unique_ptr<ResponseRecorder> out(new ResponseRecorder(type));
  out->first_path_ = first_path;
  if (columns.empty()) return out;
  absl::StatusOr<ResponsePaths> paths = ResponsePaths::Create(type, columns);
  if (!paths.ok()) return paths.status();
  if (absl::Status status = WriteFile(columns_path, paths->Heading(), 0600); !status.ok()) {
    return status;
  }
  absl::MutexLock lock(&out->mutex_);
  out->file_.reset(std::fopen(columns_path.c_str(), "ab"));
  if (out->file_ == nullptr) return absl::UnknownError("cannot write " + columns_path);
  out->columns_ = *std::move(paths);
  return out;
}

void ResponseRecorder::Record(const grpc::ByteBuffer& message) {
  const int64_t number = messages_.fetch_add(1, std::memory_order_relaxed);
  const bool first = number == 0 && !first_path_.empty();
  if (!first && !columns_.has_value() && number % kParseEvery != 0) return;
  const std::string bytes = BytesOf(message);
  if (first) {
    absl::Status written = WriteFile(first_path_, bytes, 0600);
    absl::MutexLock lock(&mutex_);
    error_.Update(written);
  }
  const std::unique_ptr<Message> parsed(
      MessageFactory::generated_factory()->GetPrototype(&type_)->New());
  if (!parsed->ParseFromString(bytes)) {
    ++unreadable_;
    return;
  }
  if (number % kParseEvery == 0) failed_items_ += CountFailedItems(*parsed);
  if (!columns_.has_value()) return;
  std::string lines;
  columns_->Append(*parsed, &lines);
  absl::MutexLock lock(&mutex_);
  if (std::fwrite(lines.data(), 1, lines.size(), file_.get()) != lines.size()) {
    error_.Update(absl::UnknownError("cannot write the file of --save"));
  }
}

absl::Status ResponseRecorder::Close() {
  absl::MutexLock lock(&mutex_);
  if (file_ != nullptr && std::fclose(file_.release()) != 0) {
    error_.Update(absl::UnknownError("cannot write the file of --save"));
  }
  if (columns_.has_value() && unreadable_ > 0) {
    error_.Update(absl::DataLossError(
        absl::StrCat(unreadable_.load(), " responses are not of the method's type")));
  }
  return error_;
}

}  // namespace piivault::ops
