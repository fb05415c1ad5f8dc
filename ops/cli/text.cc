#include "ops/cli/text.h"

#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace piivault::ops {
namespace {

// Calls visit(code point or -1, its bytes) for each character.
template <typename Visitor>
void ForEachCharacter(std::string_view utf8, Visitor visit) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(utf8.data());
  const auto size = static_cast<int32_t>(utf8.size());
  for (int32_t at = 0; at < size;) {
    const int32_t start = at;
    UChar32 character = 0;
    U8_NEXT(bytes, at, size, character);
    visit(character, utf8.substr(static_cast<size_t>(start), static_cast<size_t>(at - start)));
  }
}

bool IsHarmful(UChar32 character) {
  const int8_t type = u_charType(character);
  return character < 0 || type == U_CONTROL_CHAR || type == U_LINE_SEPARATOR ||
         type == U_PARAGRAPH_SEPARATOR || (character >= 0x202A && character <= 0x202E) ||
         (character >= 0x2066 && character <= 0x2069);
}

size_t WidthOf(UChar32 character) {
  const int8_t type = u_charType(character);
  if (type == U_NON_SPACING_MARK || type == U_ENCLOSING_MARK || type == U_FORMAT_CHAR) return 0;
  const int width = u_getIntPropertyValue(character, UCHAR_EAST_ASIAN_WIDTH);
  return width == U_EA_WIDE || width == U_EA_FULLWIDTH ? 2 : 1;
}

void PrintRow(const std::vector<std::string>& cells, const std::vector<size_t>& widths,
              std::ostream& out) {
  for (size_t i = 0; i < cells.size(); ++i) {
    out << cells[i];
    if (i + 1 < cells.size()) {
      out << std::string(widths[i] - DisplayWidth(cells[i]) + 2, ' ');
    }
  }
  out << "\n";
}

}  // namespace

std::string EscapeForTerminal(std::string_view utf8) {
  std::string out;
  out.reserve(utf8.size());
  ForEachCharacter(utf8, [&out](UChar32 character, std::string_view bytes) {
    if (!IsHarmful(character)) {
      out.append(bytes);
    } else if (character >= 0) {
      absl::StrAppend(&out, "\\u{", absl::Hex(character), "}");
    } else {
      out.append("\\u{fffd}");
    }
  });
  return out;
}

void PrintEscaped(std::string_view text, std::ostream& out) {
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    out << EscapeForTerminal(text.substr(0, end)) << "\n";
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

size_t DisplayWidth(std::string_view utf8) {
  size_t width = 0;
  ForEachCharacter(utf8,
                   [&width](UChar32 character, std::string_view) { width += WidthOf(character); });
  return width;
}

void PrintTable(const std::vector<std::string>& heading,
                const std::vector<std::vector<std::string>>& rows, std::ostream& out) {
  std::vector<size_t> widths;
  for (const std::string& title : heading) widths.push_back(DisplayWidth(title));
  for (const auto& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], DisplayWidth(row[i]));
  }
  PrintRow(heading, widths, out);
  for (const auto& row : rows) PrintRow(row, widths, out);
}

}  // namespace piivault::ops
