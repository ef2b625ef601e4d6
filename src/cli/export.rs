//! `consentry export`: the people who object, for another system.
//!
//! The store knows people by keyed hashes only, so a list with addresses needs addresses: those
//! named in a file are looked up, and the ones something stands against are written. Without such
//! a file only our own format can be written, with keys in place of addresses.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use clap::Args;

use super::exit::{Exit, Failure, OrExit as _, Outcome};
use super::import::{entity, fingerprint, usage};
use super::{output, setup};
use crate::base::{AddressTag, EntityId, Keyring, Mailbox, PersonKey, TopicId};
use crate::config::Config;
use crate::eligibility::suppressions::{Layout, Line, Sheet};
use crate::relay::ports::{Query, Records as _};
use crate::store::Store;

const EXAMPLES: &str = "\
Formats: own, netsuite, hubspot, mailchimp, sendgrid, ses, mailgun, postmark.
Examples:
  consentry export --format mailgun --addresses customers.csv --out unsubscribes.csv
  consentry export --format own --out objections-by-key.csv
The second list names nobody; a store with the same keyring can import it.";

/// People per question to the store.
const ASKED_AT_ONCE: usize = 256;

/// Columns that hold the address in a file of addresses.
const ADDRESS_COLUMNS: &[&str] =
    &["address", "email", "e-mail", "email address", "emailaddress", "recipient"];

/// Arguments of `export`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct ExportArgs {
    /// The configuration file.
    #[arg(long, value_name = "FILE", default_value = super::CONFIG_DEFAULT)]
    config: PathBuf,
    /// How the list is written.
    #[arg(long, value_name = "NAME", default_value = "own")]
    format: String,
    /// The addresses to look up: one a line, or a CSV file with a column for them.
    #[arg(long, value_name = "FILE")]
    addresses: Option<PathBuf>,
    /// Whose list it is, if there are several legal persons.
    #[arg(long, value_name = "ID")]
    entity: Option<String>,
    /// The topic the list is about, where the format knows none.
    #[arg(long, value_name = "ID")]
    topic: Option<String>,
    /// The file to write; never over an existing one.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

#[derive(Default)]
struct Counts {
    asked: u64,
    unreadable: u64,
    listed: u64,
    left_out: u64,
}

/// Runs the command.
pub(super) fn run(args: &ExportArgs) -> Outcome {
    let config = setup::config(&args.config)?;
    let keyring = setup::keyring(&config)?;
    let sheet = sheet(args, &config)?;
    if args.addresses.is_none() && sheet.layout != Layout::Own {
        return Err(usage(format!(
            "the store knows keys, not addresses: name a file of addresses with --addresses, or \
             write `--format own` instead of `{}`",
            args.format
        )));
    }
    let addresses = args.addresses.as_deref().map(open_addresses).transpose()?;
    let store = setup::look(&config, &keyring)?;
    let file = File::create_new(&args.out)
        .with_context(|| format!("cannot create {}", args.out.display()))
        .or_exit(Exit::CannotCreate)?;
    let mut export = Export {
        runtime: setup::runtime()?,
        store,
        keyring: &keyring,
        list: List::begin(file, sheet)?,
        counts: Counts::default(),
    };
    match addresses {
        Some(addresses) => export.by_address(addresses)?,
        None => export.by_key()?,
    }
    let Export { store, list, counts, .. } = export;
    setup::close(store)?;
    list.finish()?;
    tell(args, &counts);
    Ok(Exit::Ok)
}

fn sheet(args: &ExportArgs, config: &Config) -> Result<Sheet, Failure> {
    let layout = Layout::named(&args.format).ok_or_else(|| {
        let names: Vec<&str> = Layout::ALL.iter().map(|(name, _)| *name).collect();
        usage(format!("there is no format `{}`; one of {}", args.format, names.join(", ")))
    })?;
    let entity = match (&args.entity, config.entities.as_slice()) {
        (Some(word), _) => entity(config, word)?,
        (None, [only]) => only.id.clone(),
        (None, _) => return Err(usage("whose list? name the legal person with --entity".into())),
    };
    let topics = topics_of(config, &entity);
    let list_topic = match &args.topic {
        None => None,
        Some(word) => {
            let found = topics.iter().find(|topic| topic.as_str() == word);
            Some(found.cloned().ok_or_else(|| {
                let ids: Vec<&str> = topics.iter().map(TopicId::as_str).collect();
                usage(format!("`{word}` is no topic of {entity}; one of {}", ids.join(", ")))
            })?)
        }
    };
    Ok(Sheet { layout, entity, topics, list_topic })
}

fn topics_of(config: &Config, entity: &EntityId) -> Vec<TopicId> {
    let own = config.topics.iter().filter(|topic| topic.entity == *entity);
    own.map(|topic| topic.id.clone()).collect()
}

/// The addresses of a file, one at a time; `None` for a line that holds none.
type Addresses = Box<dyn Iterator<Item = Result<Option<Mailbox>, Failure>>>;

fn open_addresses(path: &Path) -> Result<Addresses, Failure> {
    let shown = path.display().to_string();
    let file =
        File::open(path).with_context(|| format!("cannot read {shown}")).or_exit(Exit::NoInput)?;
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(file);
    let mut first = csv::ByteRecord::new();
    reader.read_byte_record(&mut first).with_context(|| shown.clone()).or_exit(Exit::NoInput)?;
    let is_column = |field: &[u8]| {
        let name = String::from_utf8_lossy(field);
        let name = name.trim_start_matches('\u{feff}').trim().to_ascii_lowercase();
        ADDRESS_COLUMNS.contains(&name.as_str())
    };
    let column = first.iter().position(is_column);
    let mailbox = move |row: &csv::ByteRecord| {
        let field = row.get(column.unwrap_or(0)).unwrap_or_default();
        let text = std::str::from_utf8(field).unwrap_or_default();
        Mailbox::parse(text.trim_start_matches('\u{feff}').trim()).ok()
    };
    let first = column.is_none().then(|| Ok(mailbox(&first)));
    let rest = reader.into_byte_records().map(move |row| {
        row.map(|row| mailbox(&row)).with_context(|| shown.clone()).or_exit(Exit::NoInput)
    });
    Ok(Box::new(first.into_iter().chain(rest)))
}

struct Export<'a> {
    runtime: tokio::runtime::Runtime,
    store: Store,
    keyring: &'a Keyring,
    list: List,
    counts: Counts,
}

impl Export<'_> {
    fn by_address(&mut self, addresses: Addresses) -> Result<(), Failure> {
        let mut asked: Vec<Mailbox> = Vec::new();
        for address in addresses {
            self.counts.asked += 1;
            match address? {
                Some(mailbox) => asked.push(mailbox),
                None => self.counts.unreadable += 1,
            }
            if asked.len() == ASKED_AT_ONCE {
                self.look_up(&asked)?;
                asked.clear();
            }
        }
        self.look_up(&asked)
    }

    fn look_up(&mut self, asked: &[Mailbox]) -> Result<(), Failure> {
        let persons = asked.iter().map(|mailbox| self.keyring.address_keys(mailbox)).collect();
        let query = Query { persons, fates: Vec::new(), scope: None };
        let found = self.runtime.block_on(self.store.load(query)).or_exit(Exit::Unavailable)?;
        for (mailbox, record) in asked.iter().zip(found.records) {
            let mut all = record.record;
            if let Some(domain) = &record.domain {
                // What is said of a whole domain is said for no address in particular.
                all.absorb(domain, (AddressTag::default(), AddressTag::default()));
            }
            if !all.is_empty() || record.version > 0 {
                let told = self.list.sheet.tell(&mailbox.to_string(), &all);
                self.counts.listed += u64::from(!told.lines.is_empty());
                self.counts.left_out += told.left_out as u64;
                told.lines.iter().try_for_each(|line| self.list.write(line))?;
            }
        }
        Ok(())
    }

    fn by_key(&mut self) -> Result<(), Failure> {
        let keyring = fingerprint(self.keyring);
        let mut after: Option<PersonKey> = None;
        loop {
            let page = self.store.records_after(after, ASKED_AT_ONCE);
            let page = self.runtime.block_on(page).or_exit(Exit::Unavailable)?;
            let Some((last, _)) = page.last() else { return Ok(()) };
            after = Some(*last);
            for (person, record) in &page {
                self.counts.asked += 1;
                let told = self.list.sheet.tell(&person.to_string(), record);
                self.counts.listed += u64::from(!told.lines.is_empty());
                for mut line in told.lines {
                    line.push(keyring.clone());
                    self.list.write(&line)?;
                }
            }
        }
    }
}

/// The file being written.
struct List {
    sheet: Sheet,
    output: csv::Writer<BufWriter<File>>,
    is_first: bool,
}

impl List {
    fn begin(file: File, sheet: Sheet) -> Result<Self, Failure> {
        let output = csv::WriterBuilder::new().from_writer(BufWriter::new(file));
        Ok(Self { sheet, output, is_first: true })
    }

    fn write(&mut self, line: &Line) -> Result<(), Failure> {
        let mut header = self.sheet.header();
        // A line longer than the header ends with the keyring of a person's key.
        if line.len() > header.len() {
            header[0] = String::from("person");
            header.push(String::from("keyring"));
        }
        let is_first = std::mem::replace(&mut self.is_first, false);
        if self.sheet.layout == Layout::Postmark {
            let before = if is_first { "{\"Suppressions\":[\n" } else { ",\n" };
            return self.write_json(&header, line, before);
        }
        if is_first {
            self.output.write_record(&header).or_exit(Exit::CannotCreate)?;
        }
        self.output.write_record(line).or_exit(Exit::CannotCreate)
    }

    fn write_json(&mut self, header: &Line, line: &Line, before: &str) -> Result<(), Failure> {
        let row: serde_json::Map<String, serde_json::Value> =
            header.iter().cloned().zip(line.iter().map(|value| value.clone().into())).collect();
        self.output.flush().or_exit(Exit::CannotCreate)?;
        let mut file = self.output.get_ref().get_ref();
        write!(file, "{before}{}", serde_json::Value::Object(row)).or_exit(Exit::CannotCreate)
    }

    fn finish(mut self) -> Result<(), Failure> {
        let is_json = self.sheet.layout == Layout::Postmark;
        if self.is_first && !is_json {
            let header = self.sheet.header();
            self.output.write_record(&header).or_exit(Exit::CannotCreate)?;
        }
        self.output.flush().or_exit(Exit::CannotCreate)?;
        let file = self.output.into_inner().map_err(|error| anyhow!("{error}"));
        let mut file = file.or_exit(Exit::CannotCreate)?;
        if is_json {
            let end = if self.is_first { "{\"Suppressions\":[]}\n" } else { "\n]}\n" };
            file.write_all(end.as_bytes()).or_exit(Exit::CannotCreate)?;
        }
        file.flush().or_exit(Exit::CannotCreate)
    }
}

fn tell(args: &ExportArgs, counts: &Counts) {
    output::line(&format!(
        "{} of {} people listed in {}",
        counts.listed,
        counts.asked,
        args.out.display()
    ));
    if counts.unreadable > 0 {
        output::line(&format!("{} lines hold no address", counts.unreadable));
    }
    if counts.left_out > 0 {
        output::line(&format!(
            "{} objections or bounces have no place in the format `{}` and are not in the file; \
             `--topic` writes the list of one topic, `--format own` everything",
            counts.left_out, args.format
        ));
    }
}
