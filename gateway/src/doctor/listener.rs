//! The address to listen on: free, or who has it.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use super::Finding;
use crate::error::ApiError;
use crate::settings::Settings;

const AREA: &str = "address";
const LIMIT: Duration = Duration::from_secs(2);
/// The state of a socket that listens, in `/proc/net/tcp`.
const LISTENS: &str = "0A";

pub(super) fn findings(settings: &Settings) -> Vec<Finding> {
    let address = settings.server.listen;
    vec![match TcpListener::bind(address) {
        Ok(_) => Finding::ok(AREA, format!("{address} is free")),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => taken(address),
        Err(error) => Finding::problem(AREA, format!("can't listen on {address}: {error}"), remedy(&error)),
    }]
}

fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::PermissionDenied => {
            "ports below 1024 need a right of their own: CAP_NET_BIND_SERVICE, or another port in `server.listen`"
        }
        _ => "give an address of this machine in `server.listen`",
    }
}

fn taken(address: SocketAddr) -> Finding {
    let owner = owner(address.port());
    let by = owner.map_or_else(
        || "a program of another account".to_owned(),
        |(id, name)| format!("{name}, process {id}"),
    );
    if is_gateway(address) {
        return Finding::ok(AREA, format!("a gateway answers on {address} ({by})"));
    }
    let what = format!("{address} is taken by {by}");
    Finding::problem(AREA, what, "stop that program, or change `server.listen`")
}

/// Whether what listens there answers as a gateway does. One that speaks TLS is asked in the clear too: it refuses that in its own words,
/// before any handshake, so neither its certificate nor one of ours matters.
fn is_gateway(address: SocketAddr) -> bool {
    let ask = || -> io::Result<String> {
        let mut address = address;
        if address.ip().is_unspecified() {
            let own: std::net::IpAddr =
                if address.is_ipv4() { [127, 0, 0, 1].into() } else { std::net::Ipv6Addr::LOCALHOST.into() };
            address.set_ip(own);
        }
        let mut stream = TcpStream::connect_timeout(&address, LIMIT)?;
        stream.set_read_timeout(Some(LIMIT))?;
        stream.set_write_timeout(Some(LIMIT))?;
        stream.write_all(b"GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
        let mut answer = Vec::new();
        stream.take(4096).read_to_end(&mut answer)?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    };
    let speaks_tls = ApiError::not_encrypted();
    ask().is_ok_and(|answer| {
        answer.ends_with(r#"{"status":"up"}"#) || answer.contains(speaks_tls.message.as_str())
    })
}

/// Number and name of the process that listens on the port, as far as this account may know it.
fn owner(port: u16) -> Option<(String, String)> {
    let tables =
        ["/proc/net/tcp", "/proc/net/tcp6"].map(|table| fs::read_to_string(table).unwrap_or_default());
    let socket = tables.iter().flat_map(|table| table.lines()).find_map(|line| socket_of(line, port))?;
    let wanted = format!("socket:[{socket}]");
    let processes = fs::read_dir("/proc").ok()?.flatten();
    let is_number = |name: &std::ffi::OsStr| name.as_encoded_bytes().iter().all(u8::is_ascii_digit);
    for process in processes.filter(|process| is_number(&process.file_name())) {
        let Ok(files) = fs::read_dir(process.path().join("fd")) else { continue };
        let links = files.flatten().filter_map(|file| fs::read_link(file.path()).ok());
        if links.into_iter().any(|link| link.as_os_str() == wanted.as_str()) {
            let name = fs::read_to_string(process.path().join("comm")).unwrap_or_default();
            return Some((process.file_name().to_string_lossy().into_owned(), name.trim().to_owned()));
        }
    }
    None
}

/// The inode of the socket of a line, if it listens on the port.
fn socket_of(line: &str, port: u16) -> Option<&str> {
    let mut words = line.split_whitespace();
    let local = words.nth(1)?;
    let state = words.nth(1)?;
    let inode = words.nth(5)?;
    let (_, local) = local.rsplit_once(':')?;
    (state == LISTENS && u16::from_str_radix(local, 16) == Ok(port)).then_some(inode)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_of_a_socket_that_listens_has_its_inode() {
        let line = "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 12345 1 0 100 0 0 10 0";
        assert_eq!(socket_of(line, 8080), Some("12345"));
        assert_eq!(socket_of(line, 8081), None);
        assert_eq!(socket_of(&line.replace(" 0A ", " 01 "), 8080), None);
    }

    #[test]
    fn a_port_of_somebody_else_is_a_problem_that_names_the_process() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        // Ends each connection, as a program that speaks something else does.
        std::thread::spawn(move || listener.incoming().for_each(drop));
        let mut settings = Settings::default();
        settings.server.listen = address;
        let finding = findings(&settings).remove(0);
        assert_eq!(finding.level, super::super::Level::Problem);
        assert!(finding.what.contains(&format!("process {}", std::process::id())), "{}", finding.what);
    }
}
