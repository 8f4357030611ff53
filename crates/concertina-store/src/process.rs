//! The identity of this process, and whether another process is still alive.

use std::fs;
use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

/// A process on a machine, as written into claims and names of unfinished files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Process {
    /// The host's name, for people.
    pub(crate) host: String,
    /// 16 hexadecimal digits for the host, the boot and the process namespace. Process numbers are only
    /// meaningful within one such machine.
    pub(crate) machine: String,
    pub(crate) pid: u32,
    /// When the process started, in ticks since boot; 0 if unknown. This distinguishes a new process from an
    /// old one with the same number.
    pub(crate) started: u64,
}

impl Process {
    pub(crate) fn current() -> Self {
        let text = |path| fs::read_to_string(path).map(|text| text.trim().to_owned()).unwrap_or_default();
        let host = match text("/proc/sys/kernel/hostname") {
            name if name.is_empty() => named_host().unwrap_or_else(|| "unknown".to_owned()),
            name => name,
        };
        let boot = text("/proc/sys/kernel/random/boot_id");
        let space = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
        let machine = blake3::hash(format!("{host}\n{boot}\n{}", space.display()).as_bytes());
        let pid = std::process::id();
        let machine = machine.to_hex()[..16].to_owned();
        Self { host, machine, pid, started: start_of(pid).unwrap_or(0) }
    }

    /// The current process, which has another number if it was forked since.
    pub(crate) fn now(&self) -> Self {
        self.as_of(std::process::id())
    }

    fn as_of(&self, pid: u32) -> Self {
        match pid == self.pid {
            true => self.clone(),
            false => Self { pid, started: start_of(pid).unwrap_or(0), ..self.clone() },
        }
    }

    /// True only if the process ran on this machine and has certainly ended.
    pub(crate) fn knows_dead(&self, machine: &str, pid: u32, started: u64) -> bool {
        machine == self.machine && self.started != 0 && started != 0 && start_of(pid) != Some(started)
    }

    /// The prefix of the names of this process's unfinished files: `<machine>-<pid>-<started>-`.
    pub(crate) fn prefix(&self) -> String {
        format!("{}-{}-{}-", self.machine, self.pid, self.started)
    }

    /// True if the unfinished file of this name was certainly left by an ended process.
    pub(crate) fn knows_left_over(&self, name: &str) -> bool {
        let mut parts = name.split('-');
        let mut next = || parts.next();
        let (Some(machine), Some(pid), Some(started)) = (next(), next(), next()) else { return false };
        let (Ok(pid), Ok(started)) = (pid.parse(), started.parse()) else { return false };
        self.knows_dead(machine, pid, started)
    }
}

/// The host's name on a system without `/proc`. Two hosts that share a store must not have the same one, or a
/// process would take another host's claim for its own.
fn named_host() -> Option<String> {
    let named = |variable| std::env::var(variable).ok().filter(|name| !name.is_empty());
    named("HOSTNAME").or_else(|| named("COMPUTERNAME")).or_else(|| {
        let output = std::process::Command::new("hostname").output().ok()?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_owned()).filter(|name| !name.is_empty())
    })
}

/// When a running process started (field 22 of `/proc/<pid>/stat`); `None` if it has ended, or the system has
/// no `/proc`.
fn start_of(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the name in parentheses, which may contain anything.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace();
    let state = fields.next()?;
    if matches!(state, "Z" | "X") {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

/// 16 hexadecimal digits that no other process uses.
pub(crate) fn token() -> String {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let mut hasher = std::hash::RandomState::new().build_hasher();
    hasher.write_u32(std::process::id());
    hasher.write_u64(COUNTER.fetch_add(1, Ordering::Relaxed));
    format!("{:016x}", hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::Process;

    #[test]
    fn a_forked_child_is_another_process() {
        let own = Process::current();
        assert_eq!(own.now(), own);
        // A child inherits what its parent recorded about itself.
        let parent = Process { pid: 1, started: 0, ..own.clone() };
        assert_eq!(parent.as_of(std::process::id()), own);
        assert_eq!(parent.as_of(1), parent);
    }
}
