//! The authority's files: made, opened again, broken.

use super::*;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn refused(folder: &Path, now: Timestamp) -> String {
    Authority::open(folder, &names(), now).map(|_| ()).unwrap_err().to_string()
}

#[test]
fn e08_is_made_once_and_opened_again_the_same() {
    let (_above, folder) = place();
    let made = Authority::open(&folder, &names(), START).unwrap().root_fingerprint();
    let opened = Authority::open(&folder, &Names { organisation: None, ..names() }, days(1)).unwrap();
    assert_eq!(opened.root_fingerprint(), made);
    assert_eq!(made.as_str().parse::<Fingerprint>().unwrap(), made);
    assert_eq!(mode(&folder), 0o700);
    for file in ["root.key", "root.crt", "intermediate.pem"] {
        assert_eq!(mode(&folder.join(file)), 0o600, "{file}");
    }
    let text = std::fs::read_to_string(folder.join("root.crt")).unwrap();
    let root = &chain(&text)[0];
    let root = x509_parser::parse_x509_certificate(root).unwrap().1;
    assert_eq!(root.subject().to_string(), "CN=hostler root of Example");
    let limits = root.basic_constraints().unwrap().unwrap().value;
    assert_eq!((limits.ca, limits.path_len_constraint), (true, Some(1)));
}

/// What a making has done by the time of each crash: files beside, in their order, the last of them whole, half, or
/// under the name that it has before it is whole.
#[test]
fn e08_a_crash_at_any_step_of_the_first_making_leaves_nothing_or_all() {
    let (_model_above, model) = place();
    Authority::open(&model, &names(), START).unwrap();
    let order = ["root.crt", "root.key", "intermediate.pem"];
    for done in 0..=order.len() {
        for half in [None, Some("half"), Some("temporary")] {
            let (above, folder) = place();
            let beside = making::beside(&folder).unwrap();
            std::fs::create_dir(&beside).unwrap();
            for file in &order[..done] {
                std::fs::copy(model.join(file), beside.join(file)).unwrap();
            }
            if let (Some(half), Some(next)) = (half, order.get(done)) {
                let bytes = std::fs::read(model.join(next)).unwrap();
                let name = if half == "half" { (*next).to_owned() } else { ".half-written-x".to_owned() };
                std::fs::write(beside.join(name), &bytes[..bytes.len() / 2]).unwrap();
            }
            let made = Authority::open(&folder, &names(), START).unwrap().root_fingerprint();
            assert!(!beside.exists(), "{done} {half:?}");
            let mut left: Vec<_> =
                std::fs::read_dir(above.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
            assert_eq!(left.pop().unwrap(), "authority");
            assert!(left.is_empty());
            assert_eq!(Authority::open(&folder, &names(), START).unwrap().root_fingerprint(), made);
        }
    }
    // After the last step it is the authority.
    let (_above, folder) = place();
    std::fs::create_dir(making::beside(&folder).unwrap()).unwrap();
    std::fs::create_dir(&folder).unwrap();
    Authority::open(&folder, &names(), START).unwrap();
}

#[test]
fn e08_what_a_crash_left_half_written_is_removed_at_the_next_start() {
    let (_above, folder) = place();
    Authority::open(&folder, &names(), START).unwrap();
    let half = folder.join(".half-written-key");
    std::fs::write(&half, "-----BEGIN PRIVATE KEY-----").unwrap();
    Authority::open(&folder, &names(), START).unwrap();
    assert!(!half.exists());
}

#[test]
fn e08_what_is_missing_damaged_or_foreign_is_named() {
    let (_other_above, other) = place();
    Authority::open(&other, &names(), START).unwrap();
    type Harm<'a> = &'a dyn Fn(&Path);
    let gone: Harm = &|path| std::fs::remove_file(path).unwrap();
    let garbled: Harm =
        &|path| std::fs::write(path, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
    let empty: Harm = &|path| std::fs::write(path, "").unwrap();
    let huge: Harm = &|path| std::fs::write(path, vec![b'x'; 1_000_000]).unwrap();
    let binary: Harm = &|path| std::fs::write(path, [0xff; 100]).unwrap();
    let swapped: Harm = &|path| {
        std::fs::copy(other.join(path.file_name().unwrap()), path).unwrap();
    };
    for (file, harm, says) in [
        ("root.crt", gone, "missing"),
        ("root.crt", garbled, "damaged"),
        ("root.crt", huge, "too long"),
        ("root.crt", binary, "no text"),
        ("root.key", empty, "no private key"),
        ("root.key", swapped, "isn't the key of root.crt"),
        ("intermediate.pem", gone, "missing"),
        ("intermediate.pem", empty, "no certificate"),
        ("intermediate.pem", garbled, "damaged"),
        ("intermediate.pem", swapped, "isn't signed by root.crt"),
    ] {
        let (_above, folder) = place();
        Authority::open(&folder, &names(), START).unwrap();
        harm(&folder.join(file));
        let text = refused(&folder, START);
        assert!(text.contains(file) && text.contains(says), "{file}, {says}: {text}");
    }
}

#[test]
fn e08_a_key_of_another_certificate_is_refused() {
    let (_above, folder) = place();
    Authority::open(&folder, &names(), START).unwrap();
    let path = folder.join("intermediate.pem");
    let text = std::fs::read_to_string(&path).unwrap();
    let certificate = text.split_inclusive("-----END CERTIFICATE-----\r\n").next().unwrap().to_owned();
    assert!(certificate.len() < text.len());
    Identity::make().unwrap().save(&folder.join("stranger")).unwrap();
    let stranger = std::fs::read_to_string(folder.join("stranger")).unwrap();
    std::fs::write(&path, certificate + &stranger).unwrap();
    assert!(refused(&folder, START).contains("its key isn't its certificate's"));
}

#[test]
fn e08_a_wrong_clock_and_an_end_are_named_with_their_times() {
    let (_above, folder) = place();
    Authority::open(&folder, &names(), START).unwrap();
    let early = Timestamp(START.0 - 3 * 86_400_000);
    let text = refused(&folder, early);
    assert!(text.contains("root.crt") && text.contains(&early.to_string()) && text.contains("clock"), "{text}");
    let text = refused(&folder, days(21 * 365));
    assert!(text.contains("root.crt") && text.contains(&days(21 * 365).to_string()), "{text}");
}

#[test]
fn e08_an_intermediate_that_ended_is_renewed_or_says_what_to_do() {
    let (above, folder) = place();
    let root = Authority::open(&folder, &names(), START).unwrap().root_fingerprint();
    let elsewhere = above.path().join("safe");
    std::fs::rename(folder.join("root.key"), &elsewhere).unwrap();
    let text = refused(&folder, days(900));
    assert!(text.contains("intermediate.pem") && text.contains("put root.key back into"), "{text}");
    std::fs::rename(&elsewhere, folder.join("root.key")).unwrap();
    let opened = Authority::open(&folder, &names(), days(900)).unwrap();
    assert_eq!(opened.root_fingerprint(), root);
    assert_eq!(opened.tend(days(900)).unwrap(), Tended::NotDue);
}

#[test]
fn e08_without_the_root_key_issuing_goes_on_and_renewing_says_what_to_do() {
    let (above, folder) = place();
    let authority = Authority::open(&folder, &names(), START).unwrap();
    let elsewhere = above.path().join("safe");
    std::fs::rename(folder.join("root.key"), &elsewhere).unwrap();
    drop(authority);
    let authority = Authority::open(&folder, &names(), days(600)).unwrap();
    let identity = Identity::make().unwrap();
    let request = identity.request().unwrap();
    authority.issue(&request, &id("printer"), LIFETIME, days(600)).unwrap();
    authority.server_certificate(&["manager.example".to_owned()], days(600)).unwrap();
    let text = authority.tend(days(600)).unwrap_err().to_string();
    let ends = days(730).to_string();
    assert!(text.contains("put root.key back into") && text.contains(&ends), "{text}");
    // Nothing outlives the intermediate, and after it nothing is issued.
    let last = authority.issue(&request, &id("printer"), LIFETIME, days(700)).unwrap();
    assert_eq!(last.not_after, days(730));
    assert!(matches!(
        authority.issue(&request, &id("printer"), LIFETIME, days(731)),
        Err(AuthorityError::Expired { .. })
    ));
    // Put back, the running authority goes on, and so does the next one.
    std::fs::rename(&elsewhere, folder.join("root.key")).unwrap();
    assert_eq!(authority.tend(days(700)).unwrap(), Tended::Renewed { not_after: days(1430) });
    assert_eq!(authority.issue(&request, &id("printer"), LIFETIME, days(700)).unwrap().not_after, days(790));
    let reopened = Authority::open(&folder, &names(), days(1000)).unwrap();
    assert_eq!(reopened.tend(days(1000)).unwrap(), Tended::NotDue);
}

#[test]
fn e08_a_nodes_key_is_kept_for_its_owner_only() {
    let above = tempfile::tempdir().unwrap();
    let path = above.path().join("node.key");
    assert!(Identity::load(&path).unwrap().is_none());
    let made = Identity::make().unwrap();
    made.save(&path).unwrap();
    assert_eq!(mode(&path), 0o600);
    assert_eq!(Identity::load(&path).unwrap().unwrap().fingerprint(), made.fingerprint());
    std::fs::write(&path, "nothing").unwrap();
    assert!(Identity::load(&path).map(|_| ()).unwrap_err().to_string().contains("no private key"));
}
