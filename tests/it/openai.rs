//! The endpoints that programs written for OpenAI's API speak, over HTTP and with the clients that people use.

mod clients;

use footnote::{access, domain::Scope, metadata_store::NewKey};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::{sample, test_app::TestApp};

fn chat(question: &str) -> Value {
    json!({"model": "footnote", "messages": [{"role": "user", "content": question}]})
}

/// The data of a stream's events.
async fn chunks(app: &TestApp, body: Value) -> Vec<String> {
    let response = app.client.post(format!("{}/v1/chat/completions", app.url)).json(&body).send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let text = response.text().await.unwrap();
    text.lines().filter_map(|line| line.strip_prefix("data: ").map(str::to_owned)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chat_is_answered_with_its_footnotes_in_one_piece_and_in_chunks() {
    let app = TestApp::start().await;
    app.ingest_form(sample::form()).await;
    let (_, _, question, quote) = sample::DOCUMENTS[0];
    let mut body = chat(question);
    body["temperature"] = json!(0.2);
    body["messages"].as_array_mut().unwrap().insert(0, json!({"role": "system", "content": "Sing."}));
    let (status, plain) = app.post("/v1/chat/completions", body.clone()).await;
    assert_eq!(status, StatusCode::OK, "{plain}");
    assert_eq!((&plain["object"], &plain["model"]), (&json!("chat.completion"), &json!("footnote")));
    assert_eq!(plain["footnote"]["ignored"], json!(["messages[0]", "temperature"]));
    let (outcome, message) = (&plain["footnote"]["outcome"], &plain["choices"][0]["message"]);
    assert_eq!((&outcome["outcome"], &message["refusal"]), (&json!("answered"), &Value::Null));
    assert_eq!(message["content"], outcome["answer"]);
    app.check_citations(outcome).await;
    let citation = &message["annotations"][0]["url_citation"];
    let cited: String = {
        let at = |member: &str| citation[member].as_u64().unwrap() as usize;
        let content: Vec<char> = message["content"].as_str().unwrap().chars().collect();
        content[at("start_index")..at("end_index")].iter().collect()
    };
    assert!(cited.contains(quote), "{cited}");
    let source: Value = app.client.get(citation["url"].as_str().unwrap()).send().await.unwrap().json().await.unwrap();
    assert!(source["text"].as_str().unwrap().contains(quote), "the address leads to the text");
    let usage = &plain["usage"];
    let tokens = ["prompt_tokens", "completion_tokens", "total_tokens"].map(|name| usage[name].as_u64().unwrap());
    assert!(tokens[0] > 0 && tokens[0] + tokens[1] == tokens[2], "{usage}");

    body["stream"] = json!(true);
    body["stream_options"] = json!({"include_usage": true, "include_obfuscation": false});
    let mut chunks = chunks(&app, body.clone()).await;
    assert_eq!(chunks.pop().unwrap(), "[DONE]");
    let chunks: Vec<Value> = chunks.iter().map(|chunk| serde_json::from_str(chunk).unwrap()).collect();
    assert!(chunks.iter().all(|chunk| chunk["id"] == chunks[0]["id"] && chunk["object"] == "chat.completion.chunk"));
    assert_eq!(chunks[0]["choices"][0]["delta"], json!({"role": "assistant", "content": ""}));
    let said: String = chunks.iter().filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str()).collect();
    assert_eq!(said, message["content"].as_str().unwrap());
    let [.., last, cost] = &chunks[..] else { panic!("{chunks:?}") };
    assert_eq!(last["choices"][0]["finish_reason"], "stop");
    assert_eq!(last["choices"][0]["delta"]["annotations"], message["annotations"], "citations come intact");
    assert_eq!(last["footnote"]["outcome"]["citations"], outcome["citations"]);
    assert_eq!((&cost["choices"], &cost["usage"]), (&json!([]), usage));
    let before = &chunks[..chunks.len() - 1];
    assert!(before.iter().all(|chunk| chunk.get("usage") == Some(&Value::Null)), "it is not known yet");
    let ignored = json!(["messages[0]", "temperature", "stream_options.include_obfuscation"]);
    assert_eq!(last["footnote"]["ignored"], ignored);
    // Of an answer in one piece all of it changes nothing.
    body["stream"] = json!(false);
    let (_, plain) = app.post("/v1/chat/completions", body).await;
    assert_eq!(plain["footnote"]["ignored"], json!(["messages[0]", "temperature", "stream_options"]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_abstention_is_seen_and_a_follow_up_leans_on_the_messages_before() {
    let app = TestApp::start().await;
    app.ingest_form(sample::form()).await;
    let (_, declined) = app.post("/v1/chat/completions", chat(sample::UNRELATED)).await;
    let message = &declined["choices"][0]["message"];
    assert_eq!(declined["footnote"]["outcome"]["outcome"], "abstained");
    assert!(message["content"].as_str().unwrap().contains("do not hold") && message["refusal"] == message["content"]);
    let mut body = chat(sample::UNRELATED);
    body["stream"] = json!(true);
    let chunks = chunks(&app, body).await;
    let contents = chunks.iter().filter_map(|chunk| serde_json::from_str::<Value>(chunk).ok());
    let contents = contents.filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str().map(str::to_owned));
    assert_eq!(contents.collect::<String>(), message["content"].as_str().unwrap());
    let costs = chunks.iter().filter_map(|chunk| serde_json::from_str::<Value>(chunk).ok());
    assert!(costs.into_iter().all(|chunk| chunk.get("usage").is_none()), "the cost was not asked for");

    let (_, _, question, _) = sample::DOCUMENTS[2];
    let messages = json!([
        {"role": "user", "content": question},
        {"role": "assistant", "content": "Six weeks."},
        {"role": "user", "content": "And what does a late return cost?"},
    ]);
    let (_, answered) =
        app.post("/v1/chat/completions", json!({"model": "footnote:default", "messages": messages})).await;
    let outcome = &answered["footnote"]["outcome"];
    assert_eq!(outcome["outcome"], "answered", "{outcome}");
    assert!(outcome["answer"].as_str().unwrap().contains("fifty cents"), "{outcome}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_done_is_refused_in_the_words_of_that_protocol() {
    let app = TestApp::start().await;
    let with = |member: &str, value: Value| {
        let mut body = chat("a?");
        body[member] = value;
        body
    };
    // A stream that cannot be is refused as one piece is, and does not begin.
    let streamed = |question: &str| {
        let mut body = chat(question);
        body["stream"] = json!(true);
        body
    };
    for (body, status, kind, words) in [
        (streamed(" "), 422, "invalid", "empty"),
        (streamed("Who is A? Who is B? Who is C? Who is D? Who is E?"), 422, "invalid", "5 things"),
        (with("messages", json!([{"role": "user", "content": 7}])), 422, "invalid", "a text or a list of parts"),
        (with("model", json!("gpt-4o")), 404, "not-found", "no model `gpt-4o`"),
        (with("n", json!(2)), 422, "invalid", "`n` must be 1"),
        (with("messages", json!([])), 422, "invalid", "nothing is asked"),
        (with("footnote", json!({"top_k": 0})), 422, "invalid", "top_k"),
        (with("footnote", json!({"topk": 1})), 422, "invalid", "topk"),
        (with("messages", json!("a?")), 422, "invalid", "messages"),
    ] {
        let (found, problem) = app.post("/v1/chat/completions", body).await;
        assert_eq!((found.as_u16(), &problem["error"]["code"]), (status, &json!(kind)), "{problem}");
        assert_eq!(problem["error"]["message"], problem["detail"]);
        assert!(problem["detail"].as_str().unwrap().contains(words), "{problem}");
    }
    // Where no handler was reached, too; and nowhere else.
    let (status, problem) = app.get("/v1/chat/completions").await;
    assert_eq!((status, &problem["error"]["code"]), (StatusCode::METHOD_NOT_ALLOWED, &json!("method-not-allowed")));
    let (_, problem) = app.get("/v1/documents/doc_0").await;
    assert!(problem["status"].is_u64() && problem["error"].is_null(), "{problem}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_offered_the_models_that_it_may_ask() {
    let app = TestApp::idle().await;
    let drawn = access::draw().unwrap();
    let key = NewKey {
        name: "a test".to_owned(),
        prefix: drawn.prefix,
        sha256: drawn.sha256,
        scopes: [Scope::Ask].into(),
        collections: Some(["hr".to_owned()].into()),
        labels: None,
        expires_at: None,
    };
    app.app.metadata.add_key(key).await.unwrap();
    let get = async |path: &str| {
        let request = app.client.get(format!("{}{path}", app.url)).bearer_auth(drawn.key.expose());
        let response = request.send().await.unwrap();
        (response.status(), response.json::<Value>().await.unwrap())
    };
    let (_, models) = get("/v1/models").await;
    let ids: Vec<&str> = models["data"].as_array().unwrap().iter().map(|model| model["id"].as_str().unwrap()).collect();
    assert_eq!((ids.len(), ids[0]), (2, "footnote:hr"), "{models}");
    assert_eq!(get("/v1/models/footnote:hr").await.0, StatusCode::OK);
    let (status, problem) = get("/v1/models/footnote").await;
    assert_eq!((status, &problem["error"]["code"]), (StatusCode::NOT_FOUND, &json!("not-found")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn texts_are_embedded_as_the_index_embeds_them() {
    let app = TestApp::start().await;
    let models = app.read("/v1/models").await;
    let ids: Vec<&str> = models["data"].as_array().unwrap().iter().map(|model| model["id"].as_str().unwrap()).collect();
    let [answers, embeds] = ids[..] else { panic!("{ids:?}") };
    assert_eq!(answers, "footnote");
    assert_eq!(app.read(&format!("/v1/models/{embeds}")).await["id"], embeds);
    assert!(app.read("/v1/models/footnote").await["footnote"]["generator"].is_string());
    assert_eq!(app.get("/v1/models/none").await.0, StatusCode::NOT_FOUND);

    let texts = ["The canteen opens early.", "Books may be kept for six weeks."];
    let (status, made) = app.post("/v1/embeddings", json!({"model": embeds, "input": texts, "user": "me"})).await;
    assert_eq!(status, StatusCode::OK, "{made}");
    assert_eq!(made["footnote"]["ignored"], json!(["user"]));
    assert!(made["usage"]["total_tokens"].as_u64().unwrap() > 10);
    let numbers =
        |value: &Value| value.as_array().unwrap().iter().map(|n| n.as_f64().unwrap() as f32).collect::<Vec<_>>();
    let embedder = app.app.retrieve.embedders.serving();
    let expected = embedder.embed_passages(texts.map(str::to_owned).to_vec()).await.unwrap();
    for (at, expected) in expected.iter().enumerate() {
        assert_eq!(made["data"][at]["index"], at);
        let cosine: f32 = numbers(&made["data"][at]["embedding"]).iter().zip(expected).map(|(a, b)| a * b).sum();
        assert!(cosine > 0.999, "{cosine}");
    }
    let body =
        json!({"model": embeds, "input": texts[0], "encoding_format": "base64", "footnote": {"input_type": "query"}});
    let (_, made) = app.post("/v1/embeddings", body).await;
    let bytes = base64::Engine::decode(
        &base64::engine::general_purpose::STANDARD,
        made["data"][0]["embedding"].as_str().unwrap(),
    );
    let numbers: Vec<f32> =
        bytes.unwrap().chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().unwrap())).collect();
    let expected = embedder.embed_question(texts[0].to_owned()).await.unwrap();
    assert!(numbers.iter().zip(&expected).map(|(a, b)| a * b).sum::<f32>() > 0.999);

    let long = "word ".repeat(2_000);
    for (body, words) in [
        (json!({"model": "ada", "input": "a"}), "no model `ada`"),
        (json!({"model": embeds, "input": []}), "1 to 256 texts"),
        (json!({"model": embeds, "input": ["a", " "]}), "input[1] has no words"),
        (json!({"model": embeds, "input": "a", "dimensions": 7}), "`dimensions` must be 384"),
        (json!({"model": embeds, "input": long}), "tokens"),
        (json!({"model": embeds, "input": ["a", long], "footnote": {"input_type": "query"}}), "text 1 has"),
        (json!({"model": embeds, "input": [[7, 8], [9]]}), "the numbers of a tokenizer are not read"),
        // However long it is, what was wrong is said back and is no failure of the server.
        (json!({"model": "x".repeat(200_000), "input": "a"}), "no model `xxx"),
    ] {
        let (status, problem) = app.post("/v1/embeddings", body).await;
        assert!(status.is_client_error() && problem["error"]["message"].as_str().unwrap().contains(words), "{problem}");
    }
}
