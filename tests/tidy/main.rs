//! The project's own rules, read off the files of the clone: dependencies, rooms, names, sizes, documents.
//!
//! Each rule is a function from what it reads to a list of findings. It is tested twice: on the clone, where it must
//! find nothing, and on a sample that breaks it, where it must find that. Nothing here builds or runs the project.

#[cfg(test)]
mod checklist;
#[cfg(test)]
mod clone;
#[cfg(test)]
mod databases;
#[cfg(test)]
mod dependencies;
#[cfg(test)]
mod documents;
#[cfg(test)]
mod rooms;
#[cfg(test)]
mod sources;
#[cfg(test)]
mod sql;
#[cfg(test)]
mod tokens;
