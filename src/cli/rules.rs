//! `consentry rules`: what the rule sets say, how they differ, and whether cases come out.

use std::path::PathBuf;

use anyhow::{Context as _, anyhow};
use clap::{Args, Subcommand};
use jiff::civil::Date;

use super::exit::{Exit, Failure, OrExit as _, Outcome};
use super::{files, output, setup};
use crate::base::{JurisdictionId, Timestamp};
use crate::daemon::{self, SystemClock};
use crate::eligibility::rules::{FIELDS, Field, Mark};
use crate::eligibility::{RuleBook, RuleSet, casefile};
use crate::relay::ports::Clock as _;

/// What can be asked about rule sets.
#[derive(Subcommand, Debug)]
pub(super) enum RulesCommand {
    /// List every version of every rule set, with how much of it is unverified or chosen.
    #[command(after_help = "Example:\n  consentry rules list")]
    List(BookArgs),
    /// Show every value of a rule set, on what it rests and whose it is to change.
    #[command(
        after_help = "Examples:\n  consentry rules show be\n  consentry rules show uk@1.0.0\n  consentry rules show uk --at 2026-02-04"
    )]
    Show(ShowArgs),
    /// Show where two rule sets differ.
    #[command(after_help = "Example:\n  consentry rules diff uk@1.0.0 uk@1.1.0")]
    Diff(DiffArgs),
    /// Answer every case file in files and folders and print what differs from what each expects.
    #[command(
        after_help = "Example:\n  consentry rules test cases/\nExit code 1 if a case comes out otherwise, 65 if one cannot be read."
    )]
    Test(TestArgs),
}

/// Which rule sets are meant.
#[derive(Args, Debug)]
pub(super) struct BookArgs {
    /// The configuration whose rule sets and choices count; the built-in ones without.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Arguments of `rules show`.
#[derive(Args, Debug)]
pub(super) struct ShowArgs {
    /// The rule set, as `id` or `id@version`.
    #[arg(value_name = "ID")]
    id: String,
    /// The day whose version is meant; today if not given.
    #[arg(long, value_name = "DATE")]
    at: Option<Date>,
    #[command(flatten)]
    book: BookArgs,
}

/// Arguments of `rules diff`.
#[derive(Args, Debug)]
pub(super) struct DiffArgs {
    /// The one, as `id` or `id@version`.
    #[arg(value_name = "A")]
    one: String,
    /// The other.
    #[arg(value_name = "B")]
    other: String,
    #[command(flatten)]
    book: BookArgs,
}

/// Arguments of `rules test`.
#[derive(Args, Debug)]
pub(super) struct TestArgs {
    /// Case files, or folders of them.
    #[arg(value_name = "DIR", required = true)]
    cases: Vec<PathBuf>,
    #[command(flatten)]
    book: BookArgs,
}

/// Runs the command.
pub(super) fn run(command: &RulesCommand) -> Outcome {
    match command {
        RulesCommand::List(args) => list(&args.load()?),
        RulesCommand::Show(args) => show(args),
        RulesCommand::Diff(args) => diff(args),
        RulesCommand::Test(args) => check_cases(args),
    }
}

impl BookArgs {
    /// The rule sets meant.
    pub(super) fn load(&self) -> Result<RuleBook, Failure> {
        let Some(path) = &self.config else { return Ok(RuleBook::builtin()) };
        daemon::rule_book(&setup::config(path)?).or_exit(Exit::Config)
    }
}

fn list(book: &RuleBook) -> Outcome {
    output::line("set      version  from        to          unverified  chosen  sources");
    for set in book.sets() {
        let to = set.valid_to().map_or_else(|| String::from("-"), |day| day.to_string());
        let state = if set.is_enabled() { "" } else { "  switched off: nothing in it is verified" };
        output::line(&format!(
            "{:<8} {:<8} {:<11} {:<11} {:>10}  {:>6}  {:>7}{state}",
            set.id().as_str(),
            set.version(),
            set.valid_from().to_string(),
            to,
            set.unverified(SystemClock.now().date()).count(),
            set.overridden().len(),
            set.sources().len(),
        ));
    }
    Ok(Exit::Ok)
}

fn show(args: &ShowArgs) -> Outcome {
    let book = args.book.load()?;
    let day = args.at.unwrap_or_else(|| SystemClock.now().date());
    let set = find(&book, &args.id, day)?;
    let until = set.valid_to().map_or_else(String::new, |day| format!(", until before {day}"));
    output::line(&format!(
        "{} {}: in force from {}{until}; {}",
        set.id(),
        set.version(),
        set.valid_from(),
        set.hash()
    ));
    if !set.is_enabled() {
        output::line("switched off: no source of it was verified");
    }
    for field in FIELDS {
        output::line(&format!("\n{} = {}", field.path, (field.shown)(set.rules())));
        output::line(&format!("    {}", standing(set, field)));
    }
    output::line("\nsources:");
    for source in set.sources() {
        output::line(&format!("    {source}"));
    }
    Ok(Exit::Ok)
}

/// On what a value rests, and whose it is to change.
fn standing(set: &RuleSet, field: &Field) -> String {
    let mut parts = Vec::new();
    parts.extend(set.citation(field.path).map(str::to_owned));
    match (set.mark(field.path), set.acceptance(field.path)) {
        (Some(Mark::Policy), _) => {
            parts.push(String::from("your policy: the law is silent or disputed"));
        }
        (Some(Mark::Unverified), Some(acceptance)) => {
            parts.push(format!("not verified; accepted by {} on {}", acceptance.by, acceptance.on));
        }
        (Some(Mark::Unverified), None) => {
            parts.push(String::from("not verified: no permission may rest on it"));
        }
        (None, _) if parts.is_empty() => {
            parts.push(String::from("not set: the strictest value stands"));
        }
        (None, _) => {}
    }
    if set.overridden().contains_key(field.path) {
        parts.push(String::from("changed by your choice"));
    }
    parts.join("; ")
}

fn diff(args: &DiffArgs) -> Outcome {
    let book = args.book.load()?;
    let day = SystemClock.now().date();
    let (one, other) = (find(&book, &args.one, day)?, find(&book, &args.other, day)?);
    let mut differences = 0_usize;
    for field in FIELDS {
        let (before, after) = ((field.shown)(one.rules()), (field.shown)(other.rules()));
        let marks = (one.mark(field.path), other.mark(field.path));
        if before == after && marks.0 == marks.1 {
            continue;
        }
        differences += 1;
        output::line(field.path);
        output::line(&format!("  - {before}    {}", standing(one, field)));
        output::line(&format!("  + {after}    {}", standing(other, field)));
    }
    output::line(&format!(
        "{differences} of {} values differ between {} {} and {} {}",
        FIELDS.len(),
        one.id(),
        one.version(),
        other.id(),
        other.version()
    ));
    Ok(if differences == 0 { Exit::Ok } else { Exit::No })
}

/// The set named `id` or `id@version`; of several versions the one in force on `day`, or the
/// latest.
fn find<'b>(book: &'b RuleBook, name: &str, day: Date) -> Result<&'b RuleSet, Failure> {
    let (id, version) = name.split_once('@').map_or((name, None), |(id, v)| (id, Some(v)));
    let known = || {
        let mut names: Vec<&str> = book.sets().map(|set| set.id().as_str()).collect();
        names.dedup();
        anyhow!("there is no rule set `{name}`; one of {}", names.join(", "))
    };
    let id = JurisdictionId::parse(id).map_err(|_| known()).or_exit(Exit::Usage)?;
    let versions = || book.sets().filter(|set| *set.id() == id);
    let found = match version {
        Some(version) => versions().find(|set| set.version() == version),
        None => versions().find(|set| set.is_in_force(day)).or_else(|| versions().last()),
    };
    found.ok_or_else(known).or_exit(Exit::Usage)
}

/// What became of a folder of cases.
#[derive(Default)]
struct Tally {
    cases: usize,
    differing: usize,
    silent: usize,
    unreadable: usize,
}

fn check_cases(args: &TestArgs) -> Outcome {
    let book = args.book.load()?;
    let began = SystemClock.now();
    let mut tally = Tally::default();
    for path in files::messages(&args.cases)? {
        if path.extension().is_some_and(|extension| extension == "toml") {
            check_case(&path, &book, &mut tally)?;
        }
    }
    if tally.cases == 0 {
        return Err(Failure::new(Exit::NoInput, anyhow!("there is no case file (*.toml)")));
    }
    report(&tally, began);
    Ok(match (tally.unreadable, tally.differing) {
        (0, 0) => Exit::Ok,
        (0, _) => Exit::No,
        (_, _) => Exit::Data,
    })
}

fn check_case(path: &std::path::Path, book: &RuleBook, tally: &mut Tally) -> Result<(), Failure> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read {}", path.display()))
        .or_exit(Exit::NoInput)?;
    tally.cases += 1;
    let name = path.display();
    match casefile::run(&text, book) {
        Ok(answer) if !answer.expects => {
            tally.silent += 1;
            output::line(&format!("{name}: says nothing under [then]"));
        }
        Ok(answer) if answer.differences.is_empty() => {}
        Ok(answer) => {
            tally.differing += 1;
            for difference in &answer.differences {
                output::line(&format!("{name}: {difference}"));
            }
            let reasons: Vec<&str> =
                answer.verdict.reasons().iter().map(|reason| reason.code()).collect();
            output::line(&format!("{name}: all reasons given: {}", reasons.join(", ")));
        }
        Err(errors) => {
            tally.unreadable += 1;
            for error in errors {
                output::line(&format!("{name}: {error}"));
            }
        }
    }
    Ok(())
}

fn report(tally: &Tally, began: Timestamp) {
    let agreeing = tally.cases - tally.differing - tally.silent - tally.unreadable;
    output::line(&format!(
        "{} cases: {agreeing} as expected, {} otherwise, {} without [then], {} unreadable ({} ms)",
        tally.cases,
        tally.differing,
        tally.silent,
        tally.unreadable,
        SystemClock.now().since(began).as_millis()
    ));
}
