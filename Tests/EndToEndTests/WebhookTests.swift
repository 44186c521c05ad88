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
