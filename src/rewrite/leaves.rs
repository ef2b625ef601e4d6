//! Which texts of a message are shown, and so get a footer.
//!
//! Alternatives: every branch, or none. Related: its root (RFC 2387 §3.2). Other multiparts:
//! the first part that shows a text. Attachments and nested messages are never entered.

use super::footer::LeafKind;
use super::refusal::BodyRefusal;
use crate::mail::{Anomaly, Entity, EntityIndex, Message, Parameter};

/// One text to edit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Leaf {
    pub(super) index: EntityIndex,
    pub(super) kind: LeafKind,
}

/// The texts of `message` that get a footer; never empty.
///
/// # Errors
/// [`BodyRefusal`] when the body must stay as it came.
pub(super) fn choose(message: &Message) -> Result<Vec<Leaf>, BodyRefusal> {
    if let Some(protection) = message.protection() {
        return Err(BodyRefusal::Protected(protection));
    }
    let harmless = [Anomaly::ContentMd5, Anomaly::ContentLength];
    if let Some(anomaly) = message.anomalies().iter().find(|a| !harmless.contains(a)) {
        return Err(BodyRefusal::Anomaly(anomaly));
    }
    let mut leaves = Vec::new();
    pick(message, 0, &mut leaves)?;
    if leaves.is_empty() {
        return Err(BodyRefusal::NoTextLeaf);
    }
    for leaf in &leaves {
        refuse_measured(message, leaf.index)?;
    }
    Ok(leaves)
}

/// Refuses a text that is summed up or measured in its own or an enclosing header block.
fn refuse_measured(message: &Message, leaf: EntityIndex) -> Result<(), BodyRefusal> {
    let mut next = Some(leaf);
    while let Some(index) = next {
        let entity = message.entity(index);
        if let Some(anomaly) = entity.anomalies().iter().next() {
            return Err(BodyRefusal::Anomaly(anomaly));
        }
        next = entity.parent();
    }
    Ok(())
}

/// Adds the texts shown by one entity. Recursion is bounded by the scanner's depth limit.
fn pick(message: &Message, index: EntityIndex, out: &mut Vec<Leaf>) -> Result<(), BodyRefusal> {
    let entity = message.entity(index);
    match entity.media().essence() {
        "multipart/alternative" => pick_alternative(message, entity, out),
        "multipart/related" => pick(message, related_root(message, entity)?, out),
        _ if entity.media().is_multipart() => {
            let before = out.len();
            for &child in entity.children() {
                pick(message, child, out)?;
                if out.len() > before {
                    break;
                }
            }
            Ok(())
        }
        _ => {
            out.extend(kind_of(entity).map(|kind| Leaf { index, kind }));
            Ok(())
        }
    }
}

fn kind_of(entity: &Entity) -> Option<LeafKind> {
    if entity.is_attachment() {
        return None;
    }
    match entity.media().essence() {
        "text/html" => Some(LeafKind::Html),
        "text/plain" => Some(LeafKind::Text),
        _ => None,
    }
}

fn pick_alternative(
    message: &Message,
    entity: &Entity,
    out: &mut Vec<Leaf>,
) -> Result<(), BodyRefusal> {
    for &child in entity.children() {
        let branch = message.entity(child);
        let before = out.len();
        pick(message, child, out)?;
        let is_bare = out.len() == before;
        let media = branch.media();
        // AMP and watch versions are left as they are: their readers have the other branches.
        let is_special = matches!(media.essence(), "text/x-amp-html" | "text/watch-html");
        let shows_text = media.is_multipart() || media.kind() == "text";
        if is_bare && shows_text && !is_special && !branch.is_attachment() {
            return Err(BodyRefusal::AlternativeNotEditable);
        }
    }
    Ok(())
}

fn related_root(message: &Message, entity: &Entity) -> Result<EntityIndex, BodyRefusal> {
    let found = match entity.media().parameter("start") {
        Parameter::Absent => entity.children().first().copied(),
        Parameter::Value(start) => {
            let id = start.trim().trim_start_matches('<').trim_end_matches('>');
            let mut roots = entity.children().iter().copied();
            roots.find(|&child| message.entity(child).content_id() == Some(id))
        }
        Parameter::Unclear => None,
    };
    found.ok_or(BodyRefusal::NoRelatedRoot)
}
