#include "agent/node_backup.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "agent/resources/local_session.hpp"
#include "agent/resources/pgbackrest.hpp"
#include "common/base/error.hpp"
#include "common/base/json_fields.hpp"
#include "common/base/text.hpp"

namespace pgedge {
namespace {

/// The words of the command line. Names and values were checked when the task was begun; names are looked at again,
/// since what they may do is decided here.
std::vector<std::string> options_of(const Json& arguments, const std::string& task_id) {
    JsonFields fields(arguments, "arguments");
    std::vector<std::string> words{"--type=" + fields.text("type"), "--log-level-console=detail",
                                   "--log-level-stderr=off",
                                   fmt::format("--annotation={}={}", kTaskAnnotation, task_id)};
    for (const auto& [name, value] : fields.object("annotations").items())
        words.push_back(fmt::format("--annotation={}={}", name, value.get<std::string>()));
    for (const auto& [name, value] : fields.object("options").items()) {
        if (!is_backup_option(name))
            throw Error(ErrorKind::invalid_input, "option \"" + name + "\" cannot be given to a backup");
        words.push_back(fmt::format("--{}={}", name, value.get<std::string>()));
    }
    return words;
}

/// The backup that the task made into a repository; nullptr: none yet.
const Backup* made_by(const NodeBackups& there, const std::string& task_id, int repository) {
    const auto found = std::find_if(there.backups.begin(), there.backups.end(), [&](const Backup& backup) {
        return backup.task_id == task_id && backup.repository == repository;
    });
    return found == there.backups.end() ? nullptr : &*found;
}

void back_up(const PgBackRest& pgbackrest, const WorkCall& call, StepContext& context) {
    const Json& arguments = call.step.row.work.arguments;
    const std::string& task_id = call.step.row.task_id;
    const auto options = options_of(arguments, task_id);
    JsonFields fields(arguments, "arguments");
    const bool chosen = fields.object("options").contains("repo");
    const auto count = chosen ? 1 : fields.integer("repositories");
    for (int repository = 1; repository <= count; ++repository) {
        auto words = options;
        if (!chosen) words.push_back(fmt::format("--repo={}", repository));
        // Only after an agent was killed is there something to be found.
        if (call.step.row.attempts > 1 && !chosen)
            if (const auto there = backups_from_info(pgbackrest.info(call.limit));
                const auto* made = made_by(there, task_id, repository)) {
                context.tell(fmt::format("backup {} was made before this agent started", made->label));
                continue;
            }
        pgbackrest.run(
            "backup", words,
            [&](std::string_view line) {
                if (const auto progress = backup_progress(line))
                    context.progress(*progress);
                else if (line.find(" DETAIL: ") == std::string_view::npos)
                    context.tell(line);
            },
            call.limit);
    }
}

}  // namespace

StepOutcome NodeBackup::run(const WorkCall& call) const {
    const std::string& instance = call.step.primary.instance_id;
    Json fields{{"host_id", call.step.row.host_id}, {"instance_id", instance}};
    auto context = call.context(fields);
    try {
        connect_to_primary(runtime_, "postgres", context);
        back_up(PgBackRest(runtime_, server_of(runtime_, instance).paths), call, context);
        return {};
    } catch (const Error& error) {
        if (call.limit.stop().stop_requested()) throw;
        fields["error"] = error.text_and_hint();
        call.log.add("the backup failed", std::move(fields));
        throw;
    }
}

std::optional<Progress> backup_progress(std::string_view line) {
    constexpr std::string_view kBegin = " DETAIL: backup file ";
    if (line.find(kBegin) == std::string_view::npos) return std::nullopt;
    const auto end = line.rfind("%)");
    if (end == std::string_view::npos) return std::nullopt;
    const auto begin = line.rfind(", ", end);
    if (begin == std::string_view::npos) return std::nullopt;
    const auto number = line.substr(begin + 2, end - begin - 2);
    int percent = 0;
    const auto [after, problem] = std::from_chars(number.data(), number.data() + number.size(), percent);
    if (problem != std::errc() || percent < 0 || percent > 100) return std::nullopt;
    return Progress{.done = percent, .total = 100, .unit = "percent", .text = "backing up"};
}

}  // namespace pgedge
