import Linux
import Testing

@testable import postern_sim

/// The code in README.md, run as it stands there.
enum Readme {
    private static let text = Shell.text(
        of: #filePath.split(separator: "/").dropLast(3).reduce("") { "\($0)/\($1)" } + "/README.md")

    /// The block that follows `<!-- name -->`.
    static func block(_ name: String) throws -> String {
        let parts = text.split(separator: "<!-- \(name) -->\n```", maxSplits: 1)
        try #require(parts.count == 2, "README has no block \(name)")
        let lines = parts[1].split(separator: "\n", omittingEmptySubsequences: false).dropFirst()
        return lines.prefix { !$0.hasPrefix("```") }.joined(separator: "\n")
    }
}

@Suite struct `README's guide` {
    @Test(arguments: Integration.all)
    func `works as it stands there`(_ guide: Integration) throws {
        let stand = try Stand(simulated: true).start()
        try stand.must("POST", "tenants", ["slug": "acme", "name": "Acme Corp"])
        let credentials = try guide.make(stand)
        try FileDescriptor.open("\(stand.path)/creds.json", .write, creating: 0o600).write(
            Array(JSON.object(credentials).string.utf8).span)
        let programs = Program.sibling("postern").split(separator: "/").dropLast().reduce("") { "\($0)/\($1)" }
        let platform = try #require(guide.platforms.last)
        let block = try Readme.block("guide \(guide.profile)")
        let script = """
            set -e
            cd "\(stand.path)"
            export PATH="\(programs):$PATH" POSTERN_DATA_DIR="\(stand.path)" HOME=/none
            APP=\(Integration.appID(platform, 1)) CLIENT=\(Integration.appID("genesys", 1))
            \(block)
            """
        let run = try Shell.run("/bin/sh", ["-c", script])
        #expect(run.ending == .exited(0), "\(run.output)")
        #expect(run.output.contains("added to acme"))
    }
}

@Suite struct `README's bridge` {

    private static let python = "/usr/bin/python3"
    private static let node = ["/usr/bin/node", "/usr/local/bin/node"].first(where: Shell.exists)

    /// Runs a bridge as the service's user; what it printed.
    private static func run(_ program: String, _ arguments: [String]) throws -> String {
        guard let uid = Stand.bridge else { return try Shell.run(program, arguments).output }
        let who = ["--reuid", "\(uid)", "--regid", "\(uid)", "--clear-groups", program]
        return try Shell.run("/usr/bin/setpriv", who + arguments).output
    }

    @Test func `in Python reads the secret and is told why not`() throws {
        let stand = try Stand().start()
        let planted = try stand.furnish()
        let ask = """

            broker = Broker("\(stand.brokerSocket)")
            print(signing_secret(broker, "\(Stand.appID)"))
            try:
                broker.call("GET", "/v1/apps/slack/\(Stand.appID)/secrets/client_secret")
            except RuntimeError as error:
                print(error)
            """
        let lines = try Self.run(Self.python, ["-c", try Readme.block("python") + ask]).split(separator: "\n")
        #expect(lines.first.map(String.init) == planted.signingSecret)
        #expect(lines.last?.hasPrefix("denied: ") == true, "\(lines)")
    }

    @Test(.enabled(if: node != nil, "needs Node, which README does not install"))
    func `in Node reads the secret and is told why not`() throws {
        let stand = try Stand().start()
        let planted = try stand.furnish()
        let ask = """

            signingSecret("\(stand.brokerSocket)", "\(Stand.appID)")
              .then((value) => console.log(value))
              .then(() => call("\(stand.brokerSocket)", "GET", "/v1/apps/slack/\(Stand.appID)/secrets/client_secret"))
              .catch((error) => console.log(error.message));
            """
        let lines = try Self.run(try #require(Self.node), ["-e", try Readme.block("node") + ask]).split(separator: "\n")
        #expect(lines.first.map(String.init) == planted.signingSecret)
        #expect(lines.last?.hasPrefix("denied: ") == true, "\(lines)")
    }
}
