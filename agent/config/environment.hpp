#pragma once

namespace pgedge {

/// Takes the variables of libpq and PostgreSQL (PGHOST, PGSERVICE, PGOPTIONS, PGDATA …: all that begin with PG, without
/// PGEDGE_) out of this process's environment: they would change where its own sessions go and how its children work.
/// To be called before the first thread.
void forget_postgres_variables();

}  // namespace pgedge
