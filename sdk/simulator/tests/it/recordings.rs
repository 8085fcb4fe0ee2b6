//! Recordings of real devices, where they are at hand: the folder that HOSTLER_RECORDINGS names, or
//! `shared/recordings` above this crate.

use std::path::{Path, PathBuf};

use async_snmp::Auth;
use hostler_simulator::{Fleet, FleetConfig, Share, Source, snmprec};

use crate::{client, config, oid};

#[path = "../../../plugin/src/testing/skipped.rs"]
mod skipped;
use skipped::skipped;

fn recordings() -> Option<Vec<PathBuf>> {
    let named = std::env::var_os("HOSTLER_RECORDINGS").map(PathBuf::from);
    let above = || Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|folder| folder.join("shared/recordings"));
    let folder = named.or_else(|| above().find(|folder| folder.is_dir()))?.join("snmp");
    let files = |folder: &Path| std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let all = ["", "identity-only", "not-printers"].into_iter().flat_map(|part| files(&folder.join(part)));
    let recordings: Vec<PathBuf> = all.filter(|path| path.extension().is_some_and(|end| end == "snmprec")).collect();
    (!recordings.is_empty()).then_some(recordings)
}

#[tokio::test]
async fn every_recording_is_taken_and_walks_in_order() {
    let Some(recordings) = recordings() else {
        return skipped("the recordings of real devices are not here (set HOSTLER_RECORDINGS to their folder)");
    };
    let count = u32::try_from(recordings.len()).expect("few");
    let share = |path: &PathBuf| Share { source: Source::Recording(path.clone()), weight: 1 };
    let mix = recordings.iter().map(share).collect();
    let any = hostler_simulator::profile::fern_220();
    let fleet = Fleet::start(FleetConfig { mix, ..config(any, count) }).await.expect("fleet");
    for (device, path) in fleet.devices().iter().zip(&recordings) {
        let objects = snmprec::parse(&std::fs::read(path).expect("read")).expect("taken").len();
        let client = client(device, Auth::v2c("public")).await;
        let walked = client.bulk_walk(oid("1.3.6.1"), 25).expect("walk").collect().await.expect("walked");
        // A recording has what was recorded, and a console and alerts of ours where it has a Printer-MIB.
        assert!(walked.len() >= objects, "{}: {} of {objects}", path.display(), walked.len());
        assert!(walked.windows(2).all(|pair| pair[0].oid < pair[1].oid), "{}", path.display());
    }
}
