import Broker
import HTTPServer
import Rules
import Vault

extension AdminRoutes {
    func leases(_ call: AdminRequest) throws(Problem) -> HTTPServer.Response? {
        guard call.parts[0] == "leases" else { return nil }
        if call.matches("GET", "leases") { return try list(call) }
        if call.matches("POST", "leases/revoke") { return try revoke(call) }
        guard call.parts.count == 2 else { return nil }
        let id = Names.lease(call.parts[1])
        let lease = try broker.vault.lease(id)
        let app = try lease.flatMap { lease throws(Problem) in try broker.vault.app(id: lease.app) }
        if call.matches("GET", "leases/*") {
            _ = try broker.admit(call.caller, .look, "lease.show", tenant: app?.tenant, call.request)
            guard let lease else { throw Problem(.notFound, "no such lease", advice: "list them: postern lease list") }
            let moment = broker.leaseMoment
            let policy = broker.vault.policy
            let service = policy.services.first { $0.id == lease.service }
            return Reply.json(
                Show.lease(
                    lease, try broker.vault.standing(of: lease, at: moment, in: policy), now: broker.vault.now,
                    service: service?.slug, app: app?.key), call.request)
        }
        if call.matches("DELETE", "leases/*") {
            let admin = try broker.admit(call.caller, .operate, "lease.revoke", tenant: app?.tenant, call.request)
            try broker.revokeLease(id, admin)
            return Reply.json(["lease_id": .text(id), "state": "revoked"], call.request)
        }
        return nil
    }

    /// A page of leases, the last to end first, and how many of that kind are live in all.
    private func list(_ call: AdminRequest) throws(Problem) -> HTTPServer.Response {
        let admin = try broker.admit(call.caller, .look, "lease.list", anyTenant: true, call.request)
        var filter = LeaseFilter()
        filter.service = try call.query("service").map { text throws(Problem) in
            try broker.service(try Names.slug(text, "service")).id
        }
        filter.app = try call.query("app").map { text throws(Problem) in
            try broker.app(try AdminRequest.app(text), seenBy: admin).id
        }
        filter.tenant = try call.query("tenant").map { text throws(Problem) in
            try broker.tenant(try Names.slug(text, "tenant")).id
        }
        if let only = admin.onlyTenant {
            guard filter.tenant == nil || filter.tenant == only else {
                throw Problem(.notFound, "there is no such tenant")
            }
            filter.tenant = only
        }
        filter.grant = try call.query("grant").map { text throws(Problem) in try Names.number(text, "grant") }
        filter.installation = try call.query("installation").map { text throws(Problem) in
            try Names.number(text, "installation")
        }
        if let text = call.query("state") {
            guard let state = LeaseStanding.State(rawValue: text) else {
                throw Problem(.badRequest, "state is live, ended or revoked")
            }
            filter.state = state
        }
        var limit = 1000
        if let text = call.query("limit") {
            guard let number = Int(text), (1...1000).contains(number) else {
                throw Problem(.badRequest, "limit is 1 to 1000")
            }
            limit = number
        }
        let after = try call.query("after").map { text throws(Problem) in
            guard let place = LeasePlace(text) else { throw Problem(.badRequest, "after is the next of a page before") }
            return place
        }
        let moment = broker.leaseMoment
        let now = broker.vault.now
        let names = Dictionary(uniqueKeysWithValues: broker.vault.policy.services.map { ($0.id, $0.slug) })
        let (page, next) = try broker.vault.leases(filter, after: after, limit: limit, at: moment)
        var apps: [Int64: AppKey] = [:]
        var shown: [JSONValue] = []
        for (lease, standing) in page {
            if apps[lease.app] == nil { apps[lease.app] = try broker.vault.app(id: lease.app)?.key }
            shown.append(Show.lease(lease, standing, now: now, service: names[lease.service], app: apps[lease.app]))
        }
        return Reply.json(
            [
                "leases": .list(shown), "live": .int(try broker.vault.liveLeases(filter, at: moment)),
                "next": .optional(next?.description),
            ], call.request)
    }

    /// Ends all leases of one service, app or tenant.
    private func revoke(_ call: AdminRequest) throws(Problem) -> HTTPServer.Response {
        let service = try call.body.optionalText("service")
        let app = try call.body.optionalText("app")
        let tenant = try call.body.optionalText("tenant")
        try call.body.end()
        let named = [service, app, tenant].compactMap(\.self)
        guard let name = named.first, named.count == 1 else {
            // Whoever may end no lease at all is not told more.
            _ = try broker.admit(call.caller, .operate, "lease.revoke", anyTenant: true, call.request)
            throw Problem(
                .badRequest, "name one service, app or tenant", advice: "each of them in a call of its own")
        }
        let ended: Int64
        if service != nil {
            let admin = try broker.admit(call.caller, .operate, "lease.revoke", call.request)
            ended = try broker.revokeLeases(of: try broker.service(try Names.slug(name, "service")), admin)
        } else if app != nil {
            let key = try AdminRequest.app(name)
            let owner = try broker.vault.app(key)?.tenant
            let admin = try broker.admit(call.caller, .operate, "lease.revoke", tenant: owner, call.request)
            ended = try broker.revokeLeases(of: try broker.app(key, seenBy: admin), admin)
        } else {
            let slug = try Names.slug(name, "tenant")
            let admin = try broker.admit(
                call.caller, .operate, "lease.revoke", tenant: broker.vault.policy.tenant(slug)?.id, call.request)
            ended = try broker.revokeLeases(of: try broker.tenant(slug), admin)
        }
        return Reply.json(["leases_revoked": .int(ended)], call.request)
    }
}
