#include "vault/audit/entry_terms.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace piivault::vault {
namespace {

std::vector<std::string> Terms(std::string body) {
  storage::StoredEntry entry;
  entry.entry.body = std::move(body);
  std::vector<std::string> terms;
  TermsOf(entry, [&](std::string_view term) { terms.emplace_back(term); });
  return terms;
}

std::vector<std::string> TermsByParsing(const storage::v1::EntryBody& body) {
  std::vector<std::string> terms;
  if (!body.principal().empty()) terms.push_back(PrincipalTerm(body.principal()));
  for (const storage::v1::EntryItem& item : body.items()) {
    if (!item.subject_ref().empty()) terms.push_back(SubjectTerm(item.subject_ref()));
  }
  return terms;
}

std::string RandomText(std::mt19937_64& random, size_t longest) {
  std::string text(random() % (longest + 1), ' ');
  for (char& c : text) c = static_cast<char>('!' + random() % 90);
  return text;
}

storage::v1::EntryBody RandomBody(std::mt19937_64& random) {
  storage::v1::EntryBody body;
  body.set_time_micros(static_cast<int64_t>(random()));
  if (random() % 4 != 0) body.set_principal(RandomText(random, 300));
  body.set_method(RandomText(random, 40));
  body.set_decision(storage::v1::DECISION_DENIED);
  for (uint64_t n = random() % 5; n > 0; --n) {
    storage::v1::EntryItem* const item = body.add_items();
    if (random() % 4 != 0) item->set_subject_ref(RandomText(random, 16));
    if (random() % 4 != 0) item->set_record_ref(RandomText(random, 16));
    item->set_version(random());
    for (uint64_t f = random() % 3; f > 0; --f) item->add_fields(RandomText(random, 20));
  }
  body.set_resource(RandomText(random, 40));
  body.set_count(random() % 2);
  return body;
}

TEST(EntryTermsTest, AreThoseOfTheParsedBody) {
  std::mt19937_64 random(3);
  for (int i = 0; i < 2000; ++i) {
    const storage::v1::EntryBody body = RandomBody(random);
    ASSERT_EQ(Terms(body.SerializeAsString()), TermsByParsing(body));
  }
}

TEST(EntryTermsTest, BytesAreThoseOfTheFormat) {
  storage::v1::EntryBody body;
  body.set_principal("principals/sato");
  body.add_items()->set_subject_ref("0123456789abcdef");
  body.add_items()->set_record_ref("fedcba9876543210");
  EXPECT_THAT(Terms(body.SerializeAsString()),
              testing::ElementsAre("p:principals/sato", "s:0123456789abcdef"));
}

TEST(EntryTermsTest, DamagedBodiesGiveTheTermsBeforeTheDamage) {
  std::mt19937_64 random(4);
  for (int i = 0; i < 50; ++i) {
    const std::string body = RandomBody(random).SerializeAsString();
    const std::vector<std::string> all = Terms(body);
    for (size_t size = 0; size < body.size(); ++size) {
      const std::vector<std::string> some = Terms(body.substr(0, size));
      ASSERT_LE(some.size(), all.size());
      ASSERT_TRUE(std::equal(some.begin(), some.end(), all.begin()));
    }
  }
  EXPECT_THAT(Terms("\x12\xff\xff\xff\xff\x0f"
                    "abc"),
              testing::IsEmpty());  // a length beyond 2^31
}

}  // namespace
}  // namespace piivault::vault
