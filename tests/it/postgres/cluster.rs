//! A throwaway Postgres cluster of the installed binaries: a folder under /tmp, a Unix socket in it, no TCP port.
//!
//! A small shell process stands between us and the server. It waits for the end of its input, which comes when the
//! value is dropped and also when this process is killed, then stops the server and removes the folder.

use std::{
    io::{BufRead, BufReader, Read},
    os::unix::{
        fs::{MetadataExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// Starts the server in folder `$2` with the binaries in `$1`, and says so.
const KEEPER: &str = r#"
trap '' HUP INT TERM
if { "$1/initdb" -D "$2/data" -U postgres -A trust -E UTF8 --locale=C --no-sync &&
     "$1/pg_ctl" -D "$2/data" -l "$2/server.log" -w -t 60 \
        -o "-F -p 5432 -k $2 -c listen_addresses= -c max_connections=100" start
   } >"$2/log" 2>&1 </dev/null
then echo ready
else cat "$2/log" "$2/server.log" 2>/dev/null
fi
exec >/dev/null 2>&1
cat
"$1/pg_ctl" -D "$2/data" -m immediate stop
cd / && rm -rf "$2"
"#;

/// A running cluster; it stops when the value is dropped or the process ends.
pub struct Cluster {
    folder: PathBuf,
    binaries: PathBuf,
    /// Whom the server runs as, when that is not us.
    user: Option<(u32, u32)>,
    keeper: Child,
}

/// The folder of Postgres' server binaries: on the PATH, or where distributions put them.
pub fn binaries() -> Option<PathBuf> {
    let mut folders: Vec<PathBuf> =
        std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default();
    for (parent, child) in [("/usr/lib/postgresql", "bin"), ("/usr/local/pgsql", ""), ("/opt/homebrew/opt", "bin")] {
        let mut found: Vec<PathBuf> = std::fs::read_dir(parent)
            .map(|entries| entries.filter_map(|entry| Some(entry.ok()?.path().join(child))).collect())
            .unwrap_or_default();
        found.sort();
        folders.extend(found.into_iter().rev());
    }
    folders.into_iter().find(|folder| ["initdb", "pg_ctl", "postgres"].iter().all(|name| folder.join(name).exists()))
}

impl Cluster {
    /// Starts a cluster.
    pub fn start() -> Result<Self, String> {
        let binaries = binaries().ok_or(
            "these tests need Postgres: install the package `postgresql` (its server need not run), or set \
             FOOTNOTE_TEST_POSTGRES_URL",
        )?;
        let folder = tempfile::Builder::new()
            .prefix("footnote-postgres-")
            .tempdir_in("/tmp")
            .map_err(|error| format!("no folder for a Postgres cluster: {error}"))?
            .keep();
        let mut command = Command::new("/bin/sh");
        command.args(["-c", KEEPER, "keeper"]).arg(&binaries).arg(&folder).current_dir(&folder);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).process_group(0);
        let mut user = None;
        if folder.metadata().map_err(|error| error.to_string())?.uid() == 0 {
            let (uid, gid) = ordinary_user()?;
            chown(&folder, Some(uid), Some(gid)).map_err(|error| error.to_string())?;
            command.uid(uid).gid(gid);
            user = Some((uid, gid));
        }
        let keeper = command.spawn().map_err(|error| format!("/bin/sh: {error}"))?;
        let mut cluster = Self { folder, binaries: binaries.clone(), user, keeper };
        let mut said = BufReader::new(cluster.keeper.stdout.take().ok_or("no output")?);
        let mut first = String::new();
        said.read_line(&mut first).map_err(|error| error.to_string())?;
        if first == "ready\n" {
            return Ok(cluster);
        }
        let mut rest = String::new();
        said.read_to_string(&mut rest).map_err(|error| error.to_string())?;
        Err(format!("a Postgres cluster from {} did not start:\n{first}{rest}", binaries.display()))
    }

    /// A database of the cluster, as its superuser.
    pub fn url(&self) -> String {
        format!("postgres://postgres@localhost:5432/postgres?host={}", self.folder.display())
    }

    /// Stops the server as a crash does: connections break, and nobody listens.
    pub fn stop(&self) {
        self.control("-m immediate -w stop");
    }

    /// Starts it again, on the same data.
    pub fn start_again(&self) {
        let folder = self.folder.display();
        self.control(&format!(
            "-l {folder}/server.log -w -t 60 -o \"-F -p 5432 -k {folder} -c listen_addresses= -c max_connections=100\" start"
        ));
    }

    fn control(&self, what: &str) {
        let (program, data) = (self.binaries.join("pg_ctl"), self.folder.join("data"));
        let mut command = Command::new("/bin/sh");
        command.args(["-c", &format!("{} -D {} {what}", program.display(), data.display())]).current_dir(&self.folder);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        if let Some((uid, gid)) = self.user {
            command.uid(uid).gid(gid);
        }
        assert!(command.status().unwrap().success(), "pg_ctl {what}");
    }

    /// Where it lies.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        if let Err(error) = self.keeper.wait() {
            eprintln!("the keeper of {} was lost: {error}", self.folder.display());
        }
    }
}

/// Postgres refuses to run as root.
fn ordinary_user() -> Result<(u32, u32), String> {
    let id = |flag: &str, user: &str| -> Option<u32> {
        let output = Command::new("id").args([flag, user]).output().ok().filter(|output| output.status.success())?;
        String::from_utf8(output.stdout).ok()?.trim().parse().ok()
    };
    ["postgres", "nobody"]
        .iter()
        .find_map(|user| Some((id("-u", user)?, id("-g", user)?)))
        .ok_or_else(|| "Postgres does not run as root, and there is no user `postgres` or `nobody`".to_owned())
}
