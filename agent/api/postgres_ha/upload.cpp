#include <mutex>
#include <set>

#include <fmt/format.h>

#include "agent/api/postgres_ha/call.hpp"
#include "agent/api/postgres_ha/faults.hpp"
#include "agent/api/postgres_ha/multipart.hpp"
#include "agent/api/postgres_ha/wal_files.hpp"
#include "agent/postgres/timeline_history.hpp"
#include "common/base/error.hpp"
#include "common/base/text.hpp"

// Taking in WAL files: PUT and POST walFile/{name}. A wrong file in pg_wal can keep a server from starting, or make two
// histories of one, so nothing is believed of what comes.
namespace pgedge {
namespace {

using namespace std::chrono_literals;
using Kind = WalFileName::Kind;

constexpr std::size_t kAroundFile = 64 << 10;  // of a form around the file
constexpr auto kIdle = 30s;
constexpr std::size_t kSlowestSender = 64 << 10;  // bytes a second

/// One upload for each instance at a time. Safe from any thread.
class UploadTurns {
public:
    /// Held as long as the pointer lives; null: somebody else's turn.
    static std::shared_ptr<void> take(const std::shared_ptr<UploadTurns>& turns, const std::string& instance_id) {
        const std::lock_guard lock(turns->mutex_);
        if (!turns->busy_.insert(instance_id).second) return nullptr;
        return {turns.get(), [turns, instance_id](void*) {
                    const std::lock_guard again(turns->mutex_);
                    turns->busy_.erase(instance_id);
                }};
    }

private:
    std::mutex mutex_;
    std::set<std::string> busy_;
};

BodyTerms upload_terms(const PgCall& call, const std::shared_ptr<UploadTurns>& turns) {
    const auto node = call.node();
    const auto& own = call.own(node);
    const auto wal = wal_call(call);
    const auto name = transferable_name(call.path.at("file"), wal.control);
    BodyTerms terms;
    terms.reserved = UploadTurns::take(turns, own.id);
    if (!terms.reserved)
        throw pg_failure(PgFault::operation_already_in_progress, "another WAL file is being uploaded to " + own.id);
    if (wal.directory.free_bytes() < 2 * std::uint64_t{wal.control.segment_size})
        throw pg_failure(PgFault::no_space, "the disk of pg_wal has no room for two more segments");
    terms.most = name.kind == Kind::history ? kMostHistory : wal.control.segment_size + kAroundFile;
    terms.idle = kIdle;
    terms.at_most = kIdle + std::chrono::seconds(terms.most / kSlowestSender);
    return terms;
}

/// The file in the request: its whole body, or the one part of a form that has a file name.
std::string_view sent_file(const HttpRequest& request) {
    const auto type = request.headers.find("Content-Type");
    const std::string content_type = type == request.headers.end() ? "" : type->second;
    if (const auto boundary = multipart_boundary(content_type)) {
        const auto parts = parse_multipart(request.body, *boundary);
        if (parts.size() != 1 || !parts.front().file_name)
            throw pg_failure(PgFault::invalid_parameter, "the form must have one part, which is a file");
        return parts.front().content;
    }
    const auto media = trimmed(std::string_view(content_type).substr(0, content_type.find(';')));
    if (!media.empty() && media != "application/octet-stream")
        throw pg_failure(PgFault::invalid_parameter,
                         "the body is a form (multipart/form-data) with the file, or the file itself "
                         "(application/octet-stream)");
    if (request.body.empty()) throw pg_failure(PgFault::invalid_parameter, "there is no file in the request");
    return request.body;
}

[[noreturn]] void throw_mismatch(const std::string& field, const std::string& wanted, const std::string& got) {
    throw pg_failure(PgFault::wal_content_mismatch,
                     fmt::format("this is not the content of that file: {} is {} instead of {}", field, got, wanted),
                     {{"field", field}, {"wanted", wanted}, {"got", got}});
}

/// So much of a record fits into a segment beside the headers of its pages.
std::uint64_t room_of_segment(const ControlData& control) {
    constexpr std::uint64_t kPageHead = 24;
    const std::uint64_t pages = control.segment_size / control.block_size;
    return control.segment_size - kWalPageHead - (pages - 1) * kPageHead;
}

void check_segment(const WalCall& wal, const WalFileName& name, std::string_view content, const Limit& limit) {
    const auto& control = wal.control;
    if (content.size() != control.segment_size)
        throw_mismatch("length", std::to_string(control.segment_size), std::to_string(content.size()));
    if (const auto problem = check_wal_page(
            content, {wal.instance.major(), control.system_id, control.segment_size, control.block_size, name.segment}))
        throw_mismatch(problem->field, problem->wanted, problem->got);
    if (continued_bytes(content) >= room_of_segment(control)) return;
    const WalScratch scratch(wal.instance.data_dir(), wal.instance.user());
    const auto file = scratch.write(wal_file_name(name.segment, control.segment_size), content);
    if (wal.instance.dump({file.string()}, limit).count() == 0) throw_mismatch("number of records", "at least 1", "0");
}

void check_history(const WalCall& wal, const WalFileName& name, std::string_view content) {
    const auto own = wal.control.newest_timeline();
    const auto ancestors = parse_history_file(content, name.segment.timeline);
    if (!is_of_history(name.segment.timeline, ancestors, own, wal.instance.history(own)))
        throw pg_failure(
            PgFault::diverged_history,
            fmt::format("this is not how timeline {} of this node came about: the instance is on timeline {}",
                        name.segment.timeline, own));
}

bool same_bytes(const Fd& file, std::string_view content) {
    if (size_of(file) != content.size()) return false;
    std::size_t at = 0;
    bool same = true;
    read_parts(file, [&](std::string_view part) {
        same = content.substr(at, part.size()) == part;
        at += part.size();
        return same;
    });
    return same && at == content.size();
}

[[noreturn]] void throw_exists(const std::string& why) { throw pg_failure(PgFault::file_exists, why); }

/// Whether a segment file of a stopped instance may be replaced: it holds nothing of its name, or it is the last one
/// and the new content goes on from where it ends.
bool goes_on(const WalCall& wal, const WalFileName& name, const Fd& old, std::string_view content, const Limit& limit) {
    const auto& control = wal.control;
    if (name.kind != Kind::segment) return false;
    if (wal.instance.check(old, name.segment, control)) return true;  // recycled, or empty
    if (name.segment != current_segment(wal.instance.end_of_log(control, limit), control)) return false;
    const auto file = wal.directory.path_of(wal_file_name(name.segment, control.segment_size));
    const auto last = wal.instance.dump({file.string()}, limit).last();
    if (!last) return false;
    const Lsn end = end_of_record(last->at, last->length, control.segment_size, control.block_size);
    const auto valid = bytes_between(start_of(name.segment, control.segment_size), end);
    return valid <= content.size() && read_at(old, 0, valid) == content.substr(0, valid);
}

/// Throws the failure that says why the instance must not get this file; returns whether it replaces one.
bool may_replace(const WalCall& wal, const WalFileName& name, const std::string& file_name, std::string_view content,
                 const Limit& limit) {
    const bool taken = wal.directory.taken(file_name);
    const auto facts = wal.instance.facts({}, limit);
    if (!facts.running) {
        const auto old = wal.directory.open(file_name);
        if (taken && (!old || !goes_on(wal, name, *old, content, limit)))
            throw_exists(file_name + " is there with other content");
        return taken;
    }
    if (!facts.answers) throw pg_failure(PgFault::not_running, "the server is on its way up or down: try again");
    if (taken) throw_exists(file_name + " is there with other content, and the server runs");
    if (facts.is_primary()) {
        const auto current = current_segment({facts.timeline, facts.position, true}, wal.control);
        const bool earlier = name.segment.timeline <= current.timeline &&
                             (name.kind == Kind::history || name.segment.number < current.number);
        if (!earlier) throw_exists(file_name + " is for the primary itself to write");
    }
    return false;
}

HttpResponse put_wal_file(const PgCall& call) {
    const auto wal = wal_call(call);
    const std::string& file_name = call.path.at("file");
    const auto name = transferable_name(file_name, wal.control);
    const auto content = sent_file(call.request);
    if (name.kind == Kind::history)
        check_history(wal, name, content);
    else
        check_segment(wal, name, content, call.limit);
    const auto old = wal.directory.open(file_name);
    if (!old || !same_bytes(*old, content)) {
        const bool replaces = may_replace(wal, name, file_name, content, call.limit);
        if (!wal.directory.put(file_name, content, replaces)) throw_exists(file_name + " has just come");
    }
    return pg_json({{"code", 0}, {"msg", "The file <" + wal.directory.path_of(file_name).string() + "> was uploaded"}});
}

}  // namespace

std::vector<PgRoute> pg_upload_routes() {
    const auto turns = std::make_shared<UploadTurns>();
    std::vector<PgRoute> routes;
    for (const char* method : {"PUT", "POST"})
        routes.push_back({Role::operate, method, "/walFile/{file}", put_wal_file, {}, [turns](const PgCall& call) {
                              return upload_terms(call, turns);
                          }});
    return routes;
}

}  // namespace pgedge
