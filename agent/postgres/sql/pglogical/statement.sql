-- The one statement of a message, without comments; an error when there are more. A text is replayed whole on other nodes, and
-- with "CREATE …; INSERT …" in it a row would be there twice.
CREATE OR REPLACE FUNCTION pgedge_internal.one_statement(source text) RETURNS text LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    rest text := source;
    result text := '';
    piece text;
    word text;
    previous text := '';
    parentheses int := 0;
    blocks int := 0;
    deep int;
    ended boolean := false;
    at int;
BEGIN
    WHILE rest <> '' LOOP
        word := '';
        piece := substring(rest from '^\s+');
        IF piece IS NOT NULL THEN
            result := result || piece;
            rest := substr(rest, length(piece) + 1);
            CONTINUE;
        END IF;
        IF rest LIKE '--%' THEN
            rest := substr(rest, length(substring(rest from '^--[^\n]*')) + 1);
            CONTINUE;
        END IF;
        IF rest LIKE '/*%' THEN
            deep := 1;
            rest := substr(rest, 3);
            WHILE deep > 0 AND rest <> '' LOOP
                piece := substring(rest from '^(?:[^*/]|\*(?!/)|/(?!\*))+');
                IF piece IS NOT NULL THEN
                    rest := substr(rest, length(piece) + 1);
                ELSE
                    deep := deep + CASE WHEN rest LIKE '/*%' THEN 1 ELSE -1 END;
                    rest := substr(rest, 3);
                END IF;
            END LOOP;
            result := result || ' ';
            CONTINUE;
        END IF;
        piece := substring(rest from '^\$(?:[[:alpha:]_\u0080-\uffff][[:alnum:]_\u0080-\uffff]*)?\$');
        IF piece IS NOT NULL THEN
            at := strpos(substr(rest, length(piece) + 1), piece);
            IF at > 0 THEN piece := substr(rest, 1, at - 1 + 2 * length(piece)); END IF;
        ELSE
            piece := coalesce(substring(rest from '^[eE]''(?:[^''\\]|\\.|'''')*'''),
                              substring(rest from '^''(?:[^'']|'''')*'''),
                              substring(rest from '^"(?:[^"]|"")*"'));
            IF piece IS NULL THEN
                piece := substring(rest from '^[[:alpha:]_\u0080-\uffff][[:alnum:]_$\u0080-\uffff]*');
                word := upper(coalesce(piece, ''));
            END IF;
        END IF;
        IF piece IS NULL THEN piece := left(rest, 1); END IF;
        rest := substr(rest, length(piece) + 1);
        IF piece = ';' AND parentheses = 0 AND blocks = 0 THEN
            ended := true;
            CONTINUE;
        END IF;
        IF ended THEN
            RAISE EXCEPTION 'a message with several statements, one of them DDL, cannot be replicated'
                USING ERRCODE = 'feature_not_supported', HINT = 'Send each statement by itself.';
        END IF;
        parentheses := parentheses + CASE piece WHEN '(' THEN 1 WHEN ')' THEN -1 ELSE 0 END;
        IF word = 'ATOMIC' AND previous = 'BEGIN' AND blocks = 0 THEN blocks := 1;
        ELSIF blocks > 0 AND word = 'CASE' THEN blocks := blocks + 1;
        ELSIF blocks > 0 AND word = 'END' THEN blocks := blocks - 1;
        END IF;
        previous := word;
        result := result || piece;
    END LOOP;
    RETURN btrim(result, E' \t\r\n');
END $f$;
