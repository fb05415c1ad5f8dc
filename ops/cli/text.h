// Text on a terminal: how wide it is, and how it cannot do harm.
#ifndef PIIVAULT_OPS_CLI_TEXT_H_
#define PIIVAULT_OPS_CLI_TEXT_H_

#include <cstddef>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace piivault::ops {

// Replaces control characters and marks that change the direction of writing by \u{…}: a stored
// value must not be able to move the cursor, recolour the screen or hide what follows it.
std::string EscapeForTerminal(std::string_view utf8);

// The lines of `text`, each escaped; every line ends.
void PrintEscaped(std::string_view text, std::ostream& out);

// Columns that UTF-8 text takes in a monospaced font: two for East Asian wide characters, none for
// combining marks.
size_t DisplayWidth(std::string_view utf8);

// Rows under a heading, each column as wide as its widest cell; the last one is not padded.
void PrintTable(const std::vector<std::string>& heading,
                const std::vector<std::vector<std::string>>& rows, std::ostream& out);

}  // namespace piivault::ops

#endif  // PIIVAULT_OPS_CLI_TEXT_H_
