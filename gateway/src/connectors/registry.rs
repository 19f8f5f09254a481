//! What was loaded, by service type, and what was refused. Filled once at start: a connector that is added later is found by the next.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use connector_api::abi::Stamp;
use connector_api::model::{Descriptor, ServiceType};
use tracing::level_filters::LevelFilter;

use super::guard::{self, Watch, Watchdog};
use super::inspect::{Inspected, check_folder, digest_of, inspect};
use super::isolated::{self, Apart, Conditions};
use super::loader::{self, level_number};
use super::module::Module;
use super::refusal::{Reason, Refusal};
use crate::settings::{ByteSize, Isolation, Plugins};

/// A loaded library.
#[derive(Debug)]
pub struct Connector {
    file: PathBuf,
    stamp: Stamp,
    descriptor: Descriptor,
    module: Module,
    watch: Arc<Watch>,
}

impl Connector {
    /// The file, as it was found in the plugin folder.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Its name, version and service types.
    #[must_use]
    pub fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    /// The contract version and the compiler it was built with.
    #[must_use]
    pub fn stamp(&self) -> &Stamp {
        &self.stamp
    }

    /// One of its service types.
    #[must_use]
    pub fn service_type(&self, name: &str) -> Option<&ServiceType> {
        self.descriptor.service_types.iter().find(|known| known.name == name)
    }

    /// Whether it takes calls: none of its entries is stuck, and its process, where it has one of its own, is there.
    #[must_use]
    pub fn is_responding(&self) -> bool {
        !self.watch.is_stuck() && self.module.is_there()
    }

    /// How many processes of its own it has lost.
    #[must_use]
    pub fn lost_processes(&self) -> u64 {
        self.module.process()
    }

    pub(super) fn module(&self) -> &Module {
        &self.module
    }

    pub(super) fn watch(&self) -> &Arc<Watch> {
        &self.watch
    }
}

/// All connectors of this process.
#[derive(Debug)]
pub struct Registry {
    connectors: Vec<Arc<Connector>>,
    by_type: HashMap<String, Arc<Connector>>,
    refusals: Vec<Refusal>,
    watchdog: Watchdog,
}

type Answer = Result<(Inspected, Module, Descriptor), Reason>;

impl Registry {
    /// Loads every `*.so` of the configured folders, each on a thread of its own, and logs what was refused. Of two libraries that
    /// offer the same service type the first keeps it, in the order of folders and then of file names. Blocks for at most about
    /// `load_timeout`. `workers` are the gateway's worker threads; `level` is the most verbose level that is logged.
    #[must_use]
    pub fn load(plugins: &Plugins, workers: usize, level: LevelFilter) -> Self {
        let watchdog = Watchdog::start(workers);
        let mut registry =
            Self { connectors: Vec::new(), by_type: HashMap::new(), refusals: Vec::new(), watchdog };
        let limit = plugins.load_timeout.get();
        let began = Instant::now();
        let mut pending = Vec::new();
        for folder in &plugins.directories {
            match libraries(folder) {
                Ok(files) => pending.extend(files.into_iter().map(|file| {
                    let answer = start_loading(&file, plugins, level);
                    (file, answer)
                })),
                Err(reason) => registry.refuse(folder.clone(), reason),
            }
        }
        for (file, answer) in pending {
            let answer = answer.and_then(|answer| receive(&answer, limit, began));
            if let Err(reason) = answer.and_then(|answer| registry.add(&file, answer)) {
                registry.refuse(file, reason);
            }
        }
        registry
    }

    fn add(
        &mut self,
        file: &Path,
        (inspected, module, descriptor): (Inspected, Module, Descriptor),
    ) -> Result<(), Reason> {
        for service_type in &descriptor.service_types {
            if let Some(first) = self.by_type.get(&service_type.name) {
                let (service_type, first) = (service_type.name.clone(), first.file.clone());
                return Err(Reason::DuplicateType { service_type, first });
            }
        }
        let name = file.file_name().unwrap_or(file.as_os_str()).to_string_lossy().into_owned();
        let watch = self.watchdog.watch(name);
        let (file, stamp) = (file.to_path_buf(), inspected.stamp);
        let connector = Arc::new(Connector { file, stamp, descriptor, module, watch });
        for service_type in &connector.descriptor.service_types {
            self.by_type.insert(service_type.name.clone(), Arc::clone(&connector));
        }
        self.connectors.push(connector);
        Ok(())
    }

    fn refuse(&mut self, file: PathBuf, reason: Reason) {
        let refusal = Refusal { file, reason };
        tracing::warn!("not loaded: {refusal}");
        self.refusals.push(refusal);
    }

    /// The connector that offers a service type.
    #[must_use]
    pub fn connector(&self, service_type: &str) -> Option<&Arc<Connector>> {
        self.by_type.get(service_type)
    }

    /// Every loaded connector, in the order of loading.
    #[must_use]
    pub fn connectors(&self) -> &[Arc<Connector>] {
        &self.connectors
    }

    /// Every file and folder that was refused, in the order found.
    #[must_use]
    pub fn refusals(&self) -> &[Refusal] {
        &self.refusals
    }

    /// Every file and folder that was found, loaded or not.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        let refused = self.refusals.iter().map(|refusal| refusal.file.as_path());
        self.connectors.iter().map(|connector| connector.file()).chain(refused)
    }

    /// Tells every connector of a changed log level. Does not wait for them.
    pub fn set_log_level(&self, level: LevelFilter) {
        let level = level_number(level);
        for connector in &self.connectors {
            let module = connector.module().clone();
            if let Err(error) = guard::spawn("log", move || module.set_log_level(level)) {
                tracing::warn!(file = %connector.file.display(), %error, "the log level of a connector can't be changed");
            }
        }
    }
}

/// The library files of a folder, by name. Hidden ones are half-copied.
fn libraries(folder: &Path) -> Result<Vec<PathBuf>, Reason> {
    if !folder.is_dir() {
        return Err(Reason::MissingFolder);
    }
    check_folder(folder)?;
    let unreadable = |error: std::io::Error| Reason::Unreadable(error.to_string());
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let is_hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if !is_hidden && path.extension().is_some_and(|extension| extension == "so") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn start_loading(
    file: &Path,
    plugins: &Plugins,
    level: LevelFilter,
) -> Result<mpsc::Receiver<Answer>, Reason> {
    let (send, receive) = mpsc::channel();
    let (file, allowed) = (file.to_path_buf(), plugins.allow_sha256.clone());
    let (level, time) = (level_number(level), plugins.load_timeout.get());
    let settings = plugins.of_library(&file).cloned().unwrap_or_default();
    let work = move || {
        let answer = inspect(&file, allowed.as_deref()).and_then(|inspected| {
            let library = inspected.path.clone();
            let (module, descriptor) = match settings.isolation {
                Isolation::None => inside(&library, level)?,
                Isolation::Process => {
                    let memory = settings.memory_limit.map(ByteSize::bytes);
                    apart(Conditions { library, level, memory, environment: settings.environment, time })?
                }
            };
            Ok((inspected, module, descriptor))
        });
        if send.send(answer).is_err() {
            tracing::warn!(file = %file.display(), "the library has come back after it was refused as too slow");
        }
    };
    guard::spawn("load", work).map_err(|error| Reason::CantBeOpened(error.message))?;
    Ok(receive)
}

fn inside(library: &Path, level: u32) -> Result<(Module, Descriptor), Reason> {
    let (module, descriptor) = loader::load(library, level, loader::own_log(library))?;
    Ok((Module::Inside(module), descriptor))
}

fn apart(conditions: Conditions) -> Result<(Module, Descriptor), Reason> {
    let digest = digest_of(&conditions.library)?;
    let (running, descriptor) = isolated::start(&conditions)?;
    Ok((Module::Apart(Apart::new(running, conditions, digest)), descriptor))
}

fn receive(answer: &mpsc::Receiver<Answer>, limit: Duration, began: Instant) -> Answer {
    match answer.recv_timeout(limit.saturating_sub(began.elapsed())) {
        Ok(answer) => answer,
        Err(mpsc::RecvTimeoutError::Timeout) => Err(Reason::TooSlow(limit)),
        Err(mpsc::RecvTimeoutError::Disconnected) => {
            Err(Reason::CantBeOpened("the layout check failed on it".to_owned()))
        }
    }
}
