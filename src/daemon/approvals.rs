//! The folder of approved notices, read at start, reload and `check`.
//!
//! What cannot be read, was changed or was approved by somebody without the right stops all
//! three: a file here lets mail past objections.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::SystemClock;
use crate::classify::{Approval, Approvals};
use crate::config::{Config, Right};
use crate::relay::ports::Clock as _;

/// What an approval's file is called behind its digest.
const EXTENSION: &str = "toml";

/// Where the approval of a content stands.
pub fn file(folder: &Path, approval: &Approval) -> PathBuf {
    folder.join(format!("{}.{EXTENSION}", approval.digest()))
}

/// The approvals in the folder `config` names that are not over; none where it names none.
///
/// # Errors
/// The folder or a file in it cannot be used; says why.
pub fn load(config: &Config) -> anyhow::Result<Approvals> {
    let Some(folder) = &config.rules.approvals else { return Ok(Approvals::default()) };
    let today = SystemClock.now().date();
    let mut approvals = Vec::new();
    for path in files(folder)? {
        let approval = read(&path)?;
        if today <= approval.terms().until {
            check(config, &approval).with_context(|| format!("the approval {}", path.display()))?;
            approvals.push(approval);
        }
    }
    Ok(Approvals::new(approvals))
}

/// The files of a folder of approvals, in order.
///
/// # Errors
/// The folder cannot be read, or everybody may write to it.
pub fn files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    check_permissions(folder)?;
    let hint = "make the folder, or take `[rules] approvals` out";
    let entries = fs::read_dir(folder)
        .with_context(|| format!("cannot read {}; {hint}", folder.display()))?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == EXTENSION));
    paths.sort();
    Ok(paths)
}

/// Reads one approval.
///
/// # Errors
/// The file cannot be read, is none, or was changed.
pub fn read(path: &Path) -> anyhow::Result<Approval> {
    let wrong = || format!("the approval {}", path.display());
    check_permissions(path).with_context(wrong)?;
    let text = fs::read_to_string(path).with_context(wrong)?;
    Approval::parse(&text).with_context(wrong)
}

/// Whether those who approved may, and for an entity of this house.
fn check(config: &Config, approval: &Approval) -> anyhow::Result<()> {
    let terms = approval.terms();
    let may = |name: &str| {
        config.operators.is_empty()
            || config.operators.iter().any(|operator| {
                operator.name == name && operator.rights.contains(&Right::ApproveNotice)
            })
    };
    for name in [Some(&terms.by), terms.second.as_ref()].into_iter().flatten() {
        if !may(name) {
            bail!(
                "no [[operator]] `{name}` has the right `approve_notice`; revoke it with \
                 `consentry approve revoke {}`",
                approval.digest()
            );
        }
    }
    match config.entity(&terms.entity) {
        Some(_) => Ok(()),
        None => bail!("the [[entity]] `{}` is not defined", terms.entity),
    }
}

/// Nobody else may write what lets mail past objections.
fn check_permissions(path: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let Ok(found) = fs::metadata(path) else { return Ok(()) };
    if found.permissions().mode() & 0o002 != 0 {
        bail!("everybody may write to {}; `chmod o-w` it", path.display());
    }
    Ok(())
}
