#include "agent/api/postgres_ha/peers.hpp"

#include <algorithm>
#include <array>

#include "agent/api/postgres_ha/faults.hpp"
#include "agent/api/postgres_ha/local_instance.hpp"
#include "agent/api/postgres_ha/slots.hpp"
#include "common/base/error.hpp"
#include "common/base/text.hpp"

namespace pgedge {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kQuestionsPath = "/internal/postgres_ha/";
constexpr auto kQuestionLimit = 30s;
constexpr std::array kQuestions{InstanceQuestion::facts, InstanceQuestion::lsn, InstanceQuestion::slots};

InstanceQuestion parse_question(const std::string& word) {
    for (const auto question : kQuestions)
        if (word == to_string(question)) return question;
    throw Error(ErrorKind::not_found, "agents do not ask for \"" + shortened(word, 40) + "\"");
}

/// False while it is being made, or taken away.
bool is_kept(Runtime& runtime, const std::string& instance_id) {
    const auto servers = runtime.known();
    return std::any_of(servers.begin(), servers.end(),
                       [&](const ServerSpec& each) { return each.instance_id() == instance_id; });
}

Json lsn_json(const LsnAnswer& answer) {
    return {{"chkPoint", to_string(answer.checkpoint)},
            {"chkRedoPoint", to_string(answer.redo)},
            {"walFile", answer.redo_file},
            {"timeLineID", std::to_string(answer.timeline)},
            {"lastLsn", record_position(answer.last)},
            {"lastTimeLineID", std::to_string(answer.last_timeline)}};
}

}  // namespace

std::string_view to_string(InstanceQuestion question) {
    switch (question) {
        case InstanceQuestion::facts: return "facts";
        case InstanceQuestion::lsn: return "lsn";
        case InstanceQuestion::slots: break;
    }
    return "slots";
}

Json PeerInstances::ask(const std::string& host_id, const std::string& instance_id, InstanceQuestion question,
                        const std::vector<std::string>& names, const Limit& limit) {
    const auto address = addresses_.find(host_id);
    if (!address) throw Error(ErrorKind::unreachable, "host " + host_id + " has no known address");
    HttpRequest request;
    request.path = std::string(kQuestionsPath) + instance_id + "/" + std::string(to_string(question));
    if (!names.empty()) request.query = {{"names", joined(names, ",")}};
    const auto answer = peers_.send(host_id, *address, request, limit);
    Json body = parse_json(answer.body);
    if (answer.status != 200)
        throw error_from_api(answer.status, body.value("name", ""), body.value("message", "no reason given"));
    return body;
}

Json answer_question(Runtime& runtime, const InstanceUser& user, const std::string& instance_id,
                     InstanceQuestion question, const std::vector<std::string>& names, const Limit& limit) {
    if (question == InstanceQuestion::facts && !is_kept(runtime, instance_id)) return to_json(InstanceFacts{});
    const LocalInstance instance(runtime, user, instance_id);
    switch (question) {
        case InstanceQuestion::facts: return to_json(instance.facts(names, limit));
        case InstanceQuestion::lsn: return lsn_json(instance.lsn(limit));
        case InstanceQuestion::slots: break;
    }
    return slot_positions(instance);
}

void add_instance_questions(Api& agents, Runtime& runtime, const InstanceUser& user) {
    agents.add(Role::agent, "GET", std::string(kQuestionsPath) + "{instance_id}/{question}",
               [&runtime, &user](const HttpRequest& request, const PathParameters& path) {
                   const auto names = request.parameter("names");
                   HttpResponse answer;
                   answer.body = to_text(answer_question(
                       runtime, user, path.at("instance_id"), parse_question(path.at("question")),
                       names ? split(*names, ',') : std::vector<std::string>{}, Limit(kQuestionLimit, request.stop)));
                   return answer;
               });
}

}  // namespace pgedge
