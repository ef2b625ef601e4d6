//! What the kernel says about this process: memory, processor time, open files.
//!
//! Read from `/proc/self` (proc_pid_status(5), proc_pid_stat(5), proc_pid_limits(5)) when
//! somebody scrapes. Linux only; elsewhere the figures are left out.

use std::fs;

/// Clock ticks per second in `/proc`: USER_HZ, which is 100 on every architecture of Linux
/// this program is built for (time(7)).
const TICKS_PER_SECOND: f64 = 100.0;

/// The resident set in bytes, if the kernel tells.
pub(super) fn resident_bytes() -> Option<i64> {
    parse_resident(&fs::read_to_string("/proc/self/status").ok()?)
}

/// Processor time in user and kernel mode, in seconds, if the kernel tells.
pub(super) fn cpu_seconds() -> Option<f64> {
    parse_cpu(&fs::read_to_string("/proc/self/stat").ok()?)
}

/// How many descriptors are open, if the kernel tells.
pub(super) fn open_fds() -> Option<i64> {
    // The descriptor that reads the folder is one of them and closed again.
    let open = fs::read_dir("/proc/self/fd").ok()?.count().saturating_sub(1);
    i64::try_from(open).ok()
}

/// How many descriptors may be open, if the kernel tells.
pub(super) fn max_fds() -> Option<i64> {
    parse_max_fds(&fs::read_to_string("/proc/self/limits").ok()?)
}

/// `VmRSS:     1234 kB`; `status` rather than `statm`, because it states its unit.
fn parse_resident(status: &str) -> Option<i64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: i64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

/// Fields 14 and 15, counted after the program's name, which may contain anything.
fn parse_cpu(stat: &str) -> Option<f64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_ascii_whitespace().skip(11);
    let user: u32 = fields.next()?.parse().ok()?;
    let kernel: u32 = fields.next()?.parse().ok()?;
    Some((f64::from(user) + f64::from(kernel)) / TICKS_PER_SECOND)
}

/// `Max open files            1024                 524288               files`.
fn parse_max_fds(limits: &str) -> Option<i64> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{cpu_seconds, max_fds, open_fds, parse_cpu, parse_max_fds, parse_resident};

    #[test]
    fn reads_the_resident_line_and_only_that() {
        assert_eq!(parse_resident("VmHWM:\t 99 kB\nVmRSS:\t    2048 kB\n"), Some(2_097_152));
        assert_eq!(parse_resident("VmRSS:\t 2048 pages\n"), None);
        assert_eq!(parse_resident("Name:\tconsentry\n"), None);
    }

    #[test]
    fn counts_fields_after_whatever_the_program_is_called() {
        let stat = "7 (a ) b) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20 0 3 0 99\n";
        assert_eq!(parse_cpu(stat), Some(3.0));
        assert_eq!(parse_cpu("7 (x) S 1"), None);
    }

    #[test]
    fn reads_the_soft_limit_of_descriptors() {
        let limits = "Max open files            1024                 524288               files\n";
        assert_eq!(parse_max_fds(limits), Some(1024));
        assert_eq!(parse_max_fds("Max processes  1 2 processes\n"), None);
    }

    #[test]
    fn the_kernel_of_this_machine_is_understood() {
        assert!(cpu_seconds().is_some());
        assert!(open_fds().unwrap() >= 3 && open_fds() < max_fds());
    }
}
