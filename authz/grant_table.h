// The grants of one role that have one verb, so arranged that finding what answers a call takes no
// longer where there are more of them. Internal to authz.
#ifndef PIIVAULT_AUTHZ_GRANT_TABLE_H_
#define PIIVAULT_AUTHZ_GRANT_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "authz/bit_set.h"
#include "authz/policy.h"

namespace piivault::authz {

// What one grant gives by one verb.
struct Slice {
  GrantIndex grant;
  View view;
  uint8_t conditions;  // Bit i: Condition(i) must hold.
  BitSet objects;      // By FieldId or TypeId, as the verb is about; of the tenant: 0.
};

// Slices have places, in the policy's order. Each object has a row of bits, one for each place;
// so have the slices that show the same under the same conditions. What is looked for is in all of
// some rows: 64 slices at a time, however many objects they give.
class GrantTable {
 public:
  explicit GrantTable(size_t objects) : objects_(objects) {}

  // Returns its place. Slices of the same grant are the same slice; they come one after the other.
  size_t Add(const Slice* slice);
  // To be called once, after the last slice and before anything is looked for.
  void Finish();
  size_t size() const { return slices_.size(); }

 private:
  friend class Cell;
  using Word = uint64_t;
  struct Group {
    View view;
    uint8_t conditions;
    std::vector<Word> places;
  };

  size_t words() const { return (slices_.size() + 63) / 64; }
  const Word* RowOf(size_t object) const {
    if (object < first_object_ || object - first_object_ >= rows_) return nullptr;
    return &by_object_[(object - first_object_) * words()];
  }

  size_t objects_;
  std::vector<const Slice*> slices_;
  std::vector<Group> groups_;
  size_t first_object_ = 0;  // Objects before it and behind the rows are given by no slice.
  size_t rows_ = 0;
  std::vector<Word> by_object_;
};

// Those of a table that are for one purpose. Borrows the table.
class Cell {
 public:
  // REQUIRES: the table is finished.
  explicit Cell(const GrantTable* table) : table_(table), places_(table->words()) {}
  void Add(size_t place);
  // That some of its slices ask for, as Slice::conditions.
  uint8_t conditions() const { return conditions_; }

  struct Found {
    const Slice* holding = nullptr;  // None of whose conditions is unmet.
    const Slice* failing = nullptr;  // The first one that has an unmet condition.
  };
  // Of the slices that give the object. `holding` is the first one, or with `most` the first of
  // those that show most. `unmet`: the conditions that do not hold, as Slice::conditions.
  Found Find(size_t object, bool most, uint8_t unmet) const;
  // Whether a slice gives the object.
  bool Gives(size_t object) const;
  // The slices that give the object, in the policy's order.
  std::vector<const Slice*> SlicesOf(size_t object) const;

 private:
  const GrantTable* table_;
  std::vector<GrantTable::Word> places_;
  uint8_t conditions_ = 0;
};

}  // namespace piivault::authz

#endif  // PIIVAULT_AUTHZ_GRANT_TABLE_H_
