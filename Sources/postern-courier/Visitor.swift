/// Whose budget a request counts against.
final class Visitor: Sendable {
    /// The TCP peer's address as text; nil on a Unix socket.
    let peer: String?

    init(peer: String?) { self.peer = peer }

    /// The address to hold responsible. A proxy in front of us is on this machine; what it says last in
    /// `X-Forwarded-For` is what it saw itself, all before that the visitor may have made up. Anybody else's header is
    /// not read.
    func address(forwardedFor: String?) -> String {
        if let peer, !Self.isLoopback(peer) { return peer }
        let last = forwardedFor?.split(separator: ",").last.map { $0.filter { $0 != " " } } ?? ""
        return Self.isAddress(last) ? last : peer ?? "local"
    }

    /// An IPv4 address, or the /64 an IPv6 address is in: one subscriber has all of a /64.
    static func group(_ address: String) -> String {
        guard address.contains(":") else { return address }
        let halves = address.split(separator: ":", omittingEmptySubsequences: false)
        // With `::` the groups before it are all that is written of the front; the rest of the front is zero.
        var front: [Substring] = []
        for group in halves.prefix(4) {
            if group.isEmpty { break }
            front.append(group)
        }
        return front.joined(separator: ":").lowercased() + "::/64"
    }

    private static func isLoopback(_ address: String) -> Bool { address.hasPrefix("127.") || address == "::1" }

    private static func isAddress(_ text: String) -> Bool {
        (2...45).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
                    UInt8(ascii: "A")...UInt8(ascii: "F"), UInt8(ascii: ":"), UInt8(ascii: "."):
                    true
                default: false
                }
            }
    }
}
