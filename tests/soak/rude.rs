//! Clients that go away: in the middle of an answer, and in the middle of what they send.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::interval;

use crate::client::RUNTIME;
use crate::load::Load;
use crate::world::{SERVICES, World};

/// So often one comes and goes.
const PAUSE: Duration = Duration::from_millis(100);

/// Clients of this kind, as long as the load goes on.
pub(crate) fn clients(world: &Arc<World>, load: &Arc<Load>) -> JoinHandle<()> {
    let (world, load) = (Arc::clone(world), Arc::clone(load));
    RUNTIME.spawn(async move {
        let mut pace = interval(PAUSE);
        for number in 0.. {
            if load.is_over() {
                break;
            }
            pace.tick().await;
            let service = SERVICES[(number / 2) % 3];
            // Whatever it is told, or not, is nothing to it.
            let _ = comes_and_goes(&world, service, number % 2 == 0).await;
        }
    })
}

async fn comes_and_goes(world: &World, service: &str, reads: bool) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(world.gateway.address).await?;
    let key = "Host: x\r\nX-DreamFactory-API-Key: key-of-the-soak\r\n";
    if reads {
        let asked = format!("GET /api/v2/{service}/_table/many HTTP/1.1\r\n{key}\r\n");
        stream.write_all(asked.as_bytes()).await?;
        stream.read_exact(&mut [0; 1000]).await?;
        return Ok(());
    }
    let asked = format!(
        "POST /api/v2/{service}/_table/marks HTTP/1.1\r\n{key}Content-Type: application/x-ndjson\r\nContent-Length: 1000000\r\n\r\n"
    );
    stream.write_all(asked.as_bytes()).await?;
    stream.write_all("{\"mark\":\"rude\"}\n".repeat(500).as_bytes()).await?;
    stream.flush().await
}
