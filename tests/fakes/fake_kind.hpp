#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "agent/resources/resource_kind.hpp"

namespace pgedge {

/// All machines of a test: which resources are there, and what was done, in order. Outlives agents. Safe from any
/// thread.
class FakeWorld {
public:
    /// Runs before a call takes effect: "apply x", "remove x", "observe x". Throw or wait in here.
    std::function<void(const std::string& call, const Resource& resource, StepContext& context)> before =
        [](auto&, auto&, auto&) {};

    /// Kind and name; of the kind "fake" the name alone.
    static std::string name_of(const Resource& resource) {
        return resource.id.kind == "fake" ? resource.id.name : resource.id.text();
    }

    void apply(const Resource& resource) {
        const std::lock_guard lock(mutex_);
        there_[name_of(resource)] = resource.want;
    }
    void remove(const std::string& name) {
        const std::lock_guard lock(mutex_);
        there_.erase(name);
    }
    bool has(const std::string& name) const {
        const std::lock_guard lock(mutex_);
        return there_.contains(name);
    }
    std::vector<std::string> names() const {
        const std::lock_guard lock(mutex_);
        std::vector<std::string> all;
        for (const auto& [name, want] : there_) all.push_back(name);
        return all;
    }
    void note(const std::string& call) {
        const std::lock_guard lock(mutex_);
        calls_.push_back(call);
    }
    std::vector<std::string> calls() const {
        const std::lock_guard lock(mutex_);
        return calls_;
    }
    /// Place of a call in the record; -1: it was not made.
    std::ptrdiff_t place_of(const std::string& call) const {
        const auto all = calls();
        const auto found = std::find(all.begin(), all.end(), call);
        return found == all.end() ? -1 : found - all.begin();
    }
    void forget_calls() {
        const std::lock_guard lock(mutex_);
        calls_.clear();
    }

private:
    mutable std::mutex mutex_;
    std::map<std::string, Json> there_;
    std::vector<std::string> calls_;
};

/// A kind of resource in memory.
class FakeKind final : public ResourceKind {
public:
    explicit FakeKind(FakeWorld& world, std::string kind = "fake") : world_(world), kind_(std::move(kind)) {}
    std::string_view kind() const override { return kind_; }
    Observed observe(const Resource& resource, StepContext& context) override {
        begin("observe", resource, context);
        return world_.has(FakeWorld::name_of(resource)) ? Observed::as_known : Observed::missing;
    }
    void apply(const Resource& resource, StepContext& context) override {
        begin("apply", resource, context);
        world_.apply(resource);
    }
    void remove(const Resource& resource, StepContext& context) override {
        begin("remove", resource, context);
        world_.remove(FakeWorld::name_of(resource));
    }

private:
    void begin(const std::string& verb, const Resource& resource, StepContext& context) {
        const std::string call = verb + " " + FakeWorld::name_of(resource);
        world_.note(call);
        world_.before(call, resource, context);
    }
    FakeWorld& world_;
    std::string kind_;
};

}  // namespace pgedge
