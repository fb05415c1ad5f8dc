#ifndef PIIVAULT_OPS_LOAD_RESPONSE_PATHS_H_
#define PIIVAULT_OPS_LOAD_RESPONSE_PATHS_H_

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace piivault::ops {

// Columns taken out of responses: NAME=PATH, where the path has the names of fields with dots
// between them, and after a map its key: `results.tokens.email`.
//
// A response has one line for each element of the innermost repeated field that a path goes
// through, or one line where none does. Elements whose `failure` is set have none, and neither have
// those with a tab or a line end in a cell.
//
// Immutable once made; thread-safe.
class ResponsePaths {
 public:
  // INVALID_ARGUMENT where a path names no field of `type`, ends at a message, or goes through
  // another repeated field than the others.
  [[nodiscard]] static absl::StatusOr<ResponsePaths> Create(
      const google::protobuf::Descriptor& type, const std::vector<std::string>& columns);

  // The names with tabs between them, and a line end.
  std::string Heading() const;
  // Appends the lines of `response`. REQUIRES: it is of the type given.
  void Append(const google::protobuf::Message& response, std::string* lines) const;

 private:
  struct Step {
    const google::protobuf::FieldDescriptor* field = nullptr;
    bool list = false;
    std::string key;  // of a map
  };
  using Path = std::vector<Step>;

  ResponsePaths() = default;
  static absl::StatusOr<Path> Compile(const google::protobuf::Descriptor& type,
                                      const std::string& text);
  absl::Status ChooseItems();
  void AppendItems(const google::protobuf::Message& response,
                   const google::protobuf::Message& message, size_t at, std::vector<int>* indices,
                   std::string* lines) const;
  void AppendLine(const google::protobuf::Message& response, const std::vector<int>& indices,
                  std::string* lines) const;

  std::vector<std::string> names_;
  std::vector<Path> paths_;
  Path items_;  // to the innermost repeated field; empty where there is none
};

// How many elements of a batch response's `results` have their `failure` set; 0 for other types.
int64_t CountFailedItems(const google::protobuf::Message& response);

}  // namespace piivault::ops

#endif  // PIIVAULT_OPS_LOAD_RESPONSE_PATHS_H_
