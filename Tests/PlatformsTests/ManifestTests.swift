import Platforms
import Rules
import Testing

@Suite struct `A Slack manifest` {
    private static func profile(_ name: String) throws -> Profile { try #require(Profile.named(name, on: .slack)) }
    private static let app = AppID("A0FAKE0001")

    private static func manifest(_ name: String) throws -> SlackManifest {
        let profile = try profile(name)
        let app = try #require(app)
        return SlackManifest(of: profile, app: app, redirects: profile.redirectURLs(for: app))
    }

    @Test func `of alibaba-slack has the guide's values and this app's own URLs`() throws {
        let tree = try Self.manifest("alibaba-slack").tree
        #expect(tree["display_information", "name"]?.string == "Alibaba Cloud Enterprise Support")
        #expect(tree["display_information", "background_color"]?.string == "#f72f02")
        #expect(try #require(tree["display_information", "long_description"]?.string).count >= 176)
        #expect(tree["features", "app_home", "messages_tab_read_only_enabled"] == true)
        #expect(tree["features", "app_home", "home_tab_enabled"] == true)
        #expect(tree["oauth_config", "scopes", "bot"]?.texts == ["chat:write", "users:read", "im:write", "im:history"])
        #expect(tree["oauth_config", "scopes", "user"]?.texts == ["identity.basic", "identity.team"])
        let base = "https://ailink.gts.work/thirdparty/slack/A0FAKE0001"
        #expect(tree["oauth_config", "redirect_urls"]?.texts == ["\(base)/oauth2/callback"])
        #expect(tree["settings", "event_subscriptions", "request_url"]?.string == "\(base)/events")
        #expect(tree["settings", "event_subscriptions", "bot_events"]?.texts == ["app_home_opened", "message.im"])
        #expect(tree["settings", "token_rotation_enabled"] == false && tree["settings", "socket_mode_enabled"] == false)
    }

    @Test(arguments: ["alibaba-slack", "ovice-slack", "genesys-slack", "slack"])
    func `of every profile keeps Slack's limits`(_ name: String) throws {
        #expect(try Self.manifest(name).faults == [])
        #expect(SlackManifest(of: try Self.profile(name), app: nil, redirects: []).faults == [])
    }

    @Test func `says what is beyond the limits`() throws {
        var tree = try Self.manifest("alibaba-slack").tree
        tree["display_information", "name"] = .text(String(repeating: "n", count: 36))
        tree["display_information", "long_description"] = .text(String(repeating: "d", count: 175))
        tree["oauth_config", "redirect_urls"] = JSONTree(texts: [String(repeating: "u", count: 2501)])
        #expect(SlackManifest(tree).faults.count == 3)
    }

    @Test func `before the app exists has no address of another app, and no events yet`() throws {
        let manifest = SlackManifest(of: try Self.profile("alibaba-slack"), app: nil, redirects: [])
        #expect(manifest.tree["oauth_config", "redirect_urls"] == nil)
        #expect(manifest.tree["settings", "event_subscriptions"] == nil)
        let link = manifest.creationLink
        #expect(link.hasPrefix("https://api.slack.com/apps?new_app=1&manifest_json=%7B%22display_information%22"))
        #expect(!link.contains(" ") && !link.contains("\""))
    }

    @Test func `brings what is missing, replaces another app's URLs and keeps the rest`() throws {
        let profile = try Self.profile("alibaba-slack")
        var theirs = try Self.manifest("alibaba-slack").tree
        let sample = "https://ailink.gts.work/thirdparty/slack/A0A75890ATF"
        theirs["oauth_config", "redirect_urls"] = JSONTree(texts: [
            "https://own.example/cb", "\(sample)/oauth2/callback",
        ])
        theirs["oauth_config", "scopes", "bot"] = JSONTree(texts: [
            "chat:write", "users:read", "im:write", "files:read",
        ])
        theirs["settings", "event_subscriptions", "request_url"] = .text("\(sample)/events")
        theirs["features", "slash_commands"] = .list([["command": "/own"]])
        let wanted = try Self.manifest("alibaba-slack")
        let (merged, differences) = SlackManifest(theirs).bringing(
            wanted,
            templates: profile.redirects.map {
                $0.replacing("{base}", with: profile.base)
            })
        #expect(
            differences.map(\.path) == [
                "oauth_config.redirect_urls", "oauth_config.redirect_urls", "oauth_config.scopes.bot",
                "settings.event_subscriptions.request_url",
            ])
        #expect(
            merged.tree["oauth_config", "redirect_urls"]?.texts == [
                "https://own.example/cb", "https://ailink.gts.work/thirdparty/slack/A0FAKE0001/oauth2/callback",
            ])
        #expect(merged.tree["features", "slash_commands"] == theirs["features", "slash_commands"])
        #expect(merged.tree["oauth_config", "scopes", "bot"]?.texts.contains("files:read") == true)
        #expect(merged.bringing(wanted, templates: []).1 == [])
    }
}

@Suite struct `What is pasted at the console` {
    @Test func `is Lark's scope import, its five redirect URLs, its trusted domain and its homepage`() throws {
        let profile = try #require(Profile.named("alibaba-lark", on: .lark))
        let app = try #require(AppID("cli_9b445f5258795107"))
        let sheets = profile.sheets(app: app, redirects: profile.redirectURLs(for: app))
        #expect(sheets.map(\.name) == ["scopes", "redirect_urls", "trusted_domain", "homepage"])
        guard case .document(let scopes) = sheets[0].content, case .lines(let urls) = sheets[1].content else {
            Issue.record("another kind of sheet")
            return
        }
        #expect(
            scopes.encoded()
                == #"{"scopes":{"tenant":["application:application:self_manage","cardkit:card:write","im:message:send_as_bot","tenant:tenant:readonly"],"user":[]}}"#
        )
        #expect(urls.count == 5 && sheets.allSatisfy { !$0.place.isEmpty })
        #expect(profile.sheets(app: nil, redirects: []).map(\.name) == ["scopes"])
    }

    @Test func `is a list of steps for Genesys`() throws {
        let profile = try #require(Profile.named("genesys-slack", on: .genesys))
        let sheets = profile.sheets(app: nil, redirects: [])
        #expect(sheets.map(\.name) == ["steps"])
        #expect(sheets[0].content != .lines([]))
    }
}
