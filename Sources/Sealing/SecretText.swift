/// Text that is secret: looked at and escaped byte by byte, never through a `String`.
package enum SecretText {
    /// Why bytes cannot be a secret's value (design, section 4).
    package enum Flaw: Error, Hashable, Sendable {
        case notUTF8
        case containsNUL
    }

    /// Throws unless the bytes are UTF-8 without NUL.
    package static func check(_ bytes: Span<UInt8>) throws(Flaw) {
        for index in bytes.indices where bytes[index] == 0 { throw .containsNUL }
        guard isUTF8(bytes) else { throw .notUTF8 }
    }

    /// Whether the bytes are well-formed UTF-8, without making a String of them.
    package static func isUTF8(_ bytes: Span<UInt8>) -> Bool {
        (try? UTF8Span(validating: bytes)) != nil
    }

    /// The longest that `count` bytes can become: `\u00XX` for each.
    package static func longestEscape(of count: Int) -> Int { count * 6 }

    /// Escapes valid UTF-8 for the inside of a JSON string (RFC 8259, section 7): the quotation mark, the reverse
    /// solidus and the control characters. Returns the number of bytes written, nil when `room` is too small.
    package static func escapeJSON(_ text: Span<UInt8>, into room: inout MutableSpan<UInt8>) -> Int? {
        var end = 0
        for index in text.indices {
            let byte = text[index]
            let short = shortEscape(of: byte)
            if short == 0 && byte >= 0x20 {
                guard end < room.count else { return nil }
                room[end] = byte
                end += 1
            } else if short != 0 {
                guard end + 2 <= room.count else { return nil }
                room[end] = UInt8(ascii: "\\")
                room[end + 1] = short
                end += 2
            } else {
                guard end + 6 <= room.count else { return nil }
                room[end] = UInt8(ascii: "\\")
                room[end + 1] = UInt8(ascii: "u")
                room[end + 2] = UInt8(ascii: "0")
                room[end + 3] = UInt8(ascii: "0")
                room[end + 4] = UInt8(ascii: "0") + byte >> 4
                let low = byte & 15
                room[end + 5] = low < 10 ? UInt8(ascii: "0") + low : UInt8(ascii: "a") + low - 10
                end += 6
            }
        }
        return end
    }

    /// The same of text that is no secret, as bytes of its own.
    package static func escapedJSON(_ text: Span<UInt8>) -> [UInt8] {
        var room = [UInt8](repeating: 0, count: longestEscape(of: text.count))
        var span = room.mutableSpan
        guard let used = escapeJSON(text, into: &span) else { preconditionFailure("an escape longer than the longest") }
        return Array(room.prefix(used))
    }

    /// The letter behind the reverse solidus, or 0.
    private static func shortEscape(of byte: UInt8) -> UInt8 {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): byte
        case 8: UInt8(ascii: "b")
        case 9: UInt8(ascii: "t")
        case 10: UInt8(ascii: "n")
        case 12: UInt8(ascii: "f")
        case 13: UInt8(ascii: "r")
        default: 0
        }
    }
}

extension Slab {
    /// Appends valid UTF-8 as the inside of a JSON string.
    package func appendEscaped(_ text: Span<UInt8>) {
        append(upTo: SecretText.longestEscape(of: text.count)) { room in
            guard let used = SecretText.escapeJSON(text, into: &room) else {
                preconditionFailure("an escape longer than the longest")
            }
            return used
        }
    }

    /// Appends text of our own as the inside of a JSON string.
    package func appendEscaped(_ text: String) { appendEscaped(text.utf8.span) }
}
