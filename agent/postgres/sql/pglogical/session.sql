-- What of a session changes the meaning of a statement's text, and so travels with it.

-- Not default_tablespace: a tablespace is a place on one server. Not check_function_bodies: see run_ddl().
CREATE OR REPLACE FUNCTION pgedge_internal.session_settings() RETURNS jsonb LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $f$
    SELECT jsonb_object_agg(name, current_setting(name, true)) FROM unnest('{TimeZone,timezone_abbreviations,DateStyle,IntervalStyle,
        standard_conforming_strings,backslash_quote,transform_null_equals,array_nulls,xmloption,xmlbinary,bytea_output,
        extra_float_digits,lc_monetary,lc_numeric,lc_time,default_table_access_method,default_toast_compression,
        default_text_search_config,quote_all_identifiers}'::text[]) AS name
$f$;

-- Runs with the rights and the search_path of whoever typed the DDL, right before on_ddl(), which has neither. Nothing of a user
-- runs between the two: what is noted here cannot be forged.
CREATE OR REPLACE FUNCTION pgedge_internal.on_typed() RETURNS event_trigger LANGUAGE plpgsql AS $f$
BEGIN
    PERFORM pg_catalog.set_config('pgedge.typed', pg_catalog.jsonb_build_object('user', current_user, 'path',
        pg_catalog.current_setting('search_path'), 'settings', pgedge_internal.session_settings())::pg_catalog.text, true);
END $f$;

CREATE EVENT TRIGGER pgedge_1_before_queue ON ddl_command_end EXECUTE FUNCTION pgedge_internal.on_typed();
