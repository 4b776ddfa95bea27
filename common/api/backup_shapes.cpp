#include "common/api/shapes.hpp"

namespace pgedge {

const Shape<Backup, BackupAnswer>& backup_shape() {
    using namespace schema;
    using From = Backup;
    using Into = BackupAnswer;
    static const auto shape =
        Shape<From, Into>("Backup", "backup")
            .must("label", text("As pgBackRest names it"), &From::label, needed(&Into::label))
            .must("type", one_of({"full", "diff", "incr"}), &From::type, &Into::type)
            .must("repository", integer("Place in backup_config.repositories, from 1"), &From::repository,
                  &Into::repository)
            .must("started_at", time_text(), &From::started_at, &Into::started_at)
            .must("completed_at", time_text(), &From::completed_at, &Into::completed_at)
            .must("database_bytes", integer("Of all files that it restores"), &From::database_bytes,
                  &Into::database_bytes)
            .must("repository_bytes", integer("That it takes in the repository, without those it builds on"),
                  &From::repository_bytes, &Into::repository_bytes)
            .may("wal_start", text("First segment of WAL that a restore needs"), &From::wal_start, &Into::wal_start)
            .may("wal_stop", text("Last segment of WAL that a restore needs at least"), &From::wal_stop,
                 &Into::wal_stop)
            .may("lsn_start", text(), &From::lsn_start)
            .may("lsn_stop", text(), &From::lsn_stop)
            .may("prior", text("Label of the backup that it builds on"), &From::prior, &Into::prior)
            .must("error", boolean("Pages with wrong checksums were found"), &From::error, &Into::error)
            .may("task_id", text("The task that made it"), &From::task_id, &Into::task_id)
            .must("annotations", map_of(text()), &From::annotations, &Into::annotations);
    return shape;
}

}  // namespace pgedge
