//! Connector libraries as files, through the gateway's own loader: what is refused and with which line, what a connector
//! that misbehaves can do, and that the others go on.

#[cfg(test)]
mod faults;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod logs;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod service_types;
#[cfg(test)]
mod shapes;
#[cfg(test)]
mod template;
