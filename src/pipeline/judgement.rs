//! Verdicts of all recipients of one message, and what the stream makes of them.

use super::dispatch::{Outcome, UpstreamFault};
use super::ledger::{Fate, LedgerEntry};
use super::modes::{Disclose, Enforce, Mode};
use super::record::Beside;
use super::replies::{self, Refusal};
use super::reply_table::{Course, Ending, NoticePath, Standing, course, course_for_each};
use crate::base::{DecisionId, JurisdictionId};
use crate::eligibility::{Permit, Reason, Verdict};
use crate::smtp::{Dialect, Reply};

/// What lets a copy leave.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Authority {
    /// The law permits it.
    Permitted(Permit),
    /// It is not marketing for this recipient.
    NotMarketing,
    /// The stream does not enforce this denial yet.
    Observed,
}

/// The decision about one recipient.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ruling {
    /// Its id.
    pub decision: DecisionId,
    /// What the law says.
    pub verdict: Verdict,
    /// The jurisdictions that were asked.
    pub jurisdictions: Vec<JurisdictionId>,
    /// The version of the record it was decided on.
    pub record_version: u64,
    /// The other rows it was decided on.
    pub beside: Beside,
    /// What lets the copy leave; `None` if it may not.
    pub authority: Option<Authority>,
}

impl Ruling {
    /// What the stream makes of `verdict`: observation widens, doubt never does.
    pub(super) fn authority_for(verdict: &Verdict, enforce: Enforce) -> Option<Authority> {
        if let Some(permit) = verdict.permit() {
            return Some(Authority::Permitted(permit.clone()));
        }
        if !verdict.is_denial() {
            return Some(Authority::NotMarketing);
        }
        let is_enforced = match enforce {
            Enforce::All => true,
            Enforce::Objections => verdict.reasons().iter().any(|reason| is_objection(*reason)),
            Enforce::Observe => false,
        };
        (!is_enforced).then_some(Authority::Observed)
    }

    /// The first failing reason.
    pub fn reason(&self) -> Option<Reason> {
        self.verdict.reasons().first().copied()
    }
}

/// Whether a reason is the person's own no, or a register's.
const fn is_objection(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::Objected
            | Reason::Unsubscribed
            | Reason::ConsentWithdrawn
            | Reason::Complained
            | Reason::RegisterListed
    )
}

/// All decisions about one message in one attempt.
#[derive(Clone, Debug)]
pub struct Judgement {
    pub(super) dialect: Dialect,
    pub(super) mode: Mode,
    pub(super) disclose: Disclose,
    /// Why no footer could be added, where that is so.
    pub(super) unedited: Option<&'static str>,
    pub(super) rulings: Vec<Option<Ruling>>,
    pub(super) fates: Vec<LedgerEntry>,
}

impl Judgement {
    /// For each recipient, whether a permit was found in this attempt.
    pub fn permitted(&self) -> Vec<bool> {
        let is_permit = |ruling: &Option<Ruling>| {
            let authority = ruling.as_ref().and_then(|ruling| ruling.authority.as_ref());
            matches!(authority, Some(Authority::Permitted(_)))
        };
        self.rulings.iter().map(is_permit).collect()
    }

    /// The rulings by recipient; `None` where an earlier attempt settled the fate.
    pub fn rulings(&self) -> &[Option<Ruling>] {
        &self.rulings
    }

    /// What the ledger said, by recipient.
    pub fn fates(&self) -> &[LedgerEntry] {
        &self.fates
    }

    /// Whether the ledger remembers anything about the message.
    pub fn has_ledger_entries(&self) -> bool {
        self.fates.iter().any(|entry| *entry != LedgerEntry::default())
    }

    /// Whether a copy was accepted in an earlier attempt.
    pub fn was_sent(&self) -> bool {
        self.fates.iter().any(|entry| entry.fate == Some(Fate::Accepted))
    }

    /// Where each recipient stands.
    pub fn standings(&self) -> Vec<Standing> {
        self.rulings
            .iter()
            .zip(&self.fates)
            .map(|(ruling, entry)| match (entry.fate, ruling) {
                (Some(fate), _) => Standing::Settled(fate),
                (None, _) if entry.is_claimed => Standing::Claimed,
                (None, Some(ruling)) if ruling.authority.is_some() => Standing::Allowed,
                (None, _) => Standing::Denied,
            })
            .collect()
    }

    /// What to do next.
    pub fn course(&self, notice: NoticePath) -> Course {
        match self.dialect {
            Dialect::Lmtp => course_for_each(&self.standings()),
            Dialect::Smtp | Dialect::Esmtp => course(self.mode, notice, &self.standings()),
        }
    }

    /// Where each recipient stands before anything is sent.
    pub fn endings(&self) -> Vec<Ending> {
        self.standings()
            .into_iter()
            .map(|standing| match standing {
                Standing::Settled(Fate::Accepted) => Ending::Accepted,
                Standing::Settled(Fate::Refused | Fate::Notified) => Ending::Notified,
                Standing::Denied => Ending::Denied,
                Standing::Allowed | Standing::Claimed => {
                    Ending::Tried(Outcome::Failed(UpstreamFault::NotStarted))
                }
            })
            .collect()
    }

    /// The positions of the recipients that stand like `wanted`.
    pub(super) fn positions(&self, wanted: Standing) -> Vec<usize> {
        let standings = self.standings();
        (0..standings.len()).filter(|index| standings[*index] == wanted).collect()
    }

    /// Who does what; where the form fails because no footer fits, that is the thing to mend.
    pub(super) fn remedy(&self, reason: Option<Reason>) -> String {
        let Some(reason) = reason else { return String::new() };
        match self.unedited.filter(|_| reason.code().starts_with("MSG_")) {
            Some(why) => format!("no footer can be added to this message ({why})"),
            None => reason.remedy().to_owned(),
        }
    }

    /// The 550 that names the first denied recipient's reason and the count.
    pub fn denial(&self) -> Reply {
        let denied = self.positions(Standing::Denied);
        let first = denied.first().and_then(|index| self.rulings[*index].as_ref());
        self.denial_by(first, denied.len(), self.rulings.len())
    }

    /// The 550 of each denied recipient on its own, by recipient.
    pub fn denials(&self) -> Vec<Option<Reply>> {
        let standings = self.standings().into_iter().zip(&self.rulings);
        standings
            .map(|(standing, ruling)| match standing {
                Standing::Denied => Some(self.denial_by(ruling.as_ref(), 1, 1)),
                Standing::Settled(_) | Standing::Claimed | Standing::Allowed => None,
            })
            .collect()
    }

    fn denial_by(&self, ruling: Option<&Ruling>, denied: usize, total: usize) -> Reply {
        let reason = ruling.and_then(Ruling::reason);
        replies::denied(
            &Refusal {
                reason: reason.map_or("NO_BASIS", Reason::code),
                remedy: &self.remedy(reason),
                denied,
                total,
                decision: ruling.map(|ruling| ruling.decision).unwrap_or_default(),
            },
            self.disclose,
        )
    }
}
