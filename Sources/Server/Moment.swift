import FoundationEssentials
import Linux

extension Clock {
    /// Milliseconds since 1970 of an RFC 3339 time, with or without a fraction; nil when it is none.
    static func milliseconds(of text: String) -> Int64? {
        let plain = Date.ISO8601FormatStyle()
        let date =
            (try? plain.parse(text)) ?? (try? Date.ISO8601FormatStyle(includingFractionalSeconds: true).parse(text))
        return date.map { Int64(($0.timeIntervalSince1970 * 1000).rounded()) }
    }
}
