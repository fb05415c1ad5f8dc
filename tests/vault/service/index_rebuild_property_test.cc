// Random changes of records and policies while indexes are built, against a naive model: what a
// search finds meanwhile, and which rows there are when all is done.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "tests/vault/service/vault_fixture.h"
#include "vault/keys/blind_index.h"
#include "vault/service/resource_name.h"
#include "vault/text.h"

namespace piivault::vault {
namespace {

using Result = VaultFixture::Result;
using Rng = std::mt19937;

// What a policy says of a field.
struct Field {
  std::string type;   // semantic
  std::string index;  // none, index, unique, domain
  bool important = false;

  bool whole() const { return index != "none"; }
  bool domain() const { return index == "domain"; }
  bool operator==(const Field&) const = default;
};
using Schema = std::map<std::string, Field>;  // f, g; others are gone

// Few values, in spellings that some types take for the same.
const char* const kValues[] = {"Ab 1-2@x.example", "ab 1-2@X.example", "AB12@x.example",
                               "ab 12@y.example",  "Ab12@Y.example",   "ab１２@y.example",
                               "c@x.example",      "C @x.example"};

std::string TextOf(const Schema& schema, int number) {
  std::string text = R"(policy: test
timezone: Asia/Tokyo
types:
  customer:
    fields:
      note: free_text
)";
  for (const auto& [name, field] : schema) {
    text += Concat({"      ", name, ": {type: ", field.type, ", validation: accept_and_flag"});
    if (field.index == "index") text += ", index: true";
    if (field.index == "unique") text += ", unique: true";
    if (field.index == "domain") text += ", index: domain";
    if (field.important) text += ", key_class: important";
    text += "}\n";
  }
  text += Concat({"purposes: {order: {label: {en: Orders ", std::to_string(number), R"(}}}
roles: {shop: {kind: service}}
forbidden_employment: [outsourced]
grants:
  - {id: write, role: shop, may: [create, update], fields: [customer.*], for: [order]}
  - {id: tidy, role: shop, may: [delete, delete_subject], types: [customer]}
)"});
  for (const auto& [name, field] : schema) {
    if (!field.whole()) continue;
    text += Concat({"  - {id: find-", name, ", role: shop, may: [search], fields: [customer.", name,
                    "], for: [order]}\n"});
  }
  return text;
}

class IndexRebuildPropertyTest : public testing::TestWithParam<uint32_t> {
 protected:
  struct Record {
    std::string name;
    std::map<std::string, std::string> values;
    std::map<std::string, bool> important;  // class of keys that the value was written under
  };
  // Forms by which values may be found since the last time that all was built; the last is wanted.
  struct History {
    std::vector<Field> forms;
  };

  template <typename T>
  const T& AnyOf(const std::vector<T>& items) {
    return items[std::uniform_int_distribution<size_t>(0, items.size() - 1)(rng_)];
  }
  bool OneIn(int n) { return std::uniform_int_distribution<int>(1, n)(rng_) == 1; }
  std::string AnyValue() { return kValues[rng_() % std::size(kValues)]; }

  Schema AnySchema() {
    Schema schema;
    for (const char* name : {"f", "g"}) {
      if (OneIn(6)) continue;
      Field field;
      field.type = AnyOf<std::string>(
          {"email_address", "person_name", "number_code", "external_account_id"});
      field.index = AnyOf<std::string>({"none", "index", "unique", "domain"});
      if (field.index == "domain" && field.type != "email_address") field.index = "index";
      field.important = OneIn(3);
      schema[name] = field;
    }
    return schema;
  }

  void Activate(const Schema& schema) {
    vault_.SetPolicy("default", TextOf(schema, ++policies_));
    for (const char* name : {"f", "g"}) {
      const auto found = schema.find(name);
      const Field field = found == schema.end() ? Field{"", "none"} : found->second;
      history_[name].forms.push_back(field);
    }
    schema_ = schema;
  }
  bool Built() { return !vault_.store().snapshot()->FindTenant("default")->indexes->rebuilding(); }

  SecretBytes Normal(const Field& field, std::string_view value) {
    return *vault_.rules().NormalizeForSearch(*authz::FindSemanticType(field.type), value);
  }
  bool Same(const Field& field, std::string_view a, std::string_view b) {
    return Normal(field, a) == Normal(field, b);
  }

  void Create() {
    std::map<std::string, std::string> fields{{"note", "n"}};
    for (const auto& [name, field] : schema_) {
      if (!OneIn(4)) fields[name] = AnyValue();
    }
    const Result created = vault_.Call("shop", "CreateRecord", VaultFixture::NewCustomer(fields));
    ExpectUnique(created, fields, "");
    if (!created.ok()) return;
    Record record;
    record.name = created.As<v1::CreateRecordResponse>().record().name();
    Take(fields, &record);
    records_.push_back(std::move(record));
  }
  void Update() {
    if (records_.empty()) return;
    Record& record = records_[rng_() % records_.size()];
    v1::UpdateRecordRequest request;
    request.set_name(record.name);
    *request.mutable_usage() = UsageFor("shop");
    std::map<std::string, std::string> fields{{"note", "m"}};
    std::set<std::string> cleared;
    for (const auto& [name, field] : schema_) {
      if (OneIn(3)) continue;
      if (OneIn(4)) {
        cleared.insert(name);
      } else {
        fields[name] = AnyValue();
      }
    }
    for (const auto& [name, value] : fields) (*request.mutable_fields())[name] = value;
    for (const std::string& name : cleared) request.add_clear_fields(name);
    const Result updated = vault_.Call("shop", "UpdateRecord", request);
    ExpectUnique(updated, fields, record.name);
    if (!updated.ok()) return;
    for (const std::string& name : cleared) record.values.erase(name);
    Take(fields, &record);
  }
  void Take(const std::map<std::string, std::string>& fields, Record* record) {
    for (const auto& [name, value] : fields) {
      if (name == "note") continue;
      record->values[name] = value;
      record->important[name] = schema_[name].important;
    }
  }
  bool SameByAll(const std::string& name, std::string_view a, std::string_view b) {
    const std::vector<Field>& forms = history_[name].forms;
    return std::all_of(forms.begin(), forms.end(),
                       [&](const Field& form) { return form.whole() && Same(form, a, b); });
  }
  // A unique value is refused only where another record has it, and wherever that one is known to.
  void ExpectUnique(const Result& result, const std::map<std::string, std::string>& fields,
                    const std::string& self) {
    bool taken = false;
    bool known = false;  // by every form
    for (const auto& [name, value] : fields) {
      if (name == "note" || schema_[name].index != "unique") continue;
      for (const Record& other : records_) {
        const auto there = other.values.find(name);
        if (other.name == self || there == other.values.end()) continue;
        const bool same = Same(schema_[name], there->second, value);
        taken |= same;
        known |= same && (Built() || SameByAll(name, there->second, value));
      }
    }
    if (result.ok()) {
      EXPECT_FALSE(known);
    } else {
      EXPECT_EQ(result.name(), "ALREADY_EXISTS");
      EXPECT_TRUE(taken);
    }
  }
  void Remove() {
    if (records_.empty()) return;
    const size_t at = rng_() % records_.size();
    const std::string name = records_[at].name;
    Result result;
    if (OneIn(2)) {
      v1::DeleteRecordRequest request;
      request.set_name(name);
      *request.mutable_usage() = UsageFor("shop");
      result = vault_.Call("shop", "DeleteRecord", request);
    } else {
      v1::DeleteSubjectRequest request;
      request.set_name(name.substr(0, name.find("/records/")));
      *request.mutable_usage() = UsageFor("shop");
      result = vault_.Call("shop", "DeleteSubject", request);
    }
    ASSERT_TRUE(result.ok()) << result.name();
    records_.erase(records_.begin() + static_cast<ptrdiff_t>(at));
  }

  // A builder of its own each time: it goes on where the one before was.
  void BuildStep() {
    IndexBuilder::Parts parts{vault_.engine(),
                              vault_.store(),
                              vault_.rules(),
                              SystemRandom(),
                              [this] { return vault_.now; },
                              {}};
    parts.step_records = 1 + rng_() % 3;
    IndexBuilder builder(parts);
    ASSERT_TRUE(builder.Step().ok());
    if (Built()) ForgetOldForms();
  }
  void ForgetOldForms() {
    for (auto& [name, history] : history_) {
      history.forms.erase(history.forms.begin(), history.forms.end() - 1);
    }
  }
  void Rotate() {
    if (!rotating_) vault_.Rotate();
    rotating_ = true;
    for (auto left = 1 + rng_() % 12; rotating_ && left > 0; --left) {
      const auto more = vault_.rotation().Step();
      ASSERT_TRUE(more.ok());
      rotating_ = *more;
    }
  }

  // By one of the forms that a record may be found by, the value is found; by the wanted one alone
  // it is an answer.
  void ExpectSearch(const std::string& name) {
    const auto known = schema_.find(name);
    if (known == schema_.end() || !known->second.whole()) return;
    const Field& wanted = known->second;
    const std::string value = AnyValue();
    const std::vector<Field>& forms = history_[name].forms;
    const bool covered =
        std::all_of(forms.begin(), forms.end(), [](const Field& form) { return form.whole(); });
    const Result result = vault_.Search("shop", name, value);
    if (!covered) {
      if (result.name() == "INDEX_BUILDING") return;
      // The very first activation of a field that is new with its type has nothing to build.
      ASSERT_TRUE(records_.empty() || Built()) << result.name();
    }
    ASSERT_TRUE(result.ok()) << result.name();
    std::set<std::string> found;
    for (const auto& record : result.As<v1::SearchRecordsResponse>().records()) {
      found.insert(record.name());
    }
    for (const Record& record : records_) {
      const auto there = record.values.find(name);
      const bool is = there != record.values.end() && Same(wanted, there->second, value);
      const bool by_all = is && SameByAll(name, there->second, value);
      if (!is) {
        EXPECT_FALSE(found.contains(record.name)) << name << " " << value;
      }
      if (by_all || (is && Built())) {
        EXPECT_TRUE(found.contains(record.name))
            << name << " " << value << " " << there->second << " " << forms.size();
      }
      found.erase(record.name);
    }
    EXPECT_TRUE(found.empty());
  }

  // Every row of the blind index that there is to be, and no other.
  void ExpectRows() {
    const auto state = vault_.store().snapshot();
    const storage::TenantId tenant = vault_.TenantNumber("default");
    const TenantKeys& keys = *state->keys().ActiveTenant(tenant);
    std::set<std::string> expected;
    const auto add = [&](const std::string& index, std::string_view normal, bool important,
                         const RecordName& at) {
      const auto digest = BlindIndexDigest(keys, kNormaliserVersion, index, normal,
                                           important ? KeyClass::kImportant : KeyClass::kNormal);
      expected.insert(
          storage::BlindIndexKey(tenant, keys.epoch, digest, at.subject, at.record).bytes);
    };
    for (const Record& record : records_) {
      const auto at = ParseRecordName(record.name);
      for (const auto& [name, value] : record.values) {
        const auto field = schema_.find(name);
        if (field == schema_.end() || !field->second.whole()) continue;
        const bool important = record.important.at(name);
        add("customer." + name, Normal(field->second, value).view(), important, *at);
        if (!field->second.domain()) continue;
        const auto domain = vault_.rules().NormalizeEmailDomain(value);
        if (domain.ok()) add("customer." + name + "@domain", domain->view(), important, *at);
      }
    }
    std::set<std::string> there;
    const storage::Key any = storage::BlindIndexPrefix(tenant, 0, {});
    for (const auto& [key, value] : vault_.engine().Dump(storage::Table::kIndex)) {
      // Kind and tenant.
      if (key.compare(0, 9, any.bytes, 0, 9) == 0) there.insert(key);
    }
    EXPECT_EQ(there.size(), expected.size());
    EXPECT_TRUE(there == expected);
  }

  Rng rng_{GetParam()};
  VaultFixture vault_;
  Schema schema_;
  int policies_ = 0;
  bool rotating_ = false;
  std::map<std::string, History> history_;
  std::vector<Record> records_;
};

TEST_P(IndexRebuildPropertyTest, FindsWhatThereIsAndLeavesNothingBehind) {
  Activate({{"f", {"person_name", "index"}}, {"g", {"email_address", "domain"}}});
  vault_.BuildIndexes();
  ForgetOldForms();
  for (int i = 0; i < 12; ++i) Create();
  for (int step = 0; step < 250; ++step) {
    switch (rng_() % 12) {
      case 0:
        Activate(AnySchema());
        break;
      case 1:
      case 2:
        Create();
        break;
      case 3:
      case 4:
        Update();
        break;
      case 5:
        Remove();
        break;
      case 6:
        Rotate();
        break;
      case 7:
      case 8:
        BuildStep();
        break;
      default:
        ExpectSearch(OneIn(2) ? "f" : "g");
    }
    if (HasFatalFailure() || HasNonfatalFailure()) {
      FAIL() << "at step " << step;
    }
  }
  while (rotating_) Rotate();
  vault_.BuildIndexes();
  ForgetOldForms();
  ExpectRows();
  for (int i = 0; i < 20; ++i) ExpectSearch(OneIn(2) ? "f" : "g");
}

INSTANTIATE_TEST_SUITE_P(Seeds, IndexRebuildPropertyTest,
                         testing::Range(1u, std::getenv("PIIVAULT_LONG") == nullptr ? 41u : 1001u));

}  // namespace
}  // namespace piivault::vault
