//! Nodes and their manager over real TLS.

use super::*;
use hostler_transport::{explain, node_tls};
use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, Issuer, KeyPair};
use rustls::ClientConfig;
use rustls::pki_types::{PrivateKeyDer, ServerName};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio_rustls::client::TlsStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};

type Own = Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>;

const MANAGER: &str = "manager.example";

/// A manager that answers each request with what the certificate of its connection allows.
struct Manager {
    _above: TempDir,
    authority: Authority,
    roll: Arc<Roll>,
    gate: Arc<Gate>,
    clock: At,
}

impl Manager {
    fn start() -> Self {
        let (above, folder) = place();
        let authority = Authority::open(&folder, &names(), START).unwrap();
        let roll = Arc::new(Roll::default());
        let gate = Arc::new(authority.gate(roll.clone()).unwrap());
        Self { _above: above, authority, roll, gate, clock: At::new(START) }
    }

    fn enroll(&self, node: &str) -> (Issued, Own) {
        let identity = Identity::make().unwrap();
        let request = identity.request().unwrap();
        let issued = self.authority.issue(&request, &id(node), LIFETIME, self.clock.now()).unwrap();
        self.roll.set(&issued.serial, Standing::Good);
        let own = Some((chain(&issued.chain_pem), identity.private_key()));
        (issued, own)
    }

    /// Serves one connection.
    fn serve(&self) -> DuplexStream {
        let certificate = self.authority.server_certificate(&[MANAGER.to_owned()], self.clock.now()).unwrap();
        self.serve_as(certificate)
    }

    fn serve_as(&self, certificate: ServerCertificate) -> DuplexStream {
        let (near, far) = tokio::io::duplex(64 * 1024);
        let config = server_tls(certificate, self.gate.clone(), Arc::new(self.clock.clone())).unwrap();
        let (gate, clock) = (self.gate.clone(), self.clock.clone());
        tokio::spawn(async move {
            let Ok(mut stream) = TlsAcceptor::from(Arc::new(config)).accept(far).await else { return };
            let mut request = [0];
            while stream.read_exact(&mut request).await.is_ok() {
                let verdict = gate.check(stream.get_ref().1.peer_certificates().unwrap_or_default(), clock.now());
                let answer = if request == *b"r" { verdict.to_renew() } else { verdict.to_act() };
                let text = answer.map_or_else(|why| format!("no: {why}"), |peer| format!("yes: {}", peer.node));
                stream.write_u16(u16::try_from(text.len()).unwrap()).await.unwrap();
                stream.write_all(text.as_bytes()).await.unwrap();
                stream.flush().await.unwrap();
            }
        });
        near
    }

    fn client(&self, own: Own, clock: &At) -> ClientConfig {
        node_tls(self.authority.root_fingerprint(), own, Arc::new(clock.clone())).unwrap()
    }

    /// One connection of a node, at the manager's time.
    async fn connect(&self, own: Own) -> std::io::Result<TlsStream<DuplexStream>> {
        connect(self.client(own, &self.clock), self.serve()).await
    }

    /// What one request on a connection of its own gets.
    async fn ask(&self, own: Own, request: u8) -> String {
        match self.connect(own).await {
            Ok(mut stream) => ask(&mut stream, request).await,
            Err(error) => reason(&error),
        }
    }
}

async fn connect(config: ClientConfig, io: DuplexStream) -> std::io::Result<TlsStream<DuplexStream>> {
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from(MANAGER).unwrap(), io).await
}

async fn ask(stream: &mut TlsStream<DuplexStream>, request: u8) -> String {
    let asked = async {
        stream.write_all(&[request]).await?;
        stream.flush().await?;
        let mut text = vec![0; usize::from(stream.read_u16().await?)];
        stream.read_exact(&mut text).await?;
        Ok::<_, std::io::Error>(String::from_utf8(text).unwrap())
    };
    asked.await.unwrap_or_else(|error| reason(&error))
}

fn reason(error: &std::io::Error) -> String {
    format!("closed: {}", explain(error).unwrap_or_else(|| format!("unexplained: {error}")))
}

#[tokio::test]
async fn e08_a_node_with_its_certificate_acts() {
    let manager = Manager::start();
    let (_, own) = manager.enroll("printer");
    let mut stream = manager.connect(own).await.unwrap();
    assert_eq!(stream.get_ref().1.protocol_version(), Some(rustls::ProtocolVersion::TLSv1_3));
    assert_eq!(ask(&mut stream, b'a').await, "yes: printer");
    assert_eq!(ask(&mut stream, b'r').await, "yes: printer");
}

#[tokio::test]
async fn e08_without_a_certificate_a_node_connects_and_may_do_nothing_but_enroll() {
    let manager = Manager::start();
    for request in *b"ar" {
        let answer = manager.ask(None, request).await;
        assert!(answer.starts_with("no: no certificate"), "{answer}");
    }
}

#[tokio::test]
async fn e08_another_authoritys_certificate_is_refused() {
    let (manager, other) = (Manager::start(), Manager::start());
    let (issued, own) = other.enroll("printer");
    // Not even with a serial number that stands here.
    manager.roll.set(&issued.serial, Standing::Good);
    for request in *b"ar" {
        let answer = manager.ask(own.as_ref().map(|(chain, key)| (chain.clone(), key.clone_key())), request).await;
        assert!(answer.contains("from another manager"), "{answer}");
    }
    let verdict = manager.gate.check(&own.unwrap().0, START);
    assert!(matches!(verdict, Verdict::Refused(Refusal::Foreign(_))), "{verdict:?}");
}

#[tokio::test]
async fn e08_a_self_signed_certificate_with_a_nodes_name_is_refused() {
    let manager = Manager::start();
    let (issued, _) = manager.enroll("printer");
    let real = chain(&issued.chain_pem);
    let pair = KeyPair::generate().unwrap();
    let validity = certificate::Validity::leaf(START, LIFETIME);
    let mut params = certificate::node(&id("printer"), validity).unwrap();
    params.serial_number =
        Some(rcgen::SerialNumber::from_slice(&hex::decode(format!("{:0>32}", issued.serial.as_str())).unwrap()));
    params.use_authority_key_identifier_extension = false;
    let selfsigned = params.self_signed(&pair).unwrap();
    // The same with the names of the real intermediate on it: signed by an impostor.
    let impostor = Issuer::from_ca_cert_der(&real[1], KeyPair::generate().unwrap()).unwrap();
    let impostors = params.signed_by(&pair, &impostor).unwrap();
    for forged in [selfsigned, impostors] {
        let own = (
            vec![forged.der().clone(), real[1].clone(), real[2].clone()],
            PrivateKeyDer::Pkcs8(pair.serialize_der().into()),
        );
        let verdict = manager.gate.check(&own.0, START);
        assert!(matches!(verdict, Verdict::Refused(Refusal::Foreign(_))), "{verdict:?}");
        let answer = manager.ask(Some(own), b'a').await;
        assert!(answer.starts_with("closed: this node's certificate is from another manager"), "{answer}");
    }
}

#[tokio::test]
async fn e08_an_expired_certificate_may_only_renew() {
    let manager = Manager::start();
    let (issued, own) = manager.enroll("printer");
    let (chain, key) = own.unwrap();
    let mut open = manager.connect(Some((chain.clone(), key.clone_key()))).await.unwrap();
    manager.clock.set(days(91));
    // On a new connection, and on one that was open before.
    let mut fresh = manager.connect(Some((chain.clone(), key.clone_key()))).await.unwrap();
    for stream in [&mut open, &mut fresh] {
        let answer = ask(stream, b'a').await;
        assert!(answer.contains(&format!("ended {}; renew", issued.not_after)), "{answer}");
        assert_eq!(ask(stream, b'r').await, "yes: printer");
    }
    // Long after its intermediate is over, too.
    manager.clock.set(days(800));
    manager.authority.tend(days(800)).unwrap();
    assert_eq!(manager.ask(Some((chain.clone(), key.clone_key())), b'r').await, "yes: printer");
    // Revoked, it may nothing.
    manager.roll.set(&issued.serial, Standing::Revoked);
    assert!(manager.ask(Some((chain, key)), b'r').await.contains("revoked"));
}

#[tokio::test]
async fn e08_a_certificate_from_the_future_names_both_times() {
    let manager = Manager::start();
    let (_, own) = manager.enroll("printer");
    let (chain, key) = own.unwrap();
    let early = Timestamp(START.0 - 3_600_000);
    let verdict = manager.gate.check(&chain, early);
    let Verdict::Refused(refusal @ Refusal::NotYetValid { .. }) = verdict else { panic!("{verdict:?}") };
    let begins = Timestamp(START.0 - 600_000);
    let text = refusal.to_string();
    assert!(text.contains(&early.to_string()) && text.contains(&begins.to_string()), "{text}");
    manager.clock.set(early);
    let answer = manager.ask(Some((chain, key)), b'r').await;
    assert!(answer.starts_with("closed: this node's certificate isn't valid yet"), "{answer}");
}

#[tokio::test]
async fn e08_a_revocation_holds_on_an_open_connection_and_for_the_next() {
    let manager = Manager::start();
    let (issued, own) = manager.enroll("printer");
    let (chain, key) = own.unwrap();
    let mut stream = manager.connect(Some((chain.clone(), key.clone_key()))).await.unwrap();
    assert_eq!(ask(&mut stream, b'a').await, "yes: printer");
    manager.roll.set(&issued.serial, Standing::Revoked);
    for request in *b"ar" {
        let answer = ask(&mut stream, request).await;
        assert!(answer.starts_with("no: the certificate was revoked"), "{answer}");
    }
    let answer = manager.ask(Some((chain.clone(), key.clone_key())), b'a').await;
    assert!(answer.starts_with("closed: the manager has revoked"), "{answer}");
    // What nobody remembers doesn't stand either, whoever signed it.
    manager.roll.set(&issued.serial, Standing::Unknown);
    let answer = manager.ask(Some((chain, key)), b'a').await;
    assert!(answer.starts_with("no: the manager doesn't know"), "{answer}");
}

#[tokio::test]
async fn e08_a_certificate_for_something_else_is_no_nodes() {
    let manager = Manager::start();
    // The manager's own, for servers only.
    let ours = manager.authority.server_certificate(&[MANAGER.to_owned()], START).unwrap();
    let answer = manager.ask(Some((ours.chain, ours.key)), b'a').await;
    assert!(answer.starts_with("closed: this certificate isn't a node's"), "{answer}");
    // Clients' certificates of our own intermediate that don't name exactly one node.
    for names in [vec![], vec!["printer.example"], vec!["printer.node.hostler.internal", "other.node.hostler.internal"]]
    {
        let pair = KeyPair::generate().unwrap();
        let validity = certificate::Validity::leaf(START, LIFETIME);
        let make = |validity| {
            let mut params: CertificateParams = certificate::node(&id("printer"), validity)?;
            let names = names.iter().map(|name| rcgen::SanType::DnsName((*name).try_into().unwrap()));
            params.subject_alt_names = names.collect();
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
            Ok(params)
        };
        let (signed, facts, by) = manager.authority.sign(make, &pair, validity, START).unwrap();
        manager.roll.set(&facts.serial, Standing::Good);
        let verdict = manager.gate.check(&[signed.der().clone(), by.certificate.clone()], START);
        assert!(matches!(verdict, Verdict::Refused(Refusal::WrongUse(_))), "{names:?}: {verdict:?}");
    }
}

#[test]
fn e08_what_is_no_chain_is_refused() {
    let manager = Manager::start();
    let (issued, _) = manager.enroll("printer");
    let real = chain(&issued.chain_pem);
    let garbage = |len| CertificateDer::from(vec![0x30; len]);
    let long = std::iter::repeat_n(real[0].clone(), 100).collect();
    for bad in [vec![garbage(0)], vec![garbage(100_000)], long] {
        let verdict = manager.gate.check(&bad, START);
        assert!(matches!(verdict, Verdict::Refused(Refusal::Unreadable(_))), "{verdict:?}");
    }
    assert!(matches!(manager.gate.check(&real[..1], START), Verdict::Refused(Refusal::Foreign(_))));
    assert!(matches!(manager.gate.check(&real[..2], START), Verdict::Good(_)));
}

#[tokio::test]
async fn e08_a_node_trusts_its_managers_fingerprint_and_nothing_else() {
    let (manager, other) = (Manager::start(), Manager::start());
    let refused = async |config: ClientConfig, io| match connect(config, io).await {
        Ok(_) => panic!("it was trusted"),
        Err(error) => explain(&error).unwrap(),
    };
    let clock = &manager.clock;
    // Another manager answers.
    let text = refused(manager.client(None, clock), other.serve()).await;
    assert!(text.contains(manager.authority.root_fingerprint().as_str()) && text.contains(MANAGER), "{text}");
    // Another manager answers and sends the right root along, which anybody may have.
    let mut forged = other.authority.server_certificate(&[MANAGER.to_owned()], START).unwrap();
    forged.chain.push(manager.authority.root().clone());
    let text = refused(manager.client(None, clock), other.serve_as(forged)).await;
    assert!(text.contains("somebody else answers there"), "{text}");
    // Another node of the same manager answers in its place.
    let (_, own) = manager.enroll("printer");
    let (chain, key) = own.unwrap();
    let node = ServerCertificate { chain, key, not_after: days(90) };
    let text = refused(manager.client(None, clock), manager.serve_as(node)).await;
    assert!(text.contains("for another name"), "{text}");
    // The node's clock is wrong.
    for wrong in [Timestamp(START.0 - 3_600_000), days(100)] {
        let text = refused(manager.client(None, &At::new(wrong)), manager.serve()).await;
        assert!(text.contains(&wrong.to_string()) && text.contains("set the clock"), "{text}");
    }
    assert!(manager.connect(None).await.is_ok());
}
