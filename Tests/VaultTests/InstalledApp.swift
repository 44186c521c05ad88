import Rules

@testable import Vault

extension Transaction {
    /// The app `slack/A1` of the tenant `acme`, installed in one workspace, where it has no token yet.
    func addInstalledApp() throws(Problem) -> Installation {
        let tenant = try addTenant(slug("acme"), title: "")
        let app = try addApp(
            slack("A1"), tenant: tenant.id, profile: "slack", claim: .proven, fields: [:], redirectURIs: [])
        return try installation(
            app: app.id, tenant: tenant.id, enterpriseID: "", teamID: "T1", teamName: "", isEnterprise: false,
            userID: "", botUserID: "")
    }
}
