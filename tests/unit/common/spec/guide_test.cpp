#include <doctest/doctest.h>

#include "common/base/error.hpp"
#include "common/spec/load.hpp"
#include "common/spec/write.hpp"

using namespace pgedge;

namespace {

/// Bodies of the control plane's user guide, letter by letter. Three of them have a comma too many, as in the guide.
const std::vector<std::string>& guide_bodies() {
    static const std::vector<std::string> bodies{
        R"json({
    "id": "example",
    "spec": {
        "database_name": "example",
        "database_users": [
            {
                "username": "admin",
                "password": "password",
                "db_owner": true,
                "attributes": ["SUPERUSER", "LOGIN"]
            }
        ],
        "port": 5432,
        "nodes": [
            { "name": "n1", "host_ids": ["host-1"] },
            { "name": "n2", "host_ids": ["host-2"] },
            { "name": "n3", "host_ids": ["host-3"] }
        ]
    }
})json",
        R"json({
    "id": "example",
    "spec": {
        "database_name": "example",
        "database_users": [
            {
                "username": "admin",
                "password": "password",
                "db_owner": true,
                "attributes": ["SUPERUSER", "LOGIN"]
            }
        ],
        "port": 5432,
        "postgresql_conf": {
            "max_connections": 5000
        },
        "nodes": [
            {
                "name": "n1",
                "host_ids": ["host-1"],
                "port": 6432
            },
            { "name": "n2", "host_ids": ["host-2"] },
            { "name": "n3", "host_ids": ["host-3"] }
        ]
    }
})json",
        R"json({
    "spec": {
        "database_name": "example",
        "database_users": [
            {
                "username": "admin",
                "db_owner": true,
                "attributes": ["SUPERUSER", "LOGIN"]
            }
        ],
        "port": 5432,
        "nodes": [
            { "name": "n1", "host_ids": ["host-1"] },
            { "name": "n2", "host_ids": ["host-2"] },
            { "name": "n3", "host_ids": ["host-3"] },
            { "name": "n4", "host_ids": ["host-4"] }
        ]
    }
})json",
        R"json({
    "spec": {
        "database_name": "example",
        "database_users": [
            {
                "username": "admin",
                "db_owner": true,
                "attributes": ["SUPERUSER", "LOGIN"]
            }
        ],
        "port": 5432,
        "backup_config": {
            "repositories": [
                {
                    "type": "s3",
                    "s3_bucket": "backups-9f81786f-373b-4ff2-afee-e054a06a96f1",
                    "s3_region": "us-east-1",
                    "s3_key": "AKIAIOSFODNN7EXAMPLE",
                    "s3_key_secret": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
                }
            ]
        },
        "nodes": [
            { "name": "n1", "host_ids": ["host-1"] },
            { "name": "n2", "host_ids": ["host-2"] },
            { "name": "n3", "host_ids": ["host-3"] }
        ]
    }
})json",
        R"json({
    "spec": {
        "database_name": "example",
        "database_users": [
            {
                "username": "admin",
                "db_owner": true,
                "attributes": ["SUPERUSER", "LOGIN"]
            }
        ],
        "port": 5432,
        "nodes": [
            {
                "name": "n1",
                "host_ids": ["host-1"],
                "orchestrator_opts": {
                    "swarm": {
                        "extra_volumes": [
                            {
                                "host_path": "/mnt/db-backups",
                                "destination_path": "/backups"
                            }
                        ]
                    }
                },
                "backup_config": {
                    "repositories": [
                        {
                            "type": "posix",
                            "base_path": "/backups"
                        }
                    ]
                },
            },
            { "name": "n2", "host_ids": ["host-2"] },
            { "name": "n3", "host_ids": ["host-3"] }
        ]
    }
})json",
        R"json({
    "spec": {
        "database_name": "example",
        "database_users": [
            {
                "username": "admin",
                "db_owner": true,
                "attributes": ["SUPERUSER", "LOGIN"]
            }
        ],
        "port": 5432,
        "backup_config": {
            "repositories": [
                {
                    "type": "s3",
                    "s3_bucket": "backups-9f81786f-373b-4ff2-afee-e054a06a96f1",
                    "s3_region": "us-east-1",
                }
            ],
            "schedules": [
                {
                    "id": "nightly-full-backup",
                    "type": "full",
                    "cron_expression": "0 0 * * *"
                },
                {
                    "id": "hourly-incremental",
                    "type": "incr",
                    "cron_expression": "0 * * * *"
                }
            ]
        },
        "nodes": [
            { "name": "n1", "host_ids": ["host-1"] },
            { "name": "n2", "host_ids": ["host-2"] },
            { "name": "n3", "host_ids": ["host-3"] }
        ]
    }
})json",
        R"json({
    "id": "example-copy",
    "spec": {
        "database_name": "example",
        "database_users": [
            {
                "username": "admin",
                "password": "password",
                "db_owner": true,
                "attributes": ["SUPERUSER", "LOGIN"]
            }
        ],
        "port": 5432,
        "nodes": [
            { "name": "n1", "host_ids": ["host-1"] },
            { "name": "n2", "host_ids": ["host-2"] },
            { "name": "n3", "host_ids": ["host-3"] }
        ],
        "restore_config": {
            "source_database_id": "example",
            "source_node_name": "n1",
            "source_database_name": "example",
            "repository": {
                "type": "s3",
                "s3_bucket": "backups-9f81786f-373b-4ff2-afee-e054a06a96f1",
                "s3_region": "us-east-1"
            }
        }
    }
})json",
        R"json({
    "spec": {
        "database_name": "example",
        "database_users": [
            {
                "username": "admin",
                "db_owner": true,
                "attributes": ["SUPERUSER", "LOGIN"]
            }
        ],
        "port": 5432,
        "nodes": [
            { "name": "n1", "host_ids": ["host-1"] },
            { "name": "n2", "host_ids": ["host-2"] },
            { "name": "n3", "host_ids": ["host-3"] },
            {
                "name": "n4",
                "host_ids": ["host-4"],
                "restore_config": {
                    "source_database_id": "example",
                    "source_node_name": "n1",
                    "source_database_name": "example",
                    "repository": {
                        "type": "s3",
                        "s3_bucket": "backups-9f81786f-373b-4ff2-afee-e054a06a96f1",
                        "s3_region": "us-east-1"
                    }
                }
            }
        ],
    }
})json",
    };
    return bodies;
}

}  // namespace

TEST_CASE("every body of the user guide is taken as a file") {
    for (const auto& body : guide_bodies()) {
        CAPTURE(body);
        const Loaded loaded = load_text(body, "guide.yaml", "/");
        for (const auto& problem : loaded.problems) CHECK(to_line(problem) == "");
        CHECK(loaded.databases.size() == 1);
    }
}

TEST_CASE("every body of the user guide that is JSON is taken by the API") {
    std::size_t taken = 0;
    for (const auto& body : guide_bodies()) {
        CAPTURE(body);
        if (!Json::accept(body)) continue;
        const auto document = load_body(parse_json(body));
        CHECK(document.spec.database_name == "example");
        CHECK(document.spec.nodes.size() >= 3);
        ++taken;
    }
    CHECK(taken == guide_bodies().size() - 3);
}
