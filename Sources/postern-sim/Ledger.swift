import FoundationEssentials
import Rules

/// Every call, what was made of it, and why. Has no credential in it.
struct Ledger: Sendable {
    struct Entry: Sendable {
        let seq: Int64
        let time: Date
        let platform: String
        let method: String
        /// Without the query, which may carry a code; an incoming webhook's only to where its secret begins.
        let path: String
        /// The platform's name for it, such as `oauth.v2.access`.
        let call: String
        /// `accepted`, `refused` or `fault`.
        let outcome: String
        /// The platform's error code, the fault, or what was accepted.
        let reason: String
        let status: Int
        let appID: String?
        /// Tells tokens apart within one run.
        let tokenFingerprint: String?

        var json: JSON {
            [
                "seq": .integer(seq), "time": .string(time.formatted(.iso8601)), "platform": .string(platform),
                "method": .string(method), "path": .string(path), "call": .string(call),
                "outcome": .string(outcome), "reason": .string(reason), "status": .integer(Int64(status)),
                "app_id": .optional(appID), "token_fingerprint": .optional(tokenFingerprint),
            ]
        }
    }

    /// The oldest entries go when there are more.
    static let longest = 100_000

    private(set) var entries: [Entry] = []
    private var seq: Int64 = 0

    mutating func append(
        _ request: SimRequest, call: Call?, outcome: String, reason: String, status: Int, appID: String?,
        token: String?, at time: Date
    ) {
        seq += 1
        if entries.count >= Self.longest { entries.removeFirst(Self.longest / 10) }
        entries.append(
            Entry(
                seq: seq, time: time, platform: call?.platform.rawValue ?? "none", method: request.method,
                path: call?.name == "incoming_webhook" ? "/services/…" : request.path, call: call?.name ?? "unknown",
                outcome: outcome, reason: reason, status: status, appID: appID,
                tokenFingerprint: token.map(Self.fingerprint)))
    }

    mutating func clear() { entries = [] }

    /// Keyed by this process: equal tokens have equal fingerprints, and nobody gets from one to the other.
    static func fingerprint(_ token: String) -> String {
        var hasher = Hasher()
        hasher.combine(token)
        let value = UInt64(bitPattern: Int64(hasher.finalize()))
        let hex = String(value, radix: 16)
        return String(repeating: "0", count: 16 - hex.count) + hex
    }
}
