#include "agent/ha/slot_copies.hpp"

namespace pgedge {

void SlotCopies::remember(std::int64_t term) {
    if (under_) return;
    remembered_ = term;
    ready_ = true;
}

bool SlotCopies::under(bool is_primary, std::int64_t term) {
    const std::pair now{is_primary, term};
    if (under_ == now) return false;
    const bool remembered = !under_ && !is_primary && remembered_ == term;
    under_ = now;
    if (remembered) return true;
    ready_ = false;
    remembered_.reset();
    good_.clear();
    return true;
}

SlotCopies::Readiness SlotCopies::readiness() const {
    return {ready_, under_ ? under_->second : remembered_.value_or(0)};
}

void SlotCopies::keep(const std::set<std::string>& present) {
    std::erase_if(good_, [&](const std::string& copy) { return !present.contains(copy); });
    if (remembered_) good_.insert(present.begin(), present.end());
    remembered_.reset();
}

}  // namespace pgedge
