-- Connectors: sources whose documents are kept in step with, and where each of them stands.

-- A connector and its passes over its source. What a connector is (its address, its interval) is configuration and not
-- here; a row outlives its configuration, so that documents which nobody follows any more can be told.
CREATE TABLE connectors (
    name text COLLATE "C" CONSTRAINT connectors_name PRIMARY KEY CONSTRAINT connectors_named CHECK (name <> ''),
    kind text NOT NULL CONSTRAINT connectors_kind CHECK (kind IN ('folder', 'bucket', 'sitemap', 'git')),
    -- The number of the pass that was begun last. What an older pass has seen, and this one has not, has vanished.
    pass bigint NOT NULL DEFAULT 0 CONSTRAINT connectors_pass CHECK (pass >= 0),
    begun_at timestamptz,
    -- Before `begun_at` while a pass runs, or after one that was killed.
    ended_at timestamptz,
    outcome text CONSTRAINT connectors_outcome CHECK (outcome IN ('complete', 'held_back', 'failed', 'stopped')),
    error text CONSTRAINT connectors_error CHECK (error <> ''),
    report jsonb CONSTRAINT connectors_report CHECK (jsonb_typeof(report) = 'object'),
    -- When the next pass is due; NULL for at once.
    due_at timestamptz,
    -- A pass that somebody asked for; 'confirmed' lets it delete more than a pass does by itself.
    requested text CONSTRAINT connectors_requested CHECK (requested IN ('plain', 'confirmed')),
    -- Of several processes one runs a connector.
    lease_token text,
    lease_expires_at timestamptz,
    CONSTRAINT connectors_lease CHECK ((lease_token IS NULL) = (lease_expires_at IS NULL))
);

-- What a source was seen to hold. Not columns of `documents`: an item may have no document (it was refused), and its
-- document may have been deleted here while the source still holds the item, which must not bring it back.
CREATE TABLE connector_items (
    connector text COLLATE "C" NOT NULL
        CONSTRAINT connector_items_connector REFERENCES connectors (name) ON DELETE CASCADE,
    -- What the source calls it: a path, a key, an address.
    item text COLLATE "C" NOT NULL CONSTRAINT connector_items_named CHECK (item <> ''),
    -- What it was when it was taken over, and how it is described; '' to read it again.
    fingerprint text NOT NULL,
    -- What the source wants to be told when it is asked for the item again.
    validator text,
    -- No foreign key: a document that was deleted here is forgotten, and the item is not.
    document_id uuid,
    version bigint,
    -- Why it was not taken over.
    error text CONSTRAINT connector_items_error CHECK (error <> ''),
    -- The last pass that saw it.
    pass bigint NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT connector_items_key PRIMARY KEY (connector, item),
    CONSTRAINT connector_items_version CHECK ((document_id IS NULL) = (version IS NULL))
);

-- Whose a document is: every upload asks. A document is made by one item.
CREATE UNIQUE INDEX connector_items_document ON connector_items (document_id) WHERE document_id IS NOT NULL;
-- What a pass did not see.
CREATE INDEX connector_items_pass ON connector_items (connector, pass);
