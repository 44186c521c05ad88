import Errands
import Linux
import Platforms
package import Rules
package import Vault

extension Broker {
    /// A person consented to be linked: recorded under the installation of the place they are of.
    ///
    /// Somebody of another place is told so, and nothing is recorded.
    func link(
        _ person: Person, _ granted: Place?, _ flow: OAuthState, _ app: App, by actor: Actor, _ request: RequestID
    ) throws(FlowFailure) -> Link {
        let place = try linkPlace(of: person, granted, app)
        let entry = AuditEntry(
            "link.add", .allowed, by: actor, request: request, tenant: slug(of: app.tenant)?.value, app: app.key,
            reason: Link.How.consent.rawValue)
        let creator = actor.name ?? actor.kind.rawValue
        let email = person.isEmailVerified ? person.email : nil
        do throws(Problem) {
            return try vault.change(always: { transaction throws(Problem) in
                guard let place = try transaction.installation(place.id), place.state == .active else {
                    throw Problem(.notFound, "the installation has just ended")
                }
                let link = try transaction.addLink(
                    of: place, subject: flow.subject ?? "", userID: person.userID, email: email, how: .consent,
                    by: creator)
                try transaction.record(entry)
                return link
            })
        } catch { throw FlowFailure(error) }
    }

    /// The installation under which a person can be linked.
    func linkPlace(of person: Person, _ granted: Place?, _ app: App) throws(FlowFailure) -> Installation {
        let place: Installation?
        do throws(Problem) { place = try home(of: person, granted, app) } catch { throw FlowFailure(error) }
        guard let place else {
            throw FlowFailure(
                .wrongAccount,
                Problem(
                    .platformRefused, "the person is of a place where the app is not installed",
                    advice: "sign in with an account of the workspace or organisation the app is connected to"))
        }
        return place
    }

    /// The installation of the place a person is of; nil where the app is not installed there.
    private func home(of person: Person, _ granted: Place?, _ app: App) throws(Problem) -> Installation? {
        let place = Place(
            enterpriseID: person.place?.enterpriseID ?? granted?.enterpriseID,
            teamID: person.place?.teamID ?? granted?.teamID, name: nil)
        return try vault.installations(of: app.id).map(\.0).first { row in
            row.state == .active && row.userID.isEmpty && row.holds(place)
        }
    }

    /// A service links a person by an address the platform itself vouches for; asks the platform with the app's own
    /// token. Needs `oauth:finish`.
    package func link(
        email: String, subject: String, of id: Int64, _ key: AppKey, for caller: Caller, _ request: RequestID
    ) throws(Problem) -> Link {
        let (allowed, place) = try place(id, .finishOAuth, key, caller, request, "link.add")
        var entry = AuditEntry(
            "link.add", .allowed, by: allowed.identity.actor, request: request, tenant: allowed.tenant.slug.value,
            app: key, reason: "intent")
        // What follows waits for a platform and hands out nothing secret.
        gate.leave(caller)
        do throws(Problem) {
            guard (1...256).contains(subject.utf8.count), !subject.utf8.contains(where: { $0 < 0x20 }) else {
                throw Problem(.badRequest, "subject is 1 to 256 characters without control characters")
            }
            guard (3...320).contains(email.utf8.count), email.utf8.filter({ $0 == 0x40 }).count == 1,
                email.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F })
            else { throw Problem(.badRequest, "this is not an e-mail address") }
            _ = try vault.record(entry)
            guard let person = try find(email, place, allowed.app, request), let found = person.email,
                person.isEmailVerified, found.lowercased() == email.lowercased()
            else { throw Problem(.notFound, "nobody at the platform has this address, confirmed") }
            guard let home = person.place, place.holds(home) else {
                throw Problem(.notFound, "the person with this address is of another workspace or organisation")
            }
            entry.reason = Link.How.email.rawValue
            let record = entry
            let outcome = try vault.change(decidedUnder: allowed.epoch) { transaction throws(Problem) in
                guard let place = try transaction.installation(id), place.state == .active else {
                    throw Problem(.notFound, "the installation has just ended")
                }
                let link = try transaction.addLink(
                    of: place, subject: subject, userID: person.userID, email: found, how: .email,
                    by: allowed.service.slug.value)
                try transaction.record(record)
                return link
            }
            guard case .done(let link) = outcome else {
                throw Problem(.conflict, "who may do what has just changed", advice: "ask again")
            }
            return link
        } catch { throw error.code == .auditUnavailable ? error : fail(error, entry) }
    }

    /// Who is linked under an installation; needs `installation:read`.
    package func links(
        of id: Int64, _ key: AppKey, for caller: Caller, _ request: RequestID
    ) throws(Problem) -> [Link] {
        while true {
            let (allowed, _) = try place(id, .readInstallation, key, caller, request, "link.list")
            let found = try vault.links(of: id)
            let entry = AuditEntry(
                "link.list", .allowed, by: allowed.identity.actor, request: request,
                tenant: allowed.tenant.slug.value, app: key)
            if try vault.record(entry, decidedUnder: allowed.epoch) { return found }
        }
    }

    /// A service undoes one person's link; needs `oauth:finish`, as making it did.
    package func unlink(
        _ link: Int64, of id: Int64, _ key: AppKey, for caller: Caller, _ request: RequestID
    ) throws(Problem) {
        while true {
            let (allowed, _) = try place(id, .finishOAuth, key, caller, request, "link.remove")
            let entry = AuditEntry(
                "link.remove", .allowed, by: allowed.identity.actor, request: request,
                tenant: allowed.tenant.slug.value, app: key)
            gate.leave(caller)
            do throws(Problem) {
                guard try vault.link(link)?.installation == id else {
                    throw Problem(.notFound, "there is no such link")
                }
                let outcome = try vault.change(decidedUnder: allowed.epoch, isRevoking: true) {
                    transaction throws(Problem) in
                    _ = try transaction.removeLink(link)
                    try transaction.record(entry)
                }
                guard case .done = outcome else { continue }
                return drain()
            } catch { throw error.code == .auditUnavailable ? error : fail(error, entry) }
        }
    }

    /// An admin undoes one person's link.
    package func unlink(_ link: Link, of app: App, _ call: AdminCall) throws(Problem) {
        try change(call, "link.remove", isRevoking: true, tenant: slug(of: app.tenant)?.value, app: app.key) {
            transaction, _ throws(Problem) in
            _ = try transaction.removeLink(link.id)
        }
    }

    /// An installation of an app the caller may do `action` with; one of another app is none.
    private func place(
        _ id: Int64, _ action: Action, _ key: AppKey, _ caller: Caller, _ request: RequestID, _ name: String
    ) throws(Problem) -> (Allowed, Installation) {
        let policy = gate.enter(caller, vault)
        try requireSound()
        switch try decide(action, on: key, for: caller, policy) {
        case .failure(let denial): throw refuse(denial, name, caller.identity(in: policy), request, app: key)
        case .success(let allowed):
            guard let place = try vault.installation(id), place.app == allowed.app.id, place.state == .active else {
                throw Problem(.notFound, "the app has no such installation", advice: "see GET …/installations")
            }
            return (allowed, place)
        }
    }

    private func find(
        _ email: String, _ place: Installation, _ app: App, _ request: RequestID
    ) throws(Problem) -> Person? {
        let dialect = try dialect(of: app)
        let client = try client(of: app, .address)
        guard dialect.lookUp(email: email, token: "", client) != nil else {
            throw Problem(
                .unsupported, "an e-mail address proves nobody at \(app.key.platform.rawValue): an admin sets it",
                advice: "link by consent: POST …/oauth/authorize with purpose link")
        }
        let token = try token(TokenWant(.bot, of: app, at: place, for: request)).text
        guard let errand = dialect.lookUp(email: email, token: token, client) else { return nil }
        return try askAgain(errand) { answer throws(PlatformFailure) in try dialect.lookedUp(answer) }
    }
}

extension Installation {
    fileprivate func holds(_ place: Place) -> Bool {
        place.isWithin(team: teamID, enterprise: enterpriseID, isEnterprise: isEnterprise)
    }
}
