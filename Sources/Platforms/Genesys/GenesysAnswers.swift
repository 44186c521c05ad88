import Rules

/// Whose token it is: the answer of `tokens/me` (platforms, 4.6).
package struct GenesysTokenInfo: Sendable, Equatable {
    package let organizationID: String
    package let organizationName: String?
    /// nil where the answer names no client.
    package let clientID: String?
    package let clientName: String?
    /// Such as `CLIENT-CREDENTIALS` or `CODE`, with a hyphen.
    package let grantType: String?
    /// `active`, `disabled` or `inactive`.
    package let state: String?

    /// The fields of a good answer.
    package init(
        organizationID: String, organizationName: String?, clientID: String?, clientName: String? = nil,
        grantType: String? = nil, state: String? = nil
    ) {
        self.organizationID = organizationID
        self.organizationName = organizationName
        self.clientID = clientID
        self.clientName = clientName
        self.grantType = grantType
        self.state = state
    }
}

/// An open messaging integration: what is public of it. Its signature secret, which the API may return, is never read.
package struct GenesysIntegration: Sendable, Equatable {
    package let id: String
    package let name: String?
    /// Where Genesys Cloud sends what agents write.
    package let webhookURL: String?

    /// The fields of one entity.
    package init(id: String, name: String?, webhookURL: String?) {
        self.id = id
        self.name = name
        self.webhookURL = webhookURL
    }
}

extension PlatformAnswer {
    /// What Genesys Cloud says against the call: the body first, then the status (platforms, 4.3). nil for a good answer.
    var genesysFailure: PlatformFailure? {
        let wait = genesysWait
        if status == 429 { return GenesysErrors.byStatus(429, wait ?? 60) }
        if (300..<400).contains(status) {
            return PlatformFailure(
                .config, "redirected",
                "Genesys Cloud's address answered with a redirect; check the settings genesys.login and genesys.api")
        }
        let object = JSONFields(body)
        if let code = object?.string("error"), status >= 400 || object?.has("access_token") != true {
            let description = object?.string("description") ?? object?.string("error_description")
            return GenesysErrors.oauth(code, description: description, status: status, wait: wait)
        }
        guard status >= 400 else { return nil }
        if let code = object?.string("code") { return GenesysErrors.call(code, status: status, wait: wait) }
        return GenesysErrors.byStatus(status, wait)
    }

    /// The object of an answer that reports success.
    private func genesysObject() throws(PlatformFailure) -> JSONFields {
        if let failure = genesysFailure { throw failure }
        guard let object = JSONFields(body) else {
            if body.count > JSONFields.longestBody {
                throw .unexpected("Genesys Cloud", "it is larger than any it documents")
            }
            throw .unreadable("Genesys Cloud")
        }
        return object
    }

    /// `Retry-After`, else `inin-ratelimit-reset`, in seconds (platforms, 4.9), held to 1 … 3600.
    private var genesysWait: Int64? {
        if let retryAfter { return retryAfter }
        guard let text = header("inin-ratelimit-reset"), let seconds = Int64(text) else { return nil }
        return min(max(seconds, 1), 3600)
    }

    /// Reads the token endpoint's answer.
    ///
    /// An answer with a token in it is kept whatever else is odd: the platform may have spent the refresh token for it.
    package func genesysToken() throws(PlatformFailure) -> TokenPair {
        try genesysObject().tokenPair("Genesys Cloud")
    }

    /// Reads `tokens/me`.
    package func genesysTokenInfo() throws(PlatformFailure) -> GenesysTokenInfo {
        let object = try genesysObject()
        guard let organization = object.object("organization"), let id = organization.word("id", longest: 64) else {
            throw .unexpected("Genesys Cloud", "tokens/me names no organisation")
        }
        let client = object.object("OAuthClient")
        return GenesysTokenInfo(
            organizationID: id, organizationName: organization.label("name"),
            clientID: client?.word("id", longest: 128), clientName: client?.label("name"),
            grantType: client?.word("authorizedGrantType", longest: 64), state: client?.word("state", longest: 64))
    }

    /// Reads `users/me`: who a user token is.
    package func genesysPerson() throws(PlatformFailure) -> Person {
        let object = try genesysObject()
        guard let id = object.word("id", longest: 64) else {
            throw .unexpected("Genesys Cloud", "users/me names no user")
        }
        let organization = object.object("organization")
        let place = organization?.word("id", longest: 64).map { Place(teamID: $0, name: organization?.label("name")) }
        // Set by an administrator of the organisation; nothing says that the person has proven it.
        return Person(
            userID: id, name: object.label("name"), email: object.word("email", longest: 320), isEmailVerified: false,
            place: place)
    }

    /// Reads one page of open messaging integrations, and how many pages there are.
    package func genesysIntegrations() throws(PlatformFailure) -> (found: [GenesysIntegration], pages: Int) {
        let object = try genesysObject()
        guard let entities = object.objects("entities") else {
            throw .unexpected("Genesys Cloud", "the list of integrations has no entities")
        }
        let found = entities.compactMap { fields in
            fields.word("id", longest: 64).map {
                GenesysIntegration(
                    id: $0, name: fields.label("name"),
                    webhookURL: fields.word("outboundNotificationWebhookUrl", longest: 2048))
            }
        }
        return (found, Int(min(max(object.integer("pageCount") ?? 1, 1), 50)))
    }
}
