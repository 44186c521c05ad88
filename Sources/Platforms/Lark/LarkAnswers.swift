extension Lark {
    /// The object of an answer that says `code` 0, as a number or as a string (platforms, 2.3).
    func object(_ answer: PlatformAnswer) throws(PlatformFailure) -> JSONFields {
        guard let fields = JSONFields(answer.body) else { throw .unreadable(brand.title) }
        guard let code = fields.integer("code") ?? fields.string("code").flatMap({ Int64($0) }) else {
            throw .unexpected(brand.title, "it has no code")
        }
        guard code == 0 else { throw PlatformFailure(.bug, "unknown_code", "\(brand.title) refused") }
        return fields
    }

    /// The object below `data`.
    func data(_ answer: PlatformAnswer) throws(PlatformFailure) -> JSONFields {
        guard let data = try object(answer).object("data") else { throw .unexpected(brand.title, "it has no data") }
        return data
    }

    /// A user's pair from either generation's endpoint: the older ones have it below `data`.
    func pair(_ answer: PlatformAnswer) throws(PlatformFailure) -> TokenPair {
        let outer = try object(answer)
        let fields = outer.has("access_token") ? outer : outer.object("data") ?? outer
        guard let token = fields.word("access_token") else { throw .unexpected(brand.title, "it carries no token") }
        return TokenPair(
            token: token, refreshToken: fields.word("refresh_token"), scope: fields.scopes("scope"),
            expiresIn: try life(fields, "expires_in"),
            refreshExpiresIn: fields.integer("refresh_token_expires_in") ?? fields.integer("refresh_expires_in"))
    }

    /// Seconds, 1 to ten years.
    func life(_ fields: JSONFields, _ name: String) throws(PlatformFailure) -> Int64 {
        guard let seconds = fields.integer(name), (1...315_360_000).contains(seconds) else {
            throw .unexpected(brand.title, "the token's life is not a number of seconds")
        }
        return seconds
    }
}
