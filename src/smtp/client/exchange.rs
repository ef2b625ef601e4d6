//! One job's exchange: which command may go out next, and what each reply means.
//!
//! Pipelining (RFC 2920) is only a wider window of commands without reply; the rules are the
//! same at window one. Invariant: content is asked for only after 354 with a recipient accepted.

use std::collections::VecDeque;

use super::capabilities::Capabilities;
use super::job::{Failure, Job, RecipientResult};
use crate::smtp::envelope::Body;
use crate::smtp::reply::{Reply, ReplyClass};

/// Commands without reply at most. Note: RFC 2920 §3.1 leaves it to TCP; the replies to this
/// many fit any receive buffer, so neither side can block the other.
const WINDOW_COMMANDS: usize = 128;

/// A command sent, whose reply is awaited.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    Mail,
    /// The RCPT of the recipient with this index.
    Rcpt(usize),
    Data,
    /// The content, or a lone dot.
    Dot,
    Rset,
}

/// What a reply leads to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Move {
    /// Go on with commands.
    Continue,
    /// Write the content.
    SendContent,
    /// Write a lone dot: 354 came, but nobody was accepted.
    SendLoneDot,
}

/// Why the exchange cannot be followed any further.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Derailed;

/// The state of one job on one connection.
#[derive(Debug)]
pub struct Exchange {
    job: Job,
    capabilities: Capabilities,
    awaited: VecDeque<Step>,
    rcpts_sent: usize,
    is_mail_sent: bool,
    is_mail_refused: bool,
    is_data_sent: bool,
    wants_reset: bool,
    carries_content: bool,
    /// `None`: undecided, or accepted by RCPT.
    results: Vec<Option<RecipientResult>>,
}

impl Exchange {
    pub fn new(job: Job, capabilities: Capabilities) -> Self {
        let results = vec![None; job.forward_paths.len()];
        Self {
            job,
            capabilities,
            awaited: VecDeque::new(),
            rcpts_sent: 0,
            is_mail_sent: false,
            is_mail_refused: false,
            is_data_sent: false,
            wants_reset: false,
            carries_content: false,
            results,
        }
    }

    /// The command whose reply comes next.
    pub fn awaited(&self) -> Option<Step> {
        self.awaited.front().copied()
    }

    /// All commands that may go out now.
    pub fn poll_commands(&mut self) -> Vec<u8> {
        let window = if self.capabilities.pipelining { WINDOW_COMMANDS } else { 1 };
        let mut out = String::new();
        while self.awaited.len() < window
            && let Some(step) = self.next_step()
        {
            self.encode(step, &mut out);
            self.awaited.push_back(step);
        }
        out.into_bytes()
    }

    fn next_step(&self) -> Option<Step> {
        let is_quiet = self.awaited.is_empty();
        if !self.is_mail_sent {
            return Some(Step::Mail);
        }
        if self.is_data_sent || self.is_mail_refused {
            return (self.wants_reset && is_quiet).then_some(Step::Rset);
        }
        if self.rcpts_sent < self.job.forward_paths.len() {
            return Some(Step::Rcpt(self.rcpts_sent));
        }
        if is_quiet {
            return Some(if self.may_send() { Step::Data } else { Step::Rset });
        }
        // The last command of a group may be DATA (RFC 2920 §3.1), unless all replies to RCPT
        // must be seen before anything can be sent.
        (!self.job.must_see_replies()).then_some(Step::Data)
    }

    fn encode(&mut self, step: Step, out: &mut String) {
        match step {
            Step::Mail => {
                self.is_mail_sent = true;
                out.push_str("MAIL FROM:<");
                out.push_str(self.job.reverse_path.written());
                out.push('>');
                out.push_str(&self.mail_parameters());
            }
            Step::Rcpt(index) => {
                self.rcpts_sent = index + 1;
                out.push_str("RCPT TO:<");
                out.push_str(self.job.forward_paths[index].written());
                out.push('>');
            }
            Step::Data => {
                self.is_data_sent = true;
                out.push_str("DATA");
            }
            Step::Rset => {
                self.is_data_sent = true;
                self.wants_reset = false;
                // Whoever is undecided here was accepted by RCPT and is sent nothing.
                self.settle_undecided(&RecipientResult::Failed(Failure::Withheld));
                out.push_str("RSET");
            }
            Step::Dot => return,
        }
        out.push_str("\r\n");
    }

    fn mail_parameters(&self) -> String {
        let mut parameters = String::new();
        if self.capabilities.size {
            parameters.push_str(&format!(" SIZE={}", self.job.size));
        }
        if self.job.body == Body::EightBitMime {
            parameters.push_str(" BODY=8BITMIME");
        }
        if self.job.needs_smtputf8() {
            parameters.push_str(" SMTPUTF8");
        }
        parameters
    }

    fn is_any_accepted(&self) -> bool {
        self.results[..self.rcpts_sent].iter().any(Option::is_none)
    }

    fn may_send(&self) -> bool {
        let is_deferred =
            |result: &Option<RecipientResult>| matches!(result, Some(RecipientResult::Deferred(_)));
        let is_withheld = self.job.must_see_replies() && self.results.iter().any(is_deferred);
        self.is_any_accepted() && !is_withheld
    }

    /// Takes the reply to the oldest command without one.
    pub fn handle_reply(&mut self, reply: &Reply) -> Result<Move, Derailed> {
        let step = self.awaited.pop_front().ok_or(Derailed)?;
        match step {
            Step::Mail => self.handle_mail_reply(reply)?,
            Step::Rcpt(index) => self.handle_rcpt_reply(index, reply)?,
            Step::Data => return self.handle_data_reply(reply),
            Step::Dot => self.handle_final_reply(reply),
            Step::Rset if reply.class() == ReplyClass::Positive => {}
            Step::Rset => return Err(Derailed),
        }
        Ok(Move::Continue)
    }

    fn handle_mail_reply(&mut self, reply: &Reply) -> Result<(), Derailed> {
        // RFC 4954 §6: these speak of our credentials, not of this sender.
        if matches!(reply.code(), 530 | 535 | 538) {
            return Err(Derailed);
        }
        match (reply.class(), RecipientResult::of_refusal(reply)) {
            (ReplyClass::Positive, _) => Ok(()),
            (_, Some(result)) => {
                self.is_mail_refused = true;
                self.settle_undecided(&result);
                Ok(())
            }
            (_, None) => Err(Derailed),
        }
    }

    fn handle_rcpt_reply(&mut self, index: usize, reply: &Reply) -> Result<(), Derailed> {
        if self.is_mail_refused {
            return Ok(());
        }
        match (reply.class(), RecipientResult::of_refusal(reply)) {
            (ReplyClass::Positive, _) => Ok(()),
            (_, Some(result)) => {
                self.results[index] = Some(result);
                Ok(())
            }
            (_, None) => Err(Derailed),
        }
    }

    fn handle_data_reply(&mut self, reply: &Reply) -> Result<Move, Derailed> {
        let may_send = !self.is_mail_refused && self.may_send();
        match (reply.class(), RecipientResult::of_refusal(reply)) {
            (ReplyClass::Intermediate, _) => {
                self.carries_content = may_send;
                self.awaited.push_back(Step::Dot);
                // RFC 2920 §3.1: a server may answer 354 although nobody was accepted.
                Ok(if may_send { Move::SendContent } else { Move::SendLoneDot })
            }
            (_, Some(result)) => {
                self.wants_reset = !self.is_mail_refused;
                self.settle_undecided(&result);
                Ok(Move::Continue)
            }
            (_, None) => Err(Derailed),
        }
    }

    fn handle_final_reply(&mut self, reply: &Reply) {
        if !self.carries_content {
            return;
        }
        self.carries_content = false;
        let result = match (reply.class(), RecipientResult::of_refusal(reply)) {
            (ReplyClass::Positive, _) => RecipientResult::Accepted(reply.clone()),
            (_, Some(result)) => result,
            // A second 354 says nothing about the message.
            (_, None) => RecipientResult::InDoubt,
        };
        self.settle_undecided(&result);
    }

    fn settle_undecided(&mut self, result: &RecipientResult) {
        for slot in self.results.iter_mut().filter(|slot| slot.is_none()) {
            *slot = Some(result.clone());
        }
    }

    /// The results, once nothing is awaited and nothing is left to be sent.
    pub fn poll_results(&mut self) -> Option<Vec<RecipientResult>> {
        if !self.awaited.is_empty() || self.next_step().is_some() {
            return None;
        }
        Some(self.take_results(&RecipientResult::Failed(Failure::Session)))
    }

    /// The results when the connection fails: definite replies stand, the rest share
    /// `failure`, or doubt if the content was sent and perhaps taken.
    pub fn fail(&mut self, failure: Failure, dot: Dot) -> Vec<RecipientResult> {
        let is_in_doubt = self.carries_content && dot == Dot::PerhapsTaken;
        let rest =
            if is_in_doubt { RecipientResult::InDoubt } else { RecipientResult::Failed(failure) };
        self.take_results(&rest)
    }

    fn take_results(&mut self, rest: &RecipientResult) -> Vec<RecipientResult> {
        self.settle_undecided(rest);
        std::mem::take(&mut self.results).into_iter().flatten().collect()
    }
}

/// Whether the upstream may have taken the message when the connection fails.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Dot {
    /// The final dot was not sent, or not taken.
    NotTaken,
    /// The final dot was sent, and nothing came back.
    PerhapsTaken,
}
