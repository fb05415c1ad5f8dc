#include "ops/cli/provision_record.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "ops/cli/csv.h"
#include "ops/cli/json_writer.h"
#include "ops/cli/render.h"

namespace piivault::ops {
namespace {

using Strings = std::vector<std::string>;

// Of one row: its columns, in order.
constexpr const char* kColumns[] = {
    "date",           "recipient", "recipient_name", "recipient_address",
    "representative", "country",   "person",         "items",
    "purpose",        "basis",     "rule",           "consents",
    "assertions",     "token",     "issuer",         "disclosure"};

// Neither items nor ids of consents have spaces.
std::string Joined(const Strings& values) { return absl::StrJoin(values, " "); }

void AddOnce(const std::string& value, Strings* list) {
  const auto at = std::lower_bound(list->begin(), list->end(), value);
  if (value.empty() || (at != list->end() && *at == value)) return;
  list->insert(at, value);
}

std::string Assertions(const v1::Disclosure& disclosure) {
  Strings parts;
  for (const auto& [name, value] : disclosure.assertions()) {
    AddOnce(absl::StrCat(name, "=", value), &parts);
  }
  return Joined(parts);
}

}  // namespace

absl::Status ProvisionRecord::Begin() {
  if (format_ == Format::kJson) return absl::OkStatus();
  return write_(CsvRow({std::begin(kColumns), std::end(kColumns)}));
}

absl::Status ProvisionRecord::Add(const v1::Disclosure& disclosure,
                                  const v1::DisclosedRecord& record) {
  if (!person_.ref.empty() && person_.ref != record.subject_ref()) {
    if (absl::Status status = EndDisclosure(); !status.ok()) return status;
  }
  disclosure_ = disclosure;
  person_.ref = record.subject_ref();
  if (person_.date.empty()) person_.date = FormatField(record, "time");
  for (const std::string& field : record.fields()) {
    AddOnce(absl::StrCat(record.type(), ".", field), &person_.items);
  }
  AddOnce(record.consent(), &person_.consents);
  return absl::OkStatus();
}

absl::Status ProvisionRecord::EndDisclosure() {
  if (person_.ref.empty()) return absl::OkStatus();
  const Person person = std::exchange(person_, Person());
  const v1::Disclosure& of = disclosure_;
  const Strings cells = {person.date,
                         of.recipient(),
                         of.recipient_display_name(),
                         of.recipient_address(),
                         of.recipient_representative(),
                         of.recipient_country(),
                         person.ref,
                         Joined(person.items),
                         of.purpose(),
                         of.basis(),
                         of.rule(),
                         Joined(person.consents),
                         Assertions(of),
                         of.token(),
                         of.issuer(),
                         of.name()};
  ++people_;
  if (format_ == Format::kCsv) return write_(CsvRow(cells));
  JsonWriter json;
  json.BeginObject();
  for (size_t i = 0; i < cells.size(); ++i) json.Member(kColumns[i], cells[i]);
  json.EndObject();
  return write_(json.text() + "\n");
}

}  // namespace piivault::ops
