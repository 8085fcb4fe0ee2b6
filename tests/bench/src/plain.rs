//! Readings in plain Rust, without gateway and sandbox: a process of its own, which prints how many it does a second.

use anyhow::Result;
use async_snmp::transport::{UdpHandle, UdpTransport};
use async_snmp::{Auth, Client, Oid, Retry, VarBind};
use futures::{StreamExt, TryStreamExt};
use hostler_mfp::Mfp;
use hostler_plugin::Driver;
use hostler_plugin::snmp::Value;
use hostler_plugin::testing::Host;
use hostler_plugin::types::{Alert, Report};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

pub const PORT: u16 = 16_161;
pub const TIME: Duration = Duration::from_secs(20);
/// In flight, in every reader.
pub const IN_FLIGHT: usize = 128;
/// Tasks that share what is in flight, so that every core is used.
const TASKS: usize = 4;

/// What a reader in plain Rust does.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Plain {
    /// Asks for what a printer's steady reading wants, and forgets it.
    Ask,
    /// The same reading: what was asked is understood by the very code of the plug-in, compared with what was known,
    /// and kept.
    Read,
}

/// Reads the first so many printers again and again, and prints the rate.
pub async fn run(plain: Plain, devices: u32) -> Result<()> {
    let socket = UdpTransport::builder().bind("0.0.0.0:0").recv_buffer_size(4 << 20).build().await.map_err(boxed)?;
    let objects: Arc<Vec<Oid>> = Arc::new(objects().collect());
    let tasks = u32::try_from(TASKS)?;
    let mut shares: Vec<Vec<Printer>> = (0..TASKS).map(|_| Vec::new()).collect();
    for n in 0..devices {
        shares[(n % tasks) as usize].push(Printer::new(&socket, n).await?);
    }
    if plain == Plain::Read {
        for share in &mut shares {
            futures::stream::iter(share).map(anyhow::Ok).try_for_each_concurrent(IN_FLIGHT, Printer::meet).await?;
        }
    }
    let start = Instant::now();
    let work = shares.into_iter().map(|share| {
        let objects = Arc::clone(&objects);
        tokio::spawn(async move { rounds(share, &objects, plain, start).await })
    });
    let mut count = 0;
    for done in work.collect::<Vec<_>>() {
        count += done.await??;
    }
    println!("{}", count as f64 / start.elapsed().as_secs_f64());
    Ok(())
}

async fn rounds(mut share: Vec<Printer>, objects: &Arc<Vec<Oid>>, plain: Plain, start: Instant) -> Result<u64> {
    let mut count = 0;
    while start.elapsed() < TIME {
        let mut readings = futures::stream::iter(std::mem::take(&mut share))
            .map(|mut printer| {
                let objects = Arc::clone(objects);
                async move {
                    printer.read(&objects, plain).await?;
                    anyhow::Ok(printer)
                }
            })
            .buffer_unordered(IN_FLIGHT / TASKS);
        while let Some(printer) = readings.next().await {
            share.push(printer?);
            count += 1;
        }
    }
    Ok(count)
}

/// A printer, and what is known of it.
struct Printer {
    client: Client<UdpHandle>,
    state: BTreeMap<String, Vec<u8>>,
    cache: BTreeMap<String, Vec<u8>>,
    report: Option<Report>,
    news: u64,
}

impl Printer {
    async fn new(socket: &UdpTransport, n: u32) -> Result<Self> {
        let address = u32::from(Ipv4Addr::new(127, 1, 0, 1)) + (n / 254) * 256 + n % 254;
        let client = Client::builder(SocketAddr::new(IpAddr::V4(address.into()), PORT), Auth::v2c("public"))
            .request_timeout(Duration::from_millis(1_500))
            .retry(Retry::fixed(2, Duration::ZERO).unwrap_or_default())
            .max_oids_per_request(40)
            .build_with(socket)
            .await
            .map_err(boxed)?;
        Ok(Self { client, state: BTreeMap::new(), cache: BTreeMap::new(), report: None, news: 0 })
    }

    /// The first reading, for which everything is asked.
    async fn meet(&mut self) -> Result<()> {
        let everything = self.client.walk(Oid::parse("1.3.6.1.2.1").map_err(boxed)?).map_err(boxed)?;
        let everything = everything.collect().await.map_err(boxed)?;
        self.understand(everything)
    }

    async fn read(&mut self, objects: &[Oid], plain: Plain) -> Result<()> {
        let answer = self.client.get_many(objects).await.map_err(boxed)?;
        if plain == Plain::Ask { Ok(()) } else { self.understand(answer.varbinds) }
    }

    fn understand(&mut self, bindings: Vec<VarBind>) -> Result<()> {
        let mut host = Host::new();
        host.objects = bindings.iter().map(|binding| (binding.oid.arcs().to_vec(), value(&binding.value))).collect();
        (host.state, host.cache) = (std::mem::take(&mut self.state), std::mem::take(&mut self.cache));
        let outcome = host.call(Mfp::read).map_err(|failure| anyhow::anyhow!("{failure:?}"))?;
        (self.state, self.cache) = (host.state, host.cache);
        let known = self.report.as_ref().map_or(&[][..], |report| &report.alerts);
        let same = |one: &Alert, other: &Alert| one.code == other.code && one.part == other.part;
        self.news += outcome.report.alerts.iter().filter(|alert| !known.iter().any(|k| same(k, alert))).count() as u64;
        self.report = Some(outcome.report);
        Ok(())
    }
}

fn value(value: &async_snmp::Value) -> Value {
    match value {
        async_snmp::Value::Integer(number) => Value::Integer(*number),
        async_snmp::Value::OctetString(octets) => Value::Octets(octets.to_vec()),
        async_snmp::Value::ObjectIdentifier(oid) => Value::ObjectId(oid.arcs().to_vec()),
        async_snmp::Value::Counter32(count) => Value::Counter32(*count),
        async_snmp::Value::Gauge32(number) => Value::Gauge32(*number),
        async_snmp::Value::TimeTicks(ticks) => Value::TimeTicks(*ticks),
        async_snmp::Value::Counter64(count) => Value::Counter64(*count),
        _ => Value::Absent,
    }
}

/// Status, counters, levels and trays of a printer of the simulated profile: what a steady reading asks for.
pub fn objects() -> impl Iterator<Item = Oid> {
    let single = [
        "1.3.6.1.2.1.43.5.1.1.1.1",
        "1.3.6.1.2.1.1.3.0",
        "1.3.6.1.2.1.25.3.2.1.5.1",
        "1.3.6.1.2.1.25.3.5.1.1.1",
        "1.3.6.1.2.1.25.3.5.1.2.1",
        "1.3.6.1.2.1.43.10.2.1.4.1.1",
    ];
    let single = single.map(str::to_owned).into_iter();
    let supplies = (1..=6).map(|supply| format!("1.3.6.1.2.1.43.11.1.1.9.1.{supply}"));
    let trays = (1..=3).map(|tray| format!("1.3.6.1.2.1.43.8.2.1.10.1.{tray}"));
    let console = (1..=4).map(|line| format!("1.3.6.1.2.1.43.16.5.1.2.1.{line}"));
    let covers = (1..=2).map(|cover| format!("1.3.6.1.2.1.43.6.1.1.3.1.{cover}"));
    let all = single.chain(supplies).chain(trays).chain(console).chain(covers);
    all.filter_map(|text| Oid::parse(&text).ok())
}

fn boxed(error: Box<async_snmp::Error>) -> anyhow::Error {
    anyhow::anyhow!("{error}")
}
