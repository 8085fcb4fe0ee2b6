//! `hostler backup`

use crate::client::Plain;
use anyhow::{Context, Result, bail};
use clap::Args;
use hostler_node::backup::{self, BackupError, Manifest};
use indicatif::{HumanBytes, ProgressBar, ProgressStyle};
use reqwest::Method;
use serde_json::json;
use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::NamedTempFile;

/// Save a node in one file, while it runs or not: its store, its certificate authority, its plug-ins.
#[derive(Args)]
#[command(after_help = "\
Examples, on the node itself:
  hostler backup manager.backup.tar.gz --data /var/lib/hostler
  hostler backup /dev/shm/b.tar.gz --data /var/lib/hostler && age -p /dev/shm/b.tar.gz > manager.backup.age

The file holds the authority's private keys, everybody's password hashes, and of a node that joined a manager its own key and
token: keep it where nobody else reads it.
The configuration isn't in it. `hostler restore` puts it back.")]
pub struct Backup {
    /// The file to write; it must not be there yet
    file: PathBuf,
    #[command(flatten)]
    plain: Plain,
}

impl Backup {
    pub async fn run(self) -> Result<()> {
        let Self { file, plain } = self;
        refuse_to_overwrite(&file)?;
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        // Such a file is its owner's only from the beginning, and gone if this fails.
        let unfinished = tempfile::Builder::new().prefix(".unfinished-").tempfile_in(folder);
        let mut unfinished = unfinished.with_context(|| format!("nothing can be written to {}", folder.display()))?;
        let progress = progress();
        let stopped = match &plain.connection {
            connection if connection.url.is_some() && connection.token.is_some() => None,
            connection => connection.data.as_deref().map(stopped).transpose()?.flatten(),
        };
        match stopped {
            Some(gathered) => {
                let to = progress.wrap_write(BufWriter::new(unfinished.as_file_mut()));
                _ = tokio::task::block_in_place(|| gathered.write(to))?;
            }
            None => fetch(&plain, &mut unfinished, &progress).await?,
        }
        unfinished.as_file().sync_all().with_context(|| format!("{} can't be written", file.display()))?;
        progress.set_message("checking");
        let manifest = tokio::task::block_in_place(|| {
            backup::verify(BufReader::new(unfinished.reopen()?)).map_err(anyhow::Error::from)
        })
        .context("what was written isn't whole; make the backup again")?;
        let kept = unfinished.persist_noclobber(&file);
        let kept = kept.map_err(|error| error.error).with_context(|| format!("{} can't be written", file.display()))?;
        File::open(folder)?.sync_all()?;
        progress.finish_and_clear();
        let bytes = kept.metadata()?.len();
        let said = json!({ "file": file, "bytes": bytes, "backup": manifest });
        plain.output.print(&said, |_| told(&file, bytes, &manifest))
    }
}

fn refuse_to_overwrite(file: &Path) -> Result<()> {
    if file.symlink_metadata().is_ok() {
        bail!("{} is there already; a backup never overwrites anything. Name another file", file.display());
    }
    Ok(())
}

/// What goes into the backup of the node in this folder, where it doesn't run.
fn stopped(data: &Path) -> Result<Option<backup::Gathered>> {
    match tokio::task::block_in_place(|| backup::gather_stopped(data)) {
        Ok(gathered) => Ok(Some(gathered)),
        Err(BackupError::Store(error)) if error.is_in_use() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Takes the backup of a node that runs.
async fn fetch(plain: &Plain, to: &mut NamedTempFile, progress: &ProgressBar) -> Result<()> {
    let client = plain.connection.client()?;
    let mut response = client.open(client.request(Method::POST, &["backup"])?).await?;
    while let Some(piece) =
        response.chunk().await.context("the node didn't send the backup to its end; its log says why")?
    {
        to.write_all(&piece).context("the backup can't be written")?;
        progress.inc(piece.len() as u64);
    }
    Ok(())
}

fn progress() -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner} {bytes} in {elapsed} {msg}");
    let progress = ProgressBar::new_spinner().with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
    progress.enable_steady_tick(Duration::from_millis(100));
    progress
}

fn told(file: &Path, bytes: u64, manifest: &Manifest) -> String {
    let (file, size, unpacked) = (file.display(), HumanBytes(bytes), HumanBytes(manifest.bytes()));
    format!(
        "{file}: {size}, {unpacked} unpacked: {}\nIt holds secrets in the clear: keep it where nobody else reads it.",
        manifest.summary()
    )
}
