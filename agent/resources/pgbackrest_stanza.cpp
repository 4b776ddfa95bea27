#include "agent/resources/pgbackrest_stanza.hpp"

#include "agent/resources/local_session.hpp"
#include "agent/resources/pgbackrest.hpp"
#include "common/base/error.hpp"

namespace pgedge {
namespace {

constexpr std::chrono::seconds kLook{15};
/// Of a repository in what info says: pgBackRest's own numbers.
constexpr int kNoStanzaPath = 1, kNoStanzaData = 3;

/// Of an error: the repository is of data with another system identifier or version.
constexpr std::string_view kOtherSystem = "[028]";

bool lacks_stanza(const Json& repository) {
    const auto code = repository.at("status").at("code").get<int>();
    return code == kNoStanzaPath || code == kNoStanzaData;
}

}  // namespace

Observed PgBackRestStanza::observe(const Resource&, StepContext& context) {
    const std::string& primary = context.primary.instance_id;
    if (!is_ready(runtime_, primary)) return Observed::unseen;
    try {
        const Json info =
            PgBackRest(runtime_, server_of(runtime_, primary).paths).info(context.limit.no_longer_than(kLook));
        for (const auto& stanza : info)
            for (const auto& repository : stanza.at("repo"))
                if (lacks_stanza(repository)) return Observed::missing;
        return info.empty() ? Observed::missing : Observed::as_known;
    } catch (const Error&) {
        context.limit.check("looking at the repositories");
        return Observed::unseen;  // a repository that does not answer says nothing of what is in it
    } catch (const Json::exception&) {
        return Observed::unseen;
    }
}

void PgBackRestStanza::apply(const Resource& resource, StepContext& context) {
    connect_to_primary(runtime_, "postgres", context);  // a standby archives nothing, and is told so here
    const PgBackRest pgbackrest(runtime_, server_of(runtime_, context.primary.instance_id).paths);
    const auto tell = [&](std::string_view line) { context.tell(line); };
    try {
        pgbackrest.run("stanza-create", {"--io-timeout=10"}, tell, context.limit);
    } catch (const Error& error) {
        // Another node's data, by a restore that was asked for. In any other case the backups are somebody else's.
        if (!resource.want.contains("restored") || error.text().find(kOtherSystem) == std::string::npos) throw;
        context.tell("the repository goes on with the restored data; backups from before stay in it");
        pgbackrest.run("stanza-upgrade", {"--io-timeout=10"}, tell, context.limit);
    }
    pgbackrest.run("check", {}, tell, context.limit);
}

void PgBackRestStanza::remove(const Resource&, StepContext&) {}  // nobody's backups are deleted with the wish for more

}  // namespace pgedge
