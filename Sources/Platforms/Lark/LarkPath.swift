/// The path of an API call below `/open-apis/`, looked at once: what is decided about is what is sent.
struct LarkPath: Sendable, Equatable {
    /// Such as `im/v1/messages`.
    let text: String

    /// nil for whatever could mean another path to somebody: empty segments, dots, percent signs, anything but letters,
    /// digits, `_`, `-` and `.`.
    init?(_ path: some StringProtocol) {
        var parts = String(path).split(separator: "/", omittingEmptySubsequences: false).map { String($0) }
        if parts.first == "open-apis" { parts.removeFirst() }
        guard path.utf8.count <= 512, parts.count > 1, parts.allSatisfy(Self.isSegment) else { return nil }
        text = parts.joined(separator: "/")
    }

    private static func isSegment(_ part: String) -> Bool {
        !part.isEmpty && part != "." && part != ".."
            && part.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                default: [UInt8]("_-.".utf8).contains(byte)
                }
            }
    }
}
