import Broker
import Rules
import Vault

/// Bodies of calls that both sockets take.
enum Ask {
    static func access(_ body: inout Body) throws(Problem) -> AccessRequest {
        guard let leg = Leg(rawValue: try body.text("as")), leg.isGrantable else {
            throw Problem(.badRequest, "as is bot, user, tenant or app")
        }
        var ask = AccessRequest(leg: leg)
        switch try body.optionalText("deliver") {
        case nil: ask.delivery = .gateway
        case let word?:
            guard let delivery = Lease.Delivery(rawValue: word) else {
                throw Problem(.badRequest, "deliver is gateway, tcp or token")
            }
            ask.delivery = delivery
        }
        ask.installation = try body.optionalInt("installation")
        ask.scope = try body.texts("scope")
        ask.methods = try body.texts("methods")
        ask.ttl = try interval(&body, "ttl")
        ask.minTTL = try interval(&body, "min_ttl")
        try body.end()
        return ask
    }

    /// Seconds as a number, within what an `Interval` holds.
    static func interval(_ body: inout Body, _ name: String) throws(Problem) -> Interval? {
        guard let seconds = try body.optionalInt(name) else { return nil }
        guard (1...315_360_000).contains(seconds) else { throw Problem(.badRequest, "\(name) is a number of seconds") }
        return Interval(seconds: seconds)
    }

    static func flow(_ body: inout Body) throws(Problem) -> FlowRequest {
        guard let purpose = Purpose(rawValue: try body.text("purpose")) else {
            throw Problem(.badRequest, "purpose is install, login or link")
        }
        var ask = FlowRequest(purpose: purpose)
        ask.redirectURI = try body.optionalText("redirect_uri")
        ask.scope = try body.texts("scope")
        ask.userScope = try body.texts("user_scope")
        ask.subject = try body.optionalText("subject")
        ask.returnTo = try body.optionalText("return_to")
        ask.browserBinding = try body.optionalText("browser_binding")
        try body.end()
        return ask
    }

    /// Public fields by name.
    static func fields(_ body: inout Body) throws(Problem) -> [PublicField: String] {
        var fields: [PublicField: String] = [:]
        for (name, value) in try body.textMembers("fields") {
            guard let field = PublicField(rawValue: name) else {
                throw Problem(
                    .badRequest, "there is no such public field",
                    advice: "one of " + PublicField.allCases.map(\.rawValue).joined(separator: ", "))
            }
            fields[field] = value
        }
        return fields
    }
}
