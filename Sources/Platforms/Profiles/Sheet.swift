package import Rules

/// Something an administrator pastes or enters at a platform's console.
package struct Sheet: Sendable {
    /// What is on it.
    package enum Content: Sendable, Equatable {
        /// A document to paste as it is.
        case document(JSONTree)
        /// Entries, one each.
        case lines([String])
    }

    /// Stable, for scripts: `manifest`, `scopes`, `redirect_urls`, `trusted_domain`, `homepage`, `event_url`, `steps`.
    package let name: String
    /// Where in the console it goes.
    package let place: String
    package let content: Content

    init(_ name: String, at place: String, _ content: Content) {
        self.name = name
        self.place = place
        self.content = content
    }
}

extension Profile {
    /// What has to be entered for the app of this id with these redirect URLs; for an app that is not there yet without
    /// the URLs that carry its id.
    package func sheets(app: AppID?, redirects: [String], usesPKCE: Bool = false) -> [Sheet] {
        switch platform {
        case .slack: return slackSheets(app, redirects, usesPKCE)
        case .lark, .feishu: return larkSheets(app, redirects)
        case .genesys: return [steps(app)] + (redirects.isEmpty ? [] : [genesysRedirects(redirects)])
        }
    }

    private func slackSheets(_ app: AppID?, _ redirects: [String], _ usesPKCE: Bool) -> [Sheet] {
        let place =
            app == nil
            ? "https://api.slack.com/apps > Create New App > From a manifest > JSON"
            : "https://api.slack.com/apps > the app > App Manifest"
        return [
            Sheet(
                "manifest", at: place,
                .document(
                    SlackManifest(of: self, app: app, redirects: app == nil ? [] : redirects, usesPKCE: usesPKCE).tree))
        ]
    }

    private func larkSheets(_ app: AppID?, _ redirects: [String]) -> [Sheet] {
        var sheets: [Sheet] = []
        if !tenantScopes.isEmpty {
            sheets.append(
                Sheet(
                    "scopes", at: "Permissions & Scopes > Batch import/export scopes > Import", .document(scopeImport)))
        }
        guard let app else { return sheets }
        if !redirects.isEmpty {
            sheets.append(Sheet("redirect_urls", at: "Security Settings > Redirect URLs", .lines(redirects)))
        }
        if let trustedDomainURL {
            sheets.append(
                Sheet("trusted_domain", at: "Security Settings > H5 Trusted Domains", .lines([trustedDomainURL])))
        }
        if let url = homepageURL(for: app) {
            sheets.append(Sheet("homepage", at: "Add Features > Web app > Desktop homepage", .lines([url])))
        }
        return sheets
    }

    /// The document Lark's and Feishu's batch import takes (platforms, 5.2).
    package var scopeImport: JSONTree {
        ["scopes": ["tenant": JSONTree(texts: tenantScopes), "user": JSONTree(texts: userScopes)]]
    }

    private func genesysRedirects(_ redirects: [String]) -> Sheet {
        Sheet(
            "redirect_urls", at: "Genesys Cloud Admin > Integrations > OAuth > Authorized redirect URIs",
            .lines(redirects))
    }

    private func steps(_ app: AppID?) -> Sheet {
        Sheet(
            "steps", at: "Genesys Cloud Admin",
            .lines(
                steps.map { step in
                    "\(step.place): \(app.map { filled(step.title, $0) } ?? step.title)"
                }))
    }
}
