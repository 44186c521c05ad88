import Broker
import HTTPServer
import Rules
import Vault

extension AdminRoutes {
    func tenants(_ call: AdminRequest) throws(Problem) -> HTTPServer.Response? {
        guard call.parts[0] == "tenants" else { return nil }
        if call.matches("GET", "tenants") {
            let admin = try broker.admit(call.caller, .look, "tenant.list", anyTenant: true, call.request)
            let all = broker.vault.policy.tenants.values.map(\.tenant)
                .filter { admin.onlyTenant == nil || admin.onlyTenant == $0.id }
                .sorted { $0.slug.value < $1.slug.value }
            return Reply.json(["tenants": .list(all.map { Show.tenant($0) })], call.request)
        }
        if call.matches("POST", "tenants") {
            let admin = try broker.admit(call.caller, .operate, "tenant.add", call.request)
            let slug = try Names.slug(try call.body.text("slug"), "tenant")
            let name = try call.body.text("name")
            try call.body.end()
            return Reply.json(
                Show.tenant(try broker.addTenant(slug, title: name, admin), apps: 0), status: 201, call.request)
        }
        guard call.parts.count >= 2 else { return nil }
        let slug = try call.slug(1, "tenant")
        if call.matches("GET", "tenants/*") {
            let known = broker.vault.policy.tenant(slug)
            _ = try broker.admit(call.caller, .look, "tenant.show", tenant: known?.id, call.request)
            let tenant = try broker.tenant(slug)
            let apps = try broker.vault.apps(of: tenant.id).count
            return Reply.json(Show.tenant(tenant, apps: Int64(apps)), call.request)
        }
        for (verb, standing) in [("suspend", .suspended), ("resume", .active)] as [(String, Standing)]
        where call.matches("POST", "tenants/*/\(verb)") {
            let known = broker.vault.policy.tenant(slug)
            let admin = try broker.admit(call.caller, .operate, "tenant.\(verb)", tenant: known?.id, call.request)
            try call.body.end()
            try broker.setStanding(standing, ofTenant: try broker.tenant(slug), admin)
            return Reply.json(Show.tenant(try broker.tenant(slug)), call.request)
        }
        return nil
    }
}
