package import Rules

/// What crosses a stream between keeper and courier: a 32-bit big-endian length, that much JSON, a length again, that
/// much body. Both lengths are judged before memory is set aside.
package struct Frame: Sendable, Equatable {
    package static let maxHead = 64 * 1024
    package static let maxBody = 4 * 1024 * 1024

    package var head: [UInt8]
    package var body: [UInt8]

    /// A frame of these parts; `Stream.send` refuses what is over the caps.
    package init(head: [UInt8], body: [UInt8] = []) {
        self.head = head
        self.body = body
    }

    /// The bytes to send. Throws `.tooLarge` when head or body is over its limit.
    package func encoded() throws(Problem) -> [UInt8] {
        guard head.count <= Self.maxHead, body.count <= Self.maxBody else {
            throw Problem(.tooLarge, "The request is larger than an errand may be.")
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(8 + head.count + body.count)
        Self.append(head, to: &bytes)
        Self.append(body, to: &bytes)
        return bytes
    }

    /// Reads one frame through `take`, which returns exactly the number of bytes asked for or throws.
    package static func read(
        maxBody: Int = Frame.maxBody, take: (Int) throws(Problem) -> [UInt8]
    ) throws(Problem) -> Frame {
        let head = try part(limit: maxHead, take)
        let body = try part(limit: min(maxBody, Self.maxBody), take)
        return Frame(head: head, body: body)
    }

    private static func append(_ part: [UInt8], to bytes: inout [UInt8]) {
        let count = UInt32(part.count)
        bytes.append(contentsOf: [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: count >> $0) })
        bytes.append(contentsOf: part)
    }

    private static func part(limit: Int, _ take: (Int) throws(Problem) -> [UInt8]) throws(Problem) -> [UInt8] {
        var count = 0
        for byte in try take(4) { count = count << 8 | Int(byte) }
        guard count <= limit else { throw Problem(.tooLarge, "A frame announced more than its limit.") }
        return count == 0 ? [] : try take(count)
    }
}
