#include <gtest/gtest.h>

#include <iostream>

#include "vault/service/tls.h"

// TLS 1.3 is asked for once in a process, before anything of OpenSSL is used.
int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  const absl::Status status = piivault::vault::RequireTls13();
  if (!status.ok()) {
    std::cerr << status << "\n";
    return 1;
  }
  return RUN_ALL_TESTS();
}
