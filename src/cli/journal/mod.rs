//! `consentry journal`: verify it, sign it, export it, prove one decision from it.

mod checkpoint;
mod export;
mod prove;
mod retain;
mod verify;

use clap::Subcommand;

use super::exit::Outcome;

/// What can be done with the journal.
#[derive(Subcommand, Debug)]
pub(super) enum JournalCommand {
    /// Walk every chain, payload, evidence and record; says where something is broken.
    Verify(verify::VerifyArgs),
    /// Sign the end of this node's chain now, and keep the signed state.
    Checkpoint(checkpoint::CheckpointArgs),
    /// Write the journal as JSON lines: entries, payloads, evidence.
    Export(export::ExportArgs),
    /// Write one decision and all it rests on, for somebody who has no access to this house.
    Prove(prove::ProveArgs),
    /// Delete payloads that were kept long enough; entries stay.
    Retain(retain::RetainArgs),
}

/// Runs the command.
pub(super) fn run(command: &JournalCommand) -> Outcome {
    match command {
        JournalCommand::Verify(args) => verify::run(args),
        JournalCommand::Checkpoint(args) => checkpoint::run(args),
        JournalCommand::Export(args) => export::run(args),
        JournalCommand::Prove(args) => prove::run(args),
        JournalCommand::Retain(args) => retain::run(args),
    }
}
