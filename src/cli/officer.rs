//! Acts somebody answers for: `--by NAME --reason TEXT`, checked against `[[operator]]`.
//!
//! Every command that loosens something takes these arguments and journals the [`OfficerAct`].
//! Who has the shell can give any name; the list keeps honest people within their rights, and
//! the journal keeps everybody's reason.

use anyhow::anyhow;
use clap::Args;
use serde::Serialize;
use serde_json::{Map, Value};

use super::exit::{Exit, Failure};
use crate::config::{Config, OperatorConfig, Right};

/// Who acts and why.
#[derive(Args, Clone, Debug)]
pub(super) struct Officer {
    /// The operator who answers for this, by the name in the configuration.
    #[arg(long = "by", value_name = "NAME")]
    by: String,
    /// Why, in words that will be understood in years.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// A second operator who agrees, where the first may not act alone.
    #[arg(long, value_name = "NAME")]
    second: Option<String>,
}

/// An act as the journal keeps it, beside what was done.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(super) struct OfficerAct {
    /// The operator.
    pub(super) by: String,
    /// The second one, if there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) second: Option<String>,
    /// The right that was used.
    pub(super) right: &'static str,
    /// Why.
    pub(super) reason: String,
}

impl OfficerAct {
    /// The act as members of the entry that journals it.
    pub(super) fn to_map(&self) -> Map<String, Value> {
        let act = serde_json::to_value(self).ok();
        act.and_then(|act| act.as_object().cloned()).expect("a struct of texts is a JSON object")
    }
}

impl Officer {
    /// The act, if the configuration allows it to these names.
    ///
    /// # Errors
    /// The name or the reason is empty, the name is not listed, the right is missing, or a
    /// second operator is needed.
    pub(super) fn act(&self, config: &Config, right: Right) -> Result<OfficerAct, Failure> {
        let (by, reason) = (self.by.trim(), self.reason.trim());
        let second = self.second.as_deref().map(str::trim);
        check(&config.operators, right, by, second)
            .and_then(|()| match reason {
                "" => Err(String::from("--reason is empty; say why, in words")),
                _ => Ok(()),
            })
            .map_err(|message| Failure::new(Exit::Usage, anyhow!("{message}")))?;
        Ok(OfficerAct {
            by: by.to_owned(),
            second: second.map(str::to_owned),
            right: right.as_str(),
            reason: reason.to_owned(),
        })
    }
}

fn check(
    operators: &[OperatorConfig],
    right: Right,
    by: &str,
    second: Option<&str>,
) -> Result<(), String> {
    if by.is_empty() || second == Some("") {
        return Err(String::from("an operator's name is empty"));
    }
    if second == Some(by) {
        return Err(format!("`{by}` cannot be both operators"));
    }
    if operators.is_empty() {
        return Ok(());
    }
    let first = holder(operators, right, by)?;
    match second {
        Some(second) => holder(operators, right, second).map(|_| ()),
        None if first.four_eyes.contains(&right) => Err(format!(
            "`{by}` may use `{}` only with a second operator; add --second NAME",
            right.as_str()
        )),
        None => Ok(()),
    }
}

fn holder<'o>(
    operators: &'o [OperatorConfig],
    right: Right,
    name: &str,
) -> Result<&'o OperatorConfig, String> {
    let found = operators.iter().find(|operator| operator.name == name).ok_or_else(|| {
        let names: Vec<&str> = operators.iter().map(|operator| operator.name.as_str()).collect();
        format!("`{name}` is no [[operator]]; one of {}", names.join(", "))
    })?;
    match found.rights.contains(&right) {
        true => Ok(found),
        false => Err(format!(
            "`{name}` has no right `{}`; add it to their `rights`, or let another operator act",
            right.as_str()
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::config::{OperatorConfig, Right};

    fn operators() -> Vec<OperatorConfig> {
        let operator = |name: &str, rights: &[Right], four_eyes: &[Right]| OperatorConfig {
            name: name.to_owned(),
            rights: rights.to_vec(),
            four_eyes: four_eyes.to_vec(),
        };
        let undo = Right::UndoImport;
        vec![
            operator("ann", &[undo], &[]),
            operator("bob", &[undo], &[undo]),
            operator("eve", &[Right::StartObserve], &[]),
        ]
    }

    #[track_caller]
    fn refused(by: &str, second: Option<&str>, because: &str) {
        let refusal = check(&operators(), Right::UndoImport, by, second).unwrap_err();
        assert!(refusal.contains(because), "{refusal}");
    }

    #[test]
    fn only_listed_operators_act_within_their_rights() {
        assert_eq!(check(&operators(), Right::UndoImport, "ann", None), Ok(()));
        refused("eve", None, "no right `undo_import`");
        refused("mallory", None, "no [[operator]]");
        refused("", None, "empty");
    }

    #[test]
    fn four_eyes_are_two_people_with_the_same_right() {
        refused("bob", None, "--second");
        assert_eq!(check(&operators(), Right::UndoImport, "bob", Some("ann")), Ok(()));
        refused("bob", Some("bob"), "cannot be both");
        refused("bob", Some("eve"), "no right");
        refused("ann", Some("mallory"), "no [[operator]]");
    }

    #[test]
    fn without_a_list_every_name_is_taken() {
        assert_eq!(check(&[], Right::UndoImport, "anybody", None), Ok(()));
    }
}
