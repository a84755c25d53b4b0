//! Which actions an outcome calls for: a pure function of the rules and of what is known of the outcome.
//!
//! Nothing is done here; that is `carry_out`. May depend on `domain`.

use crate::domain::{Condition, Metadata, OutcomeKind, PlannedAction, RequestKind, Rule};

/// What rules look at.
#[derive(Debug, Clone, PartialEq)]
pub struct OutcomeFacts {
    /// How the question ended.
    pub outcome: OutcomeKind,
    /// How well the evidence carries the answer, 0 to 1.
    pub confidence: f32,
    /// Where the answer was looked for.
    pub collection: String,
    /// What kind of request it was.
    pub kind: RequestKind,
    /// What is said about each of the cited documents.
    pub cited: Vec<Metadata>,
}

/// An action that is to be carried out, and the rule that asked for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned<'a> {
    /// The rule's name.
    pub rule: &'a str,
    /// The action.
    pub action: &'a PlannedAction,
}

/// The actions that the rules ask for, in the order of the rules, each once: of two that differ in their number of
/// documents only, the first one counts. The same facts give the same actions.
pub fn actions_for<'a>(rules: &'a [Rule], facts: &OutcomeFacts) -> Vec<Planned<'a>> {
    let mut planned: Vec<Planned<'a>> = Vec::new();
    for rule in rules.iter().filter(|rule| holds(&rule.when, facts)) {
        for action in &rule.then {
            if !planned.iter().any(|known| is_same(known.action, action)) {
                planned.push(Planned { rule: &rule.name, action });
            }
        }
    }
    planned
}

/// Whether a rule looks at what is said about the cited documents.
pub fn needs_tags(rules: &[Rule]) -> bool {
    rules.iter().any(|rule| !rule.when.tags.is_empty())
}

fn is_same(one: &PlannedAction, other: &PlannedAction) -> bool {
    use PlannedAction::{Escalate, RecordUnanswered, RelatedDocuments, SuggestDocuments, Webhook};
    match (one, other) {
        (Webhook(one), Webhook(other)) | (Escalate(one), Escalate(other)) => one == other,
        (RecordUnanswered(_), RecordUnanswered(_))
        | (SuggestDocuments(_), SuggestDocuments(_))
        | (RelatedDocuments(_), RelatedDocuments(_)) => true,
        _ => false,
    }
}

fn holds(when: &Condition, facts: &OutcomeFacts) -> bool {
    let Condition { outcomes, confidence_below, confidence_above, collections, kinds, tags } = when;
    (outcomes.is_empty() || outcomes.contains(&facts.outcome))
        && confidence_below.is_none_or(|limit| facts.confidence < limit)
        && confidence_above.is_none_or(|limit| facts.confidence >= limit)
        && (collections.is_empty() || collections.contains(&facts.collection))
        && (kinds.is_empty() || kinds.contains(&facts.kind))
        && (tags.is_empty() || facts.cited.iter().any(|document| has_all(document, tags)))
}

fn has_all(document: &Metadata, tags: &Metadata) -> bool {
    tags.iter().all(|(key, wanted)| {
        let Some(value) = document.get(key) else { return false };
        let one_of = |wanted: &serde_json::Value| {
            is_equal(value, wanted)
                || value.as_array().is_some_and(|values| values.iter().any(|one| is_equal(one, wanted)))
        };
        wanted.as_array().map_or_else(|| one_of(wanted), |wanted| wanted.iter().any(one_of))
    })
}

/// 1 and 1.0 are the same number.
fn is_equal(one: &serde_json::Value, other: &serde_json::Value) -> bool {
    one == other || one.as_f64().is_some_and(|one| other.as_f64() == Some(one))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn rule(name: &str, when: Condition, then: Vec<PlannedAction>) -> Rule {
        Rule { name: name.to_owned(), when, then }
    }

    fn facts() -> OutcomeFacts {
        OutcomeFacts {
            outcome: OutcomeKind::Partial,
            confidence: 0.5,
            collection: "manual".to_owned(),
            kind: RequestKind::FollowUp,
            cited: vec![metadata(json!({"team": "red", "year": 2024, "topics": ["a", "b"]})), Metadata::new()],
        }
    }

    fn metadata(value: serde_json::Value) -> Metadata {
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn every_member_of_a_condition_must_hold() {
        type Case = (Condition, bool);
        let with = |change: fn(&mut Condition)| {
            let mut condition = Condition::default();
            change(&mut condition);
            condition
        };
        let tags = |value| Condition { tags: metadata(value), ..Condition::default() };
        let cases: Vec<Case> = vec![
            (Condition::default(), true),
            (with(|c| c.outcomes = vec![OutcomeKind::Abstained, OutcomeKind::Partial]), true),
            (with(|c| c.outcomes = vec![OutcomeKind::Abstained]), false),
            (with(|c| c.confidence_below = Some(0.6)), true),
            (with(|c| c.confidence_below = Some(0.5)), false),
            (with(|c| c.confidence_above = Some(0.5)), true),
            (with(|c| c.confidence_above = Some(0.6)), false),
            (with(|c| c.collections = vec!["manual".to_owned()]), true),
            (with(|c| c.collections = vec!["other".to_owned()]), false),
            (with(|c| c.kinds = vec![RequestKind::FollowUp]), true),
            (with(|c| c.kinds = vec![RequestKind::Question]), false),
            (tags(json!({"team": "red", "year": 2024.0})), true),
            (tags(json!({"team": ["blue", "red"]})), true),
            (tags(json!({"topics": "b"})), true),
            (tags(json!({"team": "red", "year": 2023})), false),
            (tags(json!({"nothing": "x"})), false),
            // Both hold, but not in one.
            (Condition { outcomes: vec![OutcomeKind::Answered], ..tags(json!({"team": "red"})) }, false),
        ];
        for (condition, expected) in cases {
            assert_eq!(holds(&condition, &facts()), expected, "{condition:?}");
        }
        let nothing_cited = OutcomeFacts { cited: vec![], ..facts() };
        assert!(!holds(&tags(json!({"team": "red"})), &nothing_cited));
    }

    #[test]
    fn actions_come_in_the_order_of_the_rules_and_each_once() {
        use PlannedAction::{Escalate, RecordUnanswered, SuggestDocuments, Webhook};
        let never = Condition { outcomes: vec![OutcomeKind::Blocked], ..Condition::default() };
        let rules = [
            rule("one", Condition::default(), vec![SuggestDocuments(3), Webhook("a".into())]),
            rule("never", never, vec![RecordUnanswered(true)]),
            rule("two", Condition::default(), vec![Webhook("b".into()), SuggestDocuments(9), Webhook("a".into())]),
            rule("three", Condition::default(), vec![Escalate("desk".into()), Escalate("boss".into())]),
        ];
        let planned = actions_for(&rules, &facts());
        let expected = [
            ("one", SuggestDocuments(3)),
            ("one", Webhook("a".into())),
            ("two", Webhook("b".into())),
            ("three", Escalate("desk".into())),
            ("three", Escalate("boss".into())),
        ];
        let found: Vec<(&str, PlannedAction)> = planned.iter().map(|one| (one.rule, one.action.clone())).collect();
        assert_eq!(found, expected);
    }

    fn any_action() -> impl Strategy<Value = PlannedAction> {
        prop_oneof![
            "[ab]".prop_map(PlannedAction::Webhook),
            "[ab]".prop_map(PlannedAction::Escalate),
            Just(PlannedAction::RecordUnanswered(true)),
            (1u32..4).prop_map(PlannedAction::SuggestDocuments),
            (1u32..4).prop_map(PlannedAction::RelatedDocuments),
        ]
    }

    fn any_outcome() -> impl Strategy<Value = OutcomeKind> {
        prop_oneof![Just(OutcomeKind::Answered), Just(OutcomeKind::Partial), Just(OutcomeKind::Abstained)]
    }

    fn any_rule() -> impl Strategy<Value = Rule> {
        let when = (proptest::collection::vec(any_outcome(), 0..3), proptest::option::of(0f32..1.0));
        let then = proptest::collection::vec(any_action(), 1..4);
        ("[a-z]{1,4}", when, then).prop_map(|(name, (outcomes, confidence_below), then)| {
            rule(&name, Condition { outcomes, confidence_below, ..Condition::default() }, then)
        })
    }

    proptest! {
        #[test]
        fn the_same_outcome_gives_the_same_actions_each_once_and_only_of_rules_that_hold(
            rules in proptest::collection::vec(any_rule(), 0..6), outcome in any_outcome(), confidence in 0f32..=1.0,
        ) {
            let facts = OutcomeFacts { outcome, confidence, ..facts() };
            let planned = actions_for(&rules, &facts);
            let (same_rules, same_facts) = (rules.clone(), facts.clone());
            prop_assert_eq!(&planned, &actions_for(&same_rules, &same_facts));
            for (place, one) in planned.iter().enumerate() {
                prop_assert!(!planned[..place].iter().any(|before| is_same(before.action, one.action)));
                prop_assert!(rules.iter().any(|rule| holds(&rule.when, &facts) && rule.then.contains(one.action)));
            }
            // Nothing that a rule asks for is left out.
            for action in rules.iter().filter(|rule| holds(&rule.when, &facts)).flat_map(|rule| &rule.then) {
                prop_assert!(planned.iter().any(|one| is_same(one.action, action)));
            }
        }
    }
}
