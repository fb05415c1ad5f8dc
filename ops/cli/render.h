#ifndef PIIVAULT_OPS_CLI_RENDER_H_
#define PIIVAULT_OPS_CLI_RENDER_H_

#include <google/protobuf/message.h>

#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace piivault::ops {

enum class OutputFormat { kTable, kJson };

// A column of a table: its title and the field it shows, `a.b` for a field of a message, or of each
// where `a` is repeated.
struct Column {
  std::string title;
  std::string path;
  // Stands before a number; 0 then shows as absent.
  std::string before = "";
};

// Shows responses: tables and lists for people, protobuf's JSON mapping for programs.
//
// In JSON a command's output is the response message as it came, so that it can be read back with
// the .proto files. As a table, values are escaped for terminals and the receipt goes to `err`.
// Borrows both streams. Thread-compatible.
class Renderer {
 public:
  Renderer(OutputFormat format, std::ostream& out, std::ostream& err)
      : format_(format), out_(out), err_(err) {}

  OutputFormat format() const { return format_; }
  bool json() const { return format_ == OutputFormat::kJson; }

  // The fields of `response` one per line; a field of type Receipt goes to `err`.
  void Show(const google::protobuf::Message& response) const;
  // The messages in the repeated field `field` of `response`, one per row.
  void List(const google::protobuf::Message& response, std::string_view field,
            const std::vector<Column>& columns) const;
  // Only the message, as JSON on one line: for streams.
  void JsonLine(const google::protobuf::Message& message) const;
  // `response` whole as JSON.
  void Json(const google::protobuf::Message& response) const;
  // The receipt of `response`, to `err`; nothing in JSON.
  void Receipt(const google::protobuf::Message& response) const;

  std::ostream& out() const { return out_; }
  std::ostream& err() const { return err_; }

 private:
  const OutputFormat format_;
  std::ostream& out_;
  std::ostream& err_;
};

// One field of a message as a cell: times in RFC 3339, enumerations by their short lower-case name,
// receipts as log/generation/index, repeated fields separated by commas. Empty for absent fields.
std::string FormatField(const google::protobuf::Message& message, std::string_view path);

// `EMPLOYMENT_FULL_TIME` as `full_time`.
std::string ShortEnumName(const google::protobuf::EnumValueDescriptor& value);

}  // namespace piivault::ops

#endif  // PIIVAULT_OPS_CLI_RENDER_H_
