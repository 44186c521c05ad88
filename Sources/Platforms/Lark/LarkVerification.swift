package import Rules

/// Judges a Lark or Feishu app's submitted credentials by what the platform answered (platforms, 2.6, 5.2 and 5.3).
/// Pure.
package struct LarkVerification: Sendable {
    /// What a call gave, where it was made.
    package typealias Outcome<Value: Sendable> = Swift.Result<Value, PlatformFailure>

    let brand: Lark.Brand
    let profile: Profile
    let appID: AppID
    /// As submitted; nil where the profile does not ask for it.
    let organizationName: String?
    /// What must be registered on the app.
    let redirectURLs: [String]
    let hasEncryptKey: Bool
    let hasVerificationToken: Bool
    /// The machine token's call, or for a store app the ticket's; nil: no App Secret is stored.
    let credentials: Outcome<Void>?
    /// nil: not asked, for want of a token.
    package var organization: Outcome<LarkOrganization>?
    /// nil: not asked.
    package var application: Outcome<LarkApplication>?
    /// nil: not asked.
    package var scopes: Outcome<[LarkScope]>?
    /// activate_status; nil: not asked.
    package var bot: Outcome<Int64>?
    /// What `brandProbe` told at the other brand; nil: not asked, or it did not tell.
    package var otherBrandKnowsApp: Bool?

    /// The outcomes of calls that were made are set afterwards.
    package init(
        brand: Lark.Brand, profile: Profile, appID: AppID, organizationName: String?, redirectURLs: [String],
        hasEncryptKey: Bool = false, hasVerificationToken: Bool = false, credentials: Outcome<Void>?
    ) {
        self.brand = brand
        self.profile = profile
        self.appID = appID
        self.organizationName = organizationName
        self.redirectURLs = redirectURLs.reduce(into: []) { kept, url in
            if !kept.contains(url) { kept.append(url) }
        }
        self.hasEncryptKey = hasEncryptKey
        self.hasVerificationToken = hasVerificationToken
        self.credentials = credentials
    }

    /// Whether the platform accepts the App Secret for this App ID, which is all the proof there is that it is theirs.
    package var provesClaim: Bool {
        if case .success = credentials { return true }
        return false
    }

    /// The checks in the order of platforms 2.6 and 5.2.
    package var checks: [Check] {
        var list = [accepted, ofBrand]
        if provesClaim {
            if let organizationName { list.append(organization(submitted: organizationName)) }
            list += [enabled, published, redirects, granted, botEnabled]
        }
        if let homepage = profile.homepageURL(for: appID) {
            list.append(unseen("homepage", "the desktop homepage", "Web app > Desktop homepage is \(homepage)"))
        }
        if let domain = profile.trustedDomainURL {
            list.append(
                unseen("trusted_domain", "H5 trusted domains", "Security Settings > H5 Trusted Domains has \(domain)"))
        }
        if hasEncryptKey { list.append(arriving("encrypt_key", "an event that decrypts with it")) }
        if hasVerificationToken { list.append(arriving("verification_token", "an event that carries it")) }
        list.append(arriving("event_url", "the first good event, or the challenge when the URL is saved"))
        return list
    }

    private var title: String { brand.title }

    private var accepted: Check {
        switch credentials {
        case nil: Check("app_credentials", .pending, compared: "no App Secret is stored", advice: "store it")
        case .success: Check("app_credentials", .passed, compared: "\(title) accepts App ID and App Secret")
        case .failure(let failure):
            Check(
                "app_credentials", failure.isRejection ? .failed : .inconclusive,
                compared: "\(title) answers \(failure.code)", advice: failure.sentence)
        }
    }

    private var ofBrand: Check {
        switch (credentials, otherBrandKnowsApp) {
        case (.success, _): Check("brand", .passed, compared: "\(title) knows the app")
        case (_, true):
            Check(
                "brand", .failed, compared: "\(brand.other.title) knows this App ID, \(title) does not accept it",
                advice: "add the app under \(brand.other.rawValue): the two are separate clouds")
        case (.failure(let failure), false) where failure.isRejection:
            Check("brand", .inconclusive, compared: "\(brand.other.title) does not know this App ID either")
        default: Check("brand", .inconclusive, compared: "nobody knows before the App Secret is accepted")
        }
    }

    private func organization(submitted: String) -> Check {
        judge("organization_name", organization, asking: "the organisation's name") { found in
            let compared = "submitted “\(Label.shown(submitted))”, \(title) says “\(found.name)”"
            return Label.folded(found.name) == Label.folded(submitted)
                ? Check("organization_name", .passed, compared: compared)
                : Check(
                    "organization_name", .failed, compared: compared,
                    advice: "the organisation was renamed, or the app is another organisation's")
        }
    }

    private var enabled: Check {
        judge("app_enabled", application, asking: "the app's state") { app in
            guard app.appID == appID.value else {
                return Check(
                    "app_enabled", .failed, compared: "submitted \(appID.value), \(title) shows \(app.appID)",
                    advice: "App ID and App Secret are of two apps: copy both from one")
            }
            let states = ["stopped", "enabled", "not enabled", "unknown"]
            let known = states.indices.contains(Int(clamping: app.status))
            let state = known ? states[Int(app.status)] : "unknown"
            return app.status == 1
                ? Check("app_enabled", .passed, compared: "the app is enabled")
                : Check(
                    "app_enabled", state == "unknown" ? .inconclusive : .failed, compared: "the app is \(state)",
                    advice: state == "stopped"
                        ? "an administrator can enable it in the \(title) admin console"
                        : "make a version and publish it under Version Management & Release")
        }
    }

    private var published: Check {
        judge("published", application, asking: "the app's version") { app in
            app.onlineVersion != nil
                ? Check("published", .passed, compared: "a version is online")
                : Check(
                    "published", .failed, compared: "no version is online",
                    advice: "scopes, features and addresses count only once a version with them is published")
        }
    }

    private var redirects: Check {
        judge("redirect_urls", application, asking: "the redirect URLs") { app in
            guard !redirectURLs.isEmpty else {
                return Check("redirect_urls", .pending, compared: "no redirect URL is set for this app here")
            }
            let missing = redirectURLs.filter { !app.redirectURLs.contains($0) }
            guard missing.isEmpty else {
                return Check(
                    "redirect_urls", .failed, compared: "missing: \(missing.joined(separator: " "))",
                    advice: "add them under Security Settings > Redirect URLs, letter by letter")
            }
            return Check(
                "redirect_urls", .passed, compared: "all \(redirectURLs.count) that are needed are registered")
        }
    }

    private var granted: Check {
        judge("scopes", scopes, asking: "the scopes") { found in
            let held = { (wanted: [String], isUser: Bool) in
                wanted.filter { name in
                    !found.contains { $0.name == name && $0.isUser == isUser && $0.isGranted }
                }
            }
            let missing = held(profile.tenantScopes, false) + held(profile.userScopes, true)
            guard !profile.tenantScopes.isEmpty || !profile.userScopes.isEmpty else {
                return Check(
                    "scopes", .passed,
                    compared: "the profile asks for none; the app has \(found.count { $0.isGranted })")
            }
            let all = profile.tenantScopes + profile.userScopes
            return missing.isEmpty
                ? Check("scopes", .passed, compared: "the app has all of \(all.joined(separator: " "))")
                : Check(
                    "scopes", .failed, compared: "missing: \(missing.joined(separator: " "))",
                    advice: "enable them under Permissions & Scopes and publish a new version")
        }
    }

    private var botEnabled: Check {
        judge("bot", bot, asking: "the bot") { status in
            status == 2
                ? Check("bot", .passed, compared: "the feature Bot is enabled")
                : Check(
                    "bot", .failed, compared: "the feature Bot is not enabled (activate_status \(status), not 2)",
                    advice: "add it under Add Features, publish a version, and have it enabled")
        }
    }

    /// The check of a call's value, or what its absence means: a missing scope makes it no failure of the credentials.
    private func judge<Value>(
        _ name: String, _ outcome: Outcome<Value>?, asking what: String, _ decide: (Value) -> Check
    ) -> Check {
        switch outcome {
        case nil: return Check(name, .pending, compared: "\(what) was not asked for")
        case .success(let value): return decide(value)
        case .failure(let failure) where failure.code == "99991672":
            let needed = failure.neededScope.isEmpty ? "a scope" : failure.neededScope.joined(separator: " or ")
            return Check(
                name, .inconclusive, compared: "the call for \(what) needs \(needed), which the app lacks",
                advice: failure.sentence)
        case .failure(let failure):
            return Check(
                name, failure.isRejection ? .failed : .inconclusive,
                compared: "the call for \(what) answers \(failure.code)", advice: failure.sentence)
        }
    }

    /// What no call shows: a person has to look.
    private func unseen(_ name: String, _ what: String, _ place: String) -> Check {
        Check(
            name, .pending, compared: "\(what) cannot be read through any call of \(title)'s",
            advice: "look in the developer console that \(place)")
    }

    private func arriving(_ name: String, _ proof: String) -> Check {
        Check(name, .pending, compared: "no call of \(title)'s takes or shows it", advice: "it is proven by \(proof)")
    }
}

extension PlatformFailure {
    /// The platform has looked and said no; everything else is trouble on the way (platforms, 2.6).
    fileprivate var isRejection: Bool { verdict == .config || verdict == .reauth }
}
