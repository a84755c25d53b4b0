//! The server's certificate, read again when its files change: a renewed one serves without a restart.
//!
//! May depend on rustls. TLS 1.2 and 1.3, with the defaults of rustls.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, RwLock},
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
    /// When the files that serve were changed last.
    known: Mutex<Changed>,
}

/// When the certificate and its key were changed; `None` for a file that cannot be looked at.
type Changed = [Option<SystemTime>; 2];

impl Tls {
    /// Reads a certificate (with those that lead to its authority) and its key, both in PEM.
    pub fn read(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        // Before they are read: what is changed meanwhile, or while the models are loaded, is found at the next look.
        let known = Mutex::new(changed(certificate, key));
        let serving = RwLock::new(acceptor(certificate, key)?);
        Ok(Self { certificate: certificate.to_owned(), key: key.to_owned(), serving, known })
    }

    /// What a new connection is encrypted with.
    pub fn acceptor(&self) -> TlsAcceptor {
        self.serving.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Looks at the files now and then, and serves with what they hold when they have changed. Files that cannot be used
    /// are reported, and the certificate before them goes on. Until `stop` is cancelled.
    pub async fn follow(self: Arc<Self>, stop: CancellationToken) {
        while stop.run_until_cancelled(tokio::time::sleep(LOOK)).await.is_some() {
            match self.look() {
                Ok(true) => tracing::info!("the certificate was read again"),
                Ok(false) => {}
                Err(error) => tracing::error!(%error, "the certificate that was changed cannot be used"),
            }
        }
    }

    /// Reads the files when they have changed since those that serve; whether it did. What could not be used is tried
    /// again at each look: a file whose rights are mended is no newer than before.
    fn look(&self) -> Result<bool, TlsError> {
        let is_known =
            changed(&self.certificate, &self.key) == *self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if is_known { Ok(false) } else { self.read_again().map(|()| true) }
    }

    /// Serves with what the files hold now.
    pub fn read_again(&self) -> Result<(), TlsError> {
        let found = changed(&self.certificate, &self.key);
        let read = acceptor(&self.certificate, &self.key)?;
        *self.serving.write().unwrap_or_else(PoisonError::into_inner) = read;
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = found;
        Ok(())
    }
}

fn changed(certificate: &Path, key: &Path) -> Changed {
    [certificate, key].map(|path| std::fs::metadata(path).and_then(|file| file.modified()).ok())
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::fs::File;

    use super::*;

    /// Writes a file, as of that many seconds later than another one.
    fn write(path: &Path, text: &str, later: u64) {
        std::fs::write(path, text).unwrap();
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000 + later);
        File::options().write(true).open(path).unwrap().set_modified(at).unwrap();
    }

    #[test]
    fn what_could_not_be_used_is_tried_again_and_what_serves_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let [certificate, key] = ["certificate.pem", "key.pem"].map(|name| dir.path().join(name));
        let pair = || {
            let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
            (made.cert.pem(), made.signing_key.serialize_pem())
        };
        let ((one, its_key), (two, key_of_two)) = (pair(), pair());
        write(&certificate, &one, 0);
        write(&key, &its_key, 0);
        let tls = Tls::read(&certificate, &key).unwrap();
        assert!(!tls.look().unwrap());
        // Of a renewed pair the first file is there, and then the second one.
        write(&certificate, &two, 1);
        assert!(tls.look().is_err() && tls.look().is_err());
        write(&key, &key_of_two, 0);
        assert!(tls.look().unwrap(), "also where the file is no newer than before");
        assert!(!tls.look().unwrap());
    }
}
