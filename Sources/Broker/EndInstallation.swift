import Linux
import Platforms
package import Rules
package import Vault

/// What a disconnection left to be done at the platform.
package struct Disconnection: Sendable {
    package let installation: Installation
    /// Empty where there was nothing the platform had to hear of.
    package let revocations: [Revocation]
}

extension Broker {
    /// An admin ends an installation: here at once, at the platform as soon as it answers.
    package func disconnect(_ id: Int64, of app: App, _ call: AdminCall) throws(Problem) -> Disconnection {
        let queue = try endings(of: app)
        try requireInstallation(id, of: app)
        let rows = try change(
            call, "installation.disconnect", isRevoking: true, tenant: slug(of: app.tenant)?.value, app: app.key
        ) { transaction, _ throws(Problem) in
            try queue.add(try transaction.end(installation: id), transaction)
        }
        workRevocations()
        return try disconnection(id, rows)
    }

    /// A service ends an installation; needs `installation:disconnect`.
    package func disconnect(
        _ id: Int64, of key: AppKey, for caller: Caller, _ request: RequestID
    ) throws(Problem) -> Disconnection {
        while true {
            let policy = gate.enter(caller, vault)
            let allowed = try admit(
                .disconnectInstallation, on: key, for: caller, policy, "installation.disconnect", request)
            let entry = AuditEntry(
                "installation.disconnect", .allowed, by: allowed.identity.actor, request: request,
                tenant: allowed.tenant.slug.value, app: key)
            // Nothing secret is handed out, and what has ended must not wait for its own answer.
            gate.leave(caller)
            do throws(Problem) {
                let queue = try endings(of: allowed.app)
                try requireInstallation(id, of: allowed.app)
                let outcome = try vault.change(decidedUnder: allowed.epoch, isRevoking: true) {
                    transaction throws(Problem) in
                    let rows = try queue.add(try transaction.end(installation: id), transaction)
                    try transaction.record(entry)
                    return rows
                }
                guard case .done(let rows) = outcome else { continue }
                drain()
                workRevocations()
                return try disconnection(id, rows)
            } catch { throw error.code == .auditUnavailable ? error : fail(error, entry) }
        }
    }

    /// An admin removes an app with everything but its log; `uninstalls` also takes it out of the workspaces where the
    /// platform has a call for that.
    package func remove(_ app: App, uninstalls: Bool, _ call: AdminCall) throws(Problem) -> [Revocation] {
        let queue = try endings(of: app, uninstalls: uninstalls)
        let rows = try change(
            call, "app.remove", isRevoking: true, tenant: slug(of: app.tenant)?.value, app: app.key,
            reason: uninstalls ? "uninstall" : nil
        ) { transaction, _ throws(Problem) in
            guard let row = try transaction.app(app.key), row.id == app.id else {
                throw Problem(.notFound, "the app is gone")
            }
            return try queue.add(try transaction.remove(app: row), transaction)
        }
        workRevocations()
        return rows
    }

    /// How what ends of this app is told to its platform.
    func endings(of app: App, uninstalls: Bool = false) throws(Problem) -> EndingQueue {
        EndingQueue(
            app, try client(of: app, uninstalls ? .secret : .address), try dialect(of: app), uninstalls: uninstalls)
    }

    private func requireInstallation(_ id: Int64, of app: App) throws(Problem) {
        guard try vault.installation(id)?.app == app.id else {
            throw Problem(.notFound, "the app has no such installation", advice: "see GET …/installations")
        }
    }

    private func disconnection(_ id: Int64, _ rows: [Revocation]) throws(Problem) -> Disconnection {
        guard let row = try vault.installation(id) else { throw Problem(.notFound, "the installation is gone") }
        return Disconnection(installation: row, revocations: rows)
    }
}
