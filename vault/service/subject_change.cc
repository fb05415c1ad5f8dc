#include "vault/service/subject_change.h"

#include <string>
#include <utility>

#include "vault/service/resource_name.h"
#include "vault/state/state_snapshot.h"

namespace piivault::vault {

std::optional<Plan> DecideOneOf(VaultCall& call, absl::Span<const authz::Verb> verbs) {
  std::optional<authz::Decision> first;
  for (authz::Verb verb : verbs) {
    authz::Decision decision = authz::DecideWithoutSubject(call.policy(), call.Input(verb));
    if (decision.granted()) {
      call.Describe(decision);
      return std::nullopt;
    }
    if (!first.has_value()) first = std::move(decision);
  }
  return call.Refuse(*first);
}

std::optional<Plan> DecideOneOf(VaultCall& call, absl::Span<const authz::Verb> verbs,
                                const PersonFacts& facts, PersonDecision* granted) {
  std::optional<PersonDecision> first;
  for (authz::Verb verb : verbs) {
    *granted = call.Decide(verb, authz::kNoType, {}, facts);
    if (granted->granted()) {
      call.Describe(*granted);
      return std::nullopt;
    }
    if (!first.has_value()) first = std::move(*granted);
  }
  return call.Refuse(*first);
}

std::optional<Plan> LoadPerson(VaultCall& call, const storage::Id128& id,
                               absl::Span<const authz::Verb> verbs, SubjectState* person) {
  absl::StatusOr<std::optional<SubjectState>> loaded =
      LoadSubject(call.deps().engine, call.scope(), id, &call.changes());
  if (!loaded.ok()) return call.Refuse(loaded.status());
  if (!loaded->has_value()) return call.Refuse(authz::Reason::kNotFound);
  if ((*loaded)->erased()) return call.Refuse(authz::Reason::kSubjectErased);
  *person = **std::move(loaded);
  PersonDecision decision;
  const PersonFacts facts(call.tenant_id(), *person);
  if (auto refused = DecideOneOf(call, verbs, facts, &decision)) return refused;
  storage::v1::EntryItem& item = *call.entry().add_items();
  item.set_subject_ref(person->row.subject_ref());
  call.AddFields(decision, &item);
  return std::nullopt;
}

std::optional<Plan> LoadOther(VaultCall& call, std::string_view name, std::string_view argument,
                              SubjectState* other) {
  const std::optional<SubjectName> parsed = ParseSubjectName(name);
  if (!parsed.has_value() || parsed->tenant != call.tenant_id()) {
    return call.Refuse(authz::Reason::kMalformedRequest, {std::string(argument)});
  }
  absl::StatusOr<std::optional<SubjectState>> loaded =
      LoadSubject(call.deps().engine, call.scope(), parsed->subject, &call.changes());
  if (!loaded.ok()) return call.Refuse(loaded.status());
  if (!loaded->has_value()) return call.Refuse(authz::Reason::kNotFound, {std::string(argument)});
  if ((*loaded)->erased()) {
    return call.Refuse(authz::Reason::kSubjectErased, {std::string(argument)});
  }
  *other = **std::move(loaded);
  call.entry().add_items()->set_subject_ref(other->row.subject_ref());
  return std::nullopt;
}

void StorePerson(VaultCall& call, SubjectState* person) {
  person->row.set_version(person->row.version() + 1);
  PutSubject(call.scope(), call.deps().random, *person, &call.changes());
  call.changes().Retain(person->row.subject_ref(), {}, person->row.version(), nullptr, nullptr);
}

}  // namespace piivault::vault
