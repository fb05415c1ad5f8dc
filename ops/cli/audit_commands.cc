#include <memory>
#include <string>
#include <vector>

#include "ops/cli/calls.h"
#include "ops/cli/commands.h"
#include "ops/cli/text.h"

namespace piivault::ops {
namespace {

using Audit = v1::AuditService::Stub;

const std::vector<Column>& EntryColumns() {
  static const auto& columns = *new std::vector<Column>{
      {"POSITION", "position"}, {"TIME", "time"},         {"PRINCIPAL", "principal"},
      {"METHOD", "method"},     {"DECISION", "decision"}, {"REASON", "reason"},
      {"COUNT", "count", "×"},  {"PURPOSE", "purpose"},   {"TICKET", "ticket"},
      {"RESOURCE", "resource"}};
  return columns;
}

void AddFilter(CLI::App& command, const Session& session, v1::EntryFilter* filter) {
  command.add_option("--principal", *filter->mutable_principal(), "Who called")
      ->transform(Qualified("principals/"));
  command.add_option("--subject", *filter->mutable_subject(), "Person, full name");
  command.add_option("--record", *filter->mutable_record(), "Record, full name");
  command.add_option("--method", *filter->mutable_method(), "Method, e.g. RevealRecord");
  AddEnum<v1::EntryDecision>(
      command, "--decision", "What was decided",
      [filter](v1::EntryDecision decision) { filter->set_decision(decision); });
  AddTime(command, "--since", "Not before", session,
          [filter] { return filter->mutable_start_time(); });
  AddTime(command, "--until", "Before", session, [filter] { return filter->mutable_end_time(); });
  command
      .add_option("--break-glass", *filter->mutable_break_glass(),
                  "What was done with a break-glass role, by the use's name")
      ->transform(Qualified("breakGlassUses/"));
  command.add_option("--of-tenant", *filter->mutable_tenant(), "Of this tenant only")
      ->transform(Qualified("tenants/"));
}

// One line for each entry: the stream has no end to align a table by.
void PrintEntry(Session& session, const v1::Entry& entry) {
  std::ostream& out = session.out();
  out << FormatField(entry, "position") << "  " << FormatField(entry, "time") << "  "
      << FormatField(entry, "principal") << "  " << FormatField(entry, "method") << "  "
      << FormatField(entry, "decision");
  if (entry.count() > 0) out << "  ×" << entry.count();
  for (const char* field :
       {"reason", "purpose", "ticket", "resource", "break_glass", "further_break_glass"}) {
    if (const std::string text = FormatField(entry, field); !text.empty()) {
      out << "  " << field << "=" << text;
    }
  }
  if (entry.items_size() > 0) {
    const v1::EntryItem& first = entry.items(0);
    if (first.fields_size() > 0) out << "  fields=" << FormatField(first, "fields");
    if (first.denied_fields_size() > 0) out << "  denied=" << FormatField(first, "denied_fields");
  }
  if (entry.items_size() > 1) out << "  items=" << entry.items_size();
  out << "\n" << std::flush;
}

struct TailFlags {
  v1::TailEntriesRequest request;
  int64_t limit = 0;
};

absl::StatusOr<int> Tail(Session& session, const TailFlags& flags) {
  absl::StatusOr<Connection*> vault = session.Connect();
  if (!vault.ok()) return vault.status();
  grpc::ClientContext context;
  auto reader = (*vault)->audit().TailEntries(&context, flags.request);
  v1::TailEntriesResponse message;
  int64_t count = 0;
  while (reader->Read(&message)) {
    for (const v1::Entry& entry : message.entries()) {
      if (session.json()) {
        session.render().JsonLine(entry);
        session.out().flush();
      } else {
        PrintEntry(session, entry);
      }
      if (++count == flags.limit) {
        context.TryCancel();
        while (reader->Read(&message)) {
        }
        reader->Finish();
        return kExitOk;
      }
    }
  }
  const grpc::Status status = reader->Finish();
  if (!status.ok()) return FromGrpc(status);
  return kExitOk;
}

}  // namespace

void AddAuditCommands(CLI::App& root, Session& session) {
  CLI::App* group = AddGroup(root, "audit", "The log: who used what, why, what was decided");

  auto list = std::make_shared<v1::ListEntriesRequest>();
  auto limit = std::make_shared<int64_t>(100);
  CLI::App* command = AddCommand(
      *group, "list", "Lists entries that match all filters, oldest first", session,
      AskAndList(list, limit, &Connection::audit, &Audit::ListEntries, "entries", EntryColumns()));
  AddFilter(*command, session, list->mutable_filter());
  AddLimit(*command, limit.get());

  auto tail = std::make_shared<TailFlags>();
  command = AddCommand(*group, "tail", "Shows entries as they become durable", session,
                       [tail](Session& s) { return Tail(s, *tail); });
  AddFilter(*command, session, tail->request.mutable_filter());
  command->add_option_function<uint64_t>(
      "--start", [tail](uint64_t index) { tail->request.set_start_index(index); },
      "First index (the end of the log)");
  command->add_option("--limit", tail->limit, "End after so many entries (never)");
}

}  // namespace piivault::ops
