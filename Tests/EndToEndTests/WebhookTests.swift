import Linux
import Rules
import Sealing
import Testing
import WebhookVectors

@testable import postern_sim

@Suite struct `Webhooks as platforms send them` {
    /// Vectors whose apps can stand in one vault: no two with the same App ID and other secrets.
    private final class Round {
        let takesAnyTime: Bool
        var apps: [String: [String: String]] = [:]
        var vectors: [(app: String, vector: WebhookVector)] = []

        init(takesAnyTime: Bool) { self.takesAnyTime = takesAnyTime }

        func takes(_ vector: WebhookVector, _ app: String, _ secrets: [String: String]) -> Bool {
            // The vector of an SDK whose timestamp is the word "timestamp".
            let anyTime = vector.headers.contains { $0[1] == "timestamp" }
            guard anyTime == takesAnyTime, apps[app] == nil || apps[app] == secrets else { return false }
            apps[app] = secrets
            vectors.append((app, vector))
            return true
        }
    }

    private static func rounds() throws -> [Round] {
        var rounds: [Round] = []
        var named: [[String: String]: String] = [:]
        for vector in try WebhookVector.all() {
            var secrets = vector.credentials
            let appID = secrets.removeValue(forKey: "app_id") ?? named[secrets] ?? "A0VECTOR0\(named.count)"
            if appID.hasPrefix("A0VECTOR") { named[secrets] = appID }
            let app = "\(vector.platform)/\(appID)"
            if rounds.contains(where: { $0.takes(vector, app, secrets) }) { continue }
            let round = Round(takesAnyTime: vector.headers.contains { $0[1] == "timestamp" })
            _ = round.takes(vector, app, secrets)
            rounds.append(round)
        }
        return rounds
    }

    @Test func `are judged by the daemon as all forty-nine vectors say`() throws {
        var count = 0
        for round in try Self.rounds() {
            let stand = try Stand(flags: round.takesAnyTime ? ["--webhook-window", "off"] : []).start()
            try stand.furnishForWebhooks()
            for (app, secrets) in round.apps {
                let parts = app.split(separator: "/").map(String.init)
                try stand.addWebhookApp(parts[0], parts[1], secrets)
            }
            for (app, vector) in round.vectors {
                try Self.check(try Self.send(vector, app, stand), vector)
                count += 1
            }
        }
        #expect(count == 49)
    }

    /// Sent within one second, since one vector is exactly as old as it may be.
    private static func send(_ vector: WebhookVector, _ app: String, _ stand: Stand) throws -> Reply {
        for _ in 0..<20 {
            let now = Clock.wallMilliseconds / 1000
            let sent = try SentVector(vector, now: now)
            let reply = try stand.webhook(app, sent.headers, sent.body)
            if Clock.wallMilliseconds / 1000 == now { return reply }
        }
        Issue.record("no request took less than a second")
        throw SystemError("clock", 0)
    }

    private static func check(_ reply: Reply, _ vector: WebhookVector) throws {
        let note: Comment = "\(vector.id): \(reply.text)"
        try #require(reply.status == 200, note)
        #expect(reply["valid"] == .bool(vector.expect.valid), note)
        #expect(reply["reason"]?.text == vector.expect.reason, note)
        guard vector.expect.valid else {
            #expect(reply["event"] == nil && reply["challenge"] == nil && reply["secret_version"] == nil, note)
            return
        }
        let isRotated = vector.credentials.keys.contains { $0.hasPrefix("previous_") }
        #expect(reply["secret_version"] == .integer(isRotated && vector.expect.matched == nil ? 2 : 1), note)
        if let type = vector.expect.eventType { #expect(reply["event_type"]?.text == type, note) }
        if let id = vector.expect.dedupeId { #expect(reply["event_id"]?.text == id, note) }
        if let text = vector.expect.plaintextUtf8 {
            if vector.kind == "decrypt_only" {
                #expect(reply["event"]?.text == text, note)
            } else {
                #expect(reply["event"] == JSON(bytes: Array(text.utf8)), note)
                // Not only the same value: the platform's own bytes.
                #expect(reply.text.contains(text), note)
            }
        } else {
            #expect(reply["event"] == nil, note)
        }
        let challenge = reply["challenge"]?.text
        #expect((challenge == nil) == (vector.expect.reply == nil), note)
        if let challenge { #expect(vector.expect.reply?.body.contains(challenge) == true, note) }
    }
}

@Suite struct `A webhook a bridge asks about` {
    private let stand: Stand
    private let planted: Stand.Planted

    init() throws {
        stand = try Stand().start()
        planted = try stand.furnish(actions: ["webhook:verify"])
    }

    private func event(_ id: String, _ type: String = "message") -> String {
        #"{"type":"event_callback","api_app_id":"\#(Stand.appID)","team_id":"T1","event_id":"\#(id)","event":{"type":"\#(type)"}}"#
    }

    private func ask(_ body: String, age: Int64 = 0, query: String = "") throws -> Reply {
        try stand.slackWebhook(body, secret: planted.signingSecret, age: age, query: query)
    }

    @Test func `is a duplicate the second time, by its signature or its event's id, and replays can be refused`() throws
    {
        #expect(try ask(event("Ev1"))["duplicate"] == false)
        // The platform's own retry is signed anew.
        let retry = try ask(event("Ev1"), age: 5)
        #expect(retry["valid"] == true && retry["duplicate"] == true && retry["reason"] == "ok", "\(retry.text)")
        let form = "command=%2Fhello&text=once"
        #expect(try ask(form, age: 7)["duplicate"] == false)
        let time = try ask(form, age: 60)
        #expect(time["duplicate"] == false, "another request of the same words")
        let refused = try ask(event("Ev1"), query: "?reject_replays=true")
        #expect(refused["valid"] == false && refused["duplicate"] == true && refused["reason"] == "replayed")
        #expect(try ask(event("Ev2"), query: "?reject_replays=true")["valid"] == true)
        #expect(try ask(event("Ev2"), query: "?reject_replays=maybe").code == "bad_request")
    }

    @Test func `counts for its own app only, duplicates too`() throws {
        try stand.grant("acme/*/*", actions: ["webhook:verify"])
        try stand.addWebhookApp("slack", "A0ANOTHER1", ["signing_secret": planted.signingSecret])
        #expect(try ask(event("Ev1"))["valid"] == true)
        let other = try stand.slackWebhook(event("Ev1"), secret: planted.signingSecret, of: "A0ANOTHER1")
        #expect(other["valid"] == false && other["reason"] == "app_id_mismatch", "\(other.text)")
        let own = event("Ev1").replacing(Stand.appID, with: "A0ANOTHER1")
        let first = try stand.slackWebhook(own, secret: planted.signingSecret, of: "A0ANOTHER1")
        #expect(first["valid"] == true && first["duplicate"] == false, "\(first.text)")
    }

    @Test func `may be signed with the secret before while its grace lasts`() throws {
        let new = Stand.Planted.secret()
        try stand.must(
            "POST", "apps/\(Stand.app)/secrets/signing_secret/rotate",
            ["value": .string(new), "grace_seconds": 3600])
        #expect(try ask(event("Ev1"))["secret_version"] == .integer(1))
        #expect(try stand.slackWebhook(event("Ev2"), secret: new)["secret_version"] == .integer(2))
        try stand.must(
            "POST", "apps/\(Stand.app)/secrets/signing_secret/rotate",
            ["value": .string(Stand.Planted.secret()), "grace_seconds": 0])
        #expect(try ask(event("Ev3"))["reason"] == "signature_mismatch")
        #expect(try stand.slackWebhook(event("Ev4"), secret: new)["reason"] == "signature_mismatch")
    }

    @Test func `proves the signing secret and the App ID it names`() throws {
        func claim() throws -> String? { try stand.must("GET", "apps/\(Stand.app)")["claim"]?.text }
        #expect(try claim() == "unproven")
        #expect(try ask("command=%2Fhello&api_app_id=A0OTHER")["reason"] == "app_id_mismatch")
        #expect(try ask("command=%2Fhello")["valid"] == true)
        #expect(try claim() == "unproven", "a request that names no app proves none")
        #expect(try ask(event("Ev1"))["valid"] == true)
        #expect(try claim() == "event")
        let list = try stand.must("GET", "apps/\(Stand.app)/checklist").text
        #expect(list.contains("signing_secret"))
        let actions = try stand.records().compactMap { $0["action"]?.text }
        #expect(actions.filter { $0 == "app.proven" }.count == 1)
    }

    @Test func `is on the record, valid or not, and who may not ask learns nothing`() throws {
        _ = try ask(event("Ev1"))
        _ = try ask(event("Ev1"))
        _ = try ask(event("Ev2"), age: 400)
        for number in 0..<200 { _ = try stand.slackWebhook(event("Ev\(number)"), secret: "fake-wrong-secret") }
        let records = try stand.records().filter { $0["action"] == "webhook.verify" }
        func reasons(_ outcome: String) -> [String?] {
            records.filter { $0["outcome"]?.text == outcome }.map { $0["reason"]?.text }
        }
        #expect(reasons("allowed") == [nil, "duplicate"])
        #expect(reasons("denied").contains("timestamp_out_of_window"))
        let mismatches = reasons("denied").count { $0 == "signature_mismatch" }
        #expect(mismatches > 0 && mismatches <= 120, "strangers must not fill the log")
        #expect(records.first?["kind"] == "signing_secret" && records.first?["version"] == .integer(1))
        guard let stranger = Stand.stranger else { return }
        for app in [Stand.app, "slack/A0NOSUCHAPP"] {
            let denied = try stand.webhook(app, [], Array("{}".utf8), uid: stranger)
            #expect(denied.code == "denied")
        }
        #expect(try stand.broker("GET", "apps/\(Stand.app)/webhooks/verify").code == "method_not_allowed")
    }

    @Test func `may be four MiB, and not more`() throws {
        let most = 4 * 1024 * 1024
        let start = event("EvBig").dropLast()
        let body = start + #","padding":""# + String(repeating: "x", count: most - start.utf8.count - 14) + #""}"#
        #expect(body.utf8.count == most)
        let reply = try ask(String(body))
        #expect(reply["valid"] == true && reply["event_id"] == "EvBig", "\(reply.text.prefix(300))")
        // Refused before the body is read, so none is sent.
        let wire = try Wire(stand.brokerSocket, uid: Stand.bridge)
        let head = "POST /v1/apps/\(Stand.app)/webhooks/verify HTTP/1.1\r\nHost: postern\r\n"
        try wire.send(Array((head + "Content-Length: \(most + 1)\r\n\r\n").utf8))
        #expect(try wire.receive().code == "too_large")
    }

    @Test func `with fields there twice is none`() throws {
        let body = event("Ev1")
        let time = String(Clock.wallMilliseconds / 1000)
        let signature = WebhookSigner.slack(planted.signingSecret, time, Array(body.utf8))
        let right = [["X-Slack-Request-Timestamp", time], ["X-Slack-Signature", signature]]
        #expect(try stand.webhook(Stand.app, right, Array(body.utf8))["valid"] == true)
        for field in right {
            for second in [field, [field[0].lowercased(), field[1]], [field[0].uppercased(), "0"]] {
                let reply = try stand.webhook(Stand.app, right + [second], Array(body.utf8))
                #expect(reply["reason"] == "duplicate_header" && reply["valid"] == false, "\(reply.text)")
            }
        }
    }

    /// What is decrypted holds the verification token; nothing of it may stay behind.
    @Test func `answers a challenge that has quotation marks in it`() throws {
        let reply = try ask(#"{"type":"url_verification","token":"x","challenge":"a\"b\\c\u0001d"}"#)
        #expect(reply["challenge"]?.text == "a\"b\\c\u{1}d", "\(reply.text)")
    }
}

@Suite struct `An event about an installation's life` {
    @Test func `ends the installation after it was verified`() throws {
        let stand = try Stand(simulated: true).start()
        let planted = try stand.furnish(actions: Stand.everything + ["webhook:verify"])
        let sim = try #require(stand.sim)
        #expect(try stand.broker("POST", "apps/\(Stand.app)/access", ["as": "bot"]).status == 201)
        let list = try stand.must("GET", "installations?app=\(Stand.app)")
        guard case .array(let found)? = list["installations"], let team = found.first?["team_id"]?.text else {
            Issue.record("\(list.text)")
            return
        }
        let body =
            #"{"type":"event_callback","api_app_id":"\#(Stand.appID)","team_id":"\#(team)","event_id":"Ev9","#
            + #""event_time":\#(Clock.wallMilliseconds / 1000 + 120),"event":{"type":"app_uninstalled"}}"#
        // Nobody believes it unsigned.
        #expect(try stand.slackWebhook(body, secret: "fake-wrong-secret")["valid"] == false)
        #expect(try stand.broker("POST", "apps/\(Stand.app)/access", ["as": "bot"]).status == 201)
        try sim.fault("auth.test", "error:account_inactive")
        let reply = try stand.slackWebhook(body, secret: planted.signingSecret)
        #expect(reply["valid"] == true, "\(reply.text)")
        #expect(
            eventually {
                (try? stand.broker("POST", "apps/\(Stand.app)/access", ["as": "bot"]).status) != 201
            })
        #expect(try stand.records().contains { $0["action"] == "installation.ended" })
    }
}

@Suite struct `A ticket of a store app` {
    @Test func `is kept when its event was verified`() throws {
        let vector = try #require(try WebhookVector.all().first { $0.id == "feishu-app-ticket-v1-event" })
        var secrets = vector.credentials
        let appID = try #require(vector.credentials["app_id"])
        secrets["app_id"] = nil
        let stand = try Stand().start()
        try stand.furnishForWebhooks()
        try stand.addWebhookApp("feishu", appID, secrets, fields: ["app_type": "store"])
        let sent = try SentVector(vector, now: Clock.wallMilliseconds / 1000)
        let reply = try stand.webhook("feishu/\(appID)", sent.headers, sent.body)
        #expect(reply["valid"] == true && reply["event_type"] == "app_ticket", "\(reply.text)")
        func kinds() throws -> String { try stand.must("GET", "apps/feishu/\(appID)").text }
        #expect(try eventually { try kinds().contains("app_ticket") })
        #expect(try stand.records().contains { $0["action"] == "ticket.store" })
    }
}

@Suite struct `A ticket that only a token proves` {
    @Test func `is kept when it says that it is new, and not in the place of a newer one`() throws {
        let stand = try Stand().start()
        try stand.furnishForWebhooks()
        try stand.addWebhookApp(
            "lark", "cli_fake1", ["verification_token": "fake-token"], fields: ["app_type": "store"])
        let now = Clock.wallMilliseconds / 1000
        func send(_ id: String, _ time: Int64?) throws {
            let time = time.map { #""ts":"\#($0).5","# } ?? ""
            let body =
                #"{\#(time)"uuid":"\#(id)","token":"fake-token","type":"event_callback","event":{"app_id":"cli_fake1","#
                + #""type":"app_ticket","app_ticket":"fake-ticket-\#(id)"}}"#
            let reply = try stand.webhook("lark/cli_fake1", [], Array(body.utf8))
            #expect(reply["valid"] == true, "\(reply.text)")
        }
        func kept() throws -> Int {
            try stand.records().filter { $0["action"] == "ticket.store" }.count
        }
        try send("without", nil)
        try send("future", now + 3600)
        try send("huge", .max)
        try send("first", now)
        #expect(try eventually { try kept() == 1 })
        try send("old", now - 3600)
        try send("second", Clock.wallMilliseconds / 1000)
        #expect(try eventually { try kept() == 2 })
        #expect(try kept() == 2)
    }
}

@Suite struct `After hundreds of webhooks` {
    /// The secrets they are verified with, and what stands in the encrypted ones.
    @Test(.enabled(if: Shell.isRoot, "not root: the memory of another process cannot be read"))
    func `nothing of them is in the keeper's memory`() throws {
        let stand = try Stand().start()
        let planted = try stand.furnish(actions: ["webhook:verify"])
        try stand.grant("acme/*/*", actions: ["webhook:verify"])
        let vectors = try WebhookVector.all().filter {
            ["feishu-app-ticket-v1-event", "feishu-event-encrypted-ok", "feishu-decrypt-bad-padding"].contains($0.id)
        }
        var secrets = try #require(vectors.first?.credentials)
        let appID = try #require(vectors.first?.credentials["app_id"])
        secrets["app_id"] = nil
        try stand.addWebhookApp("feishu", appID, secrets, fields: ["app_type": "store"])
        let idle = MemoryScan.threads(of: stand.pid)
        for number in 0..<200 {
            let body = #"{"type":"event_callback","api_app_id":"\#(Stand.appID)","event_id":"Ev\#(number)"}"#
            #expect(try stand.slackWebhook(body, secret: planted.signingSecret)["valid"] == true)
            for vector in vectors {
                let sent = try SentVector(vector, now: Clock.wallMilliseconds / 1000)
                let reply = try stand.webhook("feishu/\(appID)", sent.headers, sent.body)
                #expect(reply["valid"] == .bool(vector.expect.valid), "\(reply.text)")
            }
        }
        #expect(eventually { MemoryScan.threads(of: stand.pid) <= idle + 1 }, "threads do not end")
        secrets["signing_secret"] = planted.signingSecret
        secrets["app_ticket"] = "18946d2d0d2e4a1f8d2b7d2a3c5e6f70"
        for (name, secret) in secrets {
            #expect(MemoryScan.regions(of: stand.pid, with: MemoryScan.forms(of: secret)) == [], "\(name)")
        }
    }
}
