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

/// Each reads a secret, is told a refusal's code, posts through the gateway, and has a webhook verified: once rightly
/// signed and once not.
@Suite struct `README's bridge` {
    private static let node = ["/usr/bin/node", "/usr/local/bin/node"].first(where: Shell.exists)
    private static let event = #"{"type":"event_callback","event_id":"Ev0FAKE1","api_app_id":"\#(Stand.appID)"}"#

    /// Runs a bridge as the service's user; the lines it printed.
    private static func lines(_ stand: Stand, _ program: String, _ arguments: [String]) throws -> [String] {
        let service = try Service(stand, arguments, program: program)
        #expect(try service.end() == .exited(0), "\(service.out)\(service.error)")
        return service.out.split(separator: "\n").map(String.init)
    }

    private static func stand() throws -> (stand: Stand, secret: String, signature: String, time: String) {
        let stand = try Stand(simulated: true).start()
        let secret = try stand.furnish(
            actions: ["secret:read:signing_secret", "access:bot", "webhook:verify"], methods: ["chat.postMessage"]
        ).signingSecret
        let time = String(Clock.wallMilliseconds / 1000)
        return (stand, secret, WebhookSigner.slack(secret, time, Array(event.utf8)), time)
    }

    private static func expect(_ lines: [String], _ secret: String, _ sim: Simulated?) throws {
        #expect(lines == [secret, "denied", "True", "event_callback", "None"], "\(lines)")
        #expect(try #require(sim).ledger("chat.postMessage", "accepted").count == 1)
    }

    @Test func `in Python reads, posts and verifies`() throws {
        let (stand, secret, signature, time) = try Self.stand()
        let use = """

            import sys
            postern, app = Postern("\(stand.brokerSocket)"), "\(Stand.appID)"
            headers = {"X-Slack-Request-Timestamp": "\(time)", "X-Slack-Signature": "\(signature)"}
            print(signing_secret(postern, app))
            try:
                postern.call("GET", f"/v1/apps/slack/{app}/secrets/client_secret")
            except Problem as problem:
                print(problem.code)
            print(post_message(postern, app, "C0FAKE1", "hello")["ok"])
            event = sys.argv[1].encode()
            print(verified_event(postern, app, headers, event)["type"])
            print(verified_event(postern, app, headers, event + b" "))
            """
        let lines = try Self.lines(stand, "/usr/bin/python3", ["-c", try Readme.block("python") + use, Self.event])
        try Self.expect(lines, secret, stand.sim)
    }

    @Test func `in Python hears of a rotation, and goes on where it was`() throws {
        let (stand, _, _, _) = try Self.stand()
        let use = """

            events = watch("\(stand.brokerSocket)")
            print("watching", flush=True)
            event, place = next(events)
            print(event["event"], event["version"], flush=True)
            print(next(watch("\(stand.brokerSocket)", place))[0]["version"])
            """
        let service = try Service(
            stand, ["-c", try Readme.block("python") + "\n" + Readme.block("watch") + use],
            program: "/usr/bin/python3")
        // A generator begins when it is asked first: until it is there, more rotations cost nothing.
        let isTold = try eventually {
            try stand.rotate()
            return service.out.contains("secret.rotated")
        }
        try stand.rotate()
        let told = try Self.number(of: service.out, 1)
        #expect(try isTold && service.end() == .exited(0), "\(service.out)\(service.error)")
        #expect(try Self.number(of: service.out, 2) == told + 1)
    }

    /// The number that ends this line.
    private static func number(of text: String, _ line: Int) throws -> Int {
        let lines = text.split(separator: "\n")
        try #require(lines.count > line, "\(text)")
        return try #require(Int(lines[line].split(separator: " ").last ?? ""), "\(text)")
    }

    @Test func `in Node reads, posts and verifies`() throws {
        let (stand, secret, signature, time) = try Self.stand()
        let use = """

            const postern = new Postern("\(stand.brokerSocket)"), app = "\(Stand.appID)";
            const headers = { "X-Slack-Request-Timestamp": "\(time)", "X-Slack-Signature": "\(signature)" };
            (async () => {
              console.log(await postern.signingSecret(app));
              await postern.call("GET", `/v1/apps/slack/${app}/secrets/client_secret`).catch((e) => console.log(e.code));
              console.log((await postern.postMessage(app, "C0FAKE1", "hello")).ok ? "True" : "False");
              const event = Buffer.from(process.argv[1]);
              console.log((await postern.verifiedEvent(app, headers, event)).type);
              console.log((await postern.verifiedEvent(app, headers, Buffer.concat([event, event]))) ?? "None");
            })();
            """
        let node = try #require(Self.node, "README's second command installs it")
        try Self.expect(
            Self.lines(stand, node, ["-e", try Readme.block("node") + use, Self.event]), secret, stand.sim)
    }

    @Test func `in shell reads, posts and verifies`() throws {
        let (stand, secret, signature, time) = try Self.stand()
        let use = """

            APP=\(Stand.appID); body=$(mktemp); printf %s "$1" >"$body"
            signing_secret; echo
            broker "http://postern/v1/apps/slack/$APP/secrets/client_secret" | field code; echo
            post_message C0FAKE1 hello | field ok | sed 's/true/True/'; echo
            verified \(time) \(signature) "$body" && field type <"$body" && echo
            echo x >>"$body"; verified \(time) \(signature) "$body" || echo None
            rm "$body"
            """
        try Self.expect(
            Self.lines(stand, "/bin/sh", ["-c", try Readme.block("curl") + use, "sh", Self.event]), secret, stand.sim)
    }
}
