// The arrangement of grants against a walk over all of them.
#include "authz/grant_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <optional>
#include <random>
#include <vector>

namespace piivault::authz {
namespace {

constexpr size_t kObjects = 300;
constexpr View kViews[] = {View::kMasked, View::kToken, View::kPlain};

// A table of random slices over some of the objects, and a cell with some of the slices.
class Random {
 public:
  Random(size_t slices, uint32_t seed) : random_(seed), table_(kObjects) {
    for (size_t i = 0; i < slices; ++i) {
      Slice slice{static_cast<GrantIndex>(i), kViews[Below(3)], static_cast<uint8_t>(Below(4)),
                  BitSet(kObjects)};
      for (size_t object = 40; object < 250; ++object) {
        if (Below(20) == 0) slice.objects.Set(object);
      }
      slices_.push_back(std::move(slice));
      EXPECT_EQ(table_.Add(&slices_.back()), i);
    }
    table_.Finish();
    cell_.emplace(&table_);
    for (size_t i = 0; i < slices; ++i) {
      if (Below(2) == 0) continue;
      cell_->Add(i);
      members_.push_back(&slices_[i]);
    }
  }

  const Cell& cell() const { return *cell_; }
  std::vector<const Slice*> SlicesOf(size_t object) const {
    std::vector<const Slice*> slices;
    for (const Slice* slice : members_) {
      if (slice->objects.Has(object)) slices.push_back(slice);
    }
    return slices;
  }

 private:
  uint32_t Below(uint32_t n) { return static_cast<uint32_t>(random_() % n); }

  std::mt19937 random_;
  std::deque<Slice> slices_;
  GrantTable table_;
  std::optional<Cell> cell_;
  std::vector<const Slice*> members_;
};

TEST(GrantTableTest, FindsWhatAWalkOverAllFinds) {
  uint32_t seed = 0;
  for (size_t slices : {0, 1, 5, 63, 64, 65, 128, 500, 1000}) {
    const Random random(slices, ++seed);
    for (size_t object = 0; object < kObjects + 10; ++object) {
      const std::vector<const Slice*> given = random.SlicesOf(object);
      EXPECT_EQ(random.cell().Gives(object), !given.empty());
      EXPECT_EQ(random.cell().SlicesOf(object), given);
      for (uint8_t unmet = 0; unmet < 4; ++unmet) {
        const Slice* first = nullptr;
        const Slice* most = nullptr;
        const Slice* failing = nullptr;
        for (const Slice* slice : given) {
          if ((slice->conditions & unmet) != 0) {
            if (failing == nullptr) failing = slice;
            continue;
          }
          if (first == nullptr) first = slice;
          if (most == nullptr || slice->view > most->view) most = slice;
        }
        EXPECT_EQ(random.cell().Find(object, false, unmet).holding, first);
        EXPECT_EQ(random.cell().Find(object, true, unmet).holding, most);
        EXPECT_EQ(random.cell().Find(object, true, unmet).failing, failing);
      }
    }
  }
}

TEST(GrantTableTest, AGrantThatComesTwiceIsOneSlice) {
  GrantTable table(1);
  Slice read{7, View::kPlain, 0, BitSet(1)};
  read.objects.Set(0);
  const Slice again = read;
  Slice other = read;
  other.grant = 8;
  EXPECT_EQ(table.Add(&read), 0u);
  EXPECT_EQ(table.Add(&again), 0u);
  EXPECT_EQ(table.Add(&other), 1u);
  table.Finish();
  EXPECT_EQ(table.size(), 2u);
}

}  // namespace
}  // namespace piivault::authz
