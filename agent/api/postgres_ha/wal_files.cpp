#include "agent/api/postgres_ha/wal_files.hpp"

#include <algorithm>
#include <atomic>
#include <charconv>

#include <fmt/format.h>

#include "agent/api/postgres_ha/faults.hpp"
#include "agent/postgres/timeline_history.hpp"
#include "common/base/error.hpp"
#include "common/base/text.hpp"

// Reading the write-ahead log: GET walFiles/…, walFile/… and validLsn/….
namespace pgedge {
namespace {

using Kind = WalFileName::Kind;

constexpr std::size_t kShownWalName = 60;
constexpr std::size_t kMostCopies = 64;  // at one time; each takes disk until its client has it
constexpr std::string_view kDecimal = "0123456789", kHexadecimal = "0123456789ABCDEFabcdef";

[[noreturn]] void throw_no_file() { throw pg_failure(PgFault::wal_file_not_exists, "wal file not exists"); }

std::string_view state_word(const WalFileName& name, const WalSegment& current) {
    switch (name.kind) {
        case Kind::partial: return "partial";
        case Kind::history: return "history";
        case Kind::segment: break;
    }
    return name.segment == current ? "current" : "complete";
}

/// Whether the file has the content that its name promises: a segment may have been recycled.
bool is_genuine(const WalCall& wal, const WalFileName& name, const Fd& file) {
    if (name.kind == Kind::history) return size_of(file) <= kMostHistory;
    return size_of(file) == wal.control.segment_size && !wal.instance.check(file, name.segment, wal.control);
}

/// Whether a file belongs to what is asked for: everything from segment `from` on. Names are compared as texts, as the
/// archive's order is: segments of a later timeline count whatever their number.
bool is_wanted(const std::string& file, const WalFileName& name, const std::string& from) {
    constexpr std::size_t kTimelineDigits = 8, kSegmentDigits = 24;
    if (name.kind == Kind::history) return file.substr(0, kTimelineDigits) > from.substr(0, kTimelineDigits);
    return file.substr(0, kSegmentDigits) >= from;
}

HttpResponse list_from(const PgCall& call, const WalCall& wal, const std::string& from) {
    const auto current =
        call.detail() ? std::optional(current_segment(wal.instance.end_of_log(wal.control, call.limit), wal.control))
                      : std::nullopt;
    OrderedJson list = OrderedJson::array();
    for (const auto& file_name : wal.directory.names()) {
        const auto name = parse_transferable_name(file_name, wal.control.segment_size);
        if (!name || !is_wanted(file_name, *name, from)) continue;
        const auto file = wal.directory.open(file_name);
        if (!file || !is_genuine(wal, *name, *file)) continue;
        OrderedJson told{{"file", file_name}, {"md5", md5_of(*file, call.limit)}};
        if (!is_genuine(wal, *name, *file) || !wal.directory.still_names(file_name, *file))
            continue;  // recycled meanwhile
        if (current) {
            told["size"] = size_of(*file);
            told["state"] = state_word(*name, *current);
        }
        list.push_back(std::move(told));
    }
    return pg_json(list);
}

HttpResponse get_wal_files(const PgCall& call) {
    const auto wal = wal_call(call);
    const std::string& from = call.path.at("from");
    if (!parse_wal_file_name(from, wal.control.segment_size))
        throw pg_failure(PgFault::invalid_parameter,
                         "\"" + shortened(from, kShownWalName) + "\" is not the name of a WAL file of this instance");
    return list_from(call, wal, from);
}

TimelinePosition position_in_path(const PgCall& call) {
    return timeline_position(call.path.at("timeline"), call.path.at("high"), call.path.at("low"));
}

HttpResponse get_wal_files_from(const PgCall& call) {
    const auto from = position_in_path(call);
    const auto wal = wal_call(call);
    const auto segment = segment_at(from.timeline, from.lsn, wal.control.segment_size);
    return list_from(call, wal, wal_file_name(segment, wal.control.segment_size));
}

/// One of the few copies that may exist.
class CopySlot {
public:
    CopySlot() {
        if (count().fetch_add(1) < kMostCopies) return;
        count().fetch_sub(1);
        Failure failure(503, "too_many_transfers", "too many WAL files are being sent; try again soon");
        throw failure;
    }
    ~CopySlot() { count().fetch_sub(1); }
    CopySlot(const CopySlot&) = delete;
    CopySlot& operator=(const CopySlot&) = delete;

private:
    static std::atomic<std::size_t>& count() {
        static std::atomic<std::size_t> copies = 0;
        return copies;
    }
};

/// A file as it was at one moment, for as long as it is being sent.
struct SentFile {
    CopySlot slot;
    Fd copy;
};

HttpResponse get_wal_file(const PgCall& call) {
    const auto wal = wal_call(call);
    const std::string& file_name = call.path.at("file");
    const auto name = transferable_name(file_name, wal.control);
    const auto sent = std::make_shared<SentFile>();
    const auto file = wal.directory.open(file_name);
    if (!file || !is_genuine(wal, name, *file)) throw_no_file();
    const auto end = name.kind == Kind::segment ? wal.instance.end_of_log(wal.control, call.limit) : WalEnd{};
    sent->copy = unnamed_copy(*file, wal.instance.data_dir(), wal.control.segment_size, call.limit);
    // The server renames a file before it writes other segments into it: what was copied before is right.
    if (!is_genuine(wal, name, sent->copy) || !wal.directory.still_names(file_name, *file)) throw_no_file();
    HttpResponse response;
    response.headers["Content-Type"] = "application/octet-stream";
    const auto word = state_word(name, current_segment(end, wal.control));
    response.headers["X-WAL-State"] = word;
    if (word == "current" && end.running) response.headers["X-WAL-End-LSN"] = to_string(end.position);
    response.stream_size = size_of(sent->copy);
    response.stream = [sent](const BodyWriter& write) { read_parts(sent->copy, write); };
    return response;
}

/// The records from `lsn` on in the file of that segment; nullopt: there is no such file.
std::optional<WalDump> dump_from(const WalCall& wal, const WalSegment& segment, Lsn lsn, const Limit& limit) {
    const auto name = wal_file_name(segment, wal.control.segment_size);
    const std::string start = "--start=" + to_string(lsn);
    const auto whole = wal.directory.open(name);
    if (whole && !wal.instance.check(*whole, segment, wal.control))
        return wal.instance.dump({start, wal.directory.path_of(name).string()}, limit);
    const auto partial = wal.directory.open(name + ".partial");
    if (!partial || wal.instance.check(*partial, segment, wal.control)) return std::nullopt;
    // pg_waldump wants a file that is named like a segment.
    const WalScratch scratch(wal.instance.data_dir(), wal.instance.user());
    const auto copy = scratch.write(name, read_at(*partial, 0, wal.control.segment_size));
    return wal.instance.dump({start, copy.string()}, limit);
}

HttpResponse get_valid_lsn(const PgCall& call) {
    const auto wanted = position_in_path(call);
    const auto wal = wal_call(call);
    const auto own = wal.control.newest_timeline();
    auto holders = holders_of(wanted.timeline, wanted.lsn, own, wal.instance.history(own));
    if (holders.empty()) holders = {wanted.timeline};
    std::optional<WalDump> found;
    for (const auto timeline : holders) {
        found = dump_from(wal, segment_at(timeline, wanted.lsn, wal.control.segment_size), wanted.lsn, call.limit);
        if (found) break;
    }
    if (!found) throw_no_file();
    if (found->skipped()) return pg_json({{"code", 2}, {"msg", "Invalid lsn in the file"}});
    if (!found->first()) return pg_json({{"code", 3}, {"msg", "No Entry"}});
    if (found->first()->at != wanted.lsn) return pg_json({{"code", 4}, {"msg", found->first()->text}});
    return pg_json({{"code", 0}, {"msg", "Valid lsn"}, {"cnt", std::to_string(found->count())}});
}

}  // namespace

WalCall wal_call(const PgCall& call) {
    auto instance = call.local();
    auto control = instance.control(call.limit);
    auto directory = instance.wal();
    return {std::move(instance), std::move(control), std::move(directory)};
}

WalFileName transferable_name(const std::string& name, const ControlData& control) {
    const auto parsed = parse_transferable_name(name, control.segment_size);
    if (!parsed)
        throw pg_failure(PgFault::invalid_parameter,
                         "\"" + shortened(name, kShownWalName) +
                             "\" is not the name of a WAL file of this instance: 24 hexadecimal digits in upper case, "
                             "also with .partial, or 8 with .history");
    return *parsed;
}

WalSegment current_segment(const WalEnd& end, const ControlData& control) {
    // The server's own names: a position at a segment's very end belongs to that segment.
    const Lsn inside{end.running && end.position.bytes > 0 ? end.position.bytes - 1 : end.position.bytes};
    return segment_at(end.timeline, inside, control.segment_size);
}

TimelinePosition timeline_position(const std::string& timeline, const std::string& high, const std::string& low) {
    constexpr std::size_t kMostDecimal = 10, kMostHex = 8;
    const auto digits = [](const std::string& text, std::string_view of, std::size_t most) {
        return !text.empty() && text.size() <= most && text.find_first_not_of(of) == std::string::npos;
    };
    TimelinePosition position;
    const auto [end, problem] = std::from_chars(timeline.data(), timeline.data() + timeline.size(), position.timeline);
    if (!digits(timeline, kDecimal, kMostDecimal) || problem != std::errc() || position.timeline == 0)
        throw pg_failure(PgFault::invalid_parameter, "\"" + shortened(timeline, kShownWalName) +
                                                         "\" is not a timeline: a number from 1 to 4294967295");
    for (const auto& half : {high, low})
        if (!digits(half, kHexadecimal, kMostHex))
            throw pg_failure(
                PgFault::invalid_parameter,
                "\"" + shortened(half, kShownWalName) + "\" is not half of a log position: 1 to 8 hexadecimal digits");
    position.lsn = parse_lsn(high + "/" + low);
    return position;
}

std::vector<PgRoute> pg_wal_routes() {
    return {{Role::read, "GET", "/walFiles/{from}", get_wal_files, {"detail"}},
            {Role::read, "GET", "/walFiles/{timeline}/{high}/{low}", get_wal_files_from, {"detail"}},
            {Role::read, "GET", "/walFile/{file}", get_wal_file},
            {Role::read, "GET", "/validLsn/{timeline}/{high}/{low}", get_valid_lsn}};
}

}  // namespace pgedge
