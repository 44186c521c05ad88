import Platforms
import Rules
import Vault

extension Broker {
    /// Asks who the person is, and lets go of the token (design, section 6).
    func identify(
        _ granted: Granted, _ flow: OAuthState, _ app: App, state: String, _ client: OAuthClient, by actor: Actor,
        _ request: RequestID
    ) throws(FlowFailure) -> FlowResult {
        guard let token = granted.user?.token else {
            throw FlowFailure(
                Problem(
                    .platformRefused, "the platform granted no user token", advice: "start the authorization again"))
        }
        var result = FlowResult(app.key.platform, flow.purpose, returnTo: flow.returnTo)
        let person: Person
        do throws(Problem) {
            person = try self.person(token, app, client)
            try check(granted.idToken, of: person, flow, app, state: state, client)
            discard(token, app, client)
            let entry = AuditEntry(
                "oauth.login", .allowed, by: actor, request: request, tenant: slug(of: app.tenant)?.value,
                app: app.key)
            let isLink = flow.purpose == .link
            try vault.change(always: { transaction throws(Problem) in
                try Self.proveExchange(flow.purpose, of: app, transaction)
                if !isLink { try transaction.record(entry) }
            })
        } catch { throw FlowFailure(error) }
        result.workspaceName = person.place?.name ?? granted.place?.name
        result.identity = FlowResult.Identity(person, granted.place)
        if flow.purpose == .link, flow.binding == .both {
            // Recorded when the service has said whose session it was (FlowOutcome).
            result.installation = try linkPlace(of: person, granted.place, app).id
        } else if flow.purpose == .link {
            let link = try link(person, granted.place, flow, app, by: actor, request)
            result.link = link.id
            result.installation = link.installation
        }
        return result
    }

    /// Refuses an ID token that is not for this client, this flow and this person, or is missing where one must come.
    private func check(
        _ idToken: String?, of person: Person, _ flow: OAuthState, _ app: App, state: String, _ client: OAuthClient
    ) throws(Problem) {
        let nonce = try nonce(flow, state, client)
        let dialect = try dialect(of: app)
        do throws(PlatformFailure) {
            try dialect.check(idToken: idToken, of: person, nonce: nonce, now: vault.now / 1000, client)
        } catch { throw error.problem }
    }

    /// Who a user token is; asked again while nobody answers, since asking changes nothing.
    func person(_ token: String, _ app: App, _ client: OAuthClient) throws(Problem) -> Person {
        let dialect = try dialect(of: app)
        return try askAgain(dialect.identity(token: token, client)) { answer throws(PlatformFailure) in
            try dialect.person(answer)
        }
    }

    /// Ends a token nobody keeps, where that ends nothing else; best effort, since it is forgotten here anyway.
    private func discard(_ token: String, _ app: App, _ client: OAuthClient) {
        guard let request = (try? dialect(of: app))?.discard(token: token, client) else { return }
        _ = attempt(request, timeoutSeconds: 5)
    }
}

extension FlowResult.Identity {
    init(_ person: Person, _ granted: Place?) {
        let place = person.place ?? granted
        self.init(
            userID: person.userID, place: place?.teamID ?? place?.enterpriseID ?? "", name: person.name,
            email: person.email, emailIsVerified: person.email != nil && person.isEmailVerified, verified: true)
    }
}
