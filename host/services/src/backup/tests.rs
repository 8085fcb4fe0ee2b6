//! A backup and back, and every way in which a file can be none.

use super::manifest::{Manifest, NAME, Part};
use super::*;
use crate::access::Access;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use hostler_core::access::{Token, TokenDigest, TokenKind};
use hostler_core::changes::{Change, Changes, Expect};
use hostler_core::enrollment::{Invitation, InvitationState, Means, Pin, Places, Withdrawal};
use hostler_core::viewer::Right;
use hostler_core::{NodeId, Timestamp};
use hostler_store::{RedbStore, Store};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A node's data folder that a test made, with a key and a plug-in.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        let data = folder.data();
        for part in [AUTHORITY, PLUGINS, "compiled"] {
            std::fs::create_dir_all(data.join(part)).unwrap();
        }
        std::fs::write(data.join("authority/root.key"), "a key").unwrap();
        std::fs::write(data.join("authority/.half-written-x"), "half a key").unwrap();
        std::fs::write(data.join("enrollment.key"), [7; 32]).unwrap();
        std::fs::write(data.join("local.token"), "token").unwrap();
        std::fs::write(data.join("node.key"), "its own key").unwrap();
        std::fs::write(data.join(format!("plugins/{}.wasm", "a".repeat(64))), "component").unwrap();
        drop(folder.store());
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn data(&self) -> PathBuf {
        self.path("data")
    }

    fn store(&self) -> RedbStore {
        RedbStore::open(&self.data().join(STORE)).unwrap()
    }

    /// A backup of it.
    fn backup(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        gather_stopped(&self.data()).unwrap().write(&mut bytes).unwrap();
        bytes
    }

    /// Tries to restore these bytes into a new folder, and checks that nothing is left where that fails.
    fn restore(&self, bytes: &[u8]) -> Result<Restored, BackupError> {
        let (file, data) = (self.path("file"), self.path("new/data"));
        std::fs::write(&file, bytes).unwrap();
        let restored = super::restore(&file, &data, Present::Stays);
        if restored.is_err() {
            assert_eq!(names(&self.path("new")), Vec::<String>::new(), "{restored:?}");
        }
        restored
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// What is said about a file that is none.
fn refused(bytes: &[u8]) -> String {
    Folder(tempfile::tempdir().unwrap()).restore(bytes).unwrap_err().to_string()
}

/// A gzipped tar of these, whatever they are called.
fn tar_of(entries: &[(&str, tar::EntryType, &[u8])]) -> Vec<u8> {
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (name, kind, bytes) in entries {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(*kind);
        header.set_size(bytes.len() as u64);
        // What a well-behaved writer refuses to write.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_cksum();
        archive.append(&header, *bytes).unwrap();
    }
    archive.into_inner().unwrap().finish().unwrap()
}

fn unzipped(backup: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut plain = Vec::new();
    GzDecoder::new(backup).read_to_end(&mut plain).map(|_| plain)
}

fn zipped(tar: &[u8]) -> Vec<u8> {
    let mut zipped = GzEncoder::new(Vec::new(), Compression::fast());
    zipped.write_all(tar).unwrap();
    zipped.finish().unwrap()
}

fn manifest(files: &str) -> String {
    format!(r#"{{"format":1,"hostler":"9","at":1,"files":[{files}]}}"#)
}

fn listed(name: &str, bytes: u64) -> String {
    format!(r#"{{"name":{name:?},"bytes":{bytes},"sha256":"{}"}}"#, "0".repeat(64))
}

const FILE: tar::EntryType = tar::EntryType::Regular;

#[test]
fn e07_what_a_node_can_t_be_without_goes_there_and_back_and_nothing_else() {
    let folder = Folder::new();
    let backup = folder.backup();
    assert_eq!(names(&folder.data()).iter().filter(|name| name.starts_with('.')).count(), 0, "the copy is gone");
    let restored = folder.restore(&backup).unwrap();
    let data = folder.path("new/data");
    assert_eq!(names(&data), [AUTHORITY, STORE, "node.key", PLUGINS]);
    assert_eq!(names(&data.join(AUTHORITY)), ["root.key"]);
    assert_eq!(std::fs::read(data.join("authority/root.key")).unwrap(), b"a key");
    assert_eq!(names(&data.join(PLUGINS)), names(&folder.data().join(PLUGINS)));
    assert_eq!((restored.manifest.files.len(), restored.before), (4, None));
    use std::os::unix::fs::PermissionsExt;
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&data), mode(&data.join(AUTHORITY)), mode(&data.join(STORE))), (0o700, 0o700, 0o600));
    assert!(restored.manifest.summary().contains("private keys"));
}

#[test]
fn e07_what_is_there_stays_unless_it_may_go_beside_and_a_running_node_is_left_alone() {
    let folder = Folder::new();
    let file = folder.path("backup");
    std::fs::write(&file, folder.backup()).unwrap();
    let kept = |present| super::restore(&file, &folder.data(), present);
    assert!(matches!(kept(Present::Stays), Err(BackupError::Occupied { .. })));
    let running = folder.store();
    assert!(matches!(kept(Present::GoesBeside), Err(BackupError::Running { .. })));
    drop(running);
    let before = kept(Present::GoesBeside).unwrap().before.unwrap();
    assert!(before.join("enrollment.key").exists() && !folder.data().join("enrollment.key").exists());
    // One that is damaged is why somebody restores.
    std::fs::write(folder.data().join(STORE), "damaged").unwrap();
    assert_ne!(kept(Present::GoesBeside).unwrap().before.unwrap(), before);
    assert_eq!(names(folder.0.path()).len(), 4, "{:?}", names(folder.0.path()));
    // What a restore that was cut off left goes with the next.
    let left = folder.path("data.restoring-x");
    std::fs::create_dir(&left).unwrap();
    std::fs::write(left.join("unfinished"), "").unwrap();
    kept(Present::GoesBeside).unwrap();
    assert!(!left.exists());
    assert!(matches!(gather_stopped(&folder.path("nowhere")), Err(BackupError::NoNode { .. })));
}

#[test]
fn e07_a_backup_that_was_cut_or_changed_anywhere_is_refused_and_leaves_nothing() {
    let folder = Folder::new();
    let backup = folder.backup();
    assert_eq!(verify(backup.as_slice()).unwrap().files.len(), 4);
    for length in (0..backup.len()).step_by(97).chain(backup.len() - 30..backup.len()) {
        assert!(verify(&backup[..length]).is_err(), "cut at {length}");
    }
    let plain = unzipped(&backup).unwrap();
    // The head of the gzip has a time and an operating system, which say nothing; nor do the bits between its blocks.
    for at in (10..backup.len()).step_by(31) {
        let mut changed = backup.clone();
        changed[at] ^= 0x10;
        let same = || unzipped(&changed).is_ok_and(|unzipped| unzipped == plain);
        assert!(verify(changed.as_slice()).is_err() || same(), "changed at {at}");
    }
    // The same below the compression, where no checksum of gzip's helps.
    for (what, with) in [("a key", "A key"), ("component", "Component"), ("root.key", "root.kez")] {
        let at = plain.windows(what.len()).rposition(|window| window == what.as_bytes()).unwrap();
        let mut changed = plain.clone();
        changed[at..at + with.len()].copy_from_slice(with.as_bytes());
        let said = folder.restore(&zipped(&changed)).unwrap_err().to_string();
        assert!(said.contains("damaged"), "{said}");
    }
    let said = folder.restore(&backup[..backup.len() / 2]).unwrap_err().to_string();
    assert!(said.contains("damaged") && said.contains("another copy"), "{said}");
}

#[test]
fn e07_what_is_no_backup_is_refused_with_what_is_wrong() {
    for (bytes, word) in [
        (Vec::new(), "no backup"),
        (b"hello".to_vec(), "no backup"),
        (tar_of(&[("readme", FILE, b"hello")]), "doesn't begin with"),
        (tar_of(&[(NAME, tar::EntryType::Symlink, b"")]), "doesn't begin with"),
        (tar_of(&[(NAME, FILE, b"{}")]), "format"),
        (tar_of(&[(NAME, FILE, &vec![b' '; 2 << 20])]), "has no end"),
        (tar_of(&[(NAME, FILE, br#"{"format":2,"hostler":"9.1","new":1}"#)]), "hostler 9.1 or a later one"),
        (tar_of(&[(NAME, FILE, manifest("").as_bytes())]), "there is no hostler.redb"),
        (tar_of(&[(NAME, FILE, manifest(&listed(STORE, 1)).as_bytes())]), "isn't in it"),
        (tar_of(&[(NAME, FILE, manifest(&listed(STORE, 1)).as_bytes()), (STORE, FILE, b"x")]), "isn't what it was"),
        (tar_of(&[(NAME, FILE, manifest(&listed(STORE, 2)).as_bytes()), (STORE, FILE, b"x")]), "another length"),
        (tar_of(&[(NAME, FILE, manifest(&listed(STORE, 1 << 39)).as_bytes()), (STORE, FILE, b"x")]), "there are"),
        (tar_of(&[(NAME, FILE, manifest(&listed(STORE, u64::MAX)).as_bytes())]), "and may have"),
        (tar_of(&[(NAME, FILE, manifest(&[listed(STORE, 1), listed(STORE, 1)].join(",")).as_bytes())]), "twice"),
        (tar_of(&[(NAME, FILE, manifest(&vec![listed(STORE, 1); 4_097].join(",")).as_bytes())]), "at most"),
    ] {
        let said = refused(&bytes);
        assert!(said.contains(word), "{word}: {said}");
    }
}

#[test]
fn e07_a_backup_writes_nowhere_else() {
    for name in
        ["../x", "/etc/passwd", "authority/../x", "authority/.x", "authority/", "authority/a/b", "plugins/x.wasm"]
    {
        assert!(name.parse::<Part>().is_err(), "{name}");
        let files = manifest(&format!("{},{}", listed(STORE, 0), listed(name, 1)));
        assert!(refused(&tar_of(&[(NAME, FILE, files.as_bytes())])).contains("names nothing"), "{name}");
        // What it says is well, and what is in it isn't.
        let files = manifest(&listed(STORE, 1));
        let said = refused(&tar_of(&[(NAME, FILE, files.as_bytes()), (name, FILE, b"x")]));
        assert!(said.contains("where hostler.redb should be"), "{name}: {said}");
    }
    let files = manifest(&listed(STORE, 0));
    for kind in [tar::EntryType::Symlink, tar::EntryType::Link, tar::EntryType::Directory, tar::EntryType::GNULongName]
    {
        let said = refused(&tar_of(&[(NAME, FILE, files.as_bytes()), (STORE, kind, b"")]));
        assert!(said.contains("damaged"), "{kind:?}: {said}");
    }
    for good in ["authority/root.key", "authority/intermediate.pem", STORE] {
        assert_eq!(good.parse::<Part>().unwrap().to_string(), good);
    }
}

fn invitation(pin: &str, left: u32, expires_at: u64) -> Invitation {
    Invitation {
        digest: pin.parse::<Pin>().unwrap().digest(),
        by: "u@example".parse().unwrap(),
        registration: "r-1".parse().unwrap(),
        index: 0,
        means: Means::Pin,
        places: Places::Exactly { left },
        taken: 0,
        made_at: Timestamp(0),
        expires_at: Timestamp(expires_at),
        state: InvitationState::Alive,
    }
}

#[tokio::test]
async fn e07_what_lived_in_a_copy_ends_once_when_it_is_put_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(STORE);
    let store: Arc<dyn Store> = Arc::new(RedbStore::in_memory().unwrap());
    let access = Access::new(Arc::clone(&store), []);
    access.first_user("admin".parse().unwrap()).await.unwrap();
    access.local_token(None).await.unwrap();
    let pins = [("ALIVE000", 2, u64::MAX), ("SPENT000", 0, u64::MAX), ("E1D00000", 1, 5)];
    let invitations = pins.map(|(pin, left, ends)| invitation(pin, left, ends));
    let mut changes: Changes = invitations
        .iter()
        .map(|invitation| {
            let (digest, value) = (invitation.digest.clone(), Some(Box::new(invitation.clone())));
            Change::Invitation { digest, expect: Expect::Absent, value }
        })
        .collect();
    let token = |kind| Token {
        kind,
        label: "x".to_owned(),
        user: "admin".parse().unwrap(),
        right: Right::See,
        created_at: Timestamp(1),
        expires_at: Timestamp(u64::MAX - 1),
    };
    for kind in [TokenKind::Session, TokenKind::Program] {
        changes =
            changes.and(Change::Token { digest: TokenDigest::of(&format!("{kind:?}")), value: Some(token(kind)) });
    }
    store.commit(changes).await.unwrap();
    reconcile(&*store, &"manager".parse().unwrap(), None).await.unwrap();
    assert!(store.events(None, None, 9).unwrap().is_empty(), "it is no copy");
    let node: NodeId = "gateway-1".parse().unwrap();
    access.accept_child(node.clone(), &hostler_core::Secret::new("t".to_owned())).await.unwrap();
    store.copy_to(&path, Timestamp(10)).unwrap();

    let copy = RedbStore::open(&path).unwrap();
    let epoch = copy.numbers(&node).unwrap().epoch;
    for _ in 0..2 {
        reconcile(&copy, &"manager".parse().unwrap(), None).await.unwrap();
        let digests: Vec<_> = invitations.iter().map(|invitation| invitation.digest.clone()).collect();
        let states: Vec<_> =
            copy.invitations(&digests).unwrap().into_iter().map(|row| row.unwrap().value.state).collect();
        let gone = InvitationState::Withdrawn(Withdrawal::BackupRestored);
        assert_eq!(states, [gone, InvitationState::Alive, InvitationState::Alive]);
        let kinds: Vec<_> = copy.tokens().unwrap().into_iter().map(|(_, token)| token.kind).collect();
        assert_eq!(kinds, [TokenKind::Program]);
        let events = copy.events(None, None, 9).unwrap();
        assert_eq!((events.len(), events[0].1.name.as_str()), (1, "backup.restored"));
        assert!(events[0].1.text.contains("1 PINs and keys") && events[0].1.text.contains("2 log-ins"), "{events:?}");
    }
    assert_ne!(copy.numbers(&node).unwrap().epoch, epoch, "it tells everything anew");
    assert_eq!(store.invitations(&[invitations[0].digest.clone()]).unwrap()[0].as_ref().unwrap().value, invitations[0]);
}

#[test]
fn e07_a_manifest_written_by_this_release_is_read_by_every_later_one() {
    let written = format!(
        r#"{{"format":1,"hostler":"0.1.0","node":"manager","at":7,"files":[{},{}]}}"#,
        listed("authority/root.key", 3),
        listed(STORE, 9)
    );
    let read = Manifest::parse(written.as_bytes()).unwrap();
    assert_eq!((read.bytes(), read.node.as_ref().map(NodeId::as_str)), (12, Some("manager")));
    assert_eq!(serde_json::to_string(&read).unwrap(), written);
}
