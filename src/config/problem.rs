//! Configuration errors: all of them at once, each with its line, value and a hint.

use std::fmt;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

/// One thing wrong with a configuration file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    /// Where in the text, in bytes.
    pub span: Range<usize>,
    /// The key's path, such as `stream[2].mode`.
    pub path: String,
    /// What is wrong with which value.
    pub message: String,
    /// What to write instead.
    pub hint: Option<String>,
}

/// Everything wrong with one file; never empty when returned as an error.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problems {
    origin: String,
    text: String,
    list: Vec<Problem>,
}

impl Problems {
    /// The problems found in `text`, which came from `origin` (a file name).
    pub fn new(origin: &str, text: &str, mut list: Vec<Problem>) -> Self {
        list.sort_by_key(|problem| problem.span.start);
        Self { origin: origin.to_owned(), text: text.to_owned(), list }
    }

    /// The problems in the order of the file.
    pub fn list(&self) -> &[Problem] {
        &self.list
    }

    /// The line, counted from 1, a problem stands on.
    pub fn line_of(&self, problem: &Problem) -> usize {
        let end = problem.span.start.min(self.text.len());
        self.text.as_bytes()[..end].iter().filter(|b| **b == b'\n').count() + 1
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let renderer = Renderer::plain();
        for problem in &self.list {
            let end = problem.span.end.min(self.text.len());
            let start = problem.span.start.min(end);
            let title = format!("{}: {}", problem.path, problem.message);
            let snippet = Snippet::source(self.text.as_str())
                .path(self.origin.as_str())
                .annotation(AnnotationKind::Primary.span(start..end));
            let mut group = Level::ERROR.primary_title(title.as_str()).element(snippet);
            if let Some(hint) = &problem.hint {
                group = group.element(Level::HELP.with_name(Some("hint")).message(hint.as_str()));
            }
            writeln!(f, "{}\n", renderer.render(&[group]))?;
        }
        let count = self.list.len();
        let noun = if count == 1 { "error" } else { "errors" };
        write!(f, "{count} {noun} in {}", self.origin)
    }
}

impl std::error::Error for Problems {}
