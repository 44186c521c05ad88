package import Rules
package import Vault

extension Broker {
    /// An admin ends a lease. `not_found` where there is none.
    package func revokeLease(_ id: String, _ call: AdminCall) throws(Problem) {
        try change(call, "lease.revoke", isRevoking: true, leaseID: id) { transaction, _ throws(Problem) in
            try transaction.tell(revoked: try transaction.revokeLease(id))
        }
    }

    /// Ends every lease of a service at once; it may ask for new ones. Returns how many were live.
    package func revokeLeases(of service: ServiceRow, _ call: AdminCall) throws(Problem) -> Int64 {
        var filter = LeaseFilter()
        filter.service = service.id
        return try revoke(filter, call, reason: "service \(service.slug)") { transaction throws(Problem) in
            try transaction.endLeases(of: .service(service.id))
            try transaction.tell(revokedAllOf: .service(service.id))
        }
    }

    /// Ends every lease on an app at once. Returns how many were live.
    package func revokeLeases(of app: App, _ call: AdminCall) throws(Problem) -> Int64 {
        var filter = LeaseFilter()
        filter.app = app.id
        return try revoke(filter, call, tenant: slug(of: app.tenant)?.value, app: app.key, reason: "app") {
            transaction throws(Problem) in
            try transaction.endLeases(of: .app(app.id))
            try transaction.tell(revokedAllOf: .app(app.id))
        }
    }

    /// Ends every lease on a tenant's apps, and on what it has installed of others' apps. Returns how many were live.
    package func revokeLeases(of tenant: Tenant, _ call: AdminCall) throws(Problem) -> Int64 {
        var filter = LeaseFilter()
        filter.tenant = tenant.id
        return try revoke(filter, call, tenant: tenant.slug.value, reason: "tenant \(tenant.slug)") {
            transaction throws(Problem) in
            try transaction.endLeases(ofTenant: tenant.id, isTold: true)
        }
    }

    private func revoke(
        _ filter: LeaseFilter, _ call: AdminCall, tenant: String? = nil, app: AppKey? = nil, reason: String,
        _ end: @escaping @Sendable (Transaction) throws(Problem) -> Void
    ) throws(Problem) -> Int64 {
        let live = try vault.liveLeases(filter, at: leaseMoment)
        return try change(
            call, "lease.revoke", isRevoking: true, tenant: tenant, app: app, reason: reason
        ) { transaction, entry throws(Problem) in
            try end(transaction)
            entry.count = live
            return live
        }
    }
}
