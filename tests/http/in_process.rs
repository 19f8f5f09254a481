//! A gateway inside this process, with hooks: what no configuration can give it yet.

use std::net::SocketAddr;
use std::sync::{Arc, mpsc};

use tablegate::app::App;
use tablegate::hooks::Hooks;
use tablegate::http::{End, Fate, Listening, Succession, Terms, serve};
use tablegate::settings::{self, LoadOptions, Server, Timeout};

use crate::client::{LIMIT, RUNTIME};
use crate::gateway::Setup;

/// A gateway in this process. Dropped, it is stopped.
pub(crate) struct InProcess {
    _setup: Setup,
    pub(crate) address: SocketAddr,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    stopped: mpsc::Receiver<()>,
}

impl InProcess {
    /// Starts with the configuration of a folder.
    pub(crate) fn start(setup: Setup, hooks: Arc<dyn Hooks>) -> Self {
        let config = std::fs::read_to_string(setup.path("gateway.toml")).unwrap();
        // The folder of the process is not that of the gateway here.
        let folder = setup.path("").display().to_string();
        let config = config
            .replace("database = \"", &format!("database = \"{folder}"))
            .replace("file = \"", &format!("file = \"{folder}"));
        setup.write("gateway.toml", &format!("{config}\n[plugins]\ndirectories = [\"{folder}plugins\"]\n"));
        let options = LoadOptions { config: Some(setup.path("gateway.toml")), environment: Vec::new() };
        let settings = settings::load(&options).unwrap();
        let (stop, stopping) = tokio::sync::oneshot::channel();
        let (stopped_in, stopped) = mpsc::channel();
        let address = RUNTIME.block_on(async {
            let app = App::start(options, settings, Some(hooks)).unwrap().app;
            let listening = Listening::open(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
            let address = listening.address();
            tokio::spawn(async move {
                let limit = Timeout::from_secs(LIMIT.as_secs());
                let server = Server { request_timeout: limit, shutdown_timeout: limit, ..Server::default() };
                let server = Arc::new(server);
                serve(listening, app.router(), Stopping(stopping), || Terms {
                    server: Arc::clone(&server),
                    tls: None,
                })
                .await;
                // Nobody may wait for it any more.
                let _ = stopped_in.send(());
            });
            address
        });
        Self { _setup: setup, address, stop: Some(stop), stopped }
    }
}

/// Told by its other half, or by the end of that.
struct Stopping(tokio::sync::oneshot::Receiver<()>);

impl Succession for Stopping {
    async fn end(&mut self) -> End {
        let _ = (&mut self.0).await;
        End::Stopped
    }

    async fn fate(&mut self) -> Fate {
        std::future::pending().await
    }
}

impl Drop for InProcess {
    fn drop(&mut self) {
        drop(self.stop.take());
        let _ = self.stopped.recv_timeout(LIMIT);
    }
}
