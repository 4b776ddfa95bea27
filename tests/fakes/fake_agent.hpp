#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/base/json.hpp"
#include "common/net/transport.hpp"
#include "common/plan/plan.hpp"

namespace pgedge {

/// A cluster behind one agent, in memory: answers the control plane's API as far as pgedgectl calls it, plans and
/// carries out at once, and keeps a record. Ids and times are the same in every run. Not safe for threads.
class FakeAgent {
public:
    bool initialized = true;
    std::string cluster_id = "test-cluster", token = "PGEDGE-token";
    std::vector<std::string> hosts{"host-1", "host-2", "host-3"};
    std::map<std::string, Json> databases;  ///< by id: {spec, revision, state, error, links, nodes, history, …}
    std::vector<Json> tasks;                ///< oldest first
    std::map<std::string, std::vector<Json>> task_logs;
    std::map<std::string, std::vector<std::string>> instance_logs;
    std::vector<std::string> calls;  ///< "POST /v1/databases?expected_digest=…", in order
    std::vector<Json> bodies;        ///< of the calls that had one

    std::string fail_next;        ///< the next task fails with this error
    bool hang_next = false;       ///< the next task never ends by itself
    bool cancel_next = false;     ///< the next task ends as canceled
    std::string refuse_plan;      ///< POST /v1/plan answers 400 with this message
    int unreachable_calls = 0;    ///< so many calls find nobody
    int late_looks = 0;           ///< so many answers with a database come before its servers were looked at
    int break_follow_after = -1;  ///< followed logs lose their connection after so many entries, once

    /// Throws std::logic_error when the answer is not as schemas/openapi.json has it: what the agent really answers is
    /// made from the same tables as that document.
    HttpResponse answer(const HttpRequest& request);

private:
    HttpResponse answer_of(const HttpRequest& request);
    using Segments = std::vector<std::string>;
    HttpResponse on_cluster(const HttpRequest& request, const Segments& path);
    HttpResponse on_databases(const HttpRequest& request, const Segments& path);
    HttpResponse on_links(const HttpRequest& request, const Segments& path);
    HttpResponse on_instances(const HttpRequest& request, const Segments& path);
    HttpResponse on_backups(const HttpRequest& request, const Segments& path);
    HttpResponse on_nodes(const HttpRequest& request, const Segments& path);
    Json node_json(const std::string& id, const Json& node) const;
    HttpResponse on_tasks(const HttpRequest& request, const Segments& path);
    HttpResponse plan(const Json& body);
    Json planned(const std::string& id, const Json& spec, bool is_delete, bool force,
                 const std::vector<std::string>& remove_hosts) const;
    HttpResponse change(const HttpRequest& request, const std::string& id, const Json& spec, const std::string& type);
    Json begin_task(const std::string& id, const std::string& type, const Plan& plan);
    Json database_json(const std::string& id, bool with_spec) const;
    HttpResponse followed(const Json& task, const std::string& after);
};

/// The way to a FakeAgent; several may lead to the same one.
class FakeAgentTransport final : public Transport {
public:
    FakeAgentTransport(FakeAgent& agent, std::string endpoint) : agent_(agent), endpoint_(std::move(endpoint)) {}
    HttpResponse send(const HttpRequest& request, const Limit& limit) override;
    HttpResponse stream(const HttpRequest& request, const Limit& limit,
                        const std::function<bool(std::string_view)>& on_part) override;
    std::string endpoint() const override { return endpoint_; }

private:
    void arrive();
    FakeAgent& agent_;
    std::string endpoint_;
};

}  // namespace pgedge
