//! From the start of the process to the first answer of `/health`, with an empty plugin folder and with twenty libraries in it.

use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::Serialize;
use tests::libraries::{library, set_knobs};

use crate::Failure;
use crate::load;
use crate::process::{Server, gateway_command};
use crate::report::{self, Spread, say};
use crate::store::Store;

const LIBRARIES: usize = 20;
const RUNS: usize = 15;

/// One number of libraries.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) libraries: usize,
    /// Milliseconds until `/health` answers.
    pub(crate) milliseconds: Spread,
}

/// Starts the gateway in turn without and with libraries.
pub(crate) async fn measure(folder: &Path) -> Result<Vec<Row>, Failure> {
    let (empty, full) = (plugins(folder, "empty", 0)?, plugins(folder, "full", LIBRARIES)?);
    let (mut without, mut with) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        without.push(milliseconds(folder, &empty).await?);
        with.push(milliseconds(folder, &full).await?);
    }
    let rows = [(0, without), (LIBRARIES, with)]
        .map(|(libraries, times)| Row { libraries, milliseconds: Spread::of(times) });
    for (index, row) in rows.iter().enumerate() {
        say(report::start_line(row, index == 0))?;
    }
    Ok(rows.into())
}

/// A folder with so many copies of the chaos library, each with a service type of its own.
fn plugins(folder: &Path, name: &str, count: usize) -> Result<PathBuf, Failure> {
    let plugins = folder.join(name);
    std::fs::create_dir(&plugins)?;
    if count > 0 {
        let mut bytes = std::fs::read(library("chaos")?)?;
        for nth in 0..count {
            let digits = format!("{nth:02}");
            set_knobs(&mut bytes, '-', &digits)?;
            std::fs::write(plugins.join(format!("libchaos_{digits}.so")), &bytes)?;
        }
    }
    Ok(plugins)
}

async fn milliseconds(folder: &Path, plugins: &Path) -> Result<f64, Failure> {
    let mut command = gateway_command(&Store::file()?, folder, plugins)?;
    // The benchmark's own service has no connector here, which is logged as an error.
    command.env("TABLEGATE_LOGGING__LEVEL", "off");
    let began = Instant::now();
    let server = Server::start(&mut command)?;
    load::fetch(server.address(), "/health").await?;
    Ok(began.elapsed().as_secs_f64() * 1000.0)
}
