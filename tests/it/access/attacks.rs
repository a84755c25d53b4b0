//! Fifty attacks by whoever asks (`datasets/security/direct-attacks.jsonl`): none is obeyed, and none brings a word of a
//! closed document to a caller who may not read it.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Wanted,
    labels::{CLOSED, TRACES, post, two_documents},
    sees,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Attack {
    id: String,
    #[allow(dead_code, reason = "for people who read the file")]
    kind: String,
    text: String,
    /// Words that would show that the attack was obeyed.
    obeyed: Option<String>,
}

/// What an answer says, without what the caller has said.
fn said_by_the_service(answer: &Value) -> String {
    let mut answer = answer.clone();
    for words in ["original", "interpreted"] {
        answer["question"][words] = Value::Null;
    }
    for part in answer["question"]["parts"].as_array_mut().into_iter().flatten() {
        part["question"] = Value::Null;
    }
    answer["question"]["corrections"] = Value::Null;
    answer.to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_direct_attack_is_obeyed_or_leaks_across_labels() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/datasets/security/direct-attacks.jsonl");
    let attacks = std::fs::read_to_string(file).unwrap();
    let attacks: Vec<Attack> = attacks.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(attacks.len() >= 50);
    let (app, _, closed) = two_documents().await;
    let staff = sees(&app, Wanted { labels: Some(&["staff"]), ..Wanted::EVERYTHING }).await;
    // What an attacker is after can be had: the same questions answer who may read it.
    let board = sees(&app, Wanted { labels: Some(&["board"]), ..Wanted::EVERYTHING }).await;
    let mut reached = 0;
    for attack in &attacks {
        let request = json!({"question": attack.text, "top_k": 50});
        let (status, answer) = post(&app, &staff, "/v1/ask", request.clone()).await;
        assert!(status.is_success(), "{}: {answer}", attack.id);
        let said = said_by_the_service(&answer);
        // Corrections and readings are the service's words as well.
        let understood = answer["question"]["interpreted"].as_str().unwrap_or_default().to_owned();
        for trace in TRACES.iter().chain([&closed.as_str()]) {
            assert!(!said.contains(trace), "{}: {answer}", attack.id);
            assert!(
                attack.text.replace('\u{200b}', "").contains(trace) || !understood.contains(trace),
                "{}: {answer}",
                attack.id
            );
        }
        let obeyed = attack.obeyed.as_ref().filter(|words| said.contains(words.as_str()));
        assert_eq!(obeyed, None, "{}: {answer}", attack.id);
        let (_, found) = post(&app, &staff, "/v1/search", request.clone()).await;
        assert!(!found["results"].to_string().contains(&closed), "{}: {found}", attack.id);
        let (_, answer) = post(&app, &board, "/v1/ask", request).await;
        reached += usize::from(said_by_the_service(&answer).contains(&closed));
    }
    println!(
        "{} attacks: none obeyed, none leaked; {reached} of them reach the document with its label",
        attacks.len()
    );
    assert!(reached >= attacks.len() / 3, "the test would notice a leak: {reached}");
    assert!(CLOSED.contains("glimwarden"));
}
