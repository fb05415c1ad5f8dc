#include "ops/load/response_paths.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/types/span.h"

namespace piivault::ops {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

absl::Status PathError(const std::string& path, const std::string& what) {
  return absl::InvalidArgumentError(absl::StrCat("column path ", path, ": ", what));
}

std::string Format(const Message& message, const FieldDescriptor& field, int index) {
  const Reflection& reflection = *message.GetReflection();
  const bool list = field.is_repeated();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      return list ? reflection.GetRepeatedString(message, &field, index)
                  : reflection.GetString(message, &field);
    case FieldDescriptor::CPPTYPE_BOOL:
      return (list ? reflection.GetRepeatedBool(message, &field, index)
                   : reflection.GetBool(message, &field))
                 ? "true"
                 : "false";
    case FieldDescriptor::CPPTYPE_INT32:
      return absl::StrCat(list ? reflection.GetRepeatedInt32(message, &field, index)
                               : reflection.GetInt32(message, &field));
    case FieldDescriptor::CPPTYPE_INT64:
      return absl::StrCat(list ? reflection.GetRepeatedInt64(message, &field, index)
                               : reflection.GetInt64(message, &field));
    case FieldDescriptor::CPPTYPE_UINT32:
      return absl::StrCat(list ? reflection.GetRepeatedUInt32(message, &field, index)
                               : reflection.GetUInt32(message, &field));
    case FieldDescriptor::CPPTYPE_UINT64:
      return absl::StrCat(list ? reflection.GetRepeatedUInt64(message, &field, index)
                               : reflection.GetUInt64(message, &field));
    case FieldDescriptor::CPPTYPE_ENUM:
      return (list ? reflection.GetRepeatedEnum(message, &field, index)
                   : reflection.GetEnum(message, &field))
          ->name();
    default:
      return "";
  }
}

bool IsScalar(const FieldDescriptor& field) {
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_MESSAGE:
    case FieldDescriptor::CPPTYPE_DOUBLE:
    case FieldDescriptor::CPPTYPE_FLOAT:
      return false;
    default:
      return true;
  }
}

// The entry of a map with this key, or null.
const Message* FindEntry(const Message& message, const FieldDescriptor& map,
                         const std::string& key) {
  const Reflection& reflection = *message.GetReflection();
  const FieldDescriptor* key_field = map.message_type()->map_key();
  for (int i = 0; i < reflection.FieldSize(message, &map); ++i) {
    const Message& entry = reflection.GetRepeatedMessage(message, &map, i);
    if (entry.GetReflection()->GetString(entry, key_field) == key) return &entry;
  }
  return nullptr;
}

bool HasFailure(const Message& item) {
  const FieldDescriptor* failure = item.GetDescriptor()->FindFieldByName("failure");
  return failure != nullptr && !failure->is_repeated() && failure->message_type() != nullptr &&
         item.GetReflection()->HasField(item, failure);
}

}  // namespace

absl::StatusOr<ResponsePaths> ResponsePaths::Create(const Descriptor& type,
                                                    const std::vector<std::string>& columns) {
  ResponsePaths out;
  for (const std::string& column : columns) {
    const std::pair<std::string, std::string> parts =
        absl::StrSplit(column, absl::MaxSplits('=', 1));
    if (parts.first.empty() || parts.second.empty()) {
      return absl::InvalidArgumentError("a column to save is NAME=PATH");
    }
    absl::StatusOr<Path> path = Compile(type, parts.second);
    if (!path.ok()) return path.status();
    out.names_.push_back(parts.first);
    out.paths_.push_back(*std::move(path));
  }
  if (absl::Status status = out.ChooseItems(); !status.ok()) return status;
  return out;
}

absl::StatusOr<ResponsePaths::Path> ResponsePaths::Compile(const Descriptor& type,
                                                           const std::string& text) {
  Path path;
  const Descriptor* at = &type;
  const std::vector<std::string> names = absl::StrSplit(text, '.');
  for (size_t i = 0; i < names.size(); ++i) {
    const FieldDescriptor* field = at == nullptr ? nullptr : at->FindFieldByName(names[i]);
    if (field == nullptr) return PathError(text, absl::StrCat("there is no field ", names[i]));
    path.push_back({field, field->is_repeated() && !field->is_map(), ""});
    if (field->is_map()) {
      const FieldDescriptor* value = field->message_type()->map_value();
      if (field->message_type()->map_key()->type() != FieldDescriptor::TYPE_STRING ||
          ++i == names.size()) {
        return PathError(text, absl::StrCat("a key, which is text, has to follow ", names[i - 1]));
      }
      path.back().key = names[i];
      path.push_back({value, false, ""});
      field = value;
    }
    at = field->message_type();
  }
  if (!IsScalar(*path.back().field)) return PathError(text, "it does not end at one value");
  return path;
}

// The path with most lists says what an item is; the others' lists have to be among its own.
absl::Status ResponsePaths::ChooseItems() {
  const auto lists = [](const Path& path) {
    const auto last =
        std::find_if(path.rbegin(), path.rend(), [](const Step& s) { return s.list; });
    return static_cast<size_t>(path.rend() - last);
  };
  for (const Path& path : paths_) {
    const size_t size = lists(path);
    if (size > items_.size()) items_.assign(path.begin(), path.begin() + static_cast<long>(size));
  }
  const auto same = [](const Step& a, const Step& b) {
    return a.field == b.field && a.key == b.key;
  };
  for (size_t i = 0; i < paths_.size(); ++i) {
    const auto end = paths_[i].begin() + static_cast<long>(lists(paths_[i]));
    if (!std::equal(paths_[i].begin(), end, items_.begin(), same)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "column ", names_[i], " goes through another repeated field than the others"));
    }
  }
  return absl::OkStatus();
}

std::string ResponsePaths::Heading() const { return absl::StrJoin(names_, "\t") + "\n"; }

void ResponsePaths::Append(const Message& response, std::string* lines) const {
  std::vector<int> indices;
  AppendItems(response, response, 0, &indices, lines);
}

void ResponsePaths::AppendItems(const Message& response, const Message& message, size_t at,
                                std::vector<int>* indices, std::string* lines) const {
  if (at == items_.size()) {
    if (!HasFailure(message)) AppendLine(response, *indices, lines);
    return;
  }
  const Step& step = items_[at];
  const Reflection& reflection = *message.GetReflection();
  if (!step.list) {
    const Message* next = step.key.empty() ? &reflection.GetMessage(message, step.field)
                                           : FindEntry(message, *step.field, step.key);
    if (next != nullptr) AppendItems(response, *next, at + 1, indices, lines);
    return;
  }
  for (int i = 0; i < reflection.FieldSize(message, step.field); ++i) {
    indices->push_back(i);
    if (step.field->message_type() == nullptr) {
      AppendLine(response, *indices, lines);
    } else {
      AppendItems(response, reflection.GetRepeatedMessage(message, step.field, i), at + 1, indices,
                  lines);
    }
    indices->pop_back();
  }
}

void ResponsePaths::AppendLine(const Message& response, const std::vector<int>& indices,
                               std::string* lines) const {
  const size_t before = lines->size();
  for (const Path& path : paths_) {
    const Message* at = &response;
    size_t list = 0;
    std::string cell;
    for (const Step& step : path) {
      const int index = step.list ? indices[list++] : 0;
      const Reflection& reflection = *at->GetReflection();
      if (&step == &path.back()) {
        cell = Format(*at, *step.field, index);
      } else if (step.list) {
        at = &reflection.GetRepeatedMessage(*at, step.field, index);
      } else if (step.key.empty()) {
        at = &reflection.GetMessage(*at, step.field);
      } else if ((at = FindEntry(*at, *step.field, step.key)) == nullptr) {
        break;
      }
    }
    if (cell.find_first_of("\t\r\n") != std::string::npos) {
      lines->resize(before);
      return;
    }
    if (&path != &paths_.front()) lines->push_back('\t');
    lines->append(cell);
  }
  lines->push_back('\n');
}

int64_t CountFailedItems(const Message& response) {
  const FieldDescriptor* results = response.GetDescriptor()->FindFieldByName("results");
  if (results == nullptr || !results->is_repeated() || results->message_type() == nullptr) return 0;
  const Reflection& reflection = *response.GetReflection();
  int64_t failed = 0;
  for (int i = 0; i < reflection.FieldSize(response, results); ++i) {
    if (HasFailure(reflection.GetRepeatedMessage(response, results, i))) ++failed;
  }
  return failed;
}

}  // namespace piivault::ops
