// How long data is kept, and how it is destroyed: `retention show|select|list|approve|reject`.
#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "authz/reason.h"
#include "ops/cli/calls.h"
#include "ops/cli/commands.h"
#include "ops/cli/text.h"
#include "vault/text.h"

namespace piivault::ops {
namespace {

using Retention = v1::RetentionService::Stub;
using Rows = std::vector<std::vector<std::string>>;

std::string OrDash(std::string text) { return text.empty() ? "-" : text; }

void AddName(CLI::App& command, std::string* name) {
  command.add_option("NAME", *name, "List: tenants/T/destructions/ID, or ID")
      ->required()
      ->check([](const std::string& argument) {
        return IsDestruction(argument) ? std::string()
                                       : std::string("takes an ID, or tenants/T/destructions/ID");
      });
}

template <typename Request>
Prepare<Request> CompleteName() {
  return [](Session& session, Request* request) {
    request->set_name(DestructionName(session, request->name()));
    return absl::OkStatus();
  };
}

// Until when the law keeps it. Where it does and nothing says until when, its period has not begun.
std::string HeldUntil(const v1::FieldRetention& field) {
  if (field.law().empty()) return "-";
  return field.has_held_until() ? FormatField(field, "held_until") : "not begun";
}

absl::StatusOr<int> ShowRetention(Session& session, const v1::GetRetentionRequest& request) {
  auto response = Ask(session, &Connection::retention, &Retention::GetRetention, request,
                      Prepare<v1::GetRetentionRequest>([](Session& s, auto* r) {
                        r->set_subject(SubjectName(s, r->subject()));
                        return absl::OkStatus();
                      }));
  if (!response.ok()) return response.status();
  if (session.json()) {
    session.render().Json(*response);
    return kExitOk;
  }
  Rows rows;
  for (const v1::FieldRetention& field : response->fields()) {
    rows.push_back({FormatField(field, "record"), FormatField(field, "field"),
                    OrDash(FormatField(field, "law")), HeldUntil(field),
                    OrDash(FormatField(field, "due_time")), OrDash(FormatField(field, "rule")),
                    FormatField(field, "kept_by_law")});
  }
  PrintTable({"RECORD", "FIELD", "LAW", "HELD UNTIL", "DUE", "RULE", "CLOSED"}, rows,
             session.out());
  session.render().Receipt(*response);
  return kExitOk;
}

// `RETENTION_HOLD: a law keeps these fields`; of a reason that is not known here, its name.
std::string Why(const std::string& reason) {
  const std::optional<authz::Reason> found = authz::FindReason(reason);
  if (!found.has_value()) return EscapeForTerminal(reason);
  return absl::StrCat(reason, ": ", vault::AbslView(authz::GetReason(*found).meaning));
}

// What an item is called: a decided list has no names any more, but what entries call the record.
std::string RecordOf(const v1::DestructionItem& item) {
  return FormatField(item, item.record().empty() ? "record_ref" : "record");
}

// The items that were kept, or those that were not.
void PrintItems(const v1::Destruction& list, bool kept, std::ostream& out) {
  Rows rows;
  for (const v1::DestructionItem& item : list.items()) {
    if (item.kept().empty() == kept) continue;
    rows.push_back({RecordOf(item), FormatField(item, "fields"), FormatField(item, "rules"),
                    kept ? Why(item.kept()) : OrDash(FormatField(item, "due_time"))});
  }
  PrintTable({"RECORD", "FIELDS", "RULES", kept ? "KEPT" : "DUE"}, rows, out);
}

int CountKept(const v1::Destruction& list) {
  return static_cast<int>(
      std::count_if(list.items().begin(), list.items().end(),
                    [](const v1::DestructionItem& item) { return !item.kept().empty(); }));
}

// How the list stands, and what stands on it.
void PrintList(const v1::Destruction& list, std::ostream& out) {
  const int kept = CountKept(list);
  out << FormatField(list, "name") << ": ";
  if (list.state() == v1::DESTRUCTION_STATE_DESTROYED) {
    out << list.items_size() - kept << " of " << list.items_size() << " records destroyed\n";
  } else if (list.state() == v1::DESTRUCTION_STATE_REJECTED) {
    out << "rejected, " << list.items_size() << " records stay\n";
  } else {
    out << "waits for approval, " << list.items_size() << " records\n";
  }
  if (list.items_size() > kept) PrintItems(list, false, out);
  if (kept > 0) PrintItems(list, true, out);
}

// The list with what approves it, by somebody else: for the purpose for which it was selected.
void PrintSelected(Session& session, const v1::Destruction& list, const std::string& purpose) {
  PrintList(list, session.out());
  session.out() << "sha256: " << FormatField(list, "sha256") << "\n"
                << "somebody else approves it with:\n  piivault retention approve "
                << FormatField(list, "name") << " --sha256 " << FormatField(list, "sha256")
                << (purpose.empty() ? "" : " --for ") << EscapeForTerminal(purpose) << "\n";
}

struct SelectFlags {
  v1::SelectDestructionRequest request;
  bool all = false;
};

absl::StatusOr<int> Select(Session& session, const SelectFlags& flags) {
  v1::SelectDestructionRequest request = flags.request;
  int64_t looked_at = 0;
  int64_t damaged = 0;
  int64_t lists = 0;
  for (;;) {
    auto response =
        Ask(session, &Connection::retention, &Retention::SelectDestruction, request,
            Prepare<v1::SelectDestructionRequest>([](Session& s, auto* r) {
              r->set_parent(r->parent().empty() ? s.tenant() : SubjectName(s, r->parent()));
              return absl::OkStatus();
            }));
    // What was selected before stays: the lists are shown already.
    if (!response.ok()) return response.status();
    looked_at += response->looked_at();
    damaged += response->damaged();
    if (session.json()) {
      flags.all ? session.render().JsonLine(*response) : session.render().Json(*response);
    } else {
      if (response->has_destruction()) {
        if (lists++ > 0) session.out() << "\n";
        PrintSelected(session, response->destruction(), request.usage().purpose());
      }
      session.render().Receipt(*response);
    }
    request.set_page_token(response->next_page_token());
    if (!flags.all || request.page_token().empty()) break;
  }
  if (!session.json()) {
    session.err() << looked_at << " records looked at";
    if (damaged > 0) session.err() << ", " << damaged << " of them do not open";
    session.err() << (lists == 0 ? ": nothing to select\n" : "\n");
    if (!request.page_token().empty()) {
      session.err() << "there is more; the same command goes on with --page-token="
                    << EscapeForTerminal(request.page_token()) << ", and to the end with --all\n";
    }
  }
  return damaged == 0 ? kExitOk : kExitPartial;
}

void AddShow(CLI::App& group, Session& session) {
  auto request = std::make_shared<v1::GetRetentionRequest>();
  CLI::App* command = AddCommand(
      group, "show",
      "Shows how long a person's data is kept, by which law, when it is due and by which rule; "
      "CLOSED is what only a law keeps",
      session, [request](Session& s) { return ShowRetention(s, *request); });
  command->add_option("SUBJECT", *request->mutable_subject(), "Person: tenants/T/subjects/S, or S")
      ->required();
  AddUsage(*command, request->mutable_usage());
  command->footer("Example: piivault retention show SUBJECT --for rights\n");
}

void AddSelect(CLI::App& group, Session& session) {
  auto flags = std::make_shared<SelectFlags>();
  CLI::App* command = AddCommand(
      group, "select",
      "Writes a list of what is due, at most 100 records, that somebody else approves; nothing is "
      "destroyed yet",
      session, [flags](Session& s) { return Select(s, *flags); });
  command->add_option("SUBJECT", *flags->request.mutable_parent(), "Only of this person (all)")
      ->check([](const std::string& name) {
        return name.empty() ? std::string("takes a person") : std::string();
      });
  command->add_flag("--all", flags->all,
                    "Goes on until all records were looked at: as many lists as it takes");
  command->add_option("--page-token", *flags->request.mutable_page_token(),
                      "Goes on where the last call has stopped");
  AddUsage(*command, flags->request.mutable_usage());
  command->footer(
      "Ends with 3 where records do not open: nothing is known of what is due in them.\n"
      "Example: piivault retention select --all --for rights\n");
}

void AddList(CLI::App& group, Session& session) {
  auto request = std::make_shared<v1::ListDestructionsRequest>();
  auto items = std::make_shared<bool>(false);
  CLI::App* command = AddCommand(
      group, "list", "Lists what was selected, approved and rejected, newest first", session,
      [request, items](Session& s) -> absl::StatusOr<int> {
        auto response = Ask(s, &Connection::retention, &Retention::ListDestructions, *request,
                            Prepare<v1::ListDestructionsRequest>([](Session& inner, auto* r) {
                              r->set_parent(inner.tenant());
                              return absl::OkStatus();
                            }));
        if (!response.ok()) return response.status();
        if (s.json()) {
          s.render().Json(*response);
          return kExitOk;
        }
        Rows rows;
        for (const v1::Destruction& list : response->destructions()) {
          if (*items) {
            PrintList(list, s.out());
            s.out() << "sha256: " << FormatField(list, "sha256") << "\n\n";
          }
          rows.push_back({FormatField(list, "name"), FormatField(list, "state"),
                          absl::StrCat(list.items_size()), absl::StrCat(CountKept(list)),
                          FormatField(list, "selector"), FormatField(list, "select_time"),
                          OrDash(FormatField(list, "decider")),
                          OrDash(FormatField(list, "decide_time")), FormatField(list, "sha256")});
        }
        if (!*items) {
          PrintTable({"LIST", "STATE", "RECORDS", "KEPT", "SELECTED BY", "SELECTED", "DECIDED BY",
                      "DECIDED", "SHA256"},
                     rows, s.out());
        }
        s.render().Receipt(*response);
        return kExitOk;
      });
  command->add_flag_callback(
      "--waiting", [request] { request->set_selected_only(true); },
      "Only those that wait for approval");
  command->add_flag("--items", *items, "With what stands on each");
  AddUsage(*command, request->mutable_usage());
  command->footer("Example: piivault retention list --waiting --items --for rights\n");
}

void AddApprove(CLI::App& group, Session& session) {
  auto request = std::make_shared<v1::ApproveDestructionRequest>();
  CLI::App* command = AddCommand(
      group, "approve",
      "Destroys what stands on a list, all at once and for good; what is not due any more, or is "
      "kept by a law by now, stays",
      session, [request](Session& s) -> absl::StatusOr<int> {
        auto response = Ask(s, &Connection::retention, &Retention::ApproveDestruction, *request,
                            CompleteName<v1::ApproveDestructionRequest>());
        if (!response.ok()) return response.status();
        if (s.json()) {
          s.render().Json(*response);
        } else {
          PrintList(response->destruction(), s.out());
          s.render().Receipt(*response);
        }
        return CountKept(response->destruction()) == 0 ? kExitOk : kExitPartial;
      });
  AddName(*command, request->mutable_name());
  command->add_option("--sha256", *request->mutable_sha256(), "The list's hash, as it was shown")
      ->required()
      ->check([](const std::string& hash) {
        const bool hex =
            hash.size() == 64 && hash.find_first_not_of("0123456789abcdef") == std::string::npos;
        return hex ? std::string() : std::string("takes 64 lower-case hexadecimal digits");
      })
      ->type_name("HEX");
  AddUsage(*command, request->mutable_usage());
  command->footer(
      "Ends with 3 where some of it was kept.\n"
      "Example: piivault retention approve ID --sha256 4f0c… --for rights\n");
}

void AddReject(CLI::App& group, Session& session) {
  auto request = std::make_shared<v1::RejectDestructionRequest>();
  CLI::App* command =
      AddCommand(group, "reject", "Leaves what stands on a list; it can be selected again", session,
                 [request](Session& s) -> absl::StatusOr<int> {
                   auto response = Ask(s, &Connection::retention, &Retention::RejectDestruction,
                                       *request, CompleteName<v1::RejectDestructionRequest>());
                   if (!response.ok()) return response.status();
                   if (s.json()) {
                     s.render().Json(*response);
                   } else {
                     PrintList(response->destruction(), s.out());
                     s.render().Receipt(*response);
                   }
                   return kExitOk;
                 });
  AddName(*command, request->mutable_name());
  AddUsage(*command, request->mutable_usage());
  command->footer("Example: piivault retention reject ID --for rights\n");
}

}  // namespace

void AddRetentionCommands(CLI::App& root, Session& session) {
  CLI::App* group = AddGroup(root, "retention", "How long data is kept, and its destruction");
  AddShow(*group, session);
  AddSelect(*group, session);
  AddList(*group, session);
  AddApprove(*group, session);
  AddReject(*group, session);
}

}  // namespace piivault::ops
