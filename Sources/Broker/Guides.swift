package import Platforms
package import Rules
package import Vault

extension Broker {
    /// The apps of an integration, at the operator's addresses; empty where there is no such profile.
    package func profiles(named name: String) -> [Profile] {
        Profile.parts(of: name).map { part in
            var part = part
            part.base = settings.profileURLs[name] ?? part.base
            return part
        }
    }

    /// The guide an app was added by. `unsupported` for a profile this release does not know.
    package func profile(of app: App) throws(Problem) -> Profile {
        guard let profile = profiles(named: app.profile).first(where: { $0.platform == app.key.platform }) else {
            throw Problem(.unsupported, "this release does not know the profile \(app.profile)")
        }
        return profile
    }

    /// What the app was added as part of; nil for an app of before there were integrations.
    package func integration(of app: App) throws(Problem) -> Integration? {
        try vault.integrations(of: app.tenant).first { $0.firstApp == app.id || $0.secondApp == app.id }
    }
}

extension Broker {
    /// What has to be entered at the platform's console for an app, with its own URLs.
    package func sheets(_ app: App) throws(Problem) -> [Sheet] {
        try profile(of: app).sheets(
            app: app.key.appID, redirects: app.redirectURIs, usesPKCE: app.fields[.pkce] == "on")
    }
}
