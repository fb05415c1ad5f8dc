#ifndef PIIVAULT_OPS_SERVER_LOGGING_H_
#define PIIVAULT_OPS_SERVER_LOGGING_H_

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace piivault::ops {

enum class LogLevel { kDebug, kInfo, kWarn, kError };

// Sets up the one log, to standard error, one line an event: JSON objects or text.
// `level` and `format` as in Config::Log.
void SetUpLogging(const std::string& level, const std::string& format);
void SetLogLevel(const std::string& level);

// Writes one event: a fixed text and attributes whose values are counts, names of resources or
// status texts of our own. Never a value of a request.
void Log(LogLevel level, std::string_view event,
         std::initializer_list<std::pair<std::string_view, std::string>> attributes = {});

}  // namespace piivault::ops

#endif  // PIIVAULT_OPS_SERVER_LOGGING_H_
