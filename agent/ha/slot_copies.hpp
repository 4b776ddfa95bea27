#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>

namespace pgedge {

/// What a standby knows of its copies of the slots of the other nodes: which of them can be continued, and whether it
/// has all. That holds under one primary, which is named by the term of its lease: another one has kept nothing for the
/// copies until it heard of them. Not safe from several threads.
class SlotCopies {
public:
    struct Readiness {
        bool ready = false;
        std::int64_t term = 0;  ///< of the primary under which it was found; 0: none
    };

    /// An earlier start of the agent found all copies ready under the primary of `term`. Without effect after under().
    void remember(std::int64_t term);
    /// The instance is the primary of `term`, or a standby of it. True: it was not so at the last call, and what is not
    /// remembered for just this primary is forgotten.
    bool under(bool is_primary, std::int64_t term);

    Readiness readiness() const;
    void set_ready(bool ready) { ready_ = ready; }
    /// `present`: all copies that the server has. The first after remember() are all good.
    void keep(const std::set<std::string>& present);
    void add_good(const std::string& copy) { good_.insert(copy); }
    bool is_good(const std::string& copy) const { return good_.contains(copy); }

private:
    bool ready_ = false;
    std::optional<std::pair<bool, std::int64_t>> under_;  ///< as a primary, term
    std::optional<std::int64_t> remembered_;
    std::set<std::string> good_;
};

}  // namespace pgedge
