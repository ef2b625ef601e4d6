//! The command line: one subcommand per thing an operator or compliance officer does.
//!
//! Exit codes are those of sysexits.h; errors go to standard error with their remedy.

mod approve;
mod check;
mod classify;
mod clock;
mod completions;
mod credential;
mod decide;
mod demo;
mod domain;
mod exit;
mod explain;
mod export;
mod files;
mod import;
mod init;
mod journal;
mod key;
mod link;
mod man;
mod objection;
mod officer;
mod output;
mod record;
mod register;
mod rejects;
mod reload;
mod rewrite;
mod rules;
mod serve;
mod setup;
mod store;
mod subject;
mod succession;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use exit::Exit;

/// Where the configuration stands if nobody says otherwise.
const CONFIG_DEFAULT: &str = "/etc/consentry/consentry.toml";

const EXAMPLES: &str = "\
Examples:
  consentry demo                                  see the whole story in one minute
  consentry check --config consentry.toml         find every mistake in a configuration
  consentry import --config consentry.toml --dry-run contacts.csv
  consentry serve --config consentry.toml
  consentry explain --config consentry.toml 3f7k2m9qzx0ab";

/// SMTP relay that lets marketing mail out only to people it may lawfully be sent to.
#[derive(Parser, Debug)]
#[command(name = "consentry", version, after_help = EXAMPLES, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Run the relay.
    #[command(
        after_help = "Example:\n  consentry serve --config consentry.toml\nCONSENTRY_LOG sets the log filter, such as `info` or `consentry=debug`."
    )]
    Serve(ConfigArgs),
    /// Let the running relay read its configuration again.
    #[command(
        after_help = "Example:\n  consentry reload --config consentry.toml\nA configuration that is wrong changes nothing: exit code 78 says so. SIGHUP does the same, without an answer."
    )]
    Reload(ConfigArgs),
    /// Play the whole story on this machine, in a temporary folder, then stay up.
    Demo(demo::DemoArgs),
    /// Check a configuration; prints every mistake with its line and a hint.
    #[command(
        after_help = "Example:\n  consentry check --config consentry.toml\nExit code 78 if something is wrong."
    )]
    Check(ConfigArgs),
    /// Write a first configuration, a keyring and an empty store.
    Init(init::InitArgs),
    /// Load evidence and opt-out lists, list imports, undo one.
    Import(import::ImportArgs),
    /// Write the list of people who object, for another system.
    Export(export::ExportArgs),
    /// Record one piece of evidence.
    Record(record::RecordArgs),
    /// Decide one case file and print the verdict as JSON.
    Decide(decide::DecideArgs),
    /// Ask what the rule sets say.
    #[command(subcommand)]
    Rules(rules::RulesCommand),
    /// Let one content reach everybody, objectors too: a data breach, a recall, a new price.
    Approve(approve::ApproveArgs),
    /// Classify messages.
    Classify(classify::ClassifyArgs),
    /// Show what would be done to messages: footers, headers, or why not.
    Rewrite(rewrite::RewriteArgs),
    /// Explain a decision or all decisions of a transaction in plain words.
    Explain(explain::ExplainArgs),
    /// Look after the journal.
    #[command(subcommand)]
    Journal(journal::JournalCommand),
    /// Let the addresses of one person share their objections.
    Link(link::LinkArgs),
    /// Take an address out of those that were linked with it.
    Unlink(link::UnlinkArgs),
    /// Record what holds for a whole domain.
    #[command(subcommand)]
    Domain(domain::DomainCommand),
    /// Tell what is held about a person, hand it over, or erase it.
    #[command(subcommand)]
    Subject(subject::SubjectCommand),
    /// Take back an objection that was recorded by mistake.
    #[command(subcommand)]
    Objection(objection::ObjectionCommand),
    /// Record which legal person followed which: mergers and sales of a business.
    Succession(succession::SuccessionArgs),
    /// Look after the public opt-out registers.
    #[command(subcommand)]
    Register(register::RegisterCommand),
    /// Look after the keyring.
    #[command(subcommand)]
    Key(key::KeyCommand),
    /// Look after the database as a whole.
    #[command(subcommand)]
    Store(store::StoreCommand),
    /// Answer for the clock.
    #[command(subcommand)]
    Clock(clock::ClockCommand),
    /// Print what a shell needs to complete commands and options.
    Completions(completions::CompletionsArgs),
    /// Write the manual pages.
    Man(man::ManArgs),
    /// Make user names and passwords for clients that authenticate.
    #[command(subcommand)]
    Credential(credential::CredentialCommand),
}

/// The configuration file.
#[derive(Args, Debug)]
struct ConfigArgs {
    /// The configuration file.
    #[arg(long, value_name = "FILE", default_value = CONFIG_DEFAULT)]
    config: PathBuf,
}

/// Runs the program with `arguments`; its exit code.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            let code = if error.use_stderr() { Exit::Usage } else { Exit::Ok };
            let _ = error.print();
            return code.into();
        }
    };
    let result = match cli.command {
        Command::Serve(args) => serve::run(&args.config),
        Command::Reload(args) => reload::run(&args.config),
        Command::Demo(args) => demo::run(&args),
        Command::Check(args) => check::run(&args.config),
        Command::Init(args) => init::run(&args),
        Command::Import(args) => import::run(&args),
        Command::Export(args) => export::run(&args),
        Command::Record(args) => record::run(&args),
        Command::Decide(args) => decide::run(&args),
        Command::Rules(command) => rules::run(&command),
        Command::Approve(args) => approve::run(&args),
        Command::Classify(args) => classify::run(&args),
        Command::Rewrite(args) => rewrite::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Journal(command) => journal::run(&command),
        Command::Link(args) => link::run(&args),
        Command::Unlink(args) => link::unlink(&args),
        Command::Domain(command) => domain::run(&command),
        Command::Register(command) => register::run(&command),
        Command::Subject(command) => subject::run(&command),
        Command::Objection(command) => objection::run(&command),
        Command::Succession(args) => succession::run(&args),
        Command::Key(command) => key::run(&command),
        Command::Store(command) => store::run(&command),
        Command::Clock(command) => clock::run(&command),
        Command::Completions(args) => completions::run(&args),
        Command::Man(args) => man::run(&args),
        Command::Credential(command) => credential::run(&command),
    };
    match result {
        Ok(exit) => exit.into(),
        Err(failure) => {
            output::error(&failure.text());
            failure.exit.into()
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::Cli;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_says_what_it_is_for() {
        for command in Cli::command().get_subcommands() {
            assert!(command.get_about().is_some(), "{}", command.get_name());
        }
    }
}
