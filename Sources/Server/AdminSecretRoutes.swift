import Broker
import HTTPServer
import Rules
import Sealing
import Vault

extension AdminRoutes {
    func secrets(_ call: AdminRequest) throws(Problem) -> HTTPServer.Response? {
        guard call.parts[0] == "apps", call.parts.count >= 5, call.parts[3] == "secrets" else { return nil }
        let key = try call.app(1)
        let kind = try Names.kind(Substring(call.parts[4]))
        let now = broker.vault.now
        if call.matches("PUT", "apps/*/*/secrets/*") || call.matches("POST", "apps/*/*/secrets/*/rotate") {
            let rotates = call.method == "POST"
            let (app, admin) = try admitted(call, .operate, rotates ? "secret.rotate" : "secret.set", key)
            let value = SecretBox(SecretBytes(copying: try call.body.text("value").utf8.span))
            let installation = try call.body.optionalInt("installation")
            var grace: Interval?
            if rotates {
                let seconds = try call.body.optionalInt("grace_seconds") ?? 86_400
                guard (0...2_592_000).contains(seconds) else {
                    throw Problem(.badRequest, "grace_seconds is 0 to 2592000 (30 days)")
                }
                grace = Interval(seconds: seconds)
            }
            try call.body.end()
            let (version, head) = try broker.setSecret(
                app, kind, value, installation: installation, grace: grace, admin)
            return Reply.json(Show.stored(version, head, now: now), status: rotates ? 200 : 201, call.request)
        }
        if call.matches("GET", "apps/*/*/secrets/*/versions") {
            let (app, _) = try admitted(call, .look, "secret.history", key)
            let installation = try call.query("installation").map { text throws(Problem) in
                try Names.number(text, "installation")
            }
            let (head, versions) = try broker.history(of: app, kind, installation: installation)
            return Reply.json(
                ["versions": .list(versions.map { .object(Show.version($0, head, now: now)) })], call.request)
        }
        if call.matches("POST", "apps/*/*/secrets/*/reveal") {
            let (app, admin) = try admitted(call, .reveal, "secret.reveal", key)
            let reason = try call.body.text("reason")
            let version = try call.body.optionalInt("version")
            let installation = try call.body.optionalInt("installation")
            try call.body.end()
            let slab = call.caller.takeSlab(from: broker.slabs)
            do throws(Problem) {
                broker.beginAnswer(to: call.caller)
                let answer = try broker.reveal(
                    app, kind, version: version, installation: installation, reason: reason, into: slab, admin)
                let (head, tail) = answer.json()
                return Reply.secret(
                    slab, value: 0..<slab.count, head: head, tail: tail, call.request, of: call.caller)
            } catch {
                call.caller.keep(slab)
                throw error
            }
        }
        return nil
    }
}
