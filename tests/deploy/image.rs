//! The steps of `deploy/Dockerfile`, taken without a container, and what the image would start.

use std::process::Command;

use tests::libraries::clone_folder;

use crate::overlay::{confined, script};
use crate::packed::{archive, output};
use crate::process::Gateway;

/// What a Dockerfile says.
#[derive(Default)]
struct Image {
    /// Lines of a script that make the image's files in `$root`.
    steps: Vec<String>,
    environment: Vec<String>,
    folder: String,
    volume: String,
    user: String,
    health: Vec<String>,
    entry: Vec<String>,
    command: Vec<String>,
}

impl Image {
    /// Reads the instructions that are used; others are refused.
    fn read(dockerfile: &str, archive: &str) -> Self {
        let mut image = Self::default();
        let joined = dockerfile.replace("\\\n", " ");
        for line in joined.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
            let (word, rest) = line.split_once(' ').unwrap();
            image.add(word, rest, archive);
        }
        image
    }

    fn add(&mut self, word: &str, rest: &str, archive: &str) {
        let list = |text: &str| -> Vec<String> { serde_json::from_str(text).unwrap() };
        match word {
            "FROM" => assert_eq!(rest, "debian:bookworm-slim"),
            "ARG" => assert_eq!(rest, "ARCHIVE"),
            "ADD" => {
                let folder = rest.strip_prefix("${ARCHIVE} ").unwrap();
                self.steps.push(format!("tar --no-same-owner -xzf '{archive}' -C \"$root{folder}\""));
            }
            "RUN" => self.steps.push(format!("inside sh -c '{rest}'")),
            "WORKDIR" => rest.clone_into(&mut self.folder),
            "ENV" => self.environment.push(rest.to_owned()),
            "EXPOSE" => assert!(self.environment.iter().any(|pair| pair.ends_with(&format!(":{rest}")))),
            "VOLUME" => rest.clone_into(&mut self.volume),
            "USER" => rest.clone_into(&mut self.user),
            "HEALTHCHECK" => self.health = list(rest.split_once("CMD ").unwrap().1),
            "ENTRYPOINT" => self.entry = list(rest),
            "CMD" => self.command = list(rest),
            _ => panic!("the test does not know {word}"),
        }
    }

    /// What `docker run --read-only -e TABLEGATE_SERVER__LISTEN=…` would do.
    fn script(&self) -> String {
        let environment =
            [&self.environment[..], &["TABLEGATE_SERVER__LISTEN=127.0.0.1:0".to_owned()]].concat();
        let command = [&self.entry[..], &self.command[..]].concat();
        let end = confined(&self.user, &self.volume, &self.folder, &environment, &command);
        format!("{}\n{end}", self.steps.join("\n"))
    }

    /// Whether the check of health goes well where the gateway listens at this address.
    fn is_healthy(&self, address: &str) -> bool {
        let mut check = Command::new(&self.health[0]);
        check.args(&self.health[1..]).env("TABLEGATE_SERVER__LISTEN", address);
        check.output().unwrap().status.success()
    }
}

/// Steps that have the gateway speak TLS and ask for certificates of clients.
const TLS: [&str; 2] = [
    "inside sh -c 'cd /opt/tablegate/config && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
     -subj /CN=localhost -keyout server.key -out server.crt 2> /dev/null && chown 10001 server.key'",
    "printf '\\n[server.tls]\\ncertificate = \"config/server.crt\"\\nkey = \"config/server.key\"\\nclient_ca = \"config/server.crt\"\\n' \
     >> \"$root/opt/tablegate/config/gateway.toml\"",
];

fn dockerfile() -> String {
    std::fs::read_to_string(clone_folder().join("deploy/Dockerfile")).unwrap()
}

#[test]
fn the_linter_has_nothing_to_say() {
    let folder = clone_folder();
    let printed = output(
        Command::new("python3")
            .arg(folder.join("tests/deploy/lint.py"))
            .arg("hadolint")
            .arg(folder.join("deploy/Dockerfile")),
    );
    assert_eq!(printed, "");
}

#[test]
fn the_image_starts_on_a_read_only_root_as_nobody_in_particular() {
    let image = Image::read(&dockerfile(), archive().to_str().unwrap());
    assert_ne!(image.user.split(':').next(), Some("0"));
    let scratch = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(&mut script(&scratch, &image.script()));
    gateway.is_up_and_denies();
    assert!(image.is_healthy(&gateway.address.to_string()));
    let closed = gateway.address;
    drop(gateway);
    assert!(!image.is_healthy(&closed.to_string()));
}

#[test]
fn the_check_of_health_goes_well_where_the_gateway_speaks_tls() {
    let mut image = Image::read(&dockerfile(), archive().to_str().unwrap());
    image.steps.extend(TLS.map(str::to_owned));
    let scratch = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(&mut script(&scratch, &image.script()));
    assert_eq!(gateway.get("/health").0, 400, "it speaks TLS only");
    assert!(image.is_healthy(&gateway.address.to_string()));
    let closed = gateway.address;
    drop(gateway);
    assert!(!image.is_healthy(&closed.to_string()));
}
