import Broker
import HTTPServer
import Linux
import Rules
import Sealing
import Vault

extension Reply {
    /// An answer that holds a secret, built and sent in guarded memory.
    ///
    /// The value lies at `value` in the slab; head and tail are ours and hold no secret. The slab is wiped and given
    /// back when the last byte has left or the connection has ended.
    static func secret(
        _ slab: Slab, value: Range<Int>, head: [String], tail: String, _ request: RequestID, of caller: Caller
    ) -> HTTPServer.Response {
        slab.reserve(SecretText.longestEscape(of: value.count) + 512)
        let start = slab.count
        for part in head { slab.append(part) }
        slab.appendEscaped(slab.span(value))
        slab.append(tail)
        return lent(slab, from: start, status: 200, request, of: caller)
    }

    /// Access as it was lent; the token or the bearer, where it has one, is all that the slab holds. Made in the slab
    /// member by member, since every call of a bridge may begin with it.
    static func access(
        _ answer: AccessAnswer, _ slab: Slab, _ request: RequestID, of caller: Caller
    ) -> HTTPServer.Response {
        let lease = answer.lease
        let value = 0..<slab.count
        slab.reserve(SecretText.longestEscape(of: value.count) + 1024)
        let start = slab.count
        slab.append(#"{"schema":1,"access_token":"#)
        if value.isEmpty {
            slab.append("null")
        } else {
            slab.append(byte: UInt8(ascii: "\""))
            slab.appendEscaped(slab.span(value))
            slab.append(byte: UInt8(ascii: "\""))
        }
        slab.add("token_type", "Bearer")
        slab.add("lease_id", lease.id)
        slab.add("deliver", lease.delivery.rawValue)
        slab.add("expires_in", max(0, answer.expiresIn / 1000))
        slab.add("expires_at", Clock.text(ofMilliseconds: lease.expiresAt))
        slab.add("token_expires_at", answer.tokenExpiresAt.map(Clock.text(ofMilliseconds:)))
        slab.add("scope", lease.scope.joined(separator: " "))
        slab.add("methods", lease.methods)
        slab.add("gateway", answer.gateway)
        slab.add("api_base", answer.apiBase)
        slab.append(byte: UInt8(ascii: "}"))
        return lent(slab, from: start, status: 201, request, of: caller)
    }

    /// Sends the slab's bytes from `start` on from where they are.
    static func lent(
        _ slab: Slab, from start: Int, status: Int, _ request: RequestID, of caller: Caller
    ) -> HTTPServer.Response {
        let lent = unsafe HTTPServer.LentBytes(
            UnsafeRawBufferPointer(start: slab.base + start, count: slab.count - start))
        return HTTPServer.Response(
            status: status, headers: [json, noStore, .init("X-Request-Id", request.description)], body: .lent(lent),
            onSent: { caller.keep(slab) })
    }
}

/// Members of an object, each behind another one. Text is of ours and no secret.
extension Slab {
    func add(_ name: StaticString, _ text: String?) {
        begin(name)
        if let text { quote(text) } else { append("null") }
    }

    func add(_ name: StaticString, _ number: Int64) {
        begin(name)
        append(String(number))
    }

    func add(_ name: StaticString, _ texts: [String]) {
        begin(name)
        append(byte: UInt8(ascii: "["))
        for (index, text) in texts.enumerated() {
            if index > 0 { append(byte: UInt8(ascii: ",")) }
            quote(text)
        }
        append(byte: UInt8(ascii: "]"))
    }

    private func begin(_ name: StaticString) {
        append(",\"")
        append(name.description)
        append("\":")
    }

    private func quote(_ text: String) {
        append(byte: UInt8(ascii: "\""))
        appendEscaped(text)
        append(byte: UInt8(ascii: "\""))
    }
}

extension SecretAnswer {
    /// The JSON before and after the value; platform, App ID and kind need no escaping by their types.
    func json() -> (head: [String], tail: String) {
        (
            [
                "{\"schema\":1,\"platform\":\"", key.platform.rawValue, "\",\"app_id\":\"", key.appID.value,
                "\",\"kind\":\"", kind.rawValue, "\",\"version\":", String(version), ",\"state\":\"",
                state.rawValue, "\",\"value\":\"",
            ], "\"}"
        )
    }
}
