//! SNMPv3, authenticated and encrypted.

use async_snmp::{Auth, AuthProtocol, PrivProtocol, UsmConfig, Value};
use hostler_simulator::profile::orchid_c4500;
use hostler_simulator::{Condition, Error, Fleet, FleetConfig, V3User};

use crate::{client, config, get, impatient, oid};

fn secure(auth_password: &str) -> FleetConfig {
    let user = V3User {
        name: "operator".to_owned(),
        auth_password: auth_password.to_owned(),
        priv_password: "privacy-please".to_owned(),
    };
    FleetConfig { users: vec![user], ..config(orchid_c4500(), 2) }
}

fn login(auth_password: &str) -> Auth {
    let user = UsmConfig::new("operator");
    let keys = user.auth_priv(AuthProtocol::Sha256, auth_password, PrivProtocol::Aes128, "privacy-please");
    keys.expect("keys").into()
}

#[tokio::test]
async fn a_user_reads_walks_and_writes() {
    let fleet = Fleet::start(secure("authentic-enough")).await.expect("fleet");
    for device in fleet.devices() {
        let client = client(device, login("authentic-enough")).await;
        assert_eq!(get(&client, "1.3.6.1.2.1.43.5.1.1.17.1").await, Value::from(device.serial.as_str()));
        device.control.raise(Condition::PaperJam);
        assert_eq!(get(&client, "1.3.6.1.2.1.25.3.2.1.5.1").await, Value::Integer(5));
        let walked = client.bulk_walk(oid("1.3.6.1.2.1.43"), 20).expect("walk").collect().await.expect("walked");
        assert!(walked.len() > 100 && walked.windows(2).all(|pair| pair[0].oid < pair[1].oid));
        client.set(&oid("1.3.6.1.2.1.1.6.0"), "Hall".into()).await.expect("written");
        assert_eq!(get(&client, "1.3.6.1.2.1.1.6.0").await, Value::from("Hall"));
        let before = device.control.requests();
        client.get_bulk(&[oid("1.3.6.1.2.1.43")], 0, 20).await.expect("answer");
        assert_eq!(device.control.requests(), before + 1);
    }
}

#[tokio::test]
async fn a_wrong_password_reads_nothing() {
    let fleet = Fleet::start(secure("authentic-enough")).await.expect("fleet");
    let client = impatient(&fleet.devices()[0], login("something-else")).await;
    assert!(client.get(&oid("1.3.6.1.2.1.1.1.0")).await.is_err());
}

#[tokio::test]
async fn a_short_password_is_refused_at_the_start() {
    let error = Fleet::start(secure("short")).await.expect_err("refused");
    assert!(matches!(error, Error::SecureAgent { .. }), "{error}");
}
