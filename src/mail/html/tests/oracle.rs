//! The oracle: another, complete HTML parser judges an insertion.
//!
//! For each kind of reader, DOM(after) must be DOM(before) plus the footer, and the footer must
//! stand in the body under nothing that hides or restyles it. Where elements were closed before
//! the footer, white space and comments behind it may hang elsewhere; nothing else may.

use html5ever::tendril::TendrilSink;
use html5ever::tree_builder::{QuirksMode, TreeBuilderOpts};
use html5ever::{ParseOpts, parse_document};
use markup5ever_rcdom::{Handle, NodeData, RcDom};

use crate::mail::html::{Insertion, Refusal, insertion_point};

pub(super) const FOOTER: &str = "<div id=\"oracle-footer\" style=\"color:#000\">bye \
     <a href=\"https://u.example/x\">stop</a></div>";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Exactness {
    /// Every node is compared.
    Whole,
    /// White space at the end of texts, comments and empty formatting elements are not.
    ButWhiteSpace,
}

fn parse(html: &[u8], scripting_enabled: bool, quirks_mode: QuirksMode) -> RcDom {
    // Latin-1 shows every byte as one character, as an ASCII-compatible charset may.
    let text: String = html.iter().map(|&b| char::from(b)).collect();
    let tree_builder = TreeBuilderOpts {
        scripting_enabled,
        quirks_mode,
        iframe_srcdoc: true,
        ..Default::default()
    };
    parse_document(RcDom::default(), ParseOpts { tree_builder, ..Default::default() }).one(text)
}

fn attribute(node: &Handle, wanted: &str) -> Option<String> {
    let NodeData::Element { attrs, .. } = &node.data else { return None };
    attrs.borrow().iter().find(|a| &*a.name.local == wanted).map(|a| a.value.to_string())
}

fn is_footer(node: &Handle) -> bool {
    attribute(node, "id").as_deref() == Some("oracle-footer")
}

fn name(node: &Handle) -> Option<String> {
    let NodeData::Element { name, .. } = &node.data else { return None };
    Some(format!("{}:{}", name.ns, name.local))
}

/// A tree as text: one node a line, without the footer, neighbouring texts as one.
fn outline(node: &Handle, exactness: Exactness) -> Vec<String> {
    let mut lines = Vec::new();
    let mut text = String::new();
    let mut children: Vec<Handle> = node.children.borrow().clone();
    if let NodeData::Element { template_contents, .. } = &node.data
        && let Some(contents) = &*template_contents.borrow()
    {
        children.push(contents.clone());
    }
    for child in children.iter().filter(|child| !is_footer(child)) {
        let line = match &child.data {
            NodeData::Text { contents } => {
                text.push_str(&contents.borrow());
                continue;
            }
            NodeData::Comment { .. } if exactness == Exactness::ButWhiteSpace => continue,
            NodeData::Comment { contents } => format!("<!--{contents}-->"),
            NodeData::Element { name, attrs, .. } => {
                let attrs = attrs.borrow();
                let attrs: Vec<String> =
                    attrs.iter().map(|a| format!(" {:?}={:?}", a.name.local, a.value)).collect();
                format!("<{}:{}{}>", name.ns, name.local, attrs.concat())
            }
            other => format!("{:?}", std::mem::discriminant(other)),
        };
        let inside = outline(child, exactness);
        if exactness == Exactness::ButWhiteSpace && inside.is_empty() && is_formatting(child) {
            continue;
        }
        push_text(&mut lines, &mut text, exactness);
        lines.push(line);
        lines.extend(inside.into_iter().map(|line| format!(" {line}")));
    }
    push_text(&mut lines, &mut text, exactness);
    lines
}

fn is_formatting(node: &Handle) -> bool {
    let NodeData::Element { name, .. } = &node.data else { return false };
    super::super::tags::Tag::of(name.local.as_bytes()).is_formatting()
}

fn push_text(lines: &mut Vec<String>, text: &mut String, exactness: Exactness) {
    let shown = match exactness {
        Exactness::Whole => text.as_str(),
        Exactness::ButWhiteSpace => text.trim_end_matches([' ', '\n', '\t', '\r', '\u{c}']),
    };
    if !shown.is_empty() {
        lines.push(format!("{shown:?}"));
    }
    text.clear();
}

/// The path from the root to each footer, the footer included.
fn footers(node: &Handle, path: &mut Vec<Handle>, found: &mut Vec<Vec<Handle>>) {
    path.push(node.clone());
    if is_footer(node) {
        found.push(path.clone());
    }
    for child in node.children.borrow().iter() {
        footers(child, path, found);
    }
    path.pop();
}

fn check_footer(dom: &RcDom) -> Result<(), String> {
    let mut found = Vec::new();
    footers(&dom.document, &mut Vec::new(), &mut found);
    let [path] = found.as_slice() else { return Err(format!("{} footers", found.len())) };
    let names: Vec<String> = path.iter().filter_map(name).collect();
    let html = |local: &str| format!("http://www.w3.org/1999/xhtml:{local}");
    if names.len() < 3 || names[0] != html("html") || names[1] != html("body") {
        return Err(format!("footer not in the body but in {names:?}"));
    }
    for element in &path[3..path.len() - 1] {
        let NodeData::Element { name, attrs, .. } = &element.data else { continue };
        let plain = ["div", "center", "span", "article", "section", "main", "header", "footer"];
        let restyles =
            attrs.borrow().iter().any(|a| !["align", "dir", "lang"].contains(&&*a.name.local));
        if restyles || !plain.contains(&&*name.local) {
            return Err(format!("footer within {names:?}"));
        }
    }
    let footer = outline(path.last().expect("a path has its end"), Exactness::Whole);
    if footer.len() != 3 || !footer[0].contains("bye ") || !footer[2].contains("stop") {
        return Err(format!("footer holds {footer:#?}"));
    }
    Ok(())
}

/// What is wrong with an insertion; nothing, if all is well.
pub(super) fn judge(html: &[u8], insertion: &Insertion) -> Result<(), String> {
    let (head, tail) = html.split_at(insertion.offset);
    let after = [head, insertion.closers.as_bytes(), FOOTER.as_bytes(), tail].concat();
    let exactness =
        if insertion.closers.is_empty() { Exactness::Whole } else { Exactness::ButWhiteSpace };
    for scripting in [true, false] {
        for quirks in [QuirksMode::NoQuirks, QuirksMode::Quirks] {
            let before = parse(html, scripting, quirks);
            let after = parse(&after, scripting, quirks);
            let reader = format!("scripting {scripting}, {quirks:?}");
            check_footer(&after).map_err(|wrong| format!("{reader}: {wrong}"))?;
            let (one, other) =
                (outline(&before.document, exactness), outline(&after.document, exactness));
            if one != other {
                return Err(format!("{reader}: before {one:#?}\nafter {other:#?}"));
            }
        }
    }
    Ok(())
}

/// The insertion point, judged.
#[track_caller]
pub(super) fn judged(html: &[u8]) -> Result<Insertion, Refusal> {
    let result = insertion_point(html);
    if let Ok(insertion) = &result
        && let Err(wrong) = judge(html, insertion)
    {
        panic!("{insertion:?} in {:?}: {wrong}", String::from_utf8_lossy(html));
    }
    result
}
