//! P5 and P2: what is granted, kept, thrown away and told of plug-ins, over a real store and real components.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use hostler_core::PluginName;
use hostler_core::plugin::{Grant, MANIFEST_SECTION, inspect};
use hostler_core::viewer::{Right, Viewer};
use hostler_runtime::{Compiler, Runtime};
use hostler_services::{Catalogue, Installed, PluginView, ServiceError};
use hostler_store::{RedbStore, Store};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A node's catalogue in a folder of its own.
struct Stage {
    folder: tempfile::TempDir,
    store: Arc<dyn Store>,
    catalogue: Arc<Catalogue>,
}

impl Stage {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store: Arc<dyn Store> = Arc::new(RedbStore::in_memory().unwrap());
        let catalogue = open(folder.path(), &store).await;
        Self { folder, store, catalogue }
    }

    /// As after a restart.
    async fn start_again(&mut self) {
        self.catalogue = open(self.folder.path(), &self.store).await;
    }

    async fn install(&self, component: Vec<u8>, approve: bool) -> Installed {
        self.catalogue.install(&admin(), component, approve).await.unwrap()
    }

    fn plugins(&self) -> PathBuf {
        self.folder.path().join("plugins")
    }

    /// The digests of what is kept: components, and what was compiled of them.
    fn kept(&self) -> (BTreeSet<String>, BTreeSet<String>) {
        let names = |folder: PathBuf| {
            let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
            files.map(|name| name.split(['.', '-']).next().unwrap().to_owned()).collect()
        };
        (names(self.plugins()), names(self.folder.path().join("compiled")))
    }
}

async fn open(folder: &Path, store: &Arc<dyn Store>) -> Arc<Catalogue> {
    let runtime = Runtime::start(folder.join("compiled"), Compiler::Here).unwrap();
    Catalogue::open(Arc::clone(store), runtime, folder.join("plugins")).await.unwrap()
}

fn admin() -> Viewer {
    Viewer { user: "admin".parse().unwrap(), right: Right::Administer }
}

fn name() -> PluginName {
    "bench-guest".parse().unwrap()
}

/// A release of a small plug-in that asks for this.
fn release(version: &str, needs: &str) -> Vec<u8> {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("plugins").join("bench-guest.wasm");
    let bytes = std::fs::read(&file)
        .unwrap_or_else(|error| panic!("{} can't be read ({error}); run `./just plugins`", file.display()));
    let old = inspect(&bytes).unwrap().manifest_text;
    let text = format!(
        "[plugin]\nname = \"{}\"\nversion = \"{version}\"\ntitle = \"Made\"\ndevice-types = [\"other\"]\n\n[needs]\n{needs}\n",
        name()
    );
    [bytes.strip_suffix(section(&old).as_slice()).unwrap(), section(&text).as_slice()].concat()
}

/// The custom section that carries a manifest.
fn section(text: &str) -> Vec<u8> {
    let name = MANIFEST_SECTION.as_bytes();
    let body = [leb128(name.len()), name.to_vec(), text.as_bytes().to_vec()].concat();
    [vec![0], leb128(body.len()), body].concat()
}

fn leb128(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = (number & 0x7f) as u8;
        number >>= 7;
        bytes.push(if number == 0 { low } else { low | 0x80 });
        if number == 0 {
            return bytes;
        }
    }
}

fn digest(component: &[u8]) -> String {
    inspect(component).unwrap().digest
}

/// The grant after an advice was followed at the command line, which adds.
fn advised(plugin: &PluginView, advice: &str) -> Grant {
    let (_, command) = advice.split_once("`hostler plugin grant bench-guest ").unwrap_or_else(|| panic!("{advice}"));
    let (words, _) = command.split_once('`').unwrap();
    let added = words.split(' ').map(|word| word.parse().unwrap());
    Grant(plugin.record.grant.0.iter().cloned().chain(added).collect())
}

#[tokio::test]
async fn p02_an_upgrade_that_asks_for_a_credential_waits_and_names_it() {
    let stage = Stage::new().await;
    stage.install(release("1.0.0", "http = {}"), true).await;
    let outcome = stage.install(release("2.0.0", "http = { credentials = [\"admin\"] }"), false).await;
    let Installed::Waiting { plugin, missing, .. } = outcome else { panic!("{outcome:?}") };
    assert!(missing.iter().any(|missing| missing.contains("credential admin")), "{missing:?}");
    assert_eq!(plugin.record.active.version.to_string(), "1.0.0");
    let ask = plugin.asks.iter().find(|ask| ask.capability.to_string() == "credential:admin").unwrap();
    assert!(!ask.granted && ask.question.contains("admin"));
    let grant = Grant(["http".parse().unwrap(), "credential:admin".parse().unwrap()].into());
    let view = stage.catalogue.grant(&admin(), &name(), grant).await.unwrap();
    assert_eq!(view.record.active.version.to_string(), "2.0.0");
    assert!(view.asks.iter().all(|ask| ask.granted));
}

#[tokio::test]
async fn p05_following_the_advice_once_makes_it_work() {
    let stage = Stage::new().await;
    let outcome = stage.install(release("1.0.0", "snmp = {}\nstate = true\ncache = true"), false).await;
    let Installed::Waiting { plugin, missing, what_to_do } = outcome else { panic!("{outcome:?}") };
    assert_eq!(missing.len(), 3, "{missing:?}");
    let trouble = plugin.trouble.clone().unwrap();
    assert!(trouble.contains(&what_to_do), "{trouble}");
    let view = stage.catalogue.grant(&admin(), &name(), advised(&plugin, &what_to_do)).await.unwrap();
    assert_eq!(view.trouble, None);

    // An upgrade's advice gives back what a release before needs, too.
    let outcome = stage.install(release("2.0.0", "snmp = { write = true }"), false).await;
    let Installed::Waiting { plugin, what_to_do, .. } = outcome else { panic!("{outcome:?}") };
    let view = stage.catalogue.grant(&admin(), &name(), advised(&plugin, &what_to_do)).await.unwrap();
    assert_eq!((view.record.active.version.to_string().as_str(), view.trouble), ("2.0.0", None));
    let view = stage.catalogue.rollback(&admin(), &name()).await.unwrap();
    assert_eq!((view.record.active.version.to_string().as_str(), view.trouble), ("1.0.0", None));
}

#[tokio::test]
async fn p02_what_a_plug_in_does_not_ask_for_is_not_granted() {
    let stage = Stage::new().await;
    stage.install(release("1.0.0", "state = true"), true).await;
    let more = Grant(["state".parse().unwrap(), "http".parse().unwrap()].into());
    let refusal = stage.catalogue.grant(&admin(), &name(), more).await.unwrap_err();
    assert!(matches!(refusal, ServiceError::Invalid(_)), "{refusal}");
    assert!(refusal.to_string().contains("does not ask for http; it asks for state"), "{refusal}");
    assert_eq!(
        stage.catalogue.inspect(&admin(), &name()).unwrap().record.grant,
        Grant(["state".parse().unwrap()].into())
    );
}

#[tokio::test]
async fn p05_what_no_record_needs_any_more_is_deleted() {
    let mut stage = Stage::new().await;
    let releases: Vec<Vec<u8>> =
        ["1.0.0", "2.0.0", "3.0.0"].iter().map(|version| release(version, "state = true")).collect();
    let digests: Vec<String> = releases.iter().map(|release| digest(release)).collect();
    for release in releases {
        stage.install(release, true).await;
    }
    let two: BTreeSet<String> = digests[1..].iter().cloned().collect();
    assert_eq!(stage.kept(), (two.clone(), two.clone()));

    // What a crash left, and what another engine compiled, goes at the next start; what isn't ours stays.
    let compiled = stage.folder.path().join("compiled");
    std::fs::write(stage.plugins().join(format!("{}.wasm", digests[0])), b"left").unwrap();
    std::fs::write(stage.plugins().join(".tmpAbCdEf"), b"half").unwrap();
    std::fs::write(compiled.join(format!("{}-0123456789abcdef.cwasm", digests[2])), b"of another engine").unwrap();
    stage.start_again().await;
    assert_eq!(stage.kept(), (two.clone(), two));
    assert_eq!(std::fs::read_dir(&compiled).unwrap().count(), 2);
    let view = stage.catalogue.rollback(&admin(), &name()).await.unwrap();
    assert_eq!(view.record.active.digest, digests[1]);

    std::fs::write(stage.plugins().join("notes.txt"), b"somebody's").unwrap();
    stage.catalogue.remove(&admin(), &name()).await.unwrap();
    assert_eq!(stage.kept(), (["notes".to_owned()].into(), [].into()));
}

#[tokio::test]
async fn p05_a_damaged_plug_in_is_listed_with_what_to_do() {
    let mut stage = Stage::new().await;
    stage.install(release("1.0.0", "state = true"), true).await;
    let second = release("2.0.0", "state = true");
    stage.install(second.clone(), true).await;
    let file = stage.plugins().join(format!("{}.wasm", digest(&second)));
    for damage in [Some(b"something else"), None] {
        match damage {
            Some(bytes) => std::fs::write(&file, bytes).unwrap(),
            None => std::fs::remove_file(&file).unwrap(),
        }
        stage.start_again().await;
        let listed = stage.catalogue.list(&admin()).unwrap();
        assert_eq!(listed.len(), 1);
        let trouble = listed[0].trouble.clone().unwrap();
        assert!(trouble.contains("install that release again"), "{trouble}");
        assert!(trouble.contains("rollback bench-guest"), "{trouble}");
        let view = stage.catalogue.inspect(&admin(), &name()).unwrap();
        assert_eq!((view.title.as_str(), view.trouble.unwrap()), ("bench-guest", trouble));
    }
    let unknown = stage.catalogue.inspect(&admin(), &"other".parse().unwrap());
    assert!(matches!(unknown, Err(ServiceError::NotFound(_))));

    stage.install(second, false).await;
    assert_eq!(stage.catalogue.inspect(&admin(), &name()).unwrap().trouble, None);
}
