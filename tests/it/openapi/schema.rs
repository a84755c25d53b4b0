//! As much of JSON Schema as the document uses: enough to say whether an answer is what was promised.
//!
//! Stricter than the standard in one point: a member that the schema does not name is a mistake.

use serde_json::{Map, Value};

/// Checks that every reference in the document leads somewhere.
pub fn check_references(document: &Value) {
    fn walk(document: &Value, value: &Value) {
        match value {
            Value::Object(members) => {
                if let Some(Value::String(reference)) = members.get("$ref") {
                    assert!(resolve(document, reference).is_object(), "{reference} leads nowhere");
                }
                members.values().for_each(|member| walk(document, member));
            }
            Value::Array(items) => items.iter().for_each(|item| walk(document, item)),
            _ => {}
        }
    }
    walk(document, document);
}

fn resolve<'a>(document: &'a Value, reference: &str) -> &'a Value {
    let pointer = reference.strip_prefix('#').expect("references stay in the document");
    document.pointer(pointer).unwrap_or(&Value::Null)
}

/// `Ok` when `value` is what `schema` describes.
pub fn check(document: &Value, schema: &Value, value: &Value) -> Result<(), String> {
    if let Some(reference) = schema["$ref"].as_str() {
        return check(document, resolve(document, reference), value);
    }
    for either in ["oneOf", "anyOf"] {
        if let Some(schemas) = schema[either].as_array() {
            let reasons: Vec<String> =
                schemas.iter().filter_map(|schema| check(document, schema, value).err()).collect();
            if reasons.len() == schemas.len() {
                return Err(format!("none fits: {}", reasons.join("; ")));
            }
        }
    }
    check_type(schema, value)?;
    if let Some(allowed) = schema["enum"].as_array()
        && !allowed.contains(value)
    {
        return Err(format!("{value} is none of {allowed:?}"));
    }
    if let (Some(pattern), Some(text)) = (schema["pattern"].as_str(), value.as_str())
        && !is_id(pattern, text)
    {
        return Err(format!("{text} does not match {pattern}"));
    }
    match value {
        Value::Array(items) if schema["items"].is_object() => {
            items.iter().try_for_each(|item| check(document, &schema["items"], item))
        }
        Value::Object(members) => check_members(document, schema, members),
        _ => Ok(()),
    }
}

/// The only patterns are those of ids: a prefix, and a UUID.
fn is_id(pattern: &str, text: &str) -> bool {
    let prefix = pattern.strip_prefix('^').and_then(|rest| rest.strip_suffix("[0-9a-f]{32}$"));
    let prefix = prefix.unwrap_or_else(|| panic!("{pattern} is a pattern of another kind"));
    let hexadecimal = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    text.strip_prefix(prefix).is_some_and(|uuid| uuid.len() == 32 && uuid.chars().all(hexadecimal))
}

fn check_type(schema: &Value, value: &Value) -> Result<(), String> {
    let is = |name: &Value| match name.as_str().unwrap() {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("no JSON type is called {other}"),
    };
    let fits = match &schema["type"] {
        Value::Null => true,
        Value::Array(types) => types.iter().any(is),
        name => is(name),
    };
    if fits { Ok(()) } else { Err(format!("{value} is no {}", schema["type"])) }
}

fn check_members(document: &Value, schema: &Value, members: &Map<String, Value>) -> Result<(), String> {
    let (mut known, mut required) = (Map::new(), Vec::new());
    collect(document, schema, &mut known, &mut required);
    if let Some(missing) = required.iter().find(|name| !members.contains_key(**name)) {
        return Err(format!("`{missing}` is missing"));
    }
    // An object of no declared members is one of the user's own, such as metadata.
    if known.is_empty() {
        return Ok(());
    }
    for (name, member) in members {
        let schema = known.get(name).ok_or_else(|| format!("`{name}` is not described"))?;
        check(document, schema, member).map_err(|why| format!("`{name}`: {why}"))?;
    }
    Ok(())
}

/// The members of a schema, together with those of the schemas that it takes in.
fn collect<'a>(document: &'a Value, schema: &'a Value, known: &mut Map<String, Value>, required: &mut Vec<&'a str>) {
    if let Some(reference) = schema["$ref"].as_str() {
        return collect(document, resolve(document, reference), known, required);
    }
    if let Some(properties) = schema["properties"].as_object() {
        known.extend(properties.clone());
    }
    required.extend(schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str));
    for part in schema["allOf"].as_array().into_iter().flatten() {
        collect(document, part, known, required);
    }
}

#[test]
fn what_does_not_fit_is_told() {
    use serde_json::json;
    let document = json!({"a": {"type": "object", "required": ["n"], "properties": {
        "n": {"type": ["integer", "null"]}, "s": {"oneOf": [{"enum": ["x"]}, {"type": "boolean"}]},
        "l": {"type": "array", "items": {"type": "string", "pattern": "^q_[0-9a-f]{32}$"}},
    }}});
    let check = |value: Value| check(&document, &json!({"allOf": [{"$ref": "#/a"}]}), &value);
    let id = format!("q_{}", "0123456789abcdef".repeat(2));
    check(json!({"n": null, "s": "x", "l": [id]})).unwrap();
    check(json!({"n": 1, "s": true})).unwrap();
    for (wrong, says) in [
        (json!({}), "`n` is missing"),
        (json!({"n": 1.5}), "`n`: 1.5 is no"),
        (json!({"n": 1, "s": "y"}), "none fits"),
        (json!({"n": 1, "l": [id, "q_0"]}), "does not match"),
        (json!({"n": 1, "z": 0}), "`z` is not described"),
    ] {
        let why = check(wrong).unwrap_err();
        assert!(why.contains(says), "{why}");
    }
}
