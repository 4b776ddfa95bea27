#pragma once

#include <string>

#include "common/spec/database_spec.hpp"
#include "common/spec/load.hpp"

namespace pgedge {

/// A body that uses every field there is.
inline Json full_body() {
    return parse_json(R"json({
      "id": "storefront",
      "tenant_id": "acme",
      "spec": {
        "database_name": "storefront",
        "postgres_version": "17.10",
        "port": 5432,
        "patroni_port": 8008,
        "spock_version": "5",
        "cpus": "500m",
        "memory": "512MiB",
        "nodes": [
          {"name": "n1", "host_ids": ["host-1", "host-2"], "postgres_version": "17.9", "port": 6432, "patroni_port": 0,
           "cpus": "2", "memory": "4G", "postgresql_conf": {"work_mem": "64MB"}, "pg_hba_conf": ["local all all peer"],
           "pg_ident_conf": ["ops alice admin"],
           "ha": {"mode": "quorum", "sync_replicas": 1, "max_lag_bytes": 0, "lease_ttl": "8s", "strict": true},
           "backup_config": {"repositories": [{"type": "posix", "base_path": "/backups"}]},
           "orchestrator_opts": {"swarm": {"extra_volumes": [{"host_path": "/mnt/b", "destination_path": "/backups"}]}}},
          {"name": "n2", "host_ids": ["host-3"], "source_node": "n1"},
          {"name": "n3", "host_ids": ["host-4"],
           "restore_config": {"source_database_id": "old", "source_node_name": "n1", "source_database_name": "old",
                              "repository": {"type": "azure", "azure_account": "shop", "azure_container": "backups",
                                             "azure_endpoint": "blob.example.com", "azure_key": "azure-key-text"}}}
        ],
        "database_users": [
          {"username": "admin", "password": "admin-password-text", "db_owner": true, "attributes": ["LOGIN", "SUPERUSER"],
           "roles": ["pg_read_all_data"]},
          {"username": "app", "attributes": ["LOGIN"]}
        ],
        "postgresql_conf": {"max_connections": 5000, "jit": false, "random_page_cost": 1.5, "log_min_messages": "info"},
        "pg_hba_conf": ["hostssl all all 10.0.0.0/8 scram-sha-256", "# a comment", ""],
        "pg_ident_conf": ["ops bob app"],
        "backup_config": {
          "repositories": [
            {"id": "main", "type": "s3", "base_path": "/b", "custom_options": {"s3-kms-key-id": "1234"},
             "s3_bucket": "backups", "s3_region": "us-east-1", "s3_endpoint": "s3.example.com",
             "s3_key": "s3-key-text", "s3_key_secret": "s3-key-secret-text", "retention_full": 14,
             "retention_full_type": "count"},
            {"type": "gcs", "gcs_bucket": "backups", "gcs_endpoint": "storage.example.com", "gcs_key": "gcs-key-text"}
          ],
          "schedules": [{"id": "nightly", "type": "full", "cron_expression": "0 0 * * *"}]
        },
        "restore_config": {"source_database_id": "old", "source_node_name": "n2", "source_database_name": "old",
                           "repository": {"type": "s3", "s3_bucket": "backups", "s3_key": "restore-key-text"},
                           "restore_options": {"type": "time", "target": "2026-05-05 09:38:52-04"}},
        "orchestrator_opts": {"swarm": {"extra_networks": [{"id": "storage", "aliases": ["pg"], "driver_opts": {"a": "b"}}],
                                        "extra_labels": {"team": "shop"}, "image": "registry.example.com/pg:17"}},
        "scripts": {"post_init": ["CREATE ROLE reporting"], "post_database_create": ["CREATE TABLE t (id int);"]},
        "services": [
          {"service_id": "mcp", "service_type": "mcp", "version": "1.0.0", "host_ids": ["host-1"], "connect_as": "app",
           "port": 8080, "cpus": "0.5", "memory": "1GiB",
           "config": {"llm_enabled": true, "llm_provider": "anthropic", "llm_model": "some",
                      "anthropic_api_key": "anthropic-key-text", "llm_temperature": 0.7, "init_token": "init-token-text",
                      "init_users": [{"username": "ada", "password": "ada-password-text"}]},
           "orchestrator_opts": {"swarm": {"extra_labels": {"a": "b"}}},
           "database_connection": {"target_nodes": ["n2", "n1"], "target_session_attrs": "primary"}},
          {"service_id": "api", "service_type": "postgrest", "version": "latest", "host_ids": ["host-1"],
           "connect_as": "app",
           "config": {"db_anon_role": "app", "db_pool": 5, "jwt_secret": "jwt-secret-text-of-32-characters"}},
          {"service_id": "rag", "service_type": "rag", "version": "1.0", "host_ids": ["host-2"], "connect_as": "app",
           "config": {"pipelines": [{"name": "docs", "tables": [{"table": "t", "text_column": "a", "vector_column": "b"}],
                                     "embedding_llm": {"provider": "openai", "model": "e", "api_key": "rag-key-text"},
                                     "rag_llm": {"provider": "openai", "model": "m", "api_key": "rag-key-text-2"},
                                     "search": {"hybrid_enabled": false, "vector_weight": 0.5}}],
                      "defaults": {"top_n": 5}}}
        ]
      }
    })json");
}

/// The texts of all secrets in full_body().
inline const std::vector<std::string>& secret_texts() {
    static const std::vector<std::string> texts{"admin-password-text", "azure-key-text",
                                                "s3-key-text",         "s3-key-secret-text",
                                                "gcs-key-text",        "restore-key-text",
                                                "anthropic-key-text",  "init-token-text",
                                                "ada-password-text",   "jwt-secret-text-of-32-characters",
                                                "rag-key-text",        "rag-key-text-2"};
    return texts;
}

/// A small body that is right: a test changes what it is about.
inline Json small_body() {
    return parse_json(R"({"id": "storefront", "spec": {"database_name": "storefront", "port": 5432,
        "database_users": [{"username": "admin", "password": "secret", "db_owner": true, "attributes": ["LOGIN"]}],
        "nodes": [{"name": "n1", "host_ids": ["host-1"]}, {"name": "n2", "host_ids": ["host-2"]},
                  {"name": "n3", "host_ids": ["host-3"]}]}})");
}

/// One line for each.
inline std::string lines(const std::vector<Problem>& problems) {
    std::string text;
    for (const auto& problem : problems) text += (text.empty() ? "" : "\n") + to_line(problem);
    return text;
}

}  // namespace pgedge
