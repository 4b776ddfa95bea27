#pragma once

#include "agent/store/tables/finisher.hpp"

namespace pgedge {

/// Databases: their known resources, the states of their instances, and their own state.
class DatabaseFinisher final : public Finisher {
public:
    std::string_view scope() const override { return kDatabaseScope; }
    std::vector<Statement> planned(const StepRow& row, WallTime now) const override;
    /// Notes resources as begun, so that nothing half made is forgotten.
    std::vector<Statement> begun(const std::string& host_id, const std::string& incarnation) const override;
    /// Its resource is as wanted or gone; its instance is available or gone when nothing else is to be done for it.
    std::vector<Statement> done(const ClaimedStep& step, WallTime now) const override;
    std::vector<Statement> failed(const ClaimedStep& step, const std::string& error, WallTime now) const override;
    std::vector<Statement> given_up(const std::string& task_id, const std::string& step_id, const std::string& error,
                                    WallTime now) const override;
    std::vector<Statement> ended(const std::string& task_id, WallTime now) const override;
};

}  // namespace pgedge
