//! Clients of other people from their registries, installed once into the folder for temporary files of the build.

use std::path::{Path, PathBuf};

use tokio::process::Command;

/// What a command writes; it must succeed.
pub async fn run(command: &mut Command) -> String {
    let output = command.kill_on_drop(true).output().await.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let [out, err] = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    assert!(output.status.success(), "{command:?}: {out}{err}");
    out
}

/// A folder for `PYTHONPATH` with these packages, as `name==version`.
pub async fn python(packages: &[&str]) -> PathBuf {
    installed(&packages.join("+"), async |folder| {
        let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--root-user-action=ignore"];
        run(Command::new("python3").args(pip).arg("--target").arg(folder).args(packages)).await;
    })
    .await
}

/// A folder with these modules of Node, as `name@version`, beside which a script finds them.
pub async fn node(modules: &[&str]) -> PathBuf {
    installed(&modules.join("+"), async |folder| {
        let npm = ["install", "--silent", "--no-audit", "--no-fund", "--prefix"];
        run(Command::new("npm").args(npm).arg(folder).args(modules)).await;
    })
    .await
}

/// Where clients of this version are: installed by `install` into an empty folder, when they are not there yet.
async fn installed(name: &str, install: impl AsyncFn(&Path)) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name.replace('/', "_"));
    if !folder.exists() {
        let unfinished = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        install(unfinished.path()).await;
        std::fs::rename(unfinished.keep(), &folder).unwrap();
    }
    folder
}
