//! Every fault, as the wire shows it.

use std::time::{Duration, Instant};

use async_snmp::{Auth, Client, Error, ErrorStatus, Retry, UdpClient, Value, WalkAbortReason, WalkOptions};
use hostler_simulator::profile::{fern_220, orchid_c4500};
use hostler_simulator::{Fault, Fleet, SimulatedDevice};

use crate::{get, impatient, oid, start};

const DESCRIPTION: &str = "1.3.6.1.2.1.1.1.0";
const LEVELS: &str = "1.3.6.1.2.1.43.11.1.1.9";

async fn with(fault: Fault) -> (Fleet, SimulatedDevice, UdpClient) {
    let (fleet, device, client) = start(orchid_c4500()).await;
    device.control.set_fault(fault);
    (fleet, device, client)
}

fn status(error: &Error) -> Option<ErrorStatus> {
    match error {
        Error::Snmp { status, .. } => Some(*status),
        _ => None,
    }
}

#[tokio::test]
async fn slow_answers_come_late_but_come() {
    let late = Duration::from_millis(200);
    let (_fleet, device, client) = with(Fault::Slow(late)).await;
    let start = Instant::now();
    get(&client, DESCRIPTION).await;
    assert!(start.elapsed() >= late);
    device.control.clear_fault();
    get(&client, DESCRIPTION).await;
}

#[tokio::test]
async fn silent_is_silent() {
    let (_fleet, device, client) = with(Fault::Silent).await;
    let error = impatient(&device, Auth::v2c("public")).await.get(&oid(DESCRIPTION)).await.expect_err("no answer");
    assert!(matches!(*error, Error::Timeout { .. }), "{error}");
    while device.control.requests() == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(device.control.requests(), 1);
    device.control.clear_fault();
    get(&client, DESCRIPTION).await;
}

#[tokio::test]
async fn truncated_is_half_a_datagram() {
    let (_fleet, device, _) = with(Fault::Truncated).await;
    let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.expect("socket");
    // A GET of sysDescr.0 by SNMPv2c, community "public".
    let request = b"\x30\x29\x02\x01\x01\x04\x06public\xa0\x1c\x02\x04\x11\x22\x33\x44\x02\x01\0\x02\x01\0\
        \x30\x0e\x30\x0c\x06\x08\x2b\x06\x01\x02\x01\x01\x01\0\x05\0";
    socket.send_to(request, device.address).await.expect("sent");
    let mut answer = [0; 512];
    let length = socket.recv(&mut answer).await.expect("answer");
    assert_eq!(answer[0], 0x30);
    assert!(length < usize::from(answer[1]) + 2, "{length} of {}", answer[1]);
}

#[tokio::test]
async fn endless_never_leaves_the_column() {
    let (_fleet, device, _) = with(Fault::Endless).await;
    let address = (device.address.ip().to_string(), device.address.port());
    let limited = WalkOptions { result_limit: Some(500), ..WalkOptions::default() };
    let builder = Client::builder(address, Auth::v2c("public")).retry(Retry::none()).walk_options(limited);
    let client = builder.connect().await.expect("client");
    for walk in [client.walk_getnext(oid(LEVELS)), client.bulk_walk(oid(LEVELS), 25)] {
        let error = walk.expect("walk").collect().await.expect_err("no end");
        assert!(matches!(*error, Error::WalkAborted { reason: WalkAbortReason::ResultLimitExceeded { .. }, .. }));
    }
}

#[tokio::test]
async fn out_of_order_goes_back() {
    let (_fleet, _, client) = with(Fault::OutOfOrder).await;
    let first = client.get_next(&oid(LEVELS)).await.expect("answer").varbinds.remove(0).oid;
    let second = client.get_next(&first).await.expect("answer").varbinds.remove(0).oid;
    assert!(first < second || second.parent() != first.parent());
    let back = client.get_next(&oid("1.3.6.1.2.1.43.11.1.1.9.1.3")).await.expect("answer").varbinds.remove(0).oid;
    assert_eq!(back, oid("1.3.6.1.2.1.43.11.1.1.9.1.2"));
}

#[tokio::test]
async fn repeating_stands_still() {
    let (_fleet, _, client) = with(Fault::Repeating).await;
    let row = oid("1.3.6.1.2.1.43.11.1.1.9.1.3");
    let answer = client.get_next(&row).await.expect("answer");
    assert_eq!(answer.varbinds[0].oid, row);
    assert!(client.walk_getnext(oid(LEVELS)).expect("walk").collect().await.is_err());
}

#[tokio::test]
async fn wrong_types_are_wrong_everywhere() {
    let (_fleet, _, client) = with(Fault::WrongType).await;
    assert_eq!(get(&client, DESCRIPTION).await, Value::Integer(42));
    assert!(get(&client, "1.3.6.1.2.1.43.10.2.1.4.1.1").await.as_str().is_some());
    let levels = client.bulk_walk(oid(LEVELS), 10).expect("walk").collect().await.expect("walked");
    assert!(levels.iter().all(|row| row.value.as_str().is_some()));
}

#[tokio::test]
async fn padded_fills_up_to_the_last_repetition() {
    // Behind everything that a maker may have.
    let last = oid("1.3.6.1.4.1.4294967294");
    let (_fleet, device, client) = with(Fault::Padded).await;
    let padded = client.get_bulk(std::slice::from_ref(&last), 0, 12).await.expect("answer");
    assert_eq!(padded.len(), 12);
    assert!(padded.iter().all(|row| row.value == Value::EndOfMibView));
    device.control.clear_fault();
    assert_eq!(client.get_bulk(&[last], 0, 12).await.expect("answer").len(), 1);
}

#[tokio::test]
async fn no_bulk_leaves_getnext() {
    let (_fleet, _, client) = with(Fault::NoBulk).await;
    let error = client.get_bulk(&[oid(LEVELS)], 0, 5).await.expect_err("refused");
    assert_eq!(status(&error), Some(ErrorStatus::GenErr));
    assert_eq!(client.walk_getnext(oid(LEVELS)).expect("walk").collect().await.expect("walked").len(), 9);
}

#[tokio::test]
async fn too_big_leaves_single_values() {
    let (_fleet, _, client) = with(Fault::TooBig).await;
    let error = client.get_bulk(&[oid(LEVELS)], 0, 5).await.expect_err("refused");
    assert_eq!(status(&error), Some(ErrorStatus::TooBig));
    get(&client, DESCRIPTION).await;
}

#[tokio::test]
async fn faults_stay_with_their_device() {
    let fleet = Fleet::start(crate::config(fern_220(), 2)).await.expect("fleet");
    let [bad, good] = fleet.devices() else { panic!("two devices") };
    bad.control.set_fault(Fault::Silent);
    get(&crate::client(good, Auth::v2c("public")).await, DESCRIPTION).await;
}
