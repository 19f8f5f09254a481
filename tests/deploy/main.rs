//! What an operator gets: the archive, the package for Debian, the steps of the image. Each is checked as a file, then unpacked into an
//! empty folder and used as a machine without this clone would use it. `make test` packs them before.

#[cfg(test)]
mod archive;
#[cfg(test)]
mod debian;
#[cfg(test)]
mod image;
#[cfg(test)]
mod overlay;
#[cfg(test)]
mod packed;
#[cfg(test)]
mod process;
