//! Sources that a test fills, empties and takes away.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use tokio::{net::TcpListener, task::JoinHandle};

use super::{sha256, write_settled};

/// A source that a test works on.
#[async_trait]
pub trait Place: Send {
    /// The connector `one` that follows it, with these further lines.
    fn connector(&self, lines: &str) -> String;
    /// The name of the document of an item, without a prefix.
    fn name(&self, key: &str) -> String;
    /// Puts an item there, or other bytes in its place.
    async fn put(&mut self, key: &str, bytes: &[u8]);
    /// Takes an item away.
    async fn remove(&mut self, key: &str);
    /// The source cannot be reached any more.
    async fn go_away(&mut self);
    /// And it can again.
    async fn come_back(&mut self);
}

/// A folder, and a bucket that is one.
pub struct Folder {
    dir: tempfile::TempDir,
    kind: &'static str,
}

impl Folder {
    /// A folder that is followed as one.
    pub async fn folder() -> Self {
        Self::new("folder")
    }

    /// A folder that is followed as a bucket.
    pub async fn bucket() -> Self {
        Self::new("bucket")
    }

    fn new(kind: &'static str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("docs")).unwrap();
        Self { dir, kind }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("docs")
    }
}

#[async_trait]
impl Place for Folder {
    fn connector(&self, lines: &str) -> String {
        let path = self.path();
        let source = match self.kind {
            "folder" => format!("path = \"{}\"", path.display()),
            _ => format!("url = \"file://{}\"", path.display()),
        };
        format!("[[connectors]]\nname = \"one\"\nkind = \"{}\"\n{source}\n{lines}\n", self.kind)
    }

    fn name(&self, key: &str) -> String {
        key.to_owned()
    }

    async fn put(&mut self, key: &str, bytes: &[u8]) {
        write_settled(&self.path().join(key), bytes);
    }

    async fn remove(&mut self, key: &str) {
        std::fs::remove_file(self.path().join(key)).unwrap();
    }

    async fn go_away(&mut self) {
        std::fs::rename(self.path(), self.dir.path().join("away")).unwrap();
    }

    async fn come_back(&mut self) {
        std::fs::rename(self.dir.path().join("away"), self.path()).unwrap();
    }
}

/// Runs the installed program in a folder.
pub fn git(folder: &Path, arguments: &[&str]) {
    let ended = std::process::Command::new("git")
        .args(["-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false"])
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("git is installed");
    assert!(ended.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&ended.stderr));
}

/// A repository with one branch.
pub struct Repository {
    dir: tempfile::TempDir,
}

impl Repository {
    pub async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let work = dir.path().join("work");
        std::fs::create_dir(&work).unwrap();
        git(&work, &["init", "--quiet", "--initial-branch=main", "."]);
        git(&work, &["commit", "--quiet", "--allow-empty", "-m", "begin"]);
        Self { dir }
    }

    pub fn work(&self) -> PathBuf {
        self.dir.path().join("work")
    }

    pub fn commit(&self) {
        git(&self.work(), &["add", "--all"]);
        git(&self.work(), &["commit", "--quiet", "--allow-empty", "-m", "change"]);
    }
}

#[async_trait]
impl Place for Repository {
    fn connector(&self, lines: &str) -> String {
        let url = self.work();
        format!("[[connectors]]\nname = \"one\"\nkind = \"git\"\nurl = \"file://{}\"\n{lines}\n", url.display())
    }

    fn name(&self, key: &str) -> String {
        key.to_owned()
    }

    async fn put(&mut self, key: &str, bytes: &[u8]) {
        let path = self.work().join(key);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
        self.commit();
    }

    async fn remove(&mut self, key: &str) {
        std::fs::remove_file(self.work().join(key)).unwrap();
        self.commit();
    }

    async fn go_away(&mut self) {
        std::fs::rename(self.work(), self.dir.path().join("away")).unwrap();
    }

    async fn come_back(&mut self) {
        std::fs::rename(self.dir.path().join("away"), self.work()).unwrap();
    }
}

/// What a website has, and how often it was asked.
#[derive(Default)]
pub struct Pages {
    pub pages: BTreeMap<String, Vec<u8>>,
    /// Pages that the sitemap lists and that are not there.
    pub listed_only: Vec<String>,
    /// Where a page sends who asks for it.
    pub redirects: BTreeMap<String, String>,
    /// What the sitemap says of a page's last change.
    pub last_modified: BTreeMap<String, String>,
    /// What the sitemap is answered with instead.
    pub sitemap: Option<(StatusCode, String)>,
    /// Every page is answered with 503.
    pub broken: bool,
    /// These pages are, always.
    pub broken_pages: BTreeSet<String>,
    /// No page has an entity tag.
    pub without_tags: bool,
    /// The status of every answer about a page, in their order.
    pub answered: Vec<(String, u16)>,
}

/// A website with a sitemap.
pub struct Website {
    pub pages: Arc<Mutex<Pages>>,
    port: u16,
    server: Option<JoinHandle<()>>,
}

impl Website {
    pub async fn new() -> Self {
        let mut site = Self { pages: Arc::default(), port: 0, server: None };
        site.come_back().await;
        site
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/{path}", self.port)
    }

    /// What was answered about pages since this was asked last.
    pub fn answered(&self) -> Vec<(String, u16)> {
        std::mem::take(&mut self.pages.lock().unwrap().answered)
    }
}

async fn answer(State((pages, port)): State<(Arc<Mutex<Pages>>, u16)>, uri: Uri, headers: HeaderMap) -> Response {
    let mut pages = pages.lock().unwrap();
    let path = uri.path().trim_start_matches('/').to_owned();
    if path == "sitemap.xml" {
        if let Some((status, body)) = &pages.sitemap {
            return (*status, body.clone()).into_response();
        }
        let entry = |path: &String| {
            let changed = pages.last_modified.get(path);
            let changed = changed.map_or_else(String::new, |at| format!("<lastmod>{at}</lastmod>"));
            format!("<url><loc>http://127.0.0.1:{port}/{path}</loc>{changed}</url>")
        };
        let listed: String =
            pages.pages.keys().chain(pages.redirects.keys()).chain(&pages.listed_only).map(entry).collect();
        return format!("<?xml version=\"1.0\"?><urlset>{listed}</urlset>").into_response();
    }
    let response = match (pages.redirects.get(&path), pages.pages.get(&path)) {
        _ if pages.broken || pages.broken_pages.contains(&path) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        (Some(to), _) => (StatusCode::FOUND, [(header::LOCATION, to.clone())]).into_response(),
        (None, None) => StatusCode::NOT_FOUND.into_response(),
        (None, Some(bytes)) => {
            let tag = format!("\"{}\"", &sha256(bytes)[..16]);
            match headers.get(header::IF_NONE_MATCH).is_some_and(|known| known == tag.as_str()) {
                true => StatusCode::NOT_MODIFIED.into_response(),
                false if pages.without_tags => bytes.clone().into_response(),
                false => ([(header::ETAG, tag)], bytes.clone()).into_response(),
            }
        }
    };
    pages.answered.push((path, response.status().as_u16()));
    response
}

#[async_trait]
impl Place for Website {
    fn connector(&self, lines: &str) -> String {
        format!(
            "[[connectors]]\nname = \"one\"\nkind = \"sitemap\"\nurl = \"{}\"\nprivate_network = true\n\
             delay_seconds = 0.0\n{lines}\n",
            self.url("sitemap.xml")
        )
    }

    fn name(&self, key: &str) -> String {
        self.url(key)
    }

    async fn put(&mut self, key: &str, bytes: &[u8]) {
        self.pages.lock().unwrap().pages.insert(key.to_owned(), bytes.to_vec());
    }

    async fn remove(&mut self, key: &str) {
        self.pages.lock().unwrap().pages.remove(key).unwrap();
    }

    async fn go_away(&mut self) {
        let server = self.server.take().expect("it is there");
        server.abort();
        // Its end closes what it listens on.
        let _ = server.await;
    }

    async fn come_back(&mut self) {
        let listener = TcpListener::bind(("127.0.0.1", self.port)).await.unwrap();
        self.port = listener.local_addr().unwrap().port();
        let router = Router::new().fallback(answer).with_state((self.pages.clone(), self.port));
        self.server = Some(tokio::spawn(async move { axum::serve(listener, router).await.unwrap() }));
    }
}

impl Drop for Website {
    fn drop(&mut self) {
        if let Some(server) = &self.server {
            server.abort();
        }
    }
}
