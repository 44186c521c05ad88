package import Rules

/// What an integration's guide asks for at one platform, as data (platforms, section 5). A new integration is a new
/// value.
///
/// Most integrations have one app. `genesys-slack` has two: two profiles of one name, told apart by the platform.
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
        /// Other names it has in files made for the integration before, taken as they are written.
        package let aliases: [String]

        init(
            _ place: Place, _ label: String, required: Bool = true, find: String, shape: Shape, aliases: [String] = []
        ) {
            self.place = place
            self.label = label
            self.required = required
            self.find = find
            self.shape = shape
            self.aliases = aliases
        }

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

    /// Where the App ID comes from when an app is added.
    package enum AppIDSource: Sendable {
        /// The guide asks for it.
        case asked
        /// The guide does not ask: Slack is asked whose the bot token is (`bots.info`), else the person.
        case botToken
        /// It is the OAuth client's id (Genesys Cloud).
        case clientID
    }

    /// Such as `alibaba-slack`.
    package let name: String
    package let platform: Platform
    /// One line for a list of profiles.
    package let title: String
    package var appID: AppIDSource = .asked
    /// In the order of the guide.
    package let fields: [Field]
    /// Slack's bot scopes.
    package var botScopes: [String] = []
    package var userScopes: [String] = []
    /// Lark's and Feishu's tenant scopes.
    package var tenantScopes: [String] = []
    /// What the guide has registered, with `{base}` and `{app_id}` to be filled in; empty where it has none.
    package var redirects: [String] = []
    /// Where the platform sends events or notifications; nil where the guide has none.
    package var events: String?
    /// The events to subscribe to.
    package var eventTypes: [String] = []
    /// Lark's and Feishu's desktop homepage.
    package var homepage: String?
    /// Lark's and Feishu's H5 trusted domain.
    package var trustedDomain: String?
    /// Where the URLs above lead: the service's public address, unless the operator set another.
    package var base = ""
    /// How a Slack app made from the manifest looks.
    package var look: SlackLook?
    /// What the customer's plan allows, in a sentence; empty where nothing is known to be limited.
    package var quota = ""
    /// What goes wrong by this guide, in sentences for the person who follows it.
    package var traps: [String] = []
    /// What the guide has people do, in order, and how one sees that it was done.
    package var steps: [Step] = []

    /// Every profile of this release, in the order of the guides; `genesys-slack` has two entries.
    package static let all: [Profile] =
        [alibabaSlack, alibabaLark, alibabaFeishu, oviceSlack] + genesysSlack + [slack, lark, feishu, genesys]

    /// Every name once.
    package static let names: [String] = all.reduce(into: []) { names, profile in
        if names.last != profile.name { names.append(profile.name) }
    }

    /// The apps of the integration of this name, in the guide's order; empty where there is none.
    package static func parts(of name: String) -> [Profile] { all.filter { $0.name == name } }

    /// What the integration `name` has at `platform`; nil where there is no such thing.
    package static func named(_ name: String, on platform: Platform) -> Profile? {
        all.first { $0.name == name && $0.platform == platform }
    }

    /// Whether the profile's guide lists this kind of secret.
    package func asks(for kind: SecretKind) -> Bool { fields.contains { $0.place == .secret(kind) } }

    /// The redirect URLs the guide tells customers to register.
    package func redirectURLs(for app: AppID) -> [String] { redirects.map { filled($0, app) } }

    /// The URL the guide tells customers to enter for events; nil where the guide has none.
    package func eventURL(for app: AppID) -> String? { events.map { filled($0, app) } }

    /// Lark's and Feishu's desktop homepage; nil elsewhere.
    package func homepageURL(for app: AppID) -> String? { homepage.map { filled($0, app) } }

    /// The H5 trusted domain; nil elsewhere.
    package var trustedDomainURL: String? { trustedDomain?.replacing("{base}", with: base) }

    /// `text` with the service's address and the App ID in it.
    package func filled(_ text: String, _ app: AppID) -> String {
        text.replacing("{base}", with: base).replacing("{app_id}", with: app.value)
    }
}
