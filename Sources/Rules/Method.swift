/// The names platform API calls are known by in grants and leases: `chat.postMessage` at Slack, verb and path such as
/// `POST im/v1/messages` elsewhere.
///
/// In a grant or lease `*` alone is every method, and `*` in place of the verb or of one segment of the path is any one
/// of those: `GET im/v1/messages/*` covers `GET im/v1/messages/om_1` and nothing deeper.
package enum Method {
    /// Whether one of `patterns` covers `method`, which may be a pattern itself: then all it covers is covered.
    package static func isCovered(_ method: String, by patterns: [String]) -> Bool {
        patterns.contains { $0 == "*" || $0 == method || covers(parts($0), parts(method)) }
    }

    /// The method with `*` in place of what looks like an id, since platforms limit calls per method, whatever they are
    /// about: `PATCH im/v1/messages/om_1` is `PATCH im/v1/messages/*`. A segment is a name where it has letters, `_`, `-`
    /// and `.` alone, or is a version such as `v1`.
    package static func withoutIDs(_ method: String) -> String {
        let parts = parts(method)
        guard parts.count > 1 else { return method }
        return parts[0] + " " + parts.dropFirst().map { isName($0) ? $0 : "*" }.joined(separator: "/")
    }

    private static func isName(_ segment: Substring) -> Bool {
        func isLetter(_ byte: UInt8) -> Bool { (0x41...0x5A).contains(byte & 0xDF) }
        if segment.utf8.first == UInt8(ascii: "v"), segment.utf8.dropFirst().allSatisfy({ (0x30...0x39).contains($0) })
        {
            return true
        }
        return segment.utf8.allSatisfy { isLetter($0) || "_-.".utf8.contains($0) }
    }

    /// Whether `text` can stand in a grant: a word, or a verb, a space and a path.
    package static func isWellFormed(_ text: String) -> Bool {
        guard (1...200).contains(text.utf8.count), text.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) else {
            return false
        }
        let words = text.split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 2 else { return words.count == 1 }
        return words[1].split(separator: "/", omittingEmptySubsequences: false).count > 1
            && (words[0] == "*" || words[0].utf8.allSatisfy { (0x41...0x5A).contains($0) })
            && words.allSatisfy { !$0.isEmpty }
    }

    private static func parts(_ text: String) -> [Substring] {
        let words = text.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
        guard words.count == 2 else { return words }
        return [words[0]] + words[1].split(separator: "/", omittingEmptySubsequences: false)
    }

    private static func covers(_ pattern: [Substring], _ method: [Substring]) -> Bool {
        pattern.count > 1 && pattern.count == method.count
            && zip(pattern, method).allSatisfy { $0 == $1 || $0 == "*" }
    }
}
