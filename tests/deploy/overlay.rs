//! A root folder that has all of this machine and forgets what is changed in it: for steps that would otherwise need a container.

use std::process::Command;

use crate::packed::as_root;

/// `$root` is this machine's files under a layer in memory. Nobody else sees either of them, and they go away with the process.
const BEGIN: &str = "set -euo pipefail
scratch=$1
mount -t tmpfs tmpfs \"$scratch\"
mkdir \"$scratch/upper\" \"$scratch/work\" \"$scratch/root\"
root=$scratch/root
mount -t overlay overlay -o \"lowerdir=/,upperdir=$scratch/upper,workdir=$scratch/work\" \"$root\"
inside() { chroot \"$root\" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive \"$@\"; }
";

/// This script of bash, which calls `inside COMMAND…`. What it becomes by `exec` is the process that is started.
pub(crate) fn script(scratch: &tempfile::TempDir, text: &str) -> Command {
    let mut command = as_root("unshare");
    command.args(["--mount", "bash", "-c", &format!("{BEGIN}{text}"), "overlay"]).arg(scratch.path());
    command
}

/// The end of a script: nothing can be written any more but in one folder, which is the account's own, and a command is run as that account.
/// `account` is a user and a group, by name or by number.
pub(crate) fn confined(
    account: &str,
    writable: &str,
    folder: &str,
    environment: &[String],
    command: &[String],
) -> String {
    let quoted = |words: &[String]| words.iter().map(|word| format!("'{word}' ")).collect::<String>();
    let (environment, command) = (quoted(environment), quoted(command));
    format!(
        "mkdir -p \"$root{writable}\"
mount -t tmpfs tmpfs \"$root{writable}\"
inside chown {account} {writable}
mount -o remount,ro \"$root\"
exec chroot --userspec={account} \"$root\" /usr/bin/env -i {environment}sh -c 'cd {folder} && exec \"$@\"' sh {command}
"
    )
}
