import Broker
import HTTPServer
import Rules
import Vault

extension AdminRoutes {
    func services(_ call: AdminRequest) throws(Problem) -> HTTPServer.Response? {
        if call.matches("GET", "processes/*") {
            let admin = try broker.admit(call.caller, .policy, "service.propose", call.request)
            let pid = try AdminRequest.pid(call.parts[1])
            return Reply.json(Show.process(try broker.report(onProcess: pid, admin)), call.request)
        }
        guard call.parts[0] == "services" else { return nil }
        if call.matches("GET", "services") {
            _ = try broker.admit(call.caller, .look, "service.list", call.request)
            return Reply.json(["services": .list(broker.vault.policy.services.map { Show.service($0) })], call.request)
        }
        if call.matches("POST", "services") {
            let admin = try broker.admit(call.caller, .policy, "service.add", call.request)
            let name = try Names.slug(try call.body.text("name"), "service")
            var selectors: [Selector] = []
            for text in try call.body.texts("selectors") ?? [] {
                guard let selector = Selector(text) else {
                    throw Problem(
                        .badRequest, "a selector is not understood",
                        advice:
                            "user:NAME uid:N group:NAME gid:N unit:NAME.service cgroup:PATH-OR-CONTAINER exe:PATH sha256:HEX"
                    )
                }
                selectors.append(selector)
            }
            let caps = try caps(call)
            try call.body.end()
            let row = try broker.addService(name, selectors: selectors, caps: caps, admin)
            let shown = Show.service(row, advice: broker.advice(on: selectors))
            return Reply.json(shown, status: 201, call.request)
        }
        guard call.parts.count >= 2 else { return nil }
        let name = try call.slug(1, "service")
        if call.matches("GET", "services/*") {
            _ = try broker.admit(call.caller, .look, "service.show", call.request)
            let service = try broker.service(name)
            return Reply.json(Show.service(service, live: try broker.liveLeases(of: service)), call.request)
        }
        if call.matches("POST", "services/*/edit") {
            let admin = try broker.admit(call.caller, .policy, "service.edit", call.request)
            let caps = try caps(call)
            try call.body.end()
            return Reply.json(Show.service(try broker.editService(name, caps, admin)), call.request)
        }
        if call.matches("DELETE", "services/*") {
            let admin = try broker.admit(call.caller, .policy, "service.remove", call.request)
            let grants = try broker.removeService(name, admin)
            return Reply.json(["name": .text(name.value), "grants_removed": .int(Int64(grants))], call.request)
        }
        for (verb, standing) in [("suspend", .suspended), ("resume", .active)] as [(String, Standing)]
        where call.matches("POST", "services/*/\(verb)") {
            let admin = try broker.admit(call.caller, .operate, "service.\(verb)", call.request)
            try call.body.end()
            try broker.setStanding(standing, ofService: name, admin)
            return Reply.json(Show.service(try broker.service(name)), call.request)
        }
        return nil
    }

    private func caps(_ call: AdminRequest) throws(Problem) -> ServiceCaps {
        ServiceCaps(rate: try call.body.optionalInt("rate"), mostLeases: try call.body.optionalInt("max_leases"))
    }

    func grants(_ call: AdminRequest) throws(Problem) -> HTTPServer.Response? {
        guard call.parts[0] == "grants" else { return nil }
        let policy = broker.vault.policy
        let names = Dictionary(uniqueKeysWithValues: policy.services.map { ($0.id, $0.slug) })
        if call.matches("GET", "grants") {
            _ = try broker.admit(call.caller, .look, "grant.list", call.request)
            var rows = policy.grantRows
            if let name = call.query("service") {
                let service = try broker.service(try Names.slug(name, "service"))
                rows = rows.filter { $0.service == service.id }
            }
            return Reply.json(
                ["grants": .list(rows.map { Show.grant($0, service: names[$0.service]) })], call.request)
        }
        if call.matches("POST", "grants") {
            let admin = try broker.admit(call.caller, .policy, "grant.add", call.request)
            let name = try Names.slug(try call.body.text("service"), "service")
            guard let pattern = GrantPattern(try call.body.text("pattern")) else {
                throw Problem(
                    .badRequest, "a pattern is tenant/platform/app_id, with * only for a whole part",
                    advice: "for example acme/slack/A0123456789 or acme/slack/*")
            }
            var actions: [Action] = []
            for text in try call.body.texts("actions") ?? [] {
                guard let action = Action(text) else {
                    throw Problem(
                        .badRequest, "an action is not known",
                        advice: "one of " + Action.all.map(\.description).joined(separator: ", "))
                }
                actions.append(action)
            }
            let methods = try call.body.texts("methods") ?? []
            let scope = try call.body.texts("scope") ?? []
            let maxTTL = try Ask.interval(&call.body, "max_ttl_seconds") ?? Grant.defaultTTL
            let maxAge = try Ask.interval(&call.body, "max_age_seconds") ?? Grant.defaultMaxAge
            guard let binding = Grant.Binding(rawValue: try call.body.optionalText("bind") ?? "service") else {
                throw Problem(.badRequest, "bind is service or process")
            }
            try call.body.end()
            let row = try broker.addGrant(
                to: name, pattern: pattern, actions: actions, methods: methods, scope: scope, maxTTL: maxTTL,
                maxAge: maxAge, binding: binding, admin)
            return Reply.json(Show.grant(row, service: name), status: 201, call.request)
        }
        if call.matches("DELETE", "grants/*") {
            let admin = try broker.admit(call.caller, .policy, "grant.remove", call.request)
            let row = try broker.removeGrant(try Names.number(call.parts[1], "a grant's id"), admin)
            return Reply.json(Show.grant(row, service: names[row.service]), call.request)
        }
        return nil
    }

    func roles(_ call: AdminRequest) throws(Problem) -> HTTPServer.Response? {
        guard call.parts[0] == "roles" else { return nil }
        func show(_ role: RoleRow) -> JSONValue { Show.role(role, tenant: role.tenant.flatMap(broker.slug)) }
        if call.matches("GET", "roles") {
            _ = try broker.admit(call.caller, .look, "role.list", call.request)
            return Reply.json(["roles": .list(broker.vault.policy.roles.map(show))], call.request)
        }
        if call.matches("POST", "roles") {
            let admin = try broker.admit(call.caller, .policy, "role.add", call.request)
            guard let selector = Selector(try call.body.text("selector")) else {
                throw Problem(
                    .badRequest, "a selector is not understood", advice: "uid:N, user:NAME, gid:N, group:NAME")
            }
            guard let role = AdminRole(rawValue: try call.body.text("role")) else {
                throw Problem(.badRequest, "a role is admin, operator or auditor")
            }
            let tenant = try call.body.optionalText("tenant").map { text throws(Problem) in
                try broker.tenant(try Names.slug(text, "tenant"))
            }
            try call.body.end()
            return Reply.json(
                show(try broker.addRole(role, to: selector, tenant: tenant, admin)), status: 201, call.request)
        }
        if call.matches("DELETE", "roles/*") {
            let admin = try broker.admit(call.caller, .policy, "role.remove", call.request)
            return Reply.json(
                show(try broker.removeRole(try Names.number(call.parts[1], "a role's id"), admin)), call.request)
        }
        return nil
    }
}
