#include "ops/cli/arguments.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/civil_time.h"
#include "ops/cli/render.h"
#include "ops/pki/certificate_authority.h"
#include "ops/pki/files.h"
#include "vault/text.h"

namespace piivault::ops {
namespace {

constexpr size_t kMaxValue = size_t{16} << 20;

void DropLineEnd(std::string* text) {
  if (absl::EndsWith(*text, "\n")) text->pop_back();
  if (absl::EndsWith(*text, "\r")) text->pop_back();
}

}  // namespace

CLI::App* AddGroup(CLI::App& root, const std::string& name, const std::string& description) {
  CLI::App* group = root.add_subcommand(name, description);
  group->require_subcommand(1);
  return group;
}

CLI::App* AddCommand(CLI::App& group, const std::string& name, const std::string& description,
                     Session& session, Action action) {
  CLI::App* command = group.add_subcommand(name, description);
  command->callback(
      [&session, action = std::move(action)]() mutable { session.action = std::move(action); });
  return command;
}

CLI::App* AddOneOrMore(CLI::App& command, const std::string& title) {
  CLI::App* group = command.add_option_group(title, "At least one of these is needed");
  group->require_option(1, 0);
  return group;
}

std::function<std::string(std::string)> Qualified(std::string prefix) {
  return [prefix = std::move(prefix)](std::string name) {
    return absl::StartsWith(name, prefix) ? name : absl::StrCat(prefix, name);
  };
}

std::string RecordName(const Session& session, const std::string& argument) {
  if (!absl::StartsWith(argument, "ref:")) return argument;
  return absl::StrCat(session.tenant(), "/records/", argument);
}

std::string SubjectName(const Session& session, const std::string& argument) {
  if (absl::StrContains(argument, '/')) return argument;
  return absl::StrCat(session.tenant(), "/subjects/", argument);
}

std::string SubjectRequestName(const Session& session, const std::string& argument) {
  if (absl::StartsWith(argument, "tenants/")) return argument;
  return absl::StrCat(session.tenant(), "/subjects/", argument);
}

bool IsSubjectRequest(std::string_view argument) {
  std::vector<absl::string_view> parts = absl::StrSplit(vault::AbslView(argument), '/');
  if (std::count(parts.begin(), parts.end(), "") != 0) return false;
  if (parts.size() == 6 && parts[0] == "tenants" && parts[2] == "subjects") {
    parts.erase(parts.begin(), parts.begin() + 3);
  }
  return parts.size() == 3 && parts[0] != "tenants" && parts[1] == "requests";
}

std::string DestructionName(const Session& session, const std::string& argument) {
  if (absl::StrContains(argument, '/')) return argument;
  return absl::StrCat(session.tenant(), "/destructions/", argument);
}

bool IsDestruction(std::string_view argument) {
  const std::vector<absl::string_view> parts = absl::StrSplit(vault::AbslView(argument), '/');
  if (std::count(parts.begin(), parts.end(), "") != 0) return false;
  return parts.size() == 1 ||
         (parts.size() == 4 && parts[0] == "tenants" && parts[2] == "destructions");
}

std::string RecipientName(const Session& session, const std::string& argument) {
  if (absl::StrContains(argument, '/')) return argument;
  return absl::StrCat(session.tenant(), "/recipients/", argument);
}

bool ParseLength(std::string_view text, absl::Duration* length) {
  constexpr int kMostDays = 100'000;
  int days = 0;
  if (text.ends_with('d') &&
      absl::SimpleAtoi(vault::AbslView(text.substr(0, text.size() - 1)), &days)) {
    *length = absl::Hours(24) * days;
    return days >= 0 && days <= kMostDays;
  }
  return absl::ParseDuration(vault::AbslView(text), length) && *length >= absl::ZeroDuration();
}

absl::StatusOr<absl::Time> ParseTime(std::string_view text, absl::Time now, Reckoned reckoned) {
  absl::Time time;
  absl::Duration length;
  std::string error;
  const bool ahead = reckoned == Reckoned::kAhead;
  if (ParseLength(text, &length)) return ahead ? now + length : now - length;
  if (absl::ParseTime(absl::RFC3339_full, vault::AbslView(text), &time, &error) ||
      absl::ParseTime("%Y-%m-%d", vault::AbslView(text), absl::UTCTimeZone(), &time, &error)) {
    return time;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("a time is 2026-01-31T12:00:00Z, 2026-01-31, or a duration ",
                   ahead ? "from now on" : "before now", " such as 90m or 2d"));
}

google::protobuf::Timestamp ToProto(absl::Time time) {
  google::protobuf::Timestamp out;
  const int64_t seconds = absl::ToUnixSeconds(time);
  out.set_seconds(seconds);
  out.set_nanos(
      static_cast<int32_t>(absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds))));
  return out;
}

CLI::Option* AddTime(CLI::App& command, const std::string& flag, const std::string& description,
                     const Session& session, std::function<google::protobuf::Timestamp*()> out,
                     Reckoned reckoned) {
  return command
      .add_option_function<std::string>(
          flag,
          [&session, out = std::move(out), reckoned](const std::string& text) {
            auto time = ParseTime(text, session.now(), reckoned);
            if (time.ok()) *out() = ToProto(*time);
          },
          description)
      ->check([&session, reckoned](const std::string& text) {
        return std::string(ParseTime(text, session.now(), reckoned).status().message());
      })
      ->type_name("TIME");
}

CLI::Option* AddLastDay(CLI::App& command, const Session& session,
                        std::function<std::string*()> day,
                        std::function<google::protobuf::Timestamp*()> instant) {
  return command
      .add_option_function<std::string>(
          "--valid-until",
          [&session, day = std::move(day), instant = std::move(instant)](const std::string& text) {
            absl::CivilDay civil;
            if (absl::ParseCivilTime(text, &civil)) {
              *day() = absl::FormatCivilTime(civil);
            } else if (auto time = ParseTime(text, session.now(), Reckoned::kAhead); time.ok()) {
              *instant() = ToProto(*time);
            }
          },
          "Last valid day, YYYY-MM-DD, to its end in the policy's zone; or an instant")
      ->check([&session](const std::string& text) {
        return std::string(ParseTime(text, session.now(), Reckoned::kAhead).status().message());
      });
}

CLI::Option* AddEnumNumber(CLI::App& command, const std::string& flag,
                           const std::string& description,
                           const google::protobuf::EnumDescriptor& type,
                           std::function<void(int)> set) {
  std::map<std::string, int> names;
  for (int i = 0; i < type.value_count(); ++i) {
    if (type.value(i)->number() != 0) {
      names[ShortEnumName(*type.value(i))] = type.value(i)->number();
    }
  }
  std::vector<std::string> choices;
  for (const auto& [name, number] : names) choices.push_back(name);
  return command
      .add_option_function<std::string>(
          flag,
          [names, set = std::move(set)](const std::string& name) {
            if (const auto it = names.find(name); it != names.end()) set(it->second);
          },
          description)
      ->check(CLI::IsMember(choices));
}

void AddUsage(CLI::App& command, v1::Usage* usage) {
  command.add_option("--for", *usage->mutable_purpose(), "Purpose, an id of the policy in force")
      ->type_name("PURPOSE");
  command.add_option("--ticket", *usage->mutable_ticket(), "Ticket or case; goes into the log");
  command
      .add_option_function<std::vector<std::string>>(
          "--argument",
          [usage](const std::vector<std::string>& pairs) {
            for (const std::string& pair : pairs) {
              const size_t equals = pair.find('=');
              (*usage->mutable_arguments())[pair.substr(0, equals)] = pair.substr(equals + 1);
            }
          },
          "What else the purpose asks for, NAME=VALUE; goes into the log; may be given several "
          "times")
      ->check([](const std::string& pair) {
        const size_t equals = pair.find('=');
        return equals == std::string::npos || equals == 0 ? std::string("takes NAME=VALUE")
                                                          : std::string();
      })
      ->type_name("NAME=VALUE");
  command.add_option("--on-behalf-of", *usage->mutable_on_behalf_of(),
                     "The person that you act for, tenants/T/subjects/S");
  command.add_option("--role", *usage->mutable_role(), "Role to act with (the best one)");
}

void AddLimit(CLI::App& command, int64_t* limit) {
  command.add_option("--limit", *limit, "Most items to show")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 40))
      ->capture_default_str();
}

void AddRequestId(CLI::App& command, std::string* request_id) {
  command.add_option("--request-id", *request_id, "Makes a retry safe: takes effect once in 24 h");
}

void AddProvenance(CLI::App& command, const Session& session, v1::Provenance* provenance) {
  command.add_option("--channel", *provenance->mutable_channel(),
                     "How the data came in, an id of the policy");
  AddTime(command, "--collected-at", "When the person gave the data", session,
          [provenance] { return provenance->mutable_collected_at(); });
  AddEnum<v1::FrontHop>(command, "--front-hop", "Protection of the hop from the person",
                        [provenance](v1::FrontHop hop) { provenance->set_front_hop(hop); });
  command.add_option("--notice", *provenance->mutable_notice(),
                     "Id of the notice under which it was collected");
}

absl::StatusOr<std::string> ReadValue(Session& session, const std::string& argument) {
  if (argument == "-") {
    std::string text{std::istreambuf_iterator<char>(session.in()),
                     std::istreambuf_iterator<char>()};
    DropLineEnd(&text);
    return text;
  }
  if (absl::StartsWith(argument, "@@")) return argument.substr(1);
  if (!absl::StartsWith(argument, "@")) return argument;
  absl::StatusOr<std::string> text = ReadFile(argument.substr(1), kMaxValue);
  if (!text.ok()) return text.status();
  DropLineEnd(&*text);
  return text;
}

absl::Status ReadFields(Session& session, const std::vector<std::string>& pairs,
                        google::protobuf::Map<std::string, std::string>* fields,
                        std::string_view flag) {
  for (const std::string& pair : pairs) {
    const size_t equals = pair.find('=');
    if (equals == std::string::npos || equals == 0) {
      return absl::InvalidArgumentError(
          absl::StrCat(std::string(flag), " takes NAME=VALUE, NAME=@FILE or NAME=-"));
    }
    absl::StatusOr<std::string> value = ReadValue(session, pair.substr(equals + 1));
    if (!value.ok()) return value.status();
    if (!fields->insert({pair.substr(0, equals), *std::move(value)}).second) {
      return absl::InvalidArgumentError(
          absl::StrCat(std::string(flag), " ", pair.substr(0, equals), " is given twice"));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> IdentityInFile(const std::string& certificate_path) {
  absl::StatusOr<std::string> pem = ReadFile(certificate_path, size_t{1} << 20);
  if (!pem.ok()) return pem.status();
  absl::StatusOr<CertificateInfo> info = DescribeCertificate(*pem);
  if (!info.ok()) return info.status();
  return IdentityOf(*info);
}

}  // namespace piivault::ops
