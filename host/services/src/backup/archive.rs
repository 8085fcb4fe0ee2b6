//! Writing a backup: the manifest, then each file, as a gzipped tar.

use super::error::BackupError;
use super::gather::Gathered;
use super::manifest::{Listed, Manifest, NAME};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::{self, Read, Write};
use tar::{Builder, EntryType, Header};

impl Gathered {
    /// Writes the backup. Blocks.
    ///
    /// # Errors
    /// [`BackupError::Write`].
    pub fn write(self, to: impl Write) -> Result<Manifest, BackupError> {
        let mut archive = Builder::new(GzEncoder::new(to, Compression::fast()));
        let text = serde_json::to_vec_pretty(&self.manifest).map_err(|error| BackupError::Write(error.into()))?;
        let mut write = || {
            append(&mut archive, NAME, text.len() as u64, text.as_slice())?;
            for (Listed { name, bytes, .. }, file) in self.manifest.files.iter().zip(&self.files) {
                append(&mut archive, &name.to_string(), *bytes, file.take(*bytes))?;
            }
            archive.finish()
        };
        write().map_err(BackupError::Write)?;
        let mut to = archive.into_inner().and_then(GzEncoder::finish).map_err(BackupError::Write)?;
        to.flush().map_err(BackupError::Write)?;
        Ok(self.manifest)
    }
}

fn append(archive: &mut Builder<impl Write>, name: &str, bytes: u64, content: impl Read) -> io::Result<()> {
    let mut header = Header::new_gnu();
    header.set_entry_type(EntryType::Regular);
    header.set_size(bytes);
    // Whoever unpacks it by hand has files for themselves only.
    header.set_mode(0o600);
    archive.append_data(&mut header, name, content)
}
