package import Rules

/// What an integration's guide asks for, as data (platforms, section 5). A new integration is a new value.
package struct Profile: Sendable {
    /// One thing the administrator is asked for.
    package struct Field: Sendable {
        /// Where the value goes.
        package enum Place: Sendable, Equatable {
            case appID
            case field(PublicField)
            case secret(SecretKind)
        }

        package let place: Place
        /// As the guide calls it.
        package let label: String
        package let required: Bool
        /// Where in the platform's console it is found.
        package let find: String
        package let shape: Shape

        /// The key in `creds.json` and in the API.
        package var key: String {
            switch place {
            case .appID: "app_id"
            case .field(let field): field.rawValue
            case .secret(let kind): kind.rawValue
            }
        }

        /// Whether it must not be echoed, logged or given in argv.
        package var isSecret: Bool {
            if case .secret = place { return true }
            return false
        }
    }

    /// Such as `alibaba-slack`.
    package let name: String
    package let platform: Platform
    /// One line for a list of profiles.
    package let title: String
    /// In the order of the guide.
    package let fields: [Field]
    package let botScopes: [String]
    package let userScopes: [String]
    /// With `{app_id}` where the App ID goes; nil where the integration has none of its own.
    package let redirectURL: String?
    package let eventURL: String?

    /// Every profile of this release.
    package static let all: [Profile] = slackProfiles

    /// The profile of this name; nil where there is none.
    package static func named(_ name: String) -> Profile? { all.first { $0.name == name } }

    /// Whether the profile's guide lists this kind of secret.
    package func asks(for kind: SecretKind) -> Bool { fields.contains { $0.place == .secret(kind) } }

    /// The redirect URL the guide tells customers to register; nil where the guide has none.
    package func redirectURL(for app: AppID) -> String? {
        redirectURL?.replacing("{app_id}", with: app.value)
    }

    /// The URL the guide tells customers to enter for events; nil where the guide has none.
    package func eventURL(for app: AppID) -> String? { eventURL?.replacing("{app_id}", with: app.value) }
}

/// Something odd about a value that was typed. Never a rejection: platforms change their formats.
package struct Remark: Sendable, Equatable {
    /// What a remark about a pasted value means to the caller.
    package enum Sort: String, Sendable {
        /// The value belongs into another field: asking again is better than going on.
        case misplaced
        /// Spaces or line ends around it were taken off.
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
    /// Cleans `raw` for `field` and says what is odd about it. Only white space around it is ever changed.
    package static func read(_ raw: String, for field: Field) -> (value: String, remarks: [Remark]) {
        var remarks: [Remark] = []
        let value = trimmed(raw)
        if value != raw {
            let ending = raw.hasSuffix("\n") || raw.hasSuffix("\r\n") ? "a line end" : "white space"
            remarks.append(
                Remark(key: field.key, sort: .trimmed, sentence: "\(ending) around \(field.label) was removed"))
        }
        if let other = field.shape.mistaken(for: value) {
            remarks.append(
                Remark(
                    key: field.key, sort: .misplaced,
                    sentence: "this looks like \(other), not like \(field.shape.article); check which one was copied"))
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
