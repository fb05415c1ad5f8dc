// What arguments of several commands have in common.
#ifndef PIIVAULT_OPS_CLI_ARGUMENTS_H_
#define PIIVAULT_OPS_CLI_ARGUMENTS_H_

#include <google/protobuf/descriptor.h>
#include <google/protobuf/map.h>
#include <google/protobuf/timestamp.pb.h>

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "ops/cli/session.h"
#include "piivault/v1/types.pb.h"

namespace piivault::ops {

// A group such as `tenant`, which needs a command behind it.
CLI::App* AddGroup(CLI::App& root, const std::string& name, const std::string& description);

// A command; `action` runs after the whole line has been parsed.
CLI::App* AddCommand(CLI::App& group, const std::string& name, const std::string& description,
                     Session& session, Action action);

// A part of a command's options of which at least one has to be given; `title` heads it in the
// help.
CLI::App* AddOneOrMore(CLI::App& command, const std::string& title);

// For Option::transform(): puts `prefix` before a bare name.
std::function<std::string(std::string)> Qualified(std::string prefix);

// A record's name, also from `ref:TYPE:REF` in the session's tenant.
std::string RecordName(const Session& session, const std::string& argument);
// `tenants/…/subjects/…`, also from the bare id.
std::string SubjectName(const Session& session, const std::string& argument);
// `tenants/…/subjects/…/requests/…`, also from `SUBJECT/requests/ID`.
std::string SubjectRequestName(const Session& session, const std::string& argument);
// Whether it is one of these two.
bool IsSubjectRequest(std::string_view argument);

// `tenants/…/destructions/…`, also from the bare id.
std::string DestructionName(const Session& session, const std::string& argument);
// Whether it is one of these two.
bool IsDestruction(std::string_view argument);

// `tenants/…/recipients/…`, also from the bare id.
std::string RecipientName(const Session& session, const std::string& argument);

// `90m`, `1h30m`, `2d`; false for what is none, and for negative ones.
bool ParseLength(std::string_view text, absl::Duration* length);

// What a duration means where a time is asked for.
enum class Reckoned {
  kBack,   // before now: of what has been
  kAhead,  // from now on: of what is to come
};
// A time: RFC 3339, `YYYY-MM-DD` (its start, UTC), or a duration from `now` such as `90m` or `2d`.
absl::StatusOr<absl::Time> ParseTime(std::string_view text, absl::Time now,
                                     Reckoned reckoned = Reckoned::kBack);
google::protobuf::Timestamp ToProto(absl::Time time);

// An option whose argument is a time as ParseTime() takes it. `out` is called only where the option
// is given, so that the message's field is absent otherwise.
CLI::Option* AddTime(CLI::App& command, const std::string& flag, const std::string& description,
                     const Session& session, std::function<google::protobuf::Timestamp*()> out,
                     Reckoned reckoned = Reckoned::kBack);

// `--valid-until`: a last day, which goes to the vault as a day, as only it knows the zone of the
// policy in force; or an instant, as ParseTime() takes it. One of the two is called.
CLI::Option* AddLastDay(CLI::App& command, const Session& session,
                        std::function<std::string*()> day,
                        std::function<google::protobuf::Timestamp*()> instant);

// An option whose argument is the short name of an enumeration's value, e.g. `full_time`.
template <typename Enum>
CLI::Option* AddEnum(CLI::App& command, const std::string& flag, const std::string& description,
                     std::function<void(Enum)> set);
CLI::Option* AddEnumNumber(CLI::App& command, const std::string& flag,
                           const std::string& description,
                           const google::protobuf::EnumDescriptor& type,
                           std::function<void(int)> set);

// `--for PURPOSE --ticket T --argument NAME=VALUE --on-behalf-of SUBJECT --role ROLE`.
void AddUsage(CLI::App& command, v1::Usage* usage);
// `--request-id ID`.
void AddRequestId(CLI::App& command, std::string* request_id);
// `--channel`, `--collected-at`, `--front-hop`, `--notice`.
void AddProvenance(CLI::App& command, const Session& session, v1::Provenance* provenance);
inline constexpr char kAllowPartialHelp[] =
    "Show what is granted and name the rest, rather than refuse the whole";

// A value as an argument gives it: `text`, `@FILE` for a file's contents, `-` for standard input,
// `@@text` for a text that begins with @. One line end at the end of a file or of standard input
// is dropped.
absl::StatusOr<std::string> ReadValue(Session& session, const std::string& argument);

// `NAME=VALUE` pairs of the option `flag`, each value as ReadValue() takes it. INVALID_ARGUMENT
// without repeating values.
absl::Status ReadFields(Session& session, const std::vector<std::string>& pairs,
                        google::protobuf::Map<std::string, std::string>* fields,
                        std::string_view flag = "--field");

// The identity that the certificate in a file gives its holder.
absl::StatusOr<std::string> IdentityInFile(const std::string& certificate_path);

// `--limit N` of lists.
inline constexpr int64_t kDefaultLimit = 1000;
void AddLimit(CLI::App& command, int64_t* limit);

// Lists that come in pages: follows page tokens up to `limit` items and returns one response that
// holds all of them.
template <typename Response, typename Request, typename Call>
absl::StatusOr<Response> ReadPages(Request request, int64_t limit, const char* field, Call call);

template <typename Enum>
CLI::Option* AddEnum(CLI::App& command, const std::string& flag, const std::string& description,
                     std::function<void(Enum)> set) {
  return AddEnumNumber(command, flag, description, *google::protobuf::GetEnumDescriptor<Enum>(),
                       [set = std::move(set)](int number) { set(static_cast<Enum>(number)); });
}

template <typename Response, typename Request, typename Call>
absl::StatusOr<Response> ReadPages(Request request, int64_t limit, const char* field, Call call) {
  constexpr int64_t kPage = 1000;
  Response all;
  const auto* list = Response::descriptor()->FindFieldByName(field);
  while (true) {
    const int64_t have = all.GetReflection()->FieldSize(all, list);
    request.set_page_size(static_cast<int32_t>(std::min(kPage, limit - have)));
    absl::StatusOr<Response> page = call(request);
    if (!page.ok()) return page.status();
    all.clear_next_page_token();
    all.MergeFrom(*page);
    if (page->next_page_token().empty() || all.GetReflection()->FieldSize(all, list) >= limit) {
      return all;
    }
    request.set_page_token(page->next_page_token());
  }
}

}  // namespace piivault::ops

#endif  // PIIVAULT_OPS_CLI_ARGUMENTS_H_
