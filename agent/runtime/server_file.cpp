#include "agent/runtime/server_file.hpp"

#include "common/base/error.hpp"
#include "common/base/file.hpp"
#include "common/base/json.hpp"

namespace pgedge {

void save_record(const ServerRecord& record) {
    const auto& spec = record.spec;
    Json json = {{"instance_id", spec.instance_id()},
                 {"bin_dir", spec.bin_dir},
                 {"address", spec.address},
                 {"port", spec.port},
                 {"wanted", record.up ? "up" : "down"},
                 {"role", to_string(record.role)},
                 {"owner", record.owner}};
    if (const Json container = to_json_text(spec.container); !container.empty()) json["container"] = container;
    write_file(spec.paths.server_file(), json.dump(2) + "\n", 0644);
}

void erase_record(const InstancePaths& paths) {
    std::error_code error;
    std::filesystem::remove(paths.server_file(), error);
    if (error) throw Error(ErrorKind::failed, "cannot remove " + paths.server_file().string() + ": " + error.message());
}

std::optional<ServerRecord> load_record(const InstancePaths& paths) {
    const auto text = read_file_if_there(paths.server_file());
    if (!text) return std::nullopt;
    try {
        const Json json = parse_json(*text);
        // Earlier versions have written neither role nor owner.
        const auto role = server_role(json.value("role", "single"));
        if (!role) throw Error(ErrorKind::failed, "there is no role " + json.at("role").dump());
        return ServerRecord{
            {paths, json.at("bin_dir").get<std::string>(), json.at("address").get<std::string>(),
             json.at("port").get<int>(), container_options_from_json(json.value("container", Json::object()))},
            json.at("wanted") == "up",
            *role,
            json.value("owner", "")};
    } catch (const std::exception& error) {
        throw Error(ErrorKind::failed, "cannot read " + paths.server_file().string() + ": " + error.what());
    }
}

std::vector<std::string> recorded_instances(const std::filesystem::path& data_dir) {
    std::vector<std::string> ids;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(data_dir / "instances", error))
        if (std::filesystem::exists(entry.path() / "server.json", error)) ids.push_back(entry.path().filename());
    return ids;
}

}  // namespace pgedge
