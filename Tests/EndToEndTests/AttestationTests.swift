import Glibc
import Linux
import Testing

@testable import postern_sim

/// A process of the service's user that asks as it is told, on one connection.
final class Asker {
    let child: ChildProcess
    private var input: FileDescriptor?
    private let output: FileDescriptor
    private var pending: [UInt8] = []

    /// - Parameters:
    ///   - uid: who it becomes, before it executes; as root only.
    init(_ program: String, _ arguments: [String], uid: UInt32?) throws {
        var command = [program] + arguments
        if let uid {
            command = ["/usr/bin/setpriv", "--reuid=\(uid)", "--regid=\(uid)", "--clear-groups", "--"] + command
        }
        let input = try SocketPair(.stream)
        let output = try SocketPair(.stream)
        child = try ChildProcess.start(
            command[0], Array(command.dropFirst()), descriptors: [0: input.far.number, 1: output.far.number])
        self.input = input.split { near, _ in near }
        self.output = output.split { near, _ in near }
    }

    deinit {
        child.send(signal: SIGKILL)
        _ = try? child.wait()
    }

    /// What it answers to `line`; the next thing it says where that is nil.
    func say(_ line: String?) throws -> String {
        if let line { try input?.write(Array((line + "\n").utf8)) }
        while true {
            if let end = pending.firstIndex(of: UInt8(ascii: "\n")) {
                let line = String(decoding: pending[..<end], as: UTF8.self)
                pending.removeFirst(end + 1)
                return line
            }
            var chunk = [UInt8](repeating: 0, count: 16_384)
            var span = chunk.mutableSpan
            let got = try output.receive(into: &span, until: .after(seconds: Wire.patience))
            try #require(got > 0, "the process ended after \(line ?? "nothing")")
            pending += chunk[..<got]
        }
    }

    /// The status of one request, and its body.
    func ask(_ method: String, _ path: String, _ body: String = "") throws -> (status: Int, body: JSON?) {
        let answer = try say("\(method) /v1/\(path)" + (body.isEmpty ? "" : " \(body)"))
        let parts = answer.split(separator: " ", maxSplits: 1)
        return (Int(parts[0]) ?? 0, parts.count > 1 ? JSON(bytes: Array(parts[1].utf8)) : nil)
    }
}

/// Daemon and services run as one user that is not root: what `exe:` and `sha256:` need without CAP_SYS_PTRACE.
@Suite struct `A service known by its program` {
    let stand: Stand
    let programs: String
    /// The daemon's own user.
    let uid: UInt32
    /// What a process has to become to be that user.
    let other: UInt32?

    init() throws {
        stand = try Stand(simulated: true)
        uid = Shell.isRoot ? try #require(Accounts.account(named: "nobody")).uid : Privileges.uid
        other = Shell.isRoot ? uid : nil
        programs = "\(stand.path)/programs"
        try #require(unsafe mkdir(programs, 0o755) == 0)
    }

    private func program(_ name: String, padding: String = "") throws -> String {
        let path = "\(programs)/\(name)"
        try Shell.run("/bin/cp", [Program.sibling("linux-probe"), path])
        // Not by us: a process that another test starts meanwhile would have the file open for writing until it executes,
        // and then nobody could execute this one.
        try Shell.run("/bin/sh", ["-c", "printf %s \"$2\" >> \"$1\"", "sh", path, padding])
        unsafe chmod(path, 0o755)
        return path
    }

    private func digest(_ path: String) throws -> String {
        String(try Shell.run("/usr/bin/sha256sum", [path]).output.prefix(64))
    }

    /// The story's service, known by more than its user.
    private func furnish(_ selectors: [String]) throws {
        try stand.furnish()
        try stand.must("DELETE", "services/bridge")
        let all = ["uid:\(uid)"] + selectors
        try stand.must("POST", "services", ["name": "bridge", "selectors": .array(all.map(JSON.string))])
        try stand.grant(actions: Stand.everything, methods: ["auth.test"])
    }

    private let secret = "apps/\(Stand.app)/secrets/signing_secret"

    /// Somebody who was answered once, as a service known by this program, and another program.
    private func allowed() throws -> (Asker, good: String, bad: String) {
        try stand.start()
        let (good, bad) = (try program("bridge"), try program("intruder"))
        try furnish(["exe:\(good)"])
        let asker = try Asker(good, ["ask", stand.brokerSocket], uid: other)
        #expect(try asker.say(nil) == "connected")
        #expect(try asker.ask("GET", secret).status == 200)
        return (asker, good, bad)
    }

    /// That a refusal was for running this program now.
    private func expectChanged(_ refusal: JSON?, runs program: String) throws {
        let id = try #require(refusal?["request_id"]?.text)
        let why = try stand.must("GET", "why/\(id)")
        #expect(why["rule"] == "identity_changed" && why["record"]?["actor"]?["exe"]?.text == program, "\(why.text)")
        #expect(why["service"] == "bridge" && why.text.contains(#""result":"differs""#), "\(why.text)")
    }

    @Test func `is refused all, on the same connection, once it runs another program`() throws {
        let (asker, good, bad) = try allowed()
        let access = try asker.ask("POST", "apps/\(Stand.app)/access", #"{"as":"bot"}"#)
        let lease = try #require(access.body?["lease_id"]?.text)
        #expect(try asker.ask("POST", "gateway/\(lease)/auth.test").status == 200)
        #expect(try asker.ask("POST", "leases/\(lease)/renew").status == 200)
        // The same connection, user and process; another program.
        #expect(try asker.say("exec \(bad)\nname") == bad)
        var last: JSON?
        for (method, path, body) in [
            ("GET", secret, ""), ("GET", "self", ""), ("GET", "apps", ""), ("GET", "apps/\(Stand.app)", ""),
            ("POST", "apps/\(Stand.app)/access", #"{"as":"bot"}"#),
            ("POST", "apps/\(Stand.app)/access", #"{"as":"bot","deliver":"token"}"#),
            ("POST", "leases/\(lease)/renew", ""), ("POST", "gateway/\(lease)/auth.test", ""),
            ("DELETE", "leases/\(lease)", ""),
        ] {
            let answer = try asker.ask(method, path, body)
            #expect(answer.status == 403 && answer.body?["code"] == "denied", "\(method) \(path)")
            last = answer.body
        }
        try expectChanged(last, runs: bad)
        #expect(last?["detail"]?.text?.contains("exe") == false)
        // And back: whoever holds the connection now has been somebody else.
        #expect(try asker.say("exec \(good)\nname") == good)
        #expect(try asker.ask("GET", secret).status == 403)
        let fresh = try Asker(good, ["ask", stand.brokerSocket], uid: other)
        #expect(try fresh.say(nil) == "connected" && fresh.ask("GET", secret).status == 200)
        let intruder = try Asker(bad, ["ask", stand.brokerSocket], uid: other)
        #expect(try intruder.say(nil) == "connected" && intruder.ask("GET", secret).status == 403)
    }

    @Test func `is told to have changed, with the program it runs, although the policy moved meanwhile`() throws {
        let (asker, _, bad) = try allowed()
        #expect(try asker.say("exec \(bad)\nname") == bad)
        for slug in ["one", "two"] {
            try stand.must("POST", "services", ["name": .string(slug), "selectors": ["uid:1", "gid:1"]])
        }
        let answer = try asker.ask("GET", secret)
        #expect(answer.status == 403)
        try expectChanged(answer.body, runs: bad)
    }

    @Test func `is told nothing more by its watch once it runs another program`() throws {
        try stand.start()
        let (good, bad) = (try program("bridge"), try program("intruder"))
        try furnish(["exe:\(good)"])
        let (watcher, changed) = (
            try Asker(good, ["ask", stand.brokerSocket], uid: other),
            try Asker(good, ["ask", stand.brokerSocket], uid: other)
        )
        for asker in [watcher, changed] {
            #expect(try asker.say(nil) == "connected")
            #expect(try asker.ask("GET", "watch").status == 200)
        }
        #expect(try changed.say("exec \(bad)\nname") == bad)
        try stand.rotate()
        let told = try changed.say("rest")
        #expect(!told.contains("secret.rotated"), "\(told)")
        try stand.must("POST", "services/bridge/suspend")
        #expect(try watcher.say("rest").contains("secret.rotated"))
    }

    @Test func `is served by the digest of its contents alone, and an upgrade needs the new one`() throws {
        try stand.start()
        let (good, same, bad) = (try program("bridge"), try program("same"), try program("bad", padding: "."))
        try furnish(["sha256:\(try digest(good))"])
        for (path, status) in [(good, 200), (same, 200), (bad, 403), (good, 200)] {
            let asker = try Asker(path, ["ask", stand.brokerSocket], uid: other)
            #expect(try asker.say(nil) == "connected")
            #expect(try asker.ask("GET", secret).status == status, "\(path)")
        }
        let running = try Asker(good, ["ask", stand.brokerSocket], uid: other)
        #expect(try running.say(nil) == "connected" && running.ask("GET", secret).status == 200)
        #expect(unsafe rename(bad, good) == 0)
        #expect(try running.ask("GET", secret).status == 200, "it runs what was there before")
        let upgraded = try Asker(good, ["ask", stand.brokerSocket], uid: other)
        #expect(try upgraded.say(nil) == "connected" && upgraded.ask("GET", secret).status == 403)
        let command = ["service", "add", "upgraded", "--selector", "uid:\(uid)", "--selector", "sha256:@\(good)"]
        let added = try stand.postern(command)
        let now = try digest(good)
        #expect(added.code == 0 && added.error.contains("sha256:\(now)"), "\(added.all)")
        let can = try stand.postern(
            ["can", "upgraded", "secret:read:signing_secret", Stand.app, "--pid", "\(upgraded.child.pid)"])
        #expect(can.code == 4 && can.out.contains("sha256:\(now) holds"), "\(can.all)")
        let not = try stand.postern(
            ["can", "bridge", "secret:read:signing_secret", Stand.app, "--pid", "\(upgraded.child.pid)"])
        #expect(not.code == 4 && not.out.contains("does not hold: it is sha256:"), "\(not.all)")
    }

    @Test func `is proposed from a running process, and that process is it`() throws {
        try stand.start()
        let path = try program("chat-bridge")
        try furnish(["exe:\(path)"])
        try stand.must("DELETE", "services/bridge")
        let asker = try Asker(path, ["ask", stand.brokerSocket], uid: other)
        #expect(try asker.say(nil) == "connected")
        let pid = "\(asker.child.pid)"
        let asked = try stand.postern(["service", "add", "--from-pid", pid])
        #expect(asked.code == 2 && asked.error.contains("nobody can be asked"), "\(asked.all)")
        #expect(asked.error.contains("postern service add chat-bridge --selector"), "\(asked.all)")
        #expect(asked.error.contains("posternd's own user"), "\(asked.all)")
        let planned = try stand.postern(["service", "add", "--from-pid", pid, "--check"])
        #expect(planned.code == 12 && planned.out.contains("exe:\(path)"), "\(planned.all)")
        let added = try stand.postern(["service", "add", "--from-pid", pid, "--yes"])
        #expect(added.code == 0 && added.out.contains("service chat-bridge added"), "\(added.all)")
        let again = try stand.postern(["service", "add", "--from-pid", pid, "--check"])
        #expect(again.code == 6, "\(again.all)")
        let granted = try stand.postern(
            ["grant", "add", "chat-bridge", "acme/\(Stand.app)", "--action", "secret:read:signing_secret"])
        #expect(granted.code == 0, "\(granted.all)")
        #expect(try asker.ask("GET", secret).status == 200)
        let gone = try stand.postern(["service", "add", "--from-pid", "4194304"])
        #expect(gone.code == 5, "\(gone.all)")
        let stranger = try stand.admin("GET", "processes/nonsense")
        #expect(stranger.code == "bad_request")
    }

    @Test(.enabled(if: Shell.isRoot, "\(needsRoot)"))
    func `is nobody once its process has ended, though another has its number, user and program`() throws {
        try stand.start()
        let path = try program("bridge")
        try furnish(["exe:\(path)"])
        let asker = try Asker(path, ["ask", stand.brokerSocket], uid: uid)
        #expect(try asker.say(nil) == "connected")
        let access = try asker.ask("POST", "apps/\(Stand.app)/access", #"{"as":"bot"}"#)
        let lease = try #require(access.body?["lease_id"]?.text)
        // A child keeps the connection; the connector ends, and its number goes to another.
        let heir = try #require(Int32(try asker.say("fork")))
        defer { kill(heir, SIGKILL) }
        #expect(try asker.child.wait() == .exited(0))
        let taker = try Asker(path, ["take-number", "\(asker.child.pid)", "\(uid)"], uid: nil)
        try #require(
            try taker.say(nil) == "\(asker.child.pid)", "the kernel does not let us choose a number, or it is in use")
        for (method, call) in [
            ("GET", secret), ("POST", "leases/\(lease)/renew"), ("POST", "gateway/\(lease)/auth.test"),
        ] {
            let answer = try asker.ask(method, call)
            #expect(answer.status == 403)
            let id = try #require(answer.body?["request_id"]?.text)
            #expect(try stand.must("GET", "why/\(id)")["rule"] == "identity_gone")
        }
    }

    /// Its number is all that a lease and /proc know of a process, but for when it began.
    @Test(.enabled(if: Shell.isRoot, "\(needsRoot)"))
    func `leaves a lease of one process to no other, though it has its number, user and program`() throws {
        try stand.start()
        let path = try program("bridge")
        try furnish(["exe:\(path)"])
        guard case .array(let grants)? = try stand.must("GET", "grants")["grants"],
            case .integer(let usual)? = grants.first?["id"]
        else { throw NotThere() }
        try stand.must("DELETE", "grants/\(usual)")
        try stand.must(
            "POST", "grants",
            [
                "service": "bridge", "pattern": .string("acme/\(Stand.app)"), "methods": ["auth.test"],
                "actions": ["access:bot", "secret:read:signing_secret"], "bind": "process",
            ])
        let first = try Asker(path, ["ask", stand.brokerSocket], uid: uid)
        #expect(try first.say(nil) == "connected")
        let access = try first.ask("POST", "apps/\(Stand.app)/access", #"{"as":"bot"}"#)
        let lease = try #require(access.body?["lease_id"]?.text)
        let calls = [
            ("POST", "gateway/\(lease)/auth.test"), ("POST", "leases/\(lease)/renew"), ("DELETE", "leases/\(lease)"),
        ]
        for (method, call) in calls.dropLast() { #expect(try first.ask(method, call).status == 200, "\(call)") }
        let number = first.child.pid
        first.child.send(signal: SIGKILL)
        _ = try first.child.wait()
        let second = try Asker(path, ["take-number", "\(number)", "\(uid)", stand.brokerSocket], uid: nil)
        try #require(
            try second.say(nil) == "connected", "the kernel does not let us choose a number, or it is in use")
        // It is the service: only the lease is not its own.
        #expect(try second.ask("GET", secret).status == 200)
        for (method, call) in calls {
            let answer = try second.ask(method, call)
            #expect(answer.status == 403, "\(call)")
            let id = try #require(answer.body?["request_id"]?.text)
            #expect(try stand.must("GET", "why/\(id)")["rule"] == "other_process")
            let record = try stand.records().last { $0["request_id"]?.text == id }
            #expect(record?["actor"]?["pid"] == .integer(Int64(number)))
        }
        #expect(try stand.must("GET", "leases/\(lease)")["state"] == "live")
    }

    @Test func `cannot be added where its program could never be read, nor by half a container id`() throws {
        try stand.start()
        let stranger = uid == 1 ? 2 : 1
        for selectors in [
            ["uid:\(stranger)", "exe:/bin/true"], ["uid:\(stranger)", "sha256:" + String(repeating: "0", count: 64)],
            ["unit:bridge.service", "exe:/bin/true"], ["user:no-such-user", "exe:/bin/true"],
        ] {
            let reply = try stand.admin(
                "POST", "services", ["name": "x", "selectors": .array(selectors.map(JSON.string))])
            #expect(reply.code == "bad_request" && reply.text.contains("CAP_SYS_PTRACE"), "\(reply.text)")
        }
        for cgroup in ["0123456789ab", "/", "/a/../b", String(repeating: "A", count: 64)] {
            let reply = try stand.admin(
                "POST", "services", ["name": "x", "selectors": .array(["uid:1", .string("cgroup:\(cgroup)")])])
            #expect(reply.code == "bad_request" && reply.text.contains("cgroup:"), "\(reply.text)")
        }
        let weak = try stand.must(
            "POST", "services", ["name": "y", "selectors": [.string("uid:\(uid)"), "exe:/usr/bin/python3.11"]])
        #expect(weak.text.contains("runs any script"), "\(weak.text)")
        let doctor = try stand.must("GET", "doctor").text
        #expect(doctor.contains("y: /usr/bin/python3.11 runs any script"), "\(doctor)")
        #expect(doctor.contains("programs can be read of uid \(uid) alone"), "\(doctor)")
    }

    @Test(.enabled(if: Shell.isRoot, "\(needsRoot)"))
    func `that a stranger comes near to is named to the admin, and to nobody else`() throws {
        try stand.start()
        try stand.furnish()
        try stand.must("POST", "services", ["name": "near", "selectors": ["uid:1004", "gid:7", "unit:near.service"]])
        let refused = try stand.read("signing_secret", uid: 1004)
        #expect(refused.status == 403 && !refused.text.contains("near"))
        let id = try #require(refused.requestID)
        let why = try stand.postern(["why", id])
        #expect(why.out.contains("the selectors of near:") && why.out.contains("uid:1004 holds"), "\(why.all)")
        #expect(why.out.contains("unit:near.service does not hold: it is in no unit"), "\(why.all)")
        #expect(why.out.contains("gid:7 cannot be told"), "\(why.all)")
    }
}
