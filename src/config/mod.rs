//! The configuration file: raw TOML in, checked settings out, all errors at once.
//!
//! `consentry check` and `consentry serve` share this code, so what passes the one starts the
//! other. Every key is documented in `config/consentry.toml`, which a test reads.

mod client;
mod house;
mod listener;
mod node;
mod operator;
mod paths;
mod problem;
mod section;
mod store;
mod stream;
mod units;
mod upstream;

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::{fs, io};

use thiserror::Error;
use toml::de::DeTable;

pub use client::{BareLfConfig, ClientConfig, CredentialConfig};
pub use house::{BrandConfig, CollectionPointConfig, EntityConfig, RoleConfig, TopicConfig};
pub use listener::{
    AuthConfig, CertificateConfig, ListenerConfig, ListenerTlsConfig, ProtocolConfig,
};
pub use node::{
    HttpConfig, KeysConfig, LogConfig, LogFormatConfig, NodeConfig, PersonalDataConfig, RulesConfig,
};
pub use operator::{OperatorConfig, Right};
pub use problem::{Problem, Problems};
pub use store::{RetentionConfig, StoreConfig, TermConfig};
pub use stream::{FallbackConfig, NoticeToConfig, ScopeConfig, StreamConfig};
pub use upstream::{LoginConfig, TlsBeginConfig, UpstreamConfig, UpstreamTlsConfig};

use crate::base::Digest;
use section::Section;

/// Why there is no configuration.
#[derive(Debug, Error)]
pub enum ReadError {
    /// The file cannot be read.
    #[error("cannot read {}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The file says what it must not.
    #[error(transparent)]
    Wrong(#[from] Problems),
}

/// A checked configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// This process: its id, host name and deadlines.
    pub node: NodeConfig,
    /// The evidence store.
    pub store: StoreConfig,
    /// The keyring.
    pub keys: KeysConfig,
    /// The public and the operations listener.
    pub http: HttpConfig,
    /// Rule sets and what the operator accepts about them.
    pub rules: RulesConfig,
    /// What is logged.
    pub log: LogConfig,
    /// SMTP listeners.
    pub listeners: Vec<ListenerConfig>,
    /// Who may send mail in, and what they may claim.
    pub clients: Vec<ClientConfig>,
    /// The outbound MTA.
    pub upstream: UpstreamConfig,
    /// Legal persons.
    pub entities: Vec<EntityConfig>,
    /// Their faces.
    pub brands: Vec<BrandConfig>,
    /// Product categories.
    pub topics: Vec<TopicConfig>,
    /// Points where addresses are collected.
    pub collection_points: Vec<CollectionPointConfig>,
    /// What roles at work have to do with.
    pub roles: Vec<RoleConfig>,
    /// Who may do what somebody must answer for.
    pub operators: Vec<OperatorConfig>,
    /// Streams, in the order they are tried; the last fits everything.
    pub streams: Vec<StreamConfig>,
    /// SHA-256 of the file's text, for the journal.
    pub digest: Digest,
}

impl Config {
    /// Reads and checks the configuration file at `path`.
    ///
    /// # Errors
    /// The file cannot be read, or something in it is wrong.
    pub fn read(path: &Path) -> Result<Self, ReadError> {
        let text = fs::read_to_string(path)
            .map_err(|source| ReadError::Unreadable { path: path.to_owned(), source })?;
        let folder = path.parent().unwrap_or(Path::new("."));
        Ok(Self::parse(&path.display().to_string(), &text, folder)?)
    }

    /// Reads and checks the text of a configuration file named `origin`.
    ///
    /// Relative paths in it are taken from `base`, the folder of the file.
    ///
    /// # Errors
    /// [`Problems`] lists everything that is wrong, each with its line and a hint.
    pub fn parse(origin: &str, text: &str, base: &Path) -> Result<Self, Problems> {
        let (table, errors) = DeTable::parse_recoverable(text);
        if !errors.is_empty() {
            let list = errors
                .iter()
                .map(|error| Problem {
                    span: error.span().unwrap_or(0..0),
                    path: "syntax".to_owned(),
                    message: error.message().to_owned(),
                    hint: None,
                })
                .collect();
            return Err(Problems::new(origin, text, list));
        }
        let sink = RefCell::new(Vec::new());
        let root = Section::new("", table.span(), table.get_ref(), &sink);
        let config = read(&root, base, Digest::of(text.as_bytes()));
        root.finish();
        let config = config.filter(|_| sink.borrow().is_empty());
        config.ok_or_else(|| Problems::new(origin, text, sink.into_inner()))
    }

    /// The entity with this id; every id in a checked configuration has one.
    pub fn entity(&self, id: &crate::base::EntityId) -> Option<&EntityConfig> {
        self.entities.iter().find(|entity| entity.id == *id)
    }

    /// The brand with this id.
    pub fn brand(&self, id: &crate::base::BrandId) -> Option<&BrandConfig> {
        self.brands.iter().find(|brand| brand.id == *id)
    }
}

/// Reads every table even if some fail, so that all problems are found in one go.
fn read(root: &Section<'_>, base: &Path, digest: Digest) -> Option<Config> {
    let node = node::read_node(root);
    let store = store::read_store(root, base);
    let keys = node::read_keys(root, base);
    let http = node::read_http(root);
    let rules = node::read_rules(root, base);
    let log = node::read_log(root);
    let listeners = listener::read_listeners(root, base);
    let clients = client::read_clients(root, &listeners);
    let upstream = upstream::read_upstream(root, base);
    let entities = house::read_entities(root);
    let brands = house::read_brands(root, base, &entities);
    let topics = house::read_topics(root, &entities);
    let collection_points = house::read_collection_points(root, &entities);
    let roles = house::read_roles(root, &topics);
    let operators = operator::read_operators(root);
    let names = stream::Names {
        listeners: &listeners,
        clients: &clients,
        entities: &entities,
        brands: &brands,
        topics: &topics,
        operators: &operators,
    };
    let streams = stream::read_streams(root, &names);
    client::check_rights(root, &clients, &brands, &topics, &streams);
    Some(Config {
        node: node?,
        store: store?,
        keys: keys?,
        http: http?,
        rules,
        log,
        listeners,
        clients,
        upstream: upstream?,
        entities,
        brands,
        topics,
        collection_points,
        roles,
        operators,
        streams,
        digest,
    })
}

#[cfg(test)]
mod tests;
