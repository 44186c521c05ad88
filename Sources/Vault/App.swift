import FoundationEssentials
package import Rules
import SQLite

/// An app of a tenant at a platform.
package struct App: Row, Sendable {
    /// Whether the tenant has shown that the App ID is theirs (design, section 4).
    package enum Claim: String, Sendable {
        /// The platform itself has said so of this tenant's credentials. This is final.
        case proven
        /// An event that names it fitted the signing secret. Whoever gave the secret may have signed the event, so
        /// this gives way to what a platform says.
        case event
        case unproven
    }

    static let name = TableName.apps

    package let id: Int64
    package internal(set) var key: AppKey
    package let tenant: Int64
    /// The integration profile it was added with, such as `alibaba-slack`.
    package let profile: String
    package var state: Standing
    package var claim: Claim
    /// As stored: most requests never look at them, so they are read when asked for.
    private var fieldsText: String
    private var redirectText: String
    package let createdAt: Int64

    package var fields: [PublicField: String] {
        get {
            var fields: [PublicField: String] = [:]
            for (name, value) in JSONText.dictionary(fieldsText) ?? [:] {
                if let field = PublicField(rawValue: name) { fields[field] = value }
            }
            return fields
        }
        set {
            fieldsText = JSONText.text(Dictionary(uniqueKeysWithValues: newValue.map { ($0.key.rawValue, $0.value) }))
        }
    }

    package var redirectURIs: [String] {
        get { JSONText.list(redirectText) ?? [] }
        set { redirectText = JSONText.text(newValue) }
    }

    init(
        id: Int64, key: AppKey, tenant: Int64, profile: String, claim: Claim, fields: [PublicField: String],
        redirectURIs: [String], createdAt: Int64
    ) {
        self.id = id
        self.key = key
        self.tenant = tenant
        self.profile = profile
        state = .active
        self.claim = claim
        fieldsText = "{}"
        redirectText = "[]"
        self.createdAt = createdAt
        self.fields = fields
        self.redirectURIs = redirectURIs
    }

    init(_ row: borrowing Statement, from first: Int32) throws(Problem) {
        guard let platform = Platform(rawValue: row.text(first + 1)), let appID = AppID(row.text(first + 2)),
            let state = Standing(rawValue: row.text(first + 5)), let claim = Claim(rawValue: row.text(first + 6))
        else { throw Self.name.unreadable }
        id = row.integer(first)
        key = AppKey(platform, appID)
        tenant = row.integer(first + 3)
        profile = row.text(first + 4)
        self.state = state
        self.claim = claim
        fieldsText = row.text(first + 7)
        redirectText = row.text(first + 8)
        createdAt = row.integer(first + 9)
    }

    var values: [Value] {
        [
            .int(id), .text(key.platform.rawValue), .text(key.appID.value), .int(tenant), .text(profile),
            .text(state.rawValue), .text(claim.rawValue), .text(fieldsText), .text(redirectText), .int(createdAt),
        ]
    }
}

/// Lists and dictionaries of text in one column, with sorted keys so that the same value is the same bytes.
enum JSONText {
    static func text(_ words: [String: String]) -> String { text(encoding: words) }

    private static func text(encoding value: some Encodable) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(value) else { return "null" }
        return String(decoding: data, as: UTF8.self)
    }

    /// What the encoder makes of a list of plain words, without it: a lease has two of them.
    static func text(_ words: [String]) -> String {
        let isPlain = words.allSatisfy {
            $0.utf8.allSatisfy { (0x20...0x7E).contains($0) && $0 != 0x22 && $0 != 0x5C }
        }
        guard isPlain else { return text(encoding: words) }
        return words.isEmpty ? "[]" : "[\"" + words.joined(separator: "\",\"") + "\"]"
    }

    static func list(_ text: String) -> [String]? {
        text == "[]" ? [] : try? JSONDecoder().decode([String].self, from: Data(text.utf8))
    }

    static func dictionary(_ text: String) -> [String: String]? {
        text == "{}" ? [:] : try? JSONDecoder().decode([String: String].self, from: Data(text.utf8))
    }
}
