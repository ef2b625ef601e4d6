//! One event, one line of text: for people with time and level, for the journal with a priority.
//!
//! Whatever a value contains, it stays within its line: a line end in an error's text would let
//! whoever caused it write lines of their own.

use std::fmt::{self, Write as _};

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::{Format, Full, Writer, format};
use tracing_subscriber::fmt::time::SystemTime;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// How one line of text looks.
pub(super) enum TextLine {
    /// Time, level, target, text.
    People(Format<Full, SystemTime>),
    /// Priority, target, text: the journal keeps the time itself.
    Journal(Format<Full, ()>),
}

impl TextLine {
    /// Lines for people.
    pub(super) fn for_people() -> Self {
        Self::People(format())
    }

    /// Lines for the journal.
    pub(super) fn for_the_journal() -> Self {
        Self::Journal(format().without_time().with_level(false))
    }
}

impl<S, N> FormatEvent<S, N> for TextLine
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = String::with_capacity(512);
        match self {
            Self::People(format) => format.format_event(context, Writer::new(&mut line), event)?,
            Self::Journal(format) => {
                write!(line, "<{}>", priority(event.metadata().level()))?;
                format.format_event(context, Writer::new(&mut line), event)?;
            }
        }
        write_line(&mut writer, line.trim_end_matches('\n'))
    }
}

/// syslog(3): 3 error, 4 warning, 6 informational, 7 debug.
fn priority(level: &Level) -> u8 {
    match *level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        Level::DEBUG | Level::TRACE => 7,
    }
}

fn write_line(writer: &mut impl fmt::Write, line: &str) -> fmt::Result {
    let mut rest = line;
    while let Some(at) = rest.find(char::is_control) {
        let (clean, control) = rest.split_at(at);
        writer.write_str(clean)?;
        let mut letters = control.chars();
        if let Some(control) = letters.next() {
            write!(writer, "{}", control.escape_default())?;
        }
        rest = letters.as_str();
    }
    writer.write_str(rest)?;
    writer.write_char('\n')
}
