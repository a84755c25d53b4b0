-- Since when a connector has not looked at all of its source.

-- When a pass last ended as 'complete', before the one that ended last. `ended_at` is of that one, however it ended, so
-- that passes which fail would hide it.
ALTER TABLE connectors ADD COLUMN succeeded_before INTEGER;
