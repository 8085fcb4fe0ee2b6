//! `hostler enroll`: the devices around this terminal come in, and nobody types an address or clicks a URL.
//!
//! | file | topic |
//! |---|---|
//! | `link` | who opens the `hostler:` links of registration pages |
//! | `login` | which manager, and as whom |
//! | `fetch` | the plug-ins: fetched once, checked each time |
//! | `network` | what is searched |
//! | `sightings` | what was found, and what of it is doubtful |
//! | `bring`, `batches` | registering, and bringing the PINs |
//! | `judge` | who came in |
//! | `show` | tables and progress |

mod batches;
mod bring;
mod fetch;
mod judge;
mod link;
mod login;
mod network;
mod show;
mod sightings;

use crate::client::Connection;
use crate::output::{Output, confirmed, printable};
use anyhow::{Result, anyhow, bail};
use bring::Registered;
use clap::Args;
use fetch::{Plugins, Wish};
use hostler_core::Secret;
use hostler_core::enrollment::Link;
use hostler_links::{Lan, LanRules};
use hostler_runtime::Errand;
use ipnet::IpNet;
use login::Session;
use serde_json::json;
use show::Shown;
use sightings::Sighting;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::num::NonZeroU16;
use std::sync::Arc;
use url::Url;

/// Find the devices around this computer and let them join the fleet.
#[derive(Args)]
#[command(after_help = "\
Examples:
  hostler enroll --url https://manager.example --user ada@example.com
  hostler enroll --range 192.168.1.0/24 --range 192.168.7.0/24
  hostler enroll --server-list http://dhcp.example/devices.txt
  hostler enroll 'hostler://enroll?manager=https://manager.example&registration=r-4f1c09d2a7b3e856'
  hostler enroll --register-link      (registration pages then start this program by a click)

The program fetches what finds devices and brings PINs from the manager, checks it, and runs it with the network that you let
it reach and nothing else. A device takes a PIN while its window is open: after its start, or when its key is pressed.")]
pub struct Enroll {
    /// The link of a registration page; with a registration in it, only that one's PINs are brought
    link: Option<Link>,
    /// Who logs in, with a password that is asked for
    #[arg(long)]
    user: Option<String>,
    /// A network to search, instead of those that this machine is in; nothing outside is reached
    #[arg(long = "range", value_name = "NETWORK")]
    ranges: Vec<IpNet>,
    /// The devices' SNMP community; where it may only read, PINs are brought over HTTP
    #[arg(long, default_value = "public")]
    community: String,
    /// The port of the devices' SNMP agents
    #[arg(long, default_value = "161")]
    snmp_port: NonZeroU16,
    /// The port of the devices' web servers
    #[arg(long, default_value = "80")]
    http_port: NonZeroU16,
    /// A server in your network that lists the devices' addresses, as JSON or text; it is asked instead of searching
    #[arg(long, value_name = "URL")]
    server_list: Option<Url>,
    /// Use the one plug-in that does both
    #[arg(long)]
    combined: bool,
    /// Keys, which devices prove and never send, instead of PINs
    #[arg(long)]
    keys: bool,
    /// Don't ask before the devices that were found are registered
    #[arg(long, short)]
    yes: bool,
    /// Make this program open the links of registration pages
    #[arg(long)]
    register_link: bool,
    /// Wait for a key in the end: for a window that closes with the program
    #[arg(long, hide = true)]
    wait: bool,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    output: Output,
}

impl Enroll {
    pub async fn run(self) -> Result<()> {
        if self.register_link {
            println!("{}", link::register()?);
            return Ok(());
        }
        let wait = self.wait;
        let done = self.enroll().await;
        if wait {
            if let Err(error) = &done {
                eprintln!("error: {error:#}");
            }
            eprint!("press Enter to close ");
            let _ = std::io::stdin().read_line(&mut String::new());
        }
        done
    }

    async fn enroll(self) -> Result<()> {
        // A list or a registration says where the devices are: nothing is searched.
        let told = self.server_list.is_some() || self.link.as_ref().is_some_and(|link| link.registration.is_some());
        let ranges = if told && self.ranges.is_empty() { Vec::new() } else { network::ranges(&self.ranges)? };
        let session = Session::begin(self.connection.clone(), self.user.clone(), self.link.as_ref()).await?;
        let done = self.with(&session, ranges).await;
        session.end().await;
        done
    }

    async fn with(&self, session: &Session, ranges: Vec<IpNet>) -> Result<()> {
        let wish = if self.combined { Wish::Combined } else { Wish::Two };
        let plugins = Plugins::get(&session.client, wish).await?;
        if let Some(registration) = self.link.as_ref().and_then(|link| link.registration.as_ref()) {
            let registered = Registered::known(&session.client, registration).await?;
            let lan = self.lan(ranges, registered.addresses()).await?;
            return self.bring(session, &plugins, lan, registered, &[]).await;
        }
        let lan = self.lan(ranges, BTreeSet::new()).await?;
        let found = discover(&plugins, &lan).await?;
        show::found(&found)?;
        let Some(new) = self.chosen(&found)? else { return self.nothing(&found) };
        let addresses: Vec<&str> = new.iter().map(|one| one.found.address.as_str()).collect();
        let registered = Registered::new(&session.client, &addresses, self.keys).await?;
        self.bring(session, &plugins, lan, registered, &found).await
    }

    /// Those to register, as the user says; nothing where none waits. A doubtful one is asked about by itself.
    fn chosen<'a>(&self, found: &'a [Sighting]) -> Result<Option<Vec<&'a Sighting>>> {
        let waiting: Vec<&Sighting> = found.iter().filter(|one| one.waits()).collect();
        let (doubtful, mut chosen): (Vec<&Sighting>, Vec<_>) = waiting.into_iter().partition(|one| one.is_doubtful());
        if !chosen.is_empty() && !self.yes {
            let devices =
                if chosen.len() == 1 { "this device".to_owned() } else { format!("these {} devices", chosen.len()) };
            if !confirmed(&format!("Register {devices} as yours and bring the PINs?"))? {
                bail!("nothing was registered. `--yes` registers what is found without asking");
            }
        }
        for one in doubtful {
            let (at, device) = (printable(&one.found.address), printable(&one.found.device));
            let question = format!("{at} and others say that they are {device}. Register {at} all the same?");
            if !self.yes && confirmed(&question)? {
                chosen.push(one);
            } else {
                eprintln!(
                    "warning: nothing is brought to {at}: other addresses say as well that they are {device}. If it is the \
                     right one, name it alone with --range {at}/{}",
                    if one.found.address.contains(':') { 128 } else { 32 }
                );
            }
        }
        Ok(Some(chosen).filter(|chosen| !chosen.is_empty()))
    }

    /// Says what it means that nothing is to be done.
    fn nothing(&self, found: &[Sighting]) -> Result<()> {
        let doubtful = found.iter().filter(|one| one.waits() && one.is_doubtful()).count();
        if doubtful > 0 {
            bail!(
                "nothing was registered: of {doubtful} that wait, each says that it is a device that another one is too"
            );
        }
        if found.is_empty() && self.server_list.is_some() {
            bail!(
                "no device was found. Does the server list them, are they switched on, and do they know the community \
                 (--community)?"
            );
        }
        if found.is_empty() {
            bail!(
                "no device was found. Are they switched on, in the networks that were searched (--range), and do they know \
                 the community (--community)?"
            );
        }
        self.output.print(&json!({ "found": found, "outcomes": [] }), |_| "nothing to do: none is waiting".to_owned())
    }

    async fn bring(
        &self,
        session: &Session,
        plugins: &Plugins,
        lan: Arc<Lan>,
        registered: Registered,
        found: &[Sighting],
    ) -> Result<()> {
        let outcomes = registered.bring(&session.client, plugins, lan).await?;
        let missing = outcomes.iter().filter(|outcome| !outcome.came_in()).count();
        let said = json!({ "found": found, "registration": registered.id(), "outcomes": outcomes });
        self.output.print(&said, |_| show::outcomes(&outcomes, found))?;
        match missing {
            0 => Ok(()),
            _ => Err(anyhow!(
                "{missing} of {} did not come in; the registration {} shows how far each is",
                outcomes.len(),
                registered.id()
            )),
        }
    }

    async fn lan(&self, ranges: Vec<IpNet>, given: BTreeSet<IpAddr>) -> Result<Arc<Lan>> {
        let rules = LanRules {
            ranges,
            given,
            snmp_port: self.snmp_port.get(),
            http_port: self.http_port.get(),
            community: Secret::new(self.community.clone()),
            list: self.server_list.clone(),
        };
        Ok(Arc::new(Lan::open(rules).await?))
    }
}

async fn discover(plugins: &Plugins, lan: &Arc<Lan>) -> Result<Vec<Sighting>> {
    let shown = Shown::begin("looking for devices");
    let errand = Errand { lan: Arc::clone(lan), progress: shown.watcher(), now: hostler_node::now() };
    let visited = plugins.runtime.discover(&plugins.finds, errand).await;
    shown.end();
    let visited = visited?;
    show::log(&visited.log);
    Ok(Sighting::all(visited.answer?))
}
