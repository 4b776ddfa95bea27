#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace pgedge {

/// What is wrong with a text that PostgreSQL or cron will read later; nullopt: nothing that can be seen without them.

/// One line of pg_hba.conf; blanks and comments are lines too. Source: PostgreSQL 17 manual, "The pg_hba.conf File".
std::optional<std::string> wrong_in_hba_entry(std::string_view line);
/// One line of pg_ident.conf. Source: PostgreSQL 17 manual, "User Name Maps".
std::optional<std::string> wrong_in_ident_entry(std::string_view line);
/// Whether a line of either file includes another file, which PostgreSQL can since 16.
bool includes_a_file(std::string_view line);
/// A regular expression in PostgreSQL's own dialect: whether it compiles. Source: PostgreSQL 17 manual, "Regular
/// Expression Details"; tried against PostgreSQL 15.
std::optional<std::string> wrong_in_pattern(std::string_view pattern);
/// One SQL statement: quotes, dollar quotes, comments and parentheses end, and nothing follows its semicolon. Whether
/// the words make sense is for the server. Source: PostgreSQL 17 manual, "Lexical Structure"; psql's rule for BEGIN
/// ATOMIC.
std::optional<std::string> wrong_in_statement(std::string_view sql);
/// Five fields: minute, hour, day of the month, month, day of the week. Source: crontab(5), with names of months and
/// days.
std::optional<std::string> wrong_in_cron_expression(std::string_view text);

}  // namespace pgedge
