#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/api/control_plane/control_plane.hpp"
#include "agent/serve/router.hpp"
#include "agent/store/tables/databases.hpp"
#include "agent/store/tables/hosts.hpp"
#include "agent/store/tables/tasks.hpp"
#include "common/base/error.hpp"
#include "common/base/json.hpp"
#include "common/base/limited_mutex.hpp"

namespace pgedge {

/// Largest request body: a spec of nine nodes with all scripts fits ten times over.
inline constexpr std::size_t kMaxBody = 1 << 20;

/// What a parameter of a path or a query may be; checked before the handler runs.
enum class ApiParameterType {
    text,        ///< anything
    texts,       ///< anything; the name may repeat
    identifier,  ///< of a cluster, host, database …: 1 to 36 characters, 63 are read
    instance,    ///< 1 to 63 characters
    node,        ///< n1, n2 …
    uuid,
    scope,       ///< database or host
    sort_order,  ///< asc, desc and their longer forms
    integer,
    boolean,
};

struct ApiParameter {
    std::string name;
    ApiParameterType type = ApiParameterType::text;
    std::string text;  ///< for people
};
inline const ApiParameter kDatabaseParameter{"database_id", ApiParameterType::identifier, "The database's id"};

/// One request on its way, already checked against the route's parameters.
struct ApiCall {
    const HttpRequest& request;
    const PathParameters& path;
    const ControlPlane& plane;
    std::shared_ptr<const ClusterServices> cluster;  ///< null only for routes that work before init
    Limit limit;

    const std::string& variable(const std::string& name) const { return path.at(name); }
    bool flag(std::string_view name) const;  ///< false unless given
    /// Nothing when it is not given or 0. Throws invalid_range when it is negative.
    std::optional<std::int64_t> count(std::string_view name) const;
    std::vector<std::string> all(std::string_view name) const;
    /// Taken before body(), and given back when what was read is small again: while a large body is read it takes
    /// thirty times its size in memory, so these take turns.
    std::unique_lock<LimitedMutex> turn_to_read() const;
    bool has_body() const;
    /// The body as a JSON object. Throws missing_payload, decode_payload, invalid_field_type.
    Json body() const;

    Databases databases() const { return Databases(cluster->store, cluster->liveness); }
    Tasks tasks() const { return Tasks(cluster->store); }
    Hosts hosts() const { return Hosts(cluster->store, cluster->liveness); }
    WallTime now() const { return plane.clock.wall(); }
};

/// One operation of the API: what it takes, what it answers, and the code behind it. The router and the OpenAPI
/// document are both made from these.
struct ApiRoute {
    std::string method, path;
    std::string id;                             ///< operationId
    std::string summary;                        ///< one line for people
    Role role = Role::admin;                    ///< what the caller must be; said for each route
    std::vector<ApiParameter> parameters = {};  ///< of the path and of the query; which, the path tells
    std::string body = {};                      ///< schema of the request's body; empty: none
    bool body_is_optional = false;
    std::string answer = {};  ///< schema of the answer; empty: no body
    int status = 200;
    std::vector<std::string> throws = {};  ///< API names of errors to expect, besides server_error
    bool before_init = false;              ///< may be called before the agent belongs to a cluster
    std::chrono::seconds at_most{20};      ///< the call's limit
    std::function<HttpResponse(const ApiCall&)> run = {};
};

/// The routes of each resource.
std::vector<ApiRoute> backup_routes();
std::vector<ApiRoute> cluster_routes();
std::vector<ApiRoute> host_routes();
std::vector<ApiRoute> database_routes();
std::vector<ApiRoute> instance_routes();
std::vector<ApiRoute> link_routes();
std::vector<ApiRoute> node_routes();
std::vector<ApiRoute> plan_routes();
std::vector<ApiRoute> task_routes();
std::vector<ApiRoute> later_routes();  ///< of the contract; refused in this version
std::vector<ApiRoute> description_routes();
/// All of them.
const std::vector<ApiRoute>& control_plane_routes();

/// Answers with a JSON document.
HttpResponse json_response(const OrderedJson& document, int status = 200);
/// The same when it has been written already.
HttpResponse json_text_response(std::string document, int status = 200);
/// Words that a parameter of this type may be; empty: others too.
const std::vector<std::string>& allowed_words(ApiParameterType type);
/// Whether the path has {name} in it.
bool in_path(const ApiRoute& route, const std::string& name);

}  // namespace pgedge
