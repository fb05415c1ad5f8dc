// The floors that `ops/bench` holds the vault against: the least that the work can cost with the
// libraries the vault is built on.
//
//   piivault_floors echo --dir PKI --response FILE
//   piivault_floors read --dir DIR --records N [--fields-per-record 8] [--read 4] [--batch 100]
//                        [--threads 1] [--seconds 3] [--cache-mib 64] [--tokens 1]
//   piivault_floors put  --dir DIR [--threads 64] [--value-bytes 300] [--seconds 3]
//
// FROZEN. Written against gRPC, RocksDB and OpenSSL directly and against none of the vault's own
// libraries, so that making those faster or slower does not move a floor. Figures of two days can
// be compared only where these files are the same; `ops/bench` writes their SHA-256 into its
// results.
//
// echo  A unary call of any name over mutual TLS is answered with the bytes of FILE: the payload of
//       a real answer. gRPC's callback API, nothing behind it. Prints its port as JSON and serves
//       until it is killed. PKI has server.crt, server.key and ca.crt.
// read  Rows of the shape and size that storage/FORMAT.md says, in a database with the vault's
//       options, are read by uniformly random keys, unwrapped and opened; nothing else. With
//       --tokens 1 each record is found by a token row, which is opened too. The database is made
//       in DIR where it is not there yet, and is compacted.
// put   Threads that each wait for their own synced put of an entry's size into a new database.
//
// The last line printed is one JSON object.

#include <string>
#include <utility>

#include "tests/bench/floors/floors.h"

int main(int argc, char** argv) {
  const std::string floor = argc < 2 ? "" : argv[1];
  piivault::floors::Options options(argc, argv);
  if (floor == "echo") {
    piivault::floors::Echo(std::move(options));
  } else if (floor == "read") {
    piivault::floors::Read(std::move(options));
  } else if (floor == "put") {
    piivault::floors::Put(std::move(options));
  } else {
    piivault::floors::Require(false, "echo, read or put?");
  }
  return 0;
}
