//! HTTPS: with a certificate of our own, and with a renewed one without a restart.

use std::path::Path;

use rcgen::CertifiedKey;
use reqwest::{Certificate, Client, StatusCode};

use crate::test_app::{PATIENCE, TestApp};

/// Writes a certificate for localhost, and returns what a client needs to trust it.
fn write_certificate(dir: &Path) -> Certificate {
    let CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    std::fs::write(dir.join("certificate.pem"), cert.pem()).unwrap();
    std::fs::write(dir.join("key.pem"), signing_key.serialize_pem()).unwrap();
    Certificate::from_pem(cert.pem().as_bytes()).unwrap()
}

fn trusting(certificate: Certificate) -> Client {
    footnote::tls::prepare_clients();
    Client::builder().timeout(PATIENCE).tls_certs_only([certificate]).build().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_are_served_over_tls_and_a_renewed_certificate_without_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let first = trusting(write_certificate(dir.path()));
    let app = TestApp::idle_with(|settings| {
        settings.tls_certificate = Some(dir.path().join("certificate.pem"));
        settings.tls_key = Some(dir.path().join("key.pem"));
    })
    .await;
    let url = app.url.replace("http://", "https://");
    let listed = first.get(format!("{url}/v1/documents")).send().await.unwrap();
    assert_eq!(listed.status(), StatusCode::OK);
    assert!(app.client.get(format!("{}/healthz", app.url)).send().await.is_err(), "plain HTTP is not served");

    let second = trusting(write_certificate(dir.path()));
    assert!(second.get(format!("{url}/healthz")).send().await.is_err(), "it has not been read yet");
    app.app.tls.as_ref().unwrap().read_again().unwrap();
    assert_eq!(second.get(format!("{url}/healthz")).send().await.unwrap().status(), StatusCode::OK);
    // What cannot be used is refused, and the one before goes on.
    std::fs::write(dir.path().join("key.pem"), "no key").unwrap();
    assert!(app.app.tls.as_ref().unwrap().read_again().is_err());
    assert_eq!(second.get(format!("{url}/healthz")).send().await.unwrap().status(), StatusCode::OK);
}
