#include "ops/cli/tls13.h"

#include <openssl/conf.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <memory>
#include <string_view>

namespace piivault::ops {
namespace {

// SSL_CTX_new() applies the section `system_default`. gRPC sets the protocol range afterwards by
// SSL_CTX_set_min_proto_version(), so that MinProtocol would be overwritten; a protocol that is
// switched off stays off.
constexpr std::string_view kConfiguration =
    "openssl_conf = defaults\n"
    "[defaults]\n"
    "ssl_conf = ssl\n"
    "[ssl]\n"
    "system_default = tls\n"
    "[tls]\n"
    "Protocol = -TLSv1, -TLSv1.1, -TLSv1.2\n";

struct Free {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(CONF* conf) const { NCONF_free(conf); }
};

}  // namespace

absl::Status RequireTls13() {
  OPENSSL_init_ssl(OPENSSL_INIT_LOAD_CONFIG, nullptr);
  std::unique_ptr<BIO, Free> text(
      BIO_new_mem_buf(kConfiguration.data(), static_cast<int>(kConfiguration.size())));
  std::unique_ptr<CONF, Free> conf(NCONF_new(nullptr));
  long line = 0;
  if (text == nullptr || conf == nullptr || NCONF_load_bio(conf.get(), text.get(), &line) != 1 ||
      CONF_modules_load(conf.get(), nullptr, 0) <= 0) {
    ERR_clear_error();
    return absl::InternalError("OpenSSL did not take the TLS settings");
  }
  return absl::OkStatus();
}

}  // namespace piivault::ops
