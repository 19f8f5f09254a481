//! Checks a library file before it is opened. Runs no code of the file: a truncated library would end the process inside the
//! system's loader, and another architecture's is reported there as "no such file".
//!
//! Between this check and the opening the file could be exchanged, but only by someone who may write to the file or its folder;
//! such a person could as well have put another library there before. The check is a guard against accidents and against accounts
//! without that right, so the path is simply opened again. The owner is not judged: mounted volumes have owners of their own.

use std::fs::{self, File};
use std::io::{self, Read, Seek};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use connector_api::abi::{ENTRY_SYMBOL, REVISION, STAMP_SECTION, Stamp};
use object::elf::{self, FileHeader32, FileHeader64};
use object::read::elf::{FileHeader, ProgramHeader, SectionHeader, Sym};
use object::{Endianness, ReadCache, ReadRef};
use ring::digest;

use super::refusal::Reason;
use crate::settings::Sha256Digest;

/// A file that may be opened.
#[derive(Debug, Clone)]
pub struct Inspected {
    /// The path with all links resolved.
    pub path: PathBuf,
    /// What the library says of itself.
    pub stamp: Stamp,
}

/// Checks one file: who may write to it, its digest if `allowed` names any, and that it is a connector for this gateway.
///
/// # Errors
/// The first reason against it.
pub fn inspect(file: &Path, allowed: Option<&[Sha256Digest]>) -> Result<Inspected, Reason> {
    if std::env::consts::DLL_EXTENSION != "so" {
        return Err(Reason::UnsupportedSystem);
    }
    let path = fs::canonicalize(file).map_err(unreadable)?;
    if let Some(folder) = path.parent() {
        check_folder(folder)?;
    }
    let metadata = fs::metadata(&path).map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(Reason::NotAFile);
    }
    if is_world_writable(&metadata) {
        return Err(Reason::WorldWritableFile);
    }
    let mut opened = File::open(&path).map_err(unreadable)?;
    if let Some(allowed) = allowed {
        let digest = sha256(&mut opened).map_err(unreadable)?;
        if !allowed.contains(&digest) {
            return Err(Reason::NotAllowed(digest));
        }
    }
    let stamp = inspect_elf(opened, metadata.len())?;
    Ok(Inspected { path, stamp })
}

/// Checks a folder of libraries: nobody but owner and group may add, replace or rename anything on the way to them.
///
/// In the folder itself the sticky bit does not help: it keeps others from replacing files, not from adding one. Above it, it does.
///
/// # Errors
/// When it can't be read, or anybody may write to it.
pub fn check_folder(folder: &Path) -> Result<(), Reason> {
    let folder = fs::canonicalize(folder).map_err(unreadable)?;
    for (depth, above) in folder.ancestors().enumerate() {
        let metadata = fs::metadata(above).map_err(unreadable)?;
        let is_sticky = metadata.permissions().mode() & 0o1000 != 0;
        if is_world_writable(&metadata) && (depth == 0 || !is_sticky) {
            return Err(Reason::WorldWritableFolder(above.to_path_buf()));
        }
    }
    Ok(())
}

/// The digest of a file.
///
/// # Errors
/// It can't be read.
pub fn digest_of(file: &Path) -> Result<Sha256Digest, Reason> {
    File::open(file).and_then(|mut file| sha256(&mut file)).map_err(unreadable)
}

fn is_world_writable(metadata: &fs::Metadata) -> bool {
    metadata.permissions().mode() & 0o002 != 0
}

#[allow(clippy::needless_pass_by_value, reason = "used as a function for map_err")]
fn unreadable(error: io::Error) -> Reason {
    Reason::Unreadable(error.to_string())
}

/// The digest of a whole file, read piece by piece.
fn sha256(file: &mut File) -> io::Result<Sha256Digest> {
    let mut context = digest::Context::new(&digest::SHA256);
    let mut piece = vec![0; 64 * 1024];
    loop {
        let read = file.read(&mut piece)?;
        let Some(bytes) = piece.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
        context.update(bytes);
    }
    file.rewind()?;
    let digest = context.finish();
    digest.as_ref().try_into().map(Sha256Digest).map_err(io::Error::other)
}

fn inspect_elf(mut file: File, length: u64) -> Result<Stamp, Reason> {
    let mut ident = [0; 16];
    file.read_exact(&mut ident).map_err(|_| Reason::NotALibrary)?;
    let [0x7f, b'E', b'L', b'F', class, ..] = ident else { return Err(Reason::NotALibrary) };
    let cache = ReadCache::new(file);
    match elf::FileClass(class) {
        elf::ELFCLASS64 => inspect_class::<FileHeader64<Endianness>>(&cache, length),
        elf::ELFCLASS32 => inspect_class::<FileHeader32<Endianness>>(&cache, length),
        _ => Err(Reason::NotALibrary),
    }
}

fn inspect_class<H: FileHeader<Endian = Endianness>>(
    cache: &ReadCache<File>,
    length: u64,
) -> Result<Stamp, Reason> {
    let truncated = |expected| Reason::Truncated { actual: length, expected };
    let header = H::parse(cache).map_err(|_| truncated(size_of::<H>() as u64))?;
    let endian = header.endian().map_err(|_| Reason::NotALibrary)?;
    check_machine(header, endian)?;
    if header.e_type(endian) != elf::ET_DYN {
        return Err(Reason::NotALibrary);
    }
    let expected = expected_length(header, endian, cache);
    if expected > length {
        return Err(truncated(expected));
    }
    // Only the two tables that are needed: a library with debug information has large ones beside them.
    let no_library = |_| Reason::NotALibrary;
    let sections = header.sections(endian, cache).map_err(no_library)?;
    let symbols = sections.symbols(endian, cache, elf::SHT_DYNSYM).map_err(no_library)?;
    let has_entry = symbols.iter().any(|symbol| {
        let name = symbol.name(endian, symbols.strings());
        !symbol.is_undefined(endian) && name == Ok(ENTRY_SYMBOL.as_bytes())
    });
    if !has_entry {
        return Err(Reason::NoEntryPoint);
    }
    let (_, section) =
        sections.section_by_name(endian, STAMP_SECTION.as_bytes()).ok_or(Reason::NoEntryPoint)?;
    let stamp = section.data(endian, cache).ok().and_then(Stamp::parse).ok_or(Reason::NoEntryPoint)?;
    check_stamp(stamp)
}

fn check_stamp(stamp: Stamp) -> Result<Stamp, Reason> {
    if stamp.revision() != REVISION {
        return Err(Reason::OtherRevision { found: stamp.revision(), expected: REVISION });
    }
    if !stamp.unwinds() {
        return Err(Reason::PanicAborts);
    }
    Ok(stamp)
}

/// How long the file must be for its headers, sections and segments. Whatever can't be read counts with its place only.
fn expected_length<'data, H: FileHeader<Endian = Endianness>, R: ReadRef<'data>>(
    header: &H,
    endian: Endianness,
    data: R,
) -> u64 {
    let table = |offset: H::Word, count: u16, size: u16| {
        let offset: u64 = offset.into();
        offset.saturating_add(u64::from(count) * u64::from(size))
    };
    let headers = table(header.e_phoff(endian), header.e_phnum(endian), header.e_phentsize(endian));
    let sections = table(header.e_shoff(endian), header.e_shnum(endian), header.e_shentsize(endian));
    let segments = header.program_headers(endian, data).unwrap_or_default().iter().map(|segment| {
        let (offset, size): (u64, u64) = (segment.p_offset(endian).into(), segment.p_filesz(endian).into());
        offset.saturating_add(size)
    });
    segments.fold(headers.max(sections), u64::max)
}

const MACHINES: [(elf::Machine, &str); 8] = [
    (elf::EM_X86_64, "x86_64"),
    (elf::EM_AARCH64, "aarch64"),
    (elf::EM_386, "x86"),
    (elf::EM_ARM, "arm"),
    (elf::EM_RISCV, "riscv64"),
    (elf::EM_PPC64, "powerpc64"),
    (elf::EM_S390, "s390x"),
    (elf::EM_LOONGARCH, "loongarch64"),
];

/// Machine, word size and byte order must be the gateway's own.
fn check_machine<H: FileHeader<Endian = Endianness>>(header: &H, endian: Endianness) -> Result<(), Reason> {
    let expected = std::env::consts::ARCH;
    let machine = header.e_machine(endian);
    let found = MACHINES.iter().find(|(number, _)| *number == machine).map(|(_, name)| *name);
    let is_own_order = (endian == Endianness::Little) == cfg!(target_endian = "little");
    let is_own_width = header.is_class_64() == cfg!(target_pointer_width = "64");
    if found == Some(expected) && is_own_order && is_own_width {
        return Ok(());
    }
    let name = found.map_or_else(|| format!("machine {}", machine.0), str::to_owned);
    let bits = if header.is_class_64() { 64 } else { 32 };
    let order = if endian == Endianness::Little { "little" } else { "big" };
    let found = if name == expected { format!("{name}, {bits} bits, {order} endian") } else { name };
    Err(Reason::OtherArchitecture { found, expected: expected.to_owned() })
}
