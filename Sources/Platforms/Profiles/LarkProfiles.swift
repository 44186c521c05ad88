import Rules

/// Lark's and Feishu's fields, as their consoles name them (platforms, 2.1 and 3.1).
extension Profile.Field {
    private static let credentials = "the developer console, Credentials & Basic Info"
    private static let strategy = "Events & Callbacks > Encryption Strategy"

    static func organizationName(required: Bool) -> Self {
        Self(
            .field(.workspaceName), "Organization name", required: required,
            find: "upper-right corner of the console, under your name", shape: .name,
            aliases: ["organization_name", "organisation_name"])
    }

    static let larkAppID = Self(.appID, "App ID", find: credentials, shape: .larkAppID)

    static let larkAppSecret = Self(.secret(.appSecret), "App Secret", find: credentials, shape: .larkSecret)

    static let encryptKey = Self(
        .secret(.encryptKey), "Encrypt Key", required: false, find: strategy, shape: .larkKey)

    static let larkVerificationToken = Self(
        .secret(.verificationToken), "Verification Token", required: false, find: strategy, shape: .larkKey)
}

extension Profile {
    /// Alibaba Cloud Enterprise Service in Lark: three credentials (platforms, 5.2).
    static let alibabaLark = alibaba(.lark, "Lark")

    /// Alibaba Cloud Enterprise Service in Feishu: the same at the other brand (platforms, 5.3).
    static let alibabaFeishu = alibaba(.feishu, "Feishu")

    private static func alibaba(_ platform: Platform, _ brand: String) -> Profile {
        let name = platform.rawValue
        return Profile(
            name: "alibaba-\(name)", platform: platform, title: "Alibaba Cloud Enterprise Service in \(brand)",
            fields: [
                .organizationName(required: true), .larkAppID, .larkAppSecret, .encryptKey, .larkVerificationToken,
            ],
            tenantScopes: [
                "application:application:self_manage", "cardkit:card:write", "im:message:send_as_bot",
                "tenant:tenant:readonly",
            ],
            redirects: [
                "{base}/\(name)/{app_id}", "{base}/\(name)/{app_id}/workbench",
                "{base}/thirdparty/\(name)/{app_id}/login", "{base}/thirdparty/\(name)/{app_id}/oauth2/callback",
                "{base}/\(name)/{app_id}/person/inviteToGroup",
            ],
            homepage: "{base}/\(name)/{app_id}/workbench", trustedDomain: "{base}", base: "https://ailink.gts.work",
            quota:
                "free \(brand): 10000 calls a month over all custom apps together; paid plans: unlimited; the service "
                + "sends one notification per user in ten minutes at most",
            traps: [
                "Scopes and features take effect only once a version with them is published.",
                "The H5 trusted domain and the homepage can be read through no API: look at them in the console.",
                "Verifying costs four calls of the monthly quota at most.",
            ],
            steps: [
                Step(
                    "create_app", "make a custom app, recommended name \"Alibaba Cloud Enterprise Service\"",
                    at: "the developer console > Create Custom App", seen: .checks(["app_credentials", "brand"])),
                Step("features", "add the features Web app and Bot", at: "Add Features", seen: .checks(["bot"])),
                Step(
                    "credentials", "store Organization name, App ID and App Secret (postern app add)",
                    at: "Credentials & Basic Info", seen: .stored([])),
                Step(
                    "homepage", "set the desktop homepage {base}/\(name)/{app_id}/workbench, New tab in \(brand)",
                    at: "Web app > Desktop homepage", seen: .checks(["homepage"])),
                Step(
                    "scopes", "import the four tenant scopes (postern app manifest)",
                    at: "Permissions & Scopes > Batch import", seen: .checks(["scopes"])),
                Step(
                    "redirect_urls", "register the five redirect URLs (postern app manifest)",
                    at: "Security Settings > Redirect URLs", seen: .checks(["redirect_urls"])),
                Step(
                    "trusted_domain", "add {base} as H5 trusted domain", at: "Security Settings > H5 Trusted Domains",
                    seen: .checks(["trusted_domain"])),
                Step(
                    "publish", "make a version, choose who may use it, publish it",
                    at: "Version Management & Release", seen: .checks(["app_enabled", "published"])),
                Step(
                    "network", "allow {base} where the company filters outgoing traffic", at: "the company's network",
                    seen: .byEye),
                Step(
                    "organization", "the app is of the organisation that was named", at: "\(brand)",
                    seen: .checks(["organization_name"])),
                Step("login", "open the app in the workbench and log in once", at: brand, seen: .checks(["login"])),
            ])
    }

    /// Any custom app at Lark.
    static let lark = plain(.lark, "Lark")

    /// Any custom app at Feishu.
    static let feishu = plain(.feishu, "Feishu")

    private static func plain(_ platform: Platform, _ brand: String) -> Profile {
        Profile(
            name: platform.rawValue, platform: platform, title: "Any \(brand) app",
            fields: [
                .organizationName(required: false), .larkAppID, .larkAppSecret, .encryptKey, .larkVerificationToken,
            ],
            quota: "free \(brand): 10000 calls a month over all custom apps together",
            traps: ["Scopes and features take effect only once a version with them is published."],
            steps: [
                Step(
                    "credentials", "store App ID and App Secret (postern app add)", at: "Credentials & Basic Info",
                    seen: .stored([])),
                Step(
                    "works", "the App Secret is the app's", at: "Credentials & Basic Info",
                    seen: .checks(["app_credentials"])),
                Step(
                    "redirect_urls", "register the app's redirect URLs (postern app show)",
                    at: "Security Settings > Redirect URLs", seen: .checks(["redirect_urls"])),
                Step(
                    "publish", "make a version and publish it", at: "Version Management & Release",
                    seen: .checks(["app_enabled", "published"])),
            ])
    }
}
