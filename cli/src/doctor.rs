//! `tablegate doctor`: shows what was found, and writes it down for somebody else.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use tablegate::doctor::{Examination, Level, bundle};
use tablegate::settings::LoadOptions;

/// What ends the command early.
type Failure = Box<dyn std::error::Error>;

#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// Print one JSON object for programs.
    #[arg(long)]
    json: bool,
    /// Also write a support bundle into this new file: the report, the configuration and facts of the system, without secrets.
    #[arg(long, value_name = "FILE.tar.gz")]
    bundle: Option<PathBuf>,
    /// A file with the gateway's log, whose last lines go into the bundle.
    #[arg(long, value_name = "FILE", requires = "bundle")]
    log: Option<PathBuf>,
}

/// Looks at everything.
pub(crate) fn run(asked: &Doctor, options: &LoadOptions) -> ExitCode {
    match examine(asked, options) {
        Ok(false) => ExitCode::SUCCESS,
        Ok(true) => ExitCode::FAILURE,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether there is a problem.
fn examine(asked: &Doctor, options: &LoadOptions) -> Result<bool, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let examination = runtime.block_on(Examination::make(options));
    // A connector may have threads that do not return.
    runtime.shutdown_background();
    if asked.json {
        print_json(&examination)?
    } else {
        print(&examination)?
    }
    if let Some(file) = &asked.bundle {
        bundle::write(&examination, file, asked.log.as_deref())?;
        writeln!(std::io::stderr(), "wrote {}: look at it before you give it away", file.display())?;
    }
    Ok(examination.has_problem())
}

fn print_json(examination: &Examination) -> Result<(), Failure> {
    let report = serde_json::json!({
        "version": env!("CARGO_PKG_VERSION"),
        "findings": examination.findings,
    });
    writeln!(std::io::stdout(), "{report:#}")?;
    Ok(())
}

fn print(examination: &Examination) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    for finding in &examination.findings {
        writeln!(out, "{finding}")?;
    }
    let count = |level: Level| examination.findings.iter().filter(|finding| finding.level == level).count();
    writeln!(out, "\n{} problem(s), {} warning(s)", count(Level::Problem), count(Level::Warning))?;
    Ok(())
}
