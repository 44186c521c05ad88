import Rules

extension Lark {
    /// The object of an answer that says `code` 0, as a number or as a string (platforms, 2.3). Every other answer is a
    /// failure by the table.
    func object(_ answer: PlatformAnswer) throws(PlatformFailure) -> JSONFields {
        if (300..<400).contains(answer.status) {
            throw PlatformFailure(
                .config, "redirected",
                "\(brand.title)'s address answered with a redirect; check the setting \(brand.rawValue).open")
        }
        guard let fields = JSONFields(answer.body) else { throw noObject(answer) }
        // The limit's own code, which an older call sends with HTTP 400; the header says how long to wait.
        let wait = answer.larkWait
        if let code = fields.code {
            if code == 0, answer.status < 400 { return fields }
            if code != 0 {
                throw LarkErrors.failure(
                    code, brand, said: fields.string("msg") ?? fields.string("error_description"),
                    status: answer.status, retryAfter: wait ?? (answer.status == 429 ? Self.shortWait : nil),
                    neededScope: fields.neededScope)
            }
        }
        if answer.status == 429 { throw LarkErrors.failure(99_991_400, brand, retryAfter: wait ?? Self.shortWait) }
        if answer.status >= 500 { throw noObject(answer) }
        // A token that came is kept, whatever else is missing.
        if answer.status < 300, fields.has("access_token"), !fields.has("code") { return fields }
        throw .unexpected(brand.title, "it says neither that it worked nor why not")
    }

    /// The object below `data`.
    func data(_ answer: PlatformAnswer) throws(PlatformFailure) -> JSONFields {
        guard let data = try object(answer).object("data") else { throw .unexpected(brand.title, "it has no data") }
        return data
    }

    /// Seconds to wait where the platform counts calls per second and does not say how long.
    private static let shortWait: Int64 = 5

    private func noObject(_ answer: PlatformAnswer) -> PlatformFailure {
        if answer.status == 429 {
            return LarkErrors.failure(99_991_400, brand, retryAfter: answer.larkWait ?? Self.shortWait)
        }
        if answer.status >= 500 {
            return PlatformFailure(
                .retry, "server_error", "\(brand.title) had an error", retryAfter: answer.larkWait)
        }
        if answer.body.count > JSONFields.longestBody {
            return PlatformFailure(
                .bug, "unexpected_answer", "\(brand.title)'s answer is larger than any it documents")
        }
        return .unreadable(brand.title)
    }

    /// A user's pair from either generation's endpoint: the older ones have it below `data`, under other names.
    ///
    /// A token that came is kept even if the rest is odd: the code or refresh token is spent.
    func pair(_ answer: PlatformAnswer, refreshing: Bool) throws(PlatformFailure) -> TokenPair {
        let outer = try object(answer)
        let fields = outer.has("access_token") ? outer : outer.object("data") ?? outer
        let pair = try fields.tokenPair(brand.title)
        let life = fields.integer("refresh_token_expires_in") ?? fields.integer("refresh_expires_in")
        let wanted = refreshing || pair.scope?.contains(Self.offlineScope) == true
        return TokenPair(
            token: pair.token, refreshToken: pair.refreshToken, scope: pair.scope, expiresIn: pair.expiresIn,
            refreshExpiresIn: pair.refreshToken == nil ? nil : life.flatMap { JSONFields.isLife($0) ? $0 : nil },
            oddities: pair.oddities + (pair.refreshToken == nil && wanted ? [.noRefreshToken] : []))
    }

    /// A machine token and how long it lives; nothing is lost by refusing an odd one, it can be asked for again.
    func machineToken(_ answer: PlatformAnswer, _ leg: Leg) throws(PlatformFailure) -> TokenPair {
        let fields = try object(answer)
        guard let token = fields.word("\(leg.rawValue)_access_token") else {
            throw .unexpected(brand.title, "there is no well-formed \(leg.rawValue) token in it")
        }
        guard let seconds = fields.integer("expire"), JSONFields.isLife(seconds) else {
            throw .unexpected(brand.title, "the token's life is not a number of seconds")
        }
        return TokenPair(token: token, expiresIn: seconds)
    }
}

extension JSONFields {
    /// The number 0 in Feishu's pages, the string "0" in Lark's (platforms, 2.3).
    fileprivate var code: Int64? { integer("code") ?? string("code").flatMap { Int64($0) } }

    /// What 99991672 and 99991679 say is missing: `error.permission_violations[].subject`, else in brackets in `msg`.
    fileprivate var neededScope: [String] {
        guard let code, code == 99_991_672 || code == 99_991_679 else { return [] }
        if let violations = object("error")?.objects("permission_violations"), !violations.isEmpty {
            return violations.prefix(50).compactMap { $0.string("subject") }.filter(Scopes.isScope)
        }
        guard let message = string("msg"), let from = message.firstIndex(of: "["),
            let to = message[from...].firstIndex(of: "]")
        else { return [] }
        return Scopes.split(String(message[message.index(after: from)..<to])).filter { $0.contains(":") }
    }
}

extension PlatformAnswer {
    /// `x-ogw-ratelimit-reset` in seconds (platforms, 2.9), else `Retry-After`; held to 1 … 3600.
    fileprivate var larkWait: Int64? {
        guard let text = header("x-ogw-ratelimit-reset"), let seconds = Int64(text) else { return retryAfter }
        return min(max(seconds, 1), 3600)
    }
}
