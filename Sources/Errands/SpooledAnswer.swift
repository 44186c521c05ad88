package import Rules

/// An answer that was put aside, as it is sealed: the keeper's ticket and the frame the keeper did not take.
package struct SpooledAnswer: Sendable {
    package let ticket: String
    package let reply: Frame

    /// Both as given.
    package init(ticket: String, frame: Frame) {
        self.ticket = ticket
        reply = frame
    }

    /// As a frame around the frame. `too_large` when it is over the caps.
    package func bytes() throws(Problem) -> [UInt8] {
        try Frame(head: Array(ticket.utf8), body: try reply.encoded()).encoded()
    }

    /// Reads what `bytes` made; `bad_request` or `too_large` for anything else.
    package init(_ bytes: [UInt8]) throws(Problem) {
        let outer = try Self.frame(bytes)
        ticket = String(decoding: outer.head, as: UTF8.self)
        reply = try Self.frame(outer.body)
    }

    private static func frame(_ bytes: [UInt8]) throws(Problem) -> Frame {
        var rest = bytes[...]
        return try Frame.read { count throws(Problem) in
            guard count <= rest.count else { throw Problem(.badRequest, "The answer that was put aside is cut short.") }
            defer { rest = rest.dropFirst(count) }
            return Array(rest.prefix(count))
        }
    }
}
