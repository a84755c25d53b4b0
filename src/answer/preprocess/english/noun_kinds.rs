//! What nouns are for: persons, institutions, places, events, properties, names.
//!
//! May depend on its neighbours.

/// Nouns for what a person is to others: asked for with `who`.
pub const PERSONS: &[&str] = &[
    "founder",
    "author",
    "inventor",
    "president",
    "king",
    "queen",
    "emperor",
    "duke",
    "prince",
    "princess",
    "leader",
    "director",
    "ceo",
    "cto",
    "cfo",
    "chair",
    "chairman",
    "chairwoman",
    "chairperson",
    "head",
    "manager",
    "owner",
    "minister",
    "chancellor",
    "governor",
    "mayor",
    "architect",
    "designer",
    "composer",
    "writer",
    "poet",
    "painter",
    "wife",
    "husband",
    "son",
    "daughter",
    "mother",
    "father",
    "brother",
    "sister",
    "successor",
    "predecessor",
    "discoverer",
    "creator",
    "maker",
    "builder",
    "developer",
    "maintainer",
    "editor",
    "publisher",
    "winner",
    "champion",
    "commander",
    "general",
    "captain",
    "person",
    "people",
    "members",
    "member",
    "signatories",
    "signatory",
    "patron",
    "sponsor",
    "bishop",
    "pope",
    "professor",
    "teacher",
    "student",
    "lawyer",
    "judge",
    "commissioner",
    "secretary",
    "treasurer",
    "speaker",
    "spokesperson",
    "heir",
    "ruler",
    "ombudsman",
    "translator",
    "singer",
    "actor",
    "actress",
    "footballer",
    "physicist",
    "philosopher",
    "theologian",
    "scientist",
    "officer",
    "chief",
    "conductor",
    "producer",
    "recipient",
    "holder",
    "benefactor",
    "landlord",
    "tenant",
    "woman",
    "man",
];

/// Nouns in names of things that are no persons.
pub const INSTITUTIONS: &[&str] = &[
    "university",
    "college",
    "school",
    "church",
    "court",
    "council",
    "commission",
    "committee",
    "parliament",
    "library",
    "museum",
    "institute",
    "association",
    "society",
    "company",
    "corporation",
    "agency",
    "bank",
    "party",
    "union",
    "league",
    "treaty",
    "edict",
    "act",
    "charter",
    "law",
    "directive",
    "regulation",
    "agreement",
    "convention",
    "constitution",
    "war",
    "wars",
    "battle",
    "siege",
    "massacre",
    "revolution",
    "crisis",
    "embargo",
    "city",
    "republic",
    "kingdom",
    "duchy",
    "empire",
    "colony",
    "province",
    "county",
    "state",
    "states",
    "river",
    "sea",
    "lake",
    "cape",
    "island",
    "street",
    "square",
    "district",
    "bridge",
    "building",
    "stadium",
    "house",
    "yard",
    "centre",
    "center",
    "model",
    "principle",
];

/// Nouns for places: asked for with `where`, and what `there` may stand for.
pub const PLACES: &[&str] = &[
    "city",
    "town",
    "village",
    "country",
    "region",
    "province",
    "county",
    "state",
    "colony",
    "island",
    "river",
    "street",
    "building",
    "place",
    "area",
    "district",
    "folder",
    "directory",
    "duchy",
    "republic",
    "kingdom",
    "empire",
    "port",
    "continent",
    "neighbourhood",
    "neighborhood",
    "house",
    "church",
    "museum",
    "campus",
    "station",
    "outpost",
    "fort",
    "settlement",
];

/// Nouns for what happens once: `when was that?` may ask for their time.
pub const EVENTS: &[&str] = &[
    "battle",
    "war",
    "siege",
    "massacre",
    "revolution",
    "uprising",
    "revolt",
    "rebellion",
    "invasion",
    "conquest",
    "crusade",
    "election",
    "referendum",
    "embargo",
    "crisis",
    "expedition",
    "campaign",
    "coup",
    "release",
    "fire",
    "earthquake",
    "plague",
    "famine",
    "death",
    "birth",
];

/// Whether a noun stands for a person or several.
pub fn is_person(word: &str) -> bool {
    let singular = word.strip_suffix('s').unwrap_or(word);
    PERSONS.contains(&word) || PERSONS.contains(&singular)
}

/// Whether a lower-case word in a name makes it the name of something that is no person.
pub fn is_institution(word: &str) -> bool {
    INSTITUTIONS.contains(&word)
}

/// Nouns for what something has and is not: of `the population of Warsaw`, Warsaw is what is spoken of.
pub const PROPERTIES: &[&str] = &[
    "age",
    "amount",
    "area",
    "beginning",
    "cause",
    "cost",
    "date",
    "default",
    "depth",
    "duration",
    "effect",
    "end",
    "frequency",
    "goal",
    "height",
    "history",
    "idea",
    "importance",
    "length",
    "limit",
    "location",
    "maximum",
    "meaning",
    "minimum",
    "name",
    "number",
    "origin",
    "outcome",
    "part",
    "percentage",
    "population",
    "position",
    "price",
    "principle",
    "purpose",
    "rate",
    "reason",
    "result",
    "role",
    "share",
    "size",
    "speed",
    "start",
    "status",
    "use",
    "value",
    "weight",
    "width",
    "year",
];

/// Whether a noun is a property of something.
pub fn is_property(word: &str) -> bool {
    PROPERTIES.contains(&word)
}

/// Nouns that a name in small letters stands behind: `the scope ingest`.
pub const CLASSES: &[&str] = &[
    "scope",
    "key",
    "status",
    "service",
    "field",
    "option",
    "command",
    "path",
    "setting",
    "flag",
    "kind",
    "format",
    "file",
    "volume",
    "table",
    "model",
    "role",
    "type",
    "mode",
    "level",
    "layer",
    "version",
    "page",
    "port",
    "stage",
    "module",
    "parameter",
    "column",
    "state",
    "code",
    "collection",
    "group",
    "folder",
    "header",
    "method",
    "policy",
];

/// Whether a noun says what a name is the name of: `the company`.
pub fn is_kind(word: &str) -> bool {
    matches!(
        word,
        "company"
            | "firm"
            | "organisation"
            | "organization"
            | "group"
            | "party"
            | "institution"
            | "agency"
            | "bank"
            | "association"
            | "network"
            | "book"
            | "ship"
            | "team"
            | "army"
            | "dynasty"
            | "city"
            | "town"
            | "country"
    )
}

/// Whether a noun asks for what it is a relation to: `the disadvantage`, of something.
pub fn is_relation(word: &str) -> bool {
    matches!(
        word,
        "advantage"
            | "disadvantage"
            | "drawback"
            | "benefit"
            | "reason"
            | "purpose"
            | "goal"
            | "point"
            | "result"
            | "outcome"
            | "effect"
            | "cause"
            | "rest"
            | "remainder"
            | "maximum"
            | "minimum"
            | "default"
            | "meaning"
            | "price"
            | "cost"
            | "size"
            | "limit"
    )
}

/// Whether a name in small letters can stand behind a noun.
pub fn is_class(word: &str) -> bool {
    CLASSES.contains(&word)
}

/// Whether a noun is for words: what was answered is the name itself.
pub fn is_word(word: &str) -> bool {
    matches!(word, "name" | "word" | "term" | "title" | "motto" | "abbreviation" | "acronym")
}

/// Whether a noun is an event.
pub fn is_event(word: &str) -> bool {
    EVENTS.contains(&word)
}

/// Whether a noun is a place.
pub fn is_place(word: &str) -> bool {
    PLACES.contains(&word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn persons_are_known_in_the_plural_too() {
        assert!(is_person("founders") && !is_person("ports"));
    }
}
