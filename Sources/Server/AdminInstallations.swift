import Broker
import HTTPServer
import Rules
import Vault

extension AdminRoutes {
    func installations(_ call: AdminRequest) throws(Problem) -> HTTPServer.Response? {
        if call.matches("GET", "installations") { return try list(call) }
        if call.matches("GET", "installations/*") {
            let (row, app, _) = try installation(call, .look, "installation.show")
            return Reply.json(try show(row, app), call.request)
        }
        if call.matches("DELETE", "installations/*") {
            let (row, app, admin) = try installation(call, .operate, "installation.disconnect")
            try call.body.end()
            let done = try broker.disconnect(row.id, of: app, admin)
            return Reply.json(Show.disconnection(done, app.key, now: broker.vault.now), call.request)
        }
        if call.matches("GET", "installations/*/links") {
            let (row, _, _) = try installation(call, .look, "link.list")
            return Reply.json(["links": .list(try broker.vault.links(of: row.id).map(Show.link))], call.request)
        }
        if call.matches("DELETE", "installations/*/links/*") {
            let (row, app, admin) = try installation(call, .operate, "link.remove")
            try call.body.end()
            let id = try Names.number(call.parts[3], "link")
            guard let link = try broker.vault.link(id), link.installation == row.id else {
                throw Problem(.notFound, "there is no such link", advice: "see postern installation links \(row.id)")
            }
            try broker.unlink(link, of: app, admin)
            return Reply.json(Show.link(link), call.request)
        }
        if call.matches("GET", "revocations") { return try revocations(call) }
        return nil
    }

    private func list(_ call: AdminRequest) throws(Problem) -> HTTPServer.Response {
        let admin = try broker.admit(call.caller, .look, "installation.list", anyTenant: true, call.request)
        let app = try call.query("app").map { text throws(Problem) in
            try broker.app(try AdminRequest.app(text), seenBy: admin).id
        }
        let revocations = Dictionary(grouping: try broker.vault.revocations(of: app), by: \.installation)
        var shown: [JSONValue] = []
        for (row, legs) in try broker.vault.installations(of: app) {
            guard admin.onlyTenant == nil || admin.onlyTenant == row.tenant,
                let app = try broker.vault.app(id: row.app)
            else { continue }
            shown.append(
                Show.installation(
                    row, legs, app: app.key, tenant: broker.slug(of: row.tenant), now: broker.vault.now,
                    revocations: revocations[row.id] ?? []))
        }
        return Reply.json(["installations": .list(shown)], call.request)
    }

    /// The installation a call names; one of a tenant the admin may not see is not there.
    private func installation(
        _ call: AdminRequest, _ right: AdminRight, _ action: String
    ) throws(Problem) -> (Installation, App, AdminCall) {
        let id = try Names.number(call.parts[1], "installation")
        let row = try broker.vault.installation(id)
        let admin = try broker.admit(call.caller, right, action, tenant: row?.tenant, call.request)
        guard let row, let app = try broker.vault.app(id: row.app),
            admin.onlyTenant == nil || admin.onlyTenant == row.tenant
        else { throw Problem(.notFound, "there is no such installation", advice: "see postern installation list") }
        return (row, app, admin)
    }

    private func show(_ row: Installation, _ app: App) throws(Problem) -> JSONValue {
        let legs = try broker.vault.installations(of: app.id).first { $0.0.id == row.id }?.1 ?? []
        let revocations = try broker.vault.revocations(of: app.id).filter { $0.installation == row.id }
        let shown = Show.installation(
            row, legs, app: app.key, tenant: broker.slug(of: row.tenant), now: broker.vault.now,
            revocations: revocations)
        guard case .object(var members) = shown else { return shown }
        members["links"] = .list(try broker.vault.links(of: row.id).map(Show.link))
        return .object(members)
    }

    private func revocations(_ call: AdminRequest) throws(Problem) -> HTTPServer.Response {
        let admin = try broker.admit(call.caller, .look, "revocation.list", anyTenant: true, call.request)
        let app = try call.query("app").map { text throws(Problem) in
            try broker.app(try AdminRequest.app(text), seenBy: admin)
        }
        var shown: [JSONValue] = []
        for row in try broker.vault.revocations(of: app?.id)
        where admin.onlyTenant == nil || admin.onlyTenant == row.tenant {
            shown.append(
                Show.revocation(row, try broker.vault.app(id: row.app)?.key.platform, now: broker.vault.now))
        }
        return Reply.json(["revocations": .list(shown)], call.request)
    }
}
