#include "common/spec/fields.hpp"

#include "common/spec/places.hpp"

namespace pgedge {
namespace {

template <class Owner>
std::vector<Field> version_and_ports() {
    return {
        {.name = "postgres_version",
         .place = at<Owner, &Owner::postgres_version>,
         .pattern = &kPostgresVersion,
         .standard = "the greatest default that all its hosts share",
         .doc =
             "Version of PostgreSQL. A bare major stands for the newest minor of it that the hosts offer. The major of "
             "an existing instance cannot be changed.",
         .example = R"("17.10")",
         .notes = {note::kKept, note::kRestart, note::kNodeWins}},
        {.name = "port",
         .kind = Kind::integer,
         .place = at<Owner, &Owner::port>,
         .range = {0, 65535},
         .standard = "not published",
         .doc =
             "Port that PostgreSQL listens on for clients. 0 picks a free port once and keeps it for life; left out, "
             "clients cannot connect from outside.",
         .example = "5432",
         .notes = {note::kRestart, note::kNodeWins}},
        {.name = "patroni_port",
         .kind = Kind::integer,
         .place = at<Owner, &Owner::patroni_port>,
         .range = {0, 65535},
         .standard = "none",
         .doc = "Port of the high-availability REST interface; 0 picks a free one.",
         .example = "8008",
         .notes = {note::kNodeWins}},
    };
}

template <class Owner>
std::vector<Field> limits() {
    return {
        {.name = "cpus",
         .place = at<Owner, &Owner::cpus>,
         .pattern = &kCpus,
         .standard = "those of the host",
         .doc =
             "CPUs that one instance may use: a number with up to three decimals, or thousandths with m. At least 1m.",
         .example = R"("500m")",
         .notes = {note::kRestart, note::kNodeWins}},
        {.name = "memory",
         .place = at<Owner, &Owner::memory>,
         .length = {{}, 16},
         .standard = "that of the host",
         .doc = "Memory that one instance may use, in SI (k, M, G, T) or IEC units (KiB, MiB, GiB, TiB). PostgreSQL's "
                "buffers and connections are sized by it.",
         .example = R"("512MiB")",
         .notes = {note::kRestart, note::kNodeWins}},
    };
}

template <class Owner>
std::vector<Field> configuration(Bounds settings) {
    return {
        {.name = "postgresql_conf",
         .kind = Kind::settings,
         .place = at<Owner, &Owner::postgresql_conf>,
         .count = settings,
         .doc =
             "Settings of postgresql.conf, laid over those the platform computes. hba_file and ident_file are refused; "
             "shared_preload_libraries must keep spock or pglogical.",
         .example = R"({"max_connections": 500, "work_mem": "64MB"})",
         .notes = {note::kMerged, "whether a change restarts PostgreSQL depends on the setting; the plan tells"},
         .scalar_values = true},
        {.name = "pg_hba_conf",
         .kind = Kind::texts,
         .place = at<Owner, &Owner::pg_hba_conf>,
         .doc =
             "Lines of pg_hba.conf, one entry each. They stand between the platform's own lines and the line that lets "
             "everybody in by password. A change is a reload, not a restart.",
         .example = R"(["hostssl all all 10.0.0.0/8 scram-sha-256"])",
         .notes = {note::kNodeFirst},
         .many_lines = true},
        {.name = "pg_ident_conf",
         .kind = Kind::texts,
         .place = at<Owner, &Owner::pg_ident_conf>,
         .doc = "Lines of pg_ident.conf, one entry each: map, system user, database user.",
         .example = R"(["ops alice admin"])",
         .notes = {note::kNodeFirst},
         .many_lines = true},
    };
}

template <class Owner>
std::vector<Field> blocks() {
    return {
        {.name = "backup_config",
         .kind = Kind::object,
         .place = maybe<Owner, &Owner::backup_config>,
         .type = &backup_config_type(),
         .standard = "no backups",
         .doc = "Where and when pgBackRest makes backups.",
         .notes = {note::kNodeWins}},
        {.name = "restore_config",
         .kind = Kind::object,
         .place = maybe<Owner, &Owner::restore_config>,
         .type = &restore_config_type(),
         .doc = "Fill new instances from a backup instead of making them empty.",
         .notes = {note::kOnce, note::kNodeWins}},
        {.name = "orchestrator_opts",
         .kind = Kind::object,
         .place = maybe<Owner, &Owner::orchestrator_opts>,
         .type = &orchestrator_opts_type(),
         .doc = "Options of the runtime.",
         .notes = {note::kNodeWins, note::kDocker}},
        {.name = "ha",
         .kind = Kind::object,
         .place = maybe<Owner, &Owner::ha>,
         .type = &ha_type(),
         .standard = "asynchronous replication",
         .doc = "Replication and failover of nodes with replicas. A change restarts nothing.",
         .notes = {note::kNodeWins}},
    };
}

template <class... Lists>
std::vector<Field> joined_fields(std::vector<Field> first, const Lists&... rest) {
    (first.insert(first.end(), rest.begin(), rest.end()), ...);
    return first;
}

template <class Owner>
std::vector<Field> body_fields() {
    return {{.name = "id",
             .place = at<Owner, &Owner::id>,
             .length = {1, 36},
             .pattern = &kIdentifier,
             .standard = "a random UUID",
             .doc = "Identifier of the database.",
             .example = R"("storefront")",
             .notes = {note::kImmutable}},
            {.name = "tenant_id",
             .place = at<Owner, &Owner::tenant_id>,
             .length = {1, 36},
             .pattern = &kIdentifier,
             .standard = "none",
             .doc = "Identifier of the tenant that the database belongs to.",
             .example = R"("acme")",
             .notes = {note::kImmutable}},
            {.name = "spec",
             .kind = Kind::object,
             .place = one<Owner, &Owner::spec>,
             .required = true,
             .type = &database_type(),
             .doc = "The database that is wanted."}};
}

const Type& user_type() {
    static const Type type{
        "User",
        "A role of PostgreSQL, made on every node. Users that are left out of an update are not dropped.",
        {{.name = "username",
          .place = at<UserSpec, &UserSpec::username>,
          .required = true,
          .length = {1, {}},
          .doc = "Name of the role. pgedge, pgedge_superuser and patroni_replicator are the platform's own.",
          .example = R"("admin")"},
         {.name = "password",
          .kind = Kind::secret,
          .place = at<UserSpec, &UserSpec::password>,
          .length = {1, {}},
          .standard = "none: the user cannot log in by password",
          .doc = "Password of the role.",
          .example = R"("generate:32")",
          .notes = {note::kKept}},
         {.name = "db_owner",
          .kind = Kind::boolean,
          .place = at<UserSpec, &UserSpec::db_owner>,
          .standard = "false",
          .doc = "Makes this user the owner of the database. One user at most.",
          .example = "true"},
         {.name = "attributes",
          .kind = Kind::texts,
          .place = at<UserSpec, &UserSpec::attributes>,
          .count = {{}, 16},
          .doc =
              "Attributes of the role: SUPERUSER, CREATEDB, CREATEROLE, INHERIT, LOGIN, REPLICATION, BYPASSRLS, or one "
              "of them with NO before it.",
          .example = R"(["LOGIN", "CREATEDB"])"},
         {.name = "roles",
          .kind = Kind::texts,
          .place = at<UserSpec, &UserSpec::roles>,
          .count = {{}, 16},
          .doc = "Roles that are granted to the user.",
          .example = R"(["pg_read_all_data"])"}},
        [](const void* user) { return "users/" + static_cast<const UserSpec*>(user)->username; }};
    return type;
}

const Type& scripts_type() {
    static const Type type{
        "Scripts",
        "SQL that runs once, when the database is created. Nodes that are added later get the results by replication.",
        {{.name = "post_init",
          .kind = Kind::texts,
          .place = at<ScriptsSpec, &ScriptsSpec::post_init>,
          .length = {1, 1024},
          .count = {{}, 256},
          .doc = "Statements for the database postgres of every node, before the database is made; one statement each.",
          .example = R"(["CREATE ROLE reporting"])",
          .notes = {note::kOnce},
          .many_lines = true},
         {.name = "post_database_create",
          .kind = Kind::texts,
          .place = at<ScriptsSpec, &ScriptsSpec::post_database_create>,
          .length = {1, 1024},
          .count = {{}, 256},
          .doc = "Statements for the new database of every node, before replication begins; one statement each.",
          .example = R"json(["CREATE TABLE orders (id bigint PRIMARY KEY)"])json",
          .notes = {note::kOnce},
          .many_lines = true}}};
    return type;
}

}  // namespace

const Field* Type::find(std::string_view field_name) const {
    for (const auto& field : fields)
        if (field.name == field_name) return &field;
    return nullptr;
}

std::vector<std::string> Type::field_names() const {
    std::vector<std::string> names;
    for (const auto& field : fields) names.emplace_back(field.name);
    return names;
}

const Type& node_type() {
    static const Type type{
        "Node", "One PostgreSQL that takes writes, with its replicas.",
        joined_fields(
            {{.name = "name",
              .place = at<NodeSpec, &NodeSpec::name>,
              .required = true,
              .pattern = &kNodeName,
              .doc = "Name of the node: n and a number. A node that is left out of an update is deleted with its "
                     "data.",
              .example = R"("n1")"},
             {.name = "host_ids",
              .kind = Kind::texts,
              .place = at<NodeSpec, &NodeSpec::host_ids>,
              .required = true,
              .length = {1, 36},
              .count = {1, {}},
              .pattern = &kIdentifier,
              .doc = "Hosts of its instances. The first one is the primary at the start, the others are streaming "
                     "replicas.",
              .example = R"(["host-1", "host-2"])"},
             {.name = "source_node",
              .place = at<NodeSpec, &NodeSpec::source_node>,
              .standard = "the first node that exists already",
              .doc = "Node that a new node gets its schema and rows from. It has to exist already.",
              .example = R"("n1")",
              .notes = {note::kOnce}}},
            version_and_ports<NodeSpec>(), limits<NodeSpec>(), configuration<NodeSpec>({{}, 256}), blocks<NodeSpec>()),
        [](const void* node) { return "nodes/" + static_cast<const NodeSpec*>(node)->name; }};
    return type;
}

const Type& database_type() {
    static const Type type{
        "Database",
        "A PostgreSQL database on one to nine nodes, each of which takes writes and replicates to all others.",
        joined_fields(
            {{.name = "database_name",
              .place = at<DatabaseSpec, &DatabaseSpec::database_name>,
              .required = true,
              .length = {1, 31},
              .doc = "Name of the database inside PostgreSQL.",
              .example = R"("storefront")",
              .notes = {note::kImmutable}}},
            version_and_ports<DatabaseSpec>(),
            std::vector<Field>{{.name = "spock_version",
                                .place = at<DatabaseSpec, &DatabaseSpec::spock_version>,
                                .pattern = &kSpockVersion,
                                .standard = "that of the hosts' PostgreSQL",
                                .doc = "Major version of the spock extension.",
                                .example = R"("5")",
                                .notes = {note::kKept}}},
            limits<DatabaseSpec>(),
            std::vector<Field>{
                {.name = "nodes",
                 .kind = Kind::objects,
                 .place = many<DatabaseSpec, &DatabaseSpec::nodes>,
                 .required = true,
                 .count = {1, 9},
                 .type = &node_type(),
                 .doc = "The nodes. Each replicates to every other one.",
                 .example = R"([{"name": "n1", "host_ids": ["host-1"]}])"},
                {.name = "database_users",
                 .kind = Kind::objects,
                 .place = many<DatabaseSpec, &DatabaseSpec::database_users>,
                 .count = {{}, 16},
                 .type = &user_type(),
                 .doc = "Users of the database, matched by username. One that is taken out loses LOGIN; its role is "
                        "not dropped.",
                 .example =
                     R"([{"username": "admin", "password": "env:ADMIN_PASSWORD", "db_owner": true, "attributes": ["LOGIN"]}])"}},
            configuration<DatabaseSpec>({{}, 64}), blocks<DatabaseSpec>(),
            std::vector<Field>{{.name = "scripts",
                                .kind = Kind::object,
                                .place = one<DatabaseSpec, &DatabaseSpec::scripts>,
                                .type = &scripts_type(),
                                .doc = "SQL that runs once, at creation.",
                                .notes = {note::kOnce}},
                               {.name = "services",
                                .kind = Kind::objects,
                                .place = many<DatabaseSpec, &DatabaseSpec::services>,
                                .type = &service_type(),
                                .doc = "Side containers that serve the database.",
                                .notes = {note::kDocker}}})};
    return type;
}

const Type& body_type() {
    static const Type type{"DatabaseBody", "What the API takes to create or update a database.",
                           body_fields<DatabaseDocument>()};
    return type;
}

const Type& file_type() {
    static const Type type{"File", "A document of a spec file.",
                           joined_fields({{.name = "apiVersion",
                                           .place = at<DatabaseFile, &DatabaseFile::api_version>,
                                           .words = {"pgedge/v1"},
                                           .standard = "pgedge/v1",
                                           .doc = "Version of the form of the file.",
                                           .example = R"("pgedge/v1")"},
                                          {.name = "kind",
                                           .place = at<DatabaseFile, &DatabaseFile::kind>,
                                           .words = {"Database"},
                                           .standard = "Database",
                                           .doc = "What the document describes.",
                                           .example = R"("Database")"},
                                          {.name = "labels",
                                           .kind = Kind::settings,
                                           .place = at<DatabaseFile, &DatabaseFile::labels>,
                                           .count = {{}, 64},
                                           .doc = "Words of your own, for finding things again.",
                                           .example = R"({"team": "shop"})"}},
                                         body_fields<DatabaseFile>())};
    return type;
}

}  // namespace pgedge
