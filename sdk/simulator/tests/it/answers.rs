//! GET, GETNEXT, GETBULK and SET over the wire.

use async_snmp::{Auth, ErrorStatus, Oid, Value, Version};
use hostler_simulator::profile::{fern_220, heron_s80, orchid_c4500};

use crate::{client, get, impatient, oid, start};

const PRINTER_MIB: &str = "1.3.6.1.2.1.43";

#[tokio::test]
async fn a_walk_over_a_whole_profile_is_strictly_increasing() {
    for profile in [orchid_c4500(), fern_220(), heron_s80()] {
        let (_fleet, _, client) = start(profile).await;
        let by_next = client.walk_getnext(oid("1.3.6.1")).expect("walk").collect().await.expect("walked");
        let by_bulk = client.bulk_walk(oid("1.3.6.1"), 20).expect("walk").collect().await.expect("walked");
        assert!(by_next.len() > 30, "{}", by_next.len());
        assert!(by_next.windows(2).all(|pair| pair[0].oid < pair[1].oid));
        let names = |rows: &[async_snmp::VarBind]| rows.iter().map(|row| row.oid.clone()).collect::<Vec<Oid>>();
        assert_eq!(names(&by_next), names(&by_bulk));
    }
}

#[tokio::test]
async fn get_tells_values_and_what_is_missing() {
    let (_fleet, device, client) = start(orchid_c4500()).await;
    assert_eq!(get(&client, "1.3.6.1.2.1.43.5.1.1.17.1").await, Value::from(device.serial.as_str()));
    assert_eq!(get(&client, "1.3.6.1.2.1.1.1.9").await, Value::NoSuchInstance);
    assert_eq!(get(&client, "1.3.6.1.2.1.99.1.0").await, Value::NoSuchObject);
    assert_eq!(get(&client, "1.3.6.1.2.1.43.11.1.1.9.1.8").await, Value::Integer(-3));
}

#[tokio::test]
async fn bulk_asks_some_once_and_the_others_again() {
    let (_fleet, _, client) = start(orchid_c4500()).await;
    let asked = [oid("1.3.6.1.2.1.1.3"), oid("1.3.6.1.2.1.43.11.1.1.6"), oid("1.3.6.1.2.1.43.11.1.1.9")];
    let answer = client.get_bulk(&asked, 1, 3).await.expect("answer");
    let names: Vec<String> = answer.iter().map(|row| row.oid.to_string()).collect();
    let supply = |column, row| format!("1.3.6.1.2.1.43.11.1.1.{column}.1.{row}");
    let mut expected = vec!["1.3.6.1.2.1.1.3.0".to_owned()];
    expected.extend((1..=3).flat_map(|row| [supply(6, row), supply(9, row)]));
    assert_eq!(names, expected);
}

#[tokio::test]
async fn a_long_bulk_fits_one_frame() {
    let (_fleet, _, client) = start(orchid_c4500()).await;
    let answer = client.get_bulk(&[oid("1.3.6.1")], 0, 500).await.expect("answer");
    assert!((20..200).contains(&answer.len()), "{}", answer.len());
}

#[tokio::test]
async fn version_1_has_errors_for_exceptions() {
    let (_fleet, device, _) = start(heron_s80()).await;
    let client = client(&device, Auth::v1("public")).await;
    assert_eq!(client.version(), Version::V1);
    assert!(get(&client, "1.3.6.1.2.1.1.3.0").await.as_u32().is_some());
    let missing = client.get(&oid("1.3.6.1.2.1.99.1.0")).await.expect_err("missing");
    assert!(missing.to_string().to_lowercase().contains("nosuchname"), "{missing}");
    let walked = client.walk_getnext(oid("1.3.6.1.4.1.99999")).expect("walk").collect().await.expect("walked");
    assert_eq!(walked.len(), 6);
}

#[tokio::test]
async fn only_the_community_for_it_writes() {
    let (_fleet, device, reader) = start(orchid_c4500()).await;
    let writer = client(&device, Auth::v2c("private")).await;
    let location = oid("1.3.6.1.2.1.1.6.0");
    let refused = |error: Box<async_snmp::Error>| match *error {
        async_snmp::Error::Snmp { status, .. } => status,
        other => panic!("{other}"),
    };
    let status = refused(reader.set(&location, "Room 1".into()).await.expect_err("reader"));
    assert_eq!(status, ErrorStatus::NoAccess);
    writer.set(&location, "Room 2".into()).await.expect("written");
    assert_eq!(get(&reader, "1.3.6.1.2.1.1.6.0").await, Value::from("Room 2"));
    let serial = oid("1.3.6.1.2.1.43.5.1.1.17.1");
    assert_eq!(refused(writer.set(&serial, "mine".into()).await.expect_err("serial")), ErrorStatus::NotWritable);
    assert_eq!(refused(writer.set(&location, 7.into()).await.expect_err("type")), ErrorStatus::WrongType);
}

#[tokio::test]
async fn a_reset_starts_uptime_anew_and_keeps_the_life_count() {
    let (_fleet, device, reader) = start(orchid_c4500()).await;
    let writer = client(&device, Auth::v2c("private")).await;
    device.control.advance_pages(12);
    let life = get(&reader, "1.3.6.1.2.1.43.10.2.1.4.1.1").await;
    let before = get(&reader, "1.3.6.1.2.1.1.3.0").await.as_u32().expect("ticks");
    writer.set(&oid("1.3.6.1.2.1.43.5.1.1.3.1"), 4.into()).await.expect("reset");
    assert!(get(&reader, "1.3.6.1.2.1.1.3.0").await.as_u32().expect("ticks") < before);
    assert_eq!(get(&reader, "1.3.6.1.2.1.43.10.2.1.4.1.1").await, life);
    assert_eq!(get(&reader, "1.3.6.1.2.1.43.10.2.1.5.1.1").await, Value::Counter32(0));
}

#[tokio::test]
async fn a_wrong_community_and_foreign_bytes_get_no_answer() {
    let (_fleet, device, good) = start(fern_220()).await;
    let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.expect("socket");
    for bytes in [&b"\x30\x05\x02\x01"[..], b"", b"GET / HTTP/1.1", &[0x30; 4000]] {
        socket.send_to(bytes, device.address).await.expect("sent");
    }
    let stranger = impatient(&device, Auth::v2c("guess")).await;
    assert!(stranger.get(&oid("1.3.6.1.2.1.1.1.0")).await.is_err());
    // A device takes its datagrams in turn: an answer to this would come after one to those.
    get(&good, "1.3.6.1.2.1.1.1.0").await;
    assert_eq!(device.control.requests(), 1);
    assert!(socket.try_recv(&mut [0; 16]).is_err());
}

#[tokio::test]
async fn alert_rows_are_walked_in_their_place() {
    let (_fleet, device, client) = start(orchid_c4500()).await;
    device.control.clear_all();
    device.control.raise(hostler_simulator::Condition::CoverOpen);
    let rows = client.bulk_walk(oid(PRINTER_MIB), 10).expect("walk").collect().await.expect("walked");
    let alerts: Vec<_> = rows.iter().filter(|row| row.oid.to_string().starts_with("1.3.6.1.2.1.43.18.1.1.")).collect();
    assert_eq!(alerts.len(), 8);
    assert!(rows.windows(2).all(|pair| pair[0].oid < pair[1].oid));
}
