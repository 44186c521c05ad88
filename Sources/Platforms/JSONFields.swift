import FoundationEssentials
import Sealing

/// A JSON object from outside, read field by field: what is absent, null or of another type is nil, and nothing is
/// built for fields nobody asks for.
struct JSONFields: Decodable {
    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    /// Longest answer that is read at all; Slack's OAuth and auth answers are below 4 KiB.
    static let longestBody = 1 << 20

    private let container: KeyedDecodingContainer<Key>

    init(from decoder: any Decoder) throws {
        container = try decoder.container(keyedBy: Key.self)
    }

    /// nil when `body` is not one JSON object of at most `longestBody` bytes.
    init?(_ body: [UInt8]) {
        guard body.count <= Self.longestBody, let read = try? JSONDecoder().decode(Self.self, from: Data(body)) else {
            return nil
        }
        self = read
    }

    /// nil when `text` is not one JSON object in UTF-8, of whatever length.
    init?(object text: Span<UInt8>) {
        guard Self.opensObject(text),
            let read = try? JSONDecoder().decode(Self.self, from: Data([UInt8](copying: text)))
        else { return nil }
        self = read
    }

    /// Whether the first byte that is no white space opens an object. Foundation would guess at UTF-16 too.
    static func opensObject(_ text: Span<UInt8>) -> Bool {
        for index in text.indices {
            switch text[index] {
            case 0x20, 0x09, 0x0A, 0x0D: continue
            default: return text[index] == UInt8(ascii: "{") && (index + 1 == text.count || text[index + 1] != 0)
            }
        }
        return false
    }

    func has(_ name: String) -> Bool { container.contains(Key(stringValue: name)) }

    // Asked whether it is there first: a missing member costs an error with a text of its own.
    func string(_ name: String) -> String? {
        has(name) ? try? container.decode(String.self, forKey: Key(stringValue: name)) : nil
    }

    func bool(_ name: String) -> Bool? { try? container.decode(Bool.self, forKey: Key(stringValue: name)) }

    func integer(_ name: String) -> Int64? { try? container.decode(Int64.self, forKey: Key(stringValue: name)) }

    func object(_ name: String) -> JSONFields? {
        has(name) ? try? container.decode(Self.self, forKey: Key(stringValue: name)) : nil
    }

    func objects(_ name: String) -> [JSONFields]? { try? container.decode([Self].self, forKey: Key(stringValue: name)) }

    /// The members that are words, as `word` has it, at most a thousand.
    func words(_ name: String, longest: Int) -> [String] {
        let all = (try? container.decode([String].self, forKey: Key(stringValue: name))) ?? []
        return all.prefix(1000).filter { text in
            (1...longest).contains(text.utf8.count) && text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
        }
    }

    /// The string, if it is 1 to `longest` bytes of visible ASCII: what identifiers, tokens and URLs are made of.
    func word(_ name: String, longest: Int = 4096) -> String? {
        guard let text = string(name), (1...longest).contains(text.utf8.count),
            text.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else { return nil }
        return text
    }

    /// The list, if every item of it is such a word.
    func words(_ name: String, longest: Int = 4096) -> [String]? {
        guard let list = try? container.decode([String].self, forKey: Key(stringValue: name)),
            list.allSatisfy({
                (1...longest).contains($0.utf8.count) && $0.utf8.allSatisfy { (0x21...0x7E).contains($0) }
            })
        else { return nil }
        return list
    }

    /// The string made fit to be shown: no control characters, at most 200 characters.
    func label(_ name: String) -> String? {
        guard let text = string(name), !text.isEmpty else { return nil }
        return Label.shown(text)
    }

    /// Scope names, comma-separated as Slack writes them; what is no scope name is left out.
    func scopes(_ name: String) -> [String] { string(name).map(Scopes.split) ?? [] }
}

extension JSONFields {
    /// Longest token that is kept; a longer one does not fit into the vault.
    static let longestToken = 65_536

    /// Whether `seconds` can be a token's life: up to ten years.
    static func isLife(_ seconds: Int64) -> Bool { (1...315_360_000).contains(seconds) }

    /// Milliseconds since 1970, up to the year 2286; nil for what is no moment. Whoever adds to a moment, or takes from
    /// it, cannot overflow.
    static func moment(milliseconds: Int64) -> Int64? {
        (0...10_000_000_000_000).contains(milliseconds) ? milliseconds : nil
    }

    /// The same out of seconds.
    static func moment(seconds: Int64) -> Int64? { (0...10_000_000_000).contains(seconds) ? seconds * 1000 : nil }

    /// A token with what came with it, as RFC 6749, section 5.1, names them. Odd neighbours do not cost the token.
    func tokenPair(_ platform: String) throws(PlatformFailure) -> TokenPair {
        guard let token = word("access_token", longest: Self.longestToken) else {
            throw .unexpected(platform, "there is no well-formed token in it")
        }
        let life = integer("expires_in").flatMap { Self.isLife($0) ? $0 : nil }
        return TokenPair(
            token: token, refreshToken: word("refresh_token", longest: Self.longestToken),
            scope: has("scope") ? scopes("scope") : nil, expiresIn: life ?? TokenPair.assumedLife,
            oddities: life == nil ? [.noLife] : [])
    }
}

/// Text from outside, made fit for a terminal, a page or a log line.
enum Label {
    /// The text, if it is a name or an id: 1 to 128 bytes of visible ASCII but the quotation mark and the backslash.
    static func name(_ text: String?) -> String? {
        guard let text, (1...128).contains(text.utf8.count),
            text.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != 0x22 && $0 != 0x5C })
        else { return nil }
        return text
    }

    static func shown(_ text: String) -> String {
        let clean = text.unicodeScalars.prefix(200).filter { scalar in
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: false
            default: true
            }
        }
        return String(String.UnicodeScalarView(clean))
    }

    /// Trimmed and case-folded; `==` on strings compares canonical equivalents, which is what NFC is for.
    static func folded(_ text: String) -> String {
        let scalars = text.unicodeScalars.drop { $0.properties.isWhitespace }
        var kept = String.UnicodeScalarView(scalars)
        while let last = kept.last, last.properties.isWhitespace { kept.removeLast() }
        // Upper case first, so that `ß` and `SS` meet.
        return String(kept).uppercased().lowercased()
    }

    /// A platform's message without what could be a credential: at most 100 characters, and no word longer than 24.
    static func words(_ text: String) -> String {
        let words = shown(text).split(separator: " ").map { $0.count > 24 ? "…" : String($0) }
        return String(words.joined(separator: " ").prefix(100))
    }
}

/// Lists of scope names.
enum Scopes {
    static func split(_ text: String) -> [String] {
        text.split(omittingEmptySubsequences: true, whereSeparator: { $0 == "," || $0 == " " }).prefix(255).map(
            String.init
        ).filter(isScope)
    }

    static func isScope(_ text: String) -> Bool {
        (1...100).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                default: [UInt8](":._-".utf8).contains(byte)
                }
            }
    }
}
