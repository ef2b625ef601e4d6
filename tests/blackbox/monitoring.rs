//! What operators watch: the log's lines, the metrics page, and rules and dashboard for it.
//!
//! Rules and queries are judged by promtool; lines by reading them as journald or a collector
//! of JSON would.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Command, Output};

use super::house::{House, Running, eventually, require};
use super::http;
use super::mailer;
use super::newsletter::{newsletter, password_reset};
use super::story::{EVERYBODY, one_click_path};
use super::upstream::Upstream;

fn config_folder(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("config").join(name)
}

fn promtool(arguments: &[&str], folder: &Path) -> Output {
    Command::new(require("promtool")).args(arguments).current_dir(folder).output().unwrap()
}

#[track_caller]
fn promtool_agrees(arguments: &[&str], folder: &Path) {
    let output = promtool(arguments, folder);
    let said = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "promtool {arguments:?}:\n{said}");
}

#[test]
fn alert_rules_pass_promtool_and_their_unit_tests() {
    let folder = config_folder("prometheus");
    promtool_agrees(&["check", "rules", "alerts.yml"], &folder);
    promtool_agrees(&["check", "config", "scrape.yml"], &folder);
    promtool_agrees(&["test", "rules", "alerts_test.yml"], &folder);
}

#[test]
fn a_rule_that_no_longer_fires_would_be_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let text = fs::read_to_string(config_folder("prometheus").join("alerts.yml")).unwrap();
    let deaf = text.replace("consentry_store_usable == 0", "consentry_store_usable == 2");
    assert_ne!(text, deaf);
    fs::write(folder.path().join("alerts.yml"), deaf).unwrap();
    let tests = config_folder("prometheus").join("alerts_test.yml");
    fs::copy(tests, folder.path().join("alerts_test.yml")).unwrap();
    let output = promtool(&["test", "rules", "alerts_test.yml"], folder.path());
    assert!(!output.status.success());
}

/// A rules file whose expressions are the dashboard's queries, for promtool to parse.
fn queries_as_rules() -> String {
    let text = fs::read_to_string(config_folder("grafana").join("consentry.json")).unwrap();
    let dashboard: serde_json::Value = serde_json::from_str(&text).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels.iter().filter_map(|panel| panel["targets"].as_array()).flatten();
    let queries = targets.map(|target| target["expr"].as_str().unwrap());
    let mut rules = "groups:\n  - name: dashboard\n    rules:\n".to_owned();
    for (number, query) in queries.enumerate() {
        let query = query.replace("$__rate_interval", "5m").replace("$job", "consentry");
        let query = query.replace("$instance", ".*");
        rules += &format!("      - record: query:{number}\n        expr: |-\n          {query}\n");
    }
    rules
}

#[test]
fn the_dashboards_queries_are_promql() {
    let folder = tempfile::tempdir().unwrap();
    let rules = queries_as_rules();
    assert!(rules.matches("record:").count() > 40, "{rules}");
    fs::write(folder.path().join("queries.yml"), rules).unwrap();
    promtool_agrees(&["check", "rules", "queries.yml"], folder.path());
}

/// An installation whose configuration ends with `[log]` and these keys.
fn house_logging(upstream: &Upstream, keys: &str) -> House {
    let house = House::new(upstream.port, "bounce");
    let text = fs::read_to_string(house.config()).unwrap();
    fs::write(house.config(), format!("{text}[log]\n{keys}\n")).unwrap();
    house.import_contacts();
    house
}

/// A campaign, a password reset, an opt-out, a refusal.
fn play(house: &House, upstream: &Upstream) {
    let send = |to: &[&str], data: &[u8]| {
        mailer::send(house.smtp, "return-desk@example.com", to, data).unwrap()
    };
    assert_eq!(send(&EVERYBODY, &newsletter("Whispered soles")).code, 250, "{}", house.log());
    assert_eq!(send(&["objector@example.org"], &password_reset()).code, 250);
    let accepted = upstream.accepted();
    let copy = accepted.iter().find(|copy| copy.to == ["buyer@example.org"]).unwrap();
    let path = one_click_path(&copy.data);
    assert_eq!(http::one_click(house.public, &path).status, 200);
    assert_eq!(http::one_click(house.public, "/u/nonsense").status, 404);
    assert_eq!(send(&["buyer@example.org"], &newsletter("Whispered again")).code, 550);
}

/// Waits until the lines of the story's transactions are there.
fn finished_lines(house: &House) -> Vec<String> {
    eventually("three transactions in the log", || {
        let log = house.log();
        let lines = log.lines().filter(|line| line.contains("transaction finished"));
        let lines: Vec<String> = lines.map(str::to_owned).collect();
        (lines.len() >= 3).then_some(lines)
    })
}

#[test]
fn by_default_no_log_line_names_a_recipient() {
    let upstream = Upstream::start();
    let house = house_logging(&upstream, "filter = \"consentry=trace\"");
    let _serve = house.serve();
    play(&house, &upstream);
    let lines = finished_lines(&house);
    assert_eq!(lines.len(), 3, "one line per transaction");
    let log = house.log();
    assert!(log.contains("TRACE") && log.contains("recipient decided"), "{log}");
    for hidden in [
        "buyer",
        "objector",
        "insured",
        "consenter",
        "stranger",
        "return-desk",
        "mail-ops",
        "Whispered",
        "readers@",
        "Acme Shoes",
    ] {
        let line = log.lines().find(|line| line.contains(hidden));
        assert!(line.is_none(), "{hidden} is told by {line:?}");
    }
    for field in [
        "from=r…@example.com",
        "to=b…@example.org,o…@example.org,",
        "client_ip=127.0.0.0/24",
        "permit=2 deny=3",
        "OBJECTED:1",
        "tls=false auth=false",
        "generation=1",
    ] {
        assert!(lines[0].contains(field), "{field} is missing in\n{}", lines[0]);
    }
    assert!(lines[2].contains("reply=550") && lines[2].contains("UNSUBSCRIBED:1"), "{}", lines[2]);
}

#[test]
fn addresses_stand_in_clear_if_the_operator_asks() {
    let upstream = Upstream::start();
    let house = house_logging(&upstream, "personal_data = \"shown\"");
    let _serve = house.serve();
    play(&house, &upstream);
    let lines = finished_lines(&house);
    for field in ["from=return-desk@example.com", "to=buyer@example.org,", "client_ip=127.0.0.1 "] {
        assert!(lines[0].contains(field), "{field} is missing in\n{}", lines[0]);
    }
    assert!(!house.log().contains("Whispered"), "subjects are never logged");
}

#[test]
fn json_lines_are_objects_a_collector_can_read() {
    let upstream = Upstream::start();
    let house = house_logging(&upstream, "format = \"json\"\nfilter = \"error\"");
    // The variable stands above the file's filter.
    let _serve = house.serve_with(&[("CONSENTRY_LOG", "info".to_owned())]);
    play(&house, &upstream);
    let lines = finished_lines(&house);
    let objects: Vec<serde_json::Value> =
        house.log().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(objects.iter().all(|object| object["level"] != "DEBUG"));
    let first: serde_json::Value = serde_json::from_str(&lines[0]).unwrap();
    assert_eq!(first["reply"], 250);
    assert_eq!(first["permit"], 2);
    assert_eq!(first["stream"], "newsletter");
    assert!(first["took_ms"].as_f64().unwrap() > 0.0, "{first}");
    assert_eq!(first.get("defer"), None, "counts of nothing are left out");
}

#[test]
fn lines_for_the_journal_carry_priorities_and_no_time() {
    let upstream = Upstream::start();
    let house = house_logging(&upstream, "");
    // What systemd would set: device and inode of the stream it connected.
    fs::write(house.path("serve.log"), "").unwrap();
    let stream = fs::metadata(house.path("serve.log")).unwrap();
    let journal = format!("{}:{}", stream.dev(), stream.ino());
    let _serve = house.serve_with(&[("JOURNAL_STREAM", journal)]);
    play(&house, &upstream);
    let lines = finished_lines(&house);
    assert!(lines[0].starts_with("<6>consentry::telemetry"), "{}", lines[0]);
    for line in house.log().lines() {
        let is_prefixed = ["<3>", "<4>", "<6>"].iter().any(|p| line.starts_with(p));
        assert!(is_prefixed, "{line}");
    }
}

#[test]
fn a_journal_that_is_somebody_elses_changes_nothing() {
    let upstream = Upstream::start();
    let house = house_logging(&upstream, "");
    let _serve = house.serve_with(&[("JOURNAL_STREAM", "1:2".to_owned())]);
    let log = eventually("a line", || Some(house.log()).filter(|log| log.contains("ready")));
    assert!(!log.starts_with('<'), "{log}");
}

fn start(upstream: &Upstream) -> (House, Running) {
    let house = house_logging(upstream, "");
    let running = house.serve();
    (house, running)
}

#[test]
fn the_metrics_page_tells_the_story_and_pleases_promtool() {
    let upstream = Upstream::start();
    let (house, _serve) = start(&upstream);
    play(&house, &upstream);
    for (sample, at_least) in [
        (
            "consentry_transactions_total{class=\"marketing\",reply=\"250\",stream=\"newsletter\"}",
            1.0,
        ),
        (
            "consentry_transactions_total{class=\"marketing\",reply=\"550\",stream=\"newsletter\"}",
            1.0,
        ),
        ("consentry_transaction_seconds_count{class=\"service\"}", 1.0),
        ("consentry_footers_total{outcome=\"edited\",reason=\"none\"}", 2.0),
        ("consentry_upstream_replies_total{code=\"2xx\"", 0.0),
        ("consentry_upstream_transaction_seconds_count", 3.0),
        ("consentry_notices_total{outcome=\"accepted\"}", 1.0),
        ("consentry_connections_opened_total{listener=\"main\"}", 3.0),
        ("consentry_received_bytes_total", 30_000.0),
        ("consentry_unsubscribes_total{result=\"recorded\"}", 1.0),
        ("consentry_opt_out_seconds_count", 1.0),
        ("consentry_store_call_seconds_count{operation=\"record\"}", 2.0),
        ("consentry_store_call_seconds_count{operation=\"append\"}", 1.0),
        ("consentry_store_commit_seconds_count", 3.0),
        ("consentry_store_bytes{file=\"database\"}", 4096.0),
        ("consentry_config_generation", 1.0),
        ("process_start_time_seconds", 1_700_000_000.0),
        ("process_open_fds", 10.0),
        ("process_max_fds", 20.0),
        ("process_cpu_seconds_total", 0.0),
        ("process_resident_memory_bytes", 1_000_000.0),
    ] {
        let found = eventually(sample, || house.metric(sample).filter(|value| *value >= at_least));
        assert!(found.is_finite(), "{sample}");
    }
    for sample in ["consentry_in_flight_bytes", "consentry_journal_gaps_total"] {
        assert_eq!(house.metric(sample), Some(0.0), "{sample}");
    }
    super::tools::promtool_is_content(&http::get(house.operations, "/metrics").body);
}

#[test]
fn a_stream_that_does_not_enforce_everything_shows_how_long() {
    let upstream = Upstream::start();
    let house = House::new(upstream.port, "bounce");
    let text = fs::read_to_string(house.config()).unwrap();
    let today = jiff::Timestamp::now().to_zoned_datetime(jiff::tz::TimeZone::UTC).date();
    let until = today.checked_add(jiff::Span::new().days(10)).unwrap();
    let leased = text.replacen(
        "class = \"marketing\"",
        &format!("class = \"marketing\"\nenforce = \"observe\"\nuntil = {until}"),
        1,
    );
    fs::write(house.config(), leased).unwrap();
    house.import_contacts();
    let _serve = house.serve();
    let sample = "consentry_stream_lease_seconds{stream=\"newsletter\"}";
    let seconds = eventually(sample, || house.metric(sample));
    assert!((9.9 * 86400.0..=11.0 * 86400.0).contains(&seconds), "{seconds}");
    assert_eq!(house.metric("consentry_stream_lease_seconds{stream=\"accounts\"}"), None);
}
