//! What addresses mean in this network. Thousands of names are looked up side by side and within a time that somebody waits.

use futures::StreamExt;
use hostler_core::enrollment::addresses::Address;
use std::net::IpAddr;
use std::time::Duration;
use tokio::time::Instant;

/// Names that are looked up at once.
const AT_ONCE: usize = 64;

/// How long one name may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long all may take together; a name whose turn doesn't come means nothing.
const ALTOGETHER: Duration = Duration::from_secs(60);

/// What these addresses mean in this network, in their order; `told` hears how many are looked up. What is no address, and
/// what nobody knows or tells in time, means nothing.
pub async fn resolve_all(addresses: &[Option<Address>], told: impl Fn(usize)) -> Vec<Option<IpAddr>> {
    all(addresses, told, resolve).await
}

async fn all<'a, F: Future<Output = Option<IpAddr>>>(
    addresses: &'a [Option<Address>],
    told: impl Fn(usize),
    resolve: impl Fn(&'a Address) -> F,
) -> Vec<Option<IpAddr>> {
    let end = Instant::now() + ALTOGETHER;
    let one = |(place, address): (usize, &'a Option<Address>)| {
        let (address, resolve) = (address.as_ref(), &resolve);
        async move {
            let now = Instant::now();
            let address = address.filter(|address| now < end || matches!(address, Address::Ip(_)))?;
            let ip = tokio::time::timeout_at(end.min(now + PATIENCE), resolve(address)).await.ok()??;
            Some((place, ip))
        }
    };
    let mut found = vec![None; addresses.len()];
    let each: Vec<_> = addresses.iter().enumerate().map(one).collect();
    let mut under_way = futures::stream::iter(each).buffer_unordered(AT_ONCE);
    let mut done = 0;
    while let Some(one) = under_way.next().await {
        done += 1;
        told(done);
        if let Some((place, ip)) = one
            && let Some(slot) = found.get_mut(place)
        {
            *slot = Some(ip);
        }
    }
    found
}

async fn resolve(address: &Address) -> Option<IpAddr> {
    match address {
        Address::Ip(ip) => Some(*ip),
        Address::Name(name) => {
            let found: Vec<_> = tokio::net::lookup_host((name.as_str(), 0)).await.ok()?.collect();
            let v4 = found.iter().find(|address| address.is_ipv4());
            v4.or(found.first()).map(|address| address.ip().to_canonical())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    /// Ten thousand, of which every tenth is a name.
    fn many() -> Vec<Option<Address>> {
        let address = |n: usize| match n % 10 {
            3 => format!("printer-{n}"),
            _ => format!("10.1.{}.{}", n / 250, n % 250 + 1),
        };
        (0..10_000).map(|n| address(n).parse().ok()).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn e03_ten_thousand_names_keep_nobody_waiting_and_take_nothing_from_the_addresses() {
        let addresses = many();
        let told = Cell::new(0);
        let begun = Instant::now();
        let found = all(
            &addresses,
            |done| told.set(done),
            async |address: &Address| match address {
                Address::Ip(ip) => Some(*ip),
                Address::Name(_) => std::future::pending().await,
            },
        )
        .await;
        assert!(begun.elapsed() <= ALTOGETHER, "{:?}", begun.elapsed());
        assert_eq!((found.len(), told.get()), (10_000, 10_000));
        assert_eq!(found.iter().flatten().count(), 9_000);
        assert!(found[3].is_none() && found[4] == "10.1.0.5".parse().ok());
    }

    #[tokio::test(start_paused = true)]
    async fn e03_names_are_looked_up_side_by_side() {
        let addresses: Vec<_> = (0..640).map(|n| format!("printer-{n}").parse().ok()).collect();
        let begun = Instant::now();
        let found = all(
            &addresses,
            |_| (),
            async |_: &Address| {
                tokio::time::sleep(Duration::from_millis(100)).await;
                "10.0.0.1".parse().ok()
            },
        )
        .await;
        assert!(found.iter().all(Option::is_some));
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    }
}
