//! How much memory this process occupies, read from the kernel's `/proc/self/status`.
//!
//! `status` rather than `statm`, because it states its unit and needs no page size. Linux only;
//! elsewhere the gauge stays at zero.

use std::fs;

/// The resident set in bytes, if the kernel tells.
pub(super) fn resident_bytes() -> Option<i64> {
    parse(&fs::read_to_string("/proc/self/status").ok()?)
}

/// proc_pid_status(5): `VmRSS:     1234 kB`.
fn parse(status: &str) -> Option<i64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: i64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn reads_the_resident_line_and_only_that() {
        assert_eq!(parse("VmHWM:\t 99 kB\nVmRSS:\t    2048 kB\n"), Some(2_097_152));
        assert_eq!(parse("VmRSS:\t 2048 pages\n"), None);
        assert_eq!(parse("Name:\tconsentry\n"), None);
    }
}
