/// Something odd about a value that was typed. Never a rejection: platforms change their formats.
package struct Remark: Sendable, Equatable {
    /// What a remark about a pasted value means to the caller.
    package enum Sort: String, Sendable {
        /// The value belongs into another field: asking again is better than going on.
        case misplaced
        /// Something around it was taken off.
        case trimmed
        /// It does not look like others of its kind.
        case unusual
    }

    package let key: String
    package let sort: Sort
    /// For the administrator; never contains a secret.
    package let sentence: String
}

extension Profile {
    /// Cleans `raw` for `field` and says what is odd about it. Only what is not the value itself is taken off:
    /// white space, and the rest of an address around a domain or a region.
    package static func read(_ raw: String, for field: Field) -> (value: String, remarks: [Remark]) {
        var remarks: [Remark] = []
        var value = trimmed(raw)
        if value != raw {
            let ending = raw.hasSuffix("\n") || raw.hasSuffix("\r\n") ? "a line end" : "white space"
            remarks.append(
                Remark(key: field.key, sort: .trimmed, sentence: "\(ending) around \(field.label) was removed"))
        }
        if let short = field.shape.essence(of: value), short != value {
            remarks.append(Remark(key: field.key, sort: .trimmed, sentence: "taken as \(short)"))
            value = short
        }
        if let other = field.shape.mistaken(for: value) {
            remarks.append(
                Remark(
                    key: field.key, sort: .misplaced,
                    sentence: "this looks like \(other), not like \(field.shape.article); check which one was copied"))
        } else if field.shape == .genesysRegion, !value.isEmpty, !field.shape.fits(value) {
            remarks.append(
                Remark(
                    key: field.key, sort: .misplaced,
                    sentence: "this is none of Genesys Cloud's regions; it is \(field.shape.example)"))
        } else if !field.shape.fits(value) {
            remarks.append(
                Remark(
                    key: field.key, sort: .unusual,
                    sentence: "\(field.label) usually looks like \(field.shape.example); it is kept as it is"))
        }
        return (value, remarks)
    }

    /// The labels of required fields that `values` lacks.
    package func missing(in values: [String: String]) -> [Field] {
        fields.filter { $0.required && trimmed(values[$0.key] ?? "").isEmpty }
    }

    private func trimmed(_ text: String) -> String { Self.trimmed(text) }

    private static func trimmed(_ text: String) -> String {
        var view = Substring(text)
        while let first = view.unicodeScalars.first, odd(first) { view.unicodeScalars.removeFirst() }
        while let last = view.unicodeScalars.last, odd(last) { view.unicodeScalars.removeLast() }
        return String(view)
    }

    /// White space, and the zero-width characters that come along when copying from a page.
    private static func odd(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.isWhitespace || scalar == "\u{200B}" || scalar == "\u{FEFF}"
    }
}

extension Shape {
    /// The domain or region out of a pasted address, and a list of ids without spaces; nil where the value is all there
    /// is.
    fileprivate func essence(of value: String) -> String? {
        switch self {
        case .slackDomain: value.contains(".") || value.contains("/") ? SlackDomain.label(in: value) : nil
        case .genesysRegion: GenesysRegions.known.domain(in: value)
        case .uuids:
            value.split(whereSeparator: { $0 == "," || $0 == ";" || $0.isWhitespace }).joined(separator: ",")
        default: nil
        }
    }
}
