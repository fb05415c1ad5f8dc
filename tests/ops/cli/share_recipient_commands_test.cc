// `piivault share recipient`.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "ops/cli/exit_code.h"
#include "tests/ops/cli/fake_vault.h"

namespace piivault::ops {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class ShareRecipientCommandsTest : public ::testing::Test {
 protected:
  CliResult Run(std::vector<std::string> arguments) {
    std::vector<std::string> all = vault_.Flags();
    all.insert(all.end(), {"share", "recipient"});
    all.insert(all.end(), arguments.begin(), arguments.end());
    return RunPiivault(all);
  }
  // What the vault was asked by a command that succeeded.
  std::string Asked(std::vector<std::string> arguments) {
    const CliResult result = Run(std::move(arguments));
    EXPECT_EQ(result.code, kExitOk) << result.err;
    const std::vector<std::string> said = vault_.said();
    return said.empty() ? "nothing" : said.back();
  }

  FakeVault vault_;
};

TEST_F(ShareRecipientCommandsTest, RegistersWithCertificates) {
  EXPECT_EQ(Asked({"register",         "yamato",
                   "--category",       "carrier",
                   "--country",        "JP",
                   "--display-name",   "Example",
                   "--address",        "1-1",
                   "--representative", "Head",
                   "--matter",         "option/O-1",
                   "--matter",         "option/O-2",
                   "--identity",       "dns:api.yamato.test",
                   "--certificate",    vault_.folder().File("x.crt"),
                   "--request-id",     "once"}),
            "RegisterRecipientRequest recipient { name: \"tenants/default/recipients/yamato\" "
            "display_name: \"Example\" category: \"carrier\" country: \"JP\" address: \"1-1\" "
            "representative: \"Head\" matters { kind: \"option\" id: \"O-1\" } "
            "matters { kind: \"option\" id: \"O-2\" } } identities: \"dns:api.yamato.test\" "
            "identities: \"spiffe://vault.example/x\" request_id: \"once\"");
  EXPECT_THAT(Asked({"register", "tenants/t7/recipients/owner", "--category", "controller",
                     "--country", "JP", "--controller", "partner-9", "--identity", "dns:a.test"}),
              AllOf(HasSubstr("name: \"tenants/t7/recipients/owner\""),
                    HasSubstr("controller: \"partner-9\"")));
  EXPECT_EQ(Run({"register", "yamato", "--category", "carrier", "--country", "JP", "--identity",
                 "dns:a.test", "--matter", "option"})
                .code,
            kExitError);
}

TEST_F(ShareRecipientCommandsTest, ShowsAndLists) {
  EXPECT_EQ(Asked({"show", "yamato"}),
            "GetRecipientRequest name: \"tenants/default/recipients/yamato\"");
  EXPECT_THAT(Run({"show", "yamato"}).out, HasSubstr("Example Logistics"));
  EXPECT_EQ(Asked({"list"}), "ListRecipientsRequest parent: \"tenants/default\" page_size: 1000");
  EXPECT_THAT(Run({"list"}).out, AllOf(HasSubstr("CATEGORY"), HasSubstr("recipients/yamato")));
}

TEST_F(ShareRecipientCommandsTest, UpdatesOnlyWhatIsGiven) {
  EXPECT_EQ(Asked({"update", "yamato", "--country", "KR"}),
            "UpdateRecipientRequest recipient { name: \"tenants/default/recipients/yamato\" "
            "display_name: \"Example Logistics\" category: \"carrier\" country: \"KR\" "
            "matters { kind: \"option\" id: \"O-1\" } }");
  EXPECT_THAT(Asked({"update", "yamato", "--matter", "option/O-2"}),
              AllOf(HasSubstr("id: \"O-2\""), Not(HasSubstr("O-1"))));
  EXPECT_THAT(Asked({"update", "yamato", "--no-matters"}), Not(HasSubstr("matters")));
}

TEST_F(ShareRecipientCommandsTest, Disables) {
  EXPECT_EQ(Asked({"disable", "yamato"}),
            "DisableRecipientRequest name: \"tenants/default/recipients/yamato\"");
}

TEST_F(ShareRecipientCommandsTest, AttestsByTheDocumentsDigest) {
  vault_.folder().Write("contract.txt", "A contract.\n");
  const std::string document = vault_.folder().File("contract.txt");
  const std::string asked =
      Asked({"attest", "yamato", "--kind", "contract", "--document", document, "--signed-at",
             "2026-04-01", "--valid-until", "2027-03-31", "--field", "pi.name", "--field", "pi.*",
             "--for", "C", "--request-id", "once"});
  EXPECT_THAT(asked, AllOf(HasSubstr("recipient: \"tenants/default/recipients/yamato\""),
                           HasSubstr("kind: \"contract\" document_sha256: \""),
                           HasSubstr("signed_at { seconds: 1775001600 }"),
                           HasSubstr("valid_until_date: \"2027-03-31\""),
                           HasSubstr("fields: \"pi.name\" fields: \"pi.*\" purposes: \"C\""),
                           HasSubstr("request_id: \"once\""), Not(HasSubstr("A contract."))));
  EXPECT_THAT(Asked({"attest", "yamato", "--kind", "partner_nda", "--document", document}),
              AllOf(HasSubstr("signed_at {"), Not(HasSubstr("valid_until"))));
  EXPECT_NE(Run({"attest", "yamato", "--kind", "pledge", "--document", document}).code, kExitOk);
}

TEST_F(ShareRecipientCommandsTest, RevokesAnAttestation) {
  EXPECT_EQ(Asked({"revoke-attestation", "tenants/default/recipients/yamato/attestations/a"}),
            "RevokeRecipientAttestationRequest name: "
            "\"tenants/default/recipients/yamato/attestations/a\"");
}

}  // namespace
}  // namespace piivault::ops
