/// Options that every command takes.
enum GlobalOptions {
    static let all: [Option] = [
        Option(
            name: "output", value: "table|json", help: "how to print: for eyes, or the daemon's JSON", short: "o",
            environment: "POSTERN_OUTPUT", values: .words(["table", "json"])),
        Option(
            name: "socket", value: "PATH", help: "the daemon's admin socket", environment: "POSTERN_ADMIN_SOCKET",
            values: .file),
        Option(
            name: "broker-socket", value: "PATH", help: "the daemon's broker socket, for get, run and watch",
            environment: "POSTERN_BROKER_SOCKET", values: .file),
        Option(
            name: "data-dir", value: "DIR", help: "the state directory; the sockets in its run/ are used [./.postern]",
            environment: "POSTERN_DATA_DIR", values: .file),
        Option(
            name: "config", value: "FILE", help: "settings, one `name = value` a line [~/.config/postern/config]",
            environment: "POSTERN_CONFIG", values: .file),
        Option(
            name: "timeout", value: "TIME", help: "how long to wait for the daemon [30s]",
            environment: "POSTERN_TIMEOUT"),
        Option(name: "yes", help: "do not ask before taking something away", short: "y"),
        Option(name: "check", help: "only show what would change; exit 12 if something would"),
        Option(
            name: "no-input", help: "never ask; fail where an answer is needed", environment: "POSTERN_NO_INPUT"),
        Option(name: "quiet", help: "no notes on standard error", short: "q", environment: "POSTERN_QUIET"),
        Option(name: "no-color", help: "no colour; also with TERM=dumb", environment: "POSTERN_NO_COLOR"),
        Option(name: "help", help: "show help for any command", short: "h"),
    ]

    /// What a config file may set. `yes` and `check` are for one command line only.
    static let configurable = [
        "output", "socket", "broker-socket", "data-dir", "timeout", "no-input", "quiet", "no-color",
    ]
}
