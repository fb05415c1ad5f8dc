#ifndef PIIVAULT_OPS_CLI_JSON_WRITER_H_
#define PIIVAULT_OPS_CLI_JSON_WRITER_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace piivault::ops {

// Writes JSON that is no protobuf message, members in the order given. The caller keeps the
// nesting; commas and escapes are this class's. REQUIRES: values are UTF-8.
class JsonWriter {
 public:
  JsonWriter& BeginObject() { return Open('{'); }
  JsonWriter& EndObject() { return Close('}'); }
  JsonWriter& BeginArray() { return Open('['); }
  JsonWriter& EndArray() { return Close(']'); }
  JsonWriter& Key(std::string_view key);
  JsonWriter& String(std::string_view value);
  JsonWriter& Number(int64_t value);
  JsonWriter& Bool(bool value);

  // A member of an object.
  JsonWriter& Member(std::string_view key, std::string_view value) {
    return Key(key).String(value);
  }
  JsonWriter& Member(std::string_view key, const std::vector<std::string>& values);

  const std::string& text() const { return text_; }

 private:
  JsonWriter& Open(char bracket);
  JsonWriter& Close(char bracket);
  void Separate();
  void Quote(std::string_view value);

  std::string text_;
  bool first_ = true;  // Nothing stands before in this object or array.
};

}  // namespace piivault::ops

#endif  // PIIVAULT_OPS_CLI_JSON_WRITER_H_
