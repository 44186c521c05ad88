import Broker
import HTTPServer
import Rules
import Sealing
import Vault

extension Reply {
    /// An answer that holds a secret, built and sent in guarded memory.
    ///
    /// The value lies at `value` in the slab; head and tail are ours and hold no secret. The slab is wiped and given
    /// back when the last byte has left or the connection has ended.
    static func secret(
        _ slab: Slab, value: Range<Int>, head: [String], tail: String, status: Int = 200, _ request: RequestID,
        of caller: Caller
    ) -> HTTPServer.Response {
        slab.reserve(SecretText.longestEscape(of: value.count) + 512)
        let start = slab.count
        for part in head { slab.append(part) }
        slab.appendEscaped(slab.span(value))
        slab.append(tail)
        let lent = unsafe HTTPServer.LentBytes(
            UnsafeRawBufferPointer(start: slab.base + start, count: slab.count - start))
        return HTTPServer.Response(
            status: status, headers: [json, noStore, .init("X-Request-Id", request.description)], body: .lent(lent),
            onSent: { caller.keep(slab) })
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
