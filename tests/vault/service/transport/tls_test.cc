#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "tests/vault/service/transport/transport_testing.h"
#include "vault/service/certificate.h"

namespace piivault::vault {
namespace {

namespace v1 = piivault::v1;
using authz::Reason;

grpc::Status Reveal(const std::shared_ptr<grpc::Channel>& channel) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
  v1::RevealRecordResponse response;
  return v1::VaultService::NewStub(channel)->RevealRecord(&context, v1::RevealRecordRequest(),
                                                          &response);
}

class TlsTest : public testing::Test {
 protected:
  void SetUp() override {
    toy_.On(kUnary, [](CallContext& context) { return RevealPlan(context, "shown"); });
    toy_.Start();
  }

  // Nothing of the call reached the server's own path.
  void ExpectNoHandshake(const std::shared_ptr<grpc::Channel>& channel) {
    EXPECT_EQ(Reveal(channel).error_code(), grpc::StatusCode::UNAVAILABLE);
    EXPECT_EQ(toy_.observer().handshakes, 0);
    EXPECT_GE(toy_.observer().accepted, 1);
    EXPECT_TRUE(toy_.Entries().empty());
  }

  ToyServer toy_;
};

TEST_F(TlsTest, ValidCertificateIsServedAndCounted) {
  EXPECT_TRUE(Reveal(toy_.Channel()).ok());
  EXPECT_EQ(toy_.observer().handshakes, 1);
}

// 004-14: nobody gets in without credentials.
TEST_F(TlsTest, ClientWithoutCertificateFailsTheHandshake) {
  ExpectNoHandshake(toy_.Channel(nullptr));
}

// 000-21, 002-51: whoever speaks in the clear is not heard.
TEST_F(TlsTest, ClientWithoutTlsIsNotServed) {
  ExpectNoHandshake(grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", toy_.port()),
                                              grpc::InsecureChannelCredentials(),
                                              grpc::ChannelArguments()));
}

// 000-24: an authority that is not ours is not taken, whatever the client lacks.
TEST_F(TlsTest, CertificateOfAnotherAuthorityFailsTheHandshake) {
  fakes::TestAuthority other("Other CA");
  const fakes::TestCertificate client = other.IssueForUri(kClient);
  ExpectNoHandshake(toy_.Channel(&client));
}

TEST_F(TlsTest, AuthorityOfTheSameNameFailsTheHandshake) {
  fakes::TestAuthority other;
  const fakes::TestCertificate client = other.IssueForUri(kClient);
  ExpectNoHandshake(toy_.Channel(&client));
}

TEST_F(TlsTest, ExpiredCertificateFailsTheHandshake) {
  const fakes::TestCertificate client = toy_.authority().IssueExpired(kClient);
  ExpectNoHandshake(toy_.Channel(&client));
}

TEST_F(TlsTest, CertificateThatIsNotYetValidFailsTheHandshake) {
  const fakes::TestCertificate client = toy_.authority().IssueNotYetValid(kClient);
  ExpectNoHandshake(toy_.Channel(&client));
}

TEST_F(TlsTest, CertificateThatEndsDuringTheConnectionIsRefusedFromThenOn) {
  auto channel = toy_.Channel();
  ASSERT_TRUE(Reveal(channel).ok());
  toy_.Advance(absl::Hours(24 * 365 * 100));
  const grpc::Status status = Reveal(channel);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(ReasonIn(status), "CERTIFICATE_INVALID");
  EXPECT_EQ(toy_.observer().handshakes, 1);
}

TEST_F(TlsTest, NameThatTheRootMayNotGiveIsRefusedWithAnEntry) {
  for (const std::string uri : {"spiffe://elsewhere/client", "https://test/client"}) {
    const fakes::TestCertificate client = toy_.authority().IssueForUri(uri);
    const grpc::Status status = Reveal(toy_.Channel(&client));
    EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAUTHENTICATED);
    EXPECT_EQ(ReasonIn(status), "CERTIFICATE_INVALID");
  }
  EXPECT_EQ(toy_.Entries().size(), 2u);
}

TEST_F(TlsTest, OtherRootsAreTakenWithoutRestart) {
  fakes::TestAuthority other("Other CA");
  const fakes::TestCertificate client = other.IssueForUri(kClient);
  auto standing = toy_.Channel();
  ASSERT_TRUE(Reveal(standing).ok());
  ASSERT_TRUE(
      toy_.server().SetClientRoots({{"other", other.certificate_pem(), {"spiffe://test/*"}}}).ok());
  // On a connection that stands, at once.
  EXPECT_EQ(Reveal(standing).error_code(), grpc::StatusCode::UNAUTHENTICATED);
  // For handshakes, when the files are looked at again.
  const absl::Time patience = absl::Now() + absl::Seconds(30);
  grpc::Status status;
  do {
    status = Reveal(toy_.Channel(&client));
  } while (!status.ok() && absl::Now() < patience);
  EXPECT_TRUE(status.ok()) << status.error_message();
}

// ---- What gRPC's client cannot be made to do ----------------------------------------------------

struct Handshake {
  bool ok = false;
  int version = 0;
  int cipher_bits = 0;
  std::string server_sha256;
  bool ended_by_server = false;  // Rather than by the client before it has said anything.
};

// Connects with OpenSSL itself and, in TLS 1.3, waits for the server's verdict on the client.
Handshake Shake(const ToyServer& toy, int version) {
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  // The client has no scruples of its own.
  SSL_CTX_clear_options(context, SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1 | SSL_OP_NO_TLSv1_2);
  EXPECT_EQ(SSL_CTX_set_cipher_list(context, "ALL:COMPLEMENTOFALL:@SECLEVEL=0"), 1);
  SSL_CTX_set_min_proto_version(context, version);
  SSL_CTX_set_max_proto_version(context, version);
  BIO* bio = BIO_new_mem_buf(toy.client().certificate_pem.data(), -1);
  X509* certificate = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
  BIO_free(bio);
  bio = BIO_new_mem_buf(toy.client().key_pem.data(), -1);
  EVP_PKEY* key = PEM_read_bio_PrivateKey(bio, nullptr, nullptr, nullptr);
  BIO_free(bio);
  SSL_CTX_use_certificate(context, certificate);
  SSL_CTX_use_PrivateKey(context, key);
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(toy.port()));
  EXPECT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  SSL* ssl = SSL_new(context);
  const unsigned char alpn[] = "\x02h2";
  SSL_set_alpn_protos(ssl, alpn, 3);
  SSL_set_fd(ssl, fd);
  Handshake result;
  char byte = 0;
  if (SSL_connect(ssl) == 1 && SSL_read(ssl, &byte, 1) == 1) {  // the server's SETTINGS
    result.ok = true;
    result.version = SSL_version(ssl);
    result.cipher_bits = SSL_get_cipher_bits(ssl, nullptr);
    X509* server = SSL_get1_peer_certificate(ssl);
    result.server_sha256 = CertificateSha256(*server);
    X509_free(server);
  }
  const int reason = ERR_GET_REASON(ERR_peek_error());
  result.ended_by_server =
      reason == SSL_R_UNEXPECTED_EOF_WHILE_READING || reason == SSL_R_TLSV1_ALERT_PROTOCOL_VERSION;
  ERR_clear_error();
  SSL_free(ssl);
  close(fd);
  SSL_CTX_free(context);
  X509_free(certificate);
  EVP_PKEY_free(key);
  return result;
}

// 000-21: everything is under TLS; 000-24: no older version for clients that know no better.
// 004-37: suites under 128 bits, and those that do not encrypt, are of the older versions alone.
TEST_F(TlsTest, OnlyVersion13IsSpoken) {
  for (const int older : {TLS1_VERSION, TLS1_1_VERSION, TLS1_2_VERSION}) {
    const Handshake handshake = Shake(toy_, older);
    EXPECT_FALSE(handshake.ok) << older;
    EXPECT_TRUE(handshake.ended_by_server) << older;
  }
  const Handshake current = Shake(toy_, TLS1_3_VERSION);
  EXPECT_TRUE(current.ok);
  EXPECT_EQ(current.version, TLS1_3_VERSION);
  EXPECT_GE(current.cipher_bits, 128);
}

TEST_F(TlsTest, RenewedServerCertificateIsTakenWithoutRestart) {
  const fakes::TestCertificate renewed = toy_.authority().IssueServer();
  auto standing = toy_.Channel();
  ASSERT_TRUE(Reveal(standing).ok());
  toy_.directory().Write("server.key", renewed.key_pem);
  toy_.directory().Write("server.pem", renewed.certificate_pem);
  const absl::Time patience = absl::Now() + absl::Seconds(30);
  Handshake handshake;
  do {
    handshake = Shake(toy_, TLS1_3_VERSION);
  } while (handshake.server_sha256 != renewed.sha256 && absl::Now() < patience);
  EXPECT_EQ(handshake.server_sha256, renewed.sha256);
  EXPECT_TRUE(Reveal(standing).ok());
}

TEST(TlsFilesTest, KeyOfAnotherCertificateIsRefusedAtStart) {
  ASSERT_TRUE(RequireTls13().ok());
  TempDirectory directory;
  fakes::TestAuthority authority;
  const fakes::TestCertificate one = authority.IssueServer();
  const fakes::TestCertificate two = authority.IssueServer();
  TlsOptions options;
  options.certificate_file = directory.Write("server.pem", one.certificate_pem);
  options.key_file = directory.Write("server.key", two.key_pem);
  options.client_roots = {{"test", authority.certificate_pem(), {"spiffe://test/*"}}};
  options.directory = directory.path();
  EXPECT_EQ(MakeServerCredentials(options, nullptr).status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace piivault::vault
