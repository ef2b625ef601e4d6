//! What a Debian administrator gets: the package, its units, manual pages and completions.
//!
//! The judges are Debian's and systemd's own tools. Packages go to a temporary root through
//! dpkg itself, maintainer scripts included; nothing of this machine is changed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;

use super::house::require;
use super::tools::is_root;

const PROGRAM: &str = env!("CARGO_BIN_EXE_consentry");
const SOURCE: &str = env!("CARGO_MANIFEST_DIR");

/// The package, built once for all tests.
static PACKAGE: LazyLock<Package> = LazyLock::new(|| Package::build("2026-01-02T03:04:05Z"));

struct Package {
    name: String,
    bytes: Vec<u8>,
}

impl Package {
    fn build(day: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let seconds = day.parse::<jiff::Timestamp>().unwrap().as_second();
        let mut command = Command::new(Path::new(SOURCE).join("systemd/build-deb"));
        command.args(["--binary", PROGRAM, "--out"]).arg(folder.path());
        command.env("SOURCE_DATE_EPOCH", seconds.to_string());
        let path = PathBuf::from(said(&mut command).trim());
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        Self { name, bytes: fs::read(&path).unwrap() }
    }

    /// Writes it to a folder; the path.
    fn write_to(&self, folder: &Path) -> PathBuf {
        let path = folder.join(&self.name);
        fs::write(&path, &self.bytes).unwrap();
        path
    }
}

/// The files of the package, unpacked.
struct Unpacked(tempfile::TempDir);

impl Unpacked {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let package = PACKAGE.write_to(folder.path());
        let root = folder.path().join("root");
        said(Command::new("dpkg-deb").arg("-x").arg(package).arg(root));
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join("root").join(name)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// The units, in a folder of their own, with the program where it is unpacked.
    fn units(&self) -> [PathBuf; 2] {
        let program = self.path("usr/bin/consentry");
        ["consentry.service", "consentry.socket"].map(|unit| {
            let text = self.read(&format!("lib/systemd/system/{unit}"));
            let path = self.0.path().join(unit);
            fs::write(&path, text.replace("/usr/bin/consentry", program.to_str().unwrap()))
                .unwrap();
            path
        })
    }
}

/// Runs a command that must succeed and have nothing to complain about; its standard output.
#[track_caller]
fn said(command: &mut Command) -> String {
    let Output { status, stdout, stderr } =
        command.env("LC_ALL", "C.UTF-8").stdin(Stdio::null()).output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success() && err.is_empty(), "{command:?}: {status}\n{out}\n{err}");
    out.into_owned()
}

fn program(arguments: &[&str]) -> String {
    said(Command::new(PROGRAM).args(arguments))
}

/// The values of a key in a unit.
fn settings<'a>(unit: &'a str, key: &str) -> Vec<&'a str> {
    unit.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix('=')).collect()
}

#[track_caller]
fn completes(typed: &[&str], wanted: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("consentry");
    fs::write(&script, program(&["completions", "bash"])).unwrap();
    said(Command::new("bash").arg("-n").arg(&script));
    let ask = "source \"$0\"; COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); \
               _consentry \"$1\" \"${COMP_WORDS[COMP_CWORD]}\" \"${COMP_WORDS[COMP_CWORD-1]}\"; \
               printf '%s\\n' \"${COMPREPLY[@]}\"";
    let offered = said(Command::new("bash").args(["-c", ask]).arg(&script).args(typed));
    assert_eq!(offered.lines().collect::<Vec<_>>(), wanted, "after {typed:?}");
}

#[test]
fn the_shell_completes_commands_and_options() {
    completes(&["consentry", "jou"], &["journal"]);
    completes(&["consentry", "journal", "ver"], &["verify"]);
    completes(&["consentry", "serve", "--conf"], &["--config"]);
    assert!(program(&["completions", "zsh"]).starts_with("#compdef consentry\n"));
    assert!(program(&["completions", "fish"]).contains("complete -c consentry"));
}

#[test]
fn completions_end_quietly_in_a_closed_pipe_but_not_on_a_full_disk() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    said(Command::new(PROGRAM).args(["completions", "bash"]).stdout(writer));
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let status = Command::new(PROGRAM)
        .args(["completions", "bash"])
        .stdout(full)
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(73));
}

#[test]
fn manual_pages_render_without_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    program(&["man", "--out", folder.path().to_str().unwrap()]);
    let pages = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
    let mut names = Vec::new();
    for page in pages {
        let mut man = Command::new(require("man"));
        man.args(["--warnings=w", "-E", "UTF-8", "-l"]).arg(&page).env("MANWIDTH", "78");
        let shown = said(man.env_remove("MANPAGER").env("PAGER", "cat"));
        for heading in ["NAME\n", "SYNOPSIS\n", "DESCRIPTION\n", "SEE ALSO\n"] {
            assert!(shown.contains(heading), "{heading} in {}:\n{shown}", page.display());
        }
        names.push(page.file_stem().unwrap().to_str().unwrap().to_owned());
    }
    for wanted in ["consentry", "consentry-serve", "consentry-man", "consentry-key-new"] {
        assert!(names.iter().any(|name| name == wanted), "{wanted} in {names:?}");
    }
}

#[test]
fn the_main_page_knows_codes_environment_files_and_signals() {
    let folder = tempfile::tempdir().unwrap();
    program(&["man", "--out", folder.path().to_str().unwrap()]);
    let page = fs::read_to_string(folder.path().join("consentry.1")).unwrap();
    for wanted in ["78", "CONSENTRY_LOG", "/etc/consentry/consentry.toml", "SIGHUP"] {
        assert!(page.contains(&format!(".TP\n\\fB{wanted}")), "{wanted}:\n{page}");
    }
    let refused = Command::new(PROGRAM).args(["man", "--out", "/dev/null/man"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(73));
}

#[test]
fn systemd_finds_no_fault_with_the_units() {
    let unpacked = Unpacked::new();
    let mut verify = Command::new(require("systemd-analyze"));
    // Manual pages would be looked for among those of this machine.
    verify.args(["verify", "--man=no"]).args(unpacked.units());
    assert_eq!(said(&mut verify), "");
}

#[test]
fn the_service_is_exposed_to_two_of_ten_at_most() {
    let unpacked = Unpacked::new();
    let mut security = Command::new(require("systemd-analyze"));
    security.args(["security", "--offline=true", "--threshold=20"]).arg(&unpacked.units()[0]);
    assert!(said(&mut security).contains("Overall exposure level"));
}

#[test]
fn the_units_agree_with_the_example_configuration() {
    let unpacked = Unpacked::new();
    let example = unpacked.read("usr/share/doc/consentry/examples/consentry.toml");
    let example: toml::Table = example.parse().unwrap();
    let listener = &example["listener"][0];
    let socket = unpacked.read("lib/systemd/system/consentry.socket");
    assert_eq!(settings(&socket, "FileDescriptorName"), [listener["name"].as_str().unwrap()]);
    assert_eq!(settings(&socket, "ListenStream"), [listener["listen"].as_str().unwrap()]);

    let service = unpacked.read("lib/systemd/system/consentry.service");
    let seconds = |text: &str| text.trim_end_matches('s').parse::<u32>().unwrap();
    let drain = seconds(example["node"]["drain_deadline"].as_str().unwrap());
    assert!(seconds(settings(&service, "TimeoutStopSec")[0]) > drain);
    for command in ["ExecStart", "ExecReload"] {
        let [line] = settings(&service, command)[..] else { panic!("one {command}") };
        let path = line.split_once("--config ").unwrap().1;
        assert!(settings(&service, "AssertPathExists").contains(&path), "{line}");
    }
    let credentials = settings(&service, "LoadCredential");
    assert_eq!(credentials, ["keyring.toml:/etc/consentry/keyring.toml"]);
}

#[test]
fn the_package_holds_what_an_administrator_expects() {
    let folder = tempfile::tempdir().unwrap();
    let listed = said(Command::new("dpkg-deb").arg("-c").arg(PACKAGE.write_to(folder.path())));
    for (mode, path) in [
        ("-rwxr-xr-x", "usr/bin/consentry"),
        ("-rw-r--r--", "lib/systemd/system/consentry.service"),
        ("-rw-r--r--", "lib/systemd/system/consentry.socket"),
        ("-rw-r--r--", "usr/lib/sysusers.d/consentry.conf"),
        ("-rw-r--r--", "usr/lib/tmpfiles.d/consentry.conf"),
        ("-rw-r--r--", "usr/share/man/man1/consentry.1.gz"),
        ("-rw-r--r--", "usr/share/man/man1/consentry-serve.1.gz"),
        ("-rw-r--r--", "usr/share/bash-completion/completions/consentry"),
        ("-rw-r--r--", "usr/share/zsh/vendor-completions/_consentry"),
        ("-rw-r--r--", "usr/share/fish/vendor_completions.d/consentry.fish"),
        ("-rw-r--r--", "usr/share/doc/consentry/copyright"),
        ("-rw-r--r--", "usr/share/doc/consentry/changelog.gz"),
        ("-rw-r--r--", "usr/share/doc/consentry/changelog.Debian.gz"),
        ("-rw-r--r--", "usr/share/doc/consentry/README.md"),
        ("-rw-r--r--", "usr/share/doc/consentry/manual/operations.md"),
        ("-rw-r--r--", "usr/share/doc/consentry/examples/consentry.toml"),
    ] {
        let fits = |line: &str| line.starts_with(mode) && line.ends_with(&format!(" ./{path}"));
        assert!(listed.lines().any(fits), "{mode} {path} in\n{listed}");
    }
    assert!(listed.lines().all(|line| line.contains(" root/root ")), "{listed}");
    assert!(!listed.contains(" ./etc/"), "an example must not become a configuration:\n{listed}");
}

#[test]
fn the_package_says_its_version_and_needs() {
    let unpacked = Unpacked::new();
    let version = said(Command::new(unpacked.path("usr/bin/consentry")).arg("--version"));
    assert_eq!(version, program(&["--version"]));
    let field = |name: &str| {
        let package = unpacked.0.path().join(&PACKAGE.name);
        said(Command::new("dpkg-deb").arg("-f").arg(package).arg(name)).trim().to_owned()
    };
    assert_eq!(format!("consentry {}\n", field("Version").trim_end_matches("-1")), version);
    assert!(field("Depends").contains("libc6 (>= 2."), "{}", field("Depends"));
    let program_kib = fs::metadata(unpacked.path("usr/bin/consentry")).unwrap().len() / 1024;
    assert!(field("Installed-Size").parse::<u64>().unwrap() > program_kib);
}

#[test]
fn two_packages_of_one_program_are_equal_byte_for_byte() {
    let again = Package::build("2026-01-02T03:04:05Z");
    assert!(again.name == PACKAGE.name && again.bytes == PACKAGE.bytes);
}

/// Installs, upgrades, removes and purges in a root of its own; dpkg runs the package's scripts
/// with DPKG_ROOT set, and they must leave this machine alone.
const LIFE: &str = r#"
set -e
root="$1" package="$2"
mkdir -p "$root/var/lib/dpkg/info" "$root/var/lib/dpkg/updates" "$root/usr/bin" "$root/etc"
: >"$root/var/lib/dpkg/status"
: >"$root/usr/bin/deb-systemd-helper"
chmod +x "$root/usr/bin/deb-systemd-helper"
dpkg() {
    echo "== $1"
    command dpkg --root="$root" --force-script-chrootless --force-depends \
        --log=/dev/null "$@" 2>&1
}
modes() {
    stat -c '%a %U %g %n' "$root/etc/consentry" "$root/var/lib/consentry" \
        "$root/var/lib/consentry-marks" "$@"
}
dpkg -i "$package"
cut -d: -f1,4,6,7 "$root/etc/passwd"
modes
: >"$root/etc/consentry/keyring.toml"
chmod 600 "$root/etc/consentry/keyring.toml"
echo evidence >"$root/var/lib/consentry/consentry.db"
dpkg --install "$package"
modes "$root/etc/consentry/keyring.toml"
dpkg --remove consentry
dpkg --purge consentry
cat "$root/var/lib/consentry/consentry.db"
find "$root" -path '*consentry*' ! -path '*-helper-*' -printf '%P\n' | sort
"#;

fn life() -> String {
    let folder = tempfile::tempdir().unwrap();
    let package = PACKAGE.write_to(folder.path());
    // dpkg looks for ldconfig and start-stop-daemon.
    let path = std::env::var("PATH").unwrap_or_default() + ":/usr/sbin:/sbin";
    let mut shell = match is_root() {
        true => Command::new("sh"),
        false => Command::new(require("fakeroot")),
    };
    if !is_root() {
        shell.arg("sh");
    }
    shell.args(["-c", LIFE, "life"]).arg(folder.path().join("root")).arg(package);
    said(shell.env("PATH", path).env("DEBIAN_FRONTEND", "noninteractive"))
}

#[test]
fn installs_without_starting_and_never_removes_evidence() {
    let told = life();
    let phases: Vec<&str> = told.split("== ").skip(1).collect();
    let [installed, upgraded, removed, purged] = phases[..] else { panic!("{told}") };
    assert!(installed.contains("systemctl enable --now consentry"), "the next steps:\n{told}");
    let account = installed.lines().find(|line| line.starts_with("consentry:")).unwrap();
    assert!(account.ends_with(":/var/lib/consentry:/usr/sbin/nologin"), "{account}");
    let group = account.split(':').nth(1).unwrap();
    let has = |phase: &str, mode: &str, path: &str| {
        let fits = |line: &str| {
            line.starts_with(&format!("{mode} ")) && line.contains(&format!(" {group} /"))
        };
        assert!(phase.lines().any(|l| fits(l) && l.ends_with(path)), "{mode} {path}:\n{told}");
    };
    has(installed, "2750 root", "/etc/consentry");
    has(installed, "750", "/var/lib/consentry");
    has(installed, "750", "/var/lib/consentry-marks");
    has(upgraded, "640 root", "/etc/consentry/keyring.toml");
    assert!(!upgraded.contains("systemctl"), "said once is enough:\n{told}");
    assert!(!removed.contains("purged"), "{told}");
    assert!(purged.contains("/etc/consentry and /var/lib/consentry stay"), "{told}");
    let left = [
        "evidence",
        "etc/consentry",
        "etc/consentry/keyring.toml",
        "var/lib/consentry",
        "var/lib/consentry/consentry.db",
    ];
    assert!(purged.ends_with(&format!("\n{}\n", left.join("\n"))), "the program goes:\n{told}");
}
