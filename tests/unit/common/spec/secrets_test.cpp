#include <filesystem>
#include <map>
#include <set>

#include <doctest/doctest.h>

#include "common/base/digest.hpp"
#include "common/base/error.hpp"
#include "common/base/file.hpp"
#include "common/spec/merge.hpp"
#include "common/spec/resolve.hpp"
#include "common/spec/seal.hpp"
#include "common/spec/secret_reference.hpp"
#include "common/spec/walk_secrets.hpp"
#include "common/spec/write.hpp"
#include "tests/fakes/temporary_directory.hpp"
#include "tests/unit/common/spec/specs.hpp"

using namespace pgedge;

namespace {

/// A store of secrets in memory.
struct Vault {
    std::map<std::string, std::string> texts;
    SealSecret seal = [this](const std::string& name, const Secret& text) {
        CHECK(texts.emplace(name, text.reveal()).second);
        return SecretRef{name, to_hex(sha256(text.reveal())).substr(0, 16)};
    };
};

DatabaseSpec spec_of(const Json& body) { return load_body(body).spec; }

DatabaseSpec sealed(const Json& body, Vault& vault) {
    DatabaseSpec spec = spec_of(body);
    seal_secrets("storefront", spec, vault.seal);
    return spec;
}

UserSpec user_named(const std::string& name, SecretValue password = {}) {
    UserSpec user;
    user.username = name;
    user.password = std::move(password);
    return user;
}

/// The problems of resolving `reference` as the password of the only user, and what it became.
struct Resolved {
    std::string problems;
    SecretValue password;
};
Resolved resolve(const std::string& reference, const SecretSources& sources) {
    DatabaseSpec spec;
    spec.database_users.push_back(user_named("admin", Secret(reference)));
    auto problems = lines(resolve_secrets(spec, sources));
    return {problems, spec.database_users[0].password};
}

}  // namespace

TEST_CASE("sealing replaces every secret by a reference with a stable name") {
    Vault vault;
    const DatabaseSpec spec = sealed(full_body(), vault);

    CHECK_FALSE(holds_secret_text(spec));
    std::multiset<std::string> kept;
    for (const auto& [name, text] : vault.texts) kept.insert(text);
    std::multiset<std::string> expected(secret_texts().begin(), secret_texts().end());
    expected.erase("ada-password-text");
    expected.insert(R"([{"password":"ada-password-text","username":"ada"}])");
    CHECK(kept == expected);
    CHECK(vault.texts.at("database/storefront/users/admin/password") == "admin-password-text");
    CHECK(vault.texts.at("database/storefront/services/mcp/config.init_token") == "init-token-text");
    CHECK(vault.texts.at("database/storefront/services/rag/config.pipelines[0].rag_llm.api_key") == "rag-key-text-2");
    const std::string stored = to_text(to_stored_json(spec));
    for (const auto& text : secret_texts()) CHECK(stored.find(text) == std::string::npos);
    CHECK(spec.services[0].config.at("init_users").at("json") == true);
    CHECK(secret_refs(spec).size() == vault.texts.size());
}

TEST_CASE("names of secrets do not depend on the order of users, nodes and repositories") {
    Vault first, second;
    Json body = full_body();
    sealed(body, first);
    auto& spec = body["spec"];
    std::swap(spec["database_users"][0], spec["database_users"][1]);
    std::swap(spec["nodes"][0], spec["nodes"][2]);
    std::swap(spec["backup_config"]["repositories"][0], spec["backup_config"]["repositories"][1]);
    std::swap(spec["services"][0], spec["services"][1]);
    sealed(body, second);
    CHECK(first.texts == second.texts);
}

TEST_CASE("sealing twice seals nothing again") {
    Vault vault;
    DatabaseSpec spec = sealed(full_body(), vault);
    const DatabaseSpec before = spec;
    seal_secrets("storefront", spec,
                 [](const std::string& name, const Secret&) -> SecretRef { throw Error(ErrorKind::internal, name); });
    CHECK(spec == before);
}

TEST_CASE("repositories that nothing tells apart have secrets of their own") {
    Json body = small_body();
    const Json repository{{"type", "s3"}, {"s3_bucket", "backups"}, {"s3_key", "one"}};
    body["spec"]["backup_config"]["repositories"] = {repository, repository};
    body["spec"]["nodes"][0]["backup_config"]["repositories"] = Json::array({repository});
    Vault vault;
    sealed(body, vault);
    CHECK(vault.texts.size() == 4);
}

TEST_CASE("walking the secrets tells the path of each") {
    std::set<std::string> paths;
    walk_secrets(spec_of(full_body()), SecretDepth::inside, [&](const SecretPlace& place, const SecretValue& value) {
        if (value.given()) paths.insert(place.path);
    });
    CHECK(paths == std::set<std::string>{
                       "spec.backup_config.repositories[0].s3_key", "spec.backup_config.repositories[0].s3_key_secret",
                       "spec.backup_config.repositories[1].gcs_key", "spec.database_users[0].password",
                       "spec.nodes[2].restore_config.repository.azure_key", "spec.restore_config.repository.s3_key",
                       "spec.services[0].config.anthropic_api_key", "spec.services[0].config.init_token",
                       "spec.services[0].config.init_users[0].password", "spec.services[1].config.jwt_secret",
                       "spec.services[2].config.pipelines[0].embedding_llm.api_key",
                       "spec.services[2].config.pipelines[0].rag_llm.api_key"});
}

TEST_CASE("an update keeps what it leaves out") {
    Vault vault;
    const DatabaseSpec stored = sealed(full_body(), vault);
    Json body = full_body();
    auto& update = body["spec"];
    for (const char* name : {"postgres_version", "spock_version"}) update.erase(name);
    update["nodes"][0].erase("postgres_version");
    update["nodes"][2]["restore_config"]["repository"].erase("azure_key");
    update["database_users"][0].erase("password");
    for (const char* name : {"s3_key", "s3_key_secret"}) update["backup_config"]["repositories"][0].erase(name);
    update["backup_config"]["repositories"][1].erase("gcs_key");
    update["restore_config"]["repository"].erase("s3_key");
    update["services"] = Json::array();
    DatabaseSpec wanted = spec_of(body);

    merge_omitted(wanted, stored);

    DatabaseSpec expected = stored;
    expected.services.clear();
    CHECK(wanted == expected);
}

TEST_CASE("an update replaces what it gives, and takes away everything else that it leaves out") {
    Vault vault;
    const DatabaseSpec stored = sealed(full_body(), vault);
    DatabaseSpec wanted = spec_of(small_body());
    wanted.postgres_version = "17.11";

    merge_omitted(wanted, stored);

    CHECK(wanted.postgres_version == "17.11");
    CHECK(wanted.spock_version == "5");
    CHECK(wanted.nodes[0].postgres_version == "17.9");
    CHECK(wanted.database_users[0].password.given()->reveal() == "secret");
    CHECK_FALSE(wanted.backup_config.has_value());
    CHECK_FALSE(wanted.cpus.has_value());
    CHECK(wanted.services.empty());
    CHECK(wanted.scripts == ScriptsSpec{});
}

TEST_CASE("a repository keeps its secrets when it moves, and loses them when it becomes another") {
    const auto with_repository = [](Json repository, bool on_node) {
        Json body = small_body();
        Json config{{"repositories", Json::array({std::move(repository)})}};
        (on_node ? body["spec"]["nodes"][1] : body["spec"])["backup_config"] = config;
        return body;
    };
    const Json repository{{"type", "s3"},
                          {"id", "main"},
                          {"s3_bucket", "backups"},
                          {"s3_region", "eu"},
                          {"s3_endpoint", "s3.example.com"},
                          {"base_path", "/b"}};
    Json with_key = repository;
    with_key["s3_key"] = "key";
    Vault vault;
    const DatabaseSpec stored = sealed(with_repository(with_key, false), vault);

    const auto key_after = [&](const Json& wanted_repository, bool on_node) {
        DatabaseSpec wanted = spec_of(with_repository(wanted_repository, on_node));
        merge_omitted(wanted, stored);
        const auto& config = on_node ? wanted.nodes[1].backup_config : wanted.backup_config;
        return config->repositories[0].s3_key;
    };
    CHECK(key_after(repository, false) == stored.backup_config->repositories[0].s3_key);
    CHECK(key_after(repository, true) == stored.backup_config->repositories[0].s3_key);
    for (const std::string field : {"id", "s3_bucket", "s3_region", "s3_endpoint", "base_path"}) {
        CAPTURE(field);
        Json other = repository;
        other[field] = "/other";
        if (field == "id") other[field] = "other";
        CHECK(key_after(other, false).absent());
    }
    Json with_retention = repository;
    with_retention["retention_full"] = 3;
    CHECK_FALSE(key_after(with_retention, false).absent());
}

TEST_CASE("passwords are kept by username, also when users change places") {
    Vault vault;
    Json body = small_body();
    body["spec"]["database_users"] = {{{"username", "a"}, {"password", "pa"}}, {{"username", "b"}, {"password", "pb"}}};
    const DatabaseSpec stored = sealed(body, vault);
    body["spec"]["database_users"] = {
        {{"username", "b"}}, {{"username", "c"}}, {{"username", "a"}, {"password", "new"}}};
    DatabaseSpec wanted = spec_of(body);
    merge_omitted(wanted, stored);
    CHECK(wanted.database_users[0].password == stored.database_users[1].password);
    CHECK(wanted.database_users[1].password.absent());
    CHECK(wanted.database_users[2].password.given()->reveal() == "new");
}

TEST_CASE("references to secrets are told from literals") {
    using Kind = SecretReference::Kind;
    CHECK(parse_secret_reference("keep")->kind == Kind::keep);
    CHECK(parse_secret_reference("env:A_b9")->argument == "A_b9");
    CHECK(parse_secret_reference("file:../x y")->argument == "../x y");
    CHECK(parse_secret_reference("generate:8")->length == 8);
    CHECK(parse_secret_reference("generate:128")->length == 128);
    for (const std::string literal : {"", "secret", "Keep", "keep ", "ENV:X", "http://x", "a:b", ":"})
        CHECK_FALSE(parse_secret_reference(literal));
    for (const std::string mistake : {"env:", "env:9A", "env:A B", "env:A-B", "file:", "generate:", "generate:7",
                                      "generate:129", "generate:x", "generate:-8", "command:pass show"})
        CHECK_THROWS_AS(parse_secret_reference(mistake), Error);
}

TEST_CASE("secrets come from the environment") {
    const SecretSources sources{"/",
                                [](const std::string& name) {
                                    return name == "SET"     ? std::optional<std::string>("text")
                                           : name == "EMPTY" ? std::optional<std::string>("")
                                                             : std::nullopt;
                                },
                                nullptr};
    CHECK(resolve("env:SET", sources).password.given()->reveal() == "text");
    CHECK(resolve("env:UNSET", sources).problems ==
          "database_users[0].password: the environment variable UNSET is not set (set it: export UNSET=…; or write "
          "file:PATH or generate:32 instead)");
    CHECK(resolve("env:EMPTY", sources).problems ==
          "database_users[0].password: the environment variable EMPTY is empty");
    CHECK(resolve("plain text", sources).password.given()->reveal() == "plain text");
    CHECK(resolve("env:9", sources).problems ==
          "database_users[0].password: env: needs the name of an environment variable (env:ADMIN_PASSWORD)");
}

TEST_CASE("secrets come from files beside the spec") {
    const testing::TemporaryDirectory directory;
    write_file(directory.path() / "one", "text\n", 0600);
    write_file(directory.path() / "two", "te xt \n\n", 0600);
    write_file(directory.path() / "three", "text\r\n", 0600);
    write_file(directory.path() / "empty", "\n", 0600);
    write_file(directory.path() / "most", std::string(kMaxSecretFile, 'x'), 0600);
    write_file(directory.path() / "large", std::string(kMaxSecretFile + 1, 'x'), 0600);
    const SecretSources sources{directory.path(), {}, nullptr};
    CHECK(resolve("file:one", sources).password.given()->reveal() == "text");
    CHECK(resolve("file:two", sources).password.given()->reveal() == "te xt \n");
    CHECK(resolve("file:three", sources).password.given()->reveal() == "text");
    CHECK(resolve("file:" + (directory.path() / "one").string(), {"/", {}, nullptr}).password.given()->reveal() ==
          "text");
    CHECK(resolve("file:most", sources).problems == "");
    CHECK(resolve("file:large", sources).problems.find("is larger than 65536 bytes") != std::string::npos);
    CHECK(resolve("file:empty", sources).problems == "database_users[0].password: the file empty is empty");
    CHECK(resolve("file:none", sources).problems.find("cannot open " + directory.path().string() + "/none") !=
          std::string::npos);
    CHECK(resolve("file:.", sources).problems.find("cannot read") != std::string::npos);
}

TEST_CASE("generated secrets have letters and digits, are never the same and stay once they are stored") {
    const SecretSources fresh{"/", {}, nullptr};
    std::set<std::string> seen;
    std::set<char> characters;
    for (int i = 0; i < 50; ++i) {
        const auto resolved = resolve("generate:40", fresh);
        REQUIRE(resolved.password.given());
        const auto& text = resolved.password.given()->reveal();
        CHECK(text.size() == 40);
        characters.insert(text.begin(), text.end());
        seen.insert(text);
    }
    CHECK(seen.size() == 50);
    CHECK(characters.size() == 62);  // 2000 draws: one is missing once in 10^12 runs
    for (const char c : characters) CHECK(isalnum(static_cast<unsigned char>(c)) != 0);

    DatabaseSpec stored;
    stored.database_users.push_back(user_named("admin"));
    CHECK(resolve("generate:40", {"/", {}, &stored}).password.absent());
    stored.database_users[0].username = "other";
    CHECK(resolve("generate:40", {"/", {}, &stored}).password.given());
}

TEST_CASE("keep leaves the stored secret, and is a problem when there is none") {
    DatabaseSpec stored;
    CHECK(resolve("keep", {"/", {}, nullptr}).problems ==
          "database_users[0].password: there is no stored value to keep (use env:NAME, file:path or generate:32 for "
          "the first time)");
    CHECK(resolve("keep", {"/", {}, &stored}).problems != "");
    stored.database_users.push_back(user_named("admin"));
    const auto resolved = resolve("keep", {"/", {}, &stored});
    CHECK(resolved.problems == "");
    CHECK(resolved.password.absent());
}

TEST_CASE("a resolved secret has to fit its field") {
    DatabaseSpec spec;
    spec.backup_config.emplace().repositories.emplace_back().s3_key = Secret("env:LONG");
    const SecretSources sources{"/", [](const std::string&) { return std::optional(std::string(129, 'x')); }, nullptr};
    CHECK(lines(resolve_secrets(spec, sources)) ==
          "backup_config.repositories[0].s3_key: the secret must have at most 128 characters");
    CHECK(resolve("env:NUL", {"/", [](const std::string&) { return std::optional(std::string("a\0b", 3)); }, nullptr})
              .problems == "database_users[0].password: the secret must not hold the character U+0000");
}

TEST_CASE("secrets inside the config of a service are resolved too") {
    DatabaseSpec spec = spec_of(full_body());
    spec.services[0].config["anthropic_api_key"] = "env:KEY";
    spec.services[0].config["init_users"][0]["password"] = "env:ADA";
    spec.services[0].config["init_token"] = "keep";
    spec.services[1].config["jwt_secret"] = "generate:48";
    const SecretSources sources{"/", [](const std::string& name) { return std::optional("text of " + name); }, nullptr};

    CHECK(lines(resolve_secrets(spec, sources)) ==
          "services[0].config.init_token: secrets of services cannot be kept: each update gives them again (use "
          "env:NAME or file:path)\n"
          "services[1].config.jwt_secret: generate: would give a service another secret with every apply (use env:NAME "
          "or file:path)");
    CHECK(spec.services[0].config.at("anthropic_api_key") == "text of KEY");
    CHECK(spec.services[0].config.at("init_users")[0].at("password") == "text of ADA");
}

TEST_CASE("all references that lead nowhere are told at once, without what they hold") {
    DatabaseSpec spec = spec_of(full_body());
    spec.database_users[0].password = Secret("env:NOWHERE");
    spec.backup_config->repositories[0].s3_key = Secret("file:/nowhere/at/all");
    spec.backup_config->repositories[0].s3_key_secret = Secret("generate:1");
    const auto problems = resolve_secrets(spec, {"/", [](const std::string&) { return std::nullopt; }, nullptr});
    CHECK(problems.size() == 3);
    for (const auto& text : secret_texts()) CHECK(lines(problems).find(text) == std::string::npos);
}
