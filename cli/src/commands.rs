//! The command line: one function for each command. What a command prints for a person goes to the standard output, logs and errors to
//! the standard error stream.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tablegate::app::{self, App, Signals, Socket, StartError, Started};
use tablegate::connectors::{Registry, isolated, template};
use tablegate::doctor::{Visit, visit};
use tablegate::settings::{self, LoadOptions, Problems, Settings};
use tablegate::telemetry;

use crate::doctor::{self, Doctor};
use crate::judge::{self, Judge};

/// Any database, one secure REST gateway.
#[derive(Debug, Parser)]
#[command(name = "tablegate", version, about)]
pub(crate) struct Arguments {
    /// The configuration file; without it `config/gateway.toml`, when there is one. `connector test` has a file of its own.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve until stopped.
    Serve {
        /// Take the place of the gateway that runs here: it hands its socket over, finishes its requests and ends. If this one can't
        /// start, that one goes on.
        #[arg(long)]
        take_over: bool,
    },
    /// Check configuration and connectors, and say everything that is wrong.
    Check,
    /// List the connectors found, and why others were refused.
    Connectors,
    /// Open a service, ask its store whether it is there, and list its tables.
    Test {
        /// The service's name.
        service: String,
    },
    /// Look at configuration, files, connectors, stores and the system, and say what to do about what is wrong.
    ///
    /// Changes nothing, and may run beside a gateway that serves. The exit code is 1 when something does not work.
    Doctor(Doctor),
    /// What the gateway runs for a connector that has a process of its own.
    #[command(name = isolated::COMMAND, hide = true)]
    Isolated {
        /// The library, for those who list processes; the gateway says what is to be loaded.
        library: Option<PathBuf>,
    },
    /// For authors of connectors.
    #[command(subcommand)]
    Connector(ConnectorCommand),
}

#[derive(Debug, Subcommand)]
enum ConnectorCommand {
    /// Write a working connector into a new folder.
    New {
        /// Its name; becomes the folder, the package and the service type.
        name: String,
    },
    /// Judge a library file: does it do what it declares, and refuse what it does not?
    ///
    /// Runs against a store that runs. `--config` names a file of its own for this, not the gateway's. With a `[prepare]` in it the whole
    /// suite runs on tables of its own; without, random requests on the tables that are there are compared with a reference, and nothing is
    /// written.
    Test(Judge),
}

/// Runs a command; the exit code is 0 when all is well.
pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let options = LoadOptions::from_process(arguments.config.clone());
    let result = match &arguments.command {
        Command::Serve { take_over } => serve(options, *take_over),
        Command::Check => check(&options),
        Command::Connectors => connectors(&options),
        Command::Test { service } => test(&options, service),
        Command::Doctor(asked) => return doctor::run(asked, &options),
        Command::Isolated { .. } => isolated::run()
            .map_err(|error| format!("the gateway runs this command for itself: {error}").into()),
        Command::Connector(ConnectorCommand::New { name }) => new_connector(name),
        Command::Connector(ConnectorCommand::Test(asked)) => {
            return judge::run(asked, arguments.config.as_ref());
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

/// What ends a command; shown to the person as it is.
type Failure = Box<dyn std::error::Error>;

fn say(text: impl std::fmt::Display) -> Result<(), Failure> {
    writeln!(std::io::stdout(), "{text}")?;
    Ok(())
}

fn serve(options: LoadOptions, takes_over: bool) -> Result<(), Failure> {
    let settings = settings::load(&options)?;
    let telemetry = telemetry::install(&settings.logging)?;
    let runtime = runtime(&settings)?;
    runtime.block_on(async {
        let signals = Signals::take().map_err(StartError::System)?;
        let socket = Socket::new(&settings, takes_over).await?;
        let Started { app, settings, admin_email, one_time_password } = App::start(options, settings, None)?;
        app.check_succession(&settings, &socket)?;
        let scheme = if settings.server.tls.is_some() { "https" } else { "http" };
        say(format_args!("tablegate listens on {scheme}://{}", socket.listening.address()))?;
        if let Some(password) = one_time_password {
            say(format_args!("administrator for this run: {admin_email}, password {}", password.reveal()))?;
        }
        Ok(app.serve(&settings, socket, telemetry, signals).await?)
    })
}

fn runtime(settings: &Settings) -> Result<tokio::runtime::Runtime, StartError> {
    let workers = app::workers(settings);
    Ok(tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers)
        .thread_name("gateway")
        .enable_all()
        .build()?)
}

/// The connectors of a command that serves nothing.
fn load_connectors(settings: &Settings) -> Registry {
    Registry::load(&settings.plugins, app::workers(settings), telemetry::max_level())
}

fn check(options: &LoadOptions) -> Result<(), Failure> {
    let app::Read { settings, registry, problems } = app::read(options, telemetry::max_level());
    let refusals = registry.iter().flat_map(Registry::refusals);
    let origin =
        |file: &Path| settings.as_ref().map(|settings| settings.origin_of_folder(file)).unwrap_or_default();
    let mut lines: Vec<String> =
        refusals.map(|refusal| format!("{}{refusal}", origin(&refusal.file))).collect();
    if !problems.is_empty() {
        lines.push(Problems::sorted(problems).to_string());
    }
    let (Some(Settings { services, roles, apps, .. }), true) = (&settings, lines.is_empty()) else {
        return Err(lines.join("\n").into());
    };
    say(format_args!(
        "the configuration is right: {} service(s), {} role(s), {} app(s)",
        services.len(),
        roles.len(),
        apps.len()
    ))
}

fn connectors(options: &LoadOptions) -> Result<(), Failure> {
    let settings = settings::load(options)?;
    let registry = load_connectors(&settings);
    for connector in registry.connectors() {
        let (descriptor, stamp) = (connector.descriptor(), connector.stamp());
        say(format_args!("{}", connector.file().display()))?;
        say(format_args!("  connector     {} {}", descriptor.name, descriptor.version))?;
        say(format_args!(
            "  contract      connector-api {}, revision {}",
            stamp.api_version(),
            stamp.revision()
        ))?;
        say(format_args!("  compiler      {}", stamp.compiler()))?;
        for service_type in &descriptor.service_types {
            say(format_args!("  service type  {} ({})", service_type.name, service_type.label))?;
            say(format_args!("  capabilities  {}", service_type.capabilities.declared().join(" ")))?;
        }
    }
    for refusal in registry.refusals() {
        say(format_args!("refused: {refusal}"))?;
    }
    if registry.connectors().is_empty() {
        let folders: Vec<String> =
            settings.plugins.directories.iter().map(|folder| folder.display().to_string()).collect();
        say(format_args!("no connector was found in {}", folders.join(", ")))?;
    }
    Ok(())
}

fn test(options: &LoadOptions, name: &str) -> Result<(), Failure> {
    let settings = settings::load(options)?;
    let runtime = runtime(&settings)?;
    runtime.block_on(async {
        let app = App::start(options.clone(), settings, None)?.app;
        let snapshot = app.snapshot();
        let Some(service) = snapshot.services.get(&name.to_lowercase()) else {
            let known: Vec<&str> = snapshot.sorted_services().iter().map(|service| service.name()).collect();
            return Err(format!(
                "there is no service '{name}'; the configured ones are: {}",
                known.join(", ")
            )
            .into());
        };
        let Visit { tables, time } = visit(service, app.registry()).await?;
        let took = time.as_secs_f64() * 1000.0;
        say(format_args!("service '{name}' answers: {tables} table(s) in {took:.1} ms"))
    })
}

fn new_connector(name: &str) -> Result<(), Failure> {
    let folder = template::create(name, &std::env::current_dir()?)?;
    say(format_args!("wrote {}", folder.display()))?;
    let library = format!("target/release/lib{}.so", name.replace('-', "_"));
    say(format_args!("next: cd {name} && cargo build --release"))?;
    say(format_args!("then: tablegate connector test {library} --config judge.toml"))?;
    say("README.md there says how to install it")
}
