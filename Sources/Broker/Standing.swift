package import Rules
package import Vault

extension Broker {
    /// Suspends or resumes an app; suspending is in force before this returns.
    package func setStanding(_ standing: Standing, of app: App, _ call: AdminCall) throws(Problem) -> App {
        try change(
            call, "app.\(standing.verb)", isRevoking: standing == .suspended, tenant: slug(of: app.tenant)?.value,
            app: app.key
        ) { transaction, _ throws(Problem) in
            guard var row = try transaction.app(app.key) else { throw Problem(.notFound, "the app is gone") }
            row.state = standing
            try transaction.update(app: row, takesAway: standing == .suspended)
            return row
        }
    }
}
