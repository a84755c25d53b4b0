#![allow(clippy::unwrap_used)]

use std::path::Path;

use super::*;
use crate::domain::Stage;

fn settings() -> Settings {
    Settings { data_dir: Some("/data".into()), models_dir: Some("/models".into()), ..Settings::default() }
}

#[test]
fn nothing_set_is_embedded_and_on_loopback() {
    let config = Config::resolve(settings()).unwrap();
    assert_eq!(config.listen.to_string(), DEFAULT_LISTEN);
    assert_eq!(config.database, DatabaseUrl::Sqlite("/data/footnote.db".into()));
    assert_eq!(config.vectors, VectorUrl::Edge("/data/vectors".into()));
    assert!(config.is_embedded());
}

#[test]
fn a_key_has_some_length_and_the_network_is_told_from_loopback() {
    let open = Settings { listen: Some("0.0.0.0:80".into()), ..settings() };
    assert!(Config::resolve(open.clone()).unwrap().listens_to_the_network());
    let short = Settings { api_key: Some("short".into()), ..open.clone() };
    assert!(matches!(Config::resolve(short), Err(ConfigError::Invalid { key: "api_key", .. })));
    let mapped = Settings { listen: Some("[::ffff:127.0.0.1]:80".into()), ..settings() };
    assert!(!Config::resolve(mapped).unwrap().listens_to_the_network());
    let keyed = Settings { api_key: Some("0123456789abcdef".into()), ..open };
    assert!(Config::resolve(keyed).is_ok());
}

#[test]
fn a_wrong_value_names_the_key_and_what_it_can_be_but_no_password() {
    let wrong = Settings { database_url: Some("mysql://me:secret@host/x".into()), ..settings() };
    let error = Config::resolve(wrong).err().unwrap().to_string();
    assert!(error.contains("database_url") && error.contains("postgres://"), "{error}");
    assert!(!error.contains("secret"), "{error}");
    for share in [0.0, 1.0, f64::NAN] {
        let wrong = Settings { target_error: Some(share), ..settings() };
        assert!(Config::resolve(wrong).err().unwrap().to_string().contains("target_error"));
    }
    let wrong = Settings { trace_hours: Some(8_761), ..settings() };
    assert!(Config::resolve(wrong).err().unwrap().to_string().contains("trace_hours"));
    assert_eq!(Config::resolve(Settings { trace_hours: Some(0), ..settings() }).unwrap().traces_kept, None);
    let wrong = Settings { threads: Some(0), ..settings() };
    assert!(Config::resolve(wrong).err().unwrap().to_string().contains("threads"));
}

#[test]
fn what_could_only_be_reckoned_with_to_a_panic_is_refused() {
    for (key, wrong) in [
        ("ask_queue", Settings { ask_queue: Some(usize::MAX), ..settings() }),
        ("ask_queue", Settings { ask_queue: Some(0), ..settings() }),
        ("threads", Settings { threads: Some(usize::MAX), ..settings() }),
        ("ingest_concurrency", Settings { ingest_concurrency: Some(1_025), ..settings() }),
        ("audit_days", Settings { audit_days: Some(u32::MAX), ..settings() }),
        ("ask_timeout_seconds", Settings { ask_timeout_seconds: Some(0), ..settings() }),
        ("extract_timeout_seconds", Settings { extract_timeout_seconds: Some(u64::MAX), ..settings() }),
        ("shutdown_grace_seconds", Settings { shutdown_grace_seconds: Some(604_801), ..settings() }),
    ] {
        let error = Config::resolve(wrong).err().unwrap().to_string();
        assert!(error.starts_with(key) && error.contains("give "), "{key}: {error}");
    }
    let most = Settings {
        ask_queue: Some(10_000),
        audit_days: Some(36_525),
        ocr_timeout_seconds: Some(604_800),
        ..settings()
    };
    assert_eq!(Config::resolve(most).unwrap().ocr_timeout.as_secs(), 604_800);
}

#[test]
fn an_identity_provider_is_described_whole_or_not_at_all() {
    let with = |keys: Option<&str>, issuer: Option<&str>, audience: Option<&str>| {
        let [jwt_keys, jwt_issuer, jwt_audience] = [keys, issuer, audience].map(|text| text.map(str::to_owned));
        Config::resolve(Settings { jwt_keys, jwt_issuer, jwt_audience, ..settings() }).map(|config| config.jwt)
    };
    assert_eq!(with(None, None, None).unwrap(), None);
    assert!(with(Some("keys.json"), Some("https://id.example.org"), Some("footnote")).unwrap().is_some());
    for (keys, issuer, audience, key) in [
        (Some("keys.json"), None, Some("footnote"), "jwt_keys"),
        (Some(""), Some(""), Some(""), "jwt_keys"),
        (Some("keys.json"), Some("https://id.example.org"), Some(" "), "jwt_audience"),
        (Some("http://id.example.org/keys"), Some("x"), Some("y"), "jwt_keys"),
    ] {
        let error = with(keys, issuer, audience).unwrap_err().to_string();
        assert!(error.starts_with(key), "{error}");
    }
}

#[test]
fn a_text_recognition_program_needs_places_for_its_files() {
    let with = |command: &str| Config::resolve(Settings { ocr_command: Some(command.into()), ..settings() });
    assert_eq!(Config::resolve(settings()).unwrap().ocr_command, None);
    assert_eq!(with("none").unwrap().ocr_command, None);
    let command = with("ocr --langs 'deu eng' {input} out={output}").unwrap().ocr_command.unwrap();
    assert_eq!(command.program(), "ocr");
    let arguments = command.arguments(Path::new("/t/a.pdf"), Path::new("/t/b.pdf"));
    assert_eq!(arguments, ["--langs", "deu eng", "/t/a.pdf", "out=/t/b.pdf"]);
    for wrong in ["", "ocrmypdf", "ocrmypdf {input}", "ocrmypdf '{input} {output}"] {
        let error = with(wrong).err().unwrap().to_string();
        assert!(error.contains("ocr_command") && error.contains("{input}"), "{error}");
    }
}

#[test]
fn flags_go_over_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("footnote.toml");
    std::fs::write(&path, "listen = \"127.0.0.1:1\"\nthreads = 3\n").unwrap();
    let flags = Settings { config: Some(path.clone()), threads: Some(5), ..settings() };
    let config = Config::load(flags).unwrap();
    assert_eq!((config.listen.port(), config.threads), (1, 5));
    assert_eq!(config.file.as_ref(), Some(&path));
    std::fs::write(&path, "thread = 3\n").unwrap();
    let flags = Settings { config: Some(path.clone()), ..settings() };
    let error = Config::load(flags.clone()).err().unwrap().to_string();
    assert!(error.contains("thread") && error.contains("footnote.toml"), "{error}");
    // A line that cannot be read is named, and not shown: it may hold a secret.
    std::fs::write(&path, "threads = 3\napi_key = hunter2-hunter2-hunter2\n").unwrap();
    let error = Config::load(flags).err().unwrap().to_string();
    assert!(error.contains("line ") && !error.contains("hunter2"), "{error}");
}

#[test]
fn an_adapter_is_the_shipped_one_another_or_none() {
    let chosen = |folder: Option<&str>, generator: Option<&str>| {
        let [generator_adapter, generator] = [folder, generator].map(|path| path.map(PathBuf::from));
        Config::resolve(Settings { generator_adapter, generator, ..settings() }).unwrap().generator_adapter
    };
    assert_eq!(chosen(None, None), AdapterChoice::Shipped);
    assert_eq!(chosen(Some("none"), None), AdapterChoice::Without);
    assert_eq!(chosen(Some("./none"), None), AdapterChoice::Folder("./none".into()));
    // It belongs to the generator that is fetched.
    assert_eq!(chosen(None, Some("other.gguf")), AdapterChoice::Without);
    assert_eq!(chosen(Some("mine"), Some("other.gguf")), AdapterChoice::Folder("mine".into()));
}

#[test]
fn the_collector_is_the_setting_or_the_standard_variable() {
    let (ours, standard) = ("http://127.0.0.1:4318".to_owned(), "https://collector/otlp".to_owned());
    let of = |setting: Option<&String>, variable: Option<&String>| otlp_endpoint(setting.cloned(), variable.cloned());
    assert_eq!(of(None, None).unwrap(), None);
    assert_eq!(of(Some(&ours), Some(&standard)).unwrap(), Some(ours));
    assert_eq!(of(None, Some(&standard)).unwrap(), Some(standard));
    assert_eq!(of(None, Some(&String::new())).unwrap(), None);
    let error = of(Some(&"collector:4318".to_owned()), None).unwrap_err().to_string();
    assert!(error.contains("otlp_endpoint") && error.contains("http://"), "{error}");
    let error = Config::resolve(Settings { log_format: Some("xml".into()), ..settings() }).err().unwrap().to_string();
    assert!(error.contains("log_format") && error.contains("json"), "{error}");
}

#[test]
fn stages_are_switched_by_name() {
    let resolved = |switches: &str| Config::resolve(Settings { stages: Some(switches.to_owned()), ..settings() });
    let stages = resolved("-spelling,+rerank").unwrap().stages;
    assert!(!stages.has(Stage::Spelling) && stages.has(Stage::Rerank));
    assert_eq!(Config::resolve(settings()).unwrap().stages, Stages::default());
    let error = resolved("-speling").err().unwrap().to_string();
    assert!(error.contains("stages") && error.contains("-speling") && error.contains("follow_ups"), "{error}");
}

#[test]
fn what_is_blacked_out_is_named() {
    let resolved = |redact: Option<&str>| {
        Config::resolve(Settings { redact: redact.map(str::to_owned), ..settings() }).map(|config| config.redact)
    };
    assert!(!resolved(None).unwrap().contains(&PersonalKind::Email) && resolved(None).unwrap().len() == 4);
    assert_eq!(resolved(Some("none")).unwrap(), BTreeSet::new());
    assert_eq!(resolved(Some("email, secret")).unwrap(), [PersonalKind::Email, PersonalKind::Secret].into());
    assert!(resolved(Some("mail")).unwrap_err().to_string().contains("national_id"));
}

#[test]
fn a_secret_does_not_show() {
    assert_eq!(format!("{:?}", DatabaseUrl::Postgres(Secret::new("postgres://a:b@c/d"))), "Postgres(***)");
}
