//! One device's socket: takes datagrams as they come and sends the replies, late ones too.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::net::UdpSocket;
use tokio::task::JoinSet;

use crate::agent::{Access, Reply, reply};
use crate::device::Device;

/// Largest datagram that is read whole; a request is far smaller.
const DATAGRAM: usize = 4096;

/// Datagrams taken in a row before other devices have their turn.
const TURN: usize = 32;

thread_local! {
    /// One buffer a thread, not one a device: nothing is awaited while it is in use.
    static BUFFER: RefCell<[u8; DATAGRAM]> = const { RefCell::new([0; DATAGRAM]) };
}

/// Serves one device until the task is dropped.
pub(crate) async fn serve(socket: UdpSocket, device: Arc<Device>, access: Arc<Access>) {
    let socket = Arc::new(socket);
    let mut late: JoinSet<()> = JoinSet::new();
    loop {
        if let Err(error) = socket.readable().await {
            tracing::error!(%error, "the socket of a simulated device is gone, so the device stops");
            return;
        }
        BUFFER.with_borrow_mut(|buffer| {
            for _ in 0..TURN {
                match socket.try_recv_from(buffer) {
                    Ok((length, peer)) => {
                        let datagram = buffer.get(..length).unwrap_or_default();
                        if let Some(reply) = reply(&device, &access, datagram, Instant::now()) {
                            send(&socket, peer, reply, &mut late);
                        }
                    }
                    Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => break,
                    // An ICMP message about an earlier reply; the next datagram is as good as any.
                    Err(_) => {}
                }
            }
        });
        while late.try_join_next().is_some() {}
        tokio::task::consume_budget().await;
    }
}

/// Sends now, or later from a task of its own so that other requests are taken meanwhile.
fn send(socket: &Arc<UdpSocket>, peer: SocketAddr, reply: Reply, late: &mut JoinSet<()>) {
    let Reply { datagram, delay } = reply;
    if delay == Duration::ZERO {
        // A full send buffer loses the datagram, as a network does.
        let _ = socket.try_send_to(&datagram, peer);
        return;
    }
    let socket = socket.clone();
    late.spawn(async move {
        tokio::time::sleep(delay).await;
        let _ = socket.send_to(&datagram, peer).await;
    });
}
