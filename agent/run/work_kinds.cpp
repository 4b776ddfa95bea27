#include "agent/run/work_kinds.hpp"

#include <utility>

#include "common/base/error.hpp"

namespace pgedge {
namespace {

constexpr std::chrono::seconds kSecretLimit{10};

class Simple final : public WorkKind {
public:
    Simple(std::string name, SimpleWork work, bool takes_long)
        : name_(std::move(name)), work_(std::move(work)), takes_long_(takes_long) {}
    std::string_view name() const override { return name_; }
    std::string doing(const StepRow&) const override { return "doing what it was asked for"; }
    bool takes_long() const override { return takes_long_; }
    StepOutcome run(const WorkCall& call) const override {
        const Json fields{{"host_id", call.step.row.host_id}};
        auto context = call.context(fields);
        try {
            return {"", work_(call.step.row.work.arguments, context)};
        } catch (const Error& error) {
            if (call.limit.stop().stop_requested()) throw;
            Json with_error = fields;
            with_error["error"] = error.text_and_hint();
            call.log.add("error", std::move(with_error));
            throw;
        }
    }

private:
    const std::string name_;
    const SimpleWork work_;
    const bool takes_long_;
};

}  // namespace

StepContext WorkCall::context(Json fields) const {
    return {limit,
            step.owner.scope == kDatabaseScope ? step.owner.id : std::string(),
            [&secrets = secrets, limit = limit](const SecretRef& ref) {
                return secrets.get(ref, limit.no_longer_than(kSecretLimit));
            },
            [&log = log, fields = std::move(fields)](std::string_view message) { log.add(message, fields); },
            step.instance_created_at,
            step.primary,
            [&log = log](const Progress& progress) { log.tell(progress); }};
}

WorkKinds& WorkKinds::add(std::shared_ptr<const WorkKind> kind) {
    std::string name(kind->name());
    if (!kinds_.emplace(name, std::move(kind)).second)
        throw Error(ErrorKind::internal, "two kinds of work are called " + name);
    return *this;
}

WorkKinds& WorkKinds::add(std::string name, SimpleWork work, bool takes_long) {
    return add(std::make_shared<Simple>(std::move(name), std::move(work), takes_long));
}

std::vector<std::string> WorkKinds::lengthy() const {
    std::vector<std::string> names;
    for (const auto& [name, kind] : kinds_)
        if (kind->takes_long()) names.push_back(name);
    return names;
}

const WorkKind* WorkKinds::find(std::string_view name) const {
    const auto found = kinds_.find(name);
    return found == kinds_.end() ? nullptr : found->second.get();
}

}  // namespace pgedge
