#include "agent/cluster/member_files.hpp"

#include "agent/store/store_record.hpp"
#include "common/base/digest.hpp"
#include "common/base/error.hpp"
#include "common/base/file.hpp"
#include "common/base/json.hpp"
#include "common/base/names.hpp"
#include "common/net/tls.hpp"

namespace pgedge {
namespace {

constexpr NameTable<MemberState, 3> kStates{"state of membership",
                                            {{{MemberState::initializing, "initializing"},
                                              {MemberState::joining, "joining"},
                                              {MemberState::member, "member"}}}};
constexpr std::chrono::seconds kDelete{10};
constexpr mode_t kPrivate = 0600;
constexpr std::size_t kKeySize = 32;

std::string read_secret_file(const std::filesystem::path& path) { return read_file(path, 64 << 10); }

}  // namespace

std::optional<MemberRecord> MemberFiles::record() const {
    const auto path = data_dir_ / "cluster.json";
    const auto text = read_file_if_there(path);
    if (!text) return std::nullopt;
    try {
        const Json json = parse_json(*text);
        return MemberRecord{.state = kStates.value_of(json.at("state").get<std::string>()),
                            .cluster_id = json.at("cluster_id"),
                            .host_id = json.at("host_id"),
                            .node_id = json.at("node_id"),
                            .authority = json.at("authority")};
    } catch (const std::exception& error) {
        throw Error(ErrorKind::failed, "cannot understand " + path.string() + ": " + error.what(),
                    "put the file back from a backup; it is never edited by hand");
    }
}

void MemberFiles::set_record(const MemberRecord& record) const {
    const OrderedJson json{{"state", kStates.name_of(record.state)},
                           {"cluster_id", record.cluster_id},
                           {"host_id", record.host_id},
                           {"node_id", record.node_id},
                           {"authority", record.authority}};
    write_file(data_dir_ / "cluster.json", to_text(json) + "\n");
}

Credentials MemberFiles::credentials() const {
    try {
        Credentials credentials;
        credentials.authority = read_file(in_certificates("ca.crt"));
        const std::string both = read_secret_file(in_certificates("host.key"));
        const auto certificate = both.find("-----BEGIN CERTIFICATE-----");
        if (certificate == std::string::npos)
            throw Error(ErrorKind::failed,
                        in_certificates("host.key").string() + " holds no certificate after the key");
        credentials.own = {both.substr(certificate), Secret(both.substr(0, certificate))};
        credentials.cluster_key = Secret(from_hex(read_secret_file(in_certificates("secret.key"))));
        if (credentials.cluster_key.reveal().size() != kKeySize)
            throw Error(ErrorKind::failed, in_certificates("secret.key").string() + " does not hold a key");
        make_client_context(credentials.own, credentials.authority);  // throws when they do not belong together
        return credentials;
    } catch (const Error& error) {
        throw Error(
            ErrorKind::failed, std::string("this host's credentials are damaged: ") + error.text(),
            "put " + (data_dir_ / "certificates").string() + " back from a backup, or remove the host and join again");
    }
}

void MemberFiles::set_credentials(const Credentials& credentials) const {
    make_trusted_directory(data_dir_ / "certificates", 0700);
    write_file(in_certificates("secret.key"), to_hex(credentials.cluster_key.reveal()), kPrivate);
    write_file(in_certificates("ca.crt"), credentials.authority);
    set_certificate(credentials.own);
}

void MemberFiles::set_certificate(const KeyPair& own) const {
    // A crash in between leaves a pair that does not match, which credentials() would refuse for ever: so the key file
    // holds both, and the certificate beside it is for people and tools.
    write_file(in_certificates("host.key"), own.key.reveal() + own.certificate, kPrivate);
    write_file(in_certificates("host.crt"), own.certificate);
}

/// The folders themselves stay: each may be a disk of its own.
void MemberFiles::clear_store() const {
    for (const auto& folder : {store_directory(), StoreRecord::beside(store_directory())}) {
        std::error_code not_there;
        for (const auto& entry : std::filesystem::directory_iterator(folder, not_there))
            if (entry.path().filename() != "lost+found") delete_tree(entry.path(), Limit(kDelete));
    }
}

}  // namespace pgedge
