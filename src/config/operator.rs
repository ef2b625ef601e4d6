//! `[[operator]]`: who may do what the law makes somebody answer for.
//!
//! Names are asserted by whoever has the shell; what counts is that each such act bears a name
//! and a reason in the journal, and that nobody acts who was not named beforehand. Without any
//! `[[operator]]` every name is taken.

use super::section::Section;

/// An act that somebody must answer for by name.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Right {
    /// Take an objection back that was recorded by mistake.
    LiftObjection,
    /// Let a stream run without enforcement.
    StartObserve,
    /// Accept a value nobody has verified.
    AcceptUnverified,
    /// Undo an import, or its objections.
    UndoImport,
    /// Accept a restored database or a clock that was set back.
    AcceptRestore,
    /// Approve a notice that reaches objectors too.
    ApproveNotice,
    /// Erase or link what is held about people.
    DataSubjects,
    /// Record that one legal person succeeded another.
    EntityHistory,
}

impl Right {
    /// Every right and its word in the configuration.
    pub const ALL: &[(&str, Self)] = &[
        ("lift_objection", Self::LiftObjection),
        ("start_observe", Self::StartObserve),
        ("accept_unverified", Self::AcceptUnverified),
        ("undo_import", Self::UndoImport),
        ("accept_restore", Self::AcceptRestore),
        ("approve_notice", Self::ApproveNotice),
        ("data_subjects", Self::DataSubjects),
        ("entity_history", Self::EntityHistory),
    ];

    /// The word in configuration and journal.
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(_, right)| *right == self).map_or("", |(word, _)| word)
    }
}

/// `[[operator]]`: a person who may act.
#[derive(Clone, Debug)]
pub struct OperatorConfig {
    /// The name that stands in the journal.
    pub name: String,
    /// What they may do.
    pub rights: Vec<Right>,
    /// What they may do only with a second operator who has the same right.
    pub four_eyes: Vec<Right>,
}

/// `[[operator]]`
pub(super) fn read_operators(root: &Section<'_>) -> Vec<OperatorConfig> {
    let mut operators: Vec<OperatorConfig> = Vec::new();
    for section in root.tables("operator") {
        let name = section.text("name", "as it shall stand in the journal, such as \"jane.doe\"");
        let rights = section.list("rights", right);
        let four_eyes = section.list("four_eyes", right);
        if let Some(lacking) = four_eyes.iter().find(|right| !rights.contains(right)) {
            let message = format!("`{}` is not among `rights`", lacking.as_str());
            section.report("four_eyes", message, "it narrows a right the operator has");
        }
        if operators.iter().any(|other| Some(&other.name) == name.as_ref()) {
            section.report("name", "stands twice", "give each operator one table");
        }
        section.finish();
        operators.extend(name.map(|name| OperatorConfig { name, rights, four_eyes }));
    }
    operators
}

fn right(word: &str) -> Result<Right, String> {
    let found = Right::ALL.iter().find(|(name, _)| *name == word).map(|(_, right)| *right);
    found.ok_or_else(|| {
        let words: Vec<&str> = Right::ALL.iter().map(|(word, _)| *word).collect();
        format!("unknown right; one of {}", words.join(", "))
    })
}
