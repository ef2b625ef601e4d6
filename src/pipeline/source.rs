//! Texts that decisions name by hash: rule sets and footers.
//!
//! The store keeps each from its first use on, so that a decision can be proven years later
//! with the words it rested on. The hash is told from the text alone.

use serde::{Deserialize, Serialize};

use super::house::House;
use crate::base::Digest;
use crate::eligibility::rules::Lineage;
use crate::rewrite::FooterSource;

/// One text and what it is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum SourceText {
    /// A rule set.
    RuleSet(Lineage),
    /// A brand's footer.
    Footer(FooterSource),
}

impl SourceText {
    /// The hash by which decisions name it.
    pub fn hash(&self) -> Digest {
        match self {
            Self::RuleSet(lineage) => lineage.hash(),
            Self::Footer(source) => source.hash(),
        }
    }
}

impl House {
    /// Every text its decisions may name.
    pub fn sources(&self) -> Vec<SourceText> {
        let sets = self.rules.sets().map(|set| SourceText::RuleSet(set.lineage().clone()));
        let senders = self.streams.iter().flat_map(|s| s.sender.iter().chain(&s.other_senders));
        let mut all: Vec<SourceText> = sets.collect();
        for sender in senders {
            let footer = SourceText::Footer(sender.rewriting.footer.source().clone());
            if !all.contains(&footer) {
                all.push(footer);
            }
        }
        all
    }
}
