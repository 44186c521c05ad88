/// The header fields of a webhook that any platform signs with or by, as they were received.
package struct WebhookHeaders: Sendable {
    /// The fields looked at (platforms, 1.8, 2.8, 4.8).
    enum Name: String, CaseIterable {
        case slackSignature = "x-slack-signature"
        case slackTimestamp = "x-slack-request-timestamp"
        case larkSignature = "x-lark-signature"
        case larkTimestamp = "x-lark-request-timestamp"
        case larkNonce = "x-lark-request-nonce"
        case genesysSignature = "x-hub-signature-256"
    }

    private var values: [(name: Name, value: String)] = []

    /// All fields in their order, duplicates included; those no platform signs with are left out.
    package init(_ fields: [(name: String, value: String)]) {
        values.reserveCapacity(4)
        for field in fields where field.name.utf8.count >= 13 && (field.name.utf8.first ?? 0) | 0x20 == 0x78 {
            guard let name = Name(rawValue: field.name.lowercased()) else { continue }
            values.append((name, field.value))
        }
    }

    /// Whether there is a field of that name.
    func has(_ name: Name) -> Bool { values.contains { $0.name == name } }

    /// The one value. Two fields of a name are refused even where they are equal: which of them counts would be a
    /// matter of taste, and another reader's taste may be another.
    func only(_ name: Name) throws(WebhookFlaw) -> String {
        var found: String?
        for field in values where field.name == name {
            guard found == nil else { throw .duplicateHeader }
            found = field.value
        }
        guard let found, !found.isEmpty else { throw .missingHeader }
        return found
    }
}
