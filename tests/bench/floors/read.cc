#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/bench/floors/database.h"
#include "tests/bench/floors/seals.h"

namespace piivault::floors {
namespace {

enum Family : size_t { kDefault, kRecord, kWrap, kState, kIndex };

// Lengths of what storage/FORMAT.md describes, for a reader's record of eight fields.
constexpr size_t kId = 16;
constexpr size_t kHeaderPart = 336;         // RecordHeader of eight fields with tokens, padded
constexpr size_t kFieldPart = 28;           // values, padded, on average
constexpr size_t kSubjectRow = 29;          // SubjectRow, serialized
constexpr size_t kTokenRow = 43;            // TokenRow, serialized
constexpr size_t kRowHead = 1 + 1 + 8 + 2;  // of a record
constexpr size_t kPartHead = 4;             // length of a part
constexpr size_t kSealedHead = 1 + 4 + 8;   // of a sealed row
constexpr size_t kWrapHead = 1 + 4;         // of a wrap
constexpr size_t kHeaderData = 124;         // associated data, in bytes
constexpr size_t kFieldData = 153;
constexpr size_t kWrapData = 105;
constexpr size_t kSealedData = 92;

struct Shape {
  size_t records = 0;
  size_t fields = 8;
  size_t read = 4;
  size_t batch = 100;
  bool tokens = false;  // found by their token rows
};

uint64_t Mix(uint64_t state) {  // splitmix64
  state += 0x9e3779b97f4a7c15;
  state = (state ^ (state >> 30)) * 0xbf58476d1ce4e5b9;
  state = (state ^ (state >> 27)) * 0x94d049bb133111eb;
  return state ^ (state >> 31);
}

// Random bytes that belong to a record: ids, keys, nonces. What they are for is `use`.
void Fill(uint64_t record, uint64_t use, uint8_t* out, size_t size) {
  for (size_t i = 0; i < size; i += sizeof(uint64_t)) {
    const uint64_t word = Mix(Mix(record) ^ (use << 56) ^ i);
    std::memcpy(out + i, &word, std::min(sizeof(word), size - i));
  }
}

// The keys of one record's rows.
struct Keys {
  explicit Keys(uint64_t record) : record_row(8 + 2 * kId, 't') {
    Fill(record, 1, Bytes(record_row) + 8, 2 * kId);
    wrap_row = record_row + std::string("\0\0\0\0\0\0\0\1", 8);
    person_row = std::string(1, '\x9') + record_row.substr(0, 8 + kId);
    token_row = std::string(1, '\x1') + record_row.substr(0, 8) + std::string(kId, '\0');
    Fill(record, 2, Bytes(token_row) + 9, kId);
  }
  std::string record_row, wrap_row, person_row, token_row;
};

// Associated data of this length for one part of one record.
void Bind(const Keys& keys, size_t part, size_t size, std::string* data) {
  data->assign(size, 'a');
  data->replace(0, keys.record_row.size(), keys.record_row);
  data->back() = static_cast<char>(part);
}

std::array<uint8_t, kNonce> OrdinalNonce(size_t part) {
  std::array<uint8_t, kNonce> nonce{};
  nonce.back() = static_cast<uint8_t>(part);
  return nonce;
}

// ---- making the rows ----------------------------------------------------------------------------

class Maker {
 public:
  Maker(Database* database, const Shape& shape) : database_(*database), shape_(shape) {}

  void MakeAll() {
    rocksdb::WriteOptions options;
    options.disableWAL = true;
    for (uint64_t record = 0; record < shape_.records; ++record) {
      Make(record);
      if (batch_.Count() < 4000 && record + 1 < shape_.records) continue;
      Require(database_.db().Write(options, &batch_));
      batch_.Clear();
    }
    database_.Compact();
  }

 private:
  void Make(uint64_t record) {
    const Keys keys(record);
    KeyBytes data_key;
    Fill(record, 3, data_key.data(), data_key.size());
    parts_.SetKey(data_key.data());
    std::string row(kRowHead, 'r');
    Part(keys, 0, kHeaderPart, kHeaderData, &row);
    for (size_t i = 1; i <= shape_.fields; ++i) Part(keys, i, kFieldPart, kFieldData, &row);
    Require(batch_.Put(database_.family(kRecord), keys.record_row, row));
    Sealed(&wrap_, kWrap, keys, keys.wrap_row, {kWrapHead, kWrapData, record},
           std::string(data_key.begin(), data_key.end()));
    Sealed(&state_, kState, keys, keys.person_row, {kSealedHead, kSealedData, record},
           std::string(kSubjectRow, 's'));
    Sealed(&state_, kIndex, keys, keys.token_row, {kSealedHead, kSealedData, record},
           std::string(kTokenRow, 't'));
  }

  void Part(const Keys& keys, size_t part, size_t size, size_t data_size, std::string* row) {
    const std::string plain(size, 'p');
    const uint32_t length = static_cast<uint32_t>(size + kTag);
    const size_t start = row->size() + kPartHead;
    row->append(reinterpret_cast<const char*>(&length), sizeof(length));
    row->resize(start + length);
    Bind(keys, part, data_size, &data_);
    parts_.Run(OrdinalNonce(part).data(), data_, Bytes(plain.data()), size, Bytes(*row) + start);
  }

  struct Binding {
    size_t head;
    size_t data_size;
    uint64_t record;
  };
  void Sealed(Xaes* key, Family family, const Keys& keys, const std::string& row_key,
              const Binding& binding, const std::string& plain) {
    std::string row(binding.head + Xaes::kLongNonce + plain.size() + kTag, 'r');
    uint8_t* const sealed = Bytes(row) + binding.head;
    Fill(binding.record, 8 + family, sealed, Xaes::kLongNonce);
    Bind(keys, family, binding.data_size, &data_);
    key->Seal(data_, Bytes(plain.data()), plain.size(), sealed);
    Require(batch_.Put(database_.family(family), row_key, row));
  }

  Database& database_;
  const Shape shape_;
  rocksdb::WriteBatch batch_;
  std::string data_;
  Gcm parts_{true};
  Xaes wrap_{1, true};
  Xaes state_{2, true};
};

// ---- reading them -------------------------------------------------------------------------------

// One thread's reading.
class Reader {
 public:
  Reader(const Database& database, const Shape& shape, uint64_t seed)
      : database_(database), shape_(shape), random_(seed) {}

  // One batch of records.
  void ReadBatch() {
    keys_.clear();
    for (size_t i = 0; i < shape_.batch; ++i) {
      random_ = Mix(random_);
      keys_.emplace_back(random_ % shape_.records);
    }
    if (shape_.tokens) {
      Get({{kIndex, &Keys::token_row}});
      for (size_t i = 0; i < keys_.size(); ++i) Open(&state_, kIndex, i, 0, kTokenRow);
    }
    Get({{kRecord, &Keys::record_row}, {kWrap, &Keys::wrap_row}, {kState, &Keys::person_row}});
    for (size_t i = 0; i < keys_.size(); ++i) OpenRecord(i);
  }

 private:
  struct Wanted {
    Family family;
    std::string Keys::*key;
  };
  // rows_[kind * batch + i] is that row of the i-th record.
  void Get(const std::vector<Wanted>& wanted) {
    families_.clear();
    slices_.clear();
    for (const auto& [family, key] : wanted) {
      for (const Keys& keys : keys_) {
        families_.push_back(database_.family(family));
        slices_.emplace_back(keys.*key);
      }
    }
    rows_.clear();
    rows_.resize(slices_.size());
    statuses_.resize(slices_.size());
    database_.db().MultiGet({}, slices_.size(), families_.data(), slices_.data(), rows_.data(),
                            statuses_.data());
    for (const rocksdb::Status& status : statuses_) Require(status);
  }

  void OpenRecord(size_t i) {
    Open(&wrap_, kWrap, i, 1, kKey);
    parts_.SetKey(plain_.data());
    const uint8_t* at = Bytes(rows_[i].data()) + kRowHead;
    for (size_t part = 0; part <= shape_.read; ++part) {
      uint32_t length = 0;
      std::memcpy(&length, at, sizeof(length));
      Bind(keys_[i], part, part == 0 ? kHeaderData : kFieldData, &data_);
      parts_.Run(OrdinalNonce(part).data(), data_, at + kPartHead, length - kTag, plain_.data());
      at += kPartHead + length;
    }
    Open(&state_, kState, i, 2, kSubjectRow);
  }

  void Open(Xaes* key, Family family, size_t i, size_t kind, size_t size) {
    const size_t head = family == kWrap ? kWrapHead : kSealedHead;
    Bind(keys_[i], family, family == kWrap ? kWrapData : kSealedData, &data_);
    key->Open(data_, Bytes(rows_[kind * keys_.size() + i].data()) + head, size, plain_.data());
  }

  const Database& database_;
  const Shape shape_;
  uint64_t random_;
  std::vector<Keys> keys_;
  std::vector<rocksdb::ColumnFamilyHandle*> families_;
  std::vector<rocksdb::Slice> slices_;
  std::vector<rocksdb::PinnableSlice> rows_;
  std::vector<rocksdb::Status> statuses_;
  std::string data_;
  std::array<uint8_t, 512> plain_{};
  Gcm parts_{false};
  Xaes wrap_{1, false};
  Xaes state_{2, false};
};

std::string Stamp(const Shape& shape) {
  return std::to_string(shape.records) + "/" + std::to_string(shape.fields);
}

std::unique_ptr<Database> OpenOrMake(const std::string& dir, const Shape& shape, size_t cache) {
  const std::vector<std::string> families = {"record", "wrap", "state", "index"};
  auto database = std::make_unique<Database>(dir, families, cache);
  std::string stamp;
  const rocksdb::Status got = database->db().Get({}, "shape", &stamp);
  Require(got.ok() || got.IsNotFound(), got.ToString());
  if (stamp == Stamp(shape)) return database;
  Require(stamp.empty(), dir + " holds rows of another shape");
  Maker(database.get(), shape).MakeAll();
  Require(database->db().Put({}, "shape", Stamp(shape)));
  return database;
}

}  // namespace

void Read(Options options) {
  const std::string dir = options.Text("dir");
  Shape shape;
  shape.records = options.Count("records", 10000);
  shape.fields = options.Count("fields-per-record", shape.fields);
  shape.read = options.Count("read", shape.read);
  shape.batch = options.Count("batch", shape.batch);
  shape.tokens = options.Number("tokens", 0) != 0;
  const size_t threads = options.Count("threads", 1);
  const double seconds = options.Number("seconds", 3);
  const size_t cache = options.Count("cache-mib", 64);
  options.End();
  Require(shape.read <= shape.fields, "--read is more than --fields-per-record");
  const std::unique_ptr<Database> database = OpenOrMake(dir, shape, cache);

  std::atomic<uint64_t> batches{0};
  std::atomic<bool> counting{false};
  std::atomic<bool> stop{false};
  std::vector<std::thread> readers;
  for (size_t i = 0; i < threads; ++i) {
    readers.emplace_back([&, i] {
      Reader reader(*database, shape, i + 1);
      while (!stop.load(std::memory_order_relaxed)) {
        reader.ReadBatch();
        if (counting.load(std::memory_order_relaxed)) batches.fetch_add(1);
      }
    });
  }
  // A quarter of the time goes by first: it fills the cache.
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds / 4));
  counting.store(true);
  const Clock::time_point start = Clock::now();
  SleepUntilCounted(seconds, batches);
  const double records = static_cast<double>(batches.load() * shape.batch) / SecondsSince(start);
  stop.store(true);
  for (std::thread& reader : readers) reader.join();
  std::printf("{\"fields_per_second\": %.1f, \"records_per_second\": %.1f, \"threads\": %zu}\n",
              records * static_cast<double>(shape.read), records, threads);
}

}  // namespace piivault::floors
