-- Connectors: sources whose documents are kept in step with, and where each of them stands.

-- A connector and its passes over its source. What a connector is (its address, its interval) is configuration and not
-- here; a row outlives its configuration, so that documents which nobody follows any more can be told.
CREATE TABLE connectors (
    name TEXT NOT NULL PRIMARY KEY CHECK (name <> ''),
    kind TEXT NOT NULL CHECK (kind IN ('folder', 'bucket', 'sitemap', 'git')),
    -- The number of the pass that was begun last. What an older pass has seen, and this one has not, has vanished.
    pass INTEGER NOT NULL DEFAULT 0 CHECK (pass >= 0),
    begun_at INTEGER,
    -- Before `begun_at` while a pass runs, or after one that was killed.
    ended_at INTEGER,
    outcome TEXT CHECK (outcome IN ('complete', 'held_back', 'failed', 'stopped')),
    error TEXT CHECK (error <> ''),
    report TEXT CHECK (json_type(report) = 'object'),
    -- When the next pass is due; NULL for at once.
    due_at INTEGER,
    -- A pass that somebody asked for; 'confirmed' lets it delete more than a pass does by itself.
    requested TEXT CHECK (requested IN ('plain', 'confirmed')),
    -- Of several processes one runs a connector.
    lease_token TEXT,
    lease_expires_at INTEGER,
    CHECK ((lease_token IS NULL) = (lease_expires_at IS NULL))
) STRICT;

-- What a source was seen to hold. Not columns of `documents`: an item may have no document (it was refused), and its
-- document may have been deleted here while the source still holds the item, which must not bring it back.
CREATE TABLE connector_items (
    connector TEXT NOT NULL REFERENCES connectors (name) ON DELETE CASCADE,
    -- What the source calls it: a path, a key, an address.
    item TEXT NOT NULL CHECK (item <> ''),
    -- What it was when it was taken over, and how it is described; '' to read it again.
    fingerprint TEXT NOT NULL,
    -- What the source wants to be told when it is asked for the item again.
    validator TEXT,
    -- No foreign key: a document that was deleted here is forgotten, and the item is not.
    document_id BLOB CHECK (length(document_id) = 16),
    version INTEGER,
    -- Why it was not taken over.
    error TEXT CHECK (error <> ''),
    -- The last pass that saw it.
    pass INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    PRIMARY KEY (connector, item),
    CHECK ((document_id IS NULL) = (version IS NULL))
) STRICT;

-- Whose a document is: every upload asks. A document is made by one item.
CREATE UNIQUE INDEX connector_items_document ON connector_items (document_id) WHERE document_id IS NOT NULL;
-- What a pass did not see.
CREATE INDEX connector_items_pass ON connector_items (connector, pass);
