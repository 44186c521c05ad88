import Linux
import Rules

/// One thing an operator can set: a flag, an environment variable and a line of the configuration file.
struct Setting: Sendable {
    /// Without dashes, such as `data-dir`.
    let name: String
    let value: String
    let help: String
    /// True where it may be given several times; in the environment the values are separated by spaces.
    var repeats = false

    var flag: String { "--\(name)" }
    var variable: String { "POSTERN_" + name.uppercased().map { $0 == "-" ? "_" : String($0) }.joined() }

    static let all = [
        Setting(
            name: "data-dir", value: "DIR",
            help: "where the vault is; else $STATE_DIRECTORY, else ./.postern"),
        Setting(
            name: "run-dir", value: "DIR",
            help: "where broker.sock and admin.sock are made; else $RUNTIME_DIRECTORY, else DATA-DIR/run"),
        Setting(
            name: "root-key", value: "SOURCE",
            help: "file:PATH, mode 0600, of the user or root; or credential:NAME in $CREDENTIALS_DIRECTORY"),
        Setting(
            name: "user", value: "NAME",
            help: "whom to become when started as root; else the user postern, where there is one"),
        Setting(
            name: "courier-user", value: "NAME",
            help: "who runs postern-courier when started as root; else postern-courier, where there is one"),
        Setting(
            name: "callback-listen", value: "ADDRESS",
            help: "where browsers come back, behind your TLS proxy: 127.0.0.1:PORT, unix:PATH or off (the default)"),
        Setting(
            name: "gateway-listen", value: "ADDRESS",
            help: "loopback gateway for unmodified SDKs: 127.0.0.1:PORT, [::1]:PORT or off (the default); port 0 is any"
        ),
        Setting(
            name: "gateway-body-limit", value: "MIB",
            help: "the largest body that passes the gateway, either way: 1 to 4096 (64 is usual)"),
        Setting(
            name: "public-url", value: "URL",
            help: "how browsers reach the callback listener, https://host"),
        Setting(
            name: "platform-url", value: "NAME=URL",
            help: "another address for a platform, such as slack.api=http://127.0.0.1:8090/api; lark.token and "
                + "feishu.token take v2 or oidc, the older token endpoint; may be repeated",
            repeats: true),
        Setting(
            name: "genesys-region", value: "DOMAIN",
            help: "a Genesys Cloud region beside those this release knows, such as usw3.pure.cloud; may be repeated",
            repeats: true),
        Setting(
            name: "profile-url", value: "PROFILE=URL",
            help: "where an integration's own pages are instead of the address in its guide, such as "
                + "alibaba-slack=https://support.example; may be repeated",
            repeats: true),
        Setting(
            name: "webhook-window", value: "SECONDS",
            help: "how old, or early, a signed webhook may be: 1 to 3600 (300 is usual); off: any of Lark and Feishu"),
        Setting(
            name: "watch-limit", value: "COUNT",
            help: "how many connections of one service may watch at once (1000 is usual)"),
        Setting(name: "log-level", value: "LEVEL", help: "debug, info (the default), warning or error"),
    ]
}

/// The values of all settings, wherever they were given: flags beat environment beats file.
struct Settings {
    private var values: [String: [String]] = [:]

    subscript(name: String) -> String? { values[name]?.last }

    func all(_ name: String) -> [String] { values[name] ?? [] }

    /// `arguments` without the program's name; `read` gives a configuration file's text.
    init(
        arguments: [String], environment: (String) -> String?, read: (String) throws(Problem) -> String
    ) throws(Problem) {
        let flags = try Self.flags(arguments)
        if let path = flags["config"]?.last ?? environment("POSTERN_CONFIG") {
            values = try Self.file(try read(path), path: path)
        }
        for setting in Setting.all {
            if let value = environment(setting.variable) {
                values[setting.name] = setting.repeats ? value.split(separator: " ").map(String.init) : [value]
            }
            if let given = flags[setting.name] { values[setting.name] = given }
        }
        for (name, given) in values where given.contains("") {
            throw Problem(.badRequest, "--\(name) is empty", advice: "give it a value or leave it out")
        }
    }

    private static func flags(_ arguments: [String]) throws(Problem) -> [String: [String]] {
        var flags: [String: [String]] = [:]
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            guard argument.hasPrefix("--") else { throw usage("unexpected argument") }
            let parts = argument.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = String(parts[0])
            let setting = Setting.all.first { $0.name == name }
            guard setting != nil || name == "config" else { throw usage("no such option: --\(name)") }
            guard let value = parts.count == 2 ? String(parts[1]) : rest.popFirst() else {
                throw usage("--\(name) needs a value")
            }
            if flags[name] != nil, setting?.repeats != true { throw usage("--\(name) is given twice") }
            flags[name, default: []].append(value)
        }
        return flags
    }

    /// Lines of `name = value`; `#` starts a comment line.
    private static func file(_ text: String, path: String) throws(Problem) -> [String: [String]] {
        var values: [String: [String]] = [:]
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let line = trimmed(line)
            if line.isEmpty || line.hasPrefix("#") { continue }
            let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = String(trimmed(parts[0]))
            guard parts.count == 2, let setting = Setting.all.first(where: { $0.name == name }),
                setting.repeats || values[name] == nil
            else {
                throw Problem(
                    .badRequest, "line \(index + 1) of \(path) is not a setting, or is there twice",
                    advice: "write NAME = VALUE with a name of posternd --help")
            }
            values[name, default: []].append(String(trimmed(parts[1])))
        }
        return values
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text
        while let first = text.first, first.isWhitespace { text.removeFirst() }
        while let last = text.last, last.isWhitespace { text.removeLast() }
        return text
    }

    private static func usage(_ reason: String) -> Problem {
        Problem(.badRequest, reason, advice: "see posternd --help")
    }
}
