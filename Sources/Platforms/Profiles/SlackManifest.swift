package import Rules

/// A Slack app's manifest (platforms, 1.10 and 5.1): what it is made from, and what it is held against later.
package struct SlackManifest: Sendable, Equatable {
    package let tree: JSONTree

    /// A manifest as Slack exports it.
    package init(_ tree: JSONTree) { self.tree = tree }

    /// For an app of this profile. Without an App ID there are no URLs yet, and so no events: Slack checks the address
    /// the moment a manifest is saved, when nobody has the signing secret to answer with.
    package init(of profile: Profile, app: AppID?, redirects: [String], usesPKCE: Bool = false) {
        let look = profile.look
        let name = look?.name ?? "Postern"
        var tree: JSONTree = [
            "display_information": [
                "name": .text(name), "description": .text(look?.description ?? name),
                "background_color": .text(look?.color ?? "#2c2d30"),
            ],
            "oauth_config": ["scopes": ["bot": JSONTree(texts: profile.botScopes)]],
            "settings": [
                "org_deploy_enabled": false, "socket_mode_enabled": false, "token_rotation_enabled": false,
            ],
        ]
        if !profile.botScopes.isEmpty {
            tree["features", "bot_user"] = ["display_name": .text(look?.botName ?? name), "always_online": false]
        }
        // One-way at Slack (platforms, 1.2), so it is never asked to be off.
        if usesPKCE { tree["oauth_config", "pkce_enabled"] = true }
        if let look {
            tree["display_information", "long_description"] = .text(look.longDescription)
            tree["features", "app_home"] = [
                "home_tab_enabled": .bool(look.hasHome), "messages_tab_enabled": true,
                "messages_tab_read_only_enabled": .bool(look.messagesAreReadOnly),
            ]
            if look.hasIncomingWebhook { tree["settings", "incoming_webhooks", "incoming_webhooks_enabled"] = true }
        }
        if !profile.userScopes.isEmpty {
            tree["oauth_config", "scopes", "user"] = JSONTree(texts: profile.userScopes)
        }
        if !redirects.isEmpty { tree["oauth_config", "redirect_urls"] = JSONTree(texts: redirects) }
        if let app, let url = profile.eventURL(for: app) {
            tree["settings", "event_subscriptions", "request_url"] = .text(url)
            tree["settings", "event_subscriptions", "bot_events"] = JSONTree(texts: profile.eventTypes)
        }
        self.tree = tree
    }

    /// What is wrong with it by Slack's limits, in sentences; empty when nothing is.
    package var faults: [String] {
        var faults: [String] = []
        func length(_ value: JSONTree?, _ limits: ClosedRange<Int>, _ name: String) {
            guard let text = value?.string else { return }
            if !limits.contains(text.count) {
                faults.append("\(name) has \(text.count) characters, not \(limits.lowerBound) to \(limits.upperBound)")
            }
        }
        length(tree["display_information", "name"], 1...35, "name")
        length(tree["display_information", "description"], 1...140, "description")
        length(tree["display_information", "long_description"], 176...4000, "long_description")
        length(tree["display_information", "background_color"], 4...7, "background_color")
        length(tree["features", "bot_user", "display_name"], 1...80, "bot_user.display_name")
        length(tree["settings", "event_subscriptions", "request_url"], 1...3500, "request_url")
        func each(_ value: JSONTree?, atMost most: Int, longest: Int, _ name: String) {
            let texts = value?.texts ?? []
            if texts.count > most || texts.contains(where: { $0.count > longest }) {
                faults.append("\(name) has too many or too long entries")
            }
        }
        each(tree["oauth_config", "redirect_urls"], atMost: 1000, longest: 2500, "redirect_urls")
        for kind in ["bot", "user"] {
            each(tree["oauth_config", "scopes", kind], atMost: 255, longest: 50, "scopes.\(kind)")
        }
        each(tree["settings", "event_subscriptions", "bot_events"], atMost: 100, longest: 50, "bot_events")
        return faults
    }

    /// Opens Slack's page with this manifest filled in (platforms, 1.10).
    package var creationLink: String {
        "https://api.slack.com/apps?\(Form.encode([("new_app", "1"), ("manifest_json", tree.encoded())]))"
    }
}

extension SlackManifest {
    /// One thing an app's manifest lacks, or has differently.
    package struct Difference: Sendable, Equatable {
        /// Such as `oauth_config.redirect_urls`.
        package let path: String
        /// In a sentence, from our own manifest; what the other side has is shown made fit for it.
        package let change: String
    }

    /// This manifest with what `wanted` asks for, and what that changes. Everything else stays: what an update leaves
    /// away, Slack removes (platforms, 1.10).
    ///
    /// URLs of the guide that carry another app's id give way to this app's (platforms, 5.1, traps).
    package func bringing(_ wanted: SlackManifest, templates: [String]) -> (SlackManifest, [Difference]) {
        var tree = tree
        var differences: [Difference] = []
        func add(_ texts: [String], to path: (String, String, String?), dropping: (String) -> Bool = { _ in false }) {
            let names = [path.0, path.1, path.2].compactMap { $0 }
            func value() -> JSONTree? {
                path.2.map { tree[path.0, path.1, $0] } ?? tree[path.0, path.1]
            }
            let found = value()?.texts ?? []
            let dropped = found.filter { !texts.contains($0) && dropping($0) }
            let added = texts.filter { !found.contains($0) }
            guard !dropped.isEmpty || !added.isEmpty else { return }
            let merged = JSONTree(texts: found.filter { !dropped.contains($0) } + added)
            if let last = path.2 { tree[path.0, path.1, last] = merged } else { tree[path.0, path.1] = merged }
            let path = names.joined(separator: ".")
            differences += added.map { Difference(path: path, change: "add \($0)") }
            differences += dropped.map { Difference(path: path, change: "remove \(Label.shown($0)), another app's") }
        }
        let foreign: (String) -> Bool = { url in templates.contains { Self.matches(url, $0) } }
        add(
            wanted.tree["oauth_config", "redirect_urls"]?.texts ?? [], to: ("oauth_config", "redirect_urls", nil),
            dropping: foreign)
        add(wanted.tree["oauth_config", "scopes", "bot"]?.texts ?? [], to: ("oauth_config", "scopes", "bot"))
        add(wanted.tree["oauth_config", "scopes", "user"]?.texts ?? [], to: ("oauth_config", "scopes", "user"))
        if let url = wanted.tree["settings", "event_subscriptions", "request_url"]?.string {
            let found = tree["settings", "event_subscriptions", "request_url"]?.string
            if found != url {
                tree["settings", "event_subscriptions", "request_url"] = .text(url)
                let before = found.map { ", now \(Label.shown($0))" } ?? ""
                differences.append(
                    Difference(path: "settings.event_subscriptions.request_url", change: "set \(url)\(before)"))
            }
            add(
                wanted.tree["settings", "event_subscriptions", "bot_events"]?.texts ?? [],
                to: ("settings", "event_subscriptions", "bot_events"))
        }
        return (SlackManifest(tree), differences)
    }

    /// Whether `url` is `template` with some App ID in it.
    private static func matches(_ url: String, _ template: String) -> Bool {
        guard let hole = template.firstRange(of: "{app_id}") else { return url == template }
        let (head, tail) = (template[..<hole.lowerBound], template[hole.upperBound...])
        guard url.hasPrefix(head), url.hasSuffix(tail), url.utf8.count > head.utf8.count + tail.utf8.count else {
            return false
        }
        let id = url.dropFirst(head.count).dropLast(tail.count)
        return !id.contains("/")
    }
}
