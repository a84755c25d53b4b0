#![allow(clippy::unwrap_used)]
use chrono::DateTime;
use serde_json::json;

use super::*;
use crate::domain::{Adapter, AdapterPair, AdapterRole, EvaluationFigures, Forced, KindCount};

fn id(last: u8) -> AdapterId {
    AdapterId(uuid::Uuid::from_u128(u128::from(last)))
}

fn time() -> DateTime<chrono::Utc> {
    DateTime::from_timestamp(1_790_000_000, 0).unwrap()
}

fn evaluation() -> AdapterEvaluation {
    let figure = |metric: &str, value| Figure { metric: metric.into(), value, low: value - 0.05, high: value + 0.05 };
    AdapterEvaluation {
        run_sha256: "e".repeat(64),
        run: "second".into(),
        suite: "pinned".into(),
        suite_sha256: "5".repeat(64),
        adapters: AdapterPair { reader: Some("a".repeat(64)), generator: None },
        figures: EvaluationFigures {
            deciding: "f1".into(),
            figures: vec![figure("f1", 0.612), figure("a_later_figure", 2.5)],
            kinds: vec![KindCount { kind: "edge".into(), questions: 40, right: 31 }],
        },
        created_at: time(),
    }
}

fn history() -> Vec<Promotion> {
    let promotion = Promotion {
        role: AdapterRole::Reader,
        number: 2,
        action: PromotionAction::Promote,
        adapter: Some(id(1)),
        replaced: None,
        forced: Some(Forced { reason: "the pilot needs it".into(), refusal: "it is not significantly better".into() }),
        grounds: Some(Grounds {
            suite: "pinned".into(),
            suite_sha256: "5".repeat(64),
            serving_run: "d".repeat(64),
            candidate_run: "e".repeat(64),
            metric: "f1".into(),
            serving: 0.6,
            candidate: 0.612,
            difference: 0.012,
            low: -0.01,
            high: 0.034,
            p_value: 0.28,
            notes: vec!["the suite holds no failure cases: nothing is known about them".into()],
        }),
        promoted_at: time(),
    };
    let rollback = Promotion {
        number: 3,
        action: PromotionAction::Rollback,
        adapter: None,
        replaced: Some(id(1)),
        forced: None,
        grounds: None,
        ..promotion.clone()
    };
    vec![rollback, promotion]
}

#[test]
fn what_serves_stands_above_what_there_is() {
    let serving = |role, adapter, sha256: Option<&str>, evaluation| ServingRole {
        role,
        adapter,
        sha256: sha256.map(str::to_owned),
        fixed_by: None,
        promotion: None,
        evaluation,
    };
    let roles = [
        serving(AdapterRole::Reader, Some(id(1)), Some(&"a".repeat(64)), Some(evaluation())),
        serving(AdapterRole::Generator, None, None, None),
    ];
    let listed = |number, serving, evaluation| ListedAdapter {
        id: id(number),
        role: AdapterRole::Reader,
        name: "lora".into(),
        sha256: "a".repeat(64),
        data_versions: vec!["handbook 3 (sha256 0123456789ab)".into(), "squad 1 (sha256 abcdef012345)".into()],
        created_at: time(),
        serving,
        evaluation,
    };
    let adapters = [listed(1, true, Some(evaluation())), listed(2, false, None)];
    insta::assert_snapshot!(list(&roles, &adapters, None));
    assert!(list(&roles, &[], None).contains("adapters add FOLDER"));
}

#[test]
fn an_adapter_is_shown_with_where_it_comes_from_and_what_became_of_it() {
    let details = AdapterDetails {
        adapter: Adapter {
            id: id(1),
            role: AdapterRole::Reader,
            name: "lora".into(),
            sha256: "a".repeat(64),
            base_sha256: "b".repeat(64),
            data_versions: vec!["handbook 3 (sha256 0123456789ab)".into()],
            run: json!({"result": {"best_loss": 0.25}, "seed": 7}),
            size_bytes: 1_048_576,
            created_at: time(),
        },
        serving: false,
        evaluations: vec![evaluation()],
        history: history(),
    };
    insta::assert_snapshot!(super::details(&details));
    let bare = AdapterDetails { evaluations: vec![], history: vec![], serving: true, ..details };
    let shown = super::details(&bare);
    assert!(shown.contains("lora, serving") && shown.contains("not evaluated: `footnote adapters evaluate adp_"));
}
