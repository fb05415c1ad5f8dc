#include "ops/cli/render.h"

#include <google/protobuf/timestamp.pb.h>
#include <google/protobuf/util/json_util.h>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "ops/cli/text.h"
#include "piivault/v1/types.pb.h"

namespace piivault::ops {
namespace {

using google::protobuf::EnumDescriptor;
using google::protobuf::EnumValueDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

// `PrincipalKind` as `PRINCIPAL_KIND_`.
std::string EnumPrefix(const EnumDescriptor& type) {
  std::string prefix;
  for (const char c : type.name()) {
    if (absl::ascii_isupper(static_cast<unsigned char>(c)) && !prefix.empty()) prefix += '_';
    prefix += absl::ascii_toupper(static_cast<unsigned char>(c));
  }
  return prefix + "_";
}

bool IsReceipt(const FieldDescriptor& field) {
  return field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE &&
         field.message_type() == v1::Receipt::descriptor();
}

std::string FormatTime(const google::protobuf::Timestamp& time) {
  const absl::Time instant =
      absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
  return absl::FormatTime(time.nanos() == 0 ? "%Y-%m-%dT%H:%M:%SZ" : "%Y-%m-%dT%H:%M:%E3SZ",
                          instant, absl::UTCTimeZone());
}

std::string FormatMessage(const Message& message) {
  // By name, as the reflection may hand out a dynamic message.
  if (message.GetDescriptor() == google::protobuf::Timestamp::descriptor()) {
    return FormatTime(static_cast<const google::protobuf::Timestamp&>(message));
  }
  if (message.GetDescriptor() == v1::Receipt::descriptor()) {
    const auto& receipt = static_cast<const v1::Receipt&>(message);
    return absl::StrCat(receipt.log(), "/", receipt.generation(), "/", receipt.index());
  }
  if (message.GetDescriptor() == v1::FieldValue::descriptor()) {
    return EscapeForTerminal(static_cast<const v1::FieldValue&>(message).value());
  }
  std::vector<const FieldDescriptor*> fields;
  message.GetReflection()->ListFields(message, &fields);
  std::vector<std::string> parts;
  for (const FieldDescriptor* field : fields) parts.push_back(FormatField(message, field->name()));
  return absl::StrJoin(parts, " ");
}

std::string FormatScalar(const Message& message, const FieldDescriptor& field) {
  const Reflection& reflection = *message.GetReflection();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      return EscapeForTerminal(reflection.GetString(message, &field));
    case FieldDescriptor::CPPTYPE_BOOL:
      return reflection.GetBool(message, &field) ? "yes" : "no";
    case FieldDescriptor::CPPTYPE_INT32:
      return absl::StrCat(reflection.GetInt32(message, &field));
    case FieldDescriptor::CPPTYPE_INT64:
      return absl::StrCat(reflection.GetInt64(message, &field));
    case FieldDescriptor::CPPTYPE_UINT32:
      return absl::StrCat(reflection.GetUInt32(message, &field));
    case FieldDescriptor::CPPTYPE_UINT64:
      return absl::StrCat(reflection.GetUInt64(message, &field));
    case FieldDescriptor::CPPTYPE_ENUM: {
      const EnumValueDescriptor* value = reflection.GetEnum(message, &field);
      return value->number() == 0 ? "" : ShortEnumName(*value);
    }
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return reflection.HasField(message, &field)
                 ? FormatMessage(reflection.GetMessage(message, &field))
                 : "";
    default:
      return "";
  }
}

std::string FormatMapEntry(const Message& entry) {
  return absl::StrCat(FormatField(entry, "key"), "=", FormatField(entry, "value"));
}

std::string FormatRepeated(const Message& message, const FieldDescriptor& field) {
  const Reflection& reflection = *message.GetReflection();
  std::vector<std::string> parts;
  for (int i = 0; i < reflection.FieldSize(message, &field); ++i) {
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
      parts.push_back(EscapeForTerminal(reflection.GetRepeatedString(message, &field, i)));
    } else if (field.is_map()) {
      parts.push_back(FormatMapEntry(reflection.GetRepeatedMessage(message, &field, i)));
    } else if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      parts.push_back(FormatMessage(reflection.GetRepeatedMessage(message, &field, i)));
    }
  }
  return absl::StrJoin(parts, ", ");
}

// One line for each field that is set; messages inside are indented below their name, and left out
// where nothing is set in them.
void PrintLines(const Message& message, size_t indent, std::ostream& out) {
  std::vector<const FieldDescriptor*> fields;
  message.GetReflection()->ListFields(message, &fields);
  const std::string margin(indent, ' ');
  for (const FieldDescriptor* field : fields) {
    if (IsReceipt(*field) && field->name() == "receipt") continue;
    const bool nested = field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE && !field->is_map() &&
                        !IsReceipt(*field) &&
                        field->message_type() != google::protobuf::Timestamp::descriptor();
    if (!nested && !field->is_map()) {
      out << margin << field->name() << ": " << FormatField(message, field->name()) << "\n";
      continue;
    }
    const Reflection& reflection = *message.GetReflection();
    const int count = field->is_repeated() ? reflection.FieldSize(message, field) : 1;
    for (int i = 0; i < count; ++i) {
      const Message& inner = field->is_repeated() ? reflection.GetRepeatedMessage(message, field, i)
                                                  : reflection.GetMessage(message, field);
      if (field->is_map()) {
        if (i == 0) out << margin << field->name() << ":\n";
        out << margin << "  " << FormatField(inner, "key") << ": " << FormatField(inner, "value")
            << "\n";
        continue;
      }
      std::vector<const FieldDescriptor*> within;
      inner.GetReflection()->ListFields(inner, &within);
      if (within.empty()) continue;
      out << margin << field->name() << ":\n";
      PrintLines(inner, indent + 2, out);
    }
  }
}

std::string ToJson(const Message& message, bool one_line) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = !one_line;
  options.always_print_primitive_fields = true;
  std::string json;
  if (!google::protobuf::util::MessageToJsonString(message, &json, options).ok()) return "";
  if (one_line) json += '\n';
  return json;
}

}  // namespace

std::string ShortEnumName(const EnumValueDescriptor& value) {
  return absl::AsciiStrToLower(absl::StripPrefix(value.name(), EnumPrefix(*value.type())));
}

std::string FormatField(const Message& message, std::string_view path) {
  const size_t dot = path.find('.');
  const FieldDescriptor* field =
      message.GetDescriptor()->FindFieldByName(std::string(path.substr(0, dot)));
  if (field == nullptr) return "";
  if (dot != std::string_view::npos) {
    const Reflection& reflection = *message.GetReflection();
    const std::string_view rest = path.substr(dot + 1);
    if (!field->is_repeated()) return FormatField(reflection.GetMessage(message, field), rest);
    std::vector<std::string> parts;
    for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
      parts.push_back(FormatField(reflection.GetRepeatedMessage(message, field, i), rest));
    }
    return absl::StrJoin(parts, ", ");
  }
  return field->is_repeated() ? FormatRepeated(message, *field) : FormatScalar(message, *field);
}

void Renderer::Show(const Message& response) const {
  if (json()) return Json(response);
  PrintLines(response, 0, out_);
  Receipt(response);
}

void Renderer::List(const Message& response, std::string_view field,
                    const std::vector<Column>& columns) const {
  if (json()) return Json(response);
  const FieldDescriptor* list = response.GetDescriptor()->FindFieldByName(std::string(field));
  const Reflection& reflection = *response.GetReflection();
  std::vector<std::string> heading;
  for (const Column& column : columns) heading.push_back(column.title);
  std::vector<std::vector<std::string>> rows;
  for (int i = 0; i < reflection.FieldSize(response, list); ++i) {
    const Message& item = reflection.GetRepeatedMessage(response, list, i);
    std::vector<std::string>& row = rows.emplace_back();
    for (const Column& column : columns) {
      std::string& cell = row.emplace_back(FormatField(item, column.path));
      if (!column.before.empty()) cell = cell == "0" ? "" : column.before + cell;
      if (cell.empty()) cell = "-";
    }
  }
  PrintTable(heading, rows, out_);
  if (!FormatField(response, "next_page_token").empty()) {
    err_ << "there is more; a larger --limit shows it\n";
  }
  Receipt(response);
}

void Renderer::JsonLine(const Message& message) const { out_ << ToJson(message, true); }

void Renderer::Json(const Message& response) const { out_ << ToJson(response, false); }

void Renderer::Receipt(const Message& response) const {
  if (json()) return;
  const FieldDescriptor* field = response.GetDescriptor()->FindFieldByName("receipt");
  if (field == nullptr || !response.GetReflection()->HasField(response, field)) return;
  err_ << "log entry " << FormatField(response, "receipt") << "\n";
}

}  // namespace piivault::ops
