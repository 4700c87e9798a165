// Values of what is live, found by id.
#pragma once

#include <algorithm>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "core/errors.hpp"
#include "core/slots.hpp"

namespace regroup {

// Both are for ids that count up and are never used again (RunId, RequestId). Every function is
// O(1) on average, and nothing is allocated once there have been as many values as there ever will
// be.

// Small values: hashing with linear probing over one array of ids and their values, so that what is
// found is fetched at once. Values move when others come and go.
template <class Key, class Value>
class IdTable {
 public:
  static_assert(std::is_trivially_copyable_v<Value> && sizeof(Value) <= 8, "see IdRecords");

  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }

  // nullptr: not there.
  Value* find(Key id) {
    Cell& cell = cells_[cell_of(id.value)];
    return cell.id == kFree ? nullptr : &cell.value;
  }
  const Value* find(Key id) const { return const_cast<IdTable*>(this)->find(id); }

  // Must not be there. The caller sets the value.
  Value& add(Key id) {
    if (2 * (size_ + 1) > cells_.size()) grow();
    Cell& cell = cells_[cell_of(id.value)];
    RG_CHECK(cell.id == kFree, "id {} is added twice", id.value);
    cell.id = id.value;
    ++size_;
    return cell.value;
  }

  // Must be there.
  Value remove(Key id) {
    std::size_t hole = cell_of(id.value);
    RG_CHECK(cells_[hole].id != kFree, "id {} is not there", id.value);
    const Value removed = cells_[hole].value;
    --size_;
    // Whoever was put off by this cell moves up.
    for (std::size_t next = after(hole); cells_[next].id != kFree; next = after(next)) {
      const std::size_t wanted = first_cell(cells_[next].id);
      if (((next - wanted) & mask_) < ((next - hole) & mask_)) continue;
      cells_[hole] = cells_[next];
      hole = next;
    }
    cells_[hole].id = kFree;
    return removed;
  }

  // Every id, ascending: for messages and ends, not for every event.
  std::vector<Key> ids() const {
    std::vector<Key> ids;
    for (const Cell& cell : cells_)
      if (cell.id != kFree) ids.push_back({cell.id});
    std::ranges::sort(ids);
    return ids;
  }

 private:
  static constexpr std::uint64_t kFree = ~std::uint64_t{0};
  struct Cell {
    std::uint64_t id = kFree;
    Value value{};
  };

  std::size_t after(std::size_t cell) const { return (cell + 1) & mask_; }
  // Fibonacci hashing (Knuth, TAOCP 3, 6.4): it keeps ids that follow one another apart.
  std::size_t first_cell(std::uint64_t id) const {
    return static_cast<std::size_t>((id * 0x9E3779B97F4A7C15u) >> 32) & mask_;
  }
  // Where the id is, or the free cell where it would be.
  std::size_t cell_of(std::uint64_t id) const {
    std::size_t cell = first_cell(id);
    while (cells_[cell].id != id && cells_[cell].id != kFree) cell = after(cell);
    return cell;
  }
  void grow() {
    std::vector<Cell> old(2 * cells_.size());
    old.swap(cells_);
    mask_ = cells_.size() - 1;
    for (const Cell& cell : old)
      if (cell.id != kFree) cells_[cell_of(cell.id)] = cell;
  }

  std::vector<Cell> cells_ = std::vector<Cell>(16);  // a power of two, at most half of them used
  std::size_t mask_ = 15;                            // cells_.size() - 1
  std::size_t size_ = 0;
};

// Larger values: each stays where it is until its id is removed, and what it held is kept for the
// next one.
template <class Key, class Value>
class IdRecords {
 public:
  // nullptr: not there.
  Value* find(Key id) {
    const std::uint32_t* const slot = slots_.find(id);
    return slot == nullptr ? nullptr : &values_[*slot];
  }
  // Must not be there. The value is new, or one that was removed: the caller sets all of it.
  Value& add(Key id) {
    std::uint32_t& slot = slots_.add(id);
    slot = values_.take();
    return values_[slot];
  }
  // Must be there. The value can be read until the next add().
  Value& remove(Key id) {
    const std::uint32_t slot = slots_.remove(id);
    values_.give_back(slot);
    return values_[slot];
  }

 private:
  IdTable<Key, std::uint32_t> slots_;
  Slots<Value> values_;
};

}  // namespace regroup
