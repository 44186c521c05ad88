package import Linux
package import Rules
package import Sealing

/// The root key as it comes from outside: 32 bytes, or 64 hex digits with or without a line end.
package enum RootKey {
    package static let bytes = 32

    /// Reads it from an open file straight into guarded memory. Throws `bad_request` for any other length.
    package static func read(_ file: borrowing FileDescriptor) throws(Problem) -> SecretBytes {
        var failure: Problem?
        let raw = SecretBytes(capacity: 128) { (room: inout MutableSpan<UInt8>) in
            var count = 0
            while count < room.count {
                do throws(SystemError) {
                    var rest = room._mutatingExtracting(count...)
                    let got = try file.read(into: &rest)
                    if got == 0 { break }
                    count += got
                } catch {
                    failure = error.problem(doing: "read the root key")
                    break
                }
            }
            return count
        }
        if let failure { throw failure }
        if raw.count == bytes { return SecretBytes(copying: raw.span) }
        var text = raw.span
        if text.count == 2 * bytes + 1, text[2 * bytes] == UInt8(ascii: "\n") { text = text.extracting(..<(2 * bytes)) }
        var decoded: Int?
        if text.count == 2 * bytes {
            let key = SecretBytes(count: bytes) { (room: inout MutableSpan<UInt8>) in
                decoded = Hex.decode(text, into: &room)
            }
            if decoded == bytes { return key }
        }
        throw Problem(
            .badRequest, "the root key is neither 32 bytes nor 64 hex digits", advice: "look at --root-key")
    }
}
