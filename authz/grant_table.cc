#include "authz/grant_table.h"

#include <algorithm>
#include <bit>

namespace piivault::authz {

size_t GrantTable::Add(const Slice* slice) {
  if (slices_.empty() || slices_.back()->grant != slice->grant) slices_.push_back(slice);
  return slices_.size() - 1;
}

void GrantTable::Finish() {
  size_t last = 0;
  first_object_ = objects_;
  for (size_t object = 0; object < objects_; ++object) {
    const bool given = std::any_of(slices_.begin(), slices_.end(),
                                   [&](const Slice* slice) { return slice->objects.Has(object); });
    if (!given) continue;
    first_object_ = std::min(first_object_, object);
    last = object;
  }
  rows_ = first_object_ == objects_ ? 0 : last - first_object_ + 1;
  by_object_.assign(rows_ * words(), 0);
  for (size_t place = 0; place < slices_.size(); ++place) {
    const Slice& slice = *slices_[place];
    const Word bit = Word{1} << (place % 64);
    for (size_t row = 0; row < rows_; ++row) {
      if (slice.objects.Has(first_object_ + row)) by_object_[row * words() + place / 64] |= bit;
    }
    auto group = std::find_if(groups_.begin(), groups_.end(), [&](const Group& g) {
      return g.view == slice.view && g.conditions == slice.conditions;
    });
    if (group == groups_.end()) {
      groups_.push_back({slice.view, slice.conditions, std::vector<Word>(words())});
      group = groups_.end() - 1;
    }
    group->places[place / 64] |= bit;
  }
}

void Cell::Add(size_t place) {
  places_[place / 64] |= GrantTable::Word{1} << (place % 64);
  conditions_ = static_cast<uint8_t>(conditions_ | table_->slices_[place]->conditions);
}

Cell::Found Cell::Find(size_t object, bool most, uint8_t unmet) const {
  const size_t none = table_->size();
  size_t holding = none;
  size_t failing = none;
  View view = View::kDenied;
  const GrantTable::Word* row = table_->RowOf(object);
  if (row == nullptr) return {};
  for (const GrantTable::Group& group : table_->groups_) {
    size_t place = none;
    for (size_t w = 0; w < places_.size() && place == none; ++w) {
      const GrantTable::Word common = row[w] & places_[w] & group.places[w];
      if (common != 0) place = w * 64 + static_cast<size_t>(std::countr_zero(common));
    }
    if (place == none) continue;
    if ((group.conditions & unmet) != 0) {
      failing = std::min(failing, place);
    } else if (holding == none || (most && group.view > view) ||
               ((!most || group.view == view) && place < holding)) {
      holding = place;
      view = group.view;
    }
  }
  Found found;
  if (holding != none) found.holding = table_->slices_[holding];
  if (failing != none) found.failing = table_->slices_[failing];
  return found;
}

bool Cell::Gives(size_t object) const {
  const GrantTable::Word* row = table_->RowOf(object);
  if (row == nullptr) return false;
  for (size_t w = 0; w < places_.size(); ++w) {
    if ((row[w] & places_[w]) != 0) return true;
  }
  return false;
}

std::vector<const Slice*> Cell::SlicesOf(size_t object) const {
  std::vector<const Slice*> slices;
  const GrantTable::Word* row = table_->RowOf(object);
  for (size_t place = 0; row != nullptr && place < table_->size(); ++place) {
    if (((row[place / 64] & places_[place / 64]) >> (place % 64) & 1) != 0) {
      slices.push_back(table_->slices_[place]);
    }
  }
  return slices;
}

}  // namespace piivault::authz
