import Linux
import Rules
import Sealing
import Testing
import WebhookVectors

@testable import postern_sim

extension Stand {
    /// The service `bridge` with a grant to have the webhooks of every app verified, and the tenant `acme`.
    func furnishForWebhooks() throws {
        try must("POST", "tenants", ["slug": "acme", "name": "Acme Corp"])
        try must(
            "POST", "services",
            ["name": "bridge", "selectors": [.string("uid:\(Self.bridge ?? Privileges.uid)")]])
        try grant("acme/*/*", actions: ["webhook:verify"])
    }

    /// An app with these secrets; `previous_KIND` is what was before KIND and is still accepted.
    func addWebhookApp(
        _ platform: String, _ appID: String, _ secrets: [String: String], fields: [String: JSON] = [:]
    ) throws {
        var fields = fields
        if platform == "genesys" { fields = ["client_id": .string(appID), "region": "mypurecloud.ie"] }
        var first: [String: JSON] = [:]
        for (name, value) in secrets where !name.hasPrefix("previous_") {
            first[name] = .string(secrets["previous_" + name] ?? value)
        }
        try must(
            "POST", "apps",
            [
                "tenant": "acme", "profile": .string(platform), "app_id": .string(appID),
                "fields": .object(fields),
                "secrets": .object(first), "redirect_uris": [], "verify": false,
            ])
        for (name, _) in secrets where name.hasPrefix("previous_") {
            let kind = String(name.dropFirst(9))
            try must(
                "POST", "apps/\(platform)/\(appID)/secrets/\(kind)/rotate",
                ["value": .string(secrets[kind] ?? ""), "grace_seconds": 3600])
        }
    }

    /// Passes a request on as a platform sent it.
    func webhook(
        _ app: String, _ headers: [[String]], _ body: [UInt8], query: String = "", uid: UInt32? = bridge
    ) throws -> Reply {
        let wire = try Wire(brokerSocket, uid: uid)
        try wire.send(
            Wire.request(
                "POST", "/v1/apps/\(app)/webhooks/verify\(query)", headers.map { "\($0[0]): \($0[1])" }, body: body))
        return try wire.receive()
    }

    /// A request of Slack's, signed now.
    func slackWebhook(
        _ body: String, secret: String, of appID: String = appID, age: Int64 = 0, query: String = ""
    ) throws -> Reply {
        let time = String(Clock.wallMilliseconds / 1000 - age)
        let signature = WebhookSigner.slack(secret, time, Array(body.utf8))
        return try webhook(
            "slack/\(appID)", [["X-Slack-Request-Timestamp", time], ["X-Slack-Signature", signature]],
            Array(body.utf8), query: query)
    }
}

/// Signs as the platforms do.
enum WebhookSigner {
    static func slack(_ secret: String, _ time: String, _ body: [UInt8]) -> String {
        "v0=" + Digest32.hmacSHA256(key: secret.utf8.span, "v0:\(time):".utf8.span, body.span).hex
    }

    static func lark(_ key: String, _ time: String, _ nonce: String, _ body: [UInt8]) -> String {
        let all = Array((time + nonce + key).utf8) + body
        return Digest32.sha256(all.span).hex
    }

    static func lark(_ key: String, _ body: [UInt8]) -> [[String]] {
        let time = String(Clock.wallMilliseconds / 1000)
        return [
            ["X-Lark-Request-Timestamp", time], ["X-Lark-Request-Nonce", "533226633"],
            ["X-Lark-Signature", lark(key, time, "533226633", body)],
        ]
    }
}

/// A vector as its platform would send it now: where its own clock counts, the timestamp is moved and what was signed
/// rightly is signed anew; what was signed wrongly stays as it is.
struct SentVector {
    let headers: [[String]]
    let body: [UInt8]

    init(_ vector: WebhookVector, now: Int64) throws {
        let key = vector.credentials["encrypt_key"] ?? ""
        if vector.kind == "decrypt_only" {
            body = Array(#"{"encrypt":""#.utf8) + vector.body + Array(#""}"#.utf8)
            headers = WebhookSigner.lark(key, body)
            return
        }
        body = vector.body
        guard let then = vector.nowUnix else {
            headers = vector.headers
            return
        }
        func header(_ name: String) -> String { vector.headers.first { $0[0].lowercased() == name }?[1] ?? "" }
        let isSlack = vector.platform == "slack"
        let (timeName, signatureName) =
            isSlack
            ? ("x-slack-request-timestamp", "x-slack-signature") : ("x-lark-request-timestamp", "x-lark-signature")
        guard let time = Int64(header(timeName)) else {
            headers = vector.headers
            return
        }
        let moved = String(time + now - then)
        let signature =
            isSlack
            ? WebhookSigner.slack(vector.credentials[vector.expect.matched ?? "signing_secret"] ?? "", moved, body)
            : WebhookSigner.lark(key, moved, header("x-lark-request-nonce"), body)
        headers = vector.headers.map { field in
            switch field[0].lowercased() {
            case timeName: [field[0], moved]
            case signatureName: [field[0], field[1] == vector.expect.computedSignature ? signature : field[1]]
            default: field
            }
        }
    }
}
