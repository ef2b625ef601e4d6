//! `consentry completions`: what a shell completes after `consentry`, on standard output.
//!
//! Made from the same description as `--help`, so it knows every command and option. Whoever
//! packages the program writes it to the folder that shell reads; nothing is installed here.

use std::io::{self, Write as _};

use anyhow::Context as _;
use clap::{Args, CommandFactory as _};
use clap_complete::{Generator as _, Shell};

use super::Cli;
use super::exit::{Exit, OrExit as _, Outcome};

/// Arguments of `completions`.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  consentry completions bash > /usr/share/bash-completion/completions/consentry\n  consentry completions zsh > /usr/share/zsh/vendor-completions/_consentry\n  consentry completions fish > ~/.config/fish/completions/consentry.fish"
)]
pub(super) struct CompletionsArgs {
    /// The shell to speak to.
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

/// Prints the script of one shell.
pub(super) fn run(args: &CompletionsArgs) -> Outcome {
    let script =
        script(args.shell).context("cannot make the completions").or_exit(Exit::Unavailable)?;
    match io::stdout().lock().write_all(&script) {
        // A closed pipe (`| head`) ends output quietly; half a script in a file is a failure.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(error).context("cannot write the completions").or_exit(Exit::CannotCreate)
        }
        Ok(()) | Err(_) => Ok(Exit::Ok),
    }
}

/// The script; gathered before it is written, for the generator knows no closed pipe.
fn script(shell: Shell) -> io::Result<Vec<u8>> {
    let mut command = Cli::command();
    let name = command.get_name().to_owned();
    command.set_bin_name(name);
    command.build();
    let mut script = Vec::new();
    shell.try_generate(&command, &mut script)?;
    Ok(script)
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, ValueEnum as _};
    use clap_complete::Shell;

    use super::{Cli, script};

    #[test]
    fn every_shell_learns_every_command() {
        for shell in Shell::value_variants() {
            let script = String::from_utf8(script(*shell).unwrap()).unwrap();
            for command in Cli::command().get_subcommands() {
                let name = command.get_name();
                assert!(script.contains(name), "{shell} does not know {name}");
            }
        }
    }
}
