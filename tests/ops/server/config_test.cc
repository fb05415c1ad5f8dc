#include "ops/server/config.h"

#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace piivault::ops {
namespace {

using ::testing::HasSubstr;

constexpr char kMinimal[] = R"(data_dir: /v/data
keyring: {path: /v/keys/keyring, credential: piivault}
tls:
  certificate: /e/server.pem
  key: /e/server.key
  client_roots:
    - {label: staff, ca_file: /e/staff.pem, identities: ["spiffe://vault.example/staff/*"]}
)";

std::string Refusal(const std::string& yaml) {
  const absl::StatusOr<Config> config = ParseConfig(yaml, "vault.yaml");
  return config.ok() ? "accepted" : std::string(config.status().message());
}

TEST(ConfigTest, MinimalFileGetsTheDocumentedDefaults) {
  const absl::StatusOr<Config> config = ParseConfig(kMinimal, "vault.yaml");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->listen.address, "127.0.0.1:7443");
  EXPECT_EQ(config->metrics.address, "127.0.0.1:9464");
  EXPECT_EQ(config->keys.epoch_every, absl::Hours(168));
  EXPECT_EQ(config->limits.work_threads, 0);
  EXPECT_EQ(config->limits.work_places, 64);
  EXPECT_FALSE(config->reflection);
  ASSERT_EQ(config->tls.client_roots.size(), 1U);
  EXPECT_EQ(config->tls.client_roots[0].identities[0], "spiffe://vault.example/staff/*");
  EXPECT_FALSE(config->tls.client_roots[0].recipients);
}

TEST(ConfigTest, ARootMayBeForRecipients) {
  const std::string root =
      "    - {label: partners, ca_file: /e/p.pem, identities: [\"spiffe://partners.example/*\"], ";
  const auto config = ParseConfig(std::string(kMinimal) + root + "recipients: true}\n", "v.yaml");
  ASSERT_TRUE(config.ok()) << config.status();
  ASSERT_EQ(config->tls.client_roots.size(), 2U);
  EXPECT_FALSE(config->tls.client_roots[0].recipients);
  EXPECT_TRUE(config->tls.client_roots[1].recipients);
  const auto again = ParseConfig(ToYaml(*config), "again.yaml");
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_FALSE(again->tls.client_roots[0].recipients);
  EXPECT_TRUE(again->tls.client_roots[1].recipients);
  EXPECT_THAT(Refusal(std::string(kMinimal) + root + "recipients: maybe}\n"),
              HasSubstr("tls.client_roots.recipients must be true or false"));
}

TEST(ConfigTest, WhatIsWrittenIsReadBack) {
  absl::StatusOr<Config> config = ParseConfig(kMinimal, "vault.yaml");
  ASSERT_TRUE(config.ok());
  config->keyring.mirrors = {"/m/with \"quotes\"", "/n"};
  config->metrics.address = "";
  config->keys.epoch_every = absl::Minutes(90);
  config->limits.in_flight = 17;
  config->limits.in_flight_per_caller = 5;
  config->limits.work_threads = 3;
  config->limits.work_places = 9;
  config->limits.connection_idle = absl::Minutes(3);
  config->limits.connection_age = absl::Hours(3);
  config->completion_queues = 3;
  config->log.level = "debug";
  const absl::StatusOr<Config> again = ParseConfig(ToYaml(*config), "again.yaml");
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(ToYaml(*again), ToYaml(*config));
  EXPECT_EQ(again->keyring.mirrors, config->keyring.mirrors);
  EXPECT_EQ(again->metrics.address, "");
  EXPECT_EQ(again->keys.epoch_every, absl::Minutes(90));
  EXPECT_EQ(again->limits.connection_idle, absl::Minutes(3));
  EXPECT_EQ(again->limits.connection_age, absl::Hours(3));
  EXPECT_EQ(again->limits.work_threads, 3);
  EXPECT_EQ(again->limits.work_places, 9);
}

TEST(ConfigTest, UnknownKeysAreRefusedWithTheirLine) {
  EXPECT_THAT(Refusal(std::string(kMinimal) + "listen:\n  adress: 127.0.0.1:1\n"),
              HasSubstr("vault.yaml:9: listen.adress is not a setting"));
  EXPECT_THAT(Refusal(std::string(kMinimal) + "plaintext: true\n"),
              HasSubstr("vault.yaml:8: plaintext is not a setting"));
}

TEST(ConfigTest, RepeatedKeysAreRefused) {
  EXPECT_THAT(Refusal(std::string(kMinimal) + "data_dir: /other\n"), HasSubstr("stands twice"));
}

TEST(ConfigTest, MistypedValuesAreRefused) {
  EXPECT_THAT(Refusal(std::string(kMinimal) + "limits: {in_flight: many}\n"),
              HasSubstr("limits.in_flight must be a whole number"));
  EXPECT_THAT(Refusal(std::string(kMinimal) + "limits: {in_flight: 0}\n"),
              HasSubstr("limits.in_flight"));
  EXPECT_THAT(
      Refusal(std::string(kMinimal) + "limits: {in_flight: 10, in_flight_per_caller: 11}\n"),
      HasSubstr("limits.in_flight_per_caller must not be above"));
  EXPECT_THAT(Refusal(std::string(kMinimal) + "limits: {connection_age: 481h}\n"),
              HasSubstr("limits.connection_age are at most 480h"));
  EXPECT_THAT(Refusal(std::string(kMinimal) + "limits: {connection_idle: 0s}\n"),
              HasSubstr("limits.connection_idle must be a duration"));
  EXPECT_THAT(Refusal(std::string(kMinimal) + "limits: {in_flight_per_caller: -1}\n"),
              HasSubstr("limits.in_flight_per_caller"));
  for (const char* many :
       {"{work_threads: 65}", "{work_threads: -1}", "{work_places: 0}", "{work_places: 4097}"}) {
    EXPECT_THAT(Refusal(std::string(kMinimal) + "limits: " + many + "\n"),
                HasSubstr("must be a whole number"));
  }
  EXPECT_THAT(Refusal(std::string(kMinimal) + "keys: {epoch_every: 7}\n"),
              HasSubstr("keys.epoch_every must be a duration"));
  EXPECT_THAT(Refusal(std::string(kMinimal) + "reflection: yes\n"), HasSubstr("true or false"));
  EXPECT_THAT(Refusal(std::string(kMinimal) + "log: {level: loud}\n"),
              HasSubstr("log.level must be one of"));
  EXPECT_THAT(Refusal(std::string(kMinimal) + "limits: [1]\n"), HasSubstr("must be a mapping"));
}

TEST(ConfigTest, AllProblemsComeAtOnce) {
  const std::string refusal = Refusal("listen: {port: 1}\n");
  for (const char* part :
       {"data_dir is required", "keyring.path is required", "tls.certificate is required",
        "tls.key is required", "tls.client_roots is required", "listen.port is not a setting"}) {
    EXPECT_THAT(refusal, HasSubstr(part));
  }
}

TEST(ConfigTest, KeysInsideTheDataDirectoryAreRefused) {
  std::string yaml = kMinimal;
  yaml.replace(yaml.find("/v/keys/keyring"), 15, "/v/data/../data/keyring");
  EXPECT_THAT(Refusal(yaml), HasSubstr("must not be inside data_dir"));
}

TEST(ConfigTest, ExactlyOneWayToOpenTheKeyring) {
  std::string yaml = kMinimal;
  yaml.replace(yaml.find("credential: piivault"), 20, "credential: a, passphrase_file: /p");
  EXPECT_THAT(Refusal(yaml), HasSubstr("exactly one of"));
}

TEST(ConfigTest, BrokenYamlSaysWhere) {
  EXPECT_THAT(Refusal("data_dir: [\n"), HasSubstr("not valid YAML"));
  EXPECT_THAT(Refusal("- a\n- b\n"), HasSubstr("must be a mapping"));
}

// The documentation's table and the parser know the same settings.
TEST(ConfigTest, EveryDocumentedSettingIsRead) {
  std::ifstream in(PIIVAULT_SOURCE_DIR "/ops/docs/config.md");
  std::stringstream text;
  text << in.rdbuf();
  const std::string page = text.str();
  const std::regex row("\\n\\| `([a-z_.]+)` \\|");
  std::set<std::string> documented;
  for (std::sregex_iterator it(page.begin(), page.end(), row), end; it != end; ++it) {
    documented.insert((*it)[1]);
  }
  ASSERT_GE(documented.size(), 20U);
  for (const std::string& setting : documented) {
    const size_t dot = setting.find('.');
    const std::string yaml = dot == std::string::npos ? setting + ": {}\n"
                                                      : setting.substr(0, dot) + ": {" +
                                                            setting.substr(dot + 1) + ": {}}\n";
    EXPECT_THAT(Refusal(yaml), Not(HasSubstr(setting + " is not a setting"))) << setting;
  }
}

}  // namespace
}  // namespace piivault::ops
