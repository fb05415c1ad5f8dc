// What can be broken about a call, or put on the edge of what holds.

#include <algorithm>

#include "tests/authz/call_generator.h"

namespace piivault::authz {
namespace {

using naive::Consent;
using naive::Has;
using naive::MatterNeed;
using naive::Names;
using naive::Purpose;
using naive::Role;
using naive::Text;

constexpr absl::Duration kDay = absl::Hours(24);
constexpr std::string_view kSomeRecipient = "tenants/default/recipients/some";
constexpr absl::Duration kSecond = absl::Seconds(1);

// Each method breaks one thing and returns true, or returns false where the call has no such thing.
class Breaker {
 public:
  Breaker(const Text& text, Dice& dice, GeneratedCall& call)
      : text_(text), dice_(dice), call_(call), in_(call.input), facts_(call.facts) {}

  bool Break() {
    using Method = bool (Breaker::*)();
    // Those that are about few calls stand several times.
    static constexpr Method kMethods[] = {&Breaker::Caller,
                                          &Breaker::PersonOfIt,
                                          &Breaker::Employed,
                                          &Breaker::Justified,
                                          &Breaker::Bound,
                                          &Breaker::BoundInTime,
                                          &Breaker::BoundToFields,
                                          &Breaker::Signed,
                                          &Breaker::SignedInTime,
                                          &Breaker::SignedInTime,
                                          &Breaker::SignedInTime,
                                          &Breaker::LastDay,
                                          &Breaker::Acknowledged,
                                          &Breaker::Does,
                                          &Breaker::OfType,
                                          &Breaker::WithFields,
                                          &Breaker::WithFields,
                                          &Breaker::For,
                                          &Breaker::Ticket,
                                          &Breaker::Arguments,
                                          &Breaker::Parent,
                                          &Breaker::Parent,
                                          &Breaker::Matter,
                                          &Breaker::Matter,
                                          &Breaker::Matter,
                                          &Breaker::MatterInTime,
                                          &Breaker::NoticeStated,
                                          &Breaker::Intake,
                                          &Breaker::Intake,
                                          &Breaker::Intake,
                                          &Breaker::Behalf,
                                          &Breaker::Represented,
                                          &Breaker::Represented,
                                          &Breaker::StateOfPerson,
                                          &Breaker::StateOfPerson,
                                          &Breaker::Department,
                                          &Breaker::Member,
                                          &Breaker::NoticeOfRecord,
                                          &Breaker::NoticeOfRecord,
                                          &Breaker::AgreedToUse,
                                          &Breaker::AgreedInTime,
                                          &Breaker::AgreedInTime,
                                          &Breaker::AgreedAtCollection,
                                          &Breaker::AgreedAtCollection,
                                          &Breaker::AgreedAtCollection,
                                          &Breaker::AgreedAtCollectionInTime,
                                          &Breaker::AgreedAtCollectionInTime,
                                          &Breaker::AgreedAtCollectionInTime,
                                          &Breaker::Guardian,
                                          &Breaker::Birth,
                                          &Breaker::Birthday,
                                          &Breaker::LeapDay,
                                          &Breaker::Stops,
                                          &Breaker::Freezes,
                                          &Breaker::Freezes,
                                          &Breaker::Keeps,
                                          &Breaker::Keeps,
                                          &Breaker::Expires,
                                          &Breaker::View,
                                          &Breaker::Retired,
                                          &Breaker::Retired};
    if (AnyMatter() != nullptr && dice_.OneIn(6)) return Matter();
    if (call_.role->break_glass && dice_.OneIn(6) && Taken()) return true;
    if (naive::Verbs().at(call_.asked.verb).by_token && dice_.OneIn(10) && ByToken()) return true;
    return (this->*kMethods[dice_.Below(std::size(kMethods))])();
  }

 private:
  bool Done(const std::string& what) {
    call_.broken.push_back(what);
    return true;
  }
  // `at`, or a second to either side of it, so that the thing called `name` is then.
  absl::Time OnEdge(const std::string& name, absl::Time at) {
    static const std::array<const char*, 3> kWhen = {" a second ago", " now", " in a second"};
    const size_t i = dice_.Below(3);
    call_.edges.push_back(name + kWhen[i]);
    call_.broken.push_back(call_.edges.back());
    return at + (static_cast<int>(i) - 1) * kSecond;
  }

  bool Caller() {
    switch (dice_.Below(6)) {
      case 0:
        in_.principal = nullptr;
        return Done("no principal");
      case 1:
        call_.principal.disabled = true;
        return Done("disabled");
      case 2:
        in_.tenant = "";
        return Done("no tenant");
      case 3:
        in_.tenant = "tenants/b";
        return Done("another tenant");
      case 4:
        call_.principal.tenant = "tenants/b";
        return Done("of another tenant");
      default:
        call_.principal.kind = static_cast<PrincipalKind>(dice_.Below(5));
        return Done("another kind");
    }
  }

  bool PersonOfIt() {
    in_.person = nullptr;
    return Done("no person");
  }

  bool Employed() {
    call_.person.employment = static_cast<Employment>(dice_.Below(7));
    if (dice_.OneIn(2)) {
      call_.person.justification = "J-1";
      call_.person.justification_until = absl::InfiniteFuture();
    }
    if (dice_.OneIn(3)) in_.person = &call_.person;
    return Done("another employment");
  }

  bool Justified() {
    if (call_.person.employment != Employment::kEquivalent || in_.person == nullptr) return false;
    if (dice_.OneIn(4)) {
      call_.person.justification = "";
      return Done("no justification");
    }
    call_.person.justification_until = OnEdge("the justification ends", in_.now);
    return true;
  }

  bool Bound() {
    if (call_.principal.bindings.empty()) return false;
    RoleBinding& binding = call_.principal.bindings[0];
    switch (dice_.Below(6)) {
      case 0:
        call_.principal.bindings.clear();
        return Done("no role");
      case 1:
        binding.role = dice_.OneIn(2) ? "stranger" : "vault_admin";
        return Done("a role that is none");
      case 2:
        binding.role = dice_.Pick(text_.roles).name;
        return Done("another role");
      case 3:
        in_.role = dice_.Pick(text_.roles).name;
        return Done("asks for another role");
      case 4:
        call_.person.duties = {"other"};
        return Done("another duty");
      default:
        call_.person.department = dice_.Word({"", "elsewhere"});
        return Done("another department");
    }
  }

  bool BoundInTime() {
    if (call_.principal.bindings.size() != 1) return false;
    RoleBinding& binding = call_.principal.bindings[0];
    if (dice_.OneIn(2)) {
      binding.not_before = OnEdge("the binding begins", in_.now);
    } else {
      binding.not_after = OnEdge("the binding ends", in_.now);
    }
    return true;
  }

  bool Taken() {
    if (call_.principal.bindings.size() != 1) return false;
    if (dice_.OneIn(3)) {
      call_.principal.bindings[0].active_until = absl::InfinitePast();
      return Done("not taken");
    }
    call_.principal.bindings[0].active_until = OnEdge("the emergency ends", in_.now);
    return true;
  }

  bool BoundToFields() {
    if (call_.principal.bindings.empty()) return false;
    RoleBinding& binding = call_.principal.bindings[0];
    const std::string& field = AnyField();
    binding.fields = {dice_.OneIn(3) ? text_.fields.at(field).type + ".*" : field};
    if (dice_.OneIn(3)) call_.principal.bindings.push_back(binding);
    if (dice_.OneIn(6)) call_.principal.bindings.back().fields.clear();
    return Done("bound to fields");
  }

  bool Signed() {
    if (call_.attestations.empty()) return false;
    Attestation& a = call_.attestations[dice_.Below(call_.attestations.size())];
    switch (dice_.Below(6)) {
      case 0:
        a.signatory = dice_.Word({"persons/q", ""});
        return Done("signed by another");
      case 1:
        a.kind = static_cast<AttestationKind>(1 + dice_.Below(8));
        return Done("signed something else");
      case 2:
        a.document_sha256 = std::string(64, '0');
        return Done("signed another document");
      case 3:
        a.valid_until = in_.now - 3 * kDay;
        return AnotherOne(a);
      case 4:
        a.revoked_at = in_.now - 3 * kDay;
        return AnotherOne(a);
      default:
        call_.attestations.erase(call_.attestations.begin());
        return Done("one signed less");
    }
  }

  // A second one, older or newer, that fails or not in its own way.
  bool AnotherOne(const Attestation& like) {
    Attestation other = like;
    other.id = "b" + std::to_string(call_.attestations.size());
    other.signed_at += (dice_.OneIn(2) ? 1 : -1) * kDay;
    other.valid_until = in_.now + (dice_.OneIn(2) ? 1 : -1) * kDay;
    other.revoked_at = dice_.OneIn(2) ? absl::InfiniteFuture() : in_.now - kDay;
    if (dice_.OneIn(2)) call_.attestations.push_back(other);
    return Done("over or revoked");
  }

  bool SignedInTime() {
    if (call_.attestations.empty()) return false;
    Attestation& a = call_.attestations[dice_.Below(call_.attestations.size())];
    const std::string what = KindOfEvidence(a);
    switch (dice_.Below(3)) {
      case 0:
        a.signed_at = OnEdge(what + " is signed", in_.now);
        return true;
      case 1:
        a.revoked_at = OnEdge(what + " is revoked", in_.now);
        return true;
      default:
        a.valid_until = OnEdge(what + " ends", in_.now);
        return true;
    }
  }

  std::string KindOfEvidence(const Attestation& a) const {
    if (a.kind == AttestationKind::kAcknowledgement) return "the acknowledgement";
    return Has(call_.role->attested, std::string(AttestationKindName(a.kind))) ? "other evidence"
                                                                               : "the NDA";
  }

  // Valid until a day; the call is at that day's end in the policy's zone.
  bool LastDay() {
    if (call_.attestations.empty()) return false;
    Attestation& a = call_.attestations[0];
    const absl::CivilDay day = absl::ToCivilDay(in_.now, text_.zone);
    a.valid_until = text_.EndOfDay(day);
    const absl::Time midnight = absl::FromCivil(absl::CivilSecond(day + 1), text_.zone);
    in_.now = OnEdge("the last day is over", midnight);
    return true;
  }

  bool Acknowledged() {
    if (!Has(call_.role->attested, "acknowledgement")) return false;
    for (Attestation& a : call_.attestations) {
      if (a.kind != AttestationKind::kAcknowledgement) continue;
      a.kind = AttestationKind::kUnspecified;
      a.document_sha256 = "";
    }
    if (dice_.OneIn(2)) return Done("not acknowledged");
    const absl::Time midnight = text_.acknowledged_by + absl::Nanoseconds(1);
    in_.now = OnEdge("it must be acknowledged", midnight);
    return true;
  }

  bool Does() {
    std::vector<std::string> verbs;
    for (const auto& [name, verb] : naive::Verbs()) verbs.push_back(name);
    call_.asked.verb = dice_.Pick(verbs);
    if (dice_.OneIn(2)) call_.asked.verb = dice_.Pick(dice_.Pick(text_.grants).verbs);
    return Done("does " + call_.asked.verb);
  }

  bool OfType() {
    call_.asked.type = dice_.OneIn(4) ? "nothing" : dice_.Pick(text_.types);
    const Names fields = text_.FieldsOf(call_.asked.type);
    if (!fields.empty() && dice_.OneIn(2)) call_.asked.fields = {dice_.Pick(fields)};
    return Done("of type " + call_.asked.type);
  }

  // A token of a field that has none.
  bool ByToken() {
    Names without;
    for (const auto& [name, field] : text_.fields) {
      if (!field.tokens) without.push_back(name);
    }
    if (without.empty()) return false;
    call_.asked.fields = {dice_.Pick(without)};
    call_.asked.type = text_.fields.at(call_.asked.fields[0]).type;
    return Done("a token of " + call_.asked.fields[0]);
  }

  const std::string& AnyField() {
    auto it = text_.fields.begin();
    std::advance(it, static_cast<long>(dice_.Below(text_.fields.size())));
    return it->first;
  }

  bool WithFields() {
    Names& fields = call_.asked.fields;
    switch (dice_.Below(6)) {
      case 0:
        fields.clear();
        return Done("no fields");
      case 1:
        fields.push_back(call_.asked.type + ".shoe_size");
        return Done("a field that is none");
      case 2:
        fields.push_back(AnyField());
        return Done("a field of any type");
      default:
        break;
    }
    const Names all = text_.FieldsOf(call_.asked.type);
    if (all.empty()) return false;
    const std::string& other = dice_.Pick(all);
    if (dice_.OneIn(2)) fields.clear();
    fields.insert(fields.begin(), other);
    return Done("field " + other);
  }

  bool For() {
    if (text_.purposes.empty()) return false;
    in_.purpose = dice_.OneIn(4)   ? ""
                  : dice_.OneIn(4) ? "no_such_purpose"
                                   : std::string_view(dice_.Pick(text_.purposes).name);
    // What it asks for is often there, so that the purpose alone is wrong.
    if (dice_.OneIn(2)) in_.ticket = "T-1";
    if (dice_.OneIn(2)) {
      for (const Purpose& purpose : text_.purposes) {
        for (const std::string& need : purpose.needs) call_.arguments.push_back({need, "X-1"});
      }
    }
    return Done("for " + std::string(in_.purpose));
  }

  bool Ticket() {
    in_.ticket = dice_.Word({"", "", "two words", "a@example.jp", "T\xe3\x83\x81"});
    if (dice_.OneIn(8)) {
      call_.words.push_back(std::string(dice_.OneIn(2) ? 64 : 65, 'a'));
      in_.ticket = call_.words.back();
    }
    return Done("ticket '" + std::string(in_.ticket) + "'");
  }

  bool Arguments() {
    if (call_.arguments.empty()) return false;
    const size_t i = dice_.Below(call_.arguments.size());
    call_.arguments.erase(call_.arguments.begin() + static_cast<long>(i));
    return Done("an argument less");
  }

  bool Parent() {
    for (Argument& argument : call_.arguments) {
      if (argument.name != "parent") continue;
      argument.value = dice_.OneIn(3) ? "X-1" : std::string_view(dice_.Pick(text_.purposes).name);
      return Done("parent " + std::string(argument.value));
    }
    return false;
  }

  MatterFact* AnyMatter() {
    const size_t count = call_.matters.size() + call_.subject_matters.size();
    if (count == 0) return nullptr;
    const size_t i = dice_.Below(count);
    return i < call_.matters.size() ? &call_.matters[i]
                                    : &call_.subject_matters[i - call_.matters.size()];
  }

  bool Matter() {
    MatterFact* matter = AnyMatter();
    if (matter == nullptr) return false;
    switch (dice_.Below(9)) {
      case 0:
        matter->id = "M-2";
        return Done("another matter");
      case 1:
      case 7:
      case 8:
        matter->state =
            dice_.OneIn(3)
                ? "lost"
                : std::string_view(dice_.Pick(text_.matters.at(std::string(matter->kind)).states));
        return Done("matter in state " + std::string(matter->state));
      case 2:
        matter->party = dice_.Word({"partners/c", ""});
        return Done("matter of another party");
      case 3:
        facts_.controller = dice_.Word({"partners/c", ""});
        return Done("data of another controller");
      case 4:
        call_.words.push_back(dice_.Pick(text_.purposes).name);
        call_.lists.push_back({call_.words.back()});
        matter->purposes = call_.lists.back();
        return Done("matter for " + call_.words.back());
      case 5:
        std::swap(call_.matters, call_.subject_matters);
        return Done("matters changed about");
      default:
        call_.matters.clear();
        call_.subject_matters.clear();
        return Done("no matters");
    }
  }

  bool MatterInTime() {
    MatterFact* matter = AnyMatter();
    if (matter == nullptr) return false;
    matter->not_after = OnEdge("the matter ends", in_.now);
    return true;
  }

  bool NoticeStated() {
    if (text_.notice_required && dice_.OneIn(3)) {
      in_.notice = "";
      return Done("no notice");
    }
    in_.notice = text_.notices.empty() || dice_.OneIn(2)
                     ? "no_such_notice"
                     : std::string_view(text_.notices.begin()->first);
    return Done("notice " + std::string(in_.notice));
  }

  bool Intake() {
    if (!naive::Verbs().at(call_.asked.verb).writes) return false;
    switch (dice_.Below(6)) {
      case 5:
        in_.channel = "";
        in_.front_hop = FrontHop::kUnspecified;
        return Done("neither channel nor front hop");
      case 0:
        in_.channel = "";
        return Done("no channel");
      case 1:
        in_.channel = "fax";
        return Done("channel fax");
      case 2:
        if (text_.channels.empty()) return false;
        in_.channel = dice_.Pick(text_.channels);
        return Done("channel " + std::string(in_.channel));
      case 3:
        in_.tenant_allows_plain = true;
        [[fallthrough]];
      default:
        in_.front_hop = dice_.OneIn(2) ? FrontHop::kPlain : FrontHop::kUnspecified;
        return Done("a front hop that is not TLS");
    }
  }

  bool Behalf() {
    if (call_.role->kind != "subject") return false;
    in_.on_behalf_of = dice_.Word({"", "subjects/t", "subjects/s", "subjects/other"});
    return Done("on behalf of '" + std::string(in_.on_behalf_of) + "'");
  }

  bool Represented() {
    if (call_.representatives.empty()) return false;
    if (dice_.OneIn(3)) {
      call_.representatives.clear();
      return Done("not represented");
    }
    call_.representatives.back().not_after = OnEdge("the mandate ends", in_.now);
    return true;
  }

  bool StateOfPerson() {
    switch (dice_.Below(3)) {
      case 0:
        facts_.erased = true;
        return Done("erased");
      case 1:
        facts_.unsubscribed = true;
        return Done("unsubscribed");
      default:
        facts_.contract_active = false;
        return Done("contract over");
    }
  }

  bool Department() {
    facts_.department = dice_.Word({"legal", "", "sales"});
    return Done("data of department '" + std::string(facts_.department) + "'");
  }

  bool Member() {
    if (facts_.subject.empty()) return false;
    facts_.holder = dice_.Word({"subjects/holder", "subjects/boss"});
    if (call_.role->kind == "subject" && dice_.OneIn(3)) in_.on_behalf_of = "subjects/holder";
    return Done("member of an account");
  }

  bool NoticeOfRecord() {
    if (text_.notices.empty()) return false;
    auto it = text_.notices.begin();
    std::advance(it, static_cast<long>(dice_.Below(text_.notices.size())));
    facts_.notice = dice_.OneIn(5) ? std::string_view(it->first) : "no_such_notice";
    if (dice_.OneIn(3)) facts_.notice = it->first;
    if (dice_.OneIn(6)) facts_.notice = "";
    call_.words.push_back(RestsOn(text_, call_));
    for (ConsentFact& fact : call_.consents) {
      if (!fact.purpose.empty()) fact.purpose = call_.words.back();
      if (!dice_.OneIn(3)) fact.withdrawn = in_.now - kDay;
    }
    return Done("collected under '" + std::string(facts_.notice) + "'");
  }

  bool Concerned(const Consent& consent) const {
    const Names& fields = call_.asked.fields;
    return consent.fields.empty() || std::any_of(fields.begin(), fields.end(), [&](const auto& f) {
             return Has(consent.fields, f);
           });
  }

  // The facts of consents to a use, or to a collection of what the call writes.
  std::vector<ConsentFact*> FactsOf(bool use) {
    std::vector<ConsentFact*> facts;
    for (ConsentFact& fact : call_.consents) {
      const Consent* consent = text_.FindConsent(std::string(fact.id));
      if (consent == nullptr) continue;
      const bool of_use =
          Has(consent->events, "purpose_extension") || Has(consent->events, "policy_change");
      if (of_use == use && (use || Concerned(*consent))) facts.push_back(&fact);
    }
    return facts;
  }

  // Whether the call rests on a consent to its purpose.
  bool RestsOnConsent() const {
    const Purpose* purpose = text_.FindPurpose(std::string(in_.purpose));
    return (purpose != nullptr && purpose->consent) || Has(call_.grant->when, "consented");
  }

  bool AgreedToUse() {
    const std::vector<ConsentFact*> facts = FactsOf(true);
    if (facts.empty() || (!RestsOnConsent() && !dice_.OneIn(8))) return false;
    const size_t how = dice_.Below(4);
    const std::string& other = dice_.Pick(text_.purposes).name;
    const std::string& another = dice_.Pick(text_.consents).id;
    for (ConsentFact* fact : facts) {
      if (how == 0) fact->purpose = other;
      if (how == 1) fact->id = another;
      if (how == 2) fact->id = "no_such_consent";
      if (how == 3) fact->recipient = kSomeRecipient;
    }
    return Done("agreed to something else");
  }

  bool AgreedInTime() {
    const std::vector<ConsentFact*> facts = FactsOf(true);
    if (facts.empty() || !RestsOnConsent()) return false;
    const bool given = dice_.OneIn(2);
    const absl::Time at =
        OnEdge(given ? "the consent begins" : "the consent is withdrawn", in_.now);
    for (ConsentFact* fact : facts) (given ? fact->given : fact->withdrawn) = at;
    return true;
  }

  bool AgreedAtCollection() {
    const std::vector<ConsentFact*> facts = FactsOf(false);
    if (facts.empty()) return false;
    ConsentFact& fact = *dice_.Pick(facts);
    switch (dice_.Below(5)) {
      case 0:
        fact.id = "no_such_consent";
        return Done("not agreed to the collection");
      case 1:
        fact.fields = {};
        return Done("agreed to all fields");
      case 2: {
        const std::string& field = AnyField();
        call_.words.push_back(dice_.OneIn(2) ? field : text_.fields.at(field).type + ".*");
        call_.lists.push_back({call_.words.back()});
        fact.fields = call_.lists.back();
        return Done("agreed to the collection of " + call_.words.back());
      }
      case 3:
        fact.recipient = kSomeRecipient;
        return Done("agreed to giving it away");
      default:
        fact.withdrawn = in_.now - kDay;
        return Done("agreed and withdrawn");
    }
  }

  bool AgreedAtCollectionInTime() {
    const std::vector<ConsentFact*> facts = FactsOf(false);
    if (facts.empty()) return false;
    ConsentFact& fact = *dice_.Pick(facts);
    MakeYoung(*text_.FindConsent(std::string(fact.id)));
    if (dice_.OneIn(3)) {
      fact.withdrawn = OnEdge("the consent to collect is withdrawn", in_.now);
      return true;
    }
    const bool stated = in_.collected_at != absl::InfiniteFuture();
    fact.given = OnEdge(stated ? "the consent to collect is given at the collection"
                               : "the consent to collect is given at the call",
                        stated ? in_.collected_at : in_.now);
    return true;
  }

  // Young enough for a consent that is asked of the young.
  void MakeYoung(const Consent& consent) {
    if (consent.under_age == 0) return;
    const absl::CivilDay today = absl::ToCivilDay(in_.now, text_.zone);
    in_.born = absl::CivilDay(today.year() - consent.under_age + 2, today.month(), 10);
  }

  bool Guardian() {
    const std::vector<ConsentFact*> facts = FactsOf(false);
    if (facts.empty()) return false;
    ConsentFact& fact = *dice_.Pick(facts);
    MakeYoung(*text_.FindConsent(std::string(fact.id)));
    fact.by_guardian = dice_.OneIn(5);
    return Done("consent of no guardian");
  }

  const Consent* OfYoung() const {
    if (!naive::Verbs().at(call_.asked.verb).writes) return nullptr;
    for (const Consent& consent : text_.consents) {
      if (consent.under_age > 0) return &consent;
    }
    return nullptr;
  }

  void WithoutConsent(const Consent& consent) {
    std::erase_if(call_.consents, [&](const ConsentFact& f) { return f.id == consent.id; });
  }

  bool Birth() {
    const Consent* young = OfYoung();
    if (young == nullptr) return false;
    if (dice_.OneIn(2)) WithoutConsent(*young);
    in_.born = std::nullopt;
    facts_.born = std::nullopt;
    if (dice_.OneIn(2)) return Done("age not known");
    MakeYoung(*young);
    if (dice_.OneIn(2)) std::swap(in_.born, facts_.born);
    return Done("young");
  }

  // Collected a day before, on, or a day after the birthday; also in its first or last second.
  bool Birthday() {
    const Consent* young = OfYoung();
    if (young == nullptr) return false;
    WithoutConsent(*young);
    const absl::CivilDay today = absl::ToCivilDay(in_.now, text_.zone);
    const absl::CivilDay born(today.year() - young->under_age, today.month(), today.day());
    return OnDay(born, today, "the birthday is");
  }

  bool OnDay(absl::CivilDay born, absl::CivilDay day, const std::string& name) {
    static const std::array<const char*, 4> kWhen = {" in two days", " in a day", " today",
                                                     " a day ago"};
    const size_t i = dice_.Below(4);
    call_.edges.push_back(name + kWhen[i]);
    call_.broken.push_back(call_.edges.back());
    in_.born = born;
    const absl::CivilDay collected = day + static_cast<int>(i) - 2;
    const absl::Time midnight = absl::FromCivil(absl::CivilSecond(collected), text_.zone);
    static const std::array<absl::Duration, 3> kTimes = {absl::ZeroDuration(), absl::Hours(13),
                                                         kDay - kSecond};
    in_.collected_at = midnight + dice_.Pick(kTimes);
    for (ConsentFact* fact : FactsOf(false)) fact->given = in_.collected_at - 60 * 366 * kDay;
    return true;
  }

  // Born on a 29 February.
  bool LeapDay() {
    const Consent* young = OfYoung();
    if (young == nullptr) return false;
    WithoutConsent(*young);
    static const std::array<int, 3> kYears = {2000, 2004, 2008};
    const int year = dice_.Pick(kYears);
    const absl::CivilDay born(year, 2, 29);
    return OnDay(born, absl::CivilDay(year + young->under_age, 2, 29),
                 "the leap day's birthday is");
  }

  bool Stops() {
    UseStop stop;
    const std::string& any = AnyField();
    const std::string& mine =
        call_.asked.fields.empty() || dice_.OneIn(3) ? any : dice_.Pick(call_.asked.fields);
    call_.words.push_back(dice_.OneIn(3)   ? ""
                          : dice_.OneIn(2) ? mine
                                           : mine.substr(0, mine.find('.')) + ".*");
    stop.fields = call_.words.back();
    call_.words.push_back(RestsOn(text_, call_));
    if (!dice_.OneIn(3)) stop.purpose = dice_.OneIn(2) ? in_.purpose : call_.words.back();
    if (dice_.OneIn(4) && !text_.purposes.empty()) stop.purpose = dice_.Pick(text_.purposes).name;
    call_.stops.push_back(stop);
    return Done("stopped");
  }

  // Some of what the call asks for, or others; no pattern is a field's name.
  void Name(std::vector<std::string_view>* names) {
    const Names& asked = call_.asked.fields;
    for (size_t more = 1 + dice_.Below(3); more > 0; --more) {
      const std::string& field = asked.empty() || dice_.OneIn(4) ? AnyField() : dice_.Pick(asked);
      call_.words.push_back(field);
      if (dice_.OneIn(8)) call_.words.back() = call_.asked.type + ".*";
      names->push_back(call_.words.back());
    }
  }

  bool Keeps() {
    Name(&call_.kept_by_law);
    if (dice_.OneIn(6)) Name(&call_.frozen);
    return Done("kept by law alone");
  }

  bool Expires() {
    Name(&call_.expired);
    if (dice_.OneIn(6)) Name(&call_.kept_by_law);
    return Done("due");
  }

  bool Freezes() {
    Name(&call_.frozen);
    // Of what gives the sight of it, no condition is asked.
    if (dice_.OneIn(4)) facts_.unsubscribed = true;
    return Done("frozen");
  }

  bool View() {
    static const std::array<authz::View, 3> kViews = {authz::View::kPlain, authz::View::kMasked,
                                                      authz::View::kToken};
    in_.wanted = dice_.Pick(kViews);
    Names without_tokens;
    for (const std::string& name : call_.grant->fields) {
      const naive::Field& field = text_.fields.at(name);
      if (!field.tokens && field.type == call_.asked.type) without_tokens.push_back(name);
    }
    if (!without_tokens.empty() && !call_.asked.fields.empty() && dice_.OneIn(2)) {
      call_.asked.fields = {dice_.Pick(without_tokens)};
      in_.wanted = authz::View::kToken;
    }
    return Done("another view");
  }

  bool Retired() {
    if (!naive::Verbs().at(call_.asked.verb).writes) return false;
    Names retired;
    for (const auto& [name, field] : text_.fields) {
      if (field.retired && field.type == call_.asked.type) retired.push_back(name);
    }
    call_.asked.cleared.clear();
    if (retired.empty()) {
      if (!dice_.OneIn(8)) return false;
      call_.asked.cleared = call_.asked.fields;
      return Done("cleared");
    }
    call_.asked.fields.push_back(dice_.Pick(retired));
    if (dice_.OneIn(3)) call_.asked.cleared.push_back(call_.asked.fields.back());
    return Done("a retired field");
  }

  const Text& text_;
  Dice& dice_;
  GeneratedCall& call_;
  DecisionInput& in_;
  SubjectFacts& facts_;
};

}  // namespace

bool BreakSomething(const Text& text, Dice& dice, GeneratedCall& call) {
  return Breaker(text, dice, call).Break();
}

}  // namespace piivault::authz
