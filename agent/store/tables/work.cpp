#include "agent/store/tables/work.hpp"

#include "common/base/error.hpp"

namespace pgedge {

Work resource_work(const Step& step) {
    return {std::string(step.action == Action::remove ? kRemoveResource : kMakeResource), step.resource.id.text()};
}

Json to_stored(const Work& work) {
    if (work.kind == kObserveResources) return {{"look", true}};
    if (work.kind == kCheckPorts) return {{"check_ports", work.arguments}};
    Json body{{"work", work.kind}, {"arguments", work.arguments}};
    if (!work.name.empty()) body["name"] = work.name;
    return body;
}

Work work_from_stored(const Json& body) {
    if (!body.is_object()) throw Error(ErrorKind::invalid_input, "its work is not a JSON object");
    if (body.contains("work"))
        return {body.at("work").get<std::string>(), body.value("name", ""), body.value("arguments", Json::object())};
    if (body.contains("check_ports")) return {std::string(kCheckPorts), "", body.at("check_ports")};
    if (body.contains("look")) return {std::string(kObserveResources)};
    throw Error(ErrorKind::invalid_input, "its work names no kind");
}

}  // namespace pgedge
