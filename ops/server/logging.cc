#include "ops/server/logging.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdio>
#include <memory>

#include "absl/strings/str_cat.h"

namespace piivault::ops {
namespace {

constexpr char kLogger[] = "piivault";
constexpr char kJsonPattern[] = R"({"time":"%Y-%m-%dT%H:%M:%S.%e%z","level":"%l",%v})";
constexpr char kTextPattern[] = "%Y-%m-%d %H:%M:%S.%e %-5l %v";

std::string JsonQuote(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char escaped[8];
      std::snprintf(escaped, sizeof(escaped), "\\u%04x", static_cast<unsigned>(c));
      out += escaped;
    } else {
      out += c;
    }
  }
  return out + "\"";
}

spdlog::level::level_enum Level(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarn:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

bool IsJson(const spdlog::logger& logger) { return logger.name() == kLogger; }

}  // namespace

void SetUpLogging(const std::string& level, const std::string& format) {
  const bool json = format != "text";
  auto sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  // The logger's name tells Log() which form to write.
  auto logger = std::make_shared<spdlog::logger>(json ? kLogger : "piivault-text", sink);
  logger->set_pattern(json ? kJsonPattern : kTextPattern);
  logger->flush_on(spdlog::level::info);
  spdlog::set_default_logger(logger);
  SetLogLevel(level);
}

void SetLogLevel(const std::string& level) {
  spdlog::default_logger()->set_level(spdlog::level::from_str(level));
}

void Log(LogLevel level, std::string_view event,
         std::initializer_list<std::pair<std::string_view, std::string>> attributes) {
  const auto logger = spdlog::default_logger();
  if (!logger->should_log(Level(level))) return;
  std::string line;
  if (IsJson(*logger)) {
    line = "\"event\":" + JsonQuote(event);
    for (const auto& [key, value] : attributes) {
      absl::StrAppend(&line, ",", JsonQuote(key), ":", JsonQuote(value));
    }
  } else {
    line = std::string(event);
    for (const auto& [key, value] : attributes) {
      line += " " + std::string(key) + "=" + JsonQuote(value);
    }
  }
  logger->log(Level(level), spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace piivault::ops
