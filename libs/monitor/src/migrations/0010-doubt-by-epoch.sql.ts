/** No answer is an order once a node of the group has told of a later epoch than the monitor's. Immutable once released. */
export const sql = /* sql */ `
-- A backup that is put back on the same timeline shows by that alone. Whoever led the epoch that it knows of refuses no order of
-- that epoch, and would be opened beside the leader of the later one. The answer looks for itself, since the service writes
-- its doubt down a moment later; that is for who has the assignment already, and is told only of changes.
DO $$
DECLARE
  edit record;
  before text;
BEGIN
  FOR edit IN
    SELECT * FROM (VALUES
      ('take_report', $old$coalesce(g.believed_in_term < s.doubted_in_term$old$,
        $new$coalesce(EXISTS (
          SELECT FROM pgautofailover.node n WHERE n.formationid = g.formationid AND n.groupid = g.groupid
             AND (n.facts ->> 'epoch')::bigint > g.epoch)
        OR g.believed_in_term < s.doubted_in_term$new$),
      -- Below that of a monitor which has never doubted by itself.
      ('write_group', $old$CASE WHEN c.restored THEN 0 ELSE$old$, $new$CASE WHEN c.restored THEN -1 ELSE$new$)
    ) AS edits (name, old, new)
  LOOP
    SELECT pg_get_functiondef(p.oid) INTO STRICT before FROM pg_proc p
     WHERE p.pronamespace = 'pgautofailover_private'::regnamespace AND p.proname = edit.name;
    IF array_length(string_to_array(before, edit.old), 1) <> 2 THEN
      RAISE EXCEPTION 'the function % is another one than this migration is for', edit.name;
    END IF;
    EXECUTE replace(before, edit.old, edit.new);
  END LOOP;
END
$$;
`;
