#include "agent/store/raft/log_promises.hpp"

#include <memory>

#include "agent/store/raft/message_guard.hpp"

namespace pgedge {
namespace {

/// What io.load() gave, when libraft does not get it.
void free_loaded(raft_snapshot* snapshot, raft_entry* entries, size_t count) {
    if (snapshot) {
        raft_configuration_close(&snapshot->configuration);
        for (unsigned i = 0; i < snapshot->n_bufs; ++i) raft_free(snapshot->bufs[i].base);
        raft_free(snapshot->bufs);
        raft_free(snapshot);
    }
    const void* freed = nullptr;
    for (size_t i = 0; i < count; ++i)
        if (entries[i].batch != freed) {
            freed = entries[i].batch;
            raft_free(entries[i].batch);
        }
    if (entries) raft_free(entries);
}

}  // namespace

LogPromises::LogPromises(Options options, std::uint64_t member_id, Log log)
    : options_(std::move(options)), log_(std::move(log)), file_(options_.file, member_id) {}

Promise LogPromises::promised() const {
    const std::lock_guard lock(mutex_);
    return now_;
}

void LogPromises::set(const Promise& promise) {
    {
        const std::lock_guard lock(mutex_);
        now_ = promise;
    }
    const bool failed = !file_.write(promise);
    if (failed && !std::exchange(write_failed_, true))
        log_.warn("what this host promised the store's other members was not written down",
                  {{"file", options_.file.string()}, {"reason", errno_text(errno)}});
    write_failed_ = failed;
}

void LogPromises::set_end(LogEnd end) { set({.end = end, .term = now_.term, .vote = now_.vote}); }

int LogPromises::load(raft_io* io, raft_term* term, raft_id* voted_for, raft_snapshot** snapshot, raft_index* start,
                      raft_entry** entries, size_t* count) {
    const int result = original_.load(io, term, voted_for, snapshot, start, entries, count);
    if (result == RAFT_CORRUPT || result == RAFT_MALFORMED) unusable_ = std::string("it is damaged: ") + io->errmsg;
    if (result != 0) return result;
    Promise has{.end = {}, .term = *term, .vote = *voted_for};
    if (*snapshot) has.end = {.term = (*snapshot)->term, .index = (*snapshot)->index};
    if (*count > 0) has.end = {.term = (*entries)[*count - 1].term, .index = *start + *count - 1};
    unusable_ = what_is_missing(both(options_.told, file_.read().value_or(Promise{})), has);
    if (unusable_.empty()) {
        set(has);
        return 0;
    }
    free_loaded(*snapshot, *entries, *count);
    *snapshot = nullptr;
    *entries = nullptr;
    *count = 0;
    return RAFT_CORRUPT;
}

/// libraft calls it before each append, with the index of the first entry.
int LogPromises::truncate(raft_io* io, raft_index from) {
    auto& member = *static_cast<raft*>(io->data);
    if (now_.end.index >= from) set_end({.term = term_of(member, from - 1), .index = from - 1});
    next_ = from;
    return original_.truncate(io, from);
}

int LogPromises::append(raft_io* io, raft_io_append* request, const raft_entry* entries, unsigned count,
                        raft_io_append_cb done) {
    auto append = std::make_unique<Append>();
    *append = {.own = {},
               .promises = this,
               .member = static_cast<raft*>(io->data),
               .request = request,
               .entries = entries,
               .count = count,
               .first = next_};
    append->own.data = append.get();
    request->cb = done;
    const auto written = [](raft_io_append* own, int status) {
        const std::unique_ptr<Append> mine(static_cast<Append*>(own->data));
        if (status == 0) mine->promises->appended(*mine->member, mine->first, mine->entries, mine->count);
        mine->request->cb(mine->request, status);
    };
    const bool takes = refused_.empty();  // after a gap nothing may come
    if (takes && original_.append(io, &append->own, entries, count, written) == 0) {
        static_cast<void>(append.release());  // until it is called back
        return 0;
    }
    if (takes) log_.error("the store's log takes no more entries", {{"reason", std::string_view(io->errmsg)}});
    refused_.push_back(std::move(append));
    return 0;
}

void LogPromises::closing() {
    for (auto& append : std::exchange(refused_, {})) append->request->cb(append->request, RAFT_CANCELED);
}

/// Some of them may have been taken back while they were written.
void LogPromises::appended(raft& member, raft_index first, const raft_entry* entries, unsigned count) {
    for (unsigned left = count; left > 0; --left) {
        const LogEnd end{.term = entries[left - 1].term, .index = first + left - 1};
        if (term_of(member, end.index) != end.term) continue;
        set_end(end);
        return;
    }
}

void LogPromises::installing(LogEnd end) {
    if (now_.end > end) set_end(end);
}

void LogPromises::installed(LogEnd end) { set_end(end); }

bool LogPromises::stops(raft& member, raft_message& message) {
    if (options_.witness) note_message(*options_.witness, member, message);
    if (const auto conflict = conflict_of(member, message); !conflict.empty() || conflict_told_) {
        drop(message);
        if (!std::exchange(conflict_told_, true)) options_.conflict(conflict);
        return true;
    }
    if (takes_back(member, message)) {
        if (std::exchange(taken_back_by_, message.server_id) != message.server_id)
            log_.error(
                "a member of the store has lost entries that it had acknowledged: it gets no more until it "
                "has taken a fresh copy, which it does by itself",
                {{"host", std::string_view(message.server_address)},
                 {"node", message.server_id},
                 {"entry", message.append_entries_result.last_log_index}});
        return true;
    }
    return false;
}

void LogPromises::look(raft& member) {
    if (options_.witness) note_progress(*options_.witness, member);
}

}  // namespace pgedge
