#include "common/spec/fields.hpp"

namespace pgedge {
namespace {

Field flag(std::string_view name, std::string_view standard, std::string_view doc) {
    return {.name = name, .kind = Kind::boolean, .standard = standard, .doc = doc, .example = "true"};
}
Field words(std::string_view name, std::vector<std::string_view> allowed, std::string_view doc) {
    return {.name = name, .words = std::move(allowed), .doc = doc};
}
Field text(std::string_view name, std::string_view doc, bool required = false) {
    return {.name = name, .required = required, .doc = doc, .many_lines = true};
}
Field secret(std::string_view name, std::string_view doc) {
    return {.name = name, .kind = Kind::secret, .length = {1, {}}, .doc = doc, .example = R"("env:API_KEY")"};
}
Field whole_number(std::string_view name, Bounds range, std::string_view standard, std::string_view doc) {
    return {.name = name, .kind = Kind::integer, .range = range, .standard = standard, .doc = doc};
}
Field inner(std::string_view name, Kind kind, const Type& type, std::string_view doc) {
    return {.name = name, .kind = kind, .type = &type, .doc = doc};
}

const Type& mcp_user_type() {
    static const Type type{
        "McpUser",
        "A user of an mcp service.",
        {{.name = "username", .required = true, .length = {1, {}}, .doc = "Name.", .example = R"("ada")"},
         {.name = "password",
          .kind = Kind::secret,
          .required = true,
          .length = {1, {}},
          .doc = "Password.",
          .example = R"("env:ADA_PASSWORD")"}}};
    return type;
}

const Type& mcp_type() {
    static const Type type{
        "McpConfig",
        "Settings of an mcp service.",
        {flag("llm_enabled", "false", "Lets the service talk to a language model itself."),
         words("llm_provider", {"anthropic", "openai", "ollama"}, "Whose language model. Only with llm_enabled."),
         text("llm_model", "Name of the language model. Only with llm_enabled."),
         secret("anthropic_api_key", "Key of Anthropic's API. Only with llm_enabled."),
         secret("openai_api_key", "Key of OpenAI's API. Only with llm_enabled."),
         text("ollama_url", "Address of an Ollama server."),
         {.name = "llm_temperature",
          .kind = Kind::number,
          .range = {0, 2},
          .doc = "Temperature of the language model. Only with llm_enabled.",
          .example = "0.7"},
         whole_number("llm_max_tokens", {1, {}}, "the provider's", "Longest answer. Only with llm_enabled."),
         flag("allow_writes", "false",
              "Lets tools change data. Needs target_session_attrs primary or read-write, when it is given."),
         {.name = "init_token",
          .kind = Kind::secret,
          .length = {1, {}},
          .doc = "First access token. Only when the service is new.",
          .example = R"("env:MCP_TOKEN")",
          .notes = {note::kOnce}},
         {.name = "init_users",
          .kind = Kind::secret_value,
          .type = &mcp_user_type(),
          .doc = "First users. Only when the service is new.",
          .notes = {note::kOnce}},
         words("embedding_provider", {"voyage", "openai", "ollama"}, "Who computes embeddings."),
         text("embedding_model", "Name of the embedding model."),
         secret("embedding_api_key", "Key of the provider of embeddings."),
         whole_number("pool_max_conns", {1, {}}, "the service's", "Most connections to the database."),
         flag("disable_query_database", "false", "Takes this tool away."),
         flag("disable_get_schema_info", "false", "Takes this tool away."),
         flag("disable_similarity_search", "false", "Takes this tool away."),
         flag("disable_execute_explain", "false", "Takes this tool away."),
         flag("disable_generate_embedding", "false", "Takes this tool away."),
         flag("disable_search_knowledgebase", "false", "Takes this tool away."),
         flag("disable_count_rows", "false", "Takes this tool away."),
         flag("kb_enabled", "false", "Offers a knowledge base."),
         words("kb_embedding_provider", {"voyage", "openai"},
               "Who computes embeddings for the knowledge base. Only with kb_enabled."),
         text("kb_embedding_model", "Name of its embedding model. Only with kb_enabled."),
         secret("kb_embedding_api_key", "Key of its provider of embeddings. Only with kb_enabled."),
         text("kb_database_host_path",
              "File of the knowledge base on the host, an absolute path. Only with kb_enabled.")}};
    return type;
}

const Type& postgrest_type() {
    static const Type type{
        "PostgrestConfig",
        "Settings of a postgrest service.",
        {text("db_anon_role", "Role of requests without a token.", true),
         {.name = "db_schemas",
          .standard = "public",
          .doc = "Schemas that are served, comma separated.",
          .example = R"("public")"},
         whole_number("db_pool", {1, 30}, "10", "Connections to the database."),
         whole_number("max_rows", {1, 10000}, "1000", "Most rows of one answer."),
         {.name = "jwt_secret",
          .kind = Kind::secret,
          .length = {32, {}},
          .doc = "Secret that tokens are signed with.",
          .example = R"("env:JWT_SECRET")"},
         text("jwt_aud", "Audience that tokens must have."),
         text("jwt_role_claim_key", "Claim that names the role."),
         text("server_cors_allowed_origins", "Origins that browsers may call from, comma separated.")}};
    return type;
}

const Type& rag_table_type() {
    static const Type type{
        "RagTable",
        "A table that is searched.",
        {text("table", "Name of the table.", true), text("text_column", "Column of the text.", true),
         text("vector_column", "Column of the embedding.", true), text("id_column", "Column that identifies a row.")}};
    return type;
}

const Type& rag_model_type() {
    static const Type type{
        "RagModel",
        "A model of a provider.",
        {text("provider", "Who offers the model.", true), text("model", "Name of the model.", true),
         secret("api_key", "Key of the provider."), text("base_url", "Address of the provider's API.")}};
    return type;
}

const Type& rag_search_type() {
    static const Type type{"RagSearch",
                           "How a pipeline searches.",
                           {flag("hybrid_enabled", "true", "Joins search by words with search by vectors."),
                            {.name = "vector_weight",
                             .kind = Kind::number,
                             .range = {0, 1},
                             .doc = "Weight of search by vectors.",
                             .example = "0.5"}}};
    return type;
}

const Type& rag_pipeline_type() {
    static const Type type{"RagPipeline",
                           "A way from a question to an answer.",
                           {{.name = "name",
                             .required = true,
                             .pattern = &kPipelineName,
                             .doc = "Name of the pipeline.",
                             .example = R"("docs")"},
                            text("description", "What it is for."),
                            {.name = "tables",
                             .kind = Kind::objects,
                             .required = true,
                             .count = {1, {}},
                             .type = &rag_table_type(),
                             .doc = "Tables that are searched."},
                            {.name = "embedding_llm",
                             .kind = Kind::object,
                             .required = true,
                             .type = &rag_model_type(),
                             .doc = "Model that computes embeddings."},
                            {.name = "rag_llm",
                             .kind = Kind::object,
                             .required = true,
                             .type = &rag_model_type(),
                             .doc = "Model that writes the answer."},
                            whole_number("token_budget", {1, {}}, "that of defaults", "Most tokens of context."),
                            whole_number("top_n", {1, {}}, "that of defaults", "Most rows of context."),
                            text("system_prompt", "What the model is told first."),
                            inner("search", Kind::object, rag_search_type(), "How it searches.")}};
    return type;
}

const Type& rag_defaults_type() {
    static const Type type{"RagDefaults",
                           "What holds for pipelines that do not say.",
                           {whole_number("token_budget", {1, {}}, "the service's", "Most tokens of context."),
                            whole_number("top_n", {1, {}}, "the service's", "Most rows of context.")}};
    return type;
}

const Type& rag_type() {
    static const Type type{"RagConfig",
                           "Settings of a rag service.",
                           {{.name = "pipelines",
                             .kind = Kind::objects,
                             .required = true,
                             .count = {1, {}},
                             .type = &rag_pipeline_type(),
                             .doc = "The pipelines."},
                            inner("defaults", Kind::object, rag_defaults_type(), "What holds for all pipelines.")}};
    return type;
}

struct ServiceKind {
    std::string_view name;
    const Type& (*config)();
};
constexpr ServiceKind kServices[]{{"mcp", mcp_type}, {"postgrest", postgrest_type}, {"rag", rag_type}};

}  // namespace

const Type* service_config_type(std::string_view service_type) {
    for (const auto& service : kServices)
        if (service.name == service_type) return &service.config();
    return nullptr;
}

std::vector<std::string_view> service_types() {
    std::vector<std::string_view> names;
    for (const auto& service : kServices) names.push_back(service.name);
    return names;
}

}  // namespace pgedge
