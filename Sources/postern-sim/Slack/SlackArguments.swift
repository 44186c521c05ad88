/// A Web API call's arguments, from query and from form or JSON body.
struct SlackArguments {
    private var values: [String: JSON] = [:]

    /// nil with the code Slack would give for a body that cannot be read.
    static func read(_ request: SimRequest) -> Result<SlackArguments, SlackRefusal> {
        var arguments = SlackArguments()
        for (name, value) in request.query { arguments.values[name] = .string(value) }
        guard !request.body.isEmpty else { return .success(arguments) }
        let type = (request.header("content-type") ?? "").lowercased()
        if type.hasPrefix("application/json") {
            guard case .object(let fields)? = JSON(bytes: request.body) else {
                return .failure(SlackRefusal("invalid_json"))
            }
            arguments.values.merge(fields) { _, body in body }
            // Slack reads a token in a JSON body from nowhere: it belongs into the header.
            arguments.values["token"] = nil
        } else if type.hasPrefix("application/x-www-form-urlencoded") {
            guard let text = String(validating: request.body, as: UTF8.self) else {
                return .failure(SlackRefusal("invalid_charset"))
            }
            for (name, value) in FormText.pairs(in: text) { arguments.values[name] = .string(value) }
        } else {
            return .failure(SlackRefusal(type.isEmpty ? "missing_post_type" : "invalid_post_type"))
        }
        return .success(arguments)
    }

    /// A scalar's text.
    subscript(name: String) -> String? { values[name]?.text }

    /// The value as it came.
    func value(_ name: String) -> JSON? { values[name] }

    func has(_ name: String) -> Bool {
        guard let value = values[name] else { return false }
        return value != .null && value != .string("")
    }

    /// Everything but tokens, for `api.test`.
    var shown: JSON { .object(values.filter { $0.key != "token" }) }
}
