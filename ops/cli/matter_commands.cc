#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "ops/cli/calls.h"
#include "ops/cli/commands.h"

namespace piivault::ops {
namespace {

using Subject = v1::SubjectService::Stub;

std::vector<Column> MatterColumns() {
  return {{"KIND", "kind"},         {"ID", "id"},
          {"STATE", "state"},       {"PARTY", "party"},
          {"PURPOSES", "purposes"}, {"UNTIL", "not_after"},
          {"OPENED", "open_time"},  {"CHANGED", "update_time"},
          {"TYPE", "type"},         {"EVENTS", "events"},
          {"RECORDS", "records"}};
}

// An option with one text, which `add` takes; it may be repeated.
void AddEach(CLI::App& command, const std::string& name, const std::string& description,
             const std::string& type_name, std::function<void(const std::string&)> add) {
  command
      .add_option_function<std::vector<std::string>>(
          name,
          [add = std::move(add)](const std::vector<std::string>& texts) {
            for (const std::string& text : texts) add(text);
          },
          description + "; may be repeated")
      ->type_name(type_name)
      ->allow_extra_args(false);
}

template <typename Request>
void AddEvents(CLI::App& command, const std::string& of, Request* request) {
  AddEach(command, "--event", "What has happened with " + of + " now, e.g. settled", "EVENT",
          [request](const std::string& event) { request->add_events(event); });
}

// `--subject`, a person; without it the matter is the tenant's.
void AddParent(CLI::App& command, std::string* parent) {
  command.add_option("--subject", *parent, "The person whose matter it is (the tenant's own)");
}

template <typename Request>
Prepare<Request> CompleteParent() {
  return [](Session& session, Request* request) {
    const std::string& subject = request->parent();
    request->set_parent(subject.empty() ? session.tenant() : SubjectName(session, subject));
    return absl::OkStatus();
  };
}

void AddOpen(CLI::App& group, Session& session) {
  auto request = std::make_shared<v1::OpenMatterRequest>();
  CLI::App* command =
      AddCommand(group, "open", "Opens a case, an order, an instruction and the like", session,
                 AskAndShow(request, &Connection::subject, &Subject::OpenMatter,
                            CompleteParent<v1::OpenMatterRequest>()));
  v1::Matter* matter = request->mutable_matter();
  command->add_option("KIND", *matter->mutable_kind(), "A matter of the policy")->required();
  command->add_option("ID", *matter->mutable_id(), "Your own id of it; goes into the log")
      ->required();
  AddParent(*command, request->mutable_parent());
  command->add_option("--state", *matter->mutable_state(), "One of the policy's (the first)");
  command->add_option("--party", *matter->mutable_party(),
                      "The controller that it is about, where the policy says so");
  AddEach(*command, "--purpose", "Only for this purpose", "PURPOSE",
          [matter](const std::string& purpose) { matter->add_purposes(purpose); });
  command->add_option("--type", *matter->mutable_type(), "One of the policy's (the first)");
  AddEach(*command, "--record", "Record of the person that it is about, its full name", "RECORD",
          [matter](const std::string& record) { matter->add_records(record); });
  AddTime(
      *command, "--until", "Last instant (no end)", session,
      [matter] { return matter->mutable_not_after(); }, Reckoned::kAhead);
  AddUsage(*command, request->mutable_usage());
}

void AddUpdate(CLI::App& group, Session& session) {
  auto request = std::make_shared<v1::UpdateMatterRequest>();
  CLI::App* command =
      AddCommand(group, "update", "Says how a matter stands now, and what has happened", session,
                 AskAndShow(request, &Connection::subject, &Subject::UpdateMatter,
                            CompleteParent<v1::UpdateMatterRequest>()));
  command->add_option("KIND", *request->mutable_kind(), "A matter of the policy")->required();
  command->add_option("ID", *request->mutable_id(), "As it was opened")->required();
  command->add_option("STATE", *request->mutable_state(), "One of the policy's (as it is)");
  AddParent(*command, request->mutable_parent());
  command->add_option("--type", *request->mutable_type(),
                      "What it has turned out to be; never what stands before in the policy");
  AddEach(*command, "--record", "Further record of the person that it is about, its full name",
          "RECORD", [request](const std::string& record) { request->add_add_records(record); });
  AddEvents(*command, "it", request.get());
  AddUsage(*command, request->mutable_usage());
}

void AddList(CLI::App& group, Session& session) {
  auto request = std::make_shared<v1::ListMattersRequest>();
  CLI::App* command = AddCommand(group, "list", "Lists the matters of a person or of the tenant",
                                 session, [request](Session& s) -> absl::StatusOr<int> {
                                   auto response =
                                       Ask(s, &Connection::subject, &Subject::ListMatters, *request,
                                           CompleteParent<v1::ListMattersRequest>());
                                   if (!response.ok()) return response.status();
                                   s.render().List(*response, "matters", MatterColumns());
                                   return kExitOk;
                                 });
  AddParent(*command, request->mutable_parent());
  AddUsage(*command, request->mutable_usage());
}

// What the options of `subject update` hold besides the request.
struct UpdateFlags {
  v1::UpdateSubjectRequest request;
  std::vector<std::string> mandates;      // AGENT=SHA256
  std::vector<std::string> end_mandates;  // AGENT
  google::protobuf::Timestamp mandates_end;
};

absl::Status Complete(Session& session, const UpdateFlags& flags,
                      v1::UpdateSubjectRequest* request) {
  request->set_subject(SubjectName(session, request->subject()));
  if (!request->holder().empty()) request->set_holder(SubjectName(session, request->holder()));
  for (const std::string& text : flags.mandates) {
    const size_t mark = text.find('=');
    if (mark == std::string::npos) {
      return absl::InvalidArgumentError("--mandate wants AGENT=SHA256");
    }
    v1::Mandate& mandate = *request->add_mandates();
    mandate.set_agent(SubjectName(session, text.substr(0, mark)));
    mandate.set_document_sha256(text.substr(mark + 1));
    if (flags.mandates_end.seconds() != 0) *mandate.mutable_not_after() = flags.mandates_end;
  }
  for (const std::string& agent : flags.end_mandates) {
    request->add_end_mandates(SubjectName(session, agent));
  }
  return absl::OkStatus();
}

}  // namespace

void AddSubjectUpdateCommand(CLI::App& subject, Session& session) {
  auto flags = std::make_shared<UpdateFlags>();
  CLI::App* command = AddCommand(
      subject, "update", "Says who holds a person's account, who acts for the person, and the like",
      session, [flags](Session& s) -> absl::StatusOr<int> {
        auto response = Ask(s, &Connection::subject, &Subject::UpdateSubject, flags->request,
                            Prepare<v1::UpdateSubjectRequest>([flags](Session& inner, auto* r) {
                              return Complete(inner, *flags, r);
                            }));
        if (!response.ok()) return response.status();
        s.render().Show(*response);
        return kExitOk;
      });
  v1::UpdateSubjectRequest* request = &flags->request;
  command->add_option("SUBJECT", *request->mutable_subject(), "Person")->required();
  CLI::Option* holder = command->add_option_function<std::string>(
      "--holder", [request](const std::string& name) { request->set_holder(name); },
      "Person who holds the account");
  command
      ->add_flag_callback(
          "--no-holder", [request] { request->set_holder(""); }, "The person has an own account")
      ->excludes(holder);
  command->add_option_function<std::string>(
      "--department", [request](const std::string& name) { request->set_department(name); },
      "Department that the data belongs to");
  command->add_option_function<bool>(
      "--contract-active", [request](bool active) { request->set_contract_active(active); },
      "Whether the contract lasts: true or false");
  command
      ->add_option("--mandate", flags->mandates,
                   "AGENT=SHA256: the person who acts, and the mandate; may be repeated")
      ->check([](const std::string& pair) {
        const size_t mark = pair.find('=');
        return mark == std::string::npos || mark == 0 ? std::string("takes AGENT=SHA256")
                                                      : std::string();
      })
      ->type_name("AGENT=SHA256");
  AddTime(
      *command, "--until", "Last instant of these mandates (no end)", session,
      [flags] { return &flags->mandates_end; }, Reckoned::kAhead);
  AddEvents(*command, "the person as a whole", request);
  command->add_option("--end-mandate", flags->end_mandates,
                      "The mandate of this person ends; may be repeated");
  AddUsage(*command, request->mutable_usage());
}

void AddMatterCommands(CLI::App& root, Session& session) {
  CLI::App* group = AddGroup(root, "matter", "Cases, orders and instructions that uses rest on");
  AddOpen(*group, session);
  AddUpdate(*group, session);
  AddList(*group, session);
}

}  // namespace piivault::ops
