#include "vault/service/tls.h"

#include <fcntl.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <openssl/bio.h>
#include <openssl/conf.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "vault/service/observer.h"

namespace piivault::vault {
namespace {

namespace tls = grpc::experimental;

// gRPC sets a minimum of its own on each context, which overrides MinProtocol; switching the older
// versions off is what it leaves alone.
constexpr std::string_view kOpensslConfig = R"(
openssl_conf = piivault_init
[piivault_init]
ssl_conf = piivault_ssl
[piivault_ssl]
system_default = piivault_tls
[piivault_tls]
Protocol = -SSLv3, -TLSv1, -TLSv1.1, -TLSv1.2, TLSv1.3
CipherString = DEFAULT:@SECLEVEL=2
)";

struct ContextDeleter {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using ContextPtr = std::unique_ptr<SSL_CTX, ContextDeleter>;

bool OnlyTls13() {
  const ContextPtr context(SSL_CTX_new(TLS_server_method()));
  constexpr uint64_t kOlder =
      SSL_OP_NO_SSLv3 | SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1 | SSL_OP_NO_TLSv1_2;
  return context != nullptr && (SSL_CTX_get_options(context.get()) & kOlder) == kOlder;
}

// Tells the observer of handshakes that passed all checks.
class HandshakeCounter : public tls::ExternalCertificateVerifier {
 public:
  explicit HandshakeCounter(Observer* observer) : observer_(observer) {}
  bool Verify(tls::TlsCustomVerificationCheckRequest*, std::function<void(grpc::Status)>,
              grpc::Status* sync_status) override {
    observer_->HandshakeCompleted();
    *sync_status = grpc::Status::OK;
    return true;
  }
  void Cancel(tls::TlsCustomVerificationCheckRequest*) override {}

 private:
  Observer* const observer_;
};

std::string RootsFile(const TlsOptions& options) {
  return absl::StrCat(options.directory, "/client-roots.pem");
}

}  // namespace

absl::Status RequireTls13() {
  // First what the system's own file says, so that it does not come later and undo this.
  OPENSSL_init_ssl(OPENSSL_INIT_LOAD_CONFIG, nullptr);
  std::unique_ptr<CONF, decltype(&NCONF_free)> config(NCONF_new(nullptr), &NCONF_free);
  std::unique_ptr<BIO, decltype(&BIO_free_all)> text(
      BIO_new_mem_buf(kOpensslConfig.data(), static_cast<int>(kOpensslConfig.size())),
      &BIO_free_all);
  long line = 0;
  const bool loaded = config != nullptr && text != nullptr &&
                      NCONF_load_bio(config.get(), text.get(), &line) == 1 &&
                      CONF_modules_load(config.get(), nullptr, 0) == 1;
  ERR_clear_error();
  if (!loaded || !OnlyTls13()) return absl::InternalError("cannot restrict TLS to version 1.3");
  return absl::OkStatus();
}

absl::Status WriteClientRoots(const TlsOptions& options) {
  std::string all;
  for (const ClientRoot& root : options.client_roots) absl::StrAppend(&all, root.pem, "\n");
  const std::string path = RootsFile(options);
  const std::string fresh = absl::StrCat(path, ".new");
  const int file = open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) return absl::ErrnoToStatus(errno, "cannot write the client roots");
  auto close_file = absl::MakeCleanup([file] { close(file); });
  for (std::string_view rest = all; !rest.empty();) {
    const ssize_t written = write(file, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return absl::ErrnoToStatus(errno, "cannot write the client roots");
    rest.remove_prefix(static_cast<size_t>(written));
  }
  if (std::rename(fresh.c_str(), path.c_str()) != 0) {
    return absl::ErrnoToStatus(errno, "cannot put the client roots in place");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> MakeServerCredentials(
    const TlsOptions& options, Observer* observer) {
  if (!OnlyTls13()) return absl::FailedPreconditionError("TLS is not restricted to version 1.3");
  if (options.client_roots.empty()) return absl::InvalidArgumentError("no client roots");
  const ContextPtr probe(SSL_CTX_new(TLS_server_method()));
  const bool usable =
      probe != nullptr &&
      SSL_CTX_use_certificate_chain_file(probe.get(), options.certificate_file.c_str()) == 1 &&
      SSL_CTX_use_PrivateKey_file(probe.get(), options.key_file.c_str(), SSL_FILETYPE_PEM) == 1 &&
      SSL_CTX_check_private_key(probe.get()) == 1;
  ERR_clear_error();
  if (!usable) {
    return absl::InvalidArgumentError("the TLS certificate and key files do not fit together");
  }
  if (absl::Status written = WriteClientRoots(options); !written.ok()) return written;
  tls::TlsServerCredentialsOptions credentials(
      std::make_shared<tls::FileWatcherCertificateProvider>(
          options.key_file, options.certificate_file, RootsFile(options), options.refresh_seconds));
  credentials.watch_root_certs();
  credentials.watch_identity_key_cert_pairs();
  credentials.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  if (observer != nullptr) {
    credentials.set_certificate_verifier(
        tls::ExternalCertificateVerifier::Create<HandshakeCounter>(observer));
    credentials.set_check_call_host(false);
  }
  return tls::TlsServerCredentials(credentials);
}

}  // namespace piivault::vault
