import Linux
import Platforms
import Rules

/// What the operator wants of this daemon, checked.
struct Options: Sendable {
    let dataDirectory: String
    let runDirectory: String
    let rootKey: RootKeySource
    let user: String?
    let courierUser: String?
    let callbackListen: ListenAddress
    let gatewayListen: ListenAddress
    let publicURL: String?
    let platformURLs: PlatformURLs
    /// Where an integration's pages are instead of its guide's address, by profile.
    let profileURLs: [String: String]
    /// Seconds; nil is off.
    let webhookWindow: Int64?
    /// Watches a service may have open at once.
    let watchLimit: Int
    /// Bytes.
    let gatewayBodyLimit: Int
    let logLevel: Log.Level

    var vaultDirectory: String { dataDirectory + "/vault" }
    var brokerSocket: String { runDirectory + "/broker.sock" }
    var adminSocket: String { runDirectory + "/admin.sock" }

    /// `bad_request` (exit 2) names the setting and what it takes.
    init(_ settings: Settings, environment: (String) -> String?) throws(Problem) {
        // systemd's lists are separated by colons; the first is the service's own.
        func first(_ variable: String) -> String? {
            environment(variable)?.split(separator: ":").first.map(String.init)
        }
        dataDirectory = Self.directory(settings["data-dir"] ?? first("STATE_DIRECTORY") ?? "./.postern")
        runDirectory = Self.directory(settings["run-dir"] ?? first("RUNTIME_DIRECTORY") ?? dataDirectory + "/run")
        guard let source = settings["root-key"] else {
            throw Problem(
                .badRequest, "no root key is named",
                advice: "give --root-key file:PATH or --root-key credential:NAME; postern init makes one")
        }
        guard let rootKey = RootKeySource(source) else {
            throw Problem(.badRequest, "--root-key takes file:PATH or credential:NAME")
        }
        self.rootKey = rootKey
        user = settings["user"]
        courierUser = settings["courier-user"]
        callbackListen = try Self.address(settings, "callback-listen")
        gatewayListen = try Self.address(settings, "gateway-listen")
        if case .unix = gatewayListen {
            throw Problem(.badRequest, "--gateway-listen takes 127.0.0.1:PORT or off")
        }
        publicURL = try settings["public-url"].map(Self.publicURL)
        platformURLs = try PlatformURLs(
            settings.all("platform-url"), genesysRegions: settings.all("genesys-region"))
        profileURLs = try Self.profileURLs(settings.all("profile-url"))
        webhookWindow = try Self.window(settings["webhook-window"] ?? "300")
        guard let limit = Int(settings["watch-limit"] ?? "1000"), (1...1000).contains(limit) else {
            throw Problem(.badRequest, "--watch-limit takes 1 to 1000: a user has 1024 connections")
        }
        watchLimit = limit
        guard let most = Int(settings["gateway-body-limit"] ?? "64"), (1...4096).contains(most) else {
            throw Problem(.badRequest, "--gateway-body-limit takes 1 to 4096, in MiB")
        }
        gatewayBodyLimit = most * 1024 * 1024
        switch settings["log-level"] ?? "info" {
        case "debug": logLevel = .debug
        case "info": logLevel = .info
        case "warning": logLevel = .warning
        case "error": logLevel = .error
        default: throw Problem(.badRequest, "--log-level takes debug, info, warning or error")
        }
    }

    private static func directory(_ text: String) -> String {
        var text = text
        while text.count > 1, text.hasSuffix("/") { text.removeLast() }
        return text
    }

    private static func window(_ text: String) throws(Problem) -> Int64? {
        if text == "off" { return nil }
        guard let seconds = Int64(text), (1...3600).contains(seconds) else {
            throw Problem(.badRequest, "--webhook-window takes 1 to 3600 seconds, or off")
        }
        return seconds
    }

    /// Loopback or a Unix socket only: TLS towards browsers is the proxy's.
    private static func address(_ settings: Settings, _ name: String) throws(Problem) -> ListenAddress {
        guard let text = settings[name] else { return .off }
        guard let address = ListenAddress(text) else {
            throw Problem(.badRequest, "--\(name) takes HOST:PORT with a literal address, or off")
        }
        guard address.isLocal else {
            throw Problem(
                .badRequest, "--\(name) must be a loopback address",
                advice: "listen on 127.0.0.1 and let a TLS proxy of this machine pass requests on")
        }
        return address
    }

    /// `PROFILE=URL` each: https addresses customers are told to register, never called by us.
    private static func profileURLs(_ given: [String]) throws(Problem) -> [String: String] {
        var urls: [String: String] = [:]
        for setting in given {
            guard let equals = setting.firstIndex(of: "="),
                Profile.names.contains(String(setting[..<equals])),
                let url = try? publicURL(String(setting[setting.index(after: equals)...]))
            else {
                throw Problem(
                    .badRequest, "--profile-url takes PROFILE=URL with an https URL without user, query or fragment",
                    advice: "PROFILE is one of \(Profile.names.joined(separator: " "))")
            }
            urls[String(setting[..<equals])] = url
        }
        return urls
    }

    /// The origin browsers use, without a slash at its end.
    private static func publicURL(_ text: String) throws(Problem) -> String {
        let isHTTPS = text.hasPrefix("https://")
        let isLoopback = ["127.0.0.1", "localhost", "[::1]"].contains { host in
            text == "http://\(host)" || text.hasPrefix("http://\(host):") || text.hasPrefix("http://\(host)/")
        }
        let rest = text.drop { $0 != ":" }.dropFirst(3)
        guard isHTTPS || isLoopback, !rest.isEmpty, rest.first != "/",
            !text.contains(where: { $0.isWhitespace || "?#@\"<>\\".contains($0) || !$0.isASCII })
        else {
            throw Problem(
                .badRequest, "--public-url takes https://HOST without user, query or fragment",
                advice: "plain http is for 127.0.0.1 and localhost")
        }
        return directory(text)
    }
}

extension Options {
    static let help: String = {
        var text = """
            posternd keeps the vault and answers on two Unix sockets: broker.sock for services, admin.sock for postern.

            usage: posternd --root-key SOURCE [OPTIONS]

              posternd --data-dir /var/lib/postern --root-key file:/etc/postern/root.key
              sudo posternd --user postern --courier-user postern-courier --data-dir /var/lib/postern \\
                --root-key file:/etc/postern/root.key --callback-listen 127.0.0.1:8430

            Make the vault first, with postern init. Flags beat environment variables beat the configuration file.


            """
        let settings =
            [Setting(name: "config", value: "FILE", help: "a file of lines NAME = VALUE, names as below without --")]
            + Setting.all
        for setting in settings {
            text += "  \(setting.flag) \(setting.value)\n      \(setting.help) [\(setting.variable)]\n"
        }
        text += """
              --help, --version

            Started as root it becomes --user, and postern-courier runs as --courier-user; both must exist and differ.
            Started as anybody else both programs run as that user, and the courier confines itself.
            SIGTERM and SIGINT stop it cleanly: running requests are finished first.

            Exit codes: 0 stopped, 1 error, 2 wrong options, 5 no vault, 6 vault in use, 11 vault damaged.

            """
        return text
    }()
}
