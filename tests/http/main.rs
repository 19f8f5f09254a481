//! The running gateway judged from outside, over HTTP and by its command line: one file for each subject.

#[cfg(test)]
mod client;
#[cfg(test)]
mod discovery;
#[cfg(test)]
mod filter;
#[cfg(test)]
mod gateway;
#[cfg(test)]
mod read;
#[cfg(test)]
mod schema;
#[cfg(test)]
mod shop;
#[cfg(test)]
mod tunnel;
