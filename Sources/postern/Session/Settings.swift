import Rules

/// What holds for one run: flags beat the environment, which beats the config file.
struct Settings: Sendable {
    let json: Bool
    let socket: String
    /// Where services ask; beside the admin socket unless it was named.
    let brokerSocket: String
    let dataDirectory: String
    let timeoutSeconds: Int64
    let yes: Bool
    let check: Bool
    let mayAsk: Bool
    let quiet: Bool
    let mayColor: Bool

    init(_ invocation: Invocation, environment: [String: String]) throws(Failure) {
        let file = try Settings.readFile(invocation, environment)
        func value(_ name: String) -> String? {
            if let text = invocation.text(name) { return text }
            if let variable = GlobalOptions.all.first(where: { $0.name == name })?.environment,
                let text = environment[variable], !text.isEmpty
            {
                return text
            }
            return file[name]
        }
        func flag(_ name: String) throws(Failure) -> Bool {
            guard let text = value(name) else { return false }
            switch text.lowercased() {
            case "", "1", "true", "yes", "on": return true
            case "0", "false", "no", "off": return false
            default: throw Failure.usage("\(name) is on or off, not \"\(text.shown)\"")
            }
        }
        switch value("output") {
        case nil, "table": json = false
        case "json": json = true
        case let other?: throw Failure.usage("output is table or json, not \"\(other.shown)\"")
        }
        dataDirectory = value("data-dir") ?? "./.postern"
        if let socket = value("socket") {
            self.socket = socket
        } else if invocation.text("data-dir") == nil, let run = environment["POSTERN_RUN_DIR"], !run.isEmpty {
            socket = run + "/admin.sock"
        } else {
            socket = dataDirectory + "/run/admin.sock"
        }
        let admin = socket
        let directory = admin.lastIndex(of: "/").map { String(admin[...$0]) } ?? "./"
        brokerSocket = value("broker-socket") ?? directory + "broker.sock"
        let timeout = value("timeout") ?? "30s"
        guard let interval = Interval(timeout), interval.seconds > 0 else {
            throw Failure.usage("timeout takes a time such as 30s or 2m, not \"\(timeout.shown)\"")
        }
        timeoutSeconds = interval.seconds
        yes = invocation.has("yes")
        check = invocation.has("check")
        mayAsk = try !flag("no-input")
        quiet = try flag("quiet")
        mayColor = try !flag("no-color") && (environment["NO_COLOR"] ?? "").isEmpty && environment["TERM"] != "dumb"
    }

    /// The config file: `name = value` lines, `#` starts a comment. Only a file that was named must exist.
    private static func readFile(
        _ invocation: Invocation, _ environment: [String: String]
    ) throws(Failure) -> [String: String] {
        var path = invocation.text("config") ?? environment["POSTERN_CONFIG"] ?? ""
        let named = !path.isEmpty
        if !named {
            guard let home = environment["HOME"], !home.isEmpty else { return [:] }
            path = home + "/.config/postern/config"
        }
        let bytes: [UInt8]
        do {
            bytes = try Descriptor.contents(ofFile: path, atMost: 65_536)
        } catch {
            guard named else { return [:] }
            throw Failure.usage("the config file \(path.shown) cannot be read: \(error.what)")
        }
        return try parse(String(decoding: bytes, as: UTF8.self), path: path)
    }

    static func parse(_ text: String, path: String) throws(Failure) -> [String: String] {
        var values: [String: String] = [:]
        var number = 0
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            number += 1
            let line = String(line).trimmed
            if line.isEmpty || line.hasPrefix("#") { continue }
            let place = "\(path.shown), line \(number)"
            guard let equals = line.firstIndex(of: "=") else {
                throw Failure.usage("\(place): a setting is written name = value")
            }
            let name = String(line[..<equals]).trimmed
            guard GlobalOptions.configurable.contains(name) else {
                let near = Suggestion.nearest(to: name, among: GlobalOptions.configurable)
                throw Failure.usage(
                    "\(place): there is no setting \"\(name.shown)\"",
                    next: near.map { "did you mean \($0)?" }
                        ?? "the settings are \(GlobalOptions.configurable.joined(separator: ", "))")
            }
            values[name] = String(line[line.index(after: equals)...]).trimmed
        }
        return values
    }
}
