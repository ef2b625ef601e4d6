//! From template and brand data to checked lines of pieces.
//!
//! The link is a control character while the template runs, which no other value may hold; the
//! rendered text is cut there. Values are escaped here, not by the template engine, so that the
//! same spelling can be looked for later.

use minijinja::{Environment, UndefinedBehavior, Value, context};

use super::ascii::{escape_html, fold, reference_html};
use super::{BrandVoice, FooterError, LeafKind, MARKER, Piece, Side, Wording};
use crate::base::limits::TEXT_LINE_BYTES_MAX;

/// Stands for the link while a template is rendered.
const LINK: char = '\u{2}';
/// The longest link a line must have room for.
pub(in crate::rewrite) const LINK_BYTES_MAX: usize = 300;
/// RFC 3676 §4.2: lines of at most 78; two are left for stuffing.
const TEXT_WIDTH: usize = 76;
/// Template steps; a footer needs a few dozen.
const FUSE: usize = 64 * 1024;

struct Values {
    brand: String,
    entity: String,
    postal_address: String,
    contact: String,
}

pub(super) fn html(template: &str, brand: &BrandVoice) -> Result<Side, FooterError> {
    let kind = LeafKind::Html;
    if template.contains(MARKER) {
        return Err(FooterError::Marker);
    }
    let escaped = |wording: &Wording| escape_html(&one_line(&wording.text));
    let values = Values {
        brand: escaped(&brand.name),
        entity: escaped(&brand.entity),
        postal_address: escaped(&brand.postal_address),
        contact: escaped(&brand.contact),
    };
    let rendered = reference_html(&render("footer.html", kind, template, &values)?);
    let inner = rendered.lines().filter(|line| !line.trim().is_empty());
    // A style sheet of the mail may hide every `div`; it cannot outrank this.
    let open = format!(
        "<div {MARKER} style=\"display:block!important;\
         visibility:visible!important;opacity:1!important;\">"
    );
    let lines: Vec<&str> = std::iter::once(open.as_str()).chain(inner).chain(["</div>"]).collect();
    let width = TEXT_LINE_BYTES_MAX - LINK_BYTES_MAX;
    for line in &lines {
        if line.len() > width || line.matches(LINK).count() > 1 {
            return Err(FooterError::LongLine(kind, width));
        }
    }
    side(kind, &lines, &values)
}

pub(super) fn text(template: &str, brand: &BrandVoice) -> Result<Side, FooterError> {
    let kind = LeafKind::Text;
    let values = Values {
        brand: spelled("brand", &brand.name)?,
        entity: spelled("entity", &brand.entity)?,
        postal_address: spelled("postal_address", &brand.postal_address)?,
        contact: spelled("contact", &brand.contact)?,
    };
    let rendered = render("footer.txt", kind, template, &values)?;
    let rendered = fold(&rendered)
        .map_err(|character| FooterError::NotAscii { name: "template", character })?;
    let mut lines = Vec::new();
    for line in rendered.trim_matches('\n').lines() {
        wrap(line.trim_end(), &mut lines)?;
    }
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    side(kind, &lines, &values)
}

fn spelled(name: &'static str, wording: &Wording) -> Result<String, FooterError> {
    let text = one_line(wording.ascii.as_ref().unwrap_or(&wording.text));
    fold(&text).map_err(|character| FooterError::NotAscii { name, character })
}

fn one_line(text: &str) -> String {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(", ")
}

fn render(
    name: &'static str,
    kind: LeafKind,
    template: &str,
    values: &Values,
) -> Result<String, FooterError> {
    let all = [&values.brand, &values.entity, &values.postal_address, &values.contact];
    let mut texts = all.into_iter().map(String::as_str).chain([template]).flat_map(str::chars);
    if let Some(c) = texts.find(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        return Err(FooterError::Control(kind, c));
    }
    let refused = |error: minijinja::Error| FooterError::Template(kind, error.to_string());
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.add_template(name, template).map_err(refused)?;
    let safe = |text: &str| Value::from_safe_string(text.to_owned());
    let values = context! {
        brand => safe(&values.brand),
        entity => safe(&values.entity),
        postal_address => safe(&values.postal_address),
        contact => safe(&values.contact),
        unsubscribe_url => safe(&LINK.to_string()),
    };
    let rendered = environment.get_template(name).map_err(refused)?.render(values);
    let rendered = rendered.map_err(refused)?.replace("\r\n", "\n").replace('\t', " ");
    if rendered.len() > FUSE {
        return Err(FooterError::LongLine(kind, FUSE));
    }
    match rendered.chars().find(|&c| c.is_control() && c != '\n' && c != LINK) {
        Some(c) => Err(FooterError::Control(kind, c)),
        None => Ok(rendered),
    }
}

/// Breaks `line` at blanks; a line with the link keeps its length, for a link has no blanks.
fn wrap(line: &str, out: &mut Vec<String>) -> Result<(), FooterError> {
    if line.len() <= TEXT_WIDTH {
        out.push(line.to_owned());
        return Ok(());
    }
    let mut current = String::new();
    for word in line.split(' ') {
        if word.len() > TEXT_WIDTH {
            return Err(FooterError::LongLine(LeafKind::Text, TEXT_WIDTH));
        }
        if !current.is_empty() && current.len() + 1 + word.len() > TEXT_WIDTH {
            out.push(std::mem::take(&mut current));
        } else if !current.is_empty() {
            current.push(' ');
        }
        current.push_str(word);
    }
    out.push(current);
    Ok(())
}

fn side(kind: LeafKind, lines: &[&str], values: &Values) -> Result<Side, FooterError> {
    let starts: &[&'static str] = match kind {
        LeafKind::Html => &["--", "From "],
        LeafKind::Text => &["--", "From ", ">"],
    };
    for line in lines {
        if let Some(start) = starts.iter().find(|start| line.starts_with(**start)) {
            return Err(FooterError::LineStart(kind, start));
        }
    }
    if !lines.iter().any(|line| line.contains(LINK)) {
        return Err(FooterError::NoLink(kind));
    }
    Ok(Side {
        lines: lines.iter().map(|line| pieces(line)).collect(),
        entity: values.entity.clone(),
        postal_address: values.postal_address.clone(),
    })
}

fn pieces(line: &str) -> Vec<Piece> {
    let mut out = Vec::new();
    for (index, text) in line.split(LINK).enumerate() {
        if index > 0 {
            out.push(Piece::Link);
        }
        if !text.is_empty() {
            out.push(Piece::Text(text.to_owned()));
        }
    }
    out
}
