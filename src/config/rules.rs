//! The file of rules: which outcomes call for which actions, and where webhooks go.
//!
//! A file of its own, because rules have no form as a flag or a variable. Everything is checked when the program starts:
//! a rule that could not be followed is refused, with what to do. May depend on `domain`.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;

use super::{ConfigError, Secret};
use crate::domain::{PlannedAction, Rule};

/// What the secret of a webhook starts with, before its bytes in base64.
const SECRET_PREFIX: &str = "whsec_";
/// How many bytes a secret may have: what Standard Webhooks asks for.
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;
/// The most documents that an action names.
const MAX_DOCUMENTS: u32 = 20;

/// The rules, and what they speak of.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rules {
    /// The rules, in their order.
    pub rules: Vec<Rule>,
    /// The webhooks, by their names.
    pub webhooks: BTreeMap<String, Webhook>,
}

/// Where an outcome is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// The address.
    pub url: String,
    /// What deliveries are signed with.
    pub key: SigningKey,
}

/// The bytes that deliveries are signed with. They are never shown: `Debug` prints stars.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKey(Vec<u8>);

impl SigningKey {
    /// The bytes themselves.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Reads `whsec_…`: 24 to 64 bytes in base64.
    pub fn read(secret: &Secret) -> Result<Self, &'static str> {
        let encoded = secret.expose().strip_prefix(SECRET_PREFIX);
        let bytes = encoded.and_then(|encoded| STANDARD.decode(encoded).ok());
        match bytes {
            Some(bytes) if SECRET_BYTES.contains(&bytes.len()) => Ok(Self(bytes)),
            _ => Err("a secret is `whsec_` and 24 to 64 random bytes in base64, such as \
                      `echo whsec_$(openssl rand -base64 32)` makes"),
        }
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    rules: Vec<Rule>,
    #[serde(default)]
    webhooks: BTreeMap<String, WrittenWebhook>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenWebhook {
    url: String,
    secret: Option<String>,
    secret_env: Option<String>,
}

impl Rules {
    /// Reads and checks a file of rules.
    pub fn from_file(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
        Self::parse(&text, |name| std::env::var(name).ok())
            .map_err(|message| ConfigError::Malformed { path: path.to_owned(), message })
    }

    /// Whether a rule keeps questions for the owners of the documents.
    pub fn record_unanswered(&self) -> bool {
        let records = |rule: &Rule| rule.then.contains(&PlannedAction::RecordUnanswered(true));
        self.rules.iter().any(records)
    }

    fn parse(text: &str, variable: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        // The message of the parser shows the line, and a line may hold a secret.
        let file: File = toml::from_str(text).map_err(|error| {
            let line = error.span().map_or(1, |span| text.get(..span.start).unwrap_or_default().lines().count().max(1));
            format!("line {line}: {}", error.message())
        })?;
        let mut webhooks = BTreeMap::new();
        for (name, written) in file.webhooks {
            let webhook = webhook(written, &variable).map_err(|why| format!("webhook `{name}`: {why}"))?;
            webhooks.insert(name, webhook);
        }
        let mut names = BTreeSet::new();
        for rule in &file.rules {
            check(rule, &webhooks).map_err(|why| format!("rule `{}`: {why}", rule.name))?;
            if !names.insert(&rule.name) {
                return Err(format!("two rules are called `{}`: give each a name of its own", rule.name));
            }
        }
        Ok(Self { rules: file.rules, webhooks })
    }
}

fn webhook(written: WrittenWebhook, variable: impl Fn(&str) -> Option<String>) -> Result<Webhook, String> {
    let WrittenWebhook { url, secret, secret_env } = written;
    let parsed = url::Url::parse(&url).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    match parsed {
        None => return Err("its `url` must start with http:// or https://".to_owned()),
        // The address is shown in logs and errors.
        Some(url) if !url.username().is_empty() || url.password().is_some() => {
            return Err("its `url` must not hold a password: the receiver checks the signature".to_owned());
        }
        Some(_) => {}
    }
    let secret = match (secret, secret_env) {
        (Some(secret), None) => Secret::new(secret),
        (None, Some(name)) => {
            Secret::new(variable(&name).ok_or_else(|| format!("the variable {name} that holds its secret is not set"))?)
        }
        _ => return Err("give either `secret` or `secret_env`, the variable that holds it".to_owned()),
    };
    Ok(Webhook { url, key: SigningKey::read(&secret)? })
}

fn check(rule: &Rule, webhooks: &BTreeMap<String, Webhook>) -> Result<(), String> {
    if rule.name.trim().is_empty() {
        return Err("give it a name".to_owned());
    }
    if rule.then.is_empty() {
        return Err("`then` is empty: say what is to be done".to_owned());
    }
    for (key, value) in [("below", rule.when.confidence_below), ("above", rule.when.confidence_above)] {
        if value.is_some_and(|value| !(0.0..=1.0).contains(&value)) {
            return Err(format!("confidence_{key} must be 0 to 1"));
        }
    }
    if let (Some(above), Some(below)) = (rule.when.confidence_above, rule.when.confidence_below)
        && above >= below
    {
        return Err("no confidence is above confidence_above and below confidence_below".to_owned());
    }
    for (key, value) in &rule.when.tags {
        let strings =
            value.as_array().is_some_and(|values| !values.is_empty() && values.iter().all(|one| one.is_string()));
        if !strings && !value.is_string() && !value.is_number() && !value.is_boolean() {
            return Err(format!("the tag `{key}` must be a string, a number, a boolean or an array of strings"));
        }
    }
    for action in &rule.then {
        match action {
            PlannedAction::Webhook(name) if !webhooks.contains_key(name) => {
                return Err(format!("there is no webhook `{name}`: describe it under [webhooks.{name}]"));
            }
            PlannedAction::Escalate(target) if target.trim().is_empty() => {
                return Err("`escalate` must name a person or a team".to_owned());
            }
            PlannedAction::RecordUnanswered(false) => {
                return Err("record_unanswered can only be true: leave it out instead".to_owned());
            }
            PlannedAction::SuggestDocuments(count) | PlannedAction::RelatedDocuments(count)
                if !(1..=MAX_DOCUMENTS).contains(count) =>
            {
                return Err(format!("the number of documents must be 1 to {MAX_DOCUMENTS}, not {count}"));
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::domain::{OutcomeKind, RequestKind};

    const SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

    fn parse(text: &str) -> Result<Rules, String> {
        Rules::parse(text, |name| (name == "HOOK_SECRET").then(|| SECRET.to_owned()))
    }

    fn with_rule(rest: &str) -> String {
        format!(
            "[webhooks.support]\nurl = \"https://example.org/hook\"\nsecret = \"{SECRET}\"\n[[rules]]\nname = \"one\"\n{rest}\n"
        )
    }

    #[test]
    fn rules_and_webhooks_are_read() {
        let text = with_rule(
            "when = { outcomes = [\"abstained\", \"partial\"], confidence_below = 0.5, collections = [\"manual\"], \
             kinds = [\"question\"], tags = { team = [\"red\", \"blue\"], year = 2024 } }\n\
             then = [{ webhook = \"support\" }, { escalate = \"the desk\" }, { record_unanswered = true }, \
             { suggest_documents = 3 }, { related_documents = 2 }]",
        );
        let rules = parse(&text).unwrap();
        let rule = &rules.rules[0];
        assert_eq!(rule.when.outcomes, [OutcomeKind::Abstained, OutcomeKind::Partial]);
        assert_eq!((rule.when.confidence_below, rule.when.kinds.as_slice()), (Some(0.5), &[RequestKind::Question][..]));
        assert_eq!(rule.when.tags["year"], 2024);
        assert_eq!(rule.then[0], PlannedAction::Webhook("support".to_owned()));
        assert_eq!(rule.then[4], PlannedAction::RelatedDocuments(2));
        assert_eq!(rules.webhooks["support"].key.expose(), (0u8..32).collect::<Vec<_>>());
        assert!(rules.record_unanswered());
        assert!(!format!("{rules:?}").contains("AAEC"));
        assert_eq!(parse("").unwrap(), Rules::default());
        assert!(!Rules::default().record_unanswered());
    }

    #[test]
    fn a_secret_may_stand_in_a_variable() {
        let text = "[webhooks.a]\nurl = \"http://127.0.0.1:1/x\"\nsecret_env = \"HOOK_SECRET\"";
        assert_eq!(parse(text).unwrap().webhooks["a"].key.expose().len(), 32);
        let error = parse(&text.replace("HOOK_SECRET", "OTHER")).unwrap_err();
        assert!(error.contains("OTHER"), "{error}");
    }

    #[test]
    fn what_could_not_be_followed_is_refused_and_no_secret_is_told() {
        let then = |then: &str| with_rule(&format!("then = {then}"));
        let hook = |rest: &str| format!("[webhooks.a]\n{rest}");
        let cases = [
            (then("[{ webhook = \"sales\" }]"), "no webhook `sales`"),
            (then("[]"), "`then` is empty"),
            (then("[{ record_unanswered = false }]"), "only be true"),
            (then("[{ suggest_documents = 0 }]"), "1 to 20"),
            (then("[{ shout = \"loud\" }]"), "shout"),
            (then("[{ escalate = \" \" }]"), "a person"),
            (with_rule("when = { outcome = [\"abstained\"] }\nthen = [{ escalate = \"x\" }]"), "outcome"),
            (with_rule("when = { outcomes = [\"failed\"] }\nthen = [{ escalate = \"x\" }]"), "failed"),
            (with_rule("when = { confidence_below = 1.5 }\nthen = [{ escalate = \"x\" }]"), "0 to 1"),
            (
                with_rule("when = { confidence_below = 0.2, confidence_above = 0.4 }\nthen = [{ escalate = \"x\" }]"),
                "no confidence",
            ),
            (with_rule("when = { tags = { a = { b = 1 } } }\nthen = [{ escalate = \"x\" }]"), "`a`"),
            (then("[{ escalate = \"x\" }]\n[[rules]]\nname = \"one\"\nthen = [{ escalate = \"x\" }]"), "two rules"),
            (hook(&format!("url = \"ftp://x\"\nsecret = \"{SECRET}\"")), "http://"),
            (hook(&format!("url = \"https://me:pw@x/\"\nsecret = \"{SECRET}\"")), "password"),
            (hook("url = \"https://x/\""), "secret_env"),
            (hook("url = \"https://x/\"\nsecret = \"whsec_c2hvcnQ=\""), "24 to 64"),
            (hook("url = \"https://x/\"\nsecret = \"hidden-words\""), "24 to 64"),
            (hook("url = \"https://x/\"\nsecret = [\"hidden-words\"]"), "line 3"),
        ];
        for (text, expected) in cases {
            let error = parse(&text).unwrap_err();
            assert!(error.contains(expected), "{error} does not say {expected}");
            assert!(!error.contains("hidden-words") && !error.contains("c2hvcnQ"), "{error}");
        }
    }
}
