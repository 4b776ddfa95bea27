#pragma once

#include <cstdio>
#include <cstring>

#include <sys/types.h>

constexpr int kMaxEnvironment = 32;
constexpr const char* kUsage =
    "usage: pgedge-guard --name PATH [--as single|primary|standby] [--lease SOFT:HARD] [--daemon] [--user UID:GID] "
    "[--log FILE] [--env NAME=VALUE]... -- PROGRAM ARG...\n";

/// The words that the guard is started with (see main.cpp).
struct Options {
    const char* name = nullptr;
    const char* log = nullptr;
    bool daemon = false, other_user = false;
    const char* role = "single";   ///< one of role_of()
    long long soft = 0, hard = 0;  ///< nanoseconds of CLOCK_BOOTTIME; 0: none
    uid_t uid = 0;
    gid_t gid = 0;
    char* environment[kMaxEnvironment + 1] = {};
    int environment_size = 0;
    char** command = nullptr;
};

/// The word as one that stays, or null when it is no role.
inline const char* role_of(const char* word) {
    constexpr const char* kRoles[] = {"single", "primary", "standby"};
    for (const char* role : kRoles)
        if (strcmp(word, role) == 0) return role;
    return nullptr;
}

/// False when they are not as kUsage says.
inline bool parse(int argc, char** argv, Options& options) {
    int i = 1;
    for (; i < argc && strcmp(argv[i], "--") != 0; ++i) {
        const bool value = i + 1 < argc;
        if (strcmp(argv[i], "--daemon") == 0)
            options.daemon = true;
        else if (strcmp(argv[i], "--as") == 0 && value) {
            options.role = role_of(argv[++i]);
            if (!options.role) return false;
        } else if (strcmp(argv[i], "--lease") == 0 && value) {
            char rest = 0;
            if (sscanf(argv[++i], "%lld:%lld%c", &options.soft, &options.hard, &rest) != 2) return false;
            if (options.soft <= 0 || options.soft > options.hard) return false;
        } else if (strcmp(argv[i], "--name") == 0 && value)
            options.name = argv[++i];
        else if (strcmp(argv[i], "--log") == 0 && value)
            options.log = argv[++i];
        else if (strcmp(argv[i], "--user") == 0 && value) {
            options.other_user = true;
            if (sscanf(argv[++i], "%u:%u", &options.uid, &options.gid) != 2) return false;
        } else if (strcmp(argv[i], "--env") == 0 && value && options.environment_size < kMaxEnvironment)
            options.environment[options.environment_size++] = argv[++i];
        else
            return false;
    }
    options.command = argv + i + 1;
    return options.name && i + 1 < argc;
}
