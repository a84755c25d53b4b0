//! The server's certificate, read again when its files change: a renewed one serves without a restart.
//!
//! May depend on rustls. TLS 1.2 and 1.3, with the defaults of rustls.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, SystemTime},
};

use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        self, ServerConfig,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    },
};
use tokio_util::sync::CancellationToken;

/// Lets HTTP clients of this process encrypt with the same library as its server. Once is enough, and more do not harm.
pub fn prepare_clients() {
    // Fails when it was done before.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(60);

/// Why connections cannot be encrypted.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file is not what it should be.
    #[error("{path}: {why}")]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Certificate and key cannot serve.
    #[error("the certificate {path} and its key cannot be used: {source}")]
    Pair {
        /// The certificate.
        path: PathBuf,
        /// Why.
        source: rustls::Error,
    },
}

impl TlsError {
    /// Whether the same call may succeed later: never by itself.
    pub fn is_transient(&self) -> bool {
        false
    }
}

/// The certificate that serves.
pub struct Tls {
    certificate: PathBuf,
    key: PathBuf,
    serving: RwLock<TlsAcceptor>,
}

impl Tls {
    /// Reads a certificate (with those that lead to its authority) and its key, both in PEM.
    pub fn read(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let serving = RwLock::new(acceptor(certificate, key)?);
        Ok(Self { certificate: certificate.to_owned(), key: key.to_owned(), serving })
    }

    /// What a new connection is encrypted with.
    pub fn acceptor(&self) -> TlsAcceptor {
        self.serving.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Looks at the files now and then, and serves with what they hold when they have changed. Files that cannot be used
    /// are reported, and the certificate before them goes on. Until `stop` is cancelled.
    pub async fn follow(self: Arc<Self>, stop: CancellationToken) {
        let mut known = self.changed();
        while stop.run_until_cancelled(tokio::time::sleep(LOOK)).await.is_some() {
            let found = self.changed();
            if found == known {
                continue;
            }
            known = found;
            match self.read_again() {
                Ok(()) => tracing::info!("the certificate was read again"),
                Err(error) => tracing::error!(%error, "the certificate that was changed cannot be used"),
            }
        }
    }

    /// Serves with what the files hold now.
    pub fn read_again(&self) -> Result<(), TlsError> {
        let read = acceptor(&self.certificate, &self.key)?;
        *self.serving.write().unwrap_or_else(PoisonError::into_inner) = read;
        Ok(())
    }

    fn changed(&self) -> [Option<SystemTime>; 2] {
        [&self.certificate, &self.key].map(|path| std::fs::metadata(path).and_then(|file| file.modified()).ok())
    }
}

fn acceptor(certificate: &Path, key: &Path) -> Result<TlsAcceptor, TlsError> {
    let wrong = |path: &Path, why: String| TlsError::File { path: path.to_owned(), why };
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .map_err(|error| wrong(certificate, error.to_string()))?;
    if chain.is_empty() {
        return Err(wrong(certificate, "it holds no certificate in PEM".to_owned()));
    }
    let private = PrivateKeyDer::from_pem_file(key).map_err(|error| wrong(key, error.to_string()))?;
    let pair = |source| TlsError::Pair { path: certificate.to_owned(), source };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(pair)?
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .map_err(pair)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
