//! `consentry man`: the manual pages, made from the same description as `--help`.
//!
//! One page for the program and one per command. What no command line knows (exit codes,
//! environment, files, signals) stands in tables here and in `exit`, and a test walks them.
//! The layout is that of man-pages(7); the operator's manual is elsewhere.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, Command, CommandFactory as _, ValueEnum as _};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, italic, roman};

use super::exit::{Exit, OrExit as _, Outcome};
use super::{CONFIG_DEFAULT, Cli, output};

/// What the environment tells the program.
const ENVIRONMENT: &[(&str, &str)] = &[
    ("CONSENTRY_LOG", "The log filter, such as info or consentry=debug; info if unset."),
    (
        "CREDENTIALS_DIRECTORY",
        "Where credential:NAME in the configuration is looked for; set by systemd for services \
         with LoadCredential=. If unset, such a file stands beside the configuration.",
    ),
    (
        "LISTEN_FDS, LISTEN_FDNAMES, LISTEN_PID",
        "Sockets handed over by systemd; a name is that of a [[listener]].",
    ),
    ("JOURNAL_STREAM", "Set by systemd; if standard error is the journal, lines carry priorities."),
    ("NOTIFY_SOCKET", "Where serve tells systemd that it is ready, reloads or stops."),
    ("WATCHDOG_USEC, WATCHDOG_PID", "How often systemd wants to hear from serve."),
];

/// Files the program reads or writes if nobody says otherwise.
const FILES: &[(&str, &str)] = &[
    (CONFIG_DEFAULT, "The configuration. Every key is explained in the example."),
    (
        "/etc/consentry/keyring.toml",
        "The keyring: without it the evidence names nobody. Back it up apart from the database.",
    ),
    (
        "/var/lib/consentry/consentry.db",
        "Evidence, journal and ledger. Removing the package leaves it where it is.",
    ),
    ("/usr/share/doc/consentry/examples/", "An example of every configuration key, and more."),
];

/// What `serve` does when told.
const SIGNALS: &[(&str, &str)] = &[
    (
        "SIGTERM, SIGINT",
        "Accept nobody new, let transactions under way end, close the store, exit. A second one \
         exits at once: clients keep what was not answered.",
    ),
    ("SIGHUP", "Read configuration, rule sets, footers and certificates again, all or nothing."),
];

/// Arguments of `man`.
#[derive(Args, Debug)]
#[command(
    after_help = "Example:\n  consentry man --out /usr/local/share/man/man1\n  man consentry-serve"
)]
pub(super) struct ManArgs {
    /// The folder to write to; made if it is not there.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// Writes all pages.
pub(super) fn run(args: &ManArgs) -> Outcome {
    let written = write_all(&args.out)
        .with_context(|| format!("cannot write manual pages to {}", args.out.display()))
        .or_exit(Exit::CannotCreate)?;
    output::line(&format!("wrote {written} pages to {}", args.out.display()));
    Ok(Exit::Ok)
}

fn write_all(folder: &Path) -> io::Result<usize> {
    fs::create_dir_all(folder)?;
    let pages = pages()?;
    for page in &pages {
        fs::write(folder.join(&page.file), &page.text)?;
    }
    Ok(pages.len())
}

/// A manual page and the name of its file.
struct Page {
    file: String,
    text: Vec<u8>,
}

fn pages() -> io::Result<Vec<Page>> {
    // `consentry help serve` says what `consentry-serve(1)` says; it needs no page.
    let mut root = Cli::command().disable_help_subcommand(true);
    root.build();
    let mut pages = vec![main_page(&root)?];
    let mut waiting: Vec<&Command> = root.get_subcommands().collect();
    while let Some(command) = waiting.pop() {
        pages.push(command_page(command)?);
        waiting.extend(command.get_subcommands());
    }
    Ok(pages)
}

fn main_page(root: &Command) -> io::Result<Page> {
    let mut page = opening(root)?;
    let exits: Vec<(String, String)> = Exit::value_variants().iter().map(exit_row).collect();
    let exits: Vec<(&str, &str)> = exits.iter().map(|(c, m)| (c.as_str(), m.as_str())).collect();
    let mut roff = Roff::new();
    for (heading, rows) in [
        ("EXIT STATUS", exits.as_slice()),
        ("ENVIRONMENT", ENVIRONMENT),
        ("FILES", FILES),
        ("SIGNALS", SIGNALS),
    ] {
        roff.control("SH", [heading]);
        for (term, meaning) in rows {
            roff.control("TP", []).text([bold(*term)]).text([roman(*meaning)]);
        }
    }
    let names: Vec<&str> = root.get_subcommands().map(title).collect();
    see_also(&mut roff, &names);
    roff.to_writer(&mut page.text)?;
    Ok(page)
}

fn command_page(command: &Command) -> io::Result<Page> {
    let mut page = opening(command)?;
    let mut roff = Roff::new();
    see_also(&mut roff, &[env!("CARGO_PKG_NAME")]);
    roff.to_writer(&mut page.text)?;
    Ok(page)
}

/// What the command's own description says: from NAME to EXAMPLES.
fn opening(command: &Command) -> io::Result<Page> {
    let man = Man::new(command.clone())
        // An empty argument in roff. A page says which version it is of; the day it was made
        // would only make two builds of one version differ.
        .date("\"\"")
        .source(concat!("Consentry ", env!("CARGO_PKG_VERSION")))
        .manual("Consentry manual");
    let mut text = Vec::new();
    man.render_title(&mut text)?;
    man.render_name_section(&mut text)?;
    man.render_synopsis_section(&mut text)?;
    man.render_description_section(&mut text)?;
    man.render_options_section(&mut text)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut text)?;
    }
    if let Some(help) = command.get_after_long_help().or_else(|| command.get_after_help()) {
        after_help(&help.to_string()).to_writer(&mut text)?;
    }
    Ok(Page { file: man.get_filename(), text })
}

/// The text below the options: what follows a line such as `Examples:` or `Example row:` up to
/// the next prose is an example, all else a note. Indented lines stay as they are.
fn after_help(help: &str) -> Roff {
    let (mut examples, mut notes) = (Roff::new(), Roff::new());
    let (mut has_examples, mut has_notes, mut in_examples) = (false, false, false);
    for line in help.lines().filter(|line| !line.is_empty()) {
        let is_literal = line.starts_with(' ');
        if !is_literal {
            in_examples = line.starts_with("Example") && line.ends_with(':');
        }
        let (roff, has_any) = match in_examples {
            true => (&mut examples, &mut has_examples),
            false => (&mut notes, &mut has_notes),
        };
        let is_first = !std::mem::replace(has_any, true);
        if is_first {
            roff.control("SH", [if in_examples { "EXAMPLES" } else { "NOTES" }]);
        }
        match line {
            _ if is_literal => roff.control("EX", []).text([roman(line.trim())]).control("EE", []),
            "Example:" | "Examples:" => roff,
            prose if is_first => roff.text([roman(prose)]),
            prose => roff.control("PP", []).text([roman(prose)]),
        };
    }
    examples.extend([notes]);
    examples
}

fn see_also(roff: &mut Roff, pages: &[&str]) {
    roff.control("SH", ["SEE ALSO"]);
    for (index, page) in pages.iter().enumerate() {
        let end = if index + 1 == pages.len() { "(1)" } else { "(1)," };
        roff.text([italic(*page), roman(end)]);
    }
}

/// The title of a command's page, such as `consentry-journal-verify`.
fn title(command: &Command) -> &str {
    command.get_display_name().unwrap_or_else(|| command.get_name())
}

/// The code and, from the documentation of [`Exit`], what it means.
fn exit_row(exit: &Exit) -> (String, String) {
    let meaning = exit.to_possible_value().and_then(|value| value.get_help().cloned());
    (exit.code().to_string(), meaning.map(|text| format!("{text}.")).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::{ENVIRONMENT, Page, after_help, exit_row, pages};
    use crate::cli::exit::Exit;
    use clap::ValueEnum as _;

    fn page(file: &str) -> String {
        let found: Page = pages().unwrap().into_iter().find(|page| page.file == file).unwrap();
        String::from_utf8(found.text).unwrap().replace("\\-", "-")
    }

    #[test]
    fn every_command_has_a_page_and_the_main_page_names_it() {
        let main = page("consentry.1");
        for page in pages().unwrap() {
            let name = page.file.trim_end_matches(".1");
            assert!(main.contains(name) || name.matches('-').count() > 1, "{name}");
        }
        assert!(page("consentry-journal-verify.1").contains("SH EXAMPLES"));
    }

    #[test]
    fn the_main_page_explains_every_exit_code() {
        let main = page("consentry.1");
        for exit in Exit::value_variants() {
            let (code, meaning) = exit_row(exit);
            assert!(main.contains(&format!(".TP\n\\fB{code}\\fR\n{meaning}\n")), "{exit:?}");
            assert!(meaning.len() > 5, "{exit:?} says nothing");
        }
    }

    #[test]
    fn names_no_day_so_that_two_builds_are_equal() {
        let version = env!("CARGO_PKG_VERSION");
        let title = format!(".TH consentry 1 \"\" \"Consentry {version}\" \"Consentry manual\"\n");
        assert!(page("consentry.1").contains(&title));
    }

    #[test]
    fn examples_come_first_and_stay_as_they_are() {
        let help = "Columns:\n  a\n\nExample row:\n  x,--y\nExamples:\n  one\nIt ends.";
        let literal = |text: &str| format!(".EX\n{text}\n.EE\n");
        let wanted = [
            ".SH EXAMPLES\nExample row:\n",
            &literal("x,\\-\\-y"),
            &literal("one"),
            ".SH NOTES\nColumns:\n",
            &literal("a"),
            ".PP\nIt ends.\n",
        ];
        assert_eq!(after_help(help).to_roff(), wanted.concat());
    }

    #[test]
    fn every_variable_the_code_asks_for_is_in_the_table() {
        let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
        let mut asked = 0;
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                // The corpus, and making a page anew, are things of tests.
                let text = fs::read_to_string(&path).unwrap_or_default();
                let of_tests = ["CONSENTRY_CORPUS", "CONSENTRY_BLESS"];
                for name in asked_for(&text).filter(|name| !of_tests.contains(name)) {
                    let is_known = ENVIRONMENT.iter().any(|(names, _)| names.contains(name));
                    assert!(is_known, "{} reads {name}", path.display());
                    asked += 1;
                }
            }
        }
        assert!(asked > 0);
    }

    fn asked_for(text: &str) -> impl Iterator<Item = &str> {
        ["env::var(\"", "env::var_os(\""]
            .into_iter()
            .flat_map(|call| text.split(call).skip(1))
            .filter_map(|rest| rest.split_once("\")").map(|(name, _)| name))
    }
}
