#include "agent/resources/server_configuration.hpp"

#include "common/base/error.hpp"
#include "common/base/file.hpp"
#include "common/base/json.hpp"

namespace pgedge {
namespace {

constexpr mode_t kPrivate = 0600;

std::filesystem::path good_file(const InstancePaths& paths) { return paths.directory() / "last_good.json"; }
std::filesystem::path refused_file(const InstancePaths& paths) { return paths.directory() / "refused.json"; }

}  // namespace

std::filesystem::path hba_file(const InstancePaths& paths) { return paths.configs() / "pg_hba.conf"; }
std::filesystem::path ident_file(const InstancePaths& paths) { return paths.configs() / "pg_ident.conf"; }

std::optional<ServerConfiguration> LastGoodConfiguration::load() const {
    const auto text = read_file_if_there(good_file(paths_));
    if (!text) return std::nullopt;
    return within("reading " + good_file(paths_).string(), [&]() -> ServerConfiguration {
        const Json json = parse_json(*text);
        ServerConfiguration good{{},
                                 {paths_, json.at("bin_dir"), json.at("address"), json.at("port"),
                                  container_options_from_json(json.value("container", Json::object()))}};
        for (const auto& [name, content] : json.at("files").items())
            good.files[paths_.configs() / std::filesystem::path(name).filename()] = content;
        return good;
    });
}

void LastGoodConfiguration::save(const ServerConfiguration& good) const {
    Json files = Json::object();
    for (const auto& [path, text] : good.files) files[path.filename().string()] = text;
    Json json = {{"bin_dir", good.server.bin_dir},
                 {"address", good.server.address},
                 {"port", good.server.port},
                 {"files", std::move(files)}};
    if (const Json container = to_json_text(good.server.container); !container.empty()) json["container"] = container;
    const std::string text = to_text(json);
    if (read_file_if_there(good_file(paths_)) != text) write_file(good_file(paths_), text, kPrivate);
}

ServerConfiguration LastGoodConfiguration::present(ServerSpec server) const {
    ServerConfiguration now{{}, std::move(server)};
    for (const auto& path : {paths_.config_file(), hba_file(paths_), ident_file(paths_)})
        if (auto text = read_foreign_file(path)) now.files[path] = std::move(*text);
    return now;
}

std::optional<std::string> LastGoodConfiguration::refused() const {
    const auto text = read_file_if_there(refused_file(paths_));
    if (!text) return std::nullopt;
    return within("reading " + refused_file(paths_).string(),
                  [&] { return parse_json(*text).at("why").get<std::string>(); });
}

void LastGoodConfiguration::note_refused(const std::string& why) const {
    write_file(refused_file(paths_), to_text(Json{{"why", why}}), kPrivate);
}

void LastGoodConfiguration::forget_refused() const {
    std::error_code error;
    if (!std::filesystem::remove(refused_file(paths_), error) && !error) return;
    if (error)
        throw Error(ErrorKind::failed, "cannot remove " + refused_file(paths_).string() + ": " + error.message());
    sync_directory(paths_.directory());
}

void LastGoodConfiguration::put_back(ServerOwner& owner, const Limit& limit) const {
    const auto good = load();
    if (!good) return;
    bool changed = false;
    for (const auto& [path, text] : good->files) {
        if (read_foreign_file(path) == text) continue;
        user_.write_file(path, text, kPrivate);
        changed = true;
    }
    // One that runs may do so with what was just replaced.
    if (changed) owner.stop(paths_.instance_id(), StopMode::fast, limit);
    owner.start(good->server, limit);
}

}  // namespace pgedge
